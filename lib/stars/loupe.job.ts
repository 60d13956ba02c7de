/** The worker's side of the loupe: cuts small squares out of a frame. */
import { allocatePixels, bytesPerSample, type FrameFields } from '../frame/frame.ts';

export type LoupePicture = Pick<FrameFields, 'data' | 'width' | 'height' | 'channels' | 'pixelType'>;

export interface LoupeInput extends LoupePicture {
  /** Top left corners, within the frame. */
  corners: readonly { left: number; top: number }[];
  side: number;
}

/** The pixels of each square, plane by plane as in the frame. */
export function cut(input: LoupeInput): SharedArrayBuffer[] {
  const { data, width, height, channels, pixelType, corners, side } = input;
  const bytes = bytesPerSample[pixelType];
  const source = new Uint8Array(data);
  return corners.map(({ left, top }) => {
    const square = allocatePixels(side, side, channels, pixelType);
    const target = new Uint8Array(square);
    for (let plane = 0; plane < channels; plane++)
      for (let row = 0; row < side; row++) {
        const from = ((plane * height + top + row) * width + left) * bytes;
        target.set(source.subarray(from, from + side * bytes), (plane * side + row) * side * bytes);
      }
    return square;
  });
}
