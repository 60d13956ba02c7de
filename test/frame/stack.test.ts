import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Frame, type FrameInit } from '../../lib/frame/frame.ts';
import { FrameStack, type StackOptions } from '../../lib/frame/stack.ts';
import { WorkerPool } from '../../lib/kernels/pool.ts';
import { shared } from '../kernels/samples.ts';

const pool = new WorkerPool(2);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-stack-'));
});
afterAll(async () => {
  await pool.close();
  await rm(folder, { recursive: true });
});

const stack = (changes: Partial<StackOptions> = {}) =>
  new FrameStack({ mode: 'max', hotPixels: 'off', pool, ...changes });

const second = (n: number) => new Date(Date.UTC(2026, 0, 1, 20, 0, n)).toISOString();

/** Frame `n` of back-to-back 5 s exposures; pixel i holds value(i). */
function frame(n: number, value: (index: number) => number, changes: Partial<FrameInit> = {}): Frame {
  const { width = 8, height = 6, channels = 1, pixelType = 'u16' } = changes;
  return new Frame({
    data: shared(pixelType, width * height * channels, value),
    width,
    height,
    pixelType,
    bayer: 'RGGB',
    start: second(5 * n),
    end: second(5 * n + 5),
    exposureSeconds: 5,
    temperatureCelsius: 10 + n,
    blackLevel: 64,
    whiteLevel: 4095,
    camera: 'imx477',
    keywords: [{ name: 'FILTER', value: 'L' }],
    number: n + 1,
    ...changes,
  });
}

describe('the header of a stack', () => {
  it('spans the night, adds the exposures and keeps what all frames share', async () => {
    const trails = stack();
    for (const n of [1, 0, 2]) await trails.add(frame(n, (i) => i * (n + 1)));
    expect(trails.count).toBe(3);
    const result = await trails.result();
    expect(Array.from(result.pixels)).toEqual(Array.from({ length: 48 }, (_, i) => i * 3));
    expect(result).toMatchObject({
      start: second(0),
      middle: new Date(Date.parse(second(7)) + 500).toISOString(),
      end: second(15),
      exposureSeconds: 15,
      temperatureCelsius: 11,
      combined: 3,
      number: null,
      bayer: 'RGGB',
      camera: 'imx477',
      blackLevel: 64,
      whiteLevel: 4095,
      keywords: [{ name: 'FILTER', value: 'L' }],
    });
  });

  it('lets the levels of a sum grow, and gives a mean the exposure of one frame', async () => {
    const sum = stack({ mode: 'sum' });
    const mean = stack({ mode: 'mean' });
    for (const n of [0, 1, 2, 3]) for (const each of [sum, mean]) await each.add(frame(n, () => 100 + n));
    const added = await sum.result();
    expect(added).toMatchObject({
      pixelType: 'f32',
      exposureSeconds: 20,
      blackLevel: 256,
      whiteLevel: 16380,
      combined: 4,
    });
    expect(added.pixels[7]).toBe(406);
    const averaged = await mean.result();
    expect(averaged).toMatchObject({
      pixelType: 'f32',
      exposureSeconds: 5,
      blackLevel: 64,
      whiteLevel: 4095,
      combined: 4,
    });
    expect(averaged.pixels[7]).toBe(101.5);
  });

  it('counts the exposures of frames that are stacks themselves', async () => {
    const trails = stack();
    await trails.add(frame(0, () => 1, { combined: 12, exposureSeconds: 60 }));
    await trails.add(frame(1, () => 1, { combined: 12, exposureSeconds: 60 }));
    expect((await trails.result()).combined).toBe(24);
    expect(trails.count).toBe(24);
  });
});

