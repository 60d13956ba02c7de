/** The worker's side of the measurement, in one go: background, search, objects and their shapes. */
import { allocateShared } from '../kernels/memory.ts';
import { scratch } from '../kernels/wasm.ts';
import { drawNodes, firstGuess } from './background.ts';
import type { Plane } from './plane.ts';
import { chooseScale } from './scale.ts';
import { joinRuns, measureObjects, openPlane, rowFloats } from './shapes.ts';
import {
  fineOptions,
  leastPixels,
  measureLarge,
  mostStars,
  roomFor,
  saturatedPart,
  searchPlane,
  sortRows,
  wholeMesh,
} from './stages.ts';

export interface MeasureInput {
  plane: Plane;
  thresholdSigma: number;
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

export function measurePlane({ plane, thresholdSigma }: MeasureInput): Measured {
  const guess = firstGuess(plane);
  const saturated = saturatedPart(plane);
  const empty = { rows: allocateShared(4), count: 0, scale: 1, saturated, hotPixels: 0, incomplete: null };
  if (Number.isNaN(guess.level)) return { ...empty, background: Number.NaN, noise: Number.NaN };
  const work = scratch();
  const mesh = wholeMesh(work, plane, guess);
  work.reset();
  const pixels = roomFor(work, plane);
  const { nodes, background, noise } = drawNodes(work, plane, mesh);
  const found = searchPlane(work, plane, guess, { nodes, level: background, noise, thresholdSigma, pixels });
  const context = openPlane(work, plane, nodes, { ...fineOptions, pixels: found.complete ? pixels : null });
  const objects = joinRuns(work, found.pointer, found.count, leastPixels, mostStars);
  const scale = found.complete ? chooseScale(work, context, found.coarse, noise) : 1;
  const share = { from: 0, to: objects.count, most: mostStars };
  const stars =
    scale === 1 ? measureObjects(work, context, objects, share) : measureLarge(plane, scale, mesh, thresholdSigma);
  const incomplete = !found.complete ? 'runs' : objects.left > 0 || stars.count === mostStars ? 'objects' : null;
  const table = sortRows(work.f32(stars.pointer, stars.count * rowFloats));
  return { ...table, scale, background, noise, saturated, hotPixels: stars.hotPixels, incomplete };
}
