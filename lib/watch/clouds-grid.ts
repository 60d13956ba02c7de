/** The picture as a grid of cells: how many stars stand in each, by brightness, and what a cell and its neighbours say together. */

export interface CloudGrid {
  columns: number;
  rows: number;
  width: number;
  height: number;
}

/** What is taken of a table of stars. */
export interface CountedStars {
  readonly count: number;
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly flux: Float32Array;
  readonly hfr: Float32Array;
  readonly eccentricity: Float32Array;
  readonly flags: Float32Array;
}

/** Along the longer side: 16 x 12 cells of a 4:3 picture, each some 11 degrees of an all-sky camera. */
const longSide = 16;
const shortest = 4;

export function gridOf(width: number, height: number): CloudGrid {
  const short = (part: number, whole: number) => Math.max(shortest, Math.round((longSide * part) / whole));
  return width >= height
    ? { columns: longSide, rows: short(height, width), width, height }
    : { columns: short(width, height), rows: longSide, width, height };
}

export const cellOf = ({ columns, rows, width, height }: CloudGrid, x: number, y: number): number => {
  const column = Math.min(columns - 1, Math.max(0, Math.floor(((x + 0.5) * columns) / width)));
  const row = Math.min(rows - 1, Math.max(0, Math.floor(((y + 0.5) * rows) / height)));
  return row * columns + column;
};

/** Steps of brightness: a quarter of a magnitude each, from 10^-4 ADU (frames scaled to 1) to 10^8. */
export const levels = 120;
const levelsPerDecade = 10;
const faintest = -40;
export const levelOf = (flux: number): number =>
  Math.min(levels - 1, Math.max(0, Math.floor(levelsPerDecade * Math.log10(flux) - faintest)));

export const nearestLevel = (flux: number): number =>
  Math.min(levels - 1, Math.max(0, Math.round(levelsPerDecade * Math.log10(flux) - faintest)));

/** Brightness ratio of so many levels. */
export const ratioOfLevels = (steps: number): number => 10 ** (steps / levelsPerDecade);

/** Stars at least as bright as a level, level by level: `counts[level * cells + cell]`. */
export type CellCounts = Float32Array;

/** @param use Which stars count: those that are no lamps. */
export function countStars(stars: CountedStars, grid: CloudGrid, use: (index: number) => boolean): CellCounts {
  const cells = grid.columns * grid.rows;
  const counts = new Float32Array(levels * cells);
  const { x, y, flux } = stars;
  for (let star = 0; star < stars.count; star++)
    if (flux[star]! > 0 && use(star)) {
      const at = levelOf(flux[star]!) * cells + cellOf(grid, x[star]!, y[star]!);
      counts[at] = counts[at]! + 1;
    }
  for (let at = (levels - 1) * cells - 1; at >= 0; at--) counts[at] = counts[at]! + counts[at + cells]!;
  return counts;
}

export interface Pooled {
  seen: Float32Array;
  expected: Float32Array;
}

/**
 * Seen and expected stars of each cell together with so many rings of neighbours as it takes to expect `enough`: as fine a map as the
 * number of stars allows. Cells where `valid` is 0 (ground, corners of a fisheye) take no part and stay 0.
 * @param leastRings Of neighbours that always count.
 */
export function poolCells(
  grid: CloudGrid,
  seen: Float32Array,
  expected: Float32Array,
  valid: Uint8Array,
  enough: number,
  leastRings = 0,
): Pooled {
  const { columns, rows } = grid;
  const sums = [seen, expected].map((values) => summedArea(values, valid, columns, rows));
  const pooled: Pooled = { seen: new Float32Array(seen.length), expected: new Float32Array(seen.length) };
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const cell = row * columns + column;
      if (valid[cell] === 0) continue;
      for (let ring = leastRings; ring < Math.max(columns, rows); ring++) {
        const [left, top] = [Math.max(0, column - ring), Math.max(0, row - ring)];
        const [right, bottom] = [Math.min(columns, column + ring + 1), Math.min(rows, row + ring + 1)];
        const [inSeen, inExpected] = sums.map((sum) => {
          const at = (y: number, x: number) => sum[y * (columns + 1) + x]!;
          return at(bottom, right) - at(top, right) - at(bottom, left) + at(top, left);
        });
        pooled.seen[cell] = inSeen!;
        pooled.expected[cell] = inExpected!;
        if (inExpected! >= enough) break;
      }
    }
  return pooled;
}

function summedArea(values: Float32Array, valid: Uint8Array, columns: number, rows: number): Float64Array {
  const sums = new Float64Array((columns + 1) * (rows + 1));
  for (let row = 0; row < rows; row++) {
    let line = 0;
    for (let column = 0; column < columns; column++) {
      const cell = row * columns + column;
      if (valid[cell] !== 0) line += values[cell]!;
      sums[(row + 1) * (columns + 1) + column + 1] = sums[row * (columns + 1) + column + 1]! + line;
    }
  }
  return sums;
}
