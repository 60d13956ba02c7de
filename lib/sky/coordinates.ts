/**
 * From catalogue places (ICRS/J2000) to the sky over a site: IAU 2006 precession, 2000B nutation, annual aberration, the Earth's
 * rotation, refraction. Directions are unit vectors and the chain is one 3x3 matrix, so that a hundred thousand stars cost milliseconds.
 * UT1 is taken as UTC (right to 0.9 s, 13"; in the 2020s to 0.1 s); polar motion (0.3") and diurnal aberration (0.3") are left out.
 */
import { nutation } from './nutation.ts';

/** 3x3, row-major. */
export type Matrix = Float64Array;
export type Vector = readonly [number, number, number];

export const radians = Math.PI / 180;
const arcsecond = Math.PI / 648000;
/** TT − UTC: 32.184 s and the 37 leap seconds since 2017. A second of it is 50 nanoarcseconds of precession. */
const ttMinusUtcSeconds = 69.184;

export const julianDate = (milliseconds: number): number => milliseconds / 86_400_000 + 2_440_587.5;

/** Julian centuries of TT since J2000.0. @param milliseconds UTC since 1970 */
export const centuries = (milliseconds: number): number =>
  (julianDate(milliseconds) + ttMinusUtcSeconds / 86400 - 2_451_545) / 36525;

export function vectorOf(raDegrees: number, decDegrees: number): Vector {
  const cos = Math.cos(decDegrees * radians);
  return [cos * Math.cos(raDegrees * radians), cos * Math.sin(raDegrees * radians), Math.sin(decDegrees * radians)];
}

/** Longitude-like angle 0..360 and latitude-like angle, degrees. */
export function anglesOf([x, y, z]: Vector): { longitudeDegrees: number; latitudeDegrees: number } {
  const longitude = Math.atan2(y, x) / radians;
  return {
    longitudeDegrees: longitude < 0 ? longitude + 360 : longitude,
    latitudeDegrees: Math.atan2(z, Math.hypot(x, y)) / radians,
  };
}

export function multiply(a: Matrix, b: Matrix): Matrix {
  const out = new Float64Array(9);
  for (let row = 0; row < 3; row++)
    for (let column = 0; column < 3; column++)
      for (let k = 0; k < 3; k++) out[row * 3 + column]! += a[row * 3 + k]! * b[k * 3 + column]!;
  return out;
}

export const apply = (m: Matrix, [x, y, z]: Vector): Vector => [
  m[0]! * x + m[1]! * y + m[2]! * z,
  m[3]! * x + m[4]! * y + m[5]! * z,
  m[6]! * x + m[7]! * y + m[8]! * z,
];

export const transpose = (m: Matrix): Matrix =>
  Float64Array.of(m[0]!, m[3]!, m[6]!, m[1]!, m[4]!, m[7]!, m[2]!, m[5]!, m[8]!);

/** Turns the axes by an angle about axis 1, 2 or 3 (the R1, R2, R3 of the Explanatory Supplement). */
export function rotation(axis: 1 | 2 | 3, angle: number): Matrix {
  const c = Math.cos(angle);
  const s = Math.sin(angle);
  if (axis === 1) return Float64Array.of(1, 0, 0, 0, c, s, 0, -s, c);
  if (axis === 2) return Float64Array.of(c, 0, -s, 0, 1, 0, s, 0, c);
  return Float64Array.of(c, s, 0, -s, c, 0, 0, 0, 1);
}

/** Mean obliquity of the ecliptic, radians (IAU 2006). */
export const meanObliquity = (t: number): number =>
  (84381.406 + t * (-46.836769 + t * (-0.0001831 + t * 0.0020034))) * arcsecond;

/**
 * ICRS to the true equator and equinox of date: frame bias and precession by the Fukushima-Williams angles of IAU 2006
 * (Capitaine & Wallace 2006, table 1), with the nutation above.
 */
export function precessionNutation(milliseconds: number): Matrix {
  const t = centuries(milliseconds);
  const polynomial = (...c: number[]) => c.reduceRight((sum, each) => sum * t + each, 0) * arcsecond;
  const gamma = polynomial(-0.052928, 10.556378, 0.4932044, -0.00031238, -0.000002788);
  const phi = polynomial(84381.412819, -46.811016, 0.0511268, 0.00053289, -0.00000044);
  const psi = polynomial(-0.041775, 5038.481484, 1.5584175, -0.00018522, -0.000026452);
  const { longitude, obliquity } = nutation(t);
  return multiply(
    rotation(1, -(meanObliquity(t) + obliquity)),
    multiply(rotation(3, -(psi + longitude)), multiply(rotation(1, phi), rotation(3, gamma))),
  );
}

/** Greenwich apparent sidereal time, radians: the Earth rotation angle, IAU 2006 precession in right ascension, equation of the equinoxes. */
export function siderealTime(milliseconds: number): number {
  const days = julianDate(milliseconds) - 2_451_545;
  const turns = 0.779057273264 + 0.00273781191135448 * days + (days % 1);
  const t = centuries(milliseconds);
  const precession = 0.014506 + t * (4612.156534 + t * (1.3915817 + t * (-0.00000044 - t * 0.000029956)));
  const { longitude } = nutation(t);
  const node = (450160.398036 - 6962890.5431 * t) * arcsecond;
  const complementary = 0.00264096 * Math.sin(node) + 0.00006352 * Math.sin(2 * node);
  const angle =
    2 * Math.PI * (turns % 1) + (precession + complementary) * arcsecond + longitude * Math.cos(meanObliquity(t));
  return ((angle % (2 * Math.PI)) + 2 * Math.PI) % (2 * Math.PI);
}

