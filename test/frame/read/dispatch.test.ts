/** What a file is, its content says: every format under a wrong name. */
import { copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { allocatePixels, Frame } from '../../../lib/frame/frame.ts';
import { readFrame, readFrameTime } from '../../../lib/frame/read.ts';
import { SerWriter } from '../../../lib/frame/ser.ts';
import { signatureOf } from '../../../lib/frame/signature.ts';
import { bufferSource } from '../../../lib/frame/tiff/source.ts';
import { type PictureFormat, writeFrame } from '../../../lib/frame/write.ts';
import { tinyDng } from './tiny-dng.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-dispatch-'));
});
afterAll(() => rm(folder, { recursive: true }));

const start = '2026-01-15T21:30:00.250Z';
const frame = new Frame({
  data: allocatePixels(24, 16, 1, 'u16'),
  width: 24,
  height: 16,
  pixelType: 'u16',
  start,
  exposureSeconds: 5,
});
for (let i = 0; i < 384; i++) frame.pixels[i] = i * 170;

it.each(['fits', 'tiff', 'png', 'jpeg'] as PictureFormat[])(
  '%s under the name of another is read, its time too',
  async (format) => {
    const path = join(folder, `${format}.nef`);
    await writeFrame(frame, path, { format });
    expect(await readFrame(path)).toMatchObject({ width: 24, height: 16, start, exposureSeconds: 5 });
    expect(await readFrameTime(path)).toEqual({ start, exposureSeconds: 5 });
  },
);

it('a DNG under the name of a FITS is read, its time too', async () => {
  const path = join(folder, 'dng.fits');
  await writeFile(
    path,
    tinyDng({
      exif: {
        tags: [
          [36867, 'ascii', '2026:01:15 21:30:00'],
          [33434, 'rational', 0.5],
        ],
      },
    }),
  );
  expect(await readFrame(path)).toMatchObject({ bayer: 'RGGB', exposureSeconds: 0.5 });
  expect(await readFrameTime(path)).toEqual({ start: '2026-01-15T21:30:00.000Z', exposureSeconds: 0.5 });
});

it('a SER film gives its first picture and its time', async () => {
  const film = join(folder, 'film.ser');
  const writer = await SerWriter.open(film);
  await writer.add(frame);
  await writer.close();
  const path = join(folder, 'film.png');
  await copyFile(film, path);
  const first = await readFrame(path);
  expect(first.pixels).toEqual(frame.pixels);
  expect(await readFrameTime(path)).toEqual({ start: first.start, exposureSeconds: null });
});

it('a file without a time has none', async () => {
  const path = join(folder, 'timeless.dng');
  await writeFile(path, tinyDng());
  expect(await readFrameTime(path)).toEqual({ start: null, exposureSeconds: null });
  expect(await readdir(folder)).toContain('timeless.dng');
});

it('knows the signatures', () => {
  const of = (text: string, size = 64) => {
    const bytes = Buffer.alloc(size);
    bytes.write(text, 'latin1');
    return signatureOf(bufferSource('x', bytes));
  };
  expect(of('SIMPLE  =                    T')).toBe('fits');
  expect(['LUCAM-RECORDER', 'INDI-RECORDER'].map((id) => of(id))).toEqual(['ser', 'ser']);
  expect(of('\xff\xd8\xff\xe0')).toBe('jpeg');
  expect(of('\x89PNG\r\n\x1a\n')).toBe('png');
  expect(['II*\0', 'MM\0*', 'IIRO', 'IIRS', 'MMOR', 'IIU\0', 'II+\0'].map((id) => of(id))).toEqual(
    Array(7).fill('tiff'),
  );
  expect(of('\0\0\0\x18ftypcrx \0\0\0\x01')).toBe('cr3');
  expect(of('FUJIFILMCCD-RAW 0201')).toBe('raf');
  expect(['II\x1a\0\0\0HEAPCCDR', '\0MRM', 'FOVb'].map((id) => of(id))).toEqual(['raw', 'raw', 'raw']);
  // Kodak C330: nothing but its length tells.
  expect(of('nodes', 2_247_168)).toBe('raw');
  for (const other of ['GIF89a', '', '\0\0\0\x18ftypheic', 'RIFF', 'SIMPLE '])
    expect(() => of(other)).toThrow(/first bytes/);
});
