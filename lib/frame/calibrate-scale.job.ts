/** Finds how much of a dark is in a frame, from its warm pixels. Runs in a worker. */

import type { Plate } from './calibrate-prepare.job.ts';
import { bytesPerSample, type FrameFields } from './frame.ts';

export interface FactorInput extends Pick<FrameFields, 'width' | 'height' | 'channels' | 'bayer'> {
  light: Plate;
  bias: Plate;
  dark: Plate;
  /** ADU from which on a sample of the frame is saturated. */
  saturation: number;
}

/** Rows that are looked at. */
const sampledRows = 400;
/** Fewer warm pixels than this tell nothing. */
const fewest = 50;
/** A pixel is warm when it stands this far, in sigma of such differences, out of its neighbours in the dark. */
const warmSigma = 8;
const largestFactor = 10;

/**
 * The factor k that leaves least of the dark's pattern: it minimises the sum of |l - k d| over warm pixels, l and d being
 * how far a pixel stands above its neighbours of the same colour in frame and dark (bias taken out). That is the median of
 * l / d weighted by d, which a star on a few of them does not move. Rounded to 0.001, null when too few pixels are warm.
 */
export function darkFactor(input: FactorInput): number | null {
  const { width, height, channels, bayer, saturation } = input;
  const step = bayer ? 2 : 1;
  const rows = height * channels;
  const every = Math.max(1, Math.floor(rows / sampledRows));
  const read = { light: reader(input.light, width), bias: reader(input.bias, width), dark: reader(input.dark, width) };
  const noise = medianNoise(read.dark, rows, every, step);
  const found: { ratio: number; weight: number }[] = [];
  for (let y = 0; y < rows; y += every) {
    const [light, bias, dark] = [read.light(y), read.bias(y), read.dark(y)];
    for (let x = step; x + step < width; x++) {
      const above = (row: Float32Array) => row[x]! - 0.5 * (row[x - step]! + row[x + step]!);
      const d = above(dark) - above(bias);
      if (!(Math.abs(d) > warmSigma * noise) || !(light[x]! < saturation)) continue;
      const l = above(light) - above(bias);
      if (l - l === 0) found.push({ ratio: l / d, weight: Math.abs(d) });
    }
  }
  if (found.length < fewest) return null;
  found.sort((a, b) => a.ratio - b.ratio);
  let left = found.reduce((sum, { weight }) => sum + weight, 0) / 2;
  for (const { ratio, weight } of found) {
    left -= weight;
    if (left <= 0) return Math.round(1000 * Math.min(largestFactor, Math.max(0, ratio))) / 1000;
  }
  return null;
}

/** Sigma of how far a pixel stands above its neighbours: 1.4826 x the median of its absolute value, over rows. */
function medianNoise(read: (y: number) => Float32Array, rows: number, every: number, step: number): number {
  const deviations: number[] = [];
  for (let y = 0; y < rows; y += every * 8) {
    const row = read(y);
    for (let x = step; x + step < row.length; x++) {
      const deviation = Math.abs(row[x]! - 0.5 * (row[x - step]! + row[x + step]!));
      if (deviation - deviation === 0) deviations.push(deviation);
    }
  }
  const sorted = Float64Array.from(deviations).sort();
  return 1.4826 * (sorted[sorted.length >> 1] ?? 0);
}

function reader({ data, pixelType, scale }: Plate, width: number): (y: number) => Float32Array {
  const bytes = width * bytesPerSample[pixelType];
  return (y) => {
    const row =
      pixelType === 'u8'
        ? new Uint8Array(data, y * bytes, width)
        : pixelType === 'u16'
          ? new Uint16Array(data, y * bytes, width)
          : new Float32Array(data, y * bytes, width);
    return Float32Array.from(row, (value) => value * scale);
  };
}
