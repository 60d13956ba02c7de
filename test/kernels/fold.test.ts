import { afterAll, describe, expect, it } from 'vitest';
import { Fold, type FoldMode, type FoldOptions, type SampleType } from '../../lib/kernels/fold.ts';
import { WorkerPool } from '../../lib/kernels/pool.ts';
import { random, view } from './samples.ts';

const pool = new WorkerPool(2);
afterAll(() => pool.close());

const options = (changes: Partial<FoldOptions>): FoldOptions => ({
  mode: 'max',
  sampleType: 'u16',
  width: 131,
  height: 67,
  planes: 1,
  colourStep: 1,
  blackLevel: 0,
  pool,
  ...changes,
});

/** The fold of all frames, sample by sample, in plain JavaScript; NaN is no data. */
function reference(mode: FoldMode, frames: ArrayLike<number>[]): number[] {
  return Array.from(frames[0]!, (_, i) => {
    const values = frames.map((frame) => frame[i]!).filter((value) => !Number.isNaN(value));
    if (values.length === 0) return Number.NaN;
    if (mode === 'max') return Math.max(...values);
    if (mode === 'min') return Math.min(...values);
    const sum = values.reduce((a, b) => a + b, 0);
    return Math.fround(mode === 'sum' ? sum : sum / values.length);
  });
}

describe.each<SampleType>(['u8', 'u16', 'f32'])('a fold of %s', (sampleType) => {
  it.each<FoldMode>(['max', 'min', 'sum', 'mean'])(
    '%s agrees with a plain loop, on one thread and on three',
    async (mode) => {
      for (const [width, height, planes, threads] of [
        [131, 67, 1, 1],
        [1001, 203, 3, 3],
        [3, 2, 1, 1],
      ] as const) {
        const frames = [1, 2, 3, 4, 5].map((seed) => random(seed, width * height * planes, sampleType));
        const fold = new Fold(options({ mode, sampleType, width, height, planes, threads }));
        for (const frame of frames) await fold.add(frame);
        expect(fold.count).toBe(5);
        const result = view(await fold.snapshot(), fold.resultType);
        expect(Array.from(result)).toEqual(
          reference(
            mode,
            frames.map((frame) => view(frame, sampleType)),
          ),
        );
      }
    },
  );
});
