/** A small turn of the sky, right at the poles too. */
import type { SkyPoint } from '../solve/wcs.ts';

type Vector = readonly [number, number, number];

const degrees = 180 / Math.PI;

/** Where a point comes to lie by the shortest turn that takes one place to another (Rodrigues). */
export function turnedAlong(point: SkyPoint, { from, to }: { from: SkyPoint; to: SkyPoint }): SkyPoint {
  const [a, b, p] = [vectorOf(from), vectorOf(to), vectorOf(point)];
  const axis = cross(a, b);
  const sine = Math.hypot(...axis);
  const cosine = dot(a, b);
  // Opposite places have no shortest turn between them; equal ones need none.
  if (sine < 1e-15) return { raDegrees: point.raDegrees, decDegrees: point.decDegrees };
  const unit = axis.map((each) => each / sine) as unknown as Vector;
  const across = cross(unit, p);
  const along = dot(unit, p) * (1 - cosine);
  return pointOf(p.map((each, i) => each * cosine + across[i]! * sine + unit[i]! * along) as unknown as Vector);
}

function vectorOf({ raDegrees, decDegrees }: SkyPoint): Vector {
  const [alpha, delta] = [raDegrees / degrees, decDegrees / degrees];
  return [Math.cos(delta) * Math.cos(alpha), Math.cos(delta) * Math.sin(alpha), Math.sin(delta)];
}

function pointOf([x, y, z]: Vector): SkyPoint {
  const alpha = Math.atan2(y, x) * degrees;
  return { raDegrees: alpha < 0 ? alpha + 360 : alpha, decDegrees: Math.atan2(z, Math.hypot(x, y)) * degrees };
}

const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];
