import { describe, expect, it } from 'vitest';
import { checkRule, type SafetyRule, type Trouble, troubleOf } from '../../lib/indi/safety.ts';
import { number, ScriptedLink, switches as switchVector } from './scripted-link.ts';

const fresh = { ageSeconds: 1, limitSeconds: 60, answers: true };
const strict = { busyIsSafe: false };
const rule = (more: Partial<SafetyRule>): SafetyRule => ({
  ...{ device: 'D', property: 'P', element: '', test: 'ok', low: null, high: null },
  ...more,
});
const switches = (name: string, values: Record<string, boolean>) =>
  switchVector(
    name,
    'OneOfMany',
    Object.fromEntries(Object.entries(values).map(([element, on]) => [element, on ? 'On' : 'Off'])),
  );
const connection = switches('CONNECTION', { CONNECT: true, DISCONNECT: false });
const lights = (state: string, values: Record<string, string>) =>
  `<defLightVector device="D" name="P" state="${state}">${Object.entries(values)
    .map(([name, value]) => `<defLight name="${name}" label="the ${name}">${value}</defLight>`)
    .join('')}</defLightVector>`;
const withState = (xml: string, state: string) => xml.replace(/state="\w+"/, `state="${state}"`);

function verdict(xml: string, more: Partial<SafetyRule> = {}, freshness = {}, how = strict): Trouble | null {
  const link = new ScriptedLink();
  link.says(connection + xml);
  return troubleOf(rule(more), link.store, { ...fresh, ...freshness }, how);
}

describe('what a device says', () => {
  it.each([
    ['lights that are Ok', lights('Ok', { A: 'Ok' }), {}],
    ['one light that is Ok', lights('Ok', { A: 'Ok', B: 'Idle' }), { element: 'A' }],
    ['a number within', number('P', { A: [5] }), { element: 'A', test: 'range', low: 5, high: 6 }],
    ['a number above the only limit', number('P', { A: [5] }), { element: 'A', test: 'range', low: 4 }],
    ['a switch', switches('P', { A: true, B: false }), { element: 'A', test: 'on' }],
    ['a switch that is off', switches('P', { A: true, B: false }), { element: 'B', test: 'off' }],
  ] as const)('is safe: %s', (_, xml, more) => {
    expect(verdict(xml, more)).toBeNull();
  });

  it.each([
    ['alert', 'D: P is at Alert: the B.', lights('Alert', { A: 'Ok', B: 'Alert' }), {}],
    // The light is good, the vector is not.
    ['alert', 'D: the A is at Alert.', lights('Alert', { A: 'Ok', B: 'Alert' }), { element: 'A' }],
    ['alert', 'D: the B is at Alert.', lights('Ok', { A: 'Ok', B: 'Alert' }), { element: 'B' }],
    ['warning', 'D: P is Busy: the A.', lights('Busy', { A: 'Busy' }), {}],
    ['unknown', 'D: P tells nothing (Idle).', lights('Idle', { A: 'Idle' }), {}],
    ['limit', 'D: A is 25.5, above 20.', number('P', { A: [25.5] }), { element: 'A', test: 'range', high: 20 }],
    ['limit', 'D: A is -1, below 0.', number('P', { A: [-1] }), { element: 'A', test: 'range', low: 0 }],
    ['unknown', 'D: A is no number.', switches('P', { A: true }), { element: 'A', test: 'range', low: 0 }],
    ['limit', 'D: A is off.', switches('P', { A: false, B: true }), { element: 'A', test: 'on' }],
    ['limit', 'D: B is on.', switches('P', { A: false, B: true }), { element: 'B', test: 'off' }],
    ['unknown', 'D: A is no switch.', number('P', { A: [1] }), { element: 'A', test: 'on' }],
    ['unknown', 'D has no property P now.', '', {}],
    ['unknown', 'D.P.C is not there.', number('P', { A: [1] }), { element: 'C', test: 'range', low: 0 }],
    [
      'alert',
      'D: A is at Alert.',
      withState(number('P', { A: [1] }), 'Alert'),
      { element: 'A', test: 'range', low: 0 },
    ],
    // A shutter half open.
    ['warning', 'D: A is Busy.', withState(switches('P', { A: true }), 'Busy'), { element: 'A', test: 'on' }],
  ] as const)('is unsafe, %s: %s', (kind, reason, xml, more) => {
    expect(verdict(xml, more)).toMatchObject({ kind, reason, device: 'D', property: 'P' });
  });

  it('is safe at a warning where the user wants it so', () => {
    expect(verdict(lights('Busy', { A: 'Busy' }), {}, {}, { busyIsSafe: true })).toBeNull();
    expect(verdict(lights('Alert', { A: 'Alert' }), {}, {}, { busyIsSafe: true })).toMatchObject({ kind: 'alert' });
  });
});

describe('what is not known', () => {
  const good = lights('Ok', { A: 'Ok' });
  it.each([
    ['stale', 'D: P was not refreshed for 61 s.', { ageSeconds: 61 }],
    ['unknown', 'D: P was not refreshed yet since it is watched.', { ageSeconds: null }],
    ['stale', 'The driver of D does not answer.', { answers: false }],
    ['unknown', 'Whether the driver of D answers is not known yet.', { answers: null }],
  ] as const)('is unsafe, %s: %s', (kind, reason, freshness) => {
    expect(verdict(good, {}, freshness)).toMatchObject({ kind, reason });
  });

  it('may be of any age where it is sent only when it changes', () => {
    expect(verdict(good, {}, { ageSeconds: null, limitSeconds: null })).toBeNull();
  });

  it('is unsafe: no server, a device that is not connected, a number that is none', () => {
    expect(troubleOf(rule({}), null, fresh, strict)).toMatchObject({ kind: 'disconnected' });
    const link = new ScriptedLink();
    link.says(switches('CONNECTION', { CONNECT: false, DISCONNECT: true }) + good);
    expect(troubleOf(rule({}), link.store, fresh, strict)).toMatchObject({ reason: 'D is not connected.' });
    const nan = number('P', { A: [1] }).replace(/>\s*1\s*</, '>nan<');
    expect(verdict(nan, { element: 'A', test: 'range', low: 0 })).toMatchObject({ kind: 'unknown' });
  });
});

it('a rule that can decide nothing is refused', () => {
  expect(() => checkRule(rule({ device: '' }))).toThrow('needs a device and a property');
  expect(() => checkRule(rule({ test: 'on' }))).toThrow('The safety rule for D.P needs an element.');
  expect(() => checkRule(rule({ test: 'range', element: 'A' }))).toThrow('has no limit');
  expect(() => checkRule(rule({ test: 'range', element: 'A', low: 2, high: 1 }))).toThrow(
    'allows nothing: 2 is above 1',
  );
  checkRule(rule({ test: 'range', element: 'A', low: 0 }));
});
