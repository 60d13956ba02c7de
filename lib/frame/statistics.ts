/** Statistics of a frame's samples, over all of it and for each colour. */
import { job, sharedPool } from '../kernels/pool.ts';
import { throwIfAborted } from '../process/errors.ts';
import type { Frame } from './frame.ts';
import type { StatisticsInput } from './statistics-rows.ts';

/** All in ADU, exact; NaN samples of float frames (no data) are left out. Without any sample, NaN. */
export interface ChannelStatistics {
  /** 'mono', or of a colour picture 'all', 'R', 'G' (both greens of a mosaic), 'B'. */
  channel: 'mono' | 'all' | 'R' | 'G' | 'B';
  /** Samples that hold a value. */
  samples: number;
  minimum: number;
  maximum: number;
  mean: number;
  /** The mean of the two middle values when their number is even. */
  median: number;
  /** Of the population (divided by n). */
  standardDeviation: number;
  /** Median of the absolute deviations from the median; x 1.4826 it is the sigma of normal noise. */
  mad: number;
  /** Part (0…1) of the samples at or above the white level. */
  saturatedFraction: number;
}

/** For a chart: 256 bins of equal width from `low` to `high`, ADU. What lies outside counts in the end bins. */
export interface Histogram {
  counts: number[];
  low: number;
  high: number;
}

export interface FrameStatistics extends ChannelStatistics {
  /** One for mono; R, G, B for a mosaic or a colour picture. */
  perChannel: ChannelStatistics[];
  /** In the order of `perChannel`. Between 0 and the white level, or the extremes where they lie beyond. */
  histogram: Histogram[];
}

const measure = job<StatisticsInput, FrameStatistics>(new URL('./statistics.job.ts', import.meta.url), 'measure');

export async function measureFrame(frame: Frame, { signal }: { signal?: AbortSignal } = {}): Promise<FrameStatistics> {
  throwIfAborted(signal);
  const { data, width, height, channels, bayer, pixelType, whiteLevel } = frame;
  return sharedPool().run(measure, { data, width, height, channels, bayer, pixelType, whiteLevel }, { signal });
}
