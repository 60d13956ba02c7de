/** Which picture of the stand-in's life a frame is, by its pixels. */
import type { Frame } from '../../../lib/frame/frame.ts';
import { rampSample } from './rpicam-pixels.ts';

const bits = 12;
/** Beyond it the pattern may come again. */
const most = 100;

export function pictureNumber(frame: Frame): number {
  const pixels = frame.pixels;
  for (let number = 1; number <= most; number++)
    if ([0, 1, 5].every((x) => pixels[x] === rampSample(x, 0, number, bits))) return number;
  throw new Error(`This frame is none of the first ${most} pictures.`);
}
