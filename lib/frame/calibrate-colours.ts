/** Which colour a sample of a mosaic, or of three planes, is of. */
import type { FrameFields } from './frame.ts';

export type Mosaicked = Pick<FrameFields, 'width' | 'height' | 'channels' | 'bayer'>;

/** 0, 1, 2 for R, G (both greens), B; 0 for mono. */
export function colourAt({ width, height, channels, bayer }: Mosaicked): (index: number) => number {
  if (channels === 3) return (index) => Math.floor(index / (width * height));
  if (!bayer) return () => 0;
  const colours = [...bayer].map((colour) => 'RGB'.indexOf(colour));
  return (index) => {
    const y = Math.floor(index / width);
    return colours[2 * (y % 2) + ((index - y * width) % 2)]!;
  };
}
