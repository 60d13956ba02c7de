/** Picture files out and in again; what we write is read by Pillow too. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { debayerFrame } from '../../../lib/frame/debayer.ts';
import { allocatePixels, Frame, type FrameInit, type PixelType } from '../../../lib/frame/frame.ts';
import { readFrame } from '../../../lib/frame/read.ts';
import { extensionOf, type PictureFormat, type WriteOptions, writeFrame } from '../../../lib/frame/write.ts';
import { tinyDng } from './tiny-dng.ts';

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-write-'));
});
afterAll(() => rm(folder, { recursive: true }));

const width = 37;
const height = 23;

/** Every value of its type somewhere, no two rows or planes alike. */
function makeFrame(pixelType: PixelType, channels: 1 | 3, more: Partial<FrameInit> = {}): Frame {
  const data = allocatePixels(width, height, channels, pixelType);
  const frame = new Frame({ data, width, height, channels, pixelType, ...more });
  const { pixels } = frame;
  for (let i = 0; i < pixels.length; i++)
    pixels[i] = pixelType === 'u8' ? (i * 31) & 255 : pixelType === 'u16' ? (i * 40_503) & 65535 : i * 0.37 - 3;
  return frame;
}

const facts = {
  start: '2026-01-15T21:30:00.125Z',
  exposureSeconds: 5,
  timeUncertaintySeconds: 0.1,
  camera: 'Raspberry Pi imx477',
  keywords: [{ name: 'ISOSPEED', value: 800 }],
};

async function roundTrip(frame: Frame, options: WriteOptions) {
  const path = join(folder, `${files++}${extensionOf(options.format, frame)}`);
  const written = await writeFrame(frame, path, options);
  expect(written).toEqual({ path, bytes: (await readFile(path)).length });
  return { path, back: await readFrame(path) };
}

describe('samples come back as they went', () => {
  for (const format of ['tiff', 'png'] as const)
    for (const pixelType of ['u8', 'u16'] as const)
      for (const channels of [1, 3] as const)
        it(`${pixelType} with ${channels} channels through ${format}`, async () => {
          const frame = makeFrame(pixelType, channels, facts);
          const { back } = await roundTrip(frame, { format });
          expect(back).toMatchObject({ width, height, channels, pixelType, bayer: null });
          expect(back.pixels).toEqual(frame.pixels);
          expect(back.transfer).toBe(pixelType === 'u8' ? 'srgb' : 'linear');
          expect(back).toMatchObject({ ...facts, timeUncertaintySeconds: 6, keywords: expect.anything() });
          expect(back.keyword('ISOSPEED')).toBe(800);
        });
  for (const channels of [1, 3] as const)
    it(`32-bit float with ${channels} channels through tiff`, async () => {
      const frame = makeFrame('f32', channels, { whiteLevel: 65535 });
      const { back } = await roundTrip(frame, { format: 'tiff' });
      expect(back).toMatchObject({ channels, pixelType: 'f32', transfer: 'linear', whiteLevel: 65535 });
      expect(back.pixels).toEqual(frame.pixels);
    });
  it('in strips, when the picture is large', async () => {
    const data = allocatePixels(1500, 900, 3, 'u16');
    const pixels = new Uint16Array(data);
    for (let i = 0; i < pixels.length; i++) pixels[i] = (i * 7919) & 65535;
    const frame = new Frame({ data, width: 1500, height: 900, channels: 3, pixelType: 'u16' });
    const { back, path } = await roundTrip(frame, { format: 'tiff' });
    expect(Buffer.from(back.data).equals(Buffer.from(data))).toBe(true);
    expect((await sharp(path).metadata()).depth).toBe('ushort');
  });
});

it('float goes into a PNG scaled so that white is 65535; below black and NaN become 0', async () => {
  const frame = makeFrame('f32', 3, { whiteLevel: 200 });
  frame.pixels[0] = Number.NaN;
  frame.pixels[5] = 1e9;
  const { back } = await roundTrip(frame, { format: 'png' });
  expect(back.pixelType).toBe('u16');
  expect([...back.pixels]).toEqual(
    [...frame.pixels].map((value) => Math.min(65535, Math.max(0, Math.round((value || 0) * (65535 / 200))))),
  );
});

it('a Bayer frame stays its mosaic in TIFF and PNG, and says so; TIFF gives pattern and levels back', async () => {
  const frame = makeFrame('u16', 1, { bayer: 'GBRG', blackLevel: 256.25, whiteLevel: 4095 });
  for (const format of ['tiff', 'png'] as const) {
    const { back, path } = await roundTrip(frame, { format });
    expect([back.channels, Buffer.from(back.data).equals(Buffer.from(frame.data))]).toEqual([1, true]);
    expect((await readFile(path)).includes('Bayer mosaic GBRG, black 256.25, white 4095 ADU')).toBe(true);
    if (format === 'tiff') expect(back).toMatchObject({ bayer: 'GBRG', blackLevel: 256.25, whiteLevel: 4095 });
    else expect(back).toMatchObject({ bayer: null, blackLevel: 0, whiteLevel: 65535 });
  }
});

