import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import type { BayerPattern, Frame, PixelType } from '../../lib/frame/frame.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { type LoupePictureOfStar, loupe } from '../../lib/stars/loupe.ts';
import { StarTable, starFlag } from '../../lib/stars/star-table.ts';
import { smallFrame } from '../night/small-frames.ts';

afterAll(closeSharedPool);

interface Drawn {
  x: number;
  y: number;
  /** Sigma of the round star, pixels; its HFR is 1.1774 sigma. */
  sigma: number;
  flags?: number;
  snr?: number;
}

const background = 1000;

/** Round stars of 10,000 ADU, and the table that a measurement would make of them. */
function drawn(stars: Drawn[], fields: { bayer?: BayerPattern; pixelType?: PixelType } = {}) {
  const [width, height] = [200, 150];
  const frame = smallFrame(0, { width, height, ...smallest(fields.pixelType ?? 'u16', width * height), ...fields });
  const pixels = frame.pixels;
  pixels.fill(background);
  for (const { x, y, sigma } of stars)
    for (let at = 0; at < pixels.length; at++) {
      const [dx, dy] = [(at % width) - x, Math.floor(at / width) - y];
      pixels[at]! += 10_000 * Math.exp(-(dx * dx + dy * dy) / (2 * sigma * sigma));
    }
  return { frame, table: tableOf(stars) };
}

const smallest = (pixelType: PixelType, samples: number) =>
  pixelType === 'u16' ? {} : { data: new SharedArrayBuffer(samples * (pixelType === 'f32' ? 4 : 1)) };

function tableOf(stars: Drawn[]): StarTable {
  const table = StarTable.of(stars.length);
  for (const [index, { x, y, sigma, flags = 0, snr = 100 }] of stars.entries()) {
    const values = { x, y, peak: 10_000, hfr: 1.1774 * sigma, fwhm: 2.3548 * sigma, snr, flags };
    for (const [name, value] of Object.entries(values)) table.column(name as 'x')[index] = value;
  }
  return table;
}

const three: Drawn[] = [
  { x: 50, y: 40, sigma: 3 },
  { x: 101, y: 75, sigma: 1.5 },
  { x: 150, y: 110, sigma: 2 },
];

const pixelsOf = async ({ png }: LoupePictureOfStar) => {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  return { data, ...info };
};
const highest = (data: Uint8Array) => data.reduce((a, b) => Math.max(a, b));
const lowest = (data: Uint8Array) => data.reduce((a, b) => Math.min(a, b));
const find = (pictures: LoupePictureOfStar[], star: string) => pictures.find((each) => each.star === star)!;
const shown = async (frame: Frame, table: StarTable) => loupe(frame, table);

describe('which stars', () => {
  it('are the sharpest, the median and the worst', async () => {
    const { frame, table } = drawn(three);
    const pictures = await shown(frame, table);
    expect(pictures.map(({ star, index }) => [star, index])).toEqual([
      ['sharpest', 1],
      ['median', 2],
      ['worst', 0],
    ]);
    expect(pictures[2]).toMatchObject({ x: 50, y: 40 });
    expect(pictures[2]!.hfr).toBeCloseTo(3.53, 2);
  });

  it('are none that measure badly: saturated, cut off, trailed', async () => {
    const bad = [starFlag.saturated, starFlag.edge, starFlag.elongated].map((flags, at) => ({
      ...{ x: 20 + 30 * at, y: 120, sigma: at === 0 ? 0.4 : 6, flags },
    }));
    const { frame, table } = drawn([...bad, ...three]);
    expect((await shown(frame, table)).map(({ index }) => index)).toEqual([4, 5, 3]);
  });

  it('are bright ones where there are thirty, and never the one in twenty that is too sharp to be a star', async () => {
    const many = Array.from({ length: 40 }, (_, at) => ({ x: 10 + 4 * at, y: 75, sigma: 2 + at / 100 }));
    const faint = { x: 100, y: 20, sigma: 9, snr: 6 };
    const hotPixel = { x: 100, y: 130, sigma: 0.2 };
    const { frame } = drawn([]);
    const pictures = await shown(frame, tableOf([faint, hotPixel, ...many]));
    expect(find(pictures, 'worst').hfr).toBeLessThan(3);
    expect(find(pictures, 'sharpest').hfr).toBeGreaterThan(2);
  });

  it('are single ones where there are ten', async () => {
    const single = Array.from({ length: 10 }, (_, at) => ({ x: 10 + 18 * at, y: 75, sigma: 2 + at / 100 }));
    const pairs = single.map((star) => ({ ...star, y: 100, sigma: 4, flags: starFlag.blended }));
    const { frame } = drawn([]);
    expect(find(await shown(frame, tableOf([...pairs, ...single])), 'worst').hfr).toBeLessThan(3);
    expect(find(await shown(frame, tableOf([...pairs, ...single.slice(1)])), 'worst').hfr).toBeGreaterThan(4);
  });

  it.each([
    [0, []],
    [1, ['median']],
    [2, ['sharpest', 'worst']],
  ])('of %i stars are %j', async (count, names) => {
    const { frame, table } = drawn(three.slice(0, count));
    expect((await shown(frame, table)).map(({ star }) => star)).toEqual(names);
  });
});

