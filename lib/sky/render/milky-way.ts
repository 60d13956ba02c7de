/**
 * The glow of the Milky Way: starlight of an exponential disc and a bulge, dimmed by a thinner disc of patchy dust, summed along each
 * line of sight. A picture to look at, not a measurement: dust clouds stand where noise puts them.
 */
import { apply, icrsToHorizon, type Matrix, multiply, radians, transpose } from '../coordinates.ts';
import { radianceOf } from './photometry.ts';
import { fractalNoise } from './random.ts';

/** ICRS to galactic (Hipparcos catalogue, volume 1, 1.5.3). */
const icrsToGalactic: Matrix = Float64Array.of(
  -0.0548755604,
  -0.8734370902,
  -0.4838350155,
  0.4941094279,
  -0.44482963,
  0.7469822445,
  -0.867666149,
  -0.1980763734,
  0.4559837762,
);

const longitudes = 720;
/** Galactic latitude −45° to 45° in half degrees; farther off the glow is part of the natural sky. */
const latitudes = 181;
let map: Float32Array | null = null;

/** Radiance in V = 0 stars per square radian towards a horizontal direction. */
export function milkyWayRadiance(
  site: { latitude: number; longitude: number },
  milliseconds: number,
): (east: number, north: number, up: number) => number {
  map ??= drawMap();
  const glow = map;
  const m = multiply(icrsToGalactic, transpose(icrsToHorizon(site, milliseconds)));
  return (east, north, up) => {
    const [x, y, z] = apply(m, [east, north, up]);
    const row = (Math.asin(Math.max(-1, Math.min(1, z))) / radians + 45) * 2;
    if (row < 0 || row >= latitudes - 1) return 0;
    const column = (Math.atan2(y, x) / radians + 360) * 2;
    const [r, c] = [Math.floor(row), Math.floor(column)];
    const at = (dr: number, dc: number) => glow[(r + dr) * longitudes + ((c + dc) % longitudes)]!;
    const [fr, fc] = [row - r, column - c];
    return (at(0, 0) * (1 - fc) + at(0, 1) * fc) * (1 - fr) + (at(1, 0) * (1 - fc) + at(1, 1) * fc) * fr;
  };
}

/** Kiloparsecs: the Sun's distance from the centre, scales of stars and dust. */
const sunRadius = 8.2;
const discLength = 2.6;
const discHeight = 0.3;
const dustHeight = 0.085;

function drawMap(): Float32Array {
  const drawn = new Float32Array(longitudes * latitudes);
  for (let row = 0; row < latitudes; row++)
    for (let column = 0; column < longitudes; column++) {
      const l = (column / 2) * radians;
      const b = (row / 2 - 45) * radians;
      drawn[row * longitudes + column] = lineOfSight(Math.cos(b) * Math.cos(l), Math.cos(b) * Math.sin(l), Math.sin(b));
    }
  // Scaled so that the brightest clouds reach 20.4 mag per square arc second, as the star cloud in Scutum does, and the glow
  // 45° from the plane fades to nothing.
  let brightest = 0;
  for (const glow of drawn) brightest = Math.max(brightest, glow);
  const scale = radianceOf(20.3) / brightest;
  for (let row = 0; row < latitudes; row++) {
    const fade = Math.min(1, (1 - Math.abs(row - 90) / 90) * 2.5);
    for (let column = 0; column < longitudes; column++) drawn[row * longitudes + column]! *= scale * fade;
  }
  return drawn;
}

function lineOfSight(x: number, y: number, z: number): number {
  let light = 0;
  let depth = 0;
  let from = 0;
  for (let step = 0; step < 22; step++) {
    const to = 0.06 * 1.28 ** (step + 1) - 0.06;
    const s = (from + to) / 2;
    const length = to - from;
    from = to;
    const [px, py, pz] = [sunRadius - s * x, s * y, s * z];
    const radius = Math.hypot(px, py);
    const height = Math.abs(pz);
    const arms = 1 + 0.35 * Math.sin(2 * (Math.atan2(py, px) * 1 + 3.2 * Math.log(radius + 0.3)));
    const disc = Math.exp((sunRadius - radius) / discLength - height / discHeight) * arms;
    const bulge = 28 * Math.exp(-((radius / 1.1) ** 2) - (height / 0.75) ** 2);
    const dustBand = Math.exp((sunRadius - Math.max(4, radius)) / 4.5 - height / dustHeight);
    const patches = dustBand > 0.02 ? fractalNoise(px * 1.9 + 7, py * 1.9 + 3, pz * 6 + 5, 4) : 0;
    const dust = dustBand * Math.max(0, patches - 0.36) * 9;
    depth += (dust * length) / 2;
    light += (disc + bulge) * length * Math.exp(-depth);
    depth += (dust * length) / 2;
  }
  return light;
}
