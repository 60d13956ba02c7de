/** Curtains of aurora: folded sheets along magnetic east-west between 95 and 300 km, rayed along the field, moving. */
import { channelResponse, radianceOf } from './photometry.ts';
import { fractalNoise, hash, smoothNoise } from './random.ts';

export interface Aurora {
  level: number;
  seconds: number;
  seed: number;
  /** Brightness of everything together breathes, 0.3..1. */
  pulse: number;
}

interface Slice {
  kilometres: number;
  /** Relative light: red, green, blue. */
  light: readonly [number, number, number];
}

/** Oxygen's green line glows from 100 to 150 km, its red one above 180, nitrogen's blue and purple at the lower border. */
const slices: readonly Slice[] = [
  { kilometres: 98, light: [0.4, 0.5, 0.55] },
  { kilometres: 104, light: [0.12, 1, 0.22] },
  { kilometres: 112, light: [0.06, 1, 0.14] },
  { kilometres: 122, light: [0.05, 0.75, 0.1] },
  { kilometres: 136, light: [0.06, 0.48, 0.08] },
  { kilometres: 158, light: [0.12, 0.25, 0.08] },
  { kilometres: 190, light: [0.2, 0.11, 0.1] },
  { kilometres: 235, light: [0.22, 0.04, 0.09] },
];

/** The magnetic field dips 75° to 78° under the auroral oval: rays lean north by this much a kilometre of height. */
const lean = -0.23;
const earthRadius = 6371;
/** Surface brightness of a bright green curtain (IBC III), V magnitudes per square arc second. */
const brightCurtain = 16.6;

export function auroraAt(level: number, seed: number, milliseconds: number): Aurora | null {
  if (!(level > 0)) return null;
  const seconds = milliseconds / 1000;
  const pulse = 0.35 + 0.65 * smoothNoise(seconds / 95, 0.5, hash(seed, 9) % 256);
  return { level: Math.min(3, level), seconds, seed: hash(seed, 8) % 4096, pulse };
}

/** Adds the aurora's light towards a direction, V = 0 stars per square radian, to R, G, B. */
export function addAurora(aurora: Aurora, east: number, north: number, up: number, out: Float64Array): void {
  const sine = Math.max(0.02, up);
  const flat = Math.hypot(east, north) || 1e-9;
  const strength = radianceOf(brightCurtain) * aurora.pulse * 10 ** (0.4 * 0.9 * (aurora.level - 2));
  for (const { kilometres, light } of slices) {
    // Distance along the line of sight to the shell over a round Earth.
    const slant =
      Math.sqrt((earthRadius * sine) ** 2 + 2 * earthRadius * kilometres + kilometres ** 2) - earthRadius * sine;
    const ground = (slant * flat) / 1;
    const x = (east / flat) * ground;
    const y = (north / flat) * ground - lean * (kilometres - 100);
    const glow = sheets(aurora, x, y, kilometres);
    if (glow <= 0) continue;
    const thickness = Math.min(6, 1 / sine) ** 0.6;
    for (let colour = 0; colour < 3; colour++)
      out[colour]! += strength * glow * thickness * light[colour]! * channelResponse[colour]!;
  }
}

/** Light of the curtains over a point of the ground, kilometres east and magnetic north of the site. */
function sheets(aurora: Aurora, x: number, y: number, kilometres: number): number {
  const { level, seconds, seed } = aurora;
  // More activity brings the oval overhead and more sheets.
  const count = level < 1.5 ? 1 : level < 2.5 ? 3 : 5;
  let glow = 0;
  for (let sheet = 0; sheet < count; sheet++) {
    const where = 230 - 75 * level + sheet * 85 - (count > 3 ? 60 : 0);
    const speed = 0.012 + 0.014 * level;
    const along = x / 140 + sheet * 7.7;
    const fold = level * 34 * (fractalNoise(along, seconds * speed * 0.6 + sheet * 3.1, seed, 3) - 0.5) * 2;
    const curl =
      level * 9 * Math.sin(x / 23 + seconds * speed * 5 + 5 * fractalNoise(x / 60, sheet, seconds * 0.02, 2));
    const off = y - where - fold - curl;
    // Sharp towards the south, diffuse behind.
    const width = off < 0 ? 5 + 1.5 * level : 16 + 7 * level;
    const far = off / width;
    if (far > 3.5 || far < -3.5) continue;
    const profile = Math.exp(-far * far);
    const drift = seconds * (0.25 + 0.2 * level);
    const rays =
      smoothNoise((x + drift) / 6.5, sheet * 5.3, seconds * 0.35) * 0.65 +
      smoothNoise((x - drift) / 2.7, sheet, seconds * 0.6) * 0.35;
    const rayed = Math.min(1, level / 2.2) * Math.min(1, (kilometres - 90) / 40);
    const patches = Math.max(
      0,
      fractalNoise(x / 170 - seconds * 0.006, sheet * 2.7, seconds * 0.012 + seed, 2) * 2.4 - 0.62,
    );
    glow += profile * patches * (1 - rayed + rayed * rays * rays * 2.6);
  }
  return glow + Math.max(0, level - 1) * 0.02;
}
