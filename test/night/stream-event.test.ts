/** A recording over an instant: when it begins, who records, what is missed, and what the protocol holds. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isoTime, realClock } from '../../lib/clock/clock.ts';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { readSerFilm } from '../../lib/frame/ser.ts';
import { recordEvent } from '../../lib/night/stream-event.ts';
import type { RecordingContext, RecordingEnd, RecordingRequest } from '../../lib/night/stream-request.ts';
import type { ClockQuality } from '../../lib/process/clock-quality.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import { StreamCamera, type StreamScript } from './scripted-stream.ts';

const zero = Date.UTC(2026, 10, 21, 21, 14, 5);
const target = { name: 'TYC 1234', raDegrees: 83.6, decDegrees: 22 };
const site = { name: 'Here', latitude: 51, longitude: 7, elevation: 100 };
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-event-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const quality = (more: Partial<ClockQuality> = {}): ClockQuality => ({
  source: 'chrony',
  computer: null,
  synchronised: true,
  reference: 'ntp.example',
  stratum: 2,
  offsetSeconds: 0.0004,
  uncertaintySeconds: 0.0021,
  at: isoTime(zero),
  warning: null,
  ...more,
});

interface Run {
  end: RecordingEnd;
  camera: StreamCamera;
  told: string[];
  asked: (string | null)[];
  clock: RehearsalClock;
}

async function run(
  script: StreamScript,
  request: Partial<RecordingRequest> = {},
  more: { context?: Partial<RecordingContext>; stopAt?: number; abortAt?: number; clock?: RehearsalClock } = {},
): Promise<Run> {
  const clock = more.clock ?? new RehearsalClock(zero, Number.POSITIVE_INFINITY);
  const camera = new StreamCamera(script, { clock });
  const told: string[] = [];
  const asked: (string | null)[] = [];
  const [stop, abort] = [new AbortController(), new AbortController()];
  for (const [controller, at] of [
    [stop, more.stopAt],
    [abort, more.abortAt],
  ] as const)
    if (at !== undefined) void clock.sleep(at * 1000).then(() => controller.abort());
  const end = await recordEvent(
    {
      startMilliseconds: zero + 60_000,
      durationSeconds: 5,
      exposureSeconds: 0.1,
      gain: 20,
      offset: null,
      target,
      recordBy: 'auto',
      leadSeconds: 3,
      lateSeconds: 1,
      clockLimitSeconds: 0.1,
      ...request,
    },
    {
      camera,
      clock,
      site,
      filmPath: async () => join(folder, 'film.ser'),
      takeCamera: () => () => void camera.calls.push('released'),
      askClock: async ({ host = null }) => {
        asked.push(host);
        return quality({ computer: host });
      },
      ...more.context,
    },
    { stop: stop.signal, abort: abort.signal },
    {
      phase: (phase) => told.push(`${phase} ${isoTime(clock.now()).slice(17, 23)}`),
      clock: () => {},
      progress: () => {},
      frame: () => {},
      warning: ({ message }) => told.push(message),
    },
  );
  return { end, camera, told, asked, clock };
}

describe('by ourselves', () => {
  it('the video is on ahead of time, and the film covers the span', async () => {
    const { end, camera, told, asked } = await run({});
    expect(end).toMatchObject({ reason: 'done', error: null, protocolPath: join(folder, 'film.json') });
    expect(told.map((each) => each.split(' ')[0])).toEqual(['waiting', 'opening', 'recording', 'finishing']);
    // Three seconds before 21:15:05.
    expect(told[1]).toBe('opening 02.000');
    expect(camera.requests).toEqual([{ exposureSeconds: 0.1, gain: 20, target }]);
    expect(camera.calls).toEqual(['stream', 'stream off', 'released']);
    expect(asked).toEqual([null, null, null]);
    const film = await readSerFilm(join(folder, 'film.ser'));
    expect(film).toMatchObject({ whole: 50, observer: 'Here', instrument: 'Video' });
    expect(film.times[0]).toBe('2026-11-21T21:15:05.100Z');
  });

  it('the protocol beside it says all that a timing is judged by', async () => {
    await run({ latencyMilliseconds: 25 });
    const protocol = JSON.parse(await readFile(join(folder, 'film.json'), 'utf8'));
    expect(protocol).toMatchObject({
      format: 'nightflow-recording',
      version: 1,
      target,
      site,
      instrument: { camera: 'Video', width: 16, height: 8, bits: 8, pixelSizeMicrometres: 5 },
      exposureSeconds: 0.1,
      gain: 20,
      asked: { start: '2026-11-21T21:15:05.000Z', durationSeconds: 5 },
      film: { recordedBy: 'nightflow', ended: 'done', onServer: false, bytes: 178 + 50 * 136, problem: null },
      stamps: { by: 'arrival', meaning: expect.stringContaining('when it arrived') },
      figures: { frames: 50, cadenceSeconds: 0.1, missing: 0, first: '2026-11-21T21:15:05.100Z' },
      lost: { dropped: 0, damaged: 0, missing: 0 },
      clock: {
        before: { source: 'chrony', offsetSeconds: 0.0004, uncertaintySeconds: 0.0021 },
        after: { source: 'chrony' },
      },
    });
    expect(protocol.stamps.latency.highSeconds).toBeGreaterThanOrEqual(0.025);
  });

  it('of long exposures has the video on for at least one before', async () => {
    const { end, told } = await run({}, { exposureSeconds: 8, durationSeconds: 30 });
    expect(told[1]).toBe('opening 55.750');
    const { first, last } = end.protocol!.figures;
    // The exposure of the first covers the start, that of the last the end.
    expect(Date.parse(first!) - 8000).toBeLessThanOrEqual(zero + 60_000);
    expect(Date.parse(last!)).toBeGreaterThanOrEqual(zero + 90_000);
  });

  it('does not wait for a time server that answers late', async () => {
    // Half a real second: in a rehearsal that jumps, the recording is long over.
    const late = async () => {
      await realClock.sleep(500);
      return quality({ source: 'unknown' });
    };
    const { end } = await run({}, {}, { context: { askClock: late } });
    expect(end.protocol).toMatchObject({ figures: { frames: 50 }, clock: { before: { source: 'unknown' } } });
  });

  it('without a start it begins at once', async () => {
    const { end } = await run({}, { startMilliseconds: null });
    expect(end.reason).toBe('done');
    expect(Date.parse(end.protocol!.figures.first!) - zero).toBeLessThan(1000);
  });
});

describe('by the driver', () => {
  const driver = { local: true, frames: 53 };
  it('it is named before, begun ahead of the instant, read back, and brought into the archive', async () => {
    const from = join(folder, 'driver');
    const { end, camera } = await run({ driver: { ...driver, folder: from } });
    // 5 s, an exposure at each end, and the time of the command.
    expect(camera.calls).toContain('prepare film 5.45');
    expect(camera.calls).toContain('begin 2026-11-21T21:15:04.650Z');
    expect(end.protocol).toMatchObject({
      film: { path: join(folder, 'film.ser'), recordedBy: 'driver', onServer: false, ended: 'done' },
      stamps: { by: 'driver', latency: null },
      instrument: { bits: 16 },
      figures: { frames: 53, missing: 0 },
    });
    expect(await readdir(from)).toEqual([]);
  });

  it('on another computer it stays there, and that computer’s clock is asked for', async () => {
    const from = join(folder, 'driver');
    const { end, asked } = await run({ driver: { ...driver, local: false, folder: from } });
    expect(end.protocol!.film).toMatchObject({ path: join(from, 'film.ser'), onServer: true, bytes: null });
    expect(end.protocol!.figures.frames).toBe(53);
    expect(asked).toEqual([null, 'pi.example', 'pi.example']);
    expect(await readdir(from)).toEqual(['film.ser']);
    expect(end.protocolPath).toBe(join(folder, 'film.json'));
  });

  it('that is lost in the middle leaves what there is, and says why', async () => {
    const { end } = await run({ driver: { ...driver, folder: join(folder, 'driver'), loses: true } });
    expect(end).toMatchObject({ reason: 'error', error: { code: 'lost' } });
    expect(end.protocol!.film).toMatchObject({ ended: 'lost', problem: expect.stringContaining('ended') });
  });

  it('that refuses at the instant is stood in for', async () => {
    const refuses = { ...driver, folder: join(folder, 'driver'), refuses: true };
    const { end, told } = await run({ driver: refuses });
    expect(end).toMatchObject({
      reason: 'done',
      protocol: { film: { recordedBy: 'nightflow' }, figures: { frames: 50 } },
    });
    expect(told.join()).toContain('No room. Nightflow records the video itself.');
    const alone = await run({ driver: refuses }, { recordBy: 'driver' });
    expect(alone.end).toMatchObject({ reason: 'error', error: { code: 'rejected' }, protocol: null });
  });

  it('is done by ourselves where the user wants it so, and refused where the driver can’t', async () => {
    const { end } = await run({ driver: { ...driver, folder: join(folder, 'driver') } }, { recordBy: 'own' });
    expect(end.protocol!.film.recordedBy).toBe('nightflow');
    expect((await run({}, { recordBy: 'driver' })).end).toMatchObject({
      reason: 'error',
      error: { code: 'unsupported' },
    });
  });
});

describe('a start that was missed', () => {
  it('is never run late', async () => {
    const { end, camera } = await run({}, { startMilliseconds: zero - 5000 });
    expect(end).toMatchObject({ reason: 'missed', lateSeconds: 5, protocol: null });
    expect(camera.calls).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
  });
  it('within the tolerance is run', async () => {
    expect((await run({}, { startMilliseconds: zero - 500 })).end.reason).toBe('done');
  });
  it('for want of the camera says who has it', async () => {
    const taken = () => {
      throw new NightflowError('busy', 'The camera Roof is taken by Night.');
    };
    const { end, told, clock } = await run({}, {}, { context: { takeCamera: taken } });
    expect(end).toMatchObject({ reason: 'error', error: { code: 'busy' } });
    // It tried until the tolerance was over, and told it once.
    expect(clock.now()).toBeGreaterThanOrEqual(zero + 61_000);
    expect(told.filter((each) => each.includes('taken by Night'))).toHaveLength(1);
  });
  it('is not, when the camera gets free or comes back in time', async () => {
    let times = 0;
    const taken = () => {
      if (times++ < 6) throw new NightflowError('busy', 'The camera Roof is taken by Night.');
      return () => {};
    };
    expect((await run({}, {}, { context: { takeCamera: taken } })).end.reason).toBe('done');
    const away = await run({ openFailures: 3 });
    expect(away.end.reason).toBe('done');
    expect(away.camera.calls.filter((each) => each === 'recover')).toHaveLength(3);
  });
});

describe('commands', () => {
  it('stop in the wait ends it without a film', async () => {
    const { end, camera } = await run({}, {}, { stopAt: 30 });
    expect(end).toMatchObject({ reason: 'stopped', protocol: null });
    expect(camera.calls).toEqual([]);
  });
  it('stop in the recording keeps what there is', async () => {
    const { end } = await run({}, {}, { stopAt: 62.05 });
    expect(end).toMatchObject({ reason: 'stopped', protocol: { film: { ended: 'stopped' } } });
    const { frames } = end.protocol!.figures;
    expect(frames).toBeGreaterThan(5);
    expect(frames).toBeLessThan(50);
  });
  it('abort throws our film away, and the camera is free', async () => {
    const calls: string[] = [];
    const context = { takeCamera: () => () => void calls.push('released') };
    await expect(run({}, {}, { abortAt: 62.05, context })).rejects.toMatchObject({ code: 'aborted' });
    expect(await readdir(folder)).toEqual([]);
    expect(calls).toEqual(['released']);
  });
});

it('a rehearsal 600 times faster records, too', async () => {
  const clock = new RehearsalClock(zero, 600);
  // Of real time: a start in 1.5 s, 5 s of recording, and 5 s to be late.
  const request = { durationSeconds: 3000, startMilliseconds: zero + 900_000, exposureSeconds: 30, lateSeconds: 3000 };
  const { end } = await run({}, request, { clock });
  expect(end).toMatchObject({ reason: 'done', lateSeconds: null });
  expect(end.protocol!.figures.frames).toBeGreaterThan(0);
}, 60_000);

it('what is under way is noted, and taken back at the end', async () => {
  const notes: (string | null)[] = [];
  await run({}, {}, { context: { underWay: async (film) => void notes.push(film?.path ?? null) } });
  expect(notes).toEqual([join(folder, 'film.ser'), null]);
});
