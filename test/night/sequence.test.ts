import { describe, expect, it } from 'vitest';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import { lostError, type ScriptedCamera } from './scripted-camera.ts';
import { evening, numbers, setUp, tromso, upTo } from './scripted-sequence.ts';

describe('a sequence', () => {
  it('takes N frames back to back, numbered, in their night, and measures the gaps', async () => {
    const { sequence, frames, camera } = setUp({ exposureSeconds: 5, frames: 12 }, { script: { deadSeconds: 0.0025 } });
    await sequence.start();
    const end = await sequence.finished;
    expect(end).toMatchObject({ reason: 'count', frames: 12, lost: 0, failures: 0, error: null, unaccepted: [] });
    expect(numbers(frames)).toEqual(upTo(12));
    expect(frames[0]!.frame).toMatchObject({ number: 1, night: '2026-03-20', site: tromso });
    expect(camera.exposuresBegun).toBe(12);
    expect(camera.openIterators).toBe(0);
    expect(end.gaps).toMatchObject({ count: 11, minimum: 0.0025, maximum: 0.0025, exposedSeconds: 60 });
    expect(end.gaps.median).toBeCloseTo(0.0025, 4);
    expect(end.gaps.usedPercent).toBeCloseTo(100 * (60 / 60.0275), 6);
  });

  it('keeps the interval from start to start without drift', async () => {
    const { sequence, camera } = setUp({ exposureSeconds: 2, intervalSeconds: 10, frames: 5 });
    await sequence.start();
    const end = await sequence.finished;
    expect(camera.starts.map((start) => (start - evening) / 1000)).toEqual([0, 10, 20, 30, 40]);
    expect(end.gaps).toMatchObject({ count: 4, minimum: 8, maximum: 8 });
  });

  it('runs for a duration', async () => {
    const { sequence, frames } = setUp({ exposureSeconds: 5, durationSeconds: 600 });
    await sequence.start();
    expect(await sequence.finished).toMatchObject({ reason: 'time', frames: 120 });
    expect(frames.at(-1)!.frame.start).toBe('2026-03-20T17:09:55.000Z');
  });

  it('waits for the Sun to sink and stops when it rises (times from astropy: 18:02:07 and 03:39:06 UTC)', async () => {
    const { sequence, camera, progress } = setUp({ exposureSeconds: 60, start: 'sun -6', stop: 'sun -6' });
    await sequence.start();
    const end = await sequence.finished;
    expect(Math.abs(camera.starts[0]! - Date.parse('2026-03-20T18:02:07Z'))).toBeLessThan(2000);
    const last = camera.starts.at(-1)!;
    expect(last).toBeLessThan(Date.parse('2026-03-21T03:39:08Z'));
    expect(last).toBeGreaterThan(Date.parse('2026-03-21T03:38:00Z'));
    expect(end).toMatchObject({ reason: 'time', frames: 577 });
    expect(progress[0]).toMatchObject({ phase: 'waiting-start', of: 577, n: 0 });
  });

  it('starts at once when the Sun is down already, and at a time of day on the site’s clocks', async () => {
    const night = new RehearsalClock(Date.parse('2026-03-20T20:00:00Z'), Infinity);
    const dark = setUp({ exposureSeconds: 10, start: 'sun -6', stop: '22:00' }, { clock: night });
    await dark.sequence.start();
    expect(await dark.sequence.finished).toMatchObject({ reason: 'time', frames: 360 });
    const later = setUp({ exposureSeconds: 10, start: '22:30', frames: 1 });
    await later.sequence.start();
    await later.sequence.finished;
    expect(later.camera.starts[0]).toBe(Date.parse('2026-03-20T21:30:00Z'));
  });

  it('refuses what can never start, and says why', async () => {
    const summer = new RehearsalClock(Date.parse('2026-06-21T20:00:00Z'), Infinity);
    const sun = setUp({ exposureSeconds: 10, start: 'sun -6' }, { clock: summer });
    await expect(sun.sequence.start()).rejects.toThrow('The Sun does not sink below -6° here');
    const nowhere = setUp({ exposureSeconds: 10, start: 'sun -6' }, { site: null });
    await expect(nowhere.sequence.start()).rejects.toThrow('needs a site');
    const past = setUp({ exposureSeconds: 10, stop: '2020-01-01T00:00Z' });
    await expect(past.sequence.start()).rejects.toThrow('lies before the start');
    expect(() => setUp({ exposureSeconds: 5, intervalSeconds: 3 })).toThrow('shorter than the exposure');
    expect(() => setUp({})).toThrow('The exposure time is missing');
    expect(() => setUp({ exposureSeconds: 5, frames: 2.5 })).toThrow('not a whole number');
    expect(() => setUp({ exposureSeconds: 5, start: 'dusk' })).toThrow('neither a time of day nor an ISO date');
  });

  it('stop finishes the exposure under way, abort drops it', async () => {
    const third = (ask: () => unknown) => (k: number) => {
      if (k === 3) ask();
      return 0;
    };
    const stopped = setUp({ exposureSeconds: 5 }, { script: { before: third(() => stopped.sequence.stop()) } });
    await stopped.sequence.start();
    expect(await stopped.sequence.finished).toMatchObject({ reason: 'stopped', frames: 3 });
    const aborted = setUp({ exposureSeconds: 5 }, { script: { before: third(() => aborted.sequence.abort()) } });
    await aborted.sequence.start();
    expect(await aborted.sequence.finished).toMatchObject({ reason: 'aborted', frames: 2 });
    expect(aborted.camera.openIterators).toBe(0);
  });

  it('stop ends the wait for the start', async () => {
    const { sequence, camera } = setUp(
      { exposureSeconds: 5, start: 'sun -6' },
      { clock: new RehearsalClock(evening, 20) },
    );
    await sequence.start();
    expect(await sequence.stop()).toMatchObject({ reason: 'stopped', frames: 0 });
    expect(camera.exposuresBegun).toBe(0);
  });

  it('pauses between frames and goes on; the pause is no gap', async () => {
    const clock = new RehearsalClock(evening, 200);
    const { sequence, frames, progress } = setUp({ exposureSeconds: 5, frames: 6 }, { clock });
    sequence.on('frame', ({ n }) => {
      if (n === 2) sequence.pause();
    });
    await sequence.start();
    while (progress.at(-1)?.phase !== 'paused') await clock.sleep(1000);
    const held = frames.length;
    await clock.sleep(30_000);
    expect(frames.length).toBe(held);
    sequence.resume();
    const end = await sequence.finished;
    expect(numbers(frames)).toEqual(upTo(6));
    expect(end.gaps.maximum).toBeLessThan(5);
  });

  it('brings a lost camera back, counts what was lost, and goes on numbering', async () => {
    let refusals = 2;
    const { sequence, frames, camera, warnings, progress } = setUp(
      { exposureSeconds: 5, frames: 6 },
      {
        script: {
          before: (k) => {
            if (k === 3) throw lostError();
            return k === 5 ? 2 : 0;
          },
          recover: async () => {
            if (refusals-- > 0) throw new NightflowError('lost', 'Still no camera.');
          },
        },
      },
    );
    await sequence.start();
    const end = await sequence.finished;
    expect(end).toMatchObject({ reason: 'count', frames: 6, lost: 3, failures: 1, error: null });
    expect(numbers(frames)).toEqual(upTo(6));
    expect(camera.recoveries).toBe(3);
    expect(warnings).toHaveLength(4);
    expect(warnings[0]).toMatch(/The USB cable came off\. Trying again in [\d.]+ s\./);
    expect(warnings[3]).toBe('The camera lost 2 frames before number 4.');
    expect(progress.some(({ phase, reason }) => phase === 'recovering' && reason === 'Still no camera.')).toBe(true);
    expect(end.gaps.maximum).toBeGreaterThan(1);
  });

  it('ends at once when the camera can never take the exposure, and at the planned time while it is gone', async () => {
    const never = setUp(
      { exposureSeconds: 5 },
      {
        script: {
          before: () => {
            throw new NightflowError('bad-input', 'The sensor takes 3.28 s at most.');
          },
        },
      },
    );
    await never.sequence.start();
    const end = await never.sequence.finished;
    expect(end).toMatchObject({ reason: 'error', frames: 0 });
    expect(end.error?.message).toBe('The sensor takes 3.28 s at most.');
    const gone = setUp(
      { exposureSeconds: 5, durationSeconds: 300 },
      {
        script: {
          before: () => {
            throw lostError();
          },
        },
      },
    );
    await gone.sequence.start();
    expect(await gone.sequence.finished).toMatchObject({ reason: 'time', frames: 0 });
    expect(gone.clock.now()).toBe(evening + 300_000);
  });

  it('ends when it is told or when its time has come, though the camera gives no frame (a watched folder)', async () => {
    for (const plan of [{ exposureSeconds: 5 }, { exposureSeconds: 5, durationSeconds: 60 }]) {
      const clock = new RehearsalClock(evening, 1000);
      const { sequence, camera } = setUp(plan, { clock, script: { silent: true } });
      await sequence.start();
      await clock.sleep(1000);
      if (!('durationSeconds' in plan)) void sequence.stop();
      const end = await sequence.finished;
      expect(end).toMatchObject({
        reason: 'durationSeconds' in plan ? 'time' : 'stopped',
        frames: 0,
        lost: 0,
        error: null,
      });
      expect(clock.now() - evening).toBeGreaterThanOrEqual(17_000);
      expect(camera.openIterators).toBe(0);
    }
  });

  it('ends with a camera that has no more frames', async () => {
    const { sequence } = setUp({ exposureSeconds: 5 }, { script: { last: 7 } });
    await sequence.start();
    expect(await sequence.finished).toMatchObject({ reason: 'no-more-frames', frames: 7 });
  });

  it('never takes more frames than the flow has room for', async () => {
    let waiting = 0;
    let most = 0;
    const { sequence, frames } = setUp(
      { exposureSeconds: 0.001, frames: 40 },
      {
        clock: new RehearsalClock(evening, 1000),
        maximumPending: 3,
        onFrame: async ({ n }) => {
          waiting = camera.exposuresBegun - n;
          most = Math.max(most, waiting);
          await new Promise((resolve) => setTimeout(resolve, 3));
        },
      },
    );
    const camera = (sequence as unknown as { options: { camera: ScriptedCamera } }).options.camera;
    await sequence.start();
    await sequence.finished;
    expect(numbers(frames)).toEqual(upTo(40));
    expect(most).toBeLessThanOrEqual(4);
  });

  it('holds an infinitely fast clock while a frame is used', async () => {
    const times: number[] = [];
    const { sequence, clock } = setUp(
      { exposureSeconds: 5, frames: 5 },
      {
        onFrame: async () => {
          const before = clock.now();
          await new Promise((resolve) => setTimeout(resolve, 20));
          times.push(clock.now() - before);
        },
      },
    );
    await sequence.start();
    await sequence.finished;
    expect(times).toEqual([0, 0, 0, 0, 0]);
  });
});
