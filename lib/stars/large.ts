/** Objects too large for a stamp (a trail through the field, the Moon): measured from their own pixels alone, in a worker. */
import type { Scratch } from '../kernels/wasm.ts';
import { type Nodes, nodeStep, samplesOf } from './background.ts';
import type { Plane } from './plane.ts';
import { starFlag } from './star-table.ts';

/** @param runs y, first x, last x of each run. A row of a star as the kernels write it. */
export function largeObject(work: Scratch, plane: Plane, nodes: Nodes, runs: Uint32Array): number[] {
  const samples = samplesOf(plane);
  const background = nodeReader(work, nodes, nodes.background);
  const noiseAt = nodeReader(work, nodes, nodes.noise);
  let [sum, sumX, sumY, sumXX, sumYY, sumXY, pixels] = [0, 0, 0, 0, 0, 0, 0];
  let peak = Number.NEGATIVE_INFINITY;
  let flags = 0;
  for (let i = 0; i < runs.length; i += 3) {
    const y = runs[i]!;
    const last = runs[i + 2]!;
    if (y === 0 || y === plane.height - 1 || runs[i + 1] === 0 || last === plane.width - 1) flags |= starFlag.edge;
    for (let x = runs[i + 1]!; x <= last; x++) {
      const sample = samples[y * plane.width + x]!;
      if (Number.isNaN(sample)) continue;
      if (sample >= plane.saturation) flags |= starFlag.saturated;
      const value = Math.max(0, sample - background(x, y));
      sum += value;
      sumX += value * x;
      sumY += value * y;
      sumXX += value * x * x;
      sumYY += value * y * y;
      sumXY += value * x * y;
      pixels++;
      if (value > peak) peak = value;
    }
  }
  const [x, y] = [sumX / sum, sumY / sum];
  const [xx, yy, xy] = [sumXX / sum - x * x, sumYY / sum - y * y, sumXY / sum - x * y];
  const half = (xx + yy) / 2;
  const split = Math.hypot((xx - yy) / 2, xy);
  const major = Math.max(1 / 12, half + split);
  const minor = Math.max(1 / 12, half - split);
  if (major > 9 * minor) flags |= starFlag.elongated;
  const noise = noiseAt(Math.round(x), Math.round(y)) * Math.sqrt(pixels);
  // Of a disc and of a line alike the moments give the half-flux radius to some per cent; nothing finer is asked of a trail.
  const hfr = Math.sqrt(major + minor);
  const fwhm = 2.35482 * (major * minor) ** 0.25;
  const angle = Math.atan2(2 * xy, xx - yy) / 2;
  return [x, y, sum, peak, hfr, fwhm, Math.sqrt(1 - minor / major), angle, sum / noise, flags];
}

function nodeReader(work: Scratch, { columns, rows }: Nodes, pointer: number): (x: number, y: number) => number {
  const values = work.f32(pointer, columns * rows);
  return (x, y) => {
    const at = Math.floor(y / nodeStep) * columns + Math.floor(x / nodeStep);
    const [u, v] = [(x % nodeStep) / nodeStep, (y % nodeStep) / nodeStep];
    const top = values[at]! + u * (values[at + 1]! - values[at]!);
    const bottom = values[at + columns]! + u * (values[at + columns + 1]! - values[at + columns]!);
    return top + v * (bottom - top);
  };
}
