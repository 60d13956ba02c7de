import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeWithLibRaw } from '../../../lib/frame/raw/libraw.ts';
import { readFrame } from '../../../lib/frame/read.ts';
import { defaultSample, losslessJpeg, type TinyDng, tinyDng } from './tiny-dng.ts';

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-dng-'));
});
afterAll(() => rm(folder, { recursive: true }));

const save = async (bytes: Buffer): Promise<string> => {
  const path = join(folder, `${files++}.dng`);
  await writeFile(path, bytes);
  return path;
};
const read = async (options: TinyDng) => readFrame(await save(tinyDng(options)));
const expected = (width: number, height: number, sample = defaultSample, left = 0, top = 0) =>
  Array.from({ length: width * height }, (_, i) => sample(left + (i % width), top + Math.floor(i / width)));

/** LibRaw reads the same file: an authority of its own for packing, margins and pattern. */
async function libraw(options: TinyDng) {
  const frame = await decodeWithLibRaw('test.dng', tinyDng(options));
  return { pixels: [...new Uint16Array(frame.data)], bayer: frame.bayer, width: frame.width, height: frame.height };
}

describe('an uncompressed DNG', () => {
  const layouts: [string, TinyDng][] = [
    ['one strip', {}],
    ['strips of 5 rows', { rowsPerStrip: 5 }],
    ['tiles that overhang', { tile: [32, 16] }],
  ];
  for (const bits of [8, 10, 12, 14, 16])
    for (const littleEndian of [true, false])
      for (const [name, layout] of layouts)
        it(`of ${bits} bits, ${littleEndian ? 'little' : 'big'} endian, in ${name}, has every sample as LibRaw reads it`, async () => {
          const sample = (x: number, y: number) => (defaultSample(x, y) * 263) % 2 ** bits;
          const options = { bits, littleEndian, sample, ...layout };
          const frame = await read(options);
          expect([...frame.pixels]).toEqual(expected(48, 36, sample));
          expect(await libraw(options)).toEqual({ pixels: [...frame.pixels], bayer: 'RGGB', width: 48, height: 36 });
          expect(frame).toMatchObject({
            width: 48,
            height: 36,
            bayer: 'RGGB',
            channels: 1,
            pixelType: bits === 8 ? 'u8' : 'u16',
            whiteLevel: 2 ** bits - 1,
            blackLevel: 0,
            transfer: 'linear',
            camera: 'Raspberry Pi imx477',
          });
        });

  // dcraw 9.28 says GB/RG for all four. LibRaw moves odd margins on by one pixel, and its pattern with them.
  it('is cropped to its active area; the pattern counts from there, as dcraw and LibRaw take it', async () => {
    for (const [top, left, shifted] of [
      [2, 4, 'GBRG'],
      [3, 4, 'RGGB'],
      [2, 5, 'BGGR'],
      [3, 5, 'GRBG'],
    ] as const) {
      const options: TinyDng = { pattern: [1, 2, 0, 1], tags: [[50829, 'long', [top, left, 34, 46]]] };
      const frame = await read(options);
      expect(frame).toMatchObject({ width: 46 - left, height: 34 - top, bayer: 'GBRG' });
      expect([...frame.pixels]).toEqual(expected(46 - left, 34 - top, defaultSample, left, top));
      expect((await libraw(options)).bayer).toBe(shifted);
      const compressed = await read({ ...options, compress: { number: 7, encode: losslessJpeg } });
      expect([compressed.bayer, ...compressed.pixels]).toEqual(['GBRG', ...frame.pixels]);
    }
  });

  it('cropped out of tiles has the right samples', async () => {
    const frame = await read({ tile: [16, 16], tags: [[50829, 'short', [7, 9, 29, 41]]] });
    expect([...frame.pixels]).toEqual(expected(32, 22, defaultSample, 9, 7));
  });

  it('tells its four black levels, and their mean', async () => {
    const frame = await read({
      tags: [
        [50713, 'short', [2, 2]],
        [50714, 'rational', [256.5, 257.5, 258, 260]],
        [50717, 'short', 4095],
      ],
    });
    expect([frame.blackLevel, frame.whiteLevel]).toEqual([258, 4095]);
    expect([1, 2, 3, 4].map((i) => frame.keyword(`BLACK${i}`))).toEqual([256.5, 257.5, 258, 260]);
    expect(frame.keyword('BLACKSRC')).toBe('tags');
  });

  it('adds the mean of the black deltas of rows and columns', async () => {
    const frame = await read({
      tags: [
        [50714, 'long', 100],
        [50715, 'srational', Array.from({ length: 48 }, (_, x) => (x % 2 ? 2 : 0))],
        [50716, 'srational', Array<number>(36).fill(-3)],
      ],
    });
    expect(frame.blackLevel).toBeCloseTo(98, 6);
  });

  it('goes through its linearisation table; values behind its end take the last', async () => {
    const table = Array.from({ length: 201 }, (_, i) => i * i);
    const frame = await read({ bits: 8, tags: [[50712, 'short', table]] });
    expect(frame.pixelType).toBe('u16');
    expect([...frame.pixels]).toEqual(expected(48, 36, (x, y) => Math.min(200, defaultSample(x, y)) ** 2));
    expect(frame.whiteLevel).toBe(40_000);
  });

  it('takes the matrix of daylight (D65) and the inverse of the neutral colour', async () => {
    const first = [1, 0, 0, 0, 1, 0, 0, 0, 1];
    const second = [0.5504, -0.2122, -0.0394, -0.3411, 1.1466, 0.2208, -0.0597, 0.1603, 0.5423];
    const matrices = (firstIlluminant: number): TinyDng => ({
      tags: [
        [50721, 'srational', first],
        [50722, 'srational', second],
        [50778, 'short', firstIlluminant],
        [50779, 'short', firstIlluminant === 21 ? 17 : 21],
        [50728, 'rational', [0.5, 1, 0.8]],
      ],
    });
    const frame = await read(matrices(17));
    expect(frame.colourMatrix).toEqual(second);
    expect(frame.whiteBalance).toEqual([2, 1, 1.25]);
    expect((await read(matrices(21))).colourMatrix).toEqual(first);
  });

  it('without a colour matrix or a neutral says that it knows none', async () => {
    expect(await read({})).toMatchObject({ colourMatrix: null, whiteBalance: null });
  });

  it('of a mono sensor (LinearRaw) has no pattern', async () => {
    const frame = await read({ pattern: null, bits: 12 });
    expect(frame).toMatchObject({ bayer: null, channels: 1, pixelType: 'u16' });
    expect([...frame.pixels]).toEqual(expected(48, 36));
  });

  it('in linear colour becomes three planes', async () => {
    const frame = await read({ pattern: null, samplesPerPixel: 3, tags: [[50829, 'long', [1, 2, 36, 48]]] });
    expect(frame).toMatchObject({ bayer: null, channels: 3, width: 46, height: 35 });
    const plane = 46 * 35;
    for (const channel of [0, 1, 2])
      expect([...frame.pixels.subarray(channel * plane, (channel + 1) * plane)]).toEqual(
        expected(46, 35, defaultSample, 2 + channel * 1000, 1),
      );
  });
});

