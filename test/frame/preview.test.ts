import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { type BayerPattern, Frame, type FrameInit, type PixelType } from '../../lib/frame/frame.ts';
import { renderPreview, renderRgb } from '../../lib/frame/preview.ts';
import { autoTransfer, compressRange, midtonesTransfer, srgbFromLinear } from '../../lib/frame/stretch.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { generator, shared } from '../kernels/samples.ts';

afterAll(closeSharedPool);

const plain = { stretch: 'none', drc: 'off' } as const;
const auto = { stretch: 'auto', drc: 'off' } as const;

const whiteOf = { u8: 255, u16: 65_535, f32: 1 } as const;

/** A frame whose samples are value(x, y, plane), 0…1 of white. */
function frame(
  width: number,
  height: number,
  pixelType: PixelType,
  value: (x: number, y: number, plane: number) => number,
  changes: Partial<FrameInit> = {},
): Frame {
  const channels = changes.channels ?? 1;
  const white = whiteOf[pixelType];
  const data = shared(pixelType, width * height * channels, (i) => {
    const light = value(i % width, Math.floor(i / width) % height, Math.floor(i / (width * height)));
    return pixelType === 'f32' ? light : Math.round(light * white);
  });
  return new Frame({ data, width, height, pixelType, ...changes });
}

const bytesOf = ({ data }: { data: SharedArrayBuffer }) => Array.from(new Uint8Array(data));
const srgb = (light: number) => Math.round(255 * srgbFromLinear(light));

/** Tells how far two lists of bytes differ at most. */
const distance = (a: number[], b: number[]) => a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

describe.each<PixelType>(['u8', 'u16', 'f32'])('display pixels of %s', (pixelType) => {
  it('of a mono frame are its light on the sRGB curve', async () => {
    const light = (x: number, y: number) => (x + y) / 60;
    const picture = await renderRgb(frame(37, 23, pixelType, light), plain);
    expect(picture).toMatchObject({ width: 37, height: 23, channels: 1 });
    const expected = Array.from({ length: 37 * 23 }, (_, i) => srgb(light(i % 37, Math.floor(i / 37))));
    // 8-bit light is coarse at the dark end of the curve.
    expect(distance(bytesOf(picture), expected)).toBeLessThanOrEqual(pixelType === 'u8' ? 7 : 1);
  });

  it('of a colour frame are interleaved', async () => {
    const picture = await renderRgb(
      frame(3, 2, pixelType, (_x, _y, plane) => [1, 0, 0.5][plane]!, { channels: 3 }),
      plain,
    );
    expect(picture.channels).toBe(3);
    expect(distance(bytesOf(picture), Array(6).fill([255, 0, 188]).flat())).toBeLessThanOrEqual(1);
  });

  it.each<BayerPattern>(['RGGB', 'BGGR', 'GRBG', 'GBRG'])(
    'of a %s mosaic have its colours at every size',
    async (bayer) => {
      const level = { R: 0.7, G: 0.4, B: 0.1 };
      const mosaic = frame(101, 75, pixelType, (x, y) => level[bayer[2 * (y % 2) + (x % 2)] as 'R' | 'G' | 'B'], {
        bayer,
      });
      for (const width of [101, 80, 51, 50, 40, 20, 7, 1]) {
        const picture = await renderRgb(mosaic, { ...plain, width });
        expect(picture).toMatchObject({ width, height: Math.max(1, Math.round((75 * width) / 101)), channels: 3 });
        const bytes = bytesOf(picture);
        const expected = Array(bytes.length / 3)
          .fill([srgb(0.7), srgb(0.4), srgb(0.1)])
          .flat();
        expect(distance(bytes, expected), `${width} wide`).toBeLessThanOrEqual(2);
      }
    },
  );
});

