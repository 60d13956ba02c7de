/** The verdicts over histories as the real drivers wrote them (facts measured on indi-bin 1.9.9). */
import { describe, expect, it } from 'vitest';
import { type Happening, type Judge, pressed, setting, switched, type Verdict } from '../../lib/indi/completion.ts';
import {
  arrived,
  cooled,
  domeParked,
  exposed,
  filterSelected,
  focused,
  motionStopped,
  parked,
  recorded,
  separationDegrees,
  streaming,
  tracking,
} from '../../lib/indi/completion-devices.ts';
import type { IndiProperty } from '../../lib/indi/property.ts';
import type { ElementValue, PropertyState } from '../../lib/indi/protocol/message.ts';

const property = (name: string, state: PropertyState, values: Record<string, ElementValue> = {}): IndiProperty => ({
  device: 'D',
  name,
  type: 'number',
  label: name,
  group: '',
  state,
  permission: 'rw',
  rule: null,
  timeoutSeconds: 0,
  timestamp: null,
  elements: new Map(
    Object.entries(values).map(([element, value]) => [element, { name: element, label: element, value }]),
  ),
  revision: 1,
  at: 0,
});
const update = (...of: Parameters<typeof property>): Happening => ({
  what: 'updated',
  property: property(...of),
  message: null,
});
const confirmed = (...of: Parameters<typeof property>): Happening => ({ what: 'confirmed', property: property(...of) });
const sent = (...of: Parameters<typeof property>): Happening => ({ what: 'sent', property: property(...of) });
const says = (message: string): Happening => ({ what: 'message', message });
const picture = (error: string | null = null, format = '.fits'): Happening => ({
  what: 'blob',
  arrival: {
    device: 'D',
    property: 'CCD1',
    state: 'Ok',
    timestamp: null,
    message: null,
    elements: [
      {
        name: 'CCD1',
        blob: { format, declaredBytes: 1, data: null, byteLength: 1, error, firstByteAt: 0, arrivedAt: 0 },
      },
    ],
  },
});

/** The verdict after each step. */
function verdicts(judge: Judge, history: readonly Happening[]): string[] {
  return history.map((_, i) => {
    const until = history.slice(0, i + 1);
    const current = (name: string) =>
      until.findLast((each) => 'property' in each && each.property.name === name) as
        | { property: IndiProperty }
        | undefined;
    const verdict: Verdict = judge(until, (name) => current(name)?.property);
    return verdict === 'waiting' ? 'waiting' : 'rejected' in verdict ? `rejected: ${verdict.rejected}` : 'done';
  });
}

describe('a slew', () => {
  const EOD = 'EQUATORIAL_EOD_COORD';
  const judge = arrived({ raHours: 23.999, decDegrees: 40 });
  const at = (state: PropertyState, RA: number, DEC = 40) => update(EOD, state, { RA, DEC });

  it('is done when Ok and there, across 24 h', () =>
    expect(
      verdicts(judge, [says('[INFO] Slewing'), at('Busy', 20), at('Busy', 23.999), at('Ok', 23.9991), at('Ok', 0.06)]),
    ).toEqual(['waiting', 'waiting', 'waiting', 'done', 'waiting']));
  it('is not done by an Ok that comes before the mount is there', () =>
    expect(verdicts(judge, [at('Ok', 20), at('Busy', 21)])).toEqual(['waiting', 'waiting']));
  it('may end a little beside the target, but a sync, which is never Busy, may not', () => {
    expect(verdicts(judge, [at('Busy', 23), at('Ok', 23.999, 40.03), at('Ok', 23.999, 40.6)])).toEqual([
      ...['waiting', 'done', 'waiting'],
    ]);
    expect(verdicts(judge, [at('Ok', 23.999, 40.03)])).toEqual(['waiting']);
  });
  it('is not done by a driver that reports NaN, nor brought down by it', () => {
    expect(verdicts(judge, [at('Busy', Number.NaN), at('Ok', Number.NaN, Number.NaN), at('Ok', 23.999)])).toEqual([
      ...['waiting', 'waiting', 'done'],
    ]);
  });
  it('stays aborted, though a tracking mount says Ok again', () =>
    expect(
      verdicts(judge, [at('Busy', 23.999), at('Idle', 23.999), says('Slew/Track aborted.'), at('Ok', 23.999)]).slice(1),
    ).toEqual([
      'rejected: The mount stopped before it was there.',
      'rejected: Slew/Track aborted.',
      'rejected: Slew/Track aborted.',
    ]));
  it('is refused by a parked mount in words, with Idle and never Alert', () =>
    expect(verdicts(judge, [says('[WARNING] Please unpark the mount'), at('Idle', 1)])).toEqual([
      'waiting',
      'rejected: [WARNING] Please unpark the mount',
    ]));
  it('is not refused by the Idle position that was under way when it began', () =>
    expect(
      verdicts(judge, [sent(EOD, 'Idle'), at('Idle', 1), says('[INFO] Slewing'), at('Busy', 2), at('Ok', 23.999)]).at(
        -1,
      ),
    ).toBe('done'));
  it('is refused when the driver has read it and stays Idle', () =>
    expect(verdicts(judge, [at('Idle', 1), confirmed(EOD, 'Idle', { RA: 1, DEC: 1 })]).at(-1)).toMatch(/^rejected/));
  it('measures on the sky', () => {
    expect(separationDegrees({ raHours: 0, decDegrees: 89.99 }, { raHours: 12, decDegrees: 89.99 })).toBeCloseTo(
      0.02,
      9,
    );
    expect(separationDegrees({ raHours: 1, decDegrees: 0 }, { raHours: 2, decDegrees: 0 })).toBeCloseTo(15, 9);
  });
});

