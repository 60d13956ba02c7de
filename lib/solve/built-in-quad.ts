/** The shape of four directions as four numbers, the same however they are turned, moved and scaled. */

export interface QuadCode {
  /** Which of the four is A, B, C, D. */
  order: Uint8Array;
  /** Re C, Im C, Re D, Im D in the plane where A is 0 and B is 1. */
  values: Float64Array;
}

const flat = new Float64Array(8);

/**
 * A and B are the two farthest apart; of both ways round the one with Re C + Re D <= 1, and C the one with the smaller real part.
 * @param corners Four unit vectors; they are laid on the plane that touches the sphere at their middle.
 * @returns false for four that have no such plane
 */
export function codeOf(corners: Float64Array, code: QuadCode): boolean {
  let nx = 0;
  let ny = 0;
  let nz = 0;
  for (let i = 0; i < 12; i += 3) {
    nx += corners[i]!;
    ny += corners[i + 1]!;
    nz += corners[i + 2]!;
  }
  const length = Math.sqrt(nx * nx + ny * ny + nz * nz);
  nx /= length;
  ny /= length;
  nz /= length;
  // Any two axes of the plane, so that (first, second, outward) is right-handed like (right, down, forward) of a picture.
  const small = Math.abs(nx) < 0.6;
  let ax = small ? 0 : -nz;
  let ay = small ? nz : 0;
  let az = small ? -ny : nx;
  const along = Math.sqrt(ax * ax + ay * ay + az * az);
  ax /= along;
  ay /= along;
  az /= along;
  const bx = ny * az - nz * ay;
  const by = nz * ax - nx * az;
  const bz = nx * ay - ny * ax;
  for (let i = 0; i < 4; i++) {
    const x = corners[i * 3]!;
    const y = corners[i * 3 + 1]!;
    const z = corners[i * 3 + 2]!;
    const depth = x * nx + y * ny + z * nz;
    if (depth < 0.2) return false;
    flat[i * 2] = (x * ax + y * ay + z * az) / depth;
    flat[i * 2 + 1] = (x * bx + y * by + z * bz) / depth;
  }
  return codeOfFlat(flat, code);
}

/** The same for four points of a plane, x and y in turn. */
export function codeOfFlat(points: Float64Array, { order, values }: QuadCode): boolean {
  let longest = -1;
  let a = 0;
  let b = 1;
  for (let i = 0; i < 4; i++)
    for (let j = i + 1; j < 4; j++) {
      const square = (points[i * 2]! - points[j * 2]!) ** 2 + (points[i * 2 + 1]! - points[j * 2 + 1]!) ** 2;
      if (square > longest) {
        longest = square;
        a = i;
        b = j;
      }
    }
  if (!(longest > 0)) return false;
  let c = a === 0 ? (b === 1 ? 2 : 1) : 0;
  let d = 6 - a - b - c;
  const ax = points[a * 2]!;
  const ay = points[a * 2 + 1]!;
  const sx = (points[b * 2]! - ax) / longest;
  const sy = (points[b * 2 + 1]! - ay) / longest;
  let cx = points[c * 2]! - ax;
  let cy = points[c * 2 + 1]! - ay;
  let dx = points[d * 2]! - ax;
  let dy = points[d * 2 + 1]! - ay;
  // Division by B - A as complex numbers.
  [cx, cy] = [cx * sx + cy * sy, cy * sx - cx * sy];
  [dx, dy] = [dx * sx + dy * sy, dy * sx - dx * sy];
  if (cx + dx > 1) {
    [a, b] = [b, a];
    cx = 1 - cx;
    cy = -cy;
    dx = 1 - dx;
    dy = -dy;
  }
  if (cx > dx) {
    [c, d] = [d, c];
    [cx, cy, dx, dy] = [dx, dy, cx, cy];
  }
  order[0] = a;
  order[1] = b;
  order[2] = c;
  order[3] = d;
  values[0] = cx;
  values[1] = cy;
  values[2] = dx;
  values[3] = dy;
  return true;
}
