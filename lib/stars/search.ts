/** Looks for pixels above the noise, row by row, in a worker: which runs of them there are. */
import type { Scratch } from '../kernels/wasm.ts';
import { type Nodes, nodeStep, type Quantisation, rowsOf } from './background.ts';
import type { Plane } from './plane.ts';

/** Bytes of a run: y, first x, last x as i32. */
export const runBytes = 12;

/** How far below the background a sample still counts, in sigma. */
const depthSigma = 8;
/** The search counts in steps of a 16th to a 32nd of the noise, in 12 bits: up to 128 sigma. */
const stepsInSigma = 32;

export interface SearchInput {
  plane: Plane;
  quantisation: Quantisation;
  /** Room in the scratch where all samples of a plane of u16 are put on the way, or null. */
  pixels: number | null;
  nodes: Nodes;
  /** Median background and noise of the frame, plane units. */
  level: number;
  noise: number;
  thresholdSigma: number;
  /** A multiple of 8. */
  from: number;
  to: number;
  mostRuns: number;
}

/** A picture of a quarter of the width and height, less its background: u16, twice the mean of 4x4 pixels. */
export interface Coarse {
  pointer: number;
  /** Samples from one row to the next. */
  stride: number;
  width: number;
  height: number;
  /** Its value for the background, and for one unit of the plane. */
  zero: number;
  unit: number;
}

export interface Found {
  /** Runs in the scratch. */
  pointer: number;
  count: number;
  /** False when they were more than `mostRuns`. */
  complete: boolean;
  coarse: Coarse;
}

/** The runs of rows `from` to `to`. */
export function searchRows(work: Scratch, input: SearchInput): Found {
  const { plane, quantisation, nodes, thresholdSigma, from, to, mostRuns } = input;
  const { width, height } = plane;
  const { low, scale, rounded } = quantisation;
  const sigma = input.noise * scale;
  const depth = depthSigma * sigma;
  const shift = Math.max(-11, Math.min(11, Math.floor(Math.log2(stepsInSigma / sigma))));
  const padded = (width + 64) & ~31;
  const thresholds = work.take(padded);
  const ownThresholds = work.take(padded);
  const whole = work.take(padded * 2);
  const part = work.take(padded * 2);
  const takeRow = () => work.take(padded * 2 + 64) + 32;
  const rows = [takeRow(), takeRow(), takeRow()];
  const runs = work.take(mostRuns * runBytes);
  const read = rowsOf(work, plane, quantisation, input.pixels);
  const { starsStrip, starsOffRow, starsRuns, starsCoarsen } = work.kernels;
  const views = rows.map((row) => work.u16(row - 32, padded + 32));
  const padding = { left: 0, right: 0 };

  /** Background and thresholds of the eight rows with this one. */
  const strip = (y: number): void => {
    const at = Math.floor(y / nodeStep) * nodes.columns * 4;
    const [background, noise] = [nodes.background + at, nodes.noise + at];
    const [count, sigmas] = [nodes.columns, thresholdSigma];
    starsStrip!(background, noise, count, width, low, scale, rounded, depth, sigmas, shift, whole, part, ownThresholds);
    // Outside of the picture there is background: as much of it as the samples are left with.
    const level = (node: number) => {
      const value = (work.f32(background + node * 4, 1)[0]! - low) * scale - rounded;
      return Math.max(0, Math.min(4095, Math.round(Math.min(depth, value) * 2 ** shift)));
    };
    padding.left = level(0);
    padding.right = level((width - 1) >> 3);
  };
  const load = (y: number): void => {
    const out = rows[y % 3]!;
    starsOffRow!(read(y), whole, part, out, width, shift);
    const view = views[y % 3]!;
    view[15] = padding.left;
    view.fill(padding.right, 16 + width, 16 + width + 16);
  };
  const blank = (y: number): number => {
    views[y]!.fill(padding.left);
    return rows[y]!;
  };

  const sums = work.take(padded * 2);
  const stride = (padded >> 2) + 32;
  const coarseRows = (to >> 2) - (from >> 2);
  const coarse: Coarse = {
    pointer: work.take((coarseRows + 1) * stride * 2) + 32,
    stride,
    width: width >> 2,
    height: to >> 2,
    zero: 2 * Math.min(depth, (input.level - low) * scale) * 2 ** shift,
    unit: 2 * scale * 2 ** shift,
  };
  let count = 0;
  let loaded = Math.max(0, from - 1) - 1;
  let stripOf = -1;
  for (let y = from; y < to; y++) {
    for (; loaded < Math.min(height - 1, y + 1); loaded++) {
      if (Math.floor((loaded + 1) / nodeStep) !== stripOf) {
        stripOf = Math.floor((loaded + 1) / nodeStep);
        strip(loaded + 1);
      }
      load(loaded + 1);
    }
    // Kept for these eight rows: the strip of the row below the last of them has others.
    if (y % nodeStep === 0) work.bytes.copyWithin(thresholds, ownThresholds, ownThresholds + padded);
    const above = y === 0 ? blank(2) : rows[(y + 2) % 3]!;
    const below = y === height - 1 ? blank((y + 1) % 3) : rows[(y + 1) % 3]!;
    const found = starsRuns!(
      above,
      rows[y % 3]!,
      below,
      thresholds,
      width,
      y,
      runs + count * runBytes,
      mostRuns - count,
    );
    if (count + found > mostRuns) return { pointer: runs, count: mostRuns, complete: false, coarse };
    count += found;
    const coarseRow = y >> 2;
    if (coarseRow < coarse.height)
      starsCoarsen!(rows[y % 3]!, sums, width, y & 3, coarse.pointer + (coarseRow - (from >> 2)) * coarse.stride * 2);
  }
  return { pointer: runs, count, complete: true, coarse };
}
