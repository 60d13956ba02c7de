/** From runs to measured stars, in a worker: the kernels see a stretch of the plane's rows at a time. */
import type { Scratch } from '../kernels/wasm.ts';
import type { Nodes } from './background.ts';
import { largeObject } from './large.ts';
import type { Plane } from './plane.ts';
import { runBytes } from './search.ts';

/** Floats in a star's row: x, y, flux, peak, hfr, fwhm, eccentricity, angle (radians), snr, flags. Plane coordinates and units. */
export const rowFloats = 10;

/** Sides of an object that the kernels take, pixels; larger ones (a trail through the field, the Moon) are measured otherwise. */
const largestSide = 506;
/** Half the side of the picture in which a star's light is measured, pixels. */
const largestReach = 120;
const mostInObject = 256;
const spareBytes = 2 * (2 * largestReach + 3) * 4;

export interface Objects {
  /** Runs of all objects, one object after the other. */
  runs: number;
  /** i32: each object's first run, and the end. */
  starts: number;
  count: number;
  /** Objects beyond the room for them. */
  left: number;
}

/** Joins runs to objects of `least` pixels or more. */
export function joinRuns(work: Scratch, runs: number, count: number, least: number, most: number): Objects {
  const parents = work.take(count * 4);
  const grouped = work.take(count * runBytes);
  const starts = work.take((most + 1) * 4);
  work.kernels.starsJoinRuns!(runs, count, parents);
  const found = work.kernels.starsGroupRuns!(runs, count, parents, least, work.take(count * 8), grouped, starts, most);
  return { runs: grouped, starts, count: Math.min(found, most), left: Math.max(0, found - most) };
}

export interface Stars {
  /** Rows in the scratch. */
  pointer: number;
  count: number;
  hotPixels: number;
}

/** Deblends and measures objects `from` to `to`, a stretch of the plane at a time; `most` stars at the most. */
export function measureObjects(
  work: Scratch,
  context: OpenPlane,
  objects: Objects,
  { from, to, most }: { from: number; to: number; most: number },
): Stars {
  const rows = work.take(most * rowFloats * 4);
  const records = work.take(mostInObject * rowFloats * 4);
  const spare = work.take(spareBytes);
  const statePointer = work.take(8);
  const state = work.u32(statePointer, 2);
  state.fill(0);
  const starts = work.u32(objects.starts, objects.count + 1);
  const { runs } = objects;
  for (let object = from; object < to; ) {
    const at = object;
    object = work.kernels.starsMeasure!(
      ...[context.pointer, runs, objects.starts, at, to, rows, most, statePointer, records, spare],
    );
    if (object === to) break;
    const own = work.u32(runs + starts[object]! * runBytes, (starts[object + 1]! - starts[object]!) * 3);
    if (context.fits(own) && context.show(own[0]!, own[own.length - 3]!)) continue;
    if (state[0]! < most)
      work.f32(rows + state[0]!++ * rowFloats * 4, rowFloats).set(largeObject(work, context.plane, context.nodes, own));
    object++;
  }
  return { pointer: rows, count: state[0]!, hotPixels: state[1]! };
}

