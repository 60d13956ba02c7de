import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import type { Frame } from '../../lib/frame/frame.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { NightStack, type StackPlan, type StackResult } from '../../lib/night/night-stack.ts';
import { evening, smallFrame } from './small-frames.ts';

const clock = new RehearsalClock(evening, Infinity);
const plan = (changes: Partial<StackPlan> = {}): StackPlan => ({
  method: 'max',
  align: 'none',
  by: 'duration',
  seconds: 60,
  frames: 3,
  hotPixels: 'off',
  fillGaps: false,
  cometTail: 0,
  ...changes,
});
const night = '2026-01-12';
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-stack-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));
afterAll(closeSharedPool);

/** What the node does with each frame. */
async function fold(stack: NightStack, frames: Frame[], wanted: StackPlan, of = night): Promise<StackResult[]> {
  const finished: (StackResult | null)[] = [];
  for (const frame of frames) {
    finished.push(await stack.advance(frame, of, wanted));
    finished.push(await stack.add(frame, wanted));
  }
  return finished.filter((result) => result !== null);
}
const every = (seconds: number, count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => smallFrame(from + index * seconds, { star: index }));
async function unhandled(stack: NightStack) {
  const results = [];
  for await (const result of stack.unhandled((error) => expect.fail(error.message))) results.push(result);
  return results;
}
const brightPixels = ({ frame }: StackResult) => [...frame.pixels].filter((value) => value === 60000).length;

describe('stacks', () => {
  it('close at full minutes', async () => {
    const stack = new NightStack(null, clock);
    const finished = await fold(stack, every(10, 15, 25), plan());
    expect(finished.map(({ summary }) => [summary.start, summary.frames, summary.number])).toEqual([
      ['2026-01-12T22:00:25.000Z', 4, 1],
      ['2026-01-12T22:01:05.000Z', 6, 2],
    ]);
    expect(finished.map(brightPixels)).toEqual([4, 6]);
    expect((await stack.finish())!.summary).toMatchObject({ frames: 5, number: 3, end: '2026-01-12T22:02:50.000Z' });
  });

  it('close when their count is full', async () => {
    const finished = await fold(new NightStack(null, clock), every(5, 7), plan({ by: 'count' }));
    expect(finished.map(({ summary }) => summary.frames)).toEqual([3, 3]);
    expect(finished[1]!.frame).toMatchObject({ number: 2, night, combined: 3 });
  });

  it('close with the night, and count anew', async () => {
    const stack = new NightStack(null, clock);
    await fold(stack, every(5, 4), plan({ by: 'night' }));
    const [first] = await fold(stack, every(5, 2, 86400), plan({ by: 'night' }), '2026-01-13');
    expect(first!.summary).toMatchObject({ frames: 4, night, number: 1 });
    expect((await stack.finish())!.summary).toMatchObject({ frames: 2, night: '2026-01-13', number: 1 });
  });

  it('stay open until told', async () => {
    const stack = new NightStack(null, clock);
    expect(await fold(stack, every(100, 5), plan({ by: 'command' }))).toEqual([]);
    expect((await stack.finish())!.summary.frames).toBe(5);
    expect(await stack.finish()).toBeNull();
  });

  it('measure the time without light between their frames', async () => {
    const stack = new NightStack(null, clock);
    await fold(stack, [smallFrame(0), smallFrame(5.5), smallFrame(12.5)], plan({ by: 'night' }));
    expect((await stack.finish())!.summary).toMatchObject({ gapSeconds: 2.5, largestGapSeconds: 2 });
  });

  it('count the frames that were kept out', async () => {
    const stack = new NightStack(null, clock);
    await fold(stack, every(5, 2), plan());
    await stack.advance(smallFrame(10), night, plan());
    stack.reject();
    expect((await stack.finish())!.summary).toMatchObject({ frames: 2, rejected: 1 });
  });

  it('never mix sizes or Bayer patterns, and go on as they were', async () => {
    const stack = new NightStack(null, clock);
    await fold(stack, every(5, 2), plan());
    await expect(fold(stack, [smallFrame(10, { width: 16 })], plan())).rejects.toMatchObject({ code: 'bad-input' });
    await expect(fold(stack, [smallFrame(15, { bayer: 'RGGB' })], plan())).rejects.toMatchObject({ code: 'bad-input' });
    await fold(stack, [smallFrame(20, { star: 9 })], plan());
    const result = (await stack.finish())!;
    expect([result.summary.frames, brightPixels(result)]).toEqual([3, 3]);
  });

  it('show what they have so far without being changed by it', async () => {
    const stack = new NightStack(null, clock);
    expect(await stack.running()).toBeNull();
    await fold(stack, every(5, 2), plan());
    const running = (await stack.running())!;
    await fold(stack, [smallFrame(10, { star: 9 })], plan());
    expect(brightPixels(running)).toBe(2);
    expect(brightPixels((await stack.finish())!)).toBe(3);
  });
});

