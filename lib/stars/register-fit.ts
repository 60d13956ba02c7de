/** Fits a similarity or a homography to pairs of stars: least squares, reweighted so that wrong pairs lose their say (Tukey's biweight). */
import { applyMatrix, type Matrix } from '../frame/matrix.ts';
import type { Points } from './register-points.ts';

/** Star `from[i]` of the moving field belongs to star `to[i]` of the reference. */
export interface Pairs {
  count: number;
  from: Int32Array;
  to: Int32Array;
}

export type FitModel = 'similarity' | 'homography';

/** Pairs that a model needs, so that it does not merely go through them. */
export const leastPairs = { similarity: 3, homography: 8 } as const;

/** Residuals beyond this many sigma have no weight (95 % efficient for normal noise). */
const tukey = 4.685;
const rounds = 3;

/** @param start A map that is about right. */
export function fitPairs(model: FitModel, moving: Points, reference: Points, pairs: Pairs, start: Matrix): Matrix {
  const weights = new Float64Array(pairs.count);
  let matrix = start;
  for (let round = 0; round < rounds; round++) {
    weigh(moving, reference, pairs, matrix, weights);
    matrix =
      model === 'similarity'
        ? fitSimilarity(moving, reference, pairs, weights, matrix)
        : fitHomography(moving, reference, pairs, weights, matrix);
  }
  return matrix;
}

/** Distances of the mapped stars from their partners, pixels. */
export function residuals(moving: Points, reference: Points, pairs: Pairs, matrix: Matrix): Float64Array {
  return Float64Array.from({ length: pairs.count }, (_, i) => {
    const [x, y] = applyMatrix(matrix, moving.x[pairs.from[i]!]!, moving.y[pairs.from[i]!]!);
    return Math.hypot(x - reference.x[pairs.to[i]!]!, y - reference.y[pairs.to[i]!]!);
  });
}

/** Weights of the pairs under a map: the inverse variance of the two centroids, less for pairs that lie far off. */
export function weigh(moving: Points, reference: Points, pairs: Pairs, matrix: Matrix, weights: Float64Array): void {
  const errors = residuals(moving, reference, pairs, matrix);
  const sigmas = weights.map((_, i) => Math.hypot(moving.sigma[pairs.from[i]!]!, reference.sigma[pairs.to[i]!]!));
  const sorted = errors.map((error, i) => error / sigmas[i]!).sort();
  // The median of a two-dimensional normal residual is 1.1774 sigma.
  const spread = Math.max(1e-6, (sorted[sorted.length >> 1] ?? 0) / 1.1774);
  for (let i = 0; i < pairs.count; i++) {
    const t = errors[i]! / sigmas[i]! / spread / tukey;
    weights[i] = t < 1 ? (1 - t * t) ** 2 / sigmas[i]! ** 2 : 0;
  }
}

function fitSimilarity(moving: Points, reference: Points, pairs: Pairs, weights: Float64Array, before: Matrix): Matrix {
  let [sum, x, y, u, v] = [0, 0, 0, 0, 0];
  for (let i = 0; i < pairs.count; i++) {
    const w = weights[i]!;
    sum += w;
    x += w * moving.x[pairs.from[i]!]!;
    y += w * moving.y[pairs.from[i]!]!;
    u += w * reference.x[pairs.to[i]!]!;
    v += w * reference.y[pairs.to[i]!]!;
  }
  if (!(sum > 0)) return before;
  [x, y, u, v] = [x / sum, y / sum, u / sum, v / sum];
  let [dot, cross, squares] = [0, 0, 0];
  for (let i = 0; i < pairs.count; i++) {
    const w = weights[i]!;
    const p = moving.x[pairs.from[i]!]! - x;
    const q = moving.y[pairs.from[i]!]! - y;
    const r = reference.x[pairs.to[i]!]! - u;
    const s = reference.y[pairs.to[i]!]! - v;
    dot += w * (p * r + q * s);
    cross += w * (p * s - q * r);
    squares += w * (p * p + q * q);
  }
  if (!(squares > 0)) return before;
  const [a, b] = [dot / squares, cross / squares];
  return [a, -b, u - a * x + b * y, b, a, v - b * x - a * y, 0, 0, 1];
}

/** One Gauss-Newton step on the distances in the reference, in coordinates of the size 1 so that the equations are well conditioned. */
function fitHomography(moving: Points, reference: Points, pairs: Pairs, weights: Float64Array, before: Matrix): Matrix {
  let size = 1;
  for (let i = 0; i < pairs.count; i++)
    size = Math.max(size, Math.abs(moving.x[pairs.from[i]!]!), Math.abs(moving.y[pairs.from[i]!]!));
  // Columns of the matrix for source coordinates x / size, y / size; h8 stays 1.
  const h = before.map((value, i) => (value / before[8]!) * (i % 3 < 2 ? size : 1));
  const normal = Array.from({ length: 8 }, () => new Float64Array(9));
  const row = new Float64Array(8);
  const accumulate = (error: number, weight: number) => {
    for (let m = 0; m < 8; m++) {
      const factor = weight * row[m]!;
      if (factor === 0) continue;
      const target = normal[m]!;
      for (let n = m; n < 8; n++) target[n]! += factor * row[n]!;
      target[8]! += factor * error;
    }
  };
  for (let i = 0; i < pairs.count; i++) {
    if (weights[i] === 0) continue;
    const x = moving.x[pairs.from[i]!]! / size;
    const y = moving.y[pairs.from[i]!]! / size;
    const d = h[6]! * x + h[7]! * y + 1;
    const u = (h[0]! * x + h[1]! * y + h[2]!) / d;
    const v = (h[3]! * x + h[4]! * y + h[5]!) / d;
    row.set([x / d, y / d, 1 / d, 0, 0, 0, (-u * x) / d, (-u * y) / d]);
    accumulate(reference.x[pairs.to[i]!]! - u, weights[i]!);
    row.set([0, 0, 0, x / d, y / d, 1 / d, (-v * x) / d, (-v * y) / d]);
    accumulate(reference.y[pairs.to[i]!]! - v, weights[i]!);
  }
  for (let m = 1; m < 8; m++) for (let n = 0; n < m; n++) normal[m]![n] = normal[n]![m]!;
  const step = solve(normal);
  if (!step) return before;
  const next = [...h.map((value, i) => value + (step[i] ?? 0))];
  return next.map((value, i) => (i % 3 < 2 ? value / size : value));
}

/** Gaussian elimination with pivots on rows of n + 1 numbers; null for equations without one solution. */
function solve(rows: Float64Array[]): number[] | null {
  const n = rows.length;
  for (let i = 0; i < n; i++) {
    let pivot = i;
    for (let j = i + 1; j < n; j++) if (Math.abs(rows[j]![i]!) > Math.abs(rows[pivot]![i]!)) pivot = j;
    [rows[i], rows[pivot]] = [rows[pivot]!, rows[i]!];
    if (!(Math.abs(rows[i]![i]!) > 1e-12)) return null;
    for (let j = i + 1; j < n; j++) {
      const factor = rows[j]![i]! / rows[i]![i]!;
      for (let k = i; k <= n; k++) rows[j]![k]! -= factor * rows[i]![k]!;
    }
  }
  const result = new Array<number>(n).fill(0);
  for (let i = n - 1; i >= 0; i--) {
    let value = rows[i]![n]!;
    for (let k = i + 1; k < n; k++) value -= rows[i]![k]! * result[k]!;
    result[i] = value / rows[i]![i]!;
  }
  return result;
}
