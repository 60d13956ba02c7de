/** How noisy the sky of a frame is, cell by cell: it says which stars could be seen there if no cloud hid them. */
import type { Frame, FrameFields } from '../frame/frame.ts';
import { job, sharedPool } from '../kernels/pool.ts';
import type { CloudGrid } from './clouds-grid.ts';

export interface NoiseGrid {
  /** Spread of a pixel about its surroundings as a standard deviation, ADU (linear), row by row; 0 where all are alike. */
  noise: number[];
  /** Part of the cell's pixels that are white. */
  saturated: number[];
}

export type NoiseInput = Pick<
  FrameFields,
  'data' | 'width' | 'height' | 'channels' | 'bayer' | 'pixelType' | 'transfer' | 'whiteLevel'
> & { columns: number; rows: number };

const measure = job<NoiseInput, NoiseGrid>(new URL('./clouds-noise.job.ts', import.meta.url), 'measureNoise');

export function noiseOf(frame: Frame, { columns, rows }: CloudGrid, signal?: AbortSignal): Promise<NoiseGrid> {
  const { data, width, height, channels, bayer, pixelType, transfer, whiteLevel } = frame;
  const input = { data, width, height, channels, bayer, pixelType, transfer, whiteLevel, columns, rows };
  return sharedPool().run(measure, input, { signal });
}
