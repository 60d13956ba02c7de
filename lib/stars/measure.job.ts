/** The worker's side of the measurement: background, search, objects and their shapes; in one go or a share of each. */
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
import { binPlane, chooseScale } from './scale.ts';
import { type Found, type SearchInput, searchRows } from './search.ts';
import { joinRuns, measureCoarseObjects, measureObjects, openPlane, rowFloats, type Stars } from './shapes.ts';

export interface MeasureInput {
  plane: Plane;
  thresholdSigma: number;
  /** Stars that are kept, brightest first. */
  maximumStars: number;
}

export interface Measured {
  /** Rows of `rowFloats` f32 in plane coordinates and units, brightest first. */
  rows: SharedArrayBuffer;
  count: number;
  /** How many pixels in a row were taken as one to find the stars: 1, or more where they are large. */
  scale: number;
  /** Medians of the mesh, plane units; NaN for a plane without a value. */
  background: number;
  noise: number;
  /** Part of the samples at or above saturation, by a few thousand of them. */
  saturated: number;
  hotPixels: number;
  /** What had to be left out. */
  incomplete: 'runs' | 'objects' | null;
}

/** A pixel and its four neighbours, as SEP asks by default. */
const leastPixels = 5;
const mostRuns = 1_000_000;
const mostStars = 200_000;
/** Part of an object's light that a peak in it must have to be a star of its own, SEP's default. */
const contrast = 0.005;
/** The same where stars are large: a ring of light has knots. */
const leastLargePixels = 4;
const largeContrast = 0.05;
const mostLargeStars = 50_000;
/** Samples that are in the scratch at once. */
const planeBytes = 48 * 2 ** 20;

export function measurePlane({ plane, thresholdSigma, maximumStars }: MeasureInput): Measured {
  const guess = firstGuess(plane);
  const saturated = saturatedPart(plane);
  const empty = { rows: allocateShared(4), count: 0, scale: 1, saturated, hotPixels: 0, incomplete: null };
  if (Number.isNaN(guess.level)) return { ...empty, background: Number.NaN, noise: Number.NaN };
  const work = scratch();
  const mesh = wholeMesh(work, plane, guess);
  work.reset();
  const { nodes, background, noise } = drawNodes(work, plane, mesh);
  const found = searchPlane(work, plane, guess, { nodes, level: background, noise, thresholdSigma });
  const options = { leastPixels, contrast, bytes: planeBytes };
  const context = openPlane(work, plane, nodes, options);
  const objects = joinRuns(work, found.pointer, found.count, leastPixels, mostStars);
  const scale = found.complete ? chooseScale(work, context, found.coarse, noise) : 1;
  const share = { from: 0, to: objects.count, most: mostStars };
  const stars =
    scale === 1 ? measureObjects(work, context, objects, share) : measureLarge(plane, scale, mesh, thresholdSigma);
  const incomplete = !found.complete ? 'runs' : objects.left > 0 || stars.count === mostStars ? 'objects' : null;
  const table = brightest(work.f32(stars.pointer, stars.count * rowFloats), maximumStars);
  return { ...table, scale, background, noise, saturated, hotPixels: stars.hotPixels, incomplete };
}

/** Stars far larger than the filter are sought in a coarser plane, with a mesh as much wider, and measured in the fine one. */
function measureLarge(plane: Plane, scale: number, mesh: Mesh, thresholdSigma: number): Stars {
  const work = scratch();
  const coarse = binPlane(work, plane, scale);
  const guess = firstGuess(coarse);
  work.reset();
  const coarseMesh = wholeMesh(work, coarse, guess);
  work.reset();
  const { nodes, background, noise } = drawNodes(work, coarse, coarseMesh);
  const fine = drawNodes(work, plane, mesh, { ...coarseMesh, scale });
  const found = searchPlane(work, coarse, guess, { nodes, level: background, noise, thresholdSigma });
  const objects = joinRuns(work, found.pointer, found.count, leastLargePixels, mostLargeStars);
  const options = { leastPixels: leastLargePixels, contrast: largeContrast, bytes: planeBytes / 3 };
  const seen = openPlane(work, coarse, nodes, options);
  const context = openPlane(work, plane, fine.nodes, options);
  return measureCoarseObjects(work, seen, context, objects, scale, mostLargeStars);
}

function wholeMesh(work: Scratch, plane: Plane, guess: FirstGuess): Mesh {
  const mesh = emptyMesh(plane);
  measureMesh(work, plane, quantisationOf(plane, guess), guess, mesh, 0, mesh.rows);
  fillMesh(mesh);
  return mesh;
}

type Sought = Pick<SearchInput, 'nodes' | 'level' | 'noise' | 'thresholdSigma'>;

const searchPlane = (work: Scratch, plane: Plane, guess: FirstGuess, sought: Sought): Found =>
  searchRows(work, {
    ...sought,
    plane,
    quantisation: quantisationOf(plane, guess),
    from: 0,
    to: plane.height,
    mostRuns,
  });

function emptyMesh(plane: Plane): Mesh {
  const size = meshSize(plane);
  const take = () => new Float32Array(allocateShared(size.columns * size.rows * 4));
  return { ...size, background: take(), noise: take() };
}

/** Part of a few thousand samples that are saturated. */
function saturatedPart(plane: Plane): number {
  const samples = samplesOf(plane);
  const step = Math.max(1, Math.floor(samples.length / 4099));
  let [all, full] = [0, 0];
  for (let i = 0; i < samples.length; i += step) {
    all++;
    if (samples[i]! >= plane.saturation) full++;
  }
  return full / all;
}

/** The brightest rows in order; equals in the order of the picture. */
function brightest(shared: Float32Array, most: number): { rows: SharedArrayBuffer; count: number } {
  // A copy, since views of shared memory are slow in V8.
  const rows = new Float32Array(shared);
  const order = Uint32Array.from({ length: rows.length / rowFloats }, (_, star) => star);
  order.sort((a, b) => rows[b * rowFloats + 2]! - rows[a * rowFloats + 2]! || a - b);
  const count = Math.min(most, order.length);
  const buffer = allocateShared(Math.max(4, count * rowFloats * 4));
  const sorted = new Float32Array(buffer);
  for (let i = 0; i < count; i++)
    sorted.set(rows.subarray(order[i]! * rowFloats, (order[i]! + 1) * rowFloats), i * rowFloats);
  return { rows: buffer, count };
}
