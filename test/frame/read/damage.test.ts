/** Files that lie, are cut off or are something else: one clear error each, and nothing of their claims allocated. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFrame, readFrameTime } from '../../../lib/frame/read.ts';
import { readTiff } from '../../../lib/frame/tiff/directories.ts';
import { bufferSource } from '../../../lib/frame/tiff/source.ts';
import { losslessJpeg, tinyDng } from './tiny-dng.ts';
import { type Ifd, type Tag, tinyTiff } from './tiny-tiff.ts';

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-damage-'));
});
afterAll(() => rm(folder, { recursive: true }));

const save = async (bytes: Buffer, name = `${files++}.dng`): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
};

/** The file's error names the file, and says why. */
async function refuses(bytes: Buffer, why: RegExp, code = 'bad-input') {
  const path = await save(bytes);
  const error = await readFrame(path).catch((thrown) => thrown);
  expect(error).toMatchObject({ code, message: expect.stringMatching(why) });
  expect(error.message).toContain(path);
  expect(error.remedy).toMatch(/\w/);
}

const picture: Tag[] = [
  [256, 'long', 48],
  [257, 'long', 36],
  [258, 'short', 16],
  [259, 'short', 1],
  [262, 'short', 32803],
  [277, 'short', 1],
  [278, 'long', 36],
  [33421, 'short', [2, 2]],
  [33422, 'byte', [0, 1, 1, 2]],
  [50706, 'byte', [1, 4, 0, 0]],
];
const samples = Buffer.alloc(48 * 36 * 2, 7);
/** A DNG with some tags changed. */
const dng = (changes: Tag[], data: Ifd['data'] = [samples]) => {
  const changed = new Set(changes.map(([tag]) => tag));
  return tinyTiff([{ tags: [...picture.filter(([tag]) => !changed.has(tag)), ...changes], data }]);
};

describe('a DNG that lies', () => {
  it('is whole before it is changed', async () => {
    expect(await readFrame(await save(dng([])))).toMatchObject({ width: 48, height: 36 });
  });
  it('about a size of 10^9 x 10^9', () =>
    refuses(
      dng([
        [256, 'long', 1e9],
        [257, 'long', 1e9],
      ]),
      /1000000000 x 1000000000/,
    ));
  it('about a size that its bytes do not hold', () =>
    refuses(dng([[257, 'long', 20_000]]), /20000 strips|needs|takes|reaches/));
  it('about one row of 10^9', () =>
    refuses(
      dng([
        [256, 'long', 1e9],
        [257, 'long', 1],
      ]),
      /1000000000 x 1 pixels/,
    ));
  it('about no size at all', () => refuses(dng([[256, 'long', 0]]), /0 x 36/));
  it('about the samples of a pixel', () => refuses(dng([[277, 'short', 5]]), /./, 'bad-input'));
  it('about where its strip is', () => refuses(dng([[279, 'long', 0xfffffff0]]), /reaches to byte/));
  it('about the number of its strips', () => refuses(dng([[278, 'long', 1]]), /needs 36 strips or tiles and it has 1/));
  it('about strips of no rows', () => refuses(dng([[278, 'long', 0]]), /48 x 0/));
  it('about its active area', () => refuses(dng([[50829, 'long', [0, 0, 36, 49]]]), /active area \(0, 0, 36, 49\)/));
  it('about an active area that is turned round', () =>
    refuses(dng([[50829, 'long', [30, 30, 10, 10]]]), /active area/));
  it('with a pattern that is not Bayer, says so and what to do', () =>
    refuses(
      dng([
        [33421, 'short', [6, 6]],
        [33422, 'byte', Array<number>(36).fill(1)],
      ]),
      /colour pattern of 6 x 6/,
      'unsupported',
    ));
  it('without a pattern', () => refuses(dng([[33422, 'byte', [0, 1, 1]]]), /colour pattern/, 'unsupported'));
  it('about the end of its last strip', () =>
    refuses(dng([[279, 'long', samples.length + 50_000]]), /reaches to byte \d+ and the file ends at \d+/));
  it('about strips shorter than their rows', () =>
    refuses(dng([[279, 'long', samples.length - 1]]), /takes 3456 bytes and only 3455/));
});

