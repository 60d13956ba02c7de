/** The worker's side of the measurement: background, search, objects and their shapes; in one go or a share of each. */
import { allocateShared } from '../kernels/memory.ts';
import { scratch } from '../kernels/wasm.ts';
import {
  drawNodes,
  fillMesh,
  firstGuess,
  type Mesh,
  measureMesh,
  meshSize,
  quantisationOf,
  samplesOf,
} from './background.ts';
import type { Plane } from './plane.ts';
import { searchRows } from './search.ts';
import { joinRuns, measureObjects, rowFloats } from './shapes.ts';

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

export function measurePlane({ plane, thresholdSigma, maximumStars }: MeasureInput): Measured {
  const guess = firstGuess(plane);
  const saturated = saturatedPart(plane);
  const empty = { rows: allocateShared(4), count: 0, saturated, hotPixels: 0, incomplete: null };
  if (Number.isNaN(guess.level)) return { ...empty, background: Number.NaN, noise: Number.NaN };
  const work = scratch();
  const quantisation = quantisationOf(plane, guess);
  const mesh = emptyMesh(plane);
  measureMesh(work, plane, quantisation, guess, mesh, 0, mesh.rows);
  fillMesh(mesh);
  work.reset();
  const { nodes, background, noise } = drawNodes(work, plane, mesh);
  const search = { plane, quantisation, nodes, noise, thresholdSigma, from: 0, to: plane.height, mostRuns };
  const found = searchRows(work, search);
  const objects = joinRuns(work, found.pointer, found.count, leastPixels, mostStars);
  const stars = measureObjects(work, plane, nodes, objects, leastPixels, {
    from: 0,
    to: objects.count,
    most: mostStars,
  });
  const incomplete = !found.complete ? 'runs' : objects.left > 0 || stars.count === mostStars ? 'objects' : null;
  const table = brightest(work.f32(stars.pointer, stars.count * rowFloats), maximumStars);
  return { ...table, background, noise, saturated, hotPixels: stars.hotPixels, incomplete };
}

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
