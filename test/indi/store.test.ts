import { describe, expect, it } from 'vitest';
import { elementValue, isOn, numberOf, switchOf } from '../../lib/indi/property.ts';
import { type StoreEvent, storeLimits } from '../../lib/indi/store.ts';
import { makeWish } from '../../lib/indi/validate.ts';
import { number, ScriptedLink, setNumber, switches } from './scripted-link.ts';

describe('the store', () => {
  it('takes definitions, subsets, states and deletions, and tells each', () => {
    const link = new ScriptedLink();
    const events: StoreEvent[] = [];
    link.store.on('event', (event) => events.push(event));
    link.says(number('P', { A: [1], B: [2] }));
    const before = link.store.property('D', 'P')!;
    link.says(setNumber('P', 'Busy', { B: 5, NONE: 9 }, 'moving'));
    link.says('<setNumberVector device="D" name="P"/>');
    const after = link.store.property('D', 'P')!;
    expect([numberOf(after, 'A'), numberOf(after, 'B'), after.state]).toEqual([1, 5, 'Busy']);
    expect(after.elements.has('NONE')).toBe(false);
    // What somebody holds does not change under their hands.
    expect([numberOf(before, 'B'), before.state]).toEqual([2, 'Idle']);
    link.says('<delProperty device="D" name="P"/>');
    expect(link.store.devices()).toEqual([]);
    expect(events.map(({ what }) => what)).toEqual([
      'defined',
      'message',
      'updated',
      'updated',
      'deleted',
      'device-deleted',
    ]);
    expect(events.map(({ revision }) => revision)).toEqual(
      [...events.map(({ revision }) => revision)].sort((a, b) => a - b),
    );
  });

  it('is not confused by updates before definitions, of another type, repeated definitions and echoes', () => {
    const link = new ScriptedLink();
    const faults: string[] = [];
    link.store.on('fault', (fault) => faults.push(fault));
    link.says(setNumber('P', 'Ok', { A: 5 }));
    expect(link.store.devices()).toEqual([]);
    link.says(number('P', { A: [1] }) + number('P', { A: [7] }));
    link.says('<setTextVector device="D" name="P"><oneText name="A">x</oneText></setTextVector>');
    link.says('<newNumberVector device="D" name="P"><oneNumber name="A">99</oneNumber></newNumberVector>');
    link.says('<getProperties version="1.7" device="D"/>');
    expect(numberOf(link.store.property('D', 'P'), 'A')).toBe(7);
    expect(faults).toEqual([expect.stringContaining('no number')]);
  });

  it('holds a hostile server’s devices, properties and sentences within limits', () => {
    const link = new ScriptedLink();
    let refused = 0;
    link.store.on('fault', () => refused++);
    for (let i = 0; i < storeLimits.devices + 10; i++) link.says(number('P', { A: [1] }).replace('"D"', `"D${i}"`));
    for (let i = 0; i < storeLimits.messages + 10; i++) link.says(`<message message="${i}"/>`);
    expect(link.store.devices()).toHaveLength(storeLimits.devices);
    expect(link.store.messages()).toHaveLength(storeLimits.messages);
    expect(refused).toBe(10);
  });

  it('holds no more text than its limit, and takes it back when it is gone', () => {
    const link = new ScriptedLink();
    let refused = 0;
    link.store.on('fault', () => refused++);
    const long = 'x'.repeat(1_000_000);
    const text = (name: string) =>
      `<defTextVector device="D" name="${name}" state="Ok" perm="rw"><defText name="T">${long}</defText></defTextVector>`;
    const many = Math.ceil(storeLimits.characters / long.length);
    for (let i = 0; i < many + 3; i++) link.says(text(`P${i}`));
    expect(link.store.properties('D').length).toBeLessThan(many);
    expect(refused).toBeGreaterThan(2);
    link.says('<delProperty device="D"/>');
    link.says(text('AGAIN'));
    expect(link.store.properties('D')).toHaveLength(1);
  });

  it('answers looks at what is not there with null', () => {
    expect([numberOf(undefined, 'A'), elementValue(undefined, 'A'), switchOf(undefined), isOn(undefined, 'A')]).toEqual(
      [null, null, null, false],
    );
  });
});

