/** Fits a camera to pairs of image stars and catalogue stars, and finds the pairs: Gauss-Newton on rotation, focal length and a radial term. */
import { type Camera, type Field, project, turned } from './built-in-camera.ts';

/** Image stars in the field's own pixels, in the order of evidence. */
export interface ImageStars {
  count: number;
  x: Float64Array;
  y: Float64Array;
}

/** Catalogue stars where a camera sees them. */
export interface Projected {
  count: number;
  /** Star numbers and places in pixels. */
  stars: Uint32Array;
  x: Float64Array;
  y: Float64Array;
}

export interface Pairs {
  count: number;
  image: Int32Array;
  star: Int32Array;
  /** Squared distance, pixels. */
  squares: Float64Array;
}

/** Pairs from which on the radial term is fitted too. */
export const pairsForDistortion = 10;
/** No lens that draws straight lines bends more at the corner of its picture, and a long one bends little. */
const mostDistortion = (halfField: number): number => Math.min(0.3, 0.03 + 1.4 * halfField ** 2);

export const pairsFor = (count: number): Pairs => ({
  count: 0,
  image: new Int32Array(count),
  star: new Int32Array(count),
  squares: new Float64Array(count),
});

export function projectStars(
  camera: Camera,
  field: Field,
  directions: Float32Array,
  stars: Uint32Array,
  into: Projected,
  margin = 0.02,
): void {
  const place = new Float64Array(2);
  const [right, down] = [field.width * (0.5 + margin), field.height * (0.5 + margin)];
  into.count = 0;
  for (let i = 0; i < stars.length; i++) {
    const at = stars[i]! * 3;
    if (!project(camera, field, directions[at]!, directions[at + 1]!, directions[at + 2]!, place)) continue;
    if (Math.abs(place[0]!) > right || Math.abs(place[1]!) > down) continue;
    into.stars[into.count] = stars[i]!;
    into.x[into.count] = place[0]!;
    into.y[into.count++] = place[1]!;
  }
}

/** Which pair a star of the sky belongs to. Kept: thousands of candidates are paired up. */
let owners = new Int32Array(1000);

/** Each image star with the nearest projected star within `reach` pixels, each of both once: the nearer image star keeps it. */
export function pairUp(
  image: ImageStars,
  count: number,
  sky: Projected,
  skyCount: number,
  reach: number,
  into: Pairs,
): void {
  if (owners.length < skyCount) owners = new Int32Array(2 * skyCount);
  const owner = owners.fill(-1, 0, skyCount);
  into.count = 0;
  const most = reach * reach;
  for (let i = 0; i < count; i++) {
    let best = most;
    let star = -1;
    const x = image.x[i]!;
    const y = image.y[i]!;
    for (let j = 0; j < skyCount; j++) {
      const dx = sky.x[j]! - x;
      if (dx > reach || dx < -reach) continue;
      const dy = sky.y[j]! - y;
      const square = dx * dx + dy * dy;
      if (square < best) {
        best = square;
        star = j;
      }
    }
    if (star < 0) continue;
    const other = owner[star]!;
    if (other >= 0) {
      if (into.squares[other]! > best) {
        into.image[other] = i;
        into.squares[other] = best;
      }
      continue;
    }
    owner[star] = into.count;
    into.image[into.count] = i;
    into.star[into.count] = star;
    into.squares[into.count++] = best;
  }
}

const normal = new Float64Array(30);

/** One step towards the pairs. @returns the camera after it, or null when the pairs do not hold it */
export function step(camera: Camera, field: Field, image: ImageStars, sky: Projected, pairs: Pairs): Camera | null {
  const unknowns = pairs.count >= pairsForDistortion ? 5 : pairs.count >= 2 ? 4 : 0;
  if (unknowns === 0) return null;
  normal.fill(0);
  const f = camera.focalLength;
  const row = [0, 0, 0, 0, 0];
  for (let p = 0; p < pairs.count; p++) {
    const i = pairs.image[p]!;
    const j = pairs.star[p]!;
    const [px, py] = [sky.x[j]!, sky.y[j]!];
    const square = (px * px + py * py) / field.halfDiagonal ** 2;
    const stretch = 1 + camera.distortion * square;
    const [u, v] = [px / stretch, py / stretch];
    const [a, b] = [u / f, v / f];
    const weight = 1;
    // Horizontal, then vertical: derivatives by the turns about right, down and forward, by the logarithm of f and by the radial term.
    row[0] = -f * a * b;
    row[1] = f * (1 + a * a);
    row[2] = -v;
    row[3] = u * (1 + 2 * camera.distortion * square);
    row[4] = u * square;
    accumulate(row, image.x[i]! - px, weight, unknowns);
    row[0] = -f * (1 + b * b);
    row[1] = f * a * b;
    row[2] = u;
    row[3] = v * (1 + 2 * camera.distortion * square);
    row[4] = v * square;
    accumulate(row, image.y[i]! - py, weight, unknowns);
  }
  const answer = solveNormal(unknowns);
  if (!answer) return null;
  const [wx, wy, wz, logF, radial = 0] = answer;
  if (Math.abs(logF!) > 0.3 || Math.hypot(wx!, wy!) * f > field.halfDiagonal) return null;
  const distortion = camera.distortion + radial;
  if (Math.abs(distortion) > mostDistortion(Math.atan(field.halfDiagonal / f))) return null;
  return { axes: turned(camera, wx!, wy!, wz!), focalLength: f * Math.exp(logF!), distortion };
}

function accumulate(row: number[], off: number, weight: number, unknowns: number): void {
  for (let i = 0; i < unknowns; i++) {
    for (let j = 0; j <= i; j++) normal[i * 5 + j]! += weight * row[i]! * row[j]!;
    normal[25 + i]! += weight * row[i]! * off;
  }
}

/** Cholesky's way; null for a matrix that is not positive. */
function solveNormal(n: number): number[] | null {
  const l = new Float64Array(25);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let sum = normal[i * 5 + j]!;
      for (let k = 0; k < j; k++) sum -= l[i * 5 + k]! * l[j * 5 + k]!;
      if (i !== j) l[i * 5 + j] = sum / l[j * 5 + j]!;
      else if (sum > 1e-12 * normal[i * 5 + i]!) l[i * 5 + i] = Math.sqrt(sum);
      else return null;
    }
  const x = Array.from(normal.subarray(25, 25 + n));
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i]! -= l[i * 5 + k]! * x[k]!;
    x[i]! /= l[i * 5 + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i]! -= l[k * 5 + i]! * x[k]!;
    x[i]! /= l[i * 5 + i]!;
  }
  return x;
}
