import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readFits } from '../../lib/frame/fits/read.ts';
import { allocatePixels, Frame, type FrameFields } from '../../lib/frame/frame.ts';
import { readSer, readSerFilm, recoverSer, SerWriter } from '../../lib/frame/ser.ts';

const folder = mkdtempSync(join(tmpdir(), 'nightflow-ser-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string) => join(folder, name);

function picture(seed: number, more: Partial<FrameFields> = {}): Frame {
  const { width = 24, height = 17, channels = 1, pixelType = 'u16' } = more;
  const data = more.data ?? allocatePixels(width, height, channels, pixelType);
  const frame = new Frame({ camera: 'ASI174', ...more, data, width, height, pixelType });
  frame.pixels.forEach((_, i) => {
    frame.pixels[i] = (i * 37 + seed * 1009) % 4096;
  });
  return frame;
}

const time = (i: number) => `2024-03-01T20:00:0${i}.123456Z`;

async function record(name: string, frames: readonly Frame[], options = {}): Promise<void> {
  const writer = await SerWriter.open(file(name), options);
  for (const frame of frames) await writer.add(frame);
  expect(await writer.close()).toEqual({ path: file(name), frames: frames.length });
}

/** A film by the book of the format description, not by our writer. */
function film(options: {
  colour?: number;
  flag?: number;
  depth?: number;
  width?: number;
  height?: number;
  frames?: number;
  data: Buffer;
  ticks?: bigint[];
  id?: string;
}): Buffer {
  const { colour = 0, flag = 0, depth = 16, width = 4, height = 2, frames = 1, data, ticks = [], id } = options;
  const header = Buffer.alloc(178);
  header.write(id ?? 'LUCAM-RECORDER', 0, 'latin1');
  [colour, flag, width, height, depth, frames].forEach((value, i) => {
    header.writeInt32LE(value, 18 + 4 * i);
  });
  header.write('An observer', 42);
  header.write('A camera', 82);
  header.writeBigInt64LE(638_449_200_000_000_000n, 170);
  const trailer = Buffer.alloc(8 * ticks.length);
  ticks.forEach((tick, i) => {
    trailer.writeBigInt64LE(tick, 8 * i);
  });
  return Buffer.concat([header, data, trailer]);
}
const put = (name: string, bytes: Buffer): string => {
  writeFileSync(file(name), bytes);
  return file(name);
};

describe('recording and reading back', () => {
  it.each([
    ['mono 16', {}],
    ['mono 8', { pixelType: 'u8' }],
    ['Bayer', { bayer: 'GRBG' }],
    ['RGB 16', { channels: 3 }],
    ['RGB 8', { channels: 3, pixelType: 'u8' }],
  ] as const)('%s', async (name, more) => {
    const frames = [1, 2, 3].map((i) => picture(i, { ...more, start: time(i) }));
    await record(`${name}.ser`, frames, { telescope: 'C8', observer: 'Me' });
    const described = await readSerFilm(file(`${name}.ser`));
    expect(described).toMatchObject({ frames: 3, whole: 3, observer: 'Me', telescope: 'C8', instrument: 'ASI174' });
    expect(described.times).toEqual([1, 2, 3].map(time));
    for (const [index, frame] of frames.entries()) {
      const back = await readSer(file(`${name}.ser`), { index });
      expect(back.pixels).toEqual(frame.pixels);
      expect(back).toMatchObject({
        bayer: frame.bayer,
        channels: frame.channels,
        start: frame.start,
        number: index + 1,
      });
    }
    expect(readdirSync(folder).filter((left) => left.includes('nightflow-part'))).toEqual([]);
  });

  it('writes the bytes of the format: header, samples, ticks of 100 ns since the year 1', async () => {
    await record('bytes.ser', [picture(1, { start: '2024-03-01T20:00:00.000Z', bayer: 'BGGR' })], { depth: 12 });
    const bytes = readFileSync(file('bytes.ser'));
    expect(bytes.toString('latin1', 0, 14)).toBe('LUCAM-RECORDER');
    expect([18, 22, 26, 30, 34, 38].map((at) => bytes.readInt32LE(at))).toEqual([11, 0, 24, 17, 12, 1]);
    expect(bytes.readUInt16LE(178 + 2)).toBe((37 + 1009) % 4096);
    // .NET: new DateTime(2024, 3, 1, 20, 0, 0).Ticks
    expect(bytes.readBigInt64LE(170)).toBe(638_449_200_000_000_000n);
    expect(bytes.readBigInt64LE(178 + 24 * 17 * 2)).toBe(638_449_200_000_000_000n);
    expect(bytes.length).toBe(178 + 24 * 17 * 2 + 8);
  });

  it('opens in Siril with the same samples', async () => {
    await record('siril.ser', [picture(1, { start: time(1) }), picture(5, { start: time(2) })]);
    writeFileSync(file('script.ssf'), 'requires 1.0.0\nsetext fits\nload siril.ser\nsave first\n');
    const environment = { ...process.env, HOME: folder };
    execFileSync('siril-cli', ['-d', folder, '-s', file('script.ssf')], { env: environment, stdio: 'pipe' });
    const theirs = await readFits(file('first.fits'));
    expect([theirs.width, theirs.height]).toEqual([24, 17]);
    expect([...theirs.pixels]).toEqual([...picture(1).pixels]);
  });

  it('has no trailer when no frame knows its time', async () => {
    await record('timeless.ser', [picture(1), picture(2)]);
    expect(readFileSync(file('timeless.ser')).length).toBe(178 + 2 * 24 * 17 * 2);
    expect((await readSer(file('timeless.ser'))).start).toBeNull();
  });

  it('never mixes sizes or patterns, and goes on after refusing', async () => {
    const writer = await SerWriter.open(file('mixed.ser'));
    await writer.add(picture(1));
    for (const [frame, what] of [
      [picture(2, { width: 12 }), 'width is 12'],
      [picture(2, { bayer: 'RGGB' }), 'colour is RGGB'],
      [picture(2, { pixelType: 'u8' }), 'depth is 8'],
      [picture(2, { pixelType: 'f32' }), 'not floats'],
    ] as const)
      await expect(writer.add(frame)).rejects.toMatchObject({
        code: 'bad-input',
        message: expect.stringContaining(what),
      });
    await writer.add(picture(3));
    expect((await writer.close()).frames).toBe(2);
  });

  it('leaves nothing of an empty film or one thrown away', async () => {
    const empty = await SerWriter.open(file('empty.ser'));
    await expect(empty.close()).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringMatching(/has no picture/),
    });
    const unwanted = await SerWriter.open(file('unwanted.ser'));
    await unwanted.add(picture(1));
    await unwanted.discard();
    expect(readdirSync(folder).filter((name) => /^(empty|unwanted)/.test(name))).toEqual([]);
  });

  it('keeps the order of frames that are added at once', async () => {
    const writer = await SerWriter.open(file('once.ser'));
    await Promise.all(Array.from({ length: 9 }, (_, i) => writer.add(picture(i, { start: time(i) }))));
    await writer.close();
    for (const index of [0, 4, 8])
      expect((await readSer(file('once.ser'), { index })).pixels).toEqual(picture(index).pixels);
  });
});

