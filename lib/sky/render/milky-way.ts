/**
 * The glow of the Milky Way: starlight of an exponential disc and a bulge, dimmed by a thinner disc of patchy dust, summed along each
 * line of sight. A picture to look at, not a measurement: dust clouds stand where noise puts them.
 */
import { icrsToHorizon, type Matrix, multiply, radians, transpose } from '../coordinates.ts';
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

const longitudes = 480;
/** Galactic latitude −45° to 45° in steps of 3/4 degree; farther off the glow is part of the natural sky. */
const latitudes = 121;
const perDegree = 4 / 3;
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
    const x = m[0]! * east + m[1]! * north + m[2]! * up;
    const y = m[3]! * east + m[4]! * north + m[5]! * up;
    const z = m[6]! * east + m[7]! * north + m[8]! * up;
    const row = (Math.asin(Math.max(-1, Math.min(1, z))) / radians + 45) * perDegree;
    if (row < 0 || row >= latitudes - 1) return 0;
    const column = (Math.atan2(y, x) / radians + 360) * perDegree;
    const r = Math.floor(row);
    const c = Math.floor(column);
    const fr = row - r;
    const fc = column - c;
    const below = r * longitudes;
    const above = below + longitudes;
    const west = c % longitudes;
    const east1 = (c + 1) % longitudes;
    return (
      (glow[below + west]! * (1 - fc) + glow[below + east1]! * fc) * (1 - fr) +
      (glow[above + west]! * (1 - fc) + glow[above + east1]! * fc) * fr
    );
  };
}

/** Kiloparsecs: the Sun's distance from the centre, scales of stars and dust. */
const sunRadius = 8.2;
const discLength = 2.6;
const discHeight = 0.25;
const dustHeight = 0.085;

function drawMap(): Float32Array {
  const drawn = new Float32Array(longitudes * latitudes);
  for (let row = 0; row < latitudes; row++)
    for (let column = 0; column < longitudes; column++) {
      const l = (column / perDegree) * radians;
      const b = (row / perDegree - 45) * radians;
      drawn[row * longitudes + column] = lineOfSight(Math.cos(b) * Math.cos(l), Math.cos(b) * Math.sin(l), Math.sin(b));
    }
  // Scaled, with the contrast that the eye knows from photographs, so that the brightest clouds reach 20.4 mag per square arc second, as the star cloud in Scutum does, and the glow
  // 45° from the plane fades to nothing.
  let brightest = 0;
  for (const glow of drawn) brightest = Math.max(brightest, glow);
  const peak = radianceOf(20.2);
  for (let row = 0; row < latitudes; row++) {
    const fade = Math.min(1, (1 - Math.abs(row - 60) / 60) * 2.5);
    for (let column = 0; column < longitudes; column++) {
      const at = row * longitudes + column;
      drawn[at] = peak * fade * (drawn[at]! / brightest) ** 1.35;
    }
  }
  return drawn;
}

function lineOfSight(x: number, y: number, z: number): number {
  let light = 0;
  let depth = 0;
  let from = 0;
  for (let step = 0; step < 18; step++) {
    const to = 0.06 * 1.36 ** (step + 1) - 0.06;
    const s = (from + to) / 2;
    const length = to - from;
    from = to;
    const [px, py, pz] = [sunRadius - s * x, s * y, s * z];
    const radius = Math.hypot(px, py);
    const height = Math.abs(pz);
    const arms = 1 + 0.35 * Math.sin(2 * (Math.atan2(py, px) * 1 + 3.2 * Math.log(radius + 0.3)));
    const disc = Math.exp((sunRadius - radius) / discLength - height / discHeight) * arms;
    const bulge = 9 * Math.exp(-((radius / 1.1) ** 2) - (height / 0.75) ** 2);
    const dustBand = Math.exp((sunRadius - Math.max(4, radius)) / 4.5 - height / dustHeight);
    const patches = dustBand > 0.02 ? fractalNoise(px * 3.4 + 7, py * 3.4 + 3, pz * 7 + 5, 3) : 0;
    const dust = dustBand * Math.max(0, patches - 0.4) * 10;
    depth += (dust * length) / 2;
    light += (disc + bulge) * length * Math.exp(-depth);
    depth += (dust * length) / 2;
  }
  return light;
}