describe('a checkpoint', () => {
  const trail = plan({ by: 'night' });

  it('lets the trail go on after a crash', async () => {
    const before = await NightStack.open(folder, clock);
    await fold(before, every(5, 4), trail);
    await before.checkpoint();
    const after = await NightStack.open(folder, clock);
    expect(after.frames).toBe(4);
    await fold(after, [smallFrame(40, { star: 20 })], trail);
    const result = (await after.finish())!;
    expect(brightPixels(result)).toBe(5);
    expect(result.summary).toMatchObject({ frames: 5, start: '2026-01-12T22:00:00.000Z', largestGapSeconds: 20 });
  });

  it('keeps the last whole one when the next is cut off', async () => {
    const before = await NightStack.open(folder, clock);
    await fold(before, every(5, 4), trail);
    await before.checkpoint();
    await writeFile(join(folder, 'stack-2.bin.ab12.nightflow-part'), 'half');
    expect((await NightStack.open(folder, clock)).frames).toBe(4);
  });

  it('leaves one stack file at a time, the finished one until it is in good hands', async () => {
    const stack = await NightStack.open(folder, clock);
    for (const frame of every(5, 3)) {
      await fold(stack, [frame], trail);
      await stack.checkpoint();
    }
    expect((await readdir(folder)).sort()).toEqual(['stack-3.bin', 'state.json']);
    await stack.finish();
    await stack.checkpoint();
    expect((await readdir(folder)).sort()).toEqual(['stack-4.bin', 'state.json']);
    await stack.handled(stack.pending);
    expect(await readdir(folder)).toEqual(['state.json']);
    const next = await NightStack.open(folder, clock);
    expect(next.frames).toBe(0);
  });

  it('keeps a finished trail over a crash with its last frames, while the next goes on', async () => {
    const before = await NightStack.open(folder, clock);
    before.carried = { topic: 'roof', prefix: 'trail' };
    await fold(before, every(5, 4), trail);
    await before.checkpoint();
    await fold(before, [smallFrame(20, { star: 9 })], trail);
    await fold(before, [smallFrame(86400, { star: 1 })], trail, '2026-01-13');
    await before.checkpoint();
    const after = await NightStack.open(folder, clock);
    expect(after.frames).toBe(1);
    const again = await unhandled(after);
    expect(again).toHaveLength(1);
    expect([again[0]!.summary.frames, brightPixels(again[0]!)]).toEqual([5, 5]);
    expect(again[0]).toMatchObject({ carried: { prefix: 'trail' }, summary: { night, number: 1 }, frame: { night } });
    await after.handled(after.pending);
    const next = await NightStack.open(folder, clock);
    expect([next.frames, await unhandled(next)]).toEqual([1, []]);
  });

  it('writes nothing of a stack that is shorter than the time between two', async () => {
    const stack = await NightStack.open(folder, clock);
    await fold(stack, every(10, 13), plan());
    expect(await readdir(folder)).toEqual(['state.json']);
    expect(stack.pending).toEqual([]);
  });

  it('keeps what is finished after the flow has closed for the next start', async () => {
    const stack = await NightStack.open(folder, clock);
    await fold(stack, every(5, 2), trail);
    stack.outputsClose('delivered');
    await stack.finish();
    await stack.checkpoint();
    const [kept] = await unhandled(await NightStack.open(folder, clock));
    expect(kept!.summary.frames).toBe(2);
  });

  it('sends the finished result even when the disk takes nothing more', async () => {
    const stack = await NightStack.open(folder, clock);
    await fold(stack, every(5, 4), trail);
    await stack.checkpoint();
    await rm(folder, { recursive: true });
    await writeFile(folder, 'no folder any more');
    expect((await stack.finish())!.summary.frames).toBe(4);
    await expect(stack.checkpoint()).rejects.toMatchObject({ code: 'failed' });
  });

  it('finishes the trail of last night when the next night begins after the crash', async () => {
    const before = await NightStack.open(folder, clock);
    await fold(before, every(5, 4), trail);
    await before.checkpoint();
    const after = await NightStack.open(folder, clock);
    const [finished] = await fold(after, [smallFrame(86400)], trail, '2026-01-13');
    expect(finished!.summary).toMatchObject({ frames: 4, night });
  });

  it('says so when its file was damaged', async () => {
    const before = await NightStack.open(folder, clock);
    await fold(before, every(5, 4), trail);
    await before.checkpoint();
    await writeFile(join(folder, 'stack-1.bin'), 'damaged');
    const damage: unknown[] = [];
    const next = await NightStack.open(folder, clock, (error) => damage.push(error));
    expect(next.frames).toBe(0);
    expect(damage).toMatchObject([{ code: 'bad-input' }]);
  });
});
