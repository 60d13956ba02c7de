/** A pinhole camera with one radial term: how the built-in solver takes a picture to see the sky. */

export interface Camera {
  /** Rows: the directions of the picture's right, down and forward (unit vectors, J2000), right-handed. */
  axes: readonly number[];
  /** Pixels. */
  focalLength: number;
  /** A point of the ideal picture is moved outward by this part of its radius where that is `halfDiagonal`. */
  distortion: number;
}

/** The picture with its middle at 0, x to the right (to the left in a mirrored one) and y down, pixels. */
export interface Field {
  width: number;
  height: number;
  /** Half of the diagonal, pixels. */
  halfDiagonal: number;
}

export const fieldOf = (width: number, height: number): Field => ({
  width,
  height,
  halfDiagonal: Math.hypot(width, height) / 2,
});

/** Where a direction falls. @returns false behind the camera or far outside */
export function project(camera: Camera, field: Field, x: number, y: number, z: number, into: Float64Array): boolean {
  const m = camera.axes;
  const depth = m[6]! * x + m[7]! * y + m[8]! * z;
  if (depth < 0.1) return false;
  const u = (camera.focalLength * (m[0]! * x + m[1]! * y + m[2]! * z)) / depth;
  const v = (camera.focalLength * (m[3]! * x + m[4]! * y + m[5]! * z)) / depth;
  const square = (u * u + v * v) / field.halfDiagonal ** 2;
  if (square > 2.5) return false;
  const stretch = 1 + camera.distortion * square;
  into[0] = u * stretch;
  into[1] = v * stretch;
  return true;
}

/** The direction of a pixel. */
export function directionOf(camera: Camera, field: Field, x: number, y: number, into: Float64Array): void {
  const m = camera.axes;
  let [u, v] = [x, y];
  if (camera.distortion !== 0)
    for (let round = 0; round < 4; round++) {
      const stretch = 1 + (camera.distortion * (u * u + v * v)) / field.halfDiagonal ** 2;
      u = x / stretch;
      v = y / stretch;
    }
  const f = camera.focalLength;
  const length = Math.sqrt(u * u + v * v + f * f);
  for (let axis = 0; axis < 3; axis++) into[axis] = (m[axis]! * u + m[3 + axis]! * v + m[6 + axis]! * f) / length;
}

/**
 * The focal length at which two points of the picture lie as far apart as two stars do.
 * @param cosine Of the angle between the stars.
 */
export function focalLengthFor(ax: number, ay: number, bx: number, by: number, cosine: number): number {
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  const apart = Math.hypot(ax - bx, ay - by);
  let f = apart / (2 * Math.tan(angle / 2));
  // Points off the axis need a longer one. Newton's steps on the tangent of the angle.
  const dotXy = ax * bx + ay * by;
  const cross = ax * by - ay * bx;
  const tangent = Math.tan(angle);
  for (let step = 0; step < 8; step++) {
    const ff = f * f;
    const size = Math.sqrt(cross * cross + ff * apart * apart);
    const dot = dotXy + ff;
    const off = size - tangent * dot;
    const slope = (f * apart * apart) / size - 2 * tangent * f;
    const next = f - off / slope;
    if (!(next > f * 0.2)) return f;
    if (Math.abs(next - f) < 1e-6 * f) return next;
    f = next;
  }
  return f;
}

/**
 * Turns a camera so that it sees two stars at two points: exact in the middle between them, and along them.
 * @param a Where in `directions` the first star stands, and `b` the second.
 */
export function cameraThrough(
  camera: { axes: number[]; focalLength: number },
  ax: number,
  ay: number,
  bx: number,
  by: number,
  directions: Float32Array,
  a: number,
  b: number,
): void {
  const f = camera.focalLength;
  triad(seen, ax, ay, f, bx, by, f);
  triad(
    stars,
    directions[a]!,
    directions[a + 1]!,
    directions[a + 2]!,
    directions[b]!,
    directions[b + 1]!,
    directions[b + 2]!,
  );
  for (let i = 0; i < 3; i++)
    for (let j = 0; j < 3; j++)
      camera.axes[i * 3 + j] = seen[i]! * stars[j]! + seen[3 + i]! * stars[3 + j]! + seen[6 + i]! * stars[6 + j]!;
}

const seen = new Float64Array(9);
const stars = new Float64Array(9);

/** Axes from two directions: their middle, across, and the third. Thousands a second are made, so in numbers and not in lists. */
function triad(into: Float64Array, px: number, py: number, pz: number, qx: number, qy: number, qz: number): void {
  const p = 1 / Math.sqrt(px * px + py * py + pz * pz);
  const q = 1 / Math.sqrt(qx * qx + qy * qy + qz * qz);
  put(into, 0, px * p + qx * q, py * p + qy * q, pz * p + qz * q);
  put(into, 3, py * qz - pz * qy, pz * qx - px * qz, px * qy - py * qx);
  into[6] = into[1]! * into[5]! - into[2]! * into[4]!;
  into[7] = into[2]! * into[3]! - into[0]! * into[5]!;
  into[8] = into[0]! * into[4]! - into[1]! * into[3]!;
}

/** A unit vector in this direction. */
function put(into: Float64Array, at: number, x: number, y: number, z: number): void {
  const length = Math.sqrt(x * x + y * y + z * z) || 1;
  into[at] = x / length;
  into[at + 1] = y / length;
  into[at + 2] = z / length;
}

function unit(v: number[]): number[] {
  const length = Math.hypot(v[0]!, v[1]!, v[2]!) || 1;
  return [v[0]! / length, v[1]! / length, v[2]! / length];
}

const crossed = (a: number[], b: number[]): number[] => [
  a[1]! * b[2]! - a[2]! * b[1]!,
  a[2]! * b[0]! - a[0]! * b[2]!,
  a[0]! * b[1]! - a[1]! * b[0]!,
];

/** Turns the camera by small angles about its own axes, keeping the axes at right angles. */
export function turned(camera: Camera, wx: number, wy: number, wz: number): number[] {
  const m = camera.axes;
  const row = (i: number) => [m[i * 3]!, m[i * 3 + 1]!, m[i * 3 + 2]!];
  const [r, d, f] = [row(0), row(1), row(2)];
  const add = (v: number[], a: number[], s: number, b: number[], t: number) =>
    v.map((c, i) => c + a[i]! * s + b[i]! * t);
  // c' = c + w x c for the components in the camera's frame.
  const forward = unit(add(f, d, wx, r, -wy));
  const right = add(r, f, wy, d, -wz);
  const along = right[0]! * forward[0]! + right[1]! * forward[1]! + right[2]! * forward[2]!;
  const straight = unit(right.map((c, i) => c - along * forward[i]!));
  return [...straight, ...crossed(forward, straight), ...forward];
}
