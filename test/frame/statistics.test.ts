import { afterAll, describe, expect, it } from 'vitest';
import { type BayerPattern, Frame, type PixelType } from '../../lib/frame/frame.ts';
import { measureFrame } from '../../lib/frame/statistics.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { generator, random, shared } from '../kernels/samples.ts';

afterAll(closeSharedPool);

function reference(values: number[], whiteLevel: number) {
  const known = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const median = (sorted: number[]) => (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
  const mean = known.reduce((a, b) => a + b, 0) / known.length;
  const centre = median(known);
  // The kernel's deviations are 32-bit floats.
  const deviations = known.map((value) => Math.fround(Math.abs(value - centre))).sort((a, b) => a - b);
  return {
    samples: known.length,
    minimum: known[0]!,
    maximum: known.at(-1)!,
    mean,
    median: centre,
    standardDeviation: Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / known.length),
    mad: median(deviations),
    saturatedFraction: known.filter((value) => value >= whiteLevel).length / known.length,
  };
}

function expectClose(measured: object, expected: Record<string, number>) {
  for (const [name, value] of Object.entries(expected)) {
    const got = (measured as Record<string, number>)[name]!;
    expect(Math.abs(got - value), `${name}: ${got} for ${value}`).toBeLessThanOrEqual(
      1e-6 * Math.max(1, Math.abs(value)),
    );
  }
}

describe.each<PixelType>(['u8', 'u16', 'f32'])('statistics of %s', (pixelType) => {
  const whiteLevel = pixelType === 'u8' ? 250 : pixelType === 'u16' ? 60_000 : 600;

  it.each([
    [101, 77],
    [64, 50],
    [1, 1],
    [1, 4],
  ])('of %i x %i mono pixels agree with a plain sort', async (width, height) => {
    const frame = new Frame({ data: random(5, width * height, pixelType), width, height, pixelType, whiteLevel });
    const statistics = await measureFrame(frame);
    expectClose(statistics, reference(Array.from(frame.pixels), whiteLevel));
    expect(statistics.perChannel).toEqual([expect.objectContaining({ channel: 'mono', samples: statistics.samples })]);
    expect(statistics.histogram[0]!.counts.reduce((a, b) => a + b)).toBe(statistics.samples);
  });

  it.each<BayerPattern>(['RGGB', 'BGGR', 'GRBG', 'GBRG'])(
    'tell the colours of %s apart, odd sizes too',
    async (bayer) => {
      const [width, height] = [31, 23];
      const next = generator(3);
      const level = { R: 10, G: 60, B: 120 };
      const colourAt = (i: number) => bayer[2 * (Math.floor(i / width) % 2) + ((i % width) % 2)] as 'R' | 'G' | 'B';
      const data = shared(pixelType, width * height, (i) => level[colourAt(i)] + next() * 40);
      const frame = new Frame({ data, width, height, pixelType, bayer, whiteLevel });
      const statistics = await measureFrame(frame);
      expect(statistics.channel).toBe('all');
      expectClose(statistics, reference(Array.from(frame.pixels), whiteLevel));
      for (const [index, colour] of (['R', 'G', 'B'] as const).entries()) {
        const own = Array.from(frame.pixels).filter((_, i) => colourAt(i) === colour);
        expect(statistics.perChannel[index]!.channel).toBe(colour);
        expectClose(statistics.perChannel[index]!, reference(own, whiteLevel));
      }
    },
  );

  it('take the planes of a colour picture as its channels', async () => {
    const [width, height] = [40, 30];
    const data = shared(pixelType, 3 * width * height, (i) => 10 + 50 * Math.floor(i / (width * height)));
    const statistics = await measureFrame(new Frame({ data, width, height, channels: 3, pixelType, whiteLevel }));
    expect(statistics.perChannel.map(({ channel, mean }) => [channel, mean])).toEqual([
      ['R', 10],
      ['G', 60],
      ['B', 110],
    ]);
    expect(statistics.mean).toBe(60);
  });
});

it('puts values into 256 bins between 0 and the white level', async () => {
  const data = shared('u16', 512, (i) => i * 128);
  const { histogram } = await measureFrame(
    new Frame({ data, width: 512, height: 1, pixelType: 'u16', whiteLevel: 65_536 }),
  );
  expect(histogram).toEqual([{ counts: new Array(256).fill(2), low: 0, high: 65_536 }]);
});

it('answers NaN, not an error, where there is no data at all', async () => {
  const data = shared('f32', 20, () => Number.NaN);
  const statistics = await measureFrame(new Frame({ data, width: 5, height: 4, pixelType: 'f32' }));
  expect(statistics).toMatchObject({ samples: 0, median: Number.NaN, mean: Number.NaN });
});

it('stops when asked', async () => {
  const frame = new Frame({ data: random(1, 4, 'u8'), width: 2, height: 2, pixelType: 'u8' });
  await expect(measureFrame(frame, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
});
