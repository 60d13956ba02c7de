/** Small frames for the tests of a night: one value everywhere, one bright pixel that moves. */
import { allocatePixels, Frame, type FrameFields } from '../../lib/frame/frame.ts';

export interface SmallFrame extends Partial<FrameFields> {
  value?: number;
  /** Index of a pixel of 60000 ADU. */
  star?: number;
}

/** The evening of 12 January 2026 in UTC. */
export const evening = Date.parse('2026-01-12T22:00:00Z');

/** @param seconds Start of the exposure after `evening`. */
export function smallFrame(seconds: number, { value = 100, star, ...fields }: SmallFrame = {}): Frame {
  const { width = 32, height = 24, exposureSeconds = 5 } = fields;
  const frame = new Frame({
    data: allocatePixels(width, height, 1, 'u16'),
    width,
    height,
    pixelType: 'u16',
    start: new Date(evening + seconds * 1000).toISOString(),
    end: new Date(evening + (seconds + (exposureSeconds ?? 0)) * 1000).toISOString(),
    exposureSeconds,
    camera: 'test',
    ...fields,
  });
  frame.pixels.fill(value);
  if (star !== undefined) frame.pixels[star] = 60000;
  return frame;
}
