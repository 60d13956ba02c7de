/** The star lists of a picture as the search wants them: middle at 0, mirrored or not, by brightness or spread over the picture. */
import type { Field } from './built-in-camera.ts';
import type { ImageStars } from './built-in-refine.ts';

/** 0-based pixel centres from the top left. */
export interface StarPlaces {
  x: Float32Array;
  y: Float32Array;
}

/** Columns and rows of the cells that take turns. */
const [columns, rows] = [4, 3];
/** The stars in the order in which they are given. */
export function centred({ x, y }: StarPlaces, { width, height }: Field, mirrored: boolean): ImageStars {
  const count = x.length;
  const sign = mirrored ? -1 : 1;
  return {
    count,
    x: Float64Array.from({ length: count }, (_, i) => sign * (x[i]! - (width - 1) / 2)),
    y: Float64Array.from({ length: count }, (_, i) => y[i]! - (height - 1) / 2),
  };
}

/** The brightest star of each cell, then the second of each, and so on: a nebula or a crowded corner does not take all places. */
export function spread(stars: ImageStars, { width, height }: Field): ImageStars {
  const turn = new Map<number, number>();
  const keys = Array.from({ length: stars.count }, (_, i) => {
    const column = Math.min(columns - 1, Math.floor((stars.x[i]! / width + 0.5) * columns));
    const row = Math.min(rows - 1, Math.floor((stars.y[i]! / height + 0.5) * rows));
    const cell = row * columns + column;
    const round = turn.get(cell) ?? 0;
    turn.set(cell, round + 1);
    return { i, round };
  });
  keys.sort((a, b) => a.round - b.round || a.i - b.i);
  return {
    count: stars.count,
    x: Float64Array.from(keys, ({ i }) => stars.x[i]!),
    y: Float64Array.from(keys, ({ i }) => stars.y[i]!),
  };
}
