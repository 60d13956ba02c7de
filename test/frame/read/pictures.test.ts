/** JPEG, PNG and TIFF that others wrote. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readFrame, readFrameTime } from '../../../lib/frame/read.ts';
import { type Tag, tinyTiff } from './tiny-tiff.ts';

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-pictures-'));
});
afterAll(() => rm(folder, { recursive: true }));

const width = 37;
const height = 23;

const save = async (bytes: Buffer, name = `${files++}.any`) => {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
};
const grey = Buffer.from(Array.from({ length: width * height }, (_, i) => (i * 7) & 255));
const rgb = Buffer.from(Array.from({ length: width * height * 3 }, (_, i) => (i * 5) & 255));
const raw = (channels: 1 | 3 | 4) => ({ raw: { width, height, channels } }) as const;

it('a grey JPEG has one channel, a colour one three, with a display gamma', async () => {
  const one = await readFrame(
    await save(await sharp(grey, raw(1)).toColourspace('b-w').jpeg({ quality: 100 }).toBuffer()),
  );
  expect(one).toMatchObject({ channels: 1, pixelType: 'u8', transfer: 'srgb', whiteLevel: 255 });
  const three = await readFrame(await save(await sharp(rgb, raw(3)).jpeg().toBuffer(), 'not-a-raw.nef'));
  expect(three).toMatchObject({ channels: 3, pixelType: 'u8', transfer: 'srgb' });
});

it('a JPEG tells its time, exposure and ISO by its EXIF data', async () => {
  const exif = {
    IFD0: { Make: 'Canon', Model: 'Canon EOS 6D' },
    IFD2: {
      DateTimeOriginal: '2024:05:10 23:11:12',
      ExposureTime: '1/4',
      ISOSpeedRatings: '1600',
      OffsetTimeOriginal: '+03:00',
    },
  };
  const path = await save(await sharp(rgb, raw(3)).withExif(exif).jpeg().toBuffer());
  expect(await readFrame(path)).toMatchObject({
    start: '2024-05-10T20:11:12.000Z',
    end: '2024-05-10T20:11:12.250Z',
    exposureSeconds: 0.25,
    gain: 1600,
    camera: 'Canon EOS 6D',
    timeUncertaintySeconds: 1.25,
    source: path,
  });
  expect(await readFrameTime(path)).toEqual({ start: '2024-05-10T20:11:12.000Z', exposureSeconds: 0.25 });
});

it('transparency is dropped, a palette is unrolled', async () => {
  const rgba = Buffer.from(Array.from({ length: width * height * 4 }, (_, i) => (i % 4 === 3 ? 128 : (i * 5) & 255)));
  const frame = await readFrame(await save(await sharp(rgba, raw(4)).png().toBuffer()));
  expect(frame.channels).toBe(3);
  expect([frame.pixels[0], frame.pixels[width * height], frame.pixels[1]]).toEqual([rgba[0], rgba[1], rgba[4]]);
  const palette = await readFrame(await save(await sharp(rgb, raw(3)).png({ palette: true }).toBuffer()));
  expect(palette).toMatchObject({ channels: 3, pixelType: 'u8' });
});

for (const compression of ['lzw', 'deflate'] as const)
  it(`a 16-bit TIFF compressed with ${compression} keeps every sample`, async () => {
    const samples = Uint16Array.from({ length: width * height * 3 }, (_, i) => (i * 40_503) & 65535);
    const tiff = await sharp(samples, raw(3))
      .toColourspace('rgb16')
      .tiff({ compression, predictor: 'horizontal' })
      .toBuffer();
    const frame = await readFrame(await save(tiff));
    const plane = width * height;
    expect(frame).toMatchObject({ channels: 3, pixelType: 'u16', transfer: 'linear' });
    expect([...frame.pixels]).toEqual(
      Array.from({ length: plane * 3 }, (_, i) => samples[(i % plane) * 3 + Math.floor(i / plane)]!),
    );
  });

it('a big-endian float TIFF is read bit for bit', async () => {
  const values = Array.from({ length: 30 }, (_, i) => Math.fround(i * 1e-3 - 0.01));
  const block = Buffer.alloc(120);
  for (const [i, value] of values.entries()) block.writeFloatBE(value, i * 4);
  const tags: Tag[] = [
    [256, 'long', 6],
    [257, 'long', 5],
    [258, 'short', 32],
    [259, 'short', 1],
    [262, 'short', 1],
    [277, 'short', 1],
    [278, 'long', 5],
    [339, 'short', 3],
  ];
  const frame = await readFrame(await save(tinyTiff([{ tags, data: [block] }], false)));
  expect(frame).toMatchObject({ width: 6, height: 5, pixelType: 'f32', transfer: 'linear', whiteLevel: 1 });
  expect([...frame.pixels]).toEqual(values);
});

it('a float TIFF compressed by Pillow is read bit for bit', async () => {
  for (const compression of ['tiff_lzw', 'tiff_adobe_deflate']) {
    const path = join(folder, `${files++}.tif`);
    const script =
      'import sys, numpy; from PIL import Image; a = numpy.linspace(-3, 1000, 600).astype("f4").reshape(20, 30); ' +
      'Image.fromarray(a).save(sys.argv[1], compression=sys.argv[2]); sys.stdout.buffer.write(a.tobytes())';
    const bytes = execFileSync('/usr/bin/python3', ['-c', script, path, compression]);
    const frame = await readFrame(path);
    expect(frame).toMatchObject({ width: 30, height: 20, channels: 1, pixelType: 'f32', transfer: 'linear' });
    expect(Buffer.from(frame.data).equals(bytes)).toBe(true);
  }
});

it('cut off in the middle they are refused', async () => {
  for (const [format, bytes] of [
    ['JPEG', await sharp(rgb, raw(3)).jpeg({ quality: 100 }).toBuffer()],
    ['PNG', await sharp(rgb, raw(3)).png().toBuffer()],
    ['TIFF', await sharp(rgb, raw(3)).tiff({ compression: 'lzw' }).toBuffer()],
  ] as const) {
    const path = await save(bytes.subarray(0, bytes.length / 2));
    await expect(readFrame(path), format).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining(path),
      remedy: expect.any(String),
    });
  }
});

it('with a size of 10^9 pixels a side they are refused', async () => {
  const png = await sharp(rgb, raw(3)).png().toBuffer();
  png.writeUInt32BE(1e9, 16);
  png.writeUInt32BE(1e9, 20);
  await expect(readFrame(await save(png))).rejects.toMatchObject({ code: 'bad-input' });
});