/**
 * The Earth's velocity about the solar system's centre of mass, in ICRS, in units of the speed of light (up to 1e-4): the Sun's Keplerian
 * motion as seen from the Earth, with what Jupiter, Saturn and the Moon add. 0.003" off at worst against the JPL-fitted EPV00 (1995 to
 * 2045). Added to a star's unit vector it gives annual aberration.
 */
export function earthVelocity(milliseconds: number): Vector {
  const t = centuries(milliseconds);
  const precession = 5028.796195 * t * arcsecond;
  const trueLongitude = sunLongitude(t) - precession;
  const perihelion = (102.93735 + 1.71946 * t) * radians - precession;
  const eccentricity = 0.016708634 - 0.000042037 * t;
  const constant = 20.49552 * arcsecond;
  const obliquity = meanObliquity(0);
  let x = constant * (Math.sin(trueLongitude) - eccentricity * Math.sin(perihelion));
  let y = -constant * (Math.cos(trueLongitude) - eccentricity * Math.cos(perihelion));
  // The Sun's motion about the centre of mass, and the Earth's about that of Earth and Moon, on circles; Jupiter's with its eccentricity.
  const jupiter = (34.351519 + 3034.9056606 * t) * radians;
  const jupiterAnomaly = jupiter - 14.331 * radians;
  const wobbles = [
    [12.47, jupiter + 2 * 0.0485 * Math.sin(jupiterAnomaly)],
    [2.76, (50.0774 + 1222.1138 * t) * radians],
    [
      12.56,
      (218.3164 + 481267.8813 * t) * radians -
        precession +
        2 * 0.0549 * Math.sin((134.9634 + 477198.8676 * t) * radians),
    ],
  ] as const;
  for (const [metresPerSecond, longitude] of wobbles) {
    x += (metresPerSecond / speedOfLight) * Math.sin(longitude);
    y -= (metresPerSecond / speedOfLight) * Math.cos(longitude);
  }
  return [x, y * Math.cos(obliquity), y * Math.sin(obliquity)];
}

/** Metres a second. */
const speedOfLight = 299_792_458;

/** True longitude of the Sun referred to the mean equinox of date, radians (Meeus 1998, chapter 25; 0.003° or better). */
export function sunLongitude(t: number): number {
  const mean = (280.46646 + 36000.76983 * t) * radians;
  const anomaly = (357.52911 + 35999.05029 * t) * radians;
  return mean + ((1.914602 - 0.004817 * t) * Math.sin(anomaly) + 0.019993 * Math.sin(2 * anomaly)) * radians;
}

/** True equator of date to the site's east, north, up. */
export function equatorToHorizon(site: { latitude: number; longitude: number }, siderealRadians: number): Matrix {
  const local = siderealRadians + site.longitude * radians;
  const [sinT, cosT] = [Math.sin(local), Math.cos(local)];
  const [sinLat, cosLat] = [Math.sin(site.latitude * radians), Math.cos(site.latitude * radians)];
  return Float64Array.of(-sinT, cosT, 0, -sinLat * cosT, -sinLat * sinT, cosLat, cosLat * cosT, cosLat * sinT, sinLat);
}

/** ICRS to the site's east, north, up at a moment, without aberration and refraction. */
export const icrsToHorizon = (site: { latitude: number; longitude: number }, milliseconds: number): Matrix =>
  multiply(equatorToHorizon(site, siderealTime(milliseconds)), precessionNutation(milliseconds));

/** How much higher a direction of this true altitude appears, degrees (Sæmundsson 1986; 0.1' above 5°), at 1010 hPa and 10 °C. */
export function refractionDegrees(trueAltitudeDegrees: number): number {
  const h = Math.max(trueAltitudeDegrees, -1.9);
  return Math.max(0, 1.02 / Math.tan((h + 10.3 / (h + 5.11)) * radians) + 0.0019279) / 60;
}

export interface Horizontal {
  altitudeDegrees: number;
  /** From north through east, 0..360. */
  azimuthDegrees: number;
}

/** East, north, up to altitude and azimuth. */
export function horizontalOf([east, north, up]: Vector): Horizontal {
  const { longitudeDegrees, latitudeDegrees } = anglesOf([north, east, up]);
  return { altitudeDegrees: latitudeDegrees, azimuthDegrees: longitudeDegrees };
}

/** Where a place of the catalogue stands over a site. */
export function altitudeAzimuth(
  site: { latitude: number; longitude: number },
  milliseconds: number,
  raDegrees: number,
  decDegrees: number,
  { refraction = false, aberration = true }: { refraction?: boolean; aberration?: boolean } = {},
): Horizontal {
  const star = vectorOf(raDegrees, decDegrees);
  const v = aberration ? earthVelocity(milliseconds) : ([0, 0, 0] as const);
  const place = apply(icrsToHorizon(site, milliseconds), [star[0] + v[0], star[1] + v[1], star[2] + v[2]]);
  const seen = horizontalOf(place);
  if (refraction) seen.altitudeDegrees += refractionDegrees(seen.altitudeDegrees);
  return seen;
}
