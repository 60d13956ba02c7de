import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { realClock } from '../../lib/clock/clock.ts';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { ranBackwards } from '../../lib/night/backwards.ts';
import { Film } from '../../lib/night/film.ts';
import { Keogram } from '../../lib/night/keogram.ts';
import { NightStack } from '../../lib/night/night-stack.ts';
import { readRun } from '../../lib/night/run-journal.ts';
import { Sequence, type SequenceFrame } from '../../lib/night/sequence.ts';
import { ScriptedCamera } from './scripted-camera.ts';
import { numbers, setUp } from './scripted-sequence.ts';
import { evening, smallFrame } from './small-frames.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-backwards-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));
afterAll(closeSharedPool);

const minutes = 60_000;
const rehearsal = (start = evening) => new RehearsalClock(start, Infinity);

describe('time that runs backwards', () => {
  it('is another rehearsal beyond ten minutes', () => {
    expect(ranBackwards(rehearsal(), evening, evening - 9 * minutes)).toBe(false);
    expect(ranBackwards(rehearsal(), evening, evening - 11 * minutes)).toBe(true);
    expect(ranBackwards(rehearsal(), evening, evening + 500 * minutes)).toBe(false);
    expect(ranBackwards(rehearsal(), null, evening)).toBe(false);
    expect(ranBackwards(rehearsal(), evening, null)).toBe(false);
  });

  it('is no reason to give up a night on a Pi that wakes up an hour late', () => {
    expect(ranBackwards(realClock, evening, evening - 65 * minutes)).toBe(false);
    expect(ranBackwards(realClock, evening, evening - 100 * minutes)).toBe(true);
  });
});

describe('a sequence cut off', () => {
  const journalPath = () => join(folder, 'sequence.journal');

  /** Takes frames until the first 30 minutes are over, then leaves the journal open as a crash does. */
  async function cutOff(): Promise<string> {
    const clock = rehearsal();
    const { sequence, frames } = setUp({ exposureSeconds: 60 }, { clock, journalPath: journalPath() });
    const cut = new Promise<void>((resolve) => {
      sequence.on('frame', ({ n }) => n === 30 && resolve());
    });
    await sequence.start();
    await cut;
    await sequence.suspend();
    return frames[0]!.run;
  }
  async function resumed(start: number) {
    const clock = rehearsal(start);
    const frames: SequenceFrame[] = [];
    const options = { camera: new ScriptedCamera({ clock }), clock, site: null };
    const sequence = (await Sequence.resume(journalPath(), options))!;
    const two = new Promise<void>((resolve) => {
      sequence.on('frame', (frame) => frames.push(frame) === 2 && resolve());
    });
    await sequence.start();
    await two;
    await sequence.suspend();
    return { frames, resumed: sequence.resumed };
  }

  it('goes on when the clock goes on, or was set back by a little', async () => {
    const run = await cutOff();
    const { n } = (await readRun(journalPath()))!;
    const later = await resumed(evening + 22 * minutes);
    expect(later.resumed).toBe(true);
    expect(numbers(later.frames).slice(0, 2)).toEqual([n + 1, n + 2]);
    expect(later.frames[0]!.run).toBe(run);
  });

  it('begins anew with number 1 when the rehearsal began again, and goes on from there', async () => {
    const run = await cutOff();
    const again = await resumed(evening);
    expect(again.resumed).toBe(false);
    expect(numbers(again.frames).slice(0, 2)).toEqual([1, 2]);
    expect(again.frames[0]!.run).not.toBe(run);
    expect(again.frames[0]!.frame.exposureSeconds).toBe(60);
    expect(await readRun(journalPath())).toMatchObject({ run: again.frames[0]!.run, beganAt: evening });
  });
});

describe('a night', () => {
  const night = '2026-01-12';
  const plan = { method: 'max', by: 'night', seconds: 60, frames: 3, hotPixels: 'off' } as const;
  const trail = { ...plan, align: 'none', fillGaps: false, cometTail: 0 } as const;

  it('ends its trail at a frame of another rehearsal, after a restart too, and not at one that is a little early', async () => {
    const before = await NightStack.open(folder, rehearsal());
    for (const seconds of [0, 1000, 2000]) {
      await before.advance(smallFrame(seconds), night, trail);
      await before.add(smallFrame(seconds), trail);
    }
    await before.checkpoint();
    const after = await NightStack.open(folder, rehearsal());
    expect(await after.advance(smallFrame(1500), night, trail)).toBeNull();
    await after.add(smallFrame(1500), trail);
    const old = await after.advance(smallFrame(5), night, trail);
    expect(old!.summary).toMatchObject({ frames: 4, number: 1, start: '2026-01-12T22:00:00.000Z' });
    await after.add(smallFrame(5), trail);
    expect((await after.finish())!.summary).toMatchObject({ frames: 1, number: 2, night });
  });

  it('does not end a stack of files by their order', async () => {
    const stack = new NightStack(null, rehearsal());
    const calibration = { ...trail, by: 'count' } as const;
    for (const seconds of [9000, 0]) {
      expect(await stack.advance(smallFrame(seconds), night, calibration)).toBeNull();
      await stack.add(smallFrame(seconds), calibration);
    }
    expect(stack.frames).toBe(2);
  });

  it('knows after a restart when the last frame of its keogram and its film ended', async () => {
    const look = { stretch: 'none', drc: 'off' } as const;
    const columns = { ...look, angleDegrees: 0, position: 0.5, columnWidth: 1, height: 16 };
    const pictures = { ...look, width: 32, jpegQuality: 80 };
    const keogram = await Keogram.begin(join(folder, 'keogram'), night, smallFrame(0), columns);
    const film = await Film.begin(join(folder, 'film'), night, smallFrame(0), pictures);
    expect([keogram.lastEnd, film.lastEnd]).toEqual([null, null]);
    for (const seconds of [0, 300]) {
      await keogram.add(smallFrame(seconds), columns);
      await film.add(smallFrame(seconds), pictures);
    }
    const end = evening + 305_000;
    expect([keogram.lastEnd, film.lastEnd]).toEqual([end, end]);
    expect((await Keogram.open(join(folder, 'keogram')))!.lastEnd).toBe(end);
    expect((await Film.open(join(folder, 'film')))!.lastEnd).toBe(end);
  });
});
