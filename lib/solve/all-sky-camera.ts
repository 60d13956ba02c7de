/** A camera that sees the whole sky: r = f (theta + k theta³), pixels from the optical centre, theta the angle from the axis in radians. */
import type { PixelPoint, SkyPoint } from './wcs.ts';

export interface AllSkyCamera {
  width: number;
  height: number;
  /** Optical centre, 0-based pixel centres from the top left. */
  x: number;
  y: number;
  /** Pixels a radian in the middle. */
  focalLength: number;
  cubic: number;
  /** Rows: what the picture's right, down and forward point at (unit vectors, J2000); right the other way round where `mirrored`. */
  axes: readonly number[];
  mirrored: boolean;
}

const degrees = Math.PI / 180;
/** Of the Earth's turning, radians a second (Aoki et al. 1982, A&A 105, 359). */
const siderealRate = 7.292115e-5;

/** Where a point of the sky falls; null farther than `limit` radians from the axis. */
export function allSkyPixel(camera: AllSkyCamera, point: SkyPoint, limit = 1.75): PixelPoint | null {
  const inPlane = Math.cos(point.decDegrees * degrees);
  const into = new Float64Array(2);
  const seen = projectWide(
    camera,
    inPlane * Math.cos(point.raDegrees * degrees),
    inPlane * Math.sin(point.raDegrees * degrees),
    Math.sin(point.decDegrees * degrees),
    limit,
    into,
  );
  return seen ? { x: into[0]!, y: into[1]! } : null;
}

/** What a pixel sees. */
export function allSkyPoint(camera: AllSkyCamera, { x, y }: PixelPoint): SkyPoint {
  const { focalLength, cubic, axes, mirrored } = camera;
  const [right, down] = [(mirrored ? -1 : 1) * (x - camera.x), y - camera.y];
  const radius = Math.hypot(right, down);
  const wanted = radius / focalLength;
  let angle = wanted;
  for (let step = 0; step < 12; step++)
    angle -= (angle + cubic * angle ** 3 - wanted) / Math.max(0.2, 1 + 3 * cubic * angle ** 2);
  const across = radius > 0 ? Math.sin(angle) / radius : 0;
  const [a, b, c] = [right * across, down * across, Math.cos(angle)];
  const of = (axis: number) => axes[axis]! * a + axes[3 + axis]! * b + axes[6 + axis]! * c;
  const ra = Math.atan2(of(1), of(0)) / degrees;
  return { raDegrees: ra < 0 ? ra + 360 : ra, decDegrees: Math.asin(Math.max(-1, Math.min(1, of(2)))) / degrees };
}

/** @returns false farther than `limit` radians from the axis */
export function projectWide(
  { axes, focalLength, cubic, mirrored, x: centreX, y: centreY }: AllSkyCamera,
  x: number,
  y: number,
  z: number,
  limit: number,
  into: Float64Array,
): boolean {
  const ahead = axes[6]! * x + axes[7]! * y + axes[8]! * z;
  if (ahead < Math.cos(limit)) return false;
  const right = axes[0]! * x + axes[1]! * y + axes[2]! * z;
  const down = axes[3]! * x + axes[4]! * y + axes[5]! * z;
  const off = Math.hypot(right, down);
  const angle = Math.atan2(off, ahead);
  const scale = off < 1e-12 ? 0 : (focalLength * (angle + cubic * angle ** 3)) / off;
  into[0] = centreX + (mirrored ? -1 : 1) * right * scale;
  into[1] = centreY + down * scale;
  return true;
}

/** The camera after the Earth has turned: it stands still, the sky passes. The pole is J2000's: off by 0.1 degree after half a day. */
export function turnedWithTheSky(camera: AllSkyCamera, seconds: number): AllSkyCamera {
  const [sin, cos] = [Math.sin(seconds * siderealRate), Math.cos(seconds * siderealRate)];
  const axes = [0, 3, 6].flatMap((row) => {
    const [x, y, z] = [camera.axes[row]!, camera.axes[row + 1]!, camera.axes[row + 2]!];
    return [cos * x - sin * y, sin * x + cos * y, z];
  });
  return { ...camera, axes };
}