it('Pillow reads what we write', async () => {
  const cases: [PixelType, 1 | 3, PictureFormat][] = [
    ['u8', 1, 'tiff'],
    ['u8', 3, 'tiff'],
    ['u16', 1, 'tiff'],
    ['f32', 1, 'tiff'],
    ['u8', 3, 'png'],
    ['u16', 1, 'png'],
  ];
  for (const [pixelType, channels, format] of cases) {
    const frame = makeFrame(pixelType, channels, facts);
    const { path } = await roundTrip(frame, { format });
    const script =
      'import sys, numpy; from PIL import Image; i = Image.open(sys.argv[1]); a = numpy.asarray(i); e = i.getexif(); ' +
      'print(a.shape, int(a.astype("f8").sum()), a.ravel()[:6].tolist(), e.get(272), e.get_ifd(34665).get(36867))';
    const said = execFileSync('/usr/bin/python3', ['-c', script, path], { encoding: 'utf8' }).trim();
    const plane = width * height;
    const interleaved = Array.from(
      { length: 6 },
      (_, i) => frame.pixels[(i % channels) * plane + Math.floor(i / channels)]!,
    );
    const sum = [...frame.pixels].reduce((total, value) => total + value, 0);
    expect(said).toContain(`(${height}, ${width}${channels === 3 ? ', 3' : ''}) ${Math.trunc(sum)} `);
    expect(JSON.parse(/\[.*?\]/.exec(said)![0])).toEqual(interleaved);
    expect(said).toContain('Raspberry Pi imx477 2026:01:15 21:30:00');
  }
});

describe('writing', () => {
  it('with debayer a Bayer frame becomes colour, in TIFF and PNG', async () => {
    const frame = makeFrame('u16', 1, { bayer: 'RGGB', blackLevel: 64 });
    const colour = await debayerFrame(frame);
    for (const format of ['tiff', 'png'] as const) {
      const { back } = await roundTrip(frame, { format, debayer: true });
      expect(back).toMatchObject({ channels: 3, bayer: null, blackLevel: format === 'tiff' ? 64 : 0 });
      expect(back.pixels).toEqual(colour.pixels);
    }
  });

  it('a JPEG is for the eye: colours of a Bayer frame, stretched, with EXIF', async () => {
    const frame = makeFrame('u16', 1, { ...facts, bayer: 'RGGB' });
    const { back, path } = await roundTrip(frame, { format: 'jpeg', quality: 95 });
    expect(back).toMatchObject({ channels: 3, width, height, start: facts.start, camera: facts.camera });
    expect((await sharp(path).metadata()).exif).toBeDefined();
  });

  it('a stretched PNG has 8 bits', async () => {
    const { back } = await roundTrip(makeFrame('u16', 1), { format: 'png', stretch: 'auto' });
    expect(back).toMatchObject({ channels: 1, pixelType: 'u8' });
  });

  it('a time without a zone stays one', async () => {
    const { back } = await roundTrip(makeFrame('u8', 1, { ...facts, timeUncertaintySeconds: 50_400 }), {
      format: 'png',
    });
    expect([back.start, back.timeUncertaintySeconds]).toEqual([facts.start, 50_400]);
  });

  it('FITS keeps what the frame knows', async () => {
    const frame = makeFrame('u16', 1, { ...facts, bayer: 'GRBG', blackLevel: 64 });
    const { back } = await roundTrip(frame, { format: 'fits' });
    expect(back).toMatchObject({ bayer: 'GRBG', blackLevel: 64, start: facts.start, exposureSeconds: 5 });
    expect(back.pixels).toEqual(frame.pixels);
  });

  it('the original is copied byte for byte, under its own extension', async () => {
    const source = join(folder, 'night 1.DNG');
    await writeFile(source, tinyDng());
    const frame = await readFrame(source);
    const { path } = await roundTrip(frame, { format: 'original' });
    expect(path).toMatch(/\.DNG$/);
    expect((await readFile(path)).equals(await readFile(source))).toBe(true);
  });

  it("the camera's own file comes before the one that was read, and goes with other pixels", async () => {
    const bytes = tinyDng();
    const data = new SharedArrayBuffer(bytes.length);
    Buffer.from(data as unknown as ArrayBuffer).set(bytes);
    const frame = makeFrame('u16', 1, { original: { data, extension: '.arw' }, source: join(folder, 'night 1.DNG') });
    const { path } = await roundTrip(frame, { format: 'original' });
    expect(path).toMatch(/\.arw$/);
    expect((await readFile(path)).equals(bytes)).toBe(true);
    const { path: fits } = await roundTrip(frame, { format: 'fits' });
    expect((await readFrame(fits)).original).toBeNull();
  });

  it('is FITS where there never was an original; one that is gone is an error', async () => {
    const path = join(folder, 'none');
    const { path: fits, back } = await roundTrip(makeFrame('u16', 1), { format: 'original' });
    expect([fits.endsWith('.fits'), back.width]).toEqual([true, width]);
    const gone = makeFrame('u8', 1, { source: join(folder, 'gone.dng') });
    await expect(writeFrame(gone, path, { format: 'original' })).rejects.toMatchObject({ code: 'lost' });
    await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('names extensions with their dot', () => {
    const of = (format: PictureFormat, source: string | null = null) => extensionOf(format, { source, original: null });
    expect([of('fits'), of('tiff'), of('png'), of('jpeg')]).toEqual(['.fits', '.tif', '.png', '.jpg']);
    expect([of('original'), of('original', '/a/b.c/x.fits.fz'), of('original', '/a/b.c/x.ARW')]).toEqual([
      '.fits',
      '.fits.fz',
      '.ARW',
    ]);
  });

  it('an unknown format and an aborted one are errors', async () => {
    const frame = makeFrame('u8', 1);
    await expect(writeFrame(frame, join(folder, 'x'), { format: 'gif' as PictureFormat })).rejects.toMatchObject({
      code: 'bad-input',
      remedy: 'Choose fits, tiff, png, jpeg or original.',
    });
    const aborted = { format: 'tiff', signal: AbortSignal.abort() } as const;
    await expect(writeFrame(frame, join(folder, 'x'), aborted)).rejects.toMatchObject({ code: 'aborted' });
  });
});
