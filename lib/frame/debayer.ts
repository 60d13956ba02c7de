/** A colour picture out of a Bayer mosaic. */
import { job, sharedPool } from '../kernels/pool.ts';
import { NightflowError, throwIfAborted } from '../process/errors.ts';
import type { DebayerInput } from './debayer.job.ts';
import { allocatePixels, bytesPerSample, type Frame } from './frame.ts';

/**
 * `bilinear`: every pixel's missing colours are the mean of the nearest that have them (full size, edges mirrored).
 * `superpixel`: each 2x2 cell becomes one pixel, its greens averaged (half size, nothing invented).
 */
export type DebayerMethod = 'bilinear' | 'superpixel';

const debayerJob = job<DebayerInput, void>(new URL('./debayer.job.ts', import.meta.url), 'debayer');

/**
 * A planar RGB frame of the same pixel type; integers are rounded to the nearest.
 * @param options.spare Pixels of a frame that nobody will look at again: where they are of the right size the result lies there,
 * which saves a loop over many frames half of the time.
 * @throws bad-input for a frame without a Bayer pattern, or smaller than 2 x 2.
 */
export async function debayerFrame(
  frame: Frame,
  {
    method = 'bilinear',
    spare,
    signal,
  }: { method?: DebayerMethod; spare?: SharedArrayBuffer; signal?: AbortSignal } = {},
): Promise<Frame> {
  throwIfAborted(signal);
  const { data, width, height, bayer, pixelType } = frame;
  if (!bayer) throw new NightflowError('bad-input', `${frame} has no Bayer mosaic to turn into colour.`);
  if (width < 2 || height < 2) throw new NightflowError('bad-input', `${frame} is too small for a Bayer mosaic.`);
  const half = method === 'superpixel';
  const size = half ? { width: width >> 1, height: height >> 1 } : { width, height };
  const bytes = size.width * size.height * 3 * bytesPerSample[pixelType];
  const target =
    spare?.byteLength === bytes && spare !== data ? spare : allocatePixels(size.width, size.height, 3, pixelType);
  await sharedPool().run(debayerJob, { data, target, width, height, bayer, pixelType, method }, { signal });
  return frame.with({ ...size, data: target, channels: 3, bayer: null });
}
