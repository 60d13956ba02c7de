/**
 * How large the stars of a plane are, and a coarser plane to find large ones in: a doughnut of 15 pixels is one object where
 * four pixels are one, and a heap of noise where they are four.
 */
import { allocateShared } from '../kernels/memory.ts';
import type { Scratch } from '../kernels/wasm.ts';
import type { Plane } from './plane.ts';
import type { Coarse } from './search.ts';
import { joinRuns, type OpenPlane } from './shapes.ts';

/** The coarse picture counts 4x4 pixels as one. */
const coarseStep = 4;
/** Objects that are looked at, at the most. */
const mostProbes = 200;
/** The widest object that is taken for a star, coarse pixels. */
const widest = 24;

/**
 * Areas (sum of a star over its largest filtered sample, pixels) from which it is sought in a picture 2, 4, 8, 16 times as coarse.
 * A Gaussian of FWHM 3 has 13, of 6 44, of 10 116; a doughnut of 15 pixels 150, of 30 600.
 */
const areas = [40, 110, 350, 1400];

/** A pixel alone has 4 under the filter: below, the object is a hot pixel, or next to a dark one. */
const leastArea = 5;
/**
 * Which of the objects, from the smallest up, says how large the stars are: clouds, hills and lamps are larger and may be
 * most of what stands out coarsely; what is smaller than a star is left out already.
 */
const quantile = 0.25;

/** 1, or by how many times the plane is to be made coarser before its stars are sought. */
export function chooseScale(work: Scratch, context: OpenPlane, coarse: Coarse, noise: number): number {
  const { starsRuns, starsSpread } = work.kernels;
  const most = 100_000;
  const runs = work.take(most * 12);
  const limits = work.take(coarse.stride * 2);
  // Noise of 4x4 pixels is a quarter of a pixel's; the filter takes 16 times the sample.
  work.u16(limits, coarse.stride).fill(Math.min(65535, 16 * (coarse.zero + (5 / coarseStep) * noise * coarse.unit)));
  let count = 0;
  const rowAt = (y: number) => coarse.pointer + y * coarse.stride * 2;
  for (let y = 1; y < coarse.height - 1 && count < most; y++) {
    // The samples beside the picture are what is left of the row before: none there reach the first or last column.
    count += starsRuns!(rowAt(y - 1), rowAt(y), rowAt(y + 1), limits, coarse.width, y, runs + count * 12, most - count);
  }
  if (count > most) return 1;
  const objects = joinRuns(work, runs, count, 3, 20_000);
  const starts = work.u32(objects.starts, objects.count + 1);
  const spreads: number[] = [];
  const step = Math.max(1, Math.floor(objects.count / mostProbes));
  for (let object = step >> 1; object < objects.count; object += step) {
    const own = work.u32(objects.runs + starts[object]! * 12, (starts[object + 1]! - starts[object]!) * 3);
    let [left, right] = [coarse.width, 0];
    for (let i = 0; i < own.length; i += 3) {
      left = Math.min(left, own[i + 1]!);
      right = Math.max(right, own[i + 2]!);
    }
    const [top, bottom] = [own[0]!, own[own.length - 3]!];
    if (right - left >= widest || bottom - top >= widest) continue;
    const [x, y] = [left * coarseStep, top * coarseStep];
    const [width, height] = [(right - left + 1) * coarseStep, (bottom - top + 1) * coarseStep];
    context.show(y, y + height);
    const area = starsSpread!(context.pointer, x, y, width, height);
    if (area >= leastArea) spreads.push(area);
  }
  if (spreads.length === 0) return 1;
  const spread = spreads.sort((a, b) => a - b)[Math.floor(spreads.length * quantile)]!;
  return 2 ** areas.filter((area) => spread > area).length;
}

/** The plane with `bin` x `bin` pixels as their sum, f32. Rows and columns that are left over are left out. */
export function binPlane(work: Scratch, plane: Plane, bin: number): Plane {
  const width = Math.floor(plane.width / bin);
  const height = Math.floor(plane.height / bin);
  const bytes = plane.type === 'u16' ? 2 : 4;
  const rowBytes = plane.width * bytes;
  const source = Buffer.from(plane.data as unknown as ArrayBuffer);
  const data = allocateShared(width * height * 4);
  const target = Buffer.from(data as unknown as ArrayBuffer);
  const row = work.take(rowBytes);
  const sums = work.take(width * 4);
  const add = work.kernels[plane.type === 'u16' ? 'starsBinU16' : 'starsBinF32']!;
  for (let y = 0; y < height; y++) {
    work.f32(sums, width).fill(0);
    for (let i = 0; i < bin; i++) {
      const at = (y * bin + i) * rowBytes;
      source.copy(work.bytes, row, at, at + rowBytes);
      add(row, sums, width, bin);
    }
    work.bytes.copy(target, y * width * 4, sums, sums + width * 4);
  }
  // Saturation is looked up in the plane itself.
  return { ...plane, data, width, height, type: 'f32', quantum: 0, saturation: Number.POSITIVE_INFINITY };
}
