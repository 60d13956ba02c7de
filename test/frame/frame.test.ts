import { inspect } from 'node:util';
import { MessageChannel } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { allocatePixels, Frame } from '../../lib/frame/frame.ts';
import { allocateShared } from '../../lib/kernels/memory.ts';

const make = () =>
  new Frame({
    data: allocatePixels(6, 4, 1, 'u16'),
    width: 6,
    height: 4,
    pixelType: 'u16',
    bayer: 'RGGB',
    camera: 'cam',
    keywords: [{ name: 'FILTER', value: 'Ha' }],
  });

it('has the defaults of its pixel type', () => {
  expect(make()).toMatchObject({
    channels: 1,
    whiteLevel: 65535,
    blackLevel: 0,
    kind: 'light',
    combined: 1,
    transfer: 'linear',
  });
  expect(
    new Frame({ data: allocatePixels(1, 1, 3, 'u8'), width: 1, height: 1, channels: 3, pixelType: 'u8' }).whiteLevel,
  ).toBe(255);
});

it('shows itself in one line, never its pixels', () => {
  const frame = make();
  const line = 'Frame 6x4 RGGB u16 cam';
  expect([String(frame), inspect(frame), JSON.parse(JSON.stringify({ frame })).frame]).toEqual([line, line, line]);
});

it('with() makes another frame on the same memory and leaves the first alone', () => {
  const frame = make();
  const named = frame.with({ camera: 'other' });
  expect(named).toBeInstanceOf(Frame);
  expect([named.data === frame.data, named.camera, frame.camera]).toEqual([true, 'other', 'cam']);
});

it("has the camera's own file as long as its pixels are those of it", () => {
  const original = { data: allocateShared(5), extension: '.arw' };
  const frame = make().with({ original });
  const other = allocatePixels(6, 4, 1, 'u16');
  expect(frame.with({ camera: 'other', data: frame.data }).original).toBe(original);
  expect(frame.with({ data: other }).original).toBeNull();
  expect(frame.with({ data: other, original }).original).toBe(original);
  expect([frame.withoutOriginal.original, frame.withoutOriginal.data === frame.data]).toEqual([null, true]);
  const without = make();
  expect(without.withoutOriginal).toBe(without);
  for (const wrong of [
    { data: Buffer.alloc(5), extension: '.arw' },
    { ...original, extension: '../x' },
  ])
    expect(() => make().with({ original: wrong as never })).toThrow('extension such as .arw');
});

it("takes the camera's own file to a worker without a copy", async () => {
  const original = { data: allocateShared(8), extension: '.arw' };
  const fields = { ...make().with({ original }) };
  const { port1, port2 } = new MessageChannel();
  const arrived = new Promise<typeof fields>((resolve) => port2.once('message', resolve));
  port1.postMessage(fields);
  const there = (await arrived).original!;
  new Uint8Array(there.data)[3] = 42;
  expect([there.extension, new Uint8Array(original.data)[3]]).toEqual(['.arw', 42]);
  port1.close();
});

it('survives the clone between threads as plain fields and comes back', () => {
  const frame = make();
  const back = new Frame(structuredClone({ ...frame }));
  expect(back).toEqual(frame);
});

it('finds a keyword whatever its case', () => {
  expect([make().keyword('filter'), make().keyword('GAIN')]).toEqual(['Ha', undefined]);
});

it('refuses memory that does not fit and sizes that can not be', () => {
  expect(() => new Frame({ data: allocatePixels(2, 2, 1, 'u8'), width: 3, height: 2, pixelType: 'u8' })).toThrow(
    'needs 6 bytes',
  );
  expect(() => allocatePixels(1e9, 1e9, 1, 'u16')).toThrow("can't be");
  expect(() => allocatePixels(0, 1, 1, 'u16')).toThrow("can't be");
});
