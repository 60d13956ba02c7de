import { describe, expect, it } from 'vitest';
import {
  type EventState,
  type FixedOptions,
  nextStep,
  planFixed,
  planFixedList,
  statesAfterRestart,
} from '../../lib/night/fixed-schedule.ts';
import type { Target } from '../../lib/sky/target.ts';
import { noLimits } from '../../lib/sky/visibility.ts';

const now = Date.parse('2026-11-21T20:00:00Z');
const options: FixedOptions = {
  site: { latitude: 28.7606, longitude: -17.8816, elevation: 2396 },
  limits: { ...noLimits, minimumAltitudeDegrees: 15 },
  leadSeconds: 300,
  durationSeconds: 60,
};
/** High over La Palma from ten in the evening on. */
const capella = { raDegrees: 79.17233, decDegrees: 45.99799 };
const target = (name: string, time: string, changes: Partial<Target> = {}): Target => ({
  name,
  ...capella,
  start: `2026-11-21T${time}Z`,
  durationSeconds: 60,
  ...changes,
});
const at = (time: string) => Date.parse(`2026-11-21T${time}Z`);

describe('the plan of a night', () => {
  it('has the events in the order of their starts, whatever the order of the list', () => {
    const { events, refused } = planFixed([target('b', '23:00:00'), target('a', '22:00:00')], now, options);
    expect(events.map(({ target: { name } }) => name)).toEqual(['a', 'b']);
    expect(events[0]).toMatchObject({ prepareAt: at('21:55:00'), startAt: at('22:00:00'), endAt: at('22:01:00') });
    expect(refused).toEqual([]);
  });

  it('refuses before the night what can not be done, each with its reason', () => {
    const { start: _, ...without } = target('no start', '22:00:00');
    const list = [
      target('past', '19:30:00'),
      target('south', '22:00:00', { decDegrees: -80 }),
      without,
      target('first', '22:10:00', { durationSeconds: 600 }),
      target('inside', '22:15:00'),
      target('too soon', '22:24:00'),
      target('after', '22:30:00'),
      target('after', '22:30:00'),
    ];
    const { events, refused } = planFixed(list, now, options);
    expect(events.map(({ target: { name } }) => name)).toEqual(['first', 'after']);
    const reasons = Object.fromEntries(
      refused.map(({ target: { name }, code, reason }) => [`${name} ${code}`, reason]),
    );
    expect(reasons).toEqual({
      'past past': 'past began at 19:30:00 UTC, 30 min ago.',
      'south below-horizon': expect.stringMatching(
        /^south can't be seen at 22:00:00 UTC: it stands at -\d+\.\d°, below the horizon of 0\.0° in the south.*\.$/,
      ),
      'no start no-start': 'no start has no start.',
      'inside overlap': 'inside begins at 22:15:00 UTC, but first lasts until 22:20:00 UTC.',
      'too soon overlap':
        'too soon must be prepared from 22:19:00 UTC on for its start at 22:24:00 UTC, but first lasts until 22:20:00 UTC.',
      'after twice': 'after at 22:30:00 UTC is in the list twice.',
    });
  });

  it('reads a list, broken lines apart, and is the same in the middle of the night', () => {
    const list = 'name,RA,Dec,start,duration\na,79.17d,46,22:00:00,60\nb,25h,46,22:00,60\nc,79.17d,46,03:00:00,60';
    const before = planFixedList(list, now, options);
    expect(before.broken).toEqual([{ line: 3, text: 'b,25h,46,22:00,60', reason: expect.stringContaining('25h') }]);
    expect(before.events.map(({ target: { start } }) => start)).toEqual([
      '2026-11-21T22:00:00.000Z',
      '2026-11-22T03:00:00.000Z',
    ]);
    const during = planFixedList(list, at('23:00:00'), options);
    expect(during.events.map(({ id }) => id)).toEqual([before.events[1]!.id]);
    expect(during.refused).toMatchObject([{ target: { name: 'a' }, code: 'past' }]);
  });

  it('asks for a duration where the target and the options have none', () => {
    const { durationSeconds: _, ...short } = target('a', '22:00:00');
    expect(planFixed([short], now, options).events[0]!.endAt).toBe(at('22:01:00'));
    expect(planFixed([short], now, { ...options, durationSeconds: null }).refused[0]!.code).toBe('no-duration');
  });

  it('knows the exposure of each recording, and refuses an event shorter than that', () => {
    const calibration = { magnitude: 11, exposureSeconds: 0.1, shortestSeconds: 0.01, longestSeconds: 2 };
    const list = [
      target('by magnitude', '22:00:00', { magnitude: 13.5 }),
      target('by the list', '22:20:00', { magnitude: 13.5, exposureSeconds: 0.04 }),
      target('unknown', '22:40:00'),
      target('short', '23:00:00', { durationSeconds: 0.5, magnitude: 13.5 }),
    ];
    const { events, refused } = planFixed(list, now, { ...options, calibration });
    expect(events.map(({ exposure }) => exposure)).toEqual([
      { seconds: 1, from: 'magnitude', limited: null },
      { seconds: 0.04, from: 'list', limited: null },
      null,
    ]);
    expect(refused).toMatchObject([{ code: 'too-short', reason: 'short lasts 0.5 s, less than one exposure of 1 s.' }]);
    expect(planFixed(list, now, options).events[0]!.exposure).toBeNull();
  });

  it('sees a target that sets during its event', () => {
    const vega = { raDegrees: 279.23473, decDegrees: 38.78369, durationSeconds: 4 * 3600 };
    const { refused } = planFixed([target('long', '20:30:00', vega)], now, options);
    expect(refused[0]!.code).toBe('below-horizon');
  });
});

