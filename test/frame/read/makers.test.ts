/**
 * NEF, ARW and CR2 through LibRaw. No real file is small or free enough to ship: these are made here, laid out as the makers do,
 * so they hold our way to LibRaw and back, not LibRaw's codecs.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readFrame, readFrameTime } from '../../../lib/frame/read.ts';
import { losslessJpeg } from './tiny-dng.ts';
import { type Ifd, type Tag, tinyTiff } from './tiny-tiff.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-makers-'));
});
afterAll(() => rm(folder, { recursive: true }));

const width = 480;
const height = 320;
const samples = Array.from({ length: width * height }, (_, i) => 700 + ((i * 3571) % 12_000));
const plain = Buffer.from(Uint16Array.from(samples).buffer);

const exif: Ifd = {
  tags: [
    [33434, 'rational', 5],
    [34855, 'short', 1600],
    [36867, 'ascii', '2026:01:15 21:30:00'],
    [36881, 'ascii', '+02:00'],
  ],
};

/** A thumbnail with the camera's name, the sensor's samples in a SubIFD. */
function inSubIfd(make: string, model: string, compression: number, bits: number, extra: Tag[] = []): Buffer {
  const sensor: Tag[] = [
    [254, 'long', 0],
    [256, 'long', width],
    [257, 'long', height],
    [258, 'short', bits],
    [259, 'short', compression],
    [262, 'short', 32803],
    [277, 'short', 1],
    [278, 'long', height],
    [33421, 'short', [2, 2]],
    [33422, 'byte', [0, 1, 1, 2]],
  ];
  const thumbnail: Tag[] = [
    [254, 'long', 1],
    [256, 'long', 2],
    [257, 'long', 2],
    [258, 'short', [8, 8, 8]],
    [259, 'short', 1],
    [262, 'short', 2],
    [271, 'ascii', make],
    [272, 'ascii', model],
    [277, 'short', 3],
    [278, 'long', 2],
  ];
  const children: Ifd[] = [{ tags: [...sensor, ...extra], data: [plain] }];
  return tinyTiff([{ tags: thumbnail, data: [Buffer.alloc(12)], children, exif }]);
}

function cr2(): Buffer {
  const first: Tag[] = [
    [256, 'long', 2],
    [257, 'long', 2],
    [258, 'short', [8, 8, 8]],
    [259, 'short', 6],
    [271, 'ascii', 'Canon'],
    [272, 'ascii', 'Canon EOS 6D'],
  ];
  const sensor: Ifd = { tags: [[259, 'short', 6]], data: [losslessJpeg(samples, width, height, 2)] };
  const bytes = tinyTiff([{ tags: first, data: [Buffer.alloc(16)], exif }, sensor]);
  // Where our writer put the thumbnail's data, a CR2 says that it is one.
  bytes.write('CR\x02\0', 8, 'latin1');
  return bytes;
}

it.each([
  // Black of the tag 0x7310 (Sony), and of LibRaw's own table (Nikon D750: 600).
  [
    'ARW',
    inSubIfd('SONY', 'ILCE-7M3', 32767, 14, [[0x7310, 'short', [512, 512, 512, 512]]]),
    'SONY ILCE-7M3',
    512,
    'LibRaw',
  ],
  ['NEF', inSubIfd('NIKON CORPORATION', 'NIKON D750', 1, 16), 'NIKON D750', 600, 'LibRaw'],
  ['CR2', cr2(), 'Canon EOS 6D', 0, 'unknown'],
] as const)(
  '%s: every sample as the sensor gave it, black, time and camera',
  async (kind, bytes, camera, black, source) => {
    const path = join(folder, `picture.${kind.toLowerCase()}`);
    await writeFile(path, bytes);
    const frame = await readFrame(path);
    expect(frame).toMatchObject({
      width,
      height,
      bayer: 'RGGB',
      pixelType: 'u16',
      transfer: 'linear',
      camera,
      blackLevel: black,
      start: '2026-01-15T19:30:00.000Z',
      exposureSeconds: 5,
      gain: 1600,
      source: path,
    });
    expect(frame.colourMatrix).toHaveLength(9);
    expect(frame.keyword('BLACKSRC')).toBe(source);
    expect(Buffer.from(frame.data).equals(plain)).toBe(true);
    expect(await readFrameTime(path)).toEqual({ start: '2026-01-15T19:30:00.000Z', exposureSeconds: 5 });
  },
);