it('reducing keeps the mean light: each pixel is the mean of the area that it covers', async () => {
  const next = generator(11);
  const light = Array.from({ length: 120 * 90 }, () => next() * 0.5);
  const mono = frame(120, 90, 'u16', (x, y) => light[y * 120 + x]!, { transfer: 'srgb' });
  for (const [width, height] of [
    [40, 30],
    [60, 45],
    [70, 53],
    [100, 75],
  ] as const) {
    const bytes = bytesOf(await renderRgb(mono, { ...plain, width }));
    const [rx, ry] = [120 / width, 90 / height];
    const overlap = (i: number, k: number, ratio: number) =>
      Math.max(0, Math.min(k + 1, (i + 1) * ratio) - Math.max(k, i * ratio));
    for (let i = 0; i < 40; i++) {
      const [x, y] = [Math.floor(next() * width), Math.floor(next() * height)];
      let sum = 0;
      for (let sy = 0; sy < 90; sy++)
        for (let sx = 0; sx < 120; sx++) sum += light[sy * 120 + sx]! * overlap(x, sx, rx) * overlap(y, sy, ry);
      expect(Math.abs(bytes[y * width + x]! - (255 * sum) / (rx * ry)), `${width}: ${x}, ${y}`).toBeLessThanOrEqual(1);
    }
  }
});

it('reducing by a ratio between whole numbers bins first, and keeps the mean light too', async () => {
  const next = generator(12);
  const light = Array.from({ length: 120 * 90 }, () => next() * 0.5);
  const mono = frame(120, 90, 'u16', (x, y) => light[y * 120 + x]!, { transfer: 'srgb' });
  const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
  for (const width of [48, 33, 25, 7])
    expect(Math.abs(mean(bytesOf(await renderRgb(mono, { ...plain, width }))) - 255 * mean(light))).toBeLessThan(1);
});

describe('the automatic stretch', () => {
  it('is the midtones transfer function: black, midtones and white go to 0, 0.5 and 1', () => {
    for (const midtones of [0.001, 0.1, 0.5, 0.8]) {
      expect([0, midtones, 1].map((x) => midtonesTransfer(midtones, x))).toEqual([0, expect.closeTo(0.5, 12), 1]);
      expect(midtonesTransfer(0.5, 0.3)).toBeCloseTo(0.3, 12);
    }
  });

  it('agrees with the parameters that the AutoSTF formulas give for a known background', () => {
    // Worked by hand from the formulas of PixInsight's AutoSTF.js: c0 = m - 2.8 * 1.4826 MAD, midtones = MTF(0.25, m - c0).
    const { shadows, midtones } = autoTransfer({ median: 0.01, mad: 0.0005 });
    expect(shadows).toBeCloseTo(0.00792436, 8);
    expect(midtones).toBeCloseTo(0.00622, 4);
    expect(midtonesTransfer(midtones, (0.01 - shadows) / (1 - shadows))).toBeCloseTo(0.25, 6);
  });

  it.each<PixelType>(['u16', 'f32'])(
    'makes the sky of a faint %s frame a quarter bright and keeps the stars bright',
    async (pixelType) => {
      const next = generator(2);
      const light = (x: number, y: number) =>
        x === 50 && y === 40 ? 0.9 : 0.02 + 0.002 * (next() + next() + next() - 1.5);
      const sky = frame(100, 80, pixelType, light);
      const bytes = bytesOf(await renderRgb(sky, auto));
      const sorted = [...bytes].sort((a, b) => a - b);
      expect(Math.abs(sorted[4000]! - 64)).toBeLessThanOrEqual(4);
      expect(bytes[40 * 100 + 50]).toBeGreaterThan(240);
      expect(sorted[5]).toBeLessThan(20);
    },
  );

  it('also of a float frame whose sky was subtracted, so that half of it is negative', async () => {
    const next = generator(2);
    const bytes = bytesOf(
      await renderRgb(
        frame(100, 80, 'f32', () => 0.0005 * (next() + next() + next() - 1.5)),
        auto,
      ),
    );
    const sorted = [...bytes].sort((a, b) => a - b);
    expect(new Set(bytes).size).toBeGreaterThan(40);
    expect(sorted[100]).toBeLessThan(sorted[7900]! - 20);
  });

  it('makes the sky of a mosaic grey without a white balance, and keeps its colour with one', async () => {
    const next = generator(3);
    const level = { R: 0.02, G: 0.04, B: 0.03 };
    const colour = (x: number, y: number) => level['RGGB'[2 * (y % 2) + (x % 2)] as 'R' | 'G' | 'B'];
    const mosaic = frame(100, 80, 'u16', (x, y) => colour(x, y) * (1 + 0.1 * (next() - 0.5)), { bayer: 'RGGB' });
    const meanOf = (bytes: number[]) =>
      [0, 1, 2].map((c) => bytes.filter((_, i) => i % 3 === c).reduce((a, b) => a + b) / (bytes.length / 3));
    const grey = meanOf(bytesOf(await renderRgb(mosaic, auto)));
    expect(Math.max(...grey) - Math.min(...grey)).toBeLessThan(6);
    const [r, g, b] = meanOf(bytesOf(await renderRgb(mosaic.with({ whiteBalance: [1, 1, 1] }), auto)));
    expect(g! - r!).toBeGreaterThan(30);
    expect(g! - b!).toBeGreaterThan(15);
  });

  it('leaves a picture with a display gamma alone unless it is nearly black', async () => {
    const bright = frame(64, 48, 'u8', (x) => x / 63, { transfer: 'srgb' });
    expect(bytesOf(await renderRgb(bright, auto))).toEqual(Array.from(bright.pixels));
    const next = generator(8);
    const dark = frame(64, 48, 'u8', () => 0.02 + 0.02 * next(), { transfer: 'srgb' });
    const mean = bytesOf(await renderRgb(dark, auto)).reduce((a, b) => a + b) / (64 * 48);
    expect(mean).toBeGreaterThan(40);
  });

  it.each([0, 1])('survives a frame that is %i all over', async (value) => {
    const bytes = bytesOf(
      await renderRgb(
        frame(16, 16, 'u16', () => value),
        auto,
      ),
    );
    expect(new Set(bytes)).toEqual(new Set([255 * value]));
  });
});