describe('a TIFF structure', () => {
  const intel = (ifds: Ifd[]) => tinyTiff(ifds);
  const firstIfd = (bytes: Buffer) => bytes.readUInt32LE(4);
  const parse = (bytes: Buffer) => readTiff(bufferSource('x.tif', bytes));

  it('that runs in a loop is refused', async () => {
    const bytes = intel([{ tags: picture, data: [samples] }]);
    const at = firstIfd(bytes);
    bytes.writeUInt32LE(at, at + 2 + bytes.readUInt16LE(at) * 12);
    await refuses(bytes, /loop/);
  });
  it('whose SubIFD is the directory itself is refused', () => {
    const bytes = intel([{ tags: picture, data: [samples], children: [{ tags: picture }] }]);
    const at = firstIfd(bytes);
    for (let i = at + 2; ; i += 12)
      if (bytes.readUInt16LE(i) === 330) {
        bytes.writeUInt32LE(at, i + 8);
        break;
      }
    expect(() => parse(bytes)).toThrow(/loop/);
  });
  it('with a flood of directories is refused', () => {
    const many = Array.from({ length: 70 }, (): Ifd => ({ tags: [[256, 'long', 1]] }));
    expect(() => parse(intel(many))).toThrow(/more than 64 directories/);
    expect(parse(intel(many.slice(0, 60))).directories).toHaveLength(60);
  });
  it('that points behind its end is refused', () => {
    const bytes = intel([{ tags: picture, data: [samples] }]);
    bytes.writeUInt32LE(bytes.length + 10, 4);
    expect(() => parse(bytes)).toThrow(/ends at byte/);
    bytes.writeUInt32LE(0, 4);
    expect(() => parse(bytes)).toThrow(/no directory/);
  });
  it('that claims more entries than there are bytes is refused', () => {
    const bytes = intel([{ tags: picture, data: [samples] }]);
    bytes.writeUInt16LE(0xffff, firstIfd(bytes));
    expect(() => parse(bytes)).toThrow(/65535 entries/);
    bytes.writeUInt16LE(4000, firstIfd(bytes));
    expect(() => parse(bytes)).toThrow(/ends at byte/);
  });
  it('whose tag claims 10^9 values fails only when the tag is asked for', () => {
    const bytes = intel([
      {
        tags: [
          [256, 'long', 5],
          [258, 'short', [8, 8, 8]],
        ],
      },
    ]);
    const at = firstIfd(bytes) + 2 + 12;
    bytes.writeUInt32LE(1e9, at + 4);
    const [directory] = parse(bytes).directories;
    expect(directory!.number(256)).toBe(5);
    expect(() => directory!.numbers(258)).toThrow(/claims 1000000000 values/);
    bytes.writeUInt32LE(3, at + 4);
    bytes.writeUInt32LE(bytes.length - 2, at + 8);
    expect(() => parse(bytes).directories[0]!.numbers(258)).toThrow(/behind the end/);
    bytes.writeUInt16LE(99, at + 2);
    expect(() => parse(bytes).directories[0]!.numbers(258)).toThrow(/unknown type 99/);
  });
  it('of three bytes is refused', () => expect(() => parse(Buffer.from('II*'))).toThrow(/no TIFF/));
});

