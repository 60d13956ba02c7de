/** Pictures of a video, which have no header: what their size makes of them. */
import { afterAll, describe, expect, it } from 'vitest';
import { streamFrame, streamSizes } from '../../lib/indi/devices/stream-picture.ts';
import type { IndiProperty } from '../../lib/indi/property.ts';
import type { BlobValue } from '../../lib/indi/protocol/message.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';

afterAll(closeSharedPool);

const numbers = (values: Record<string, number | string>) =>
  ({
    elements: new Map(Object.entries(values).map(([name, value]) => [name, { name, label: name, value }])),
  }) as unknown as IndiProperty;
/** A stream's window of 6 x 4 pixels. */
const device =
  (more: Record<string, IndiProperty> = {}) =>
  (name: string) =>
    ({ CCD_STREAM_FRAME: numbers({ X: 0, Y: 0, WIDTH: 6, HEIGHT: 4 }), ...more })[name];

function blob(samples: number[], more: Partial<BlobValue> = {}): BlobValue {
  const data = new SharedArrayBuffer(samples.length);
  new Uint8Array(data).set(samples);
  const { length } = samples;
  const told = { declaredBytes: length, byteLength: length, error: null, firstByteAt: null, arrivedAt: null };
  return { format: '.stream', data, ...told, ...more };
}
const ramp = (count: number) => Array.from({ length: count }, (_, n) => n % 256);

describe('bare samples', () => {
  it('one byte of a pixel: mono, without a copy', async () => {
    const picture = blob(ramp(24));
    const frame = await streamFrame(picture, device());
    expect(frame).toMatchObject({ width: 6, height: 4, channels: 1, pixelType: 'u8', bayer: null });
    expect(frame.data).toBe(picture.data);
  });
  it('behind a mosaic of colours', async () => {
    const frame = await streamFrame(blob(ramp(24)), device({ CCD_CFA: numbers({ CFA_TYPE: 'RGGB' }) }));
    expect(frame.bayer).toBe('RGGB');
  });
  it('three: RGB, as planes', async () => {
    const frame = await streamFrame(blob(ramp(72)), device());
    expect(frame).toMatchObject({ width: 6, height: 4, channels: 3, pixelType: 'u8' });
    expect([...frame.pixels.slice(0, 3)]).toEqual([0, 3, 6]);
    expect([...frame.pixels.slice(24, 27)]).toEqual([1, 4, 7]);
  });
  it('two: 16 bit', async () => {
    const frame = await streamFrame(blob(ramp(48)), device());
    expect(frame).toMatchObject({ width: 6, height: 4, pixelType: 'u16' });
    expect(frame.pixels[1]).toBe(2 + 3 * 256);
  });
  it('binned by the driver, where its window is not', async () => {
    const binned = device({ CCD_BINNING: numbers({ HOR_BIN: 2, VER_BIN: 2 }) });
    expect(streamSizes(binned)).toContainEqual({ width: 3, height: 2 });
    expect(await streamFrame(blob(ramp(6)), binned)).toMatchObject({ width: 3, height: 2 });
  });
});

describe('what can’t be used', () => {
  const refusal = async (picture: BlobValue, find = device()) => {
    try {
      await streamFrame(picture, find);
      return 'taken';
    } catch (error) {
      return (error as Error).message;
    }
  };
  it('says why', async () => {
    expect(await refusal(blob(ramp(25)))).toContain('25 bytes, which do not fit 6 x 4');
    expect(await refusal(blob(ramp(24)), () => undefined)).toContain('no size');
    expect(await refusal(blob([], { data: null, error: 'The BLOB lied.' }))).toBe('The BLOB lied.');
    expect(await refusal(blob(ramp(24), { format: '.stream_h264' }))).toContain('.stream_h264');
    expect(await refusal(blob(ramp(24), { format: '.stream_jpg' }))).toContain('no whole JPEG');
  });
});
