/**
 * The worker's side of the measurement when several threads divide it: mesh rows, then rows of the search, then objects. Each
 * share depends on nothing but its own part, so the result is the same for any number of threads.
 */
import { allocateShared } from '../kernels/memory.ts';
import { type Scratch, scratch } from '../kernels/wasm.ts';
import {
  drawNodes,
  type FirstGuess,
  fillMesh,
  firstGuess,
  type Mesh,
  measureMesh,
  quantisationOf,
} from './background.ts';
import type { Measured } from './measure.job.ts';
import type { Plane } from './plane.ts';
import { chooseScale } from './scale.ts';
import { type Coarse, runBytes, searchRows } from './search.ts';
import { joinRuns, measureObjects, openPlane, rowFloats } from './shapes.ts';
import {
  emptyMesh,
  fineOptions,
  leastPixels,
  measureLarge,
  mostRuns,
  mostStars,
  saturatedPart,
  sortRows,
} from './stages.ts';

export interface Start {
  guess: FirstGuess;
  saturated: number;
  mesh: Mesh;
}

/** What a few thousand samples say, and an empty mesh for all threads to fill. */
export const startShares = ({ plane }: { plane: Plane }): Start => ({
  guess: firstGuess(plane),
  saturated: saturatedPart(plane),
  mesh: emptyMesh(plane),
});

export interface MeshShare extends Start {
  plane: Plane;
  /** Rows of the mesh. */
  from: number;
  to: number;
}

export function measureMeshShare({ plane, guess, mesh, from, to }: MeshShare): void {
  measureMesh(scratch(), plane, quantisationOf(plane, guess), guess, mesh, { from, to });
}

export interface SearchShare extends Start {
  plane: Plane;
  thresholdSigma: number;
  /** Rows of the plane; `from` a multiple of 8. */
  from: number;
  to: number;
}

export interface FoundShare {
  runs: SharedArrayBuffer;
  count: number;
  complete: boolean;
  coarse: Coarse;
  coarseRows: SharedArrayBuffer;
}

export function searchShare({ plane, guess, mesh, thresholdSigma, from, to }: SearchShare): FoundShare {
  const work = scratch();
  const { nodes, background, noise } = drawNodes(work, plane, filled(mesh));
  const quantisation = quantisationOf(plane, guess);
  const sought = {
    plane,
    quantisation,
    nodes,
    level: background,
    noise,
    thresholdSigma,
    from,
    to,
    mostRuns,
    pixels: null,
  };
  const { pointer, count, complete, coarse } = searchRows(work, sought);
  const rows = ((to >> 2) - (from >> 2)) * coarse.stride * 2;
  return {
    runs: copyOf(work, pointer, count * runBytes),
    ...{ count, complete, coarse },
    coarseRows: copyOf(work, coarse.pointer, rows),
  };
}

/** Filled by each thread for itself, since it is used by several at once. */
function filled(mesh: Mesh): Mesh {
  const own = { ...mesh, background: Float32Array.from(mesh.background), noise: Float32Array.from(mesh.noise) };
  fillMesh(own);
  return own;
}

function copyOf(work: Scratch, pointer: number, bytes: number): SharedArrayBuffer {
  const buffer = allocateShared(Math.max(4, bytes));
  work.bytes.copy(Buffer.from(buffer as unknown as ArrayBuffer), 0, pointer, pointer + bytes);
  return buffer;
}

function putInto(work: Scratch, buffer: SharedArrayBuffer, pointer: number, bytes: number): void {
  Buffer.from(buffer as unknown as ArrayBuffer).copy(work.bytes, pointer, 0, bytes);
}

export interface JoinInput extends Start {
  plane: Plane;
  thresholdSigma: number;
  shares: FoundShare[];
}

/** The objects of all shares; or, where stars are large, the whole measurement. */
export interface Joined {
  runs: SharedArrayBuffer;
  starts: SharedArrayBuffer;
  count: number;
  complete: boolean;
  left: number;
  background: number;
  noise: number;
  large: Measured | null;
}

