/** Looks for pixels above the noise, row by row, in a worker: which runs of them there are. */
import type { Scratch } from '../kernels/wasm.ts';
import { nodeStep, type Quantisation, rowReader } from './background.ts';
import type { Nodes } from './nodes.ts';
import type { Plane } from './plane.ts';

/** Bytes of a run: y, first x, last x as i32. */
export const runBytes = 12;

/** How far below the background a sample still counts, in sigma. */
const depthSigma = 8;

export interface SearchInput {
  plane: Plane;
  quantisation: Quantisation;
  /** In units of the search. */
  background: Nodes;
  noise: Nodes;
  /** Median noise of the frame, units of the search. */
  sigma: number;
  thresholdSigma: number;
  from: number;
  to: number;
  mostRuns: number;
}

/** The runs of rows `from` to `to`, at `pointer` in the scratch; `complete` is false when they were more than `mostRuns`. */
export function searchRows(work: Scratch, input: SearchInput): { pointer: number; count: number; complete: boolean } {
  const { plane, background, sigma, from, to, mostRuns } = input;
  const { width, height } = plane;
  const padded = (width + 64) & ~31;
  const depth = depthSigma * sigma;
  const shift = Math.max(-11, Math.min(11, Math.floor(Math.log2(32 / sigma))));
  const unit = 2 ** shift;
  const nodes = work.take(background.columns * 4 + 64);
  const thresholds = work.take(padded);
  const whole = work.take(padded * 2);
  const part = work.take(padded * 2);
  const samples = work.take(padded * 2);
  const rows = [0, 1, 2].map(() => work.take(padded * 2 + 64) + 32) as [number, number, number];
  const runs = work.take(mostRuns * runBytes);
  const read = rowReader(work, plane, input.quantisation);
  const { starsBaseRow, starsOffRow, starsRuns } = work.kernels;
  const levels = new Float32Array(background.columns);
  const limits = new Uint16Array(padded / 8);

  /** A row less its background; outside of the picture there is background. */
  const load = (y: number): void => {
    const out = rows[y % 3]!;
    read(y, samples);
    starsOffRow!(samples, whole, part, out, width, shift);
    const view = work.u16(out - 32, padded + 16);
    view[15] = edgeAt(0);
    view.fill(edgeAt((width - 1) >> 3), 16 + width, 16 + width + 32);
  };
  const edgeAt = (node: number) => Math.max(0, Math.min(4095, Math.round(Math.min(depth, levels[node]!) * unit)));
  const strip = (y: number): void => {
    const row = Math.floor(y / nodeStep);
    const at = row * background.columns;
    for (let i = 0; i < background.columns; i++) {
      const mix = (values: Float32Array) =>
        values[at + i]! + 0.4375 * (values[at + i + background.columns]! - values[at + i]!);
      levels[i] = mix(background.values);
      const limit = input.thresholdSigma * mix(input.noise.values) + Math.min(depth, levels[i]!);
      if (i < limits.length) limits[i] = Math.max(0, Math.min(65535, Math.round(16 * limit * unit)));
    }
    work.f32(nodes, background.columns).set(levels);
    starsBaseRow!(nodes, width, depth, shift, whole, part);
  };

  let count = 0;
  const first = Math.max(0, from - 1);
  let loaded = first - 1;
  let stripOf = -1;
  const ensure = (y: number): void => {
    while (loaded < y) {
      loaded++;
      if (Math.floor(loaded / nodeStep) !== stripOf) {
        stripOf = Math.floor(loaded / nodeStep);
        strip(loaded);
      }
      load(loaded);
    }
  };
  const blank = work.take(padded * 2 + 64) + 32;
  for (let y = from; y < to; y++) {
    ensure(Math.min(height - 1, y + 1));
    if (y === 0 || y === height - 1) work.u16(blank - 32, padded + 32).fill(edgeAt(background.columns >> 1));
    work.u16(thresholds, limits.length).set(limits);
    const above = y === 0 ? blank : rows[(y - 1) % 3]!;
    const below = y === height - 1 ? blank : rows[(y + 1) % 3]!;
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
    if (count + found > mostRuns) return { pointer: runs, count: mostRuns, complete: false };
    count += found;
  }
  return { pointer: runs, count, complete: true };
}
