/** Projective maps between the pixels of two pictures: 3x3 matrices, row-major, of homogeneous 0-based pixel centres. */
import { NightflowError } from '../process/errors.ts';

/** Nine numbers; (x, y) goes to ((m0 x + m1 y + m2) / h, (m3 x + m4 y + m5) / h) with h = m6 x + m7 y + m8. */
export type Matrix = readonly number[];

export const identityMatrix: Matrix = [1, 0, 0, 0, 1, 0, 0, 0, 1];

export function applyMatrix(m: Matrix, x: number, y: number): [x: number, y: number] {
  const h = m[6]! * x + m[7]! * y + m[8]!;
  return [(m[0]! * x + m[1]! * y + m[2]!) / h, (m[3]! * x + m[4]! * y + m[5]!) / h];
}

/** First `b`, then `a`. */
export function multiplyMatrices(a: Matrix, b: Matrix): number[] {
  return Array.from({ length: 9 }, (_, i) => {
    const [row, column] = [3 * Math.floor(i / 3), i % 3];
    return a[row]! * b[column]! + a[row + 1]! * b[column + 3]! + a[row + 2]! * b[column + 6]!;
  });
}

/** With its last element 1 or −1 where it can be. @throws bad-input for a matrix that is not 3x3, not finite or has no inverse. */
export function invertMatrix(m: Matrix): number[] {
  if (m.length !== 9 || !m.every(Number.isFinite))
    throw new NightflowError('bad-input', 'A map between two pictures is a matrix of nine numbers.');
  const [a, b, c, d, e, f, g, h, i] = m as [number, number, number, number, number, number, number, number, number];
  const adjugate = [
    e * i - f * h,
    c * h - b * i,
    b * f - c * e,
    f * g - d * i,
    a * i - c * g,
    c * d - a * f,
    d * h - e * g,
    b * g - a * h,
    a * e - b * d,
  ];
  const determinant = a * adjugate[0]! + b * adjugate[3]! + c * adjugate[6]!;
  const scale = Math.max(...m.map(Math.abs)) ** 3;
  if (!(Math.abs(determinant) > 1e-30 * scale))
    throw new NightflowError('bad-input', "The map between the two pictures can't be turned round.");
  // Its h is positive where the map's own is, on the side of the horizon that the source's origin is on.
  const sign = Math.sign(determinant) * (i < 0 ? -1 : 1);
  const last = Math.abs(adjugate[8]! / determinant);
  const unit = sign * (last > 1e-12 ? Math.abs(adjugate[8]!) : Math.abs(determinant));
  return adjugate.map((value) => value / unit);
}

/**
 * Rows of the source that an output band needs, the kernel's margin included, both ends included; null when the band sees none
 * of it. @param matrix Source to output. @param firstRow, lastRow Of the output band, included. @param width Of the output.
 * @param source Its size, where it differs from the output's.
 */
export function sourceRows(
  matrix: Matrix,
  firstRow: number,
  lastRow: number,
  width: number,
  height: number,
  source: { width: number; height: number } = { width, height },
): { first: number; last: number } | null {
  const box = sourceBox(invertMatrix(matrix), { x: 0, y: firstRow, width, height: lastRow - firstRow + 1 }, source);
  return box && { first: box.top, last: box.bottom };
}

export interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Samples of the source (ends included) that the output `area` needs: two before and three after each point, inside the source. */
export function sourceBox(
  inverse: Matrix,
  area: Area,
  source: { width: number; height: number },
): { left: number; right: number; top: number; bottom: number } | null {
  const [x2, y2] = [area.x + area.width - 1, area.y + area.height - 1];
  const corners = [
    [area.x, area.y],
    [x2, area.y],
    [area.x, y2],
    [x2, y2],
  ] as const;
  // A point on or beyond the horizon of a projective map: the picture of a convex area is not bounded by its corners' any more.
  const bounded = corners.every(([x, y]) => inverse[6]! * x + inverse[7]! * y + inverse[8]! > 1e-9);
  const points = bounded ? corners.map(([x, y]) => applyMatrix(inverse, x, y)) : null;
  const range = (axis: 0 | 1, size: number): [number, number] => {
    const values = points ? points.map((point) => point[axis]) : [0, size - 1];
    return [
      Math.max(0, Math.floor(Math.min(...values) - 0.01) - 2),
      Math.min(size - 1, Math.floor(Math.max(...values) + 0.01) + 3),
    ];
  };
  const [left, right] = range(0, source.width);
  const [top, bottom] = range(1, source.height);
  return left <= right && top <= bottom ? { left, right, top, bottom } : null;
}