describe('a disk that fills', () => {
  it('keeps what was recorded before, and gives up the last picture where the trailer finds no room', async () => {
    const writer = await SerWriter.open(file('full.ser'));
    for (const i of [1, 2, 3]) await writer.add(picture(i, { start: time(i) }));
    const { handle } = writer as unknown as { handle: { write: (...rest: unknown[]) => Promise<unknown> } };
    const write = handle.write.bind(handle);
    const room = 178 + 3 * 24 * 17 * 2 + 10;
    handle.write = async (...rest) => {
      if ((rest[3] as number) + (rest[2] as number) > room)
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      return write(...rest);
    };
    await expect(writer.add(picture(4))).rejects.toMatchObject({ code: 'disk-full' });
    expect((await writer.close()).frames).toBe(2);
    expect(await readSerFilm(file('full.ser'))).toMatchObject({ frames: 2, whole: 2, times: [time(1), time(2)] });
    expect((await readSer(file('full.ser'), { index: 1 })).pixels).toEqual(picture(2).pixels);
  });
});

describe('after a crash', () => {
  it('finishes the film from its length, with the times that were recorded', async () => {
    const writer = await SerWriter.open(file('crash.ser'));
    for (const i of [1, 2, 3]) await writer.add(picture(i, { start: time(i) }));
    // As a power cut leaves it: the partial names, the last picture half written.
    const names = readdirSync(folder).filter((name) => name.startsWith('crash.ser'));
    expect(names).toHaveLength(2);
    for (const name of names) writeFileSync(file(`after-${name}`), readFileSync(file(name)));
    await writer.discard();
    const partial = names.find((name) => !name.includes('.times.'))!;
    truncateSync(file(`after-${partial}`), 178 + 2.5 * 24 * 17 * 2);

    expect(await recoverSer(file('after-crash.ser'))).toEqual({ path: file('after-crash.ser'), frames: 2 });
    const film = await readSerFilm(file('after-crash.ser'));
    expect(film).toMatchObject({ frames: 2, whole: 2, times: [time(1), time(2)] });
    expect((await readSer(file('after-crash.ser'), { index: 1 })).pixels).toEqual(picture(2).pixels);
    expect(readdirSync(folder).filter((name) => name.startsWith('after-crash'))).toEqual(['after-crash.ser']);
  });

  it('finds nothing where nothing is left', async () => {
    expect(await recoverSer(file('never.ser'))).toBeNull();
    expect(existsSync(file('never.ser'))).toBe(false);
  });
});