describe('a compressed DNG', () => {
  const compress = { number: 7, encode: losslessJpeg };
  it('goes through LibRaw: samples untouched, levels, colour and margins from its own tags', async () => {
    const sample = (x: number, y: number) => 300 + ((x * 977 + y * 3571) % 3700);
    const frame = await read({
      compress,
      sample,
      pattern: [2, 1, 1, 0],
      tags: [
        [50713, 'short', [2, 2]],
        [50714, 'short', [256, 257, 257, 258]],
        [50717, 'short', 4095],
        [50728, 'rational', [0.5, 1, 0.5]],
        [50829, 'long', [2, 4, 36, 48]],
      ],
    });
    expect(frame).toMatchObject({ bayer: 'BGGR', width: 44, height: 34, blackLevel: 257, whiteLevel: 4095 });
    expect(frame).toMatchObject({ whiteBalance: [2, 1, 2], camera: 'Raspberry Pi imx477' });
    expect([...frame.pixels]).toEqual(expected(44, 34, sample, 4, 2));
  });

  it('with garbage where the code should be is one clear error, and the next file reads', async () => {
    const noise = (samples: number[]) => Buffer.from(samples.map((value) => (value * 167) & 255));
    const broken = await save(tinyDng({ compress: { number: 7, encode: noise } }));
    await expect(readFrame(broken)).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining(broken),
    });
    expect([...(await read({ compress })).pixels]).toEqual(expected(48, 36));
  });

  it('cut down to its header is refused before it is decoded', async () => {
    const empty = await save(tinyDng({ compress: { number: 7, encode: () => Buffer.alloc(18) } }));
    await expect(readFrame(empty)).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringMatching(/declares 48 x 36 pixels and holds 18 bytes/),
      remedy: expect.stringContaining('only its header'),
    });
  });
});

describe('LibRaw', () => {
  it('tells the black level that the tags say, though its own field reads 0', async () => {
    const sample = (x: number, y: number) => 250 + ((x * 977 + y * 3571) % 3700);
    const black = async (levels: number[]) => {
      const tags: TinyDng['tags'] = [
        [50713, 'short', [2, 2]],
        [50714, 'short', levels],
        [50717, 'short', 4095],
      ];
      return (await decodeWithLibRaw('test.dng', tinyDng({ sample, tags }))).blackLevel;
    };
    expect(await black([256, 256, 256, 256])).toBe(256);
    expect(await black([16, 16, 16, 16])).toBe(16);
    expect(await black([0, 0, 0, 0])).toBe(0);
    expect(await black([252, 254, 256, 258])).toBe(255);
  });
});
