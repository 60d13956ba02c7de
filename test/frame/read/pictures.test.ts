/** JPEG, PNG and plain TIFF, in and out; what we write is read by Pillow too. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allocatePixels, Frame, type FrameInit, type PixelType } from '../../../lib/frame/frame.ts';
import { readFrame, readFrameTime } from '../../../lib/frame/read.ts';
import { extensionOf, type PictureFormat, type WriteOptions, writeFrame } from '../../../lib/frame/write.ts';
import { tinyDng } from './tiny-dng.ts';
import { type Tag, tinyTiff } from './tiny-tiff.ts';

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-pictures-'));
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

describe('pictures of others', () => {
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
});

describe('writing', () => {
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

  it('an original that never was, or is gone, says what to do', async () => {
    const path = join(folder, 'none');
    await expect(writeFrame(makeFrame('u8', 1), path, { format: 'original' })).rejects.toMatchObject({
      code: 'bad-input',
      message: 'This frame did not come from a file, so there is no original to save.',
      remedy: expect.stringContaining('FITS'),
    });
    const gone = makeFrame('u8', 1, { source: join(folder, 'gone.dng') });
    await expect(writeFrame(gone, path, { format: 'original' })).rejects.toMatchObject({ code: 'lost' });
    await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('names extensions with their dot', () => {
    const of = (format: PictureFormat, source: string | null = null) => extensionOf(format, { source });
    expect([of('fits'), of('tiff'), of('png'), of('jpeg')]).toEqual(['.fits', '.tif', '.png', '.jpg']);
    expect([of('original'), of('original', '/a/b.c/x.fits.fz'), of('original', '/a/b.c/x.ARW')]).toEqual([
      '',
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