describe('a RAW file that LibRaw is asked for', () => {
  const foreign = (make: string, extra: Tag[] = [], data = [samples]): Buffer =>
    tinyTiff([
      {
        tags: [
          ...picture.filter(([tag]) => tag !== 50706 && !extra.some(([other]) => other === tag)),
          [271, 'ascii', make],
          ...extra,
        ],
        data,
      },
    ]);

  it('and can make nothing of is one clear error, every time, and the next file reads', async () => {
    const unknown = Buffer.alloc(5000, 0x5a);
    unknown.write('FUJIFILMCCD-RAW 0201', 'latin1');
    unknown.writeUInt32BE(150, 100);
    unknown.writeUInt32BE(4000, 104);
    for (const _ of [1, 2]) await refuses(unknown, /LibRaw does not know/, 'unsupported');
    const compressed = tinyDng({ compress: { number: 7, encode: losslessJpeg } });
    expect((await readFrame(await save(compressed))).pixels[1]).toBe(37);
  });
  it('is refused before, when only its header is there', () =>
    refuses(
      foreign('NIKON CORPORATION', [
        [256, 'long', 3040],
        [257, 'long', 2014],
        [278, 'long', 2014],
        [259, 'short', 34713],
        [279, 'long', 18],
      ]),
      /declares 3040 x 2014 pixels and holds 18 bytes/,
    ));
  it('is refused before, when its picture lies behind its end', () =>
    refuses(
      foreign('SONY', [
        [259, 'short', 32767],
        [279, 'long', 5_000_000],
      ]),
      /reaches to byte/,
    ));
  it('as a CR2 without its sensor data is refused', async () => {
    const thumbnail: Ifd = { tags: picture.slice(0, 4), data: [Buffer.alloc(16)] };
    const bytes = tinyTiff([thumbnail, { tags: [[259, 'short', 6]], data: [Buffer.alloc(16)] }]);
    // CR2 says so at byte 8: there our writer put the thumbnail's data.
    bytes.write('CR\x02\0', 8, 'latin1');
    await refuses(bytes, /no lossless JPEG/);
  });
  it('as a CR2 whose JPEG is too short for its size is refused', async () => {
    const jpeg = losslessJpeg(Array<number>(64).fill(5), 8, 8);
    jpeg.writeUInt16BE(4000, jpeg.indexOf(Buffer.from([0xff, 0xc3])) + 5);
    jpeg.writeUInt16BE(6000, jpeg.indexOf(Buffer.from([0xff, 0xc3])) + 7);
    const bytes = tinyTiff([
      { tags: picture.slice(0, 4), data: [Buffer.alloc(16)] },
      { tags: [[259, 'short', 6]], data: [jpeg] },
    ]);
    bytes.write('CR\x02\0', 8, 'latin1');
    await refuses(bytes, /declares 24000000 samples/);
  });
  it('as a CR3 or a RAF that ends too early is refused', async () => {
    const box = (type: string, size: number, body = '') => {
      const bytes = Buffer.alloc(8 + body.length);
      bytes.writeUInt32BE(size);
      bytes.write(type + body, 4, 'latin1');
      return bytes;
    };
    await refuses(Buffer.concat([box('ftyp', 16, 'crx \0\0\0\x01'), box('mdat', 1e8)]), /reaches to byte 100000016/);
    const raf = Buffer.alloc(200);
    raf.write('FUJIFILMCCD-RAW 0201', 'latin1');
    raf.writeUInt32BE(150, 100);
    raf.writeUInt32BE(1e6, 104);
    await refuses(raf, /reaches to byte 1000150/);
  });
});

describe('a path', () => {
  it('to something else is an error that lists what can be read', async () => {
    const path = await save(Buffer.from('a,b\n1,2\n'), 'night.fits');
    await expect(readFrame(path)).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining('night.fits is no picture'),
      remedy: expect.stringMatching(/FITS.*DNG.*TIFF.*JPEG.*PNG.*SER/),
    });
  });
  it('to nothing, an empty file or a folder says so', async () => {
    await expect(readFrame(join(folder, 'gone.dng'))).rejects.toMatchObject({ code: 'lost' });
    await expect(readFrame(await save(Buffer.alloc(0)))).rejects.toMatchObject({
      message: expect.stringContaining('empty'),
    });
    await mkdir(join(folder, 'night'));
    await expect(readFrame(join(folder, 'night'))).rejects.toMatchObject({
      message: expect.stringContaining('not a file'),
    });
    await expect(readFrameTime(join(folder, 'gone.dng'))).rejects.toMatchObject({ code: 'lost' });
  });
  it('whose reading was aborted is aborted', async () => {
    const path = await save(tinyDng());
    await expect(readFrame(path, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
  });
});
