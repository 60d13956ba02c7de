/**
 * Places of the catalogue (ICRS/J2000) to the true equator and equinox of date, geocentric (JNow, astropy's TETE), and back: proper motion,
 * light bent by the Sun, annual aberration, frame bias, precession and nutation. Parallax and diurnal aberration (0.3") are left out.
 */
import { NightflowError } from '../process/errors.ts';
import {
  anglesOf,
  apply,
  centuries,
  earthVelocity,
  equatorToHorizon,
  type Horizontal,
  horizontalOf,
  julianDate,
  meanObliquity,
  precessionNutation,
  radians,
  siderealTime,
  sunLongitude,
  transpose,
  type Vector,
  vectorOf,
} from './coordinates.ts';

export interface EquatorialPlace {
  /** J2000 (ICRS). */
  raDegrees: number;
  decDegrees: number;
  /** Thousandths of an arcsecond a Julian year, that in right ascension with the cosine of the declination, as Gaia gives it. */
  properMotionRaMas?: number;
  properMotionDecMas?: number;
  /** Julian year of the place, for its proper motion; 2000 when not given. */
  epochYear?: number;
}

/** Referred to the true equator and equinox of the moment: what most mounts call JNow, INDI EOD. */
export interface PlaceOfDate {
  raNowDegrees: number;
  decNowDegrees: number;
}

const arcsecond = Math.PI / 648000;
/** Twice the Sun's gravitational radius over one astronomical unit, radians: light that grazes the Sun at 1 au is bent by 1.75". */
const bendingRadians = 1.97412574336e-8;

/** J2000 to JNow. @param milliseconds UTC since 1970 @throws bad-input when a number is none */
export function placeOfDate(place: EquatorialPlace, milliseconds: number): PlaceOfDate {
  const { longitudeDegrees, latitudeDegrees } = anglesOf(directionOfDate(place, milliseconds));
  return { raNowDegrees: longitudeDegrees, decNowDegrees: latitudeDegrees };
}

/** The same as a unit vector on the axes of date. */
export function directionOfDate(place: EquatorialPlace, milliseconds: number): Vector {
  check({ ...place, milliseconds });
  const { properMotionRaMas = 0, properMotionDecMas = 0 } = place;
  const moved = properMotionRaMas || properMotionDecMas ? withProperMotion(place, milliseconds) : directionOf(place);
  return apply(precessionNutation(milliseconds), aberrated(bent(moved, milliseconds), earthVelocity(milliseconds)));
}

/** JNow to J2000 (ICRS), at the epoch of date. @param milliseconds UTC since 1970 @throws bad-input when a number is none */
export function placeOfJ2000({ raNowDegrees, decNowDegrees }: PlaceOfDate, milliseconds: number): EquatorialPlace {
  check({ raNowDegrees, decNowDegrees, milliseconds });
  const seen = apply(transpose(precessionNutation(milliseconds)), vectorOf(raNowDegrees, decNowDegrees));
  const velocity = earthVelocity(milliseconds);
  let place = seen;
  // Each round takes the error down by 1e-4: the third is below what a double can hold.
  for (let round = 0; round < 3; round++) {
    const again = aberrated(bent(place, milliseconds), velocity);
    place = unit([place[0] + seen[0] - again[0], place[1] + seen[1] - again[1], place[2] + seen[2] - again[2]]);
  }
  const { longitudeDegrees, latitudeDegrees } = anglesOf(place);
  return { raDegrees: longitudeDegrees, decDegrees: latitudeDegrees };
}

/** Where a direction of date stands over a site, without refraction. */
export const horizontalOfDate = (
  site: { latitude: number; longitude: number },
  milliseconds: number,
  direction: Vector,
): Horizontal => horizontalOf(apply(equatorToHorizon(site, siderealTime(milliseconds)), direction));

/** Angle between two directions, degrees, right for the smallest and the largest. */
export function separationDegrees(a: Vector, b: Vector): number {
  const cross = Math.hypot(a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]);
  return Math.atan2(cross, dot(a, b)) / radians;
}

/** Motion along a straight line in space without a radial part: right to 0.001" over a century for all but the very fastest stars. */
function withProperMotion(place: EquatorialPlace, milliseconds: number): Vector {
  const { raDegrees, decDegrees, properMotionRaMas = 0, properMotionDecMas = 0, epochYear = 2000 } = place;
  const years = 2000 + (julianDate(milliseconds) - 2_451_545) / 365.25 - epochYear;
  const east = properMotionRaMas * 1e-3 * arcsecond * years;
  const north = properMotionDecMas * 1e-3 * arcsecond * years;
  const [x, y, z] = vectorOf(raDegrees, decDegrees);
  const [sinRa, cosRa] = [Math.sin(raDegrees * radians), Math.cos(raDegrees * radians)];
  const [sinDec, cosDec] = [Math.sin(decDegrees * radians), Math.cos(decDegrees * radians)];
  return unit([
    x - east * sinRa - north * sinDec * cosRa,
    y + east * cosRa - north * sinDec * sinRa,
    z + north * cosDec,
  ]);
}

/** Bent away from the Sun (Klioner 2003, eq. 70, for a star without a distance); within 9' of its centre, where no light passes, no further. */
function bent(star: Vector, milliseconds: number): Vector {
  const t = centuries(milliseconds);
  const longitude = sunLongitude(t) - 5028.796195 * t * arcsecond;
  const obliquity = meanObliquity(0);
  const sine = Math.sin(longitude);
  /** From the Sun to the Earth. */
  const e: Vector = [-Math.cos(longitude), -sine * Math.cos(obliquity), -sine * Math.sin(obliquity)];
  const cosine = dot(star, e);
  const weight = bendingRadians / Math.max(1 + cosine, 3.5e-6);
  return unit([
    star[0] + weight * (e[0] - cosine * star[0]),
    star[1] + weight * (e[1] - cosine * star[1]),
    star[2] + weight * (e[2] - cosine * star[2]),
  ]);
}

/** Relativistic annual aberration (IERS Conventions 2010, eq. 5.23 without the Sun's potential). @param velocity in units of c */
function aberrated(star: Vector, velocity: Vector): Vector {
  const inverseLorentz = Math.sqrt(1 - dot(velocity, velocity));
  const weight = 1 + dot(star, velocity) / (1 + inverseLorentz);
  return unit([
    star[0] * inverseLorentz + weight * velocity[0],
    star[1] * inverseLorentz + weight * velocity[1],
    star[2] * inverseLorentz + weight * velocity[2],
  ]);
}

const directionOf = ({ raDegrees, decDegrees }: EquatorialPlace): Vector => vectorOf(raDegrees, decDegrees);
const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

function unit([x, y, z]: Vector): Vector {
  const length = Math.hypot(x, y, z);
  return [x / length, y / length, z / length];
}

function check(numbers: object): void {
  for (const [name, value] of Object.entries(numbers))
    if (typeof value === 'number' && !Number.isFinite(value))
      throw new NightflowError('bad-input', `The ${name} of a place is ${value}, not a number.`);
}