describe('what does not belong together', () => {
  it.each<[string, Partial<FrameInit>]>([
    ['16 x 6 RGGB 16 bit', { width: 16 }],
    ['8 x 6 GBRG 16 bit', { bayer: 'GBRG' }],
    ['8 x 6 RGGB 8 bit', { pixelType: 'u8' }],
    ['8 x 6 RGB 16 bit', { bayer: null, channels: 3 }],
  ])('%s is refused, and the stack goes on', async (name, changes) => {
    const trails = stack();
    await trails.add(frame(0, () => 5));
    await expect(trails.add(frame(1, () => 9, changes))).rejects.toMatchObject({
      code: 'bad-input',
      message: `A frame of ${name} does not fit into a stack of 8 x 6 RGGB 16 bit.`,
    });
    await trails.add(frame(2, () => 7));
    expect(trails.count).toBe(2);
    expect((await trails.result()).pixels[0]).toBe(7);
  });

  it('an empty stack has no picture', async () => {
    await expect(stack().result()).rejects.toMatchObject({ code: 'bad-input' });
  });

  it('another size is welcome after a reset', async () => {
    const trails = stack();
    await trails.add(frame(0, () => 500));
    trails.reset();
    expect(trails.count).toBe(0);
    await trails.add(frame(1, () => 9, { width: 16 }));
    const result = await trails.result();
    expect([result.width, result.pixels[0], result.combined]).toEqual([16, 9, 1]);
    trails.reset();
    await trails.add(frame(1, () => 3, { width: 16 }));
    expect((await trails.result()).pixels[0]).toBe(3);
  });
});

describe('a checkpoint', () => {
  const path = () => join(folder, `${Math.random()}.stack`);

  it.each(['max', 'min', 'sum', 'mean'] as const)('lets a %s go on as if nothing had happened', async (mode) => {
    const whole = stack({ mode });
    const before = stack({ mode });
    const values = (n: number) => (i: number) => (i * 7919 * (n + 3)) % 4096;
    for (const n of [0, 1, 2, 3]) await whole.add(frame(n, values(n)));
    for (const n of [0, 1]) await before.add(frame(n, values(n)));
    const file = path();
    await before.save(file);
    const after = await FrameStack.restore(file, { mode, hotPixels: 'off', pool });
    expect(after.count).toBe(2);
    for (const n of [2, 3]) await after.add(frame(n, values(n)));
    const [one, other] = [await whole.result(), await after.result()];
    expect(Array.from(other.pixels)).toEqual(Array.from(one.pixels));
    expect({ ...other, data: null }).toEqual({ ...one, data: null });
  });

  it('refuses a file that is cut off, is something else, lies about its size or was made otherwise', async () => {
    const trails = stack();
    await trails.add(frame(0, () => 5));
    const file = path();
    await trails.save(file);
    const options: StackOptions = { mode: 'max', hotPixels: 'off', pool };
    await expect(FrameStack.restore(file, { ...options, mode: 'min' })).rejects.toMatchObject({
      code: 'bad-input',
      message: `${file} was saved with mode max, not min.`,
    });
    const bytes = await readFile(file);
    for (const length of [0, 11, 40, bytes.length - 1]) {
      await truncate(file, length);
      await expect(FrameStack.restore(file, options)).rejects.toMatchObject({ code: 'bad-input' });
      await writeFile(file, bytes);
    }
    await writeFile(file, Buffer.from('SIMPLE  =                    T'));
    await expect(FrameStack.restore(file, options)).rejects.toMatchObject({ code: 'bad-input' });
    const lying = bytes.toString('latin1').replace('"width":8', '"width":80');
    await writeFile(file, Buffer.from(lying, 'latin1'));
    await expect(FrameStack.restore(file, options)).rejects.toMatchObject({ code: 'bad-input' });
    const absurd = Buffer.from(bytes);
    absurd.writeUInt32LE(0xffffffff, 8);
    await writeFile(file, absurd);
    await expect(FrameStack.restore(file, options)).rejects.toMatchObject({ code: 'bad-input' });
    await expect(FrameStack.restore(join(folder, 'absent'), options)).rejects.toMatchObject({ code: 'lost' });
  });
});
