/** Takes a frame's hot and cold pixels out before it is turned and laid on others, where they would become trails of dots. */
import { correctOwnDefects } from '../frame/calibrate-cosmetic.ts';
import type { FrameFields } from '../frame/frame.ts';

export interface CosmeticInput
  extends Pick<FrameFields, 'data' | 'width' | 'height' | 'channels' | 'bayer' | 'pixelType'> {
  /** Of the same samples, bytes as 16 bit. */
  target: SharedArrayBuffer;
}

export function takeDefectsOut({ data, width, height, channels, bayer, pixelType, target }: CosmeticInput): void {
  const type = pixelType === 'f32' ? 'f32' : 'u16';
  if (pixelType === 'u8') new Uint16Array(target).set(new Uint8Array(data));
  else Buffer.from(data as unknown as ArrayBuffer).copy(Buffer.from(target as unknown as ArrayBuffer));
  correctOwnDefects(target, type, { width, height, planes: channels, colourStep: bayer ? 2 : 1 });
}
