/** A frame seen through a projective map: what lays one exposure onto another. */
import { job, sharedPool, type WorkerPool } from '../kernels/pool.ts';
import { NightflowError, throwIfAborted } from '../process/errors.ts';
import { debayerFrame } from './debayer.ts';
import { allocatePixels, type Frame } from './frame.ts';
import { invertMatrix, type Matrix } from './matrix.ts';
import type { WarpInput } from './warp.job.ts';
import { type Interpolation, tileSide as stripRows } from './warp-rows.ts';

export interface WarpOptions {
  /** Size of the result, pixels: the frame's own when absent. */
  width?: number;
  height?: number;
  /** 'lanczos3' when absent. */
  interpolation?: Interpolation;
  signal?: AbortSignal;
  pool?: WorkerPool;
}

const warpJob = job<WarpInput, void>(new URL('./warp.job.ts', import.meta.url), 'warpStrips');

/**
 * The frame resampled so that its pixel (x, y) lies at matrix · (x, y, 1) of the result: 32-bit float, NaN where the frame has
 * nothing. A Bayer mosaic becomes RGB first.
 * @param matrix 3x3 row-major, frame pixel to result pixel, 0-based pixel centres: a registration's `matrix`.
 * @throws bad-input for a matrix without an inverse, or a size that can't be.
 */
export async function warpFrame(frame: Frame, matrix: Matrix, options: WarpOptions = {}): Promise<Frame> {
  const {
    width = frame.width,
    height = frame.height,
    interpolation = 'lanczos3',
    signal,
    pool = sharedPool(),
  } = options;
  throwIfAborted(signal);
  const inverse = invertMatrix(matrix);
  if (frame.width < 2 || frame.height < 2)
    throw new NightflowError('bad-input', `${frame} is too small to be resampled.`);
  const source = frame.bayer ? await debayerFrame(frame, { signal }) : frame;
  const target = allocatePixels(width, height, source.channels, 'f32');
  const input: WarpInput = {
    data: source.data,
    width: source.width,
    height: source.height,
    channels: source.channels,
    pixelType: source.pixelType,
    inverse,
    interpolation,
    target,
    targetWidth: width,
    targetHeight: height,
    nextStrip: new SharedArrayBuffer(4),
  };
  const strips = Math.ceil(height / stripRows) * source.channels;
  const shares = Array.from({ length: Math.min(pool.size, strips) }, () => pool.run(warpJob, input, { signal }));
  await Promise.all(shares);
  return source.with({ data: target, width, height, pixelType: 'f32' });
}