/** The same of objects that were found in a plane `bin` times as coarse; the stars are measured in the fine one. */
export function measureCoarseObjects(
  work: Scratch,
  found: OpenPlane,
  context: OpenPlane,
  objects: Objects,
  bin: number,
  most: number,
): Stars {
  const rows = work.take(most * rowFloats * 4);
  const records = work.take(mostInObject * rowFloats * 4);
  const spare = work.take(spareBytes);
  const starts = work.u32(objects.starts, objects.count + 1);
  const offset = (bin - 1) / 2;
  let [count, hotPixels] = [0, 0];
  for (let object = 0; object < objects.count && count < most; object++) {
    const pointer = objects.runs + starts[object]! * runBytes;
    const runs = starts[object + 1]! - starts[object]!;
    const own = work.u32(pointer, runs * 3);
    if (!found.fits(own)) {
      const row = largeObject(work, found.plane, found.nodes, own);
      for (const at of [0, 1]) row[at] = row[at]! * bin + offset;
      for (const at of [4, 5]) row[at]! *= bin;
      row[3]! /= bin * bin;
      work.f32(rows + count++ * rowFloats * 4, rowFloats).set(row);
      continue;
    }
    found.show(own[0]!, own[own.length - 3]!);
    const most1 = Math.min(mostInObject, most - count);
    const stars = work.kernels.starsOfObject!(found.pointer, pointer, runs, records, most1);
    const values = work.f32(records, stars * rowFloats);
    for (let at = 0; at < values.length; at += rowFloats) {
      values[at] = values[at]! * bin + offset;
      values[at + 1] = values[at + 1]! * bin + offset;
      values[at + 2]! *= bin;
      values[at + 5]! *= bin * bin;
    }
    context.show(own[0]! * bin, (own[own.length - 3]! + 1) * bin - 1);
    const kept = work.kernels.starsMeasureRecords!(
      ...[context.pointer, records, stars, rows + count * rowFloats * 4, spare],
    );
    hotPixels += stars - kept;
    count += kept;
  }
  return { pointer: rows, count, hotPixels };
}

export type OpenPlane = ReturnType<typeof openPlane>;

export interface PlaneOptions {
  leastPixels: number;
  /** Part of an object's light that a peak in it must have to be a star of its own. */
  contrast: number;
  /** Bytes of samples that are in the scratch at once. */
  bytes: number;
  /** Where all samples are in the scratch already. */
  pixels?: number | null;
}

/** Tells the kernels where the plane is: 32-bit words in the order of stars-stamp.ts. */
export function openPlane(work: Scratch, plane: Plane, nodes: Nodes, options: PlaneOptions) {
  const { width, height } = plane;
  const rowBytes = width * (plane.type === 'u16' ? 2 : 4);
  const source = Buffer.from(plane.data as unknown as ArrayBuffer);
  const resident = options.pixels ?? null;
  const inMemory = resident === null ? Math.min(height, Math.floor(options.bytes / rowBytes)) : height;
  const margin = inMemory === height ? height : Math.min(largestReach + 8, inMemory >> 2);
  const tallest = inMemory === height ? largestSide : Math.min(largestSide, inMemory - 2 * margin);
  const pixels = resident ?? work.take(inMemory * rowBytes);
  const stampFloats = (largestSide + 6) ** 2;
  const stamps = [4, 4, 4, 8, 12].map((bytes) => work.take(stampFloats * bytes));
  const levels = work.take((largestSide + 32) * 4);
  const pointer = work.take(23 * 4);
  const words = work.u32(pointer, 23);
  const floats = work.f32(pointer, 23);
  words.set([pixels, plane.type === 'f32' ? 1 : 0, width, height, 0, 0, nodes.background, nodes.noise, nodes.columns]);
  words.set(
    [
      0,
      ...stamps,
      options.leastPixels,
      0,
      largestSide,
      tallest,
      margin,
      largestReach,
      levels,
      plane.widening > 0 ? 1 : 0,
    ],
    9,
  );
  floats[9] = plane.saturation;
  floats[16] = options.contrast;
  let shown = { from: 0, to: resident === null ? 0 : height };
  if (resident !== null) words[5] = height;
  return {
    plane,
    nodes,
    pointer,
    /** @param runs Of an object. */
    fits: (runs: Uint32Array): boolean => {
      let [left, right] = [width, 0];
      for (let i = 0; i < runs.length; i += 3) {
        left = Math.min(left, runs[i + 1]!);
        right = Math.max(right, runs[i + 2]!);
      }
      return right - left < largestSide && runs[runs.length - 3]! - runs[0]! < tallest;
    },
    /** Brings the rows from `top` to `bottom` and those around into memory; false when they are there. */
    show: (top: number, bottom: number): boolean => {
      if (Math.max(0, top - margin) >= shown.from && Math.min(height, bottom + margin + 1) <= shown.to) return false;
      const from = Math.max(0, Math.min(height - inMemory, top - margin));
      shown = { from, to: from + inMemory };
      source.copy(work.bytes, pixels, shown.from * rowBytes, shown.to * rowBytes);
      words[4] = from;
      words[5] = inMemory;
      return true;
    },
  };
}