describe('an exposure', () => {
  const E = 'CCD_EXPOSURE';
  it.each([
    ['picture first', [update(E, 'Busy'), picture(), update(E, 'Ok')]],
    ['Ok first, as in fast mode', [update(E, 'Busy'), update(E, 'Ok'), picture()]],
  ])('is done with both: %s', (_order, history) =>
    expect(verdicts(exposed(), history)).toEqual(['waiting', 'waiting', 'done']),
  );
  it('without a picture is done by Ok', () =>
    expect(verdicts(exposed({ blob: null }), [update(E, 'Busy'), update(E, 'Ok')])).toEqual(['waiting', 'done']));
  it('ends with Idle when it is stopped', () =>
    expect(verdicts(exposed(), [update(E, 'Busy'), update(E, 'Idle', { CCD_EXPOSURE_VALUE: 0 })]).at(-1)).toBe(
      'rejected: The exposure was stopped.',
    ));
  it('keeps its Alert, with the driver’s sentence', () =>
    expect(
      verdicts(exposed(), [says('[ERROR] dir not writable'), update(E, 'Alert'), update(E, 'Ok')]).slice(1),
    ).toEqual(Array(2).fill('rejected: [ERROR] dir not writable')));
  it('is not done by a late picture of another exposure, nor by a frame of a stream', () => {
    expect(verdicts(exposed(), [picture(), update(E, 'Busy'), update(E, 'Ok')]).at(-1)).toBe('waiting');
    expect(verdicts(exposed(), [update(E, 'Busy'), picture(null, '.stream'), update(E, 'Ok')]).at(-1)).toBe('waiting');
  });
  it('with a picture that lies is refused', () =>
    expect(verdicts(exposed(), [update(E, 'Busy'), picture('The BLOB lies.')])).toEqual([
      'waiting',
      'rejected: The BLOB lies.',
    ]));
});

describe('a setting', () => {
  const judge = setting('CCD_BINNING', { HOR_BIN: 2 });
  it('keeps the first Alert', () =>
    expect(
      verdicts(judge, [
        update('CCD_BINNING', 'Ok'),
        says('[ERROR] no'),
        update('CCD_BINNING', 'Alert'),
        update('CCD_BINNING', 'Ok'),
      ]).at(-1),
    ).toBe('rejected: [ERROR] no'));
  it('does not blame an Alert of before, repeated without a word, on this command', () =>
    expect(
      verdicts(judge, [
        sent('CCD_BINNING', 'Alert'),
        update('CCD_BINNING', 'Alert'),
        update('CCD_BINNING', 'Ok', { HOR_BIN: 2 }),
      ]),
    ).toEqual(['waiting', 'waiting', 'done']));
  it('but stays refused when nothing better follows', () =>
    expect(
      verdicts(judge, [
        sent('CCD_BINNING', 'Alert'),
        update('CCD_BINNING', 'Alert'),
        confirmed('CCD_BINNING', 'Alert'),
      ]).at(-1),
    ).toMatch(/^rejected/));
  it('takes Idle with the values for done, without them for refused', () => {
    expect(verdicts(judge, [update('CCD_BINNING', 'Idle', { HOR_BIN: 2 })])).toEqual(['done']);
    expect(
      verdicts(judge, [says('Error: Too many switches are on.'), update('CCD_BINNING', 'Idle', { HOR_BIN: 1 })]).at(-1),
    ).toBe('rejected: Error: Too many switches are on.');
  });
  it('that was in force already is confirmed by the driver’s definition', () => {
    expect(verdicts(judge, [confirmed('CCD_BINNING', 'Idle', { HOR_BIN: 2 })])).toEqual(['done']);
    expect(verdicts(judge, [confirmed('CCD_BINNING', 'Ok', { HOR_BIN: 1 })])).toEqual(['waiting']);
  });
});

