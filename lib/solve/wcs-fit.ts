/** The TAN or TAN-SIP coordinates that fit matched stars best: linear least squares on the tangent plane, its origin moved until it stays. */
import { NightflowError } from '../process/errors.ts';
import { type MatchedStar, residualsOf } from './solution.ts';
import { fromPlane, middlePixel, polynomial, type SkyPoint, toPlane, type Wcs } from './wcs.ts';

export interface WcsFit {
  wcs: Wcs;
  /** RMS over the stars that were fitted. */
  residualPixels: number;
  residualArcsec: number;
}

/** Terms of a polynomial in x and y up to an order: 3, 6, 10. */
export const termsOf = (order: number): number => ((order + 1) * (order + 2)) / 2;

/**
 * @param order 1: TAN; 2 to 5: with a distortion (SIP) of that order. Each coordinate takes `termsOf(order)` stars at the least; a fit
 *   worth its name has twice as many, spread over the picture.
 * @throws bad-input when there are too few stars, or all on one line
 */
export function fitWcs(stars: readonly MatchedStar[], size: { width: number; height: number }, order = 1): WcsFit {
  if (stars.length < termsOf(order))
    throw new NightflowError(
      'bad-input',
      `A fit of order ${order} takes ${termsOf(order)} stars; there are ${stars.length}.`,
    );
  const middle = middlePixel(size);
  // Of the order of one, so that high powers don't lose the digits of low ones.
  const unit = Math.hypot(size.width, size.height) / 2;
  const powers = powersOf(order);
  const rows = stars.map(({ x, y }) =>
    powers.map(([p, q]) => ((x - middle.x) / unit) ** p * ((y - middle.y) / unit) ** q),
  );
  let origin = meanOf(stars);
  let [east, north] = [[], []] as [number[], number[]];
  for (let round = 0; round < 10; round++) {
    const plane = stars.map((star) => toPlane(origin, star));
    if (plane.includes(null))
      throw new NightflowError('bad-input', 'The matched stars lie too far apart for one plane.');
    east = solveLeastSquares(
      rows,
      plane.map((each) => each![0]),
    );
    north = solveLeastSquares(
      rows,
      plane.map((each) => each![1]),
    );
    const moved = fromPlane(origin, east[0]!, north[0]!);
    const step = Math.hypot(east[0]!, north[0]!);
    origin = moved;
    if (step < 1e-11) break;
  }
  const wcs = wcsFrom(east, north, { ...size, origin, unit, powers, order });
  const { residualPixels, residualArcsec } = residualsOf(wcs, stars);
  return { wcs, residualPixels: residualPixels!, residualArcsec: residualArcsec! };
}

interface Fitted {
  width: number;
  height: number;
  origin: SkyPoint;
  unit: number;
  powers: readonly (readonly [number, number])[];
  order: number;
}

function wcsFrom(east: number[], north: number[], { width, height, origin, unit, powers, order }: Fitted): Wcs {
  const of = (p: number, q: number) => powers.findIndex((power) => power[0] === p && power[1] === q);
  const [x1, y1] = [of(1, 0), of(0, 1)];
  const cd = [
    [east[x1]! / unit, east[y1]! / unit],
    [north[x1]! / unit, north[y1]! / unit],
  ] as const;
  const [[a, b], [c, d]] = cd;
  const determinant = a * d - b * c;
  if (!(Math.abs(determinant) > 0)) throw new NightflowError('bad-input', 'The matched stars lie on one line.');
  const middle = middlePixel({ width, height });
  const wcs: Wcs = { width, height, ...middle, ...origin, cd, sip: null };
  if (order < 2) return wcs;
  const forward = [empty(order), empty(order)] as const;
  for (const [i, [p, q]] of powers.entries()) {
    if (p + q < 2) continue;
    const scale = unit ** -(p + q) / determinant;
    forward[0][p]![q] = (d * east[i]! - b * north[i]!) * scale;
    forward[1][p]![q] = (a * north[i]! - c * east[i]!) * scale;
  }
  const [ap, bp] = invert(forward[0], forward[1], { width, height }, order);
  return { ...wcs, sip: { a: forward[0], b: forward[1], ap, bp } };
}