describe('the pictures', () => {
  it('show each star in the middle of a square of the same size, pixel by pixel', async () => {
    const { frame, table } = drawn(three);
    const pictures = await shown(frame, table);
    // 6 x 3.53, made even; 240 / 22.
    expect(new Set(pictures.map(({ side, enlargement }) => `${side} x ${enlargement}`))).toEqual(new Set(['22 x 10']));
    const { data, width, height, channels } = await pixelsOf(find(pictures, 'sharpest'));
    expect([width, height]).toEqual([220, 220]);
    const at = (column: number, row: number) => data[(row * width + column) * channels]!;
    // The star stands at 101, 75; the square begins at 90, 64: pixel 11 of each row, ten pixels wide.
    expect(at(110, 110)).toBeGreaterThan(250);
    for (const [dx, dy] of [
      [9, 0],
      [0, 9],
      [9, 9],
    ] as const)
      expect(at(110 + dx, 110 + dy)).toBe(at(110, 110));
    expect(at(120, 110)).toBeLessThan(at(110, 110));
    expect(at(2, 2)).toBeLessThan(30);
  });

  it('are no wider for a cloud among the stars', async () => {
    const { frame, table } = drawn([...three, { x: 100, y: 30, sigma: 3 }, { x: 60, y: 110, sigma: 40 }]);
    // 6 x 2.5 x the median of 3.53, made even, not 6 x 47.
    expect((await shown(frame, table))[0]!.side).toBe(54);
  });

  it('show a star at the edge off the middle, and one of a small frame too', async () => {
    const { frame, table } = drawn([{ x: 3, y: 2, sigma: 2 }]);
    const [picture] = await shown(frame, table);
    const { data, channels } = await pixelsOf(picture!);
    const { side, enlargement } = picture!;
    const brightest = data.indexOf(highest(data)) / channels / (side * enlargement);
    expect(Math.floor(brightest / enlargement)).toBe(2);
    const tiny = smallFrame(0, { width: 7, height: 5, value: background });
    expect((await shown(tiny, tableOf([{ x: 3, y: 2, sigma: 2 }])))[0]!.side).toBe(4);
  });

  it('are in colour for a mosaic, whose cells stay whole', async () => {
    const { frame, table } = drawn([{ x: 77, y: 55, sigma: 2 }], { bayer: 'RGGB' });
    const red = frame.pixels;
    // Only the red pixels (even columns and rows) have light: a square cut on an odd pixel would show another colour.
    for (let at = 0; at < red.length; at++)
      if (at % 2 === 1 || Math.floor(at / frame.width) % 2 === 1) red[at] = background;
    const [picture] = await shown(frame, table);
    const { data, width, channels } = await pixelsOf(picture!);
    expect(channels).toBe(3);
    const middle = (Math.floor(width / 2) * width + Math.floor(width / 2)) * 3;
    expect(data[middle]!).toBeGreaterThan(100);
    expect(data[middle]! - data[middle + 1]!).toBeGreaterThan(60);
    expect(data[middle]! - data[middle + 2]!).toBeGreaterThan(60);
  });

  it('are made of float frames too', async () => {
    const float = drawn(three, { pixelType: 'f32' });
    const pictures = await shown(float.frame, float.table);
    const { data } = await pixelsOf(pictures[0]!);
    expect(highest(data)).toBeGreaterThan(250);
    expect(lowest(data)).toBeLessThan(30);
  });
});

it('stops when it is told to', async () => {
  const { frame, table } = drawn(three);
  await expect(loupe(frame, table, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
});
