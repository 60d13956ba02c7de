/**
 * A camera that sees the whole sky: r = f (theta + k theta³ + q theta⁵), pixels from the optical centre, theta the angle from the axis in
 * radians. It knows directions over its site (unit vectors: east, north, up), not the sky that passes by.
 */
import type { PixelPoint } from './wcs.ts';

/** Unit vector: east, north, up. */
export type Direction = readonly [number, number, number];

export interface AllSkyCamera {
  width: number;
  height: number;
  /** Optical centre, 0-based pixel centres from the top left. */
  x: number;
  y: number;
  /** Pixels a radian in the middle. */
  focalLength: number;
  cubic: number;
  quintic: number;
  /** Rows: what the picture's right, down and forward point at (east, north, up); right the other way round where `mirrored`. */
  axes: readonly number[];
  /** As a camera does not see the sky from below: with north up, east is on the right. */
  mirrored: boolean;
}

/** Nothing is looked for farther from the axis, radians. */
const widest = 1.9;

/** Where a direction falls; null behind the camera. */
export function pixelOfDirection(camera: AllSkyCamera, [east, north, up]: Direction): PixelPoint | null {
  const into = new Float64Array(2);
  return projectWide(camera, east, north, up, widest, into) ? { x: into[0]!, y: into[1]! } : null;
}

/** Where a pixel looks; null where the lens does not draw that far out. */
export function directionOfPixel(camera: AllSkyCamera, { x, y }: PixelPoint): Direction | null {
  const { focalLength, axes, mirrored } = camera;
  const [right, down] = [(mirrored ? -1 : 1) * (x - camera.x), y - camera.y];
  const radius = Math.hypot(right, down);
  const angle = angleOf(camera, radius / focalLength);
  if (angle === null) return null;
  const across = radius > 0 ? Math.sin(angle) / radius : 0;
  const [a, b, c] = [right * across, down * across, Math.cos(angle)];
  const of = (axis: number) => axes[axis]! * a + axes[3 + axis]! * b + axes[6 + axis]! * c;
  return [of(0), of(1), of(2)];
}

/** @returns false farther than `limit` radians from the axis */
export function projectWide(
  camera: AllSkyCamera,
  east: number,
  north: number,
  up: number,
  limit: number,
  into: Float64Array,
): boolean {
  const { axes } = camera;
  const ahead = axes[6]! * east + axes[7]! * north + axes[8]! * up;
  if (ahead < Math.cos(limit)) return false;
  const right = axes[0]! * east + axes[1]! * north + axes[2]! * up;
  const down = axes[3]! * east + axes[4]! * north + axes[5]! * up;
  const off = Math.hypot(right, down);
  const scale = off < 1e-12 ? 0 : (camera.focalLength * radiusOf(camera, Math.atan2(off, ahead))) / off;
  into[0] = camera.x + (camera.mirrored ? -1 : 1) * right * scale;
  into[1] = camera.y + down * scale;
  return true;
}

/** In focal lengths. */
const radiusOf = ({ cubic, quintic }: AllSkyCamera, angle: number): number => {
  const square = angle * angle;
  return angle * (1 + square * (cubic + quintic * square));
};

function angleOf(camera: AllSkyCamera, radius: number): number | null {
  let angle = Math.min(radius, widest);
  for (let step = 0; step < 30; step++) {
    const square = angle * angle;
    const slope = 1 + square * (3 * camera.cubic + 5 * camera.quintic * square);
    const move = (radiusOf(camera, angle) - radius) / Math.max(0.15, slope);
    angle = Math.max(0, Math.min(widest * 1.05, angle - move));
    if (Math.abs(move) < 1e-12) break;
  }
  return Math.abs(radiusOf(camera, angle) - radius) < 1e-6 && angle <= widest ? angle : null;
}
