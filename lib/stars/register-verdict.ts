/** Whether a map between two star fields is right, or chance, or right for a part of the picture only. */
import { applyMatrix, invertMatrix, type Matrix } from '../frame/matrix.ts';
import type { Pairs } from './register-fit.ts';
import type { FieldMatch, MatchOptions } from './register-match.ts';
import { PointGrid, type Points, type Size } from './register-points.ts';

/** Of two fields that have nothing in common, one in e^13 (440,000) may pass for a match at most. */
const chanceExponent = -13;
/** Part of the stars that must meet, of the field that has fewer in the common area. */
const leastMatched = 0.3;
/** Cells a side in which the meeting is looked at, stars that make a cell count, and the part of them that must meet. */
const cells = 4;
const countedStars = 8;
const leastMatchedInCell = 0.2;
/** Part of the counted cells that may fail. */
const failedCells = 0.25;

/** One-to-one: each star with the nearest of the reference within `radius`, the closest of those that want the same one. */
export function pairUp(moving: Points, grid: PointGrid, matrix: Matrix, radius: number): Pairs {
  const { points } = grid;
  const takenBy = new Int32Array(points.count).fill(-1);
  const distances = new Float64Array(points.count);
  for (let i = 0; i < moving.count; i++) {
    const [x, y] = applyMatrix(matrix, moving.x[i]!, moving.y[i]!);
    const j = grid.nearest(x, y, radius);
    if (j < 0) continue;
    const distance = Math.hypot(points.x[j]! - x, points.y[j]! - y);
    if (takenBy[j]! >= 0 && distances[j]! <= distance) continue;
    takenBy[j] = i;
    distances[j] = distance;
  }
  const from: number[] = [];
  const to: number[] = [];
  for (let j = 0; j < points.count; j++)
    if (takenBy[j]! >= 0) {
      from.push(takenBy[j]!);
      to.push(j);
    }
  return { count: from.length, from: Int32Array.from(from), to: Int32Array.from(to) };
}

/** Why the match can't be believed, as a sentence; null when it can. @param tried Guesses that were looked at. */
export function judge(
  match: FieldMatch,
  moving: Points,
  reference: Points,
  tried: number,
  { size, movingSize, maximumResidualPixels, maximumScaleChange }: MatchOptions,
): string | null {
  const { matrix, residualPixels } = match;
  const noMatch = 'The stars of the frame do not match those of the reference frame.';
  const inverse = invertMatrix(matrix);
  const expected = new Int32Array(cells * cells);
  const ours = new Int32Array(cells * cells);
  const theirs = new Int32Array(cells * cells);
  const met = new Int32Array(cells * cells);
  const cellOf = (x: number, y: number) =>
    Math.min(cells - 1, Math.floor((y / size.height) * cells)) * cells +
    Math.min(cells - 1, Math.floor((x / size.width) * cells));

  let inside = 0;
  for (let i = 0; i < moving.count; i++) {
    const [x, y] = applyMatrix(matrix, moving.x[i]!, moving.y[i]!);
    if (!within(x, y, size)) continue;
    inside++;
    ours[cellOf(x, y)]!++;
  }
  let visible = 0;
  for (let i = 0; i < reference.count; i++) {
    const [x, y] = [reference.x[i]!, reference.y[i]!];
    const [u, v] = applyMatrix(inverse, x, y);
    if (!within(u, v, movingSize) || !within(x, y, size)) continue;
    visible++;
    theirs[cellOf(x, y)]!++;
  }
  const radius = Math.max(1, Math.min(3, 3 * residualPixels));
  const pairs = pairUp(moving, new PointGrid(reference, radius), matrix, radius);
  for (let k = 0; k < pairs.count; k++) {
    const [x, y] = [reference.x[pairs.to[k]!]!, reference.y[pairs.to[k]!]!];
    if (within(x, y, size)) met[cellOf(x, y)]!++;
  }

  const [dx, dy] = [matrix[0]!, matrix[3]!];
  const scale = Math.hypot(dx, dy) / matrix[8]!;
  if (scale > 1.02 + maximumScaleChange || scale < 1 / (1.02 + maximumScaleChange)) return noMatch;
  const area = (commonArea(matrix, movingSize, size) || 1) * size.width * size.height;
  const chance = Math.min(0.5, (visible * Math.PI * radius * radius) / area);
  // The guess stood on three stars; the others are what speaks for it.
  const exponent = logChance(inside - 3, pairs.count - 3, chance) + Math.log(tried);
  if (!(exponent < chanceExponent)) return noMatch;
  const fewer = Math.min(inside, visible);
  if (pairs.count < leastMatched * fewer)
    return `Only ${pairs.count} of ${fewer} stars in the common area meet: the picture is distorted, or it is another field.`;
  let counted = 0;
  let failed = 0;
  for (let k = 0; k < cells * cells; k++) {
    expected[k] = Math.min(ours[k]!, theirs[k]!);
    if (expected[k]! < countedStars) continue;
    counted++;
    if (met[k]! < leastMatchedInCell * expected[k]!) failed++;
  }
  if (failed > failedCells * counted)
    return "The stars meet in a part of the picture only: a shift, a turn and a scale can't describe how an all-sky or very wide picture moves.";
  if (residualPixels > maximumResidualPixels)
    return `The stars meet to ${residualPixels.toFixed(1)} px only, more than the ${maximumResidualPixels} px that are allowed.`;
  return null;
}

const within = (x: number, y: number, { width, height }: Size): boolean =>
  x >= -0.5 && y >= -0.5 && x < width - 0.5 && y < height - 0.5;

/** Part of the reference that the moving frame covers, by 20 x 20 samples. */
function commonArea(matrix: Matrix, movingSize: Size, size: Size): number {
  const inverse = invertMatrix(matrix);
  let covered = 0;
  for (let i = 0; i < 400; i++) {
    const x = (((i % 20) + 0.5) / 20) * size.width;
    const y = ((Math.floor(i / 20) + 0.5) / 20) * size.height;
    const [u, v] = applyMatrix(inverse, x, y);
    if (within(u, v, movingSize)) covered++;
  }
  return covered / 400;
}

/** Upper limit (Chernoff) of the natural logarithm of the chance that `hits` or more of `n` stars meet one each by chance `p`. */
export function logChance(n: number, hits: number, p: number): number {
  if (hits <= 0 || n <= 0 || hits / n <= p) return 0;
  const q = Math.min(1, hits / n);
  return -n * (q * Math.log(q / p) + (q < 1 ? (1 - q) * Math.log((1 - q) / (1 - p)) : 0));
}

/** A homography that bends the frame far away from the similarity that it grew out of was fitted to noise. */
export function soundHomography(matrix: Matrix, similarity: Matrix, movingSize: Size, size: Size): boolean {
  const limit = 0.1 * Math.hypot(size.width, size.height);
  for (const x of [0, movingSize.width - 1])
    for (const y of [0, movingSize.height - 1]) {
      if (!(matrix[6]! * x + matrix[7]! * y + matrix[8]! > 0.5)) return false;
      const [u, v] = applyMatrix(matrix, x, y);
      const [s, t] = applyMatrix(similarity, x, y);
      if (!(Math.hypot(u - s, v - t) < limit)) return false;
    }
  return true;
}
