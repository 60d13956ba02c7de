/** From runs to measured stars, in a worker: the kernels see a stretch of the plane's rows at a time. */
import type { Scratch } from '../kernels/wasm.ts';
import type { Nodes } from './nodes.ts';
import type { Plane } from './plane.ts';
import { runBytes } from './search.ts';

/** An object that does not fit: a trail through the field, the Moon. */
export const largestSide = 510;
/** Half the side of the picture in which a star's light is measured, pixels. */
export const largestRadius = 120;

const stampFloats = (largestSide + 2) ** 2;
export const recordFloats = 10;

/** Fields of a record (stars-objects.ts). */
export const record = {
  x: 0,
  y: 1,
  major: 2,
  minor: 3,
  angle: 4,
  pixels: 5,
  flux: 6,
  peak: 7,
  flags: 8,
  around: 9,
} as const;

/** Where the kernels find the plane: 32-bit words in the order of stars-stamp.ts. */
export interface Context {
  pointer: number;
  /** Brings rows into memory. */
  show(from: number, to: number): void;
  /** Whether these rows are there, or are not of the picture. */
  holds(from: number, to: number): boolean;
}

export interface ContextInput {
  plane: Plane;
  /** Plane units. */
  background: Nodes;
  noise: Nodes;
  contrast: number;
  leastPixels: number;
  /** Rows that are in memory at once. */
  rows: number;
}

export function openPlane(work: Scratch, input: ContextInput): Context {
  const { plane, background, noise, rows } = input;
  const rowBytes = plane.width * (plane.type === 'u16' ? 2 : 4);
  const source = Buffer.from(plane.data as unknown as ArrayBuffer);
  const pixels = work.take(rows * rowBytes);
  const take = (values: Float32Array) => {
    const pointer = work.take(values.length * 4);
    work.f32(pointer, values.length).set(values);
    return pointer;
  };
  const pointer = work.take(17 * 4);
  const words = work.u32(pointer, 17);
  const floats = work.f32(pointer, 17);
  words.set([pixels, plane.type === 'f32' ? 1 : 0, plane.width, plane.height, 0, 0]);
  words.set([take(background.values), take(noise.values), background.columns], 6);
  floats[9] = plane.saturation;
  words.set([work.take(stampFloats * 4), work.take(stampFloats * 4), work.take(stampFloats * 4)], 10);
  words.set([work.take(stampFloats * 8), work.take((stampFloats >> 1) * 24), input.leastPixels], 13);
  floats[16] = input.contrast;
  let shown = { from: 0, to: 0 };
  return {
    pointer,
    holds: (from, to) => Math.max(0, from) >= shown.from && Math.min(plane.height, to) <= shown.to,
    show: (from, to) => {
      if (from >= shown.from && to <= shown.to) return;
      source.copy(work.bytes, pixels, from * rowBytes, to * rowBytes);
      shown = { from, to };
      words[4] = from;
      words[5] = to - from;
    },
  };
}

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