describe('films of other programs', () => {
  const values = [1, 300, 4000, 65000, 2, 301, 4001, 65001];
  const little = Buffer.from(new Uint16Array(values).buffer);

  it('takes LittleEndian = 0 for little-endian, as all programs mean it', async () => {
    const frame = await readSer(put('zero.ser', film({ data: little })));
    expect([...frame.pixels]).toEqual(values);
    expect(frame).toMatchObject({ camera: 'A camera', start: '2024-03-01T20:00:00.000Z', whiteLevel: 65535 });
    expect(frame.keyword('OBSERVER')).toBe('An observer');
  });

  it('lets the picture decide what LittleEndian = 1 means', async () => {
    const smooth = Array.from({ length: 8 }, (_, i) => 1000 + 3 * i);
    const bytes = Buffer.from(new Uint16Array(smooth).buffer);
    expect([...(await readSer(put('one-little.ser', film({ data: bytes, flag: 1 })))).pixels]).toEqual(smooth);
    const swapped = Buffer.from(bytes).swap16();
    expect([...(await readSer(put('one-big.ser', film({ data: swapped, flag: 1 })))).pixels]).toEqual(smooth);
    const twelve = [1, 4095, 700, 3, 4000, 2, 900, 17];
    const data = Buffer.from(new Uint16Array(twelve).buffer).swap16();
    expect([...(await readSer(put('twelve.ser', film({ data, flag: 1, depth: 12 })))).pixels]).toEqual(twelve);
  });

  it('INDI: its own name, times in the trailer', async () => {
    const ticks = [638_449_200_000_000_000n, 638_449_200_001_234_560n];
    const data = Buffer.concat([little, little]);
    const path = put('indi.ser', film({ id: 'INDI-RECORDER', data, frames: 2, ticks }));
    expect((await readSerFilm(path)).times).toEqual(['2024-03-01T20:00:00.000Z', '2024-03-01T20:00:00.123456Z']);
  });

  it('BGR becomes RGB planes', async () => {
    const data = Buffer.from([1, 2, 3, 4, 5, 6]);
    const frame = await readSer(put('bgr.ser', film({ colour: 101, depth: 8, width: 2, height: 1, data })));
    expect([...frame.pixels]).toEqual([3, 6, 2, 5, 1, 4]);
  });

  it('12 bits are white at 4095, unless the program shifted them up', async () => {
    const low = Buffer.from(new Uint16Array([1, 2, 3, 4, 5, 6, 7, 4095]).buffer);
    expect((await readSer(put('low.ser', film({ depth: 12, data: low })))).whiteLevel).toBe(4095);
    expect((await readSer(put('high.ser', film({ depth: 12, data: little })))).whiteLevel).toBe(65535);
  });

  it('a trailer cut off is no trailer; zeros are no times', async () => {
    const cut = film({ data: little, ticks: [638_449_200_000_000_000n] });
    expect((await readSerFilm(put('cut-trailer.ser', cut.subarray(0, cut.length - 3)))).times).toEqual([]);
    expect((await readSerFilm(put('zeros.ser', film({ data: little, ticks: [0n] })))).times).toEqual([null]);
  });

  it('counts the whole pictures of a film whose recorder crashed', async () => {
    const data = Buffer.concat([little, little, little.subarray(0, 9)]);
    const path = put('crashed.ser', film({ data, frames: 0 }));
    expect(await readSerFilm(path)).toMatchObject({ whole: 2, times: [] });
    expect([...(await readSer(path, { index: 1 })).pixels]).toEqual(values);
  });
});

describe('bad input', () => {
  const refused = (path: string, sentence: RegExp, index = 0) =>
    expect(readSer(path, { index })).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringMatching(sentence),
      remedy: expect.any(String),
    });

  it('names the file and what is wrong', async () => {
    const data = Buffer.alloc(16);
    await refused(put('text.ser', Buffer.from('Hello world, this is not a film')), /text\.ser is not a SER film/);
    await refused(put('none.ser', Buffer.alloc(0)), /none\.ser is not a SER film/);
    await refused(put('wide.ser', film({ data, width: 1_000_000_000 })), /wide\.ser can't be right: 1000000000 x 2/);
    await refused(put('minus.ser', film({ data, height: -1 })), /minus\.ser can't be right/);
    await refused(put('deep.ser', film({ data, depth: 32 })), /deep\.ser can't be right/);
    await refused(
      put('lying.ser', film({ data, width: 50_000, height: 50_000 })),
      /lying\.ser has no picture 0: 0 of 1/,
    );
    await refused(put('many.ser', film({ data, frames: 2_000_000_000 })), /has no picture 1: 1 of 2000000000/, 1);
    await refused(
      put('short.ser', film({ data: data.subarray(0, 10) })),
      /short\.ser has no picture 0: 0 of 1 are whole/,
    );
    await expect(readSer(file('absent.ser'))).rejects.toMatchObject({ code: 'lost' });
    const mosaic = put('cmyg.ser', film({ data, colour: 16 }));
    await expect(readSer(mosaic)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/colours 16/),
    });
  });
});