/** The inverse polynomials, fitted on a lattice that covers the picture; one order more than the forward ones, since no polynomial inverts another. */
function invert(
  a: number[][],
  b: number[][],
  size: { width: number; height: number },
  order: number,
): [number[][], number[][]] {
  const inverseOrder = Math.min(order + 1, 6);
  const powers = powersOf(inverseOrder);
  const unit = Math.hypot(size.width, size.height) / 2;
  const side = 16;
  const [rows, right, down]: [number[][], number[], number[]] = [[], [], []];
  for (let i = 0; i <= side; i++)
    for (let j = 0; j <= side; j++) {
      const [dx, dy] = [(i / side - 0.5) * size.width, (j / side - 0.5) * size.height];
      const [addX, addY] = [polynomial(a, dx, dy), polynomial(b, dx, dy)];
      rows.push(powers.map(([p, q]) => ((dx + addX) / unit) ** p * ((dy + addY) / unit) ** q));
      right.push(-addX);
      down.push(-addY);
    }
  const table = (values: number[]): number[][] => {
    const coefficients = empty(inverseOrder);
    const found = solveLeastSquares(rows, values);
    for (const [i, [p, q]] of powers.entries()) coefficients[p]![q] = found[i]! * unit ** -(p + q);
    return coefficients;
  };
  return [table(right), table(down)];
}

function powersOf(order: number): (readonly [number, number])[] {
  const powers: (readonly [number, number])[] = [];
  for (let sum = 0; sum <= order; sum++) for (let q = 0; q <= sum; q++) powers.push([sum - q, q]);
  return powers;
}

const empty = (order: number): number[][] =>
  Array.from({ length: order + 1 }, (_, p) => new Array(order + 1 - p).fill(0));

/** Where the sum of the stars' unit vectors points. */
function meanOf(stars: readonly SkyPoint[]): SkyPoint {
  const radians = Math.PI / 180;
  let [x, y, z] = [0, 0, 0];
  for (const { raDegrees, decDegrees } of stars) {
    const inPlane = Math.cos(decDegrees * radians);
    x += inPlane * Math.cos(raDegrees * radians);
    y += inPlane * Math.sin(raDegrees * radians);
    z += Math.sin(decDegrees * radians);
  }
  return { raDegrees: Math.atan2(y, x) / radians, decDegrees: Math.atan2(z, Math.hypot(x, y)) / radians };
}

/** Least squares by Householder's reflections, which keep the digits that normal equations square away. @throws bad-input when singular */
function solveLeastSquares(rows: readonly (readonly number[])[], values: readonly number[]): number[] {
  const matrix = rows.map((row, i) => [...row, values[i]!]);
  const columns = rows[0]!.length;
  for (let k = 0; k < columns; k++) {
    let norm = 0;
    for (let i = k; i < matrix.length; i++) norm = Math.hypot(norm, matrix[i]![k]!);
    const diagonal = matrix[k]![k]! > 0 ? -norm : norm;
    if (!(norm > 1e-12)) throw new NightflowError('bad-input', 'The matched stars lie on one line.');
    const mirror = matrix.map((row, i) => (i < k ? 0 : i === k ? row[k]! - diagonal : row[k]!));
    const length = mirror.reduce((sum, each) => sum + each * each, 0);
    for (let j = k; j <= columns; j++) {
      let along = 0;
      for (let i = k; i < matrix.length; i++) along += mirror[i]! * matrix[i]![j]!;
      const factor = (2 * along) / length;
      for (let i = k; i < matrix.length; i++) matrix[i]![j] = matrix[i]![j]! - factor * mirror[i]!;
    }
  }
  const found = new Array<number>(columns).fill(0);
  for (let k = columns - 1; k >= 0; k--) {
    let rest = matrix[k]![columns]!;
    for (let j = k + 1; j < columns; j++) rest -= matrix[k]![j]! * found[j]!;
    found[k] = rest / matrix[k]![k]!;
  }
  return found;
}
