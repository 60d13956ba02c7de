import { describe, expect, it } from 'vitest';
import { isAbort, judgeOf, timeoutOf } from '../../lib/indi/completion-choice.ts';
import { wantedValues } from '../../lib/indi/property-set.ts';
import { number, ScriptedLink, setNumber, switches } from './scripted-link.ts';

function property(xml: string, name = 'P') {
  const link = new ScriptedLink();
  link.says(xml);
  return link.store.property('D', name)!;
}
const two = property(switches('P', 'OneOfMany', { A: 'On', B: 'Off' }));
const pair = property(number('P', { X: [1], Y: [2] }));
const single = property(number('P', { X: [1] }));

describe('a wish', () => {
  it.each([
    ['the element that is named', pair, 'Y', '5', { Y: '5' }],
    ['an object of several', pair, '', { X: 1, Y: 2 }, { X: 1, Y: 2 }],
    ['the only element', single, '', 7, { X: 7 }],
    ['the switch that the value names', two, '', 'B', { B: true }],
    ['On and Off as words', two, 'B', 'On', { B: true }],
    ['1 and 0 of a dashboard', two, 'A', 0, { A: false }],
  ] as const)('is about %s', (_, known, element, value, wanted) => {
    expect(wantedValues(known, element, value)).toEqual(wanted);
  });

  it.each([
    [pair, '', 5, 'D.P has 2 elements: which one is to be 5?'],
    [two, '', 'C', 'which one is to be "C"?'],
    [two, 'A', 'perhaps', 'D.P.A takes true or false, not "perhaps".'],
    [pair, 'X', null, 'D.P.X takes a number, not null.'],
    [pair, 'X', [1], 'takes a number, not [1].'],
    [pair, '', { X: {} }, 'D.P.X takes a number, not {}.'],
  ] as const)('that can not be is refused: %#', (known, element, value, reason) => {
    expect(() => wantedValues(known, element, value)).toThrow(reason);
  });
});

describe('the judge of a property', () => {
  const none = () => undefined;
  const verdictOf = (name: string, xml: string, values: Record<string, number | boolean>, ...updates: string[]) => {
    const link = new ScriptedLink();
    link.says(xml);
    const known = link.store.property('D', name)!;
    const judge = judgeOf(known, values, none);
    const history = updates.map((update) => {
      link.says(update);
      return { what: 'updated', property: link.store.property('D', name)!, message: null } as const;
    });
    return judge?.([{ what: 'sent', property: known }, ...history], (each) => link.store.property('D', each));
  };

  it('is none for a plain setting', () => {
    expect(judgeOf(pair, { X: 1 }, none)).toBeUndefined();
    expect(judgeOf(two, { A: true }, none)).toBeUndefined();
  });

  it('of a mount waits until it is there, of a focuser for its position', () => {
    const mount = number('EQUATORIAL_EOD_COORD', { RA: [0], DEC: [0] });
    const early = setNumber('EQUATORIAL_EOD_COORD', 'Ok', { RA: 1, DEC: 0 });
    const there = setNumber('EQUATORIAL_EOD_COORD', 'Ok', { RA: 3, DEC: 40 });
    expect(verdictOf('EQUATORIAL_EOD_COORD', mount, { RA: 3, DEC: 40 }, early)).toBe('waiting');
    expect(verdictOf('EQUATORIAL_EOD_COORD', mount, { RA: 3, DEC: 40 }, there)).toMatchObject({ done: true });
    const focuser = number('ABS_FOCUS_POSITION', { FOCUS_ABSOLUTE_POSITION: [0] });
    const soon = setNumber('ABS_FOCUS_POSITION', 'Ok', { FOCUS_ABSOLUTE_POSITION: 0 });
    expect(verdictOf('ABS_FOCUS_POSITION', focuser, { FOCUS_ABSOLUTE_POSITION: 9 }, soon)).toBe('waiting');
  });

  it('of a button does not wait for it to stay on', () => {
    const button = switches('TELESCOPE_ABORT_MOTION', 'AtMostOne', { ABORT: 'Off' });
    const answer = '<setSwitchVector device="D" name="TELESCOPE_ABORT_MOTION" state="Ok"/>';
    expect(verdictOf('TELESCOPE_ABORT_MOTION', button, { ABORT: true }, answer)).toMatchObject({ done: true });
    expect(['TELESCOPE_ABORT_MOTION', 'CCD_ABORT_EXPOSURE', 'DOME_ABORT_MOTION', 'LABORATORY'].map(isAbort)).toEqual([
      ...[true, true, true, false],
    ]);
  });

  it('of a tracking mount takes Busy for on', () => {
    const track = switches('TELESCOPE_TRACK_STATE', 'OneOfMany', { TRACK_ON: 'Off', TRACK_OFF: 'On' });
    const on =
      '<setSwitchVector device="D" name="TELESCOPE_TRACK_STATE" state="Busy"><oneSwitch name="TRACK_ON">On</oneSwitch><oneSwitch name="TRACK_OFF">Off</oneSwitch></setSwitchVector>';
    expect(verdictOf('TELESCOPE_TRACK_STATE', track, { TRACK_ON: true }, on)).toMatchObject({ done: true });
  });

  it('has time for what takes long', () => {
    expect(timeoutOf(pair, { X: 1 })).toBeUndefined();
    expect(timeoutOf(property(number('CCD_EXPOSURE', { T: [0] }), 'CCD_EXPOSURE'), { T: 600 })).toBe(660);
    expect(timeoutOf(property(number('CCD_TEMPERATURE', { T: [0] }), 'CCD_TEMPERATURE'), { T: -10 })).toBe(1800);
  });
});