describe('dynamic range compression', () => {
  it('rises from off to high and keeps black, white and the order', () => {
    for (const x of [0.001, 0.1, 0.5]) {
      const lifted = (['off', 'low', 'medium', 'high'] as const).map((level) => compressRange(level, x));
      expect(lifted).toEqual([...lifted].sort((a, b) => a - b));
      expect(lifted[0]).toBe(x);
      expect(lifted[3]).toBeGreaterThan(lifted[0]! * 1.5);
    }
    for (const level of ['low', 'medium', 'high'] as const)
      expect([compressRange(level, 0), compressRange(level, 1)]).toEqual([0, 1]);
  });

  it('brings highlights down where the automatic stretch holds the sky', async () => {
    const next = generator(4);
    const sky = frame(100, 80, 'u16', (x) => (x > 90 ? 0.06 : 0.02 + 0.002 * (next() + next() - 1)));
    const rendered = async (drc: 'off' | 'high') => bytesOf(await renderRgb(sky, { stretch: 'auto', drc }));
    const [off, high] = [await rendered('off'), await rendered('high')];
    const background = (bytes: number[]) => bytes.filter((_, i) => i % 100 < 90).reduce((a, b) => a + b) / (90 * 80);
    expect(Math.abs(background(off) - background(high))).toBeLessThan(6);
    expect(high[95]).toBeLessThan(off[95]! - 3);
  });
});

describe('a JPEG', () => {
  it.each([1, 3] as const)('of %i channels opens, is as large as asked and shows the picture', async (channels) => {
    const picture = frame(120, 90, 'u16', (x) => x / 119, { channels });
    const { jpeg, width, height } = await renderPreview(picture, { ...plain, width: 60, quality: 95 });
    expect([width, height]).toEqual([60, 45]);
    const { data, info } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width: 60, height: 45 });
    expect((await sharp(jpeg).metadata()).channels).toBe(channels);
    expect(data[0]).toBeLessThan(40);
    expect(data.at(-1)).toBeGreaterThan(240);
  });

  it('is never enlarged, and refuses a width or a quality that cannot be', async () => {
    const picture = frame(20, 10, 'u8', () => 0.5);
    expect(await renderPreview(picture, { ...plain, width: 4000 })).toMatchObject({ width: 20, height: 10 });
    await expect(renderPreview(picture, { ...plain, width: 0 })).rejects.toMatchObject({ code: 'bad-input' });
    await expect(renderPreview(picture, { ...plain, quality: 101 })).rejects.toMatchObject({ code: 'bad-input' });
    await expect(renderRgb(picture, { ...plain, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'aborted',
    });
  });
});
