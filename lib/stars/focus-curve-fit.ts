/** Robust least squares for focus curves: begun from the three points that most others agree with, refined by Levenberg and Marquardt. */

export interface WeightedPoint {
  x: number;
  y: number;
  /** Standard error of y. */
  sigma: number;
}

export interface CurveModel {
  parameters: number;
  value(x: number, parameters: readonly number[]): number;
  gradient(x: number, parameters: readonly number[]): number[];
  /** Parameters of the curve through three points of different x; null when none with a minimum goes through. */
  through(points: readonly WeightedPoint[]): number[] | null;
  /** Centre, height there, and the slopes before and behind it. */
  shape(parameters: readonly number[]): [centre: number, height: number, inside: number, outside: number];
  /** Half of the second derivative at the centre. */
  curvature(parameters: readonly number[]): number;
}

export interface FittedCurve {
  shape: [centre: number, height: number, inside: number, outside: number];
  curvature: number;
  value(x: number): number;
  centreError: number;
  rSquared: number;
  /** Residuals over the given errors: 1 when the errors are right. */
  scatter: number;
  /** How probable such a curve is where y does not depend on x at all. */
  probabilityOfChance: number;
  /** 1 used, or lower than any curve at the minimum … 0 an outlier, in the order of the points. */
  weights: number[];
}

/** Tukey's biweight: 95 % efficient for normal errors, blind beyond 4.685 of them. */
const tukeyReach = 4.685;
const madToSigma = 1.4826;
/** No telescope follows a curve more closely than this part of the HFR, however sure its points are: what is nearer is no outlier. */
const modelError = 0.03;
/** Beyond this many errors a point argues no more about where to begin. */
const farErrors = 4;
/** A point with less weight than this counts as an outlier. */
export const outlierWeight = 0.2;
/** More points than this begin from every so manieth triple only. */
const mostTriples = 3000;

/** @returns null when no curve with a minimum goes through the points. */
export function fitRobustly(model: CurveModel, points: readonly WeightedPoint[]): FittedCurve | null {
  if (points.length <= model.parameters) return null;
  let parameters = beginning(model, points);
  if (!parameters) return null;
  let weights = points.map(() => 1);
  for (let round = 0; round < 20; round++) {
    const next = biweights(model, points, parameters);
    // As many as there are unknowns, and one to contradict, always stay.
    if (next.filter((weight) => weight > 0).length <= model.parameters) break;
    const settled = next.every((weight, index) => Math.abs(weight - weights[index]!) < 1e-3);
    weights = next;
    parameters = refined(model, points, weights, parameters);
    if (settled) break;
  }
  const shape = model.shape(parameters);
  if (!shape.every(Number.isFinite) || !(shape[2] > 0) || !(shape[3] > 0) || !(shape[1] >= 0)) return null;
  const bottom = lowerBottom(model, points, weights, parameters);
  return {
    ...summary(model, points, weights, parameters),
    weights: weights.map((weight, index) => (bottom.has(points[index]!) ? 1 : weight)),
  };
}

/**
 * Wind, cloud and seeing widen stars. Where the points nearest to the minimum lie below the curve one beside the other, it is the curve
 * that is wrong: stars of a pixel or two are sharper than the wings' hyperbola says. Such points are no outliers; but what they are off
 * by together is not fitted either, as it says nothing about where the minimum is. A single low point stays an outlier, as do high ones.
 */
function lowerBottom(
  model: CurveModel,
  points: readonly WeightedPoint[],
  weights: readonly number[],
  parameters: readonly number[],
): Set<WeightedPoint> {
  const [centre] = model.shape(parameters);
  const low = new Set(
    points.filter((point, index) => weights[index]! < outlierWeight && point.y < model.value(point.x, parameters)),
  );
  const sorted = [...points].sort((a, b) => a.x - b.x);
  const distances = sorted.map(({ x }) => Math.abs(x - centre));
  const nearest = distances.indexOf(Math.min(...distances));
  let [first, end] = [nearest, nearest];
  while (first > 0 && low.has(sorted[first - 1]!)) first--;
  while (end < sorted.length && low.has(sorted[end]!)) end++;
  const run = sorted.slice(first, end);
  return new Set(low.has(sorted[nearest]!) && run.length > 1 ? run : []);
}

function beginning(model: CurveModel, points: readonly WeightedPoint[]): number[] | null {
  const n = points.length;
  const stride = Math.max(1, Math.ceil((n * (n - 1) * (n - 2)) / 6 / mostTriples));
  let best: { parameters: number[]; disagreement: number } | null = null;
  let count = 0;
  for (let i = 0; i < n; i++)
    for (let j = i + 1; j < n; j++)
      for (let k = j + 1; k < n; k++) {
        if (count++ % stride) continue;
        const triple = [points[i]!, points[j]!, points[k]!].sort((a, b) => a.x - b.x);
        const parameters = model.through(triple);
        if (!parameters) continue;
        let disagreement = 0;
        for (const { x, y, sigma } of points)
          disagreement += Math.min(farErrors, Math.abs(y - model.value(x, parameters)) / sigma);
        if (!best || disagreement < best.disagreement) best = { parameters, disagreement };
      }
  return best?.parameters ?? null;
}

