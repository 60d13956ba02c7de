/** What the jobs of the measurement share: limits, and the stages that are not divided among threads. */
import { allocateShared } from '../kernels/memory.ts';
import { type Scratch, scratch } from '../kernels/wasm.ts';
import {
  drawNodes,
  type FirstGuess,
  fillMesh,
  firstGuess,
  type Mesh,
  measureMesh,
  meshSize,
  quantisationOf,
  samplesOf,
} from './background.ts';
import type { Plane } from './plane.ts';
import { binPlane } from './scale.ts';
import { type Found, type SearchInput, searchRows } from './search.ts';
import { joinRuns, measureCoarseObjects, openPlane, type PlaneOptions, rowFloats, type Stars } from './shapes.ts';

/** A pixel and its four neighbours, as SEP asks by default. */
export const leastPixels = 5;
export const mostRuns = 1_000_000;
export const mostStars = 200_000;
/** Part of an object's light that a peak in it must have to be a star of its own, SEP's default. */
export const contrast = 0.005;
/** The same where stars are large: a ring of light has knots. */
export const leastLargePixels = 4;
export const largeContrast = 0.05;
export const mostLargeStars = 50_000;
/** Samples that are in the scratch at once. */
export const planeBytes = 48 * 2 ** 20;

/** How the plane is opened where stars are not large. */
export const fineOptions: PlaneOptions = { leastPixels, contrast, bytes: planeBytes };

/** Stars far larger than the filter are sought in a coarser plane, with a mesh as much wider, and measured in the fine one. */
export function measureLarge(plane: Plane, scale: number, mesh: Mesh, thresholdSigma: number): Stars {
  const work = scratch();
  const coarse = binPlane(work, plane, scale);
  const guess = firstGuess(coarse);
  work.reset();
  const coarseMesh = wholeMesh(work, coarse, guess);
  work.reset();
  const { nodes, background, noise } = drawNodes(work, coarse, coarseMesh);
  const fine = drawNodes(work, plane, mesh, { ...coarseMesh, scale });
  const found = searchPlane(work, coarse, guess, { nodes, level: background, noise, thresholdSigma, pixels: null });
  const objects = joinRuns(work, found.pointer, found.count, leastLargePixels, mostLargeStars);
  const options = { leastPixels: leastLargePixels, contrast: largeContrast, bytes: planeBytes / 3 };
  const seen = openPlane(work, coarse, nodes, options);
  const context = openPlane(work, plane, fine.nodes, options);
  return measureCoarseObjects(work, seen, context, objects, scale, mostLargeStars);
}

/** Room for all samples of a plane of u16 that is not too large, in the scratch; null for others. */
export function roomFor(work: Scratch, plane: Plane): number | null {
  const bytes = plane.width * plane.height * 2;
  return plane.type === 'u16' && bytes <= planeBytes ? work.take(bytes) : null;
}

export function wholeMesh(work: Scratch, plane: Plane, guess: FirstGuess): Mesh {
  const mesh = emptyMesh(plane);
  measureMesh(work, plane, quantisationOf(plane, guess), guess, mesh, { from: 0, to: mesh.rows });
  fillMesh(mesh);
  return mesh;
}

type Sought = Pick<SearchInput, 'nodes' | 'level' | 'noise' | 'thresholdSigma' | 'pixels'>;

export const searchPlane = (work: Scratch, plane: Plane, guess: FirstGuess, sought: Sought): Found =>
  searchRows(work, {
    ...sought,
    plane,
    quantisation: quantisationOf(plane, guess),
    from: 0,
    to: plane.height,
    mostRuns,
  });

export function emptyMesh(plane: Plane): Mesh {
  const size = meshSize(plane);
  const take = () => new Float32Array(allocateShared(size.columns * size.rows * 4));
  return { ...size, background: take(), noise: take() };
}

/** Part of a few thousand samples that are saturated. */
export function saturatedPart(plane: Plane): number {
  const samples = samplesOf(plane);
  const step = Math.max(1, Math.floor(samples.length / 4099));
  let [all, full] = [0, 0];
  for (let i = 0; i < samples.length; i += step) {
    all++;
    if (samples[i]! >= plane.saturation) full++;
  }
  return full / all;
}

/** The rows in order, brightest first; equals in the order of the picture. What could not be measured is left out. */
export function sortRows(shared: Float32Array): { rows: SharedArrayBuffer; count: number } {
  // A copy, since views of shared memory are slow in V8.
  const rows = new Float32Array(shared);
  const measured = (star: number) => Number.isFinite(rows[star * rowFloats]! + rows[star * rowFloats + 2]!);
  const order = Uint32Array.from({ length: rows.length / rowFloats }, (_, star) => star).filter(measured);
  order.sort((a, b) => rows[b * rowFloats + 2]! - rows[a * rowFloats + 2]! || a - b);
  const count = order.length;
  const buffer = allocateShared(Math.max(4, count * rowFloats * 4));
  const sorted = new Float32Array(buffer);
  for (let i = 0; i < count; i++)
    sorted.set(rows.subarray(order[i]! * rowFloats, (order[i]! + 1) * rowFloats), i * rowFloats);
  return { rows: buffer, count };
}
