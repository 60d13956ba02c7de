/** Curtains of aurora: folded sheets along magnetic east-west between 95 and 260 km, rayed along the field, moving. */
import { channelResponse, radianceOf } from './photometry.ts';
import { fractalNoise, hash, smoothNoise } from './random.ts';

export interface Aurora {
  /** Of everything together, V = 0 stars per square radian. */
  strength: number;
  sheets: Sheet[];
  level: number;
}

/** One curtain as functions of the distance east, a table each. */
interface Sheet {
  /** Kilometres north of the site where its foot stands. */
  foot: Float32Array;
  light: Float32Array;
  rays: Float32Array;
  /** Range of `foot`. */
  southmost: number;
  northmost: number;
}

interface Slice {
  kilometres: number;
  thickness: number;
  /** Relative light: red, green, blue. */
  light: readonly [number, number, number];
}

/** Oxygen's green line glows from 100 to 150 km, its red one above 180, nitrogen's blue and purple at the lower border. */
const slices: readonly Slice[] = [
  { kilometres: 98, thickness: 5, light: [0.34, 0.5, 0.48] },
  { kilometres: 104, thickness: 7, light: [0.12, 1, 0.22] },
  { kilometres: 112, thickness: 9, light: [0.06, 1, 0.14] },
  { kilometres: 122, thickness: 12, light: [0.05, 0.72, 0.1] },
  { kilometres: 136, thickness: 18, light: [0.06, 0.45, 0.09] },
  { kilometres: 157, thickness: 27, light: [0.13, 0.23, 0.09] },
  { kilometres: 190, thickness: 40, light: [0.2, 0.1, 0.11] },
  { kilometres: 235, thickness: 55, light: [0.2, 0.035, 0.09] },
];

/** The magnetic field dips 75° to 78° under the auroral oval: rays lean south by this much a kilometre of height. */
const lean = -0.23;
const earthRadius = 6371;
/** Surface brightness of a bright green curtain (IBC III), V magnitudes per square arc second. */
const brightCurtain = 17.4;
const reach = 1200;

/** @param level 1 a quiet arc in the north, 2 rayed curtains, 3 a storm overhead */
export function auroraAt(level: number, seed: number, milliseconds: number): Aurora | null {
  if (!(level > 0)) return null;
  const seconds = milliseconds / 1000;
  const pulse = 0.35 + 0.65 * smoothNoise(seconds / 95, 0.5, hash(seed, 9) % 256);
  // More activity brings the oval overhead and more sheets.
  const count = level < 1.5 ? 1 : level < 2.5 ? 3 : 5;
  return {
    level,
    strength: radianceOf(brightCurtain) * pulse * 10 ** (0.4 * 0.9 * (Math.min(3, level) - 2)),
    sheets: Array.from({ length: count }, (_, index) => makeSheet(level, seconds, hash(seed, 8) % 4096, index, count)),
  };
}

function makeSheet(level: number, seconds: number, seed: number, index: number, count: number): Sheet {
  const sheet: Sheet = {
    foot: new Float32Array(2 * reach + 1),
    light: new Float32Array(2 * reach + 1),
    rays: new Float32Array(2 * reach + 1),
    southmost: Infinity,
    northmost: -Infinity,
  };
  const middle = 230 - 75 * level + index * 85 - (count > 3 ? 60 : 0);
  const speed = 0.012 + 0.014 * level;
  const drift = seconds * (0.25 + 0.2 * level);
  for (let at = 0; at <= 2 * reach; at++) {
    const x = at - reach;
    const fold = fractalNoise(x / 140 + index * 7.7, seconds * speed * 0.6 + index * 3.1, seed, 3) - 0.5;
    const curl = Math.sin(x / 23 + seconds * speed * 5 + 5 * fractalNoise(x / 60, index, seconds * 0.02, 2));
    sheet.foot[at] = middle + level * (68 * fold + 9 * curl);
    sheet.southmost = Math.min(sheet.southmost, sheet.foot[at]!);
    sheet.northmost = Math.max(sheet.northmost, sheet.foot[at]!);
    const patch = fractalNoise(x / 190 - seconds * 0.006, index * 2.7, seconds * 0.012 + seed, 3);
    const share = Math.max(0, Math.min(1, (patch - 0.3) / 0.4));
    sheet.light[at] = share * share * (3 - 2 * share);
    const wide = smoothNoise((x + drift) / 6.5, index * 5.3, seconds * 0.35);
    const fine = smoothNoise((x - drift) / 2.7, index, seconds * 0.6);
    const ray = 0.65 * wide + 0.35 * fine;
    sheet.rays[at] = ray * ray * 2.6;
  }
  return sheet;
}

/** Adds the aurora's light towards a direction, V = 0 stars per square radian, to R, G, B. */
export function addAurora(aurora: Aurora, east: number, north: number, up: number, out: Float64Array): void {
  const sine = Math.max(0.02, up);
  const { level, sheets } = aurora;
  // Low down the line of sight stays longer in the sheet.
  const strength = aurora.strength * Math.min(6, 1 / sine) ** 0.6;
  for (const { kilometres, thickness, light } of slices) {
    // Where the line of sight meets the shell over a round Earth.
    const slant =
      Math.sqrt((earthRadius * sine) ** 2 + 2 * earthRadius * kilometres + kilometres ** 2) - earthRadius * sine;
    const x = slant * east;
    if (x < -reach || x > reach - 1) continue;
    const y = slant * north - lean * (kilometres - 100);
    const index = Math.floor(x + reach);
    const part = x + reach - index;
    // Within a slice the line of sight runs on northwards: the curtain is seen as broad as that.
    const smear = Math.min(300, (0.45 * thickness * Math.abs(north - lean * sine)) / sine);
    const rayed = Math.min(1, level / 2.2) * Math.min(1, (kilometres - 90) / 40);
    let glow = 0;
    const margin = 3.2 * (14 + 6 * level + smear);
    for (const { foot, light: along, rays, southmost, northmost } of sheets) {
      if (y < southmost - margin || y > northmost + margin) continue;
      const bright = along[index]! + part * (along[index + 1]! - along[index]!);
      if (bright === 0) continue;
      const off = y - (foot[index]! + part * (foot[index + 1]! - foot[index]!));
      // Sharp towards the south, diffuse behind.
      const own = off < 0 ? 5 + 1.5 * level : 14 + 6 * level;
      const width = Math.sqrt(own * own + smear * smear);
      const far = off / width;
      if (far > 3.2 || far < -3.2) continue;
      const ray = rays[index]! + part * (rays[index + 1]! - rays[index]!);
      glow += bright * Math.exp(-far * far) * (own / width) * (1 - rayed + rayed * ray);
    }
    // A veil over the whole oval in a storm.
    glow += Math.max(0, level - 1.5) * 0.004;
    if (glow === 0) continue;
    const deep = strength * glow;
    for (let colour = 0; colour < 3; colour++) out[colour]! += deep * light[colour]! * channelResponse[colour]!;
  }
}
