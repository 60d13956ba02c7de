import { afterAll, describe, expect, it } from 'vitest';
import { debayerFrame } from '../../lib/frame/debayer.ts';
import { type BayerPattern, Frame, type PixelType } from '../../lib/frame/frame.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { generator, shared } from '../kernels/samples.ts';

afterAll(closeSharedPool);

const patterns = ['RGGB', 'BGGR', 'GRBG', 'GBRG'] as const;

function mosaic(pixelType: PixelType, bayer: BayerPattern, width: number, height: number): Frame {
  const next = generator(width * height);
  const range = pixelType === 'u8' ? 256 : 65_536;
  return new Frame({ data: shared(pixelType, width * height, () => next() * range), width, height, pixelType, bayer });
}

/** By the definition: the mean of the direct neighbours (then the diagonal ones) that have the colour; edges mirrored. */
function bilinearReference({ pixels, width, height, bayer, pixelType }: Frame): number[] {
  const mirror = (i: number, n: number) => (i < 0 ? -i : i >= n ? 2 * n - 2 - i : i);
  const at = (x: number, y: number) => pixels[mirror(y, height) * width + mirror(x, width)]!;
  const colour = (x: number, y: number) => bayer![2 * (mirror(y, height) % 2) + (mirror(x, width) % 2)];
  const mean = (values: number[]) => {
    const sum = values.reduce((a, b) => a + b, 0);
    return pixelType === 'f32' ? sum / values.length : Math.floor((sum + values.length / 2) / values.length);
  };
  return ['R', 'G', 'B'].flatMap((wanted) =>
    Array.from({ length: width * height }, (_, i) => {
      const [x, y] = [i % width, Math.floor(i / width)];
      if (colour(x, y) === wanted) return at(x, y);
      const rings = [
        [
          [-1, 0],
          [1, 0],
          [0, -1],
          [0, 1],
        ],
        [
          [-1, -1],
          [1, -1],
          [-1, 1],
          [1, 1],
        ],
      ] as const;
      for (const ring of rings) {
        const found = ring.filter(([dx, dy]) => colour(x + dx, y + dy) === wanted);
        if (found.length > 0) return mean(found.map(([dx, dy]) => at(x + dx, y + dy)));
      }
      throw new Error('no neighbour has the colour');
    }),
  );
}

describe.each<PixelType>(['u8', 'u16', 'f32'])('debayering %s', (pixelType) => {
  it.each(patterns)('bilinear agrees with the definition for %s, odd and tiny sizes too', async (bayer) => {
    for (const [width, height] of [
      [37, 21],
      [64, 16],
      [2, 2],
      [3, 5],
      [16, 3],
    ] as const) {
      const frame = mosaic(pixelType, bayer, width, height);
      const colour = await debayerFrame(frame);
      expect(colour).toMatchObject({ width, height, channels: 3, bayer: null, pixelType });
      const expected = bilinearReference(frame);
      for (const [i, value] of colour.pixels.entries())
        expect(Math.abs(value - expected[i]!), `${width} x ${height}, sample ${i}`).toBeLessThanOrEqual(
          pixelType === 'f32' ? 0.01 : 0,
        );
    }
  });

  it.each(patterns)('superpixels of %s are the cells, greens averaged', async (bayer) => {
    const frame = mosaic(pixelType, bayer, 39, 11);
    const colour = await debayerFrame(frame, { method: 'superpixel' });
    expect(colour).toMatchObject({ width: 19, height: 5, channels: 3, bayer: null });
    const cell = (x: number, y: number, wanted: string) =>
      [0, 1, 2, 3]
        .filter((i) => bayer[i] === wanted)
        .map((i) => frame.pixels[(2 * y + (i >> 1)) * 39 + 2 * x + (i % 2)]!);
    for (const [plane, wanted] of ['R', 'G', 'B'].entries())
      for (let i = 0; i < 19 * 5; i++) {
        const values = cell(i % 19, Math.floor(i / 19), wanted);
        const mean = values.reduce((a, b) => a + b, 0) / values.length;
        expect(Math.abs(colour.pixels[plane * 95 + i]! - mean)).toBeLessThanOrEqual(pixelType === 'f32' ? 0.01 : 0.5);
      }
  });
});

it('refuses a frame without a mosaic', async () => {
  const frame = new Frame({ data: shared('u8', 4, () => 0), width: 2, height: 2, pixelType: 'u8' });
  await expect(debayerFrame(frame)).rejects.toMatchObject({
    code: 'bad-input',
    message: 'Frame 2x2 mono u8 has no Bayer mosaic to turn into colour.',
  });
});
