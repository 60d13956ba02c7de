/** Statistics out of a complete histogram: one bin for each integer value. */
import type { ChannelStatistics, Histogram } from './statistics.ts';

const histogramBins = 256;

export function measureCounts(
  counts: Uint32Array,
  channel: ChannelStatistics['channel'],
  whiteLevel: number,
): ChannelStatistics {
  let samples = 0;
  let sum = 0;
  let minimum = Number.NaN;
  let maximum = Number.NaN;
  let saturated = 0;
  for (let value = 0; value < counts.length; value++) {
    const count = counts[value]!;
    if (count === 0) continue;
    if (samples === 0) minimum = value;
    maximum = value;
    samples += count;
    sum += count * value;
    if (value >= whiteLevel) saturated += count;
  }
  const mean = sum / samples;
  let squares = 0;
  for (let value = minimum; value <= maximum; value++) squares += counts[value]! * (value - mean) ** 2;
  const median = medianOfCounts(counts, samples);
  return {
    channel,
    samples,
    minimum,
    maximum,
    mean,
    median,
    standardDeviation: Math.sqrt(squares / samples),
    mad: madOfCounts(counts, samples, median),
    saturatedFraction: saturated / samples,
  };
}

/** The mean of the two middle values; NaN without any. */
export function medianOfCounts(counts: Uint32Array, samples: number): number {
  let seen = 0;
  let lower = Number.NaN;
  for (let value = 0; value < counts.length; value++) {
    seen += counts[value]!;
    if (Number.isNaN(lower) && seen * 2 >= samples && seen > 0) lower = value;
    if (seen * 2 > samples) return (lower + value) / 2;
  }
  return Number.NaN;
}

/** Median absolute deviation: deviations are multiples of a half, so they are counted in halves. */
export function madOfCounts(counts: Uint32Array, samples: number, median: number): number {
  if (samples === 0) return Number.NaN;
  const deviations = new Uint32Array(2 * counts.length);
  for (let value = 0; value < counts.length; value++)
    if (counts[value]) {
      const bin = Math.abs(2 * value - 2 * median);
      deviations[bin] = deviations[bin]! + counts[value]!;
    }
  return medianOfCounts(deviations, samples) / 2;
}

/** 256 bins from 0 to `high`. */
export function countsToHistogram(counts: Uint32Array, high: number): Histogram {
  const bins = new Array<number>(histogramBins).fill(0);
  for (let value = 0; value < counts.length; value++)
    if (counts[value]) {
      const bin = high > 0 ? Math.min(histogramBins - 1, Math.floor((value / high) * histogramBins)) : 0;
      bins[bin] = bins[bin]! + counts[value]!;
    }
  return { counts: bins, low: 0, high };
}
