/** How a lens draws the sky: the four projections, and a camera pointed at an altitude and azimuth. */
import { NightflowError } from '../../process/errors.ts';
import { radians, type Vector } from '../coordinates.ts';

export const projections = ['equidistant', 'equisolid', 'stereographic', 'rectilinear'] as const;
export type Projection = (typeof projections)[number];

export interface Pointing {
  /** Of the picture's middle. At 90° the azimuth names the direction at the bottom of the picture. */
  altitudeDegrees: number;
  azimuthDegrees: number;
  /** Turns the camera clockwise about its axis (the sky in the picture turns counter-clockwise). */
  rollDegrees: number;
}

export interface Lens {
  projection: Projection;
  /** In pixels. */
  focalLength: number;
  /** Optical centre, 0-based pixel centres from the top left. */
  centreX: number;
  centreY: number;
  /** East, north, up components of the camera's axes: right in the picture, up in it, forward. */
  right: Vector;
  up: Vector;
  forward: Vector;
  /** Light farther than this from the axis doesn't arrive, radians. */
  maximumAngle: number;
}

/**
 * The distance from the axis, in focal lengths, of light that comes in at `angle` (radians): θ, 2 sin θ/2, 2 tan θ/2, tan θ.
 * Schneider, Schwalbe & Maas 2009, ISPRS J. 64, 259.
 */
export function radiusOfAngle(projection: Projection, angle: number): number {
  if (projection === 'equidistant') return angle;
  if (projection === 'equisolid') return 2 * Math.sin(angle / 2);
  if (projection === 'stereographic') return 2 * Math.tan(angle / 2);
  return Math.tan(angle);
}

export function angleOfRadius(projection: Projection, radius: number): number {
  if (projection === 'equidistant') return radius;
  if (projection === 'equisolid') return 2 * Math.asin(Math.min(1, radius / 2));
  if (projection === 'stereographic') return 2 * Math.atan(radius / 2);
  return Math.atan(radius);
}

/** The widest half angle that a projection can draw sensibly. */
const widestHalfAngleDegrees = { equidistant: 110, equisolid: 110, stereographic: 95, rectilinear: 80 } as const;

/**
 * A lens whose field of view fits across the shorter side of the picture.
 * @throws bad-input for a field of view that the projection can't draw.
 */
export function makeLens(
  width: number,
  height: number,
  projection: Projection,
  fieldOfViewDegrees: number,
  pointing: Pointing,
): Lens {
  const widest = 2 * widestHalfAngleDegrees[projection];
  if (!(fieldOfViewDegrees > 0 && fieldOfViewDegrees <= widest))
    throw new NightflowError('bad-input', `A ${projection} lens can't show ${fieldOfViewDegrees} degrees.`, {
      remedy: `Choose up to ${widest} degrees, or another projection.`,
    });
  const focalLength = Math.min(width, height) / 2 / radiusOfAngle(projection, (fieldOfViewDegrees / 2) * radians);
  return {
    projection,
    focalLength,
    centreX: (width - 1) / 2,
    centreY: (height - 1) / 2,
    maximumAngle: Math.min(widestHalfAngleDegrees[projection], projection === 'rectilinear' ? 80 : 95) * radians,
    ...axesOf(pointing),
  };
}

/** A telescope by its focal length in pixels, looking along given axes (east, north, up components; each a unit vector). */
export function telescopeLens(
  width: number,
  height: number,
  focalLengthPixels: number,
  axes: Pick<Lens, 'right' | 'up' | 'forward'>,
): Lens {
  return {
    projection: 'rectilinear',
    focalLength: focalLengthPixels,
    centreX: (width - 1) / 2,
    centreY: (height - 1) / 2,
    maximumAngle: widestHalfAngleDegrees.rectilinear * radians,
    ...axes,
  };
}

function axesOf({ altitudeDegrees, azimuthDegrees, rollDegrees }: Pointing): Pick<Lens, 'right' | 'up' | 'forward'> {
  const [sinA, cosA] = [Math.sin(azimuthDegrees * radians), Math.cos(azimuthDegrees * radians)];
  const [sinH, cosH] = [Math.sin(altitudeDegrees * radians), Math.cos(altitudeDegrees * radians)];
  const right = [cosA, -sinA, 0];
  const up = [-sinH * sinA, -sinH * cosA, cosH];
  const [sinR, cosR] = [Math.sin(rollDegrees * radians), Math.cos(rollDegrees * radians)];
  return {
    forward: [cosH * sinA, cosH * cosA, sinH],
    right: [0, 1, 2].map((k) => right[k]! * cosR - up[k]! * sinR) as unknown as Vector,
    up: [0, 1, 2].map((k) => right[k]! * sinR + up[k]! * cosR) as unknown as Vector,
  };
}

/** Where a direction (unit vector: east, north, up) falls: writes x and y into `out`. @returns its angle from the axis, radians; -1 outside the lens */
export function project(lens: Lens, east: number, north: number, up: number, out: Float64Array): number {
  const { right, up: above, forward } = lens;
  const ahead = forward[0] * east + forward[1] * north + forward[2] * up;
  const a = right[0] * east + right[1] * north + right[2] * up;
  const b = above[0] * east + above[1] * north + above[2] * up;
  const off = Math.sqrt(a * a + b * b);
  const angle = Math.atan2(off, ahead);
  if (angle > lens.maximumAngle) return -1;
  const scale = off < 1e-12 ? 0 : (lens.focalLength * radiusOfAngle(lens.projection, angle)) / off;
  out[0] = lens.centreX + a * scale;
  out[1] = lens.centreY - b * scale;
  return angle;
}

/** The direction (east, north, up) that falls on a pixel: writes it into `out`. @returns its angle from the axis, radians. */
export function unproject(lens: Lens, x: number, y: number, out: Float64Array): number {
  const dx = x - lens.centreX;
  const dy = lens.centreY - y;
  const radius = Math.sqrt(dx * dx + dy * dy);
  const angle = angleOfRadius(lens.projection, radius / lens.focalLength);
  const sin = radius < 1e-9 ? 0 : Math.sin(angle) / radius;
  const cos = Math.cos(angle);
  for (let k = 0; k < 3; k++) out[k] = lens.right[k]! * dx * sin + lens.up[k]! * dy * sin + lens.forward[k]! * cos;
  return angle;
}

/** Square radians of sky on a pixel at an angle from the axis: sin θ dθ over r dr. */
export function pixelSolidAngle(lens: Lens, angle: number): number {
  const small = 1e-4;
  const near = Math.max(small, angle);
  const r = radiusOfAngle(lens.projection, near);
  const slope =
    (radiusOfAngle(lens.projection, near + small) - radiusOfAngle(lens.projection, near - small)) / (2 * small);
  return Math.sin(near) / (r * slope * lens.focalLength * lens.focalLength);
}