describe('before anything is sent', () => {
  const link = new ScriptedLink();
  link.says(number('GEOGRAPHIC_COORD', { LAT: [51, -90, 90], LONG: [10, 0, 360], ELEV: [72, -200, 10_000] }));
  link.says(number('SLOT', { S: [1, 1, 8, 1, '%3.0f'] }) + number('EXPOSURE', { E: [1, 0, 3600, 1, '%5.2f'] }));
  link.says(number('UNKNOWN', { A: [Number.NaN], B: [0] }));
  link.says(
    switches('ONE', 'OneOfMany', { A: 'On', B: 'Off' }) +
      switches('MOST', 'AtMostOne', { A: 'On', B: 'Off' }) +
      switches('ANY', 'AnyOfMany', { A: 'On', B: 'Off' }),
  );
  link.says(
    '<defTextVector device="D" name="TIME_UTC" state="Ok" perm="rw"><defText name="UTC">2026-11-21T06:11:13</defText><defText name="OFFSET">0.00</defText></defTextVector>',
  );
  link.says('<defLightVector device="D" name="LIGHT" state="Ok"><defLight name="A">Ok</defLight></defLightVector>');
  const wish = (name: string, wanted: Record<string, number | string | boolean>) =>
    makeWish(link.store.property('D', name), 'D', name, wanted).elements.map(({ value }) => value);

  it('vectors are completed: a partial location is what drivers fill with rubbish', () =>
    expect(wish('GEOGRAPHIC_COORD', { LAT: 48 })).toEqual([48, 10, 72]));
  it('the time is whole: its zone alone would set the clock back, and without it drivers crash', () => {
    const UTC = '2026-11-21T07:00:00';
    expect(wish('TIME_UTC', { UTC, OFFSET: '1.00' })).toEqual([UTC, '1.00']);
    for (const [element, value] of Object.entries({ UTC, OFFSET: '1.00' }))
      expect(() => wish('TIME_UTC', { [element]: value })).toThrow(/UTC and OFFSET/);
  });
  it('sexagesimal becomes decimal', () =>
    expect(wish('GEOGRAPHIC_COORD', { LAT: '48:30:00', LONG: '5 30 0' })).toEqual([48.5, 5.5, 72]));
  it('a step is a hint, but half a slot is none', () => {
    expect(wish('EXPOSURE', { E: 0.25 })).toEqual([0.25]);
    expect(() => wish('SLOT', { S: 2.5 })).toThrow(/whole steps/);
  });
  it('switches keep their rule', () => {
    expect(wish('ONE', { B: true })).toEqual([false, true]);
    expect(wish('MOST', { A: false })).toEqual([false, false]);
    expect(wish('ANY', { B: true })).toEqual([true, true]);
  });
  it.each([
    ['GEOGRAPHIC_COORD', { LAT: 95 }, /D\.GEOGRAPHIC_COORD\.LAT is from -90 to 90, not 95/],
    ['GEOGRAPHIC_COORD', { LAT: Number.NaN }, /needs a number, not null/],
    ['GEOGRAPHIC_COORD', { LAT: Infinity }, /needs a number/],
    ['GEOGRAPHIC_COORD', { LAT: 'north' }, /needs a number, not "north"/],
    ['GEOGRAPHIC_COORD', { LAT: true }, /needs a number/],
    ['UNKNOWN', { B: 1 }, /UNKNOWN\.A has no value yet/],
    ['ONE', { A: true, B: true }, /only one can be on, not A and B/],
    ['ONE', { A: false }, /one must be on/],
    ['ONE', { A: 'On' }, /is a switch/],
    ['ONE', { C: true }, /has no element C/],
    ['TIME_UTC', { UTC: true, OFFSET: '0' }, /needs a text/],
    ['LIGHT', { A: 1 }, /can only be read/],
    ['NONE', { A: 1 }, /has no property NONE/],
    ['SLOT', { constructor: 1 }, /has no element constructor/],
  ])('%s %j is refused', (name, wanted, sentence) => expect(() => wish(name, wanted)).toThrow(sentence));
});