function biweights(model: CurveModel, points: readonly WeightedPoint[], parameters: readonly number[]): number[] {
  const residuals = points.map(({ x, y, sigma }) => {
    const value = model.value(x, parameters);
    return Math.abs(y - value) / Math.hypot(sigma, modelError * value);
  });
  const few = Math.sqrt(points.length / (points.length - model.parameters));
  const scale = Math.max(1, madToSigma * few * median(residuals));
  return residuals.map((residual) => {
    const u = residual / (tukeyReach * scale);
    return u >= 1 ? 0 : (1 - u * u) ** 2;
  });
}

function refined(
  model: CurveModel,
  points: readonly WeightedPoint[],
  weights: readonly number[],
  start: readonly number[],
): number[] {
  let parameters = [...start];
  let squares = squaresOf(model, points, weights, parameters);
  let damping = 1e-3;
  for (let step = 0; step < 60 && damping < 1e9; step++) {
    const { matrix, vector } = normalEquations(model, points, weights, parameters);
    const damped = matrix.map((row, i) => row.map((value, j) => (i === j ? value * (1 + damping) + 1e-12 : value)));
    const change = solve(damped, vector);
    const tried = change && parameters.map((value, index) => value + change[index]!);
    const after = tried ? squaresOf(model, points, weights, tried) : Number.POSITIVE_INFINITY;
    if (!tried || !(after <= squares)) {
      damping *= 4;
      continue;
    }
    const gain = squares - after;
    [parameters, squares, damping] = [tried, after, Math.max(1e-9, damping / 4)];
    if (gain <= 1e-10 * (1 + squares)) break;
  }
  return parameters;
}

function squaresOf(
  model: CurveModel,
  points: readonly WeightedPoint[],
  weights: readonly number[],
  parameters: readonly number[],
): number {
  let sum = 0;
  for (const [index, { x, y, sigma }] of points.entries())
    sum += weights[index]! * ((y - model.value(x, parameters)) / sigma) ** 2;
  return sum;
}

function normalEquations(
  model: CurveModel,
  points: readonly WeightedPoint[],
  weights: readonly number[],
  parameters: readonly number[],
) {
  const size = model.parameters;
  const matrix = Array.from({ length: size }, () => new Array<number>(size).fill(0));
  const vector = new Array<number>(size).fill(0);
  for (const [index, { x, y, sigma }] of points.entries()) {
    const gradient = model.gradient(x, parameters);
    const weight = weights[index]! / sigma ** 2;
    const residual = y - model.value(x, parameters);
    for (let i = 0; i < size; i++) {
      vector[i]! += weight * gradient[i]! * residual;
      for (let j = 0; j < size; j++) matrix[i]![j]! += weight * gradient[i]! * gradient[j]!;
    }
  }
  return { matrix, vector };
}

function summary(
  model: CurveModel,
  points: readonly WeightedPoint[],
  weights: number[],
  parameters: number[],
): FittedCurve {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const freedom = Math.max(1, total - model.parameters);
  const squares = squaresOf(model, points, weights, parameters);
  const scatter = Math.sqrt(Math.max(1, squares / freedom));
  const { matrix } = normalEquations(model, points, weights, parameters);
  const first = new Array<number>(model.parameters).fill(0);
  first[0] = 1;
  // A minimum sharper than the points can tell leaves its height undetermined; the centre is not.
  const column = solve(
    matrix.map((row, i) => row.map((value, j) => (i === j ? value * (1 + 1e-9) + 1e-9 : value))),
    first,
  );
  const about = squaresAboutMean(points, weights);
  // Survival of F with 2 and `freedom` degrees of freedom, which has a closed form.
  const ratio = Math.max(0, about - squares) / 2 / Math.max(1e-12, squares / freedom);
  return {
    shape: model.shape(parameters),
    curvature: model.curvature(parameters),
    value: (x) => model.value(x, parameters),
    centreError: column ? scatter * Math.sqrt(Math.max(0, column[0]!)) : Number.POSITIVE_INFINITY,
    rSquared: about > 0 ? 1 - squares / about : 0,
    scatter,
    probabilityOfChance: (1 + (2 * ratio) / freedom) ** (-freedom / 2),
    weights,
  };
}

function squaresAboutMean(points: readonly WeightedPoint[], weights: readonly number[]): number {
  let [w, wy] = [0, 0];
  for (const [index, { y, sigma }] of points.entries()) {
    w += weights[index]! / sigma ** 2;
    wy += (weights[index]! * y) / sigma ** 2;
  }
  const mean = wy / w;
  return points.reduce((sum, { y, sigma }, index) => sum + weights[index]! * ((y - mean) / sigma) ** 2, 0);
}

/** Gaussian elimination with pivots; null for a singular matrix. */
function solve(matrix: readonly (readonly number[])[], vector: readonly number[]): number[] | null {
  const size = vector.length;
  const rows = matrix.map((row, index) => [...row, vector[index]!]);
  for (let i = 0; i < size; i++) {
    let pivot = i;
    for (let j = i + 1; j < size; j++) if (Math.abs(rows[j]![i]!) > Math.abs(rows[pivot]![i]!)) pivot = j;
    [rows[i], rows[pivot]] = [rows[pivot]!, rows[i]!];
    const head = rows[i]![i]!;
    if (!(Math.abs(head) > 1e-300)) return null;
    for (let j = 0; j < size; j++) {
      if (j === i) continue;
      const factor = rows[j]![i]! / head;
      for (let k = i; k <= size; k++) rows[j]![k]! -= factor * rows[i]![k]!;
    }
  }
  return rows.map((row, index) => row[size]! / row[index]!);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
