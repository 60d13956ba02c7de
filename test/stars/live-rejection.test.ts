import { afterAll, describe, expect, it } from 'vitest';
import type { Frame } from '../../lib/frame/frame.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { LiveStack, type LiveStackOptions } from '../../lib/stars/live-stack.ts';
import { measureStars } from '../../lib/stars/measure.ts';
import { gaussOf, randomOf, type Size } from './fields.ts';
import { type Rendering, render } from './frames.ts';

afterAll(closeSharedPool);

const size: Size = { width: 402, height: 301 };

/** A satellite's trail, 3 px wide. */
const trail = (offset: number, height: number) => (x: number, y: number) =>
  Math.abs(y - offset - 0.4 * x) < 1.5 ? height : 0;

async function stackOf(frames: Iterable<Frame>, options: LiveStackOptions): Promise<LiveStack> {
  const stack = new LiveStack(options);
  for (const frame of frames) await stack.add(frame);
  return stack;
}

/** Mean and standard deviation of what `use` keeps of the samples. */
function spread(frame: Frame, use: (x: number, y: number) => boolean) {
  const values: number[] = [];
  const pixels = frame.pixels;
  for (let y = 0; y < frame.height; y++)
    for (let x = 0; x < frame.width; x++) {
      const value = pixels[y * frame.width + x]!;
      if (use(x, y) && !Number.isNaN(value)) values.push(value);
    }
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, deviation: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) };
}

describe('rejection as frames arrive', () => {
  /** Noise without stars. */
  const flat = (i: number, how: Rendering = {}) => render(randomOf(500 + i), [], size, how);

  it.each(['sigma-clip', 'winsorised'] as const)(
    '%s loses a satellite in any frame, the first and two at one place included',
    async (mode) => {
      const extras: Record<number, (x: number, y: number) => number> = {
        0: trail(20, 800),
        1: trail(20, 500),
        3: trail(90, 3000),
        7: (x, y) => trail(140, 300)(x, y) + trail(90, 3000)(x, y),
      };
      const stack = await stackOf(
        Array.from({ length: 12 }, (_, i) => flat(i, { extra: extras[i] })),
        { mode, align: 'none' },
      );
      const picture = await stack.result();
      const clear = spread(picture, (x, y) => [20, 90, 140].every((offset) => Math.abs(y - offset - 0.4 * x) > 4));
      expect(clear.mean).toBeCloseTo(1000, 0);
      for (const offset of [20, 90, 140]) {
        const line = spread(picture, (x, y) => Math.abs(y - offset - 0.4 * x) < 1.5);
        expect(Math.abs(line.mean - clear.mean)).toBeLessThan(offset === 20 ? 2.5 : 2);
      }
    },
  );

  it.each(['sigma-clip', 'winsorised'] as const)('%s costs little of the depth of a plain mean', async (mode) => {
    const frames = Array.from({ length: 20 }, (_, i) => flat(i));
    const [mean, clipped] = await Promise.all(
      (['mean', mode] as const).map(async (each) => (await stackOf(frames, { mode: each, align: 'none' })).result()),
    );
    const [plain, robust] = [mean!, clipped!].map((picture) => spread(picture, () => true));
    expect(plain!.deviation).toBeCloseTo(15 / Math.sqrt(20), 1);
    expect(robust!.deviation).toBeLessThan(plain!.deviation * 1.04);
    expect(Math.abs(robust!.mean - plain!.mean)).toBeLessThan(0.15);
  });

  it('a mean is the mean', async () => {
    const frames = [3, 4, 5].map((i) => flat(i));
    const picture = await (await stackOf(frames, { mode: 'mean', align: 'none' })).result();
    const medians = frames.map((frame) => spread(frame, () => true).mean);
    expect(spread(picture, () => true).mean).toBeCloseTo(medians[0]!, 0);
    const at = 100 * size.width + 77;
    expect(Math.abs(picture.pixels[at]! - frames.reduce((sum, frame) => sum + frame.pixels[at]! / 3, 0))).toBeLessThan(
      1,
    );
  });

  it('brings frames to the level of the first one: the moon may rise', async () => {
    const frames = Array.from({ length: 10 }, (_, i) => flat(i, { level: 1000 + 60 * i }));
    const picture = await (await stackOf(frames, { mode: 'sigma-clip', align: 'none' })).result();
    const all = spread(picture, () => true);
    expect(Math.abs(all.mean - 1000)).toBeLessThan(1);
    expect(all.deviation).toBeLessThan(5.5);
  });

  it('keeps stars whose light scatters from frame to frame', async () => {
    const random = randomOf(9);
    const star = [{ x: 200, y: 150, flux: 400_000 }];
    const brightness = Array.from({ length: 15 }, () => 1 + 0.05 * gaussOf(random));
    const frames = brightness.map((transparency, i) => render(randomOf(i), star, size, { transparency }));
    const picture = await (await stackOf(frames, { mode: 'sigma-clip', align: 'none' })).result();
    const truth = brightness.reduce((sum, value) => sum + value / 15, 0);
    const measured = (await measureStars(picture)).stars.row(0).flux;
    const single = (await measureStars(render(randomOf(50), star, size))).stars.row(0).flux;
    expect(Math.abs(measured / single / truth - 1)).toBeLessThan(0.02);
  });

  it('keeps a mosaic a mosaic where nothing moves', async () => {
    const stack = await stackOf(
      [0, 1].map((i) => flat(i, { bayer: 'GBRG' })),
      { mode: 'sigma-clip', align: 'none' },
    );
    expect(await stack.result()).toMatchObject({ bayer: 'GBRG', channels: 1, combined: 2 });
  });
});
