import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allocatePixels, Frame, type Original } from '../../lib/frame/frame.ts';
import { developOriginal, loadOriginal, readOriginal } from '../../lib/frame/original.ts';
import { readFrame, readFrameBytes } from '../../lib/frame/read.ts';
import { FrameStack } from '../../lib/frame/stack.ts';
import { allocateShared } from '../../lib/kernels/memory.ts';
import { tinyDng } from './read/tiny-dng.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-original-'));
});
afterAll(() => rm(folder, { recursive: true }));

function shared(bytes: Uint8Array): SharedArrayBuffer {
  const data = allocateShared(bytes.length);
  new Uint8Array(data).set(bytes);
  return data;
}
const originalOf = (bytes: Uint8Array, extension = '.cr3'): Original => ({ data: shared(bytes), extension });
const jpegOf = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#402010' } })
    .jpeg()
    .toBuffer();
/** A lossless JPEG's header (SOF3), as sensor data have it: larger than any preview, and not for the eye. */
const lossless = Buffer.from('ffd8ffc40003ffc3000b0e0fa00fa001011100ffda', 'hex');

describe('a file in memory', () => {
  it('is decoded as the same file on a disk', async () => {
    const path = join(folder, 'a.dng');
    await writeFile(path, tinyDng());
    const jpeg = join(folder, 'b.jpg');
    await writeFile(jpeg, await jpegOf(32, 16));
    for (const each of [path, jpeg]) {
      const original = await loadOriginal(each);
      const bytes = { name: 'x', data: original.data, byteLength: original.data.byteLength };
      const { source, ...onDisk } = await readFrame(each);
      const { source: none, ...inMemory } = await readFrameBytes(bytes);
      expect([source, none]).toEqual([each, null]);
      expect({ ...inMemory, data: Buffer.from(inMemory.data) }).toEqual({ ...onDisk, data: Buffer.from(onDisk.data) });
      const told: string[] = [];
      const frame = await readOriginal(each, (problem) => told.push(problem));
      expect([frame.original?.extension, told]).toEqual([each.slice(-4), []]);
    }
  });

  it('that is empty or not there is an error', async () => {
    await writeFile(join(folder, 'empty.arw'), '');
    await expect(loadOriginal(join(folder, 'empty.arw'))).rejects.toMatchObject({ code: 'bad-input' });
    await expect(loadOriginal(join(folder, 'none.arw'))).rejects.toMatchObject({ code: 'lost' });
  });
});

describe('a file that nobody can decode', () => {
  it('is shown by the largest preview in it, and the file is there byte for byte', async () => {
    const parts = [
      Buffer.from('new format '),
      await jpegOf(40, 30),
      lossless,
      await jpegOf(160, 120),
      Buffer.alloc(99),
    ];
    const original = originalOf(Buffer.concat(parts));
    const { frame, problem } = await developOriginal(original);
    expect(frame).toMatchObject({ width: 160, height: 120, channels: 3, transfer: 'srgb', source: null });
    expect(frame.original).toEqual(original);
    expect(problem).toContain("The pixels of the camera's CR3 file can't be read: ");
    expect(problem).toContain('Its preview of 160 x 120 pixels stands in');
  });

  it('has the time that its tags tell, although its sensor data are cut off', async () => {
    const whole = tinyDng();
    const { frame: good } = await developOriginal(originalOf(whole, '.dng'));
    const { frame, problem } = await developOriginal(originalOf(whole.subarray(0, -40), '.dng'));
    expect(problem).toContain('DNG');
    expect([frame.width, frame.height]).toEqual([1, 1]);
    expect([frame.start, frame.exposureSeconds]).toEqual([good.start, good.exposureSeconds]);
  });

  it('is one black pixel where it has no preview', async () => {
    const original = originalOf(Buffer.from('nothing that anybody knows'), '.raf');
    const { frame, problem } = await developOriginal(original);
    expect([frame.width, frame.height, frame.pixels[0], frame.original?.extension]).toEqual([1, 1, 0, '.raf']);
    expect(problem).toContain('One black pixel stands in');
    // A preview that is damaged is none.
    const damaged = (await jpegOf(160, 120)).subarray(0, -100);
    expect((await developOriginal(originalOf(damaged))).frame.width).toBe(1);
  });

  it('is left when it is stopped', async () => {
    const stop = AbortSignal.abort();
    await expect(developOriginal(originalOf(tinyDng()), stop)).rejects.toMatchObject({ code: 'aborted' });
  });
});

it('a stack does not keep the files of its frames', async () => {
  const stack = new FrameStack({ mode: 'max', hotPixels: 'off' });
  const data = allocatePixels(8, 8, 1, 'u16');
  const original = originalOf(Buffer.from('file'));
  await stack.add(new Frame({ data, width: 8, height: 8, pixelType: 'u16', original }));
  expect((await stack.result()).original).toBeNull();
  await stack.save(join(folder, 'stack'));
  stack.close();
});
