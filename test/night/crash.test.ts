import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { keptFileName } from '../../lib/night/retention.ts';
import { readRun } from '../../lib/night/run-journal.ts';
import { Sequence, type SequenceFrame, type SequenceOptions } from '../../lib/night/sequence.ts';
import { ScriptedCamera } from './scripted-camera.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-crash-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const child = fileURLToPath(new URL('./crash-child.ts', import.meta.url));

/** Runs the child and kills it `delay` ms after it took `until` frames. @returns how it ended, null when it was killed */
async function runAndKill(frames: number, until: number, delay: number): Promise<string | null> {
  const running = spawn(process.execPath, [child, folder, String(frames)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  running.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  let end: string | null = null;
  let taken = 0;
  for await (const line of createInterface({ input: running.stdout })) {
    if (line.startsWith('end')) end = line;
    if (line.startsWith('frame') && ++taken === until) setTimeout(() => running.kill('SIGKILL'), delay);
  }
  if (end === null && taken < until) throw new Error(`The child ended by itself: ${errors}`);
  return end;
}

async function keptNumbers(): Promise<number[]> {
  const numbers: number[] = [];
  for (const night of (await readdir(folder)).filter((name) => /^\d{4}-/.test(name)))
    for (const name of await readdir(join(folder, night))) {
      const kept = keptFileName(name);
      if (!kept) continue;
      numbers.push(kept.n);
      // 8 x 8 pixels of 16 bit: a header block and a data block.
      expect((await stat(join(folder, night, name))).size).toBeGreaterThanOrEqual(2 * 2880);
    }
  return numbers.sort((a, b) => a - b);
}

describe('a sequence whose process is killed', () => {
  it('goes on in the next one: every number once, none missing', async () => {
    const frames = 60;
    const ends: (string | null)[] = [];
    for (const [until, delay] of [
      [3, 0],
      [7, 3],
      [9, 7],
      [1, 1],
      [11, 12],
      [1000, 0],
    ] as const)
      ends.push(await runAndKill(frames, until, delay));
    expect(ends).toEqual([null, null, null, null, null, 'end count']);
    expect(await keptNumbers()).toEqual(Array.from({ length: frames }, (_, i) => i + 1));
    expect(await readRun(join(folder, 'sequence.jsonl'))).toBeNull();
  });
});

describe('a suspended sequence', () => {
  const evening = Date.parse('2026-03-20T18:00:00Z');
  const journal = () => join(folder, 'run.jsonl');
  function options(clock: RehearsalClock, frames: SequenceFrame[]): Omit<SequenceOptions, 'plan'> {
    return {
      camera: new ScriptedCamera({ clock }),
      clock,
      site: null,
      journalPath: journal(),
      onFrame: async (frame) => void frames.push(frame),
    };
  }

  it('keeps its end, its number and its figures; the time between counts as dead', async () => {
    const clock = new RehearsalClock(evening, Infinity);
    const frames: SequenceFrame[] = [];
    const first = new Sequence({ ...options(clock, frames), plan: { exposureSeconds: 10, durationSeconds: 600 } });
    first.on('frame', ({ n }) => {
      if (n === 20) void first.suspend();
    });
    await first.start();
    expect(await first.finished).toMatchObject({ reason: 'suspended', frames: 20 });
    await clock.sleep(100_000);
    const second = await Sequence.resume(journal(), options(clock, frames));
    await second!.start();
    const end = await second!.finished;
    expect(end).toMatchObject({ reason: 'time', frames: 50 });
    expect(frames.map(({ n }) => n)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    expect(new Set(frames.map(({ run }) => run)).size).toBe(1);
    expect(end.gaps).toMatchObject({ count: 49, maximum: 100, exposedSeconds: 500 });
    expect(await Sequence.resume(journal(), options(clock, frames))).toBeNull();
  });

  it('whose end has passed ends at once, and one that was paused stays so', async () => {
    const clock = new RehearsalClock(evening, Infinity);
    const frames: SequenceFrame[] = [];
    const first = new Sequence({ ...options(clock, frames), plan: { exposureSeconds: 10, stop: '20:00' } });
    first.on('frame', ({ n }) => {
      if (n === 2) first.pause();
    });
    first.on('progress', ({ phase }) => {
      if (phase === 'paused') void first.suspend();
    });
    await first.start();
    await first.finished;
    const paused = (await Sequence.resume(journal(), options(clock, frames)))!;
    await paused.start();
    expect(paused.progress().phase).toBe('paused');
    paused.resume();
    paused.on('frame', ({ n }) => {
      if (n === 5) void paused.suspend();
    });
    expect(await paused.finished).toMatchObject({ reason: 'suspended' });
    await clock.sleep(12 * 3_600_000);
    const late = (await Sequence.resume(journal(), options(clock, frames)))!;
    await late.start();
    expect(await late.finished).toMatchObject({ reason: 'time', frames: 5 });
  });

  it('that went through a long night has a short journal', async () => {
    const clock = new RehearsalClock(evening, Infinity);
    const frames: SequenceFrame[] = [];
    const long = new Sequence({ ...options(clock, frames), plan: { exposureSeconds: 1, frames: 9000 } });
    long.on('frame', ({ n }) => {
      if (n === 8999) void long.suspend();
    });
    await long.start();
    await long.finished;
    expect((await stat(journal())).size).toBeLessThan(1_100_000);
    const rest = (await Sequence.resume(journal(), options(clock, frames)))!;
    await rest.start();
    expect(await rest.finished).toMatchObject({ reason: 'count', frames: 9000, gaps: { count: 8999 } });
  });
});