describe('other devices', () => {
  const A = 'ABS_FOCUS_POSITION';
  const to = (state: PropertyState, FOCUS_ABSOLUTE_POSITION: number) => update(A, state, { FOCUS_ABSOLUTE_POSITION });
  it('a focuser that says Ok with the position of before is still on its way', () =>
    expect(verdicts(focused(500), [to('Ok', 100), to('Busy', 300), to('Ok', 500)])).toEqual([
      'waiting',
      'waiting',
      'done',
    ]));
  it('a wheel shows the old slot while it turns', () =>
    expect(
      verdicts(filterSelected(3), [
        update('FILTER_SLOT', 'Busy', { FILTER_SLOT_VALUE: 3 }),
        update('FILTER_SLOT', 'Ok', { FILTER_SLOT_VALUE: 3 }),
      ]),
    ).toEqual(['waiting', 'done']));
  it('a cooler is there while still Busy', () => {
    const T = (state: PropertyState, CCD_TEMPERATURE_VALUE: number) =>
      update('CCD_TEMPERATURE', state, { CCD_TEMPERATURE_VALUE });
    expect(verdicts(cooled(-10), [T('Busy', 5), T('Busy', -9.8)])).toEqual(['waiting', 'done']);
    expect(verdicts(cooled(-10), [T('Idle', 5)])).toEqual(['rejected: The cooler is off.']);
  });
  it('a mount parks, and a stopped park is refused', () => {
    expect(
      verdicts(parked('PARK'), [
        update('TELESCOPE_PARK', 'Busy', { PARK: true }),
        update('TELESCOPE_PARK', 'Ok', { PARK: true }),
      ]),
    ).toEqual(['waiting', 'done']);
    expect(
      verdicts(parked('PARK'), [
        update('TELESCOPE_PARK', 'Busy', { PARK: true }),
        update('TELESCOPE_PARK', 'Alert', { PARK: false }),
      ]).at(-1),
    ).toMatch(/^rejected/);
  });
  it('tracking is on while Busy', () => {
    expect(
      verdicts(tracking(true), [update('TELESCOPE_TRACK_STATE', 'Busy', { TRACK_ON: true, TRACK_OFF: false })]),
    ).toEqual(['done']);
    expect(
      verdicts(tracking(true), [
        says('[WARNING] parked'),
        update('TELESCOPE_TRACK_STATE', 'Idle', { TRACK_ON: false, TRACK_OFF: true }),
      ]).at(-1),
    ).toBe('rejected: [WARNING] parked');
  });
  it('an abort is over when nothing moves', () =>
    expect(
      verdicts(motionStopped(), [
        update('EQUATORIAL_EOD_COORD', 'Busy'),
        update('TELESCOPE_ABORT_MOTION', 'Ok'),
        update('EQUATORIAL_EOD_COORD', 'Idle'),
      ]),
    ).toEqual(['waiting', 'waiting', 'done']));
  it('a dome is parked when its shutter is closed, too', () => {
    const history = [
      update('DOME_SHUTTER', 'Busy', { SHUTTER_CLOSE: true }),
      update('DOME_PARK', 'Ok', { PARK: true }),
      update('DOME_SHUTTER', 'Ok', { SHUTTER_CLOSE: true }),
    ];
    expect(verdicts(domeParked({ shutter: true }), history)).toEqual(['waiting', 'waiting', 'done']);
    expect(verdicts(domeParked({ shutter: false }), history)).toEqual(['waiting', 'done', 'done']);
  });
  it('a stream is on while Busy, a recording over when no longer', () => {
    expect(verdicts(streaming(true), [update('CCD_VIDEO_STREAM', 'Busy', { STREAM_ON: true })])).toEqual(['done']);
    expect(
      verdicts(recorded, [
        update('RECORD_STREAM', 'Idle'),
        update('RECORD_STREAM', 'Busy'),
        update('RECORD_STREAM', 'Idle'),
      ]),
    ).toEqual(['waiting', 'waiting', 'done']);
  });
  it('a button and a switch', () => {
    expect(verdicts(pressed('X'), [update('X', 'Busy'), update('X', 'Ok')])).toEqual(['waiting', 'done']);
    expect(verdicts(switched('X', 'A'), [update('X', 'Busy', { A: true }), update('X', 'Ok', { A: true })])).toEqual([
      'waiting',
      'done',
    ]);
    expect(verdicts(switched('X', 'A'), [update('X', 'Ok', { A: false })])).toEqual(['rejected: X did not go to A.']);
  });
});