export function joinShares({ plane, mesh: raw, saturated, thresholdSigma, shares }: JoinInput): Joined {
  const work = scratch();
  const mesh = filled(raw);
  const { nodes, background, noise } = drawNodes(work, plane, mesh);
  const found = shares.reduce((sum, { count }) => sum + count, 0);
  const count = Math.min(mostRuns, found);
  const complete = found <= mostRuns && shares.every((share) => share.complete);
  const pointer = work.take(found * runBytes);
  const first = shares[0]!.coarse;
  const coarse = { ...first, height: plane.height >> 2 };
  coarse.pointer = work.take((coarse.height + 1) * coarse.stride * 2) + 32;
  let [runsAt, coarseAt] = [pointer, coarse.pointer];
  for (const share of shares) {
    putInto(work, share.runs, runsAt, share.count * runBytes);
    runsAt += share.count * runBytes;
    putInto(work, share.coarseRows, coarseAt, share.coarseRows.byteLength);
    coarseAt += share.coarseRows.byteLength;
  }
  const objects = joinRuns(work, pointer, count, leastPixels, mostStars);
  const scale = complete ? chooseScale(work, openPlane(work, plane, nodes, fineOptions), coarse, noise) : 1;
  const starts = work.u32(objects.starts, objects.count + 1);
  const joined = {
    runs: copyOf(work, objects.runs, starts[objects.count]! * runBytes),
    starts: copyOf(work, objects.starts, (objects.count + 1) * 4),
    ...{ count: objects.count, left: objects.left, complete, background, noise },
  };
  if (scale === 1) return { ...joined, large: null };
  const stars = measureLarge(plane, scale, mesh, thresholdSigma);
  const table = sortRows(work.f32(stars.pointer, stars.count * rowFloats));
  const { hotPixels } = stars;
  return { ...joined, large: { ...table, scale, background, noise, saturated, hotPixels, incomplete: null } };
}

export interface ObjectShare {
  plane: Plane;
  mesh: Mesh;
  joined: Joined;
  /** Objects. */
  from: number;
  to: number;
}

export interface MeasuredShare {
  rows: SharedArrayBuffer;
  count: number;
  hotPixels: number;
}

export function measureShare({ plane, mesh, joined, from, to }: ObjectShare): MeasuredShare {
  const work = scratch();
  const { nodes } = drawNodes(work, plane, filled(mesh));
  const runs = work.take(joined.runs.byteLength);
  const starts = work.take(joined.starts.byteLength);
  putInto(work, joined.runs, runs, joined.runs.byteLength);
  putInto(work, joined.starts, starts, joined.starts.byteLength);
  const context = openPlane(work, plane, nodes, fineOptions);
  const objects = { runs, starts, count: joined.count, left: 0 };
  const { pointer, count, hotPixels } = measureObjects(work, context, objects, { from, to, most: mostStars });
  return { rows: copyOf(work, pointer, count * rowFloats * 4), count, hotPixels };
}

export interface SortInput {
  joined: Joined;
  saturated: number;
  shares: MeasuredShare[];
}

/** The stars of all shares as if one thread had measured them. */
export function sortShares({ joined, saturated, shares }: SortInput): Measured {
  const work = scratch();
  const all = shares.reduce((sum, { count }) => sum + count, 0);
  const pointer = work.take(all * rowFloats * 4);
  let at = pointer;
  for (const { rows, count } of shares) {
    putInto(work, rows, at, count * rowFloats * 4);
    at += count * rowFloats * 4;
  }
  const count = Math.min(mostStars, all);
  const table = sortRows(work.f32(pointer, count * rowFloats));
  const hotPixels = shares.reduce((sum, share) => sum + share.hotPixels, 0);
  const incomplete = !joined.complete ? 'runs' : joined.left > 0 || count === mostStars ? 'objects' : null;
  return { ...table, scale: 1, background: joined.background, noise: joined.noise, saturated, hotPixels, incomplete };
}