describe('the next step', () => {
  const { events } = planFixed([target('a', '22:00:00'), target('b', '22:30:00')], now, options);
  const [a, b] = events as [(typeof events)[0], (typeof events)[0]];
  const states = (entries: [string, EventState][]) => new Map(entries);

  it.each<[string, [string, EventState][], string, object]>([
    ['waits for the lead', [], '21:00:00', { act: 'wait', until: a.prepareAt, event: a }],
    ['prepares', [], '21:55:00', { act: 'prepare', secondsLeft: 300, event: a }],
    ['prepares late rather than not at all', [], '21:59:30', { act: 'prepare', secondsLeft: 30, event: a }],
    ['waits for the start', [[a.id, 'preparing']], '21:58:00', { act: 'wait', until: a.startAt, event: a }],
    ['begins', [[a.id, 'preparing']], '22:00:00', { act: 'begin', event: a }],
    ['never begins late', [[a.id, 'preparing']], '22:00:02', { act: 'miss', event: a }],
    ['reports what was slept through', [], '22:10:00', { act: 'miss', event: a }],
    ['waits for the end', [[a.id, 'running']], '22:00:30', { act: 'wait', until: a.endAt, event: a }],
    ['says that the end has come', [[a.id, 'running']], '22:01:00', { act: 'over', event: a }],
    ['leaves out what was skipped', [[a.id, 'skipped']], '22:00:30', { act: 'wait', until: b.prepareAt, event: b }],
    ['goes on to the next', [[a.id, 'failed']], '22:00:30', { act: 'wait', until: b.prepareAt, event: b }],
    [
      'finishes',
      [
        [a.id, 'done'],
        [b.id, 'missed'],
      ],
      '22:00:30',
      { act: 'finish' },
    ],
  ])('%s', (_what, done, time, step) => expect(nextStep(events, states(done), at(time))).toMatchObject(step));

  it('waits for a report beyond the end, but never into the preparation of the next', () => {
    const late = at('22:20:00');
    expect(nextStep(events, states([[a.id, 'running']]), late, 1200)).toMatchObject({
      act: 'wait',
      until: at('22:21:00'),
    });
    expect(nextStep(events, states([[a.id, 'running']]), late, 3600)).toMatchObject({
      act: 'wait',
      until: b.prepareAt,
    });
    const last = states([
      [a.id, 'running'],
      [b.id, 'skipped'],
    ]);
    expect(nextStep(events, last, late, 3600)).toMatchObject({ act: 'wait', until: at('23:01:00') });
  });

  it('begins before the start where a stream must run by then', () => {
    const [armed] = planFixed([target('a', '22:00:00')], now, { ...options, armSeconds: 8 }).events;
    const prepared = states([[armed!.id, 'preparing']]);
    expect(nextStep([armed!], prepared, at('21:59:51'))).toMatchObject({ act: 'wait', until: at('21:59:52') });
    expect(nextStep([armed!], prepared, at('21:59:52'))).toMatchObject({ act: 'begin' });
  });

  it('says why an event was missed', () => {
    expect(nextStep(events, states([[a.id, 'preparing']]), at('22:05:00'))).toMatchObject({
      reason: 'a was missed: it began at 22:00:00 UTC, 5 min ago, while it was still being prepared.',
    });
  });

  it('prepares anew after a restart, and never goes on with a recording that was cut off', () => {
    const journal = states([
      [a.id, 'running'],
      [b.id, 'preparing'],
      ['of another list', 'done'],
    ]);
    expect([...statesAfterRestart(events, journal)]).toEqual([[a.id, 'failed']]);
  });
});
