/** A layer of clouds that drifts with the wind and changes as it goes. */
import { radians } from '../coordinates.ts';
import { fractalNoise, hash } from './random.ts';
import type { Conditions } from './scene.ts';

const heightKilometres = 3;
/** Width of the largest clouds. */
const cloudKilometres = 3.2;
/** A cloud looks different after so long. */
const lifeSeconds = 900;
/** Spread of the noise about one half, which turns a share of the sky into a threshold. */
const noiseSpread = 0.115;
const thickest = 5;

/** Optical depth of the clouds towards a direction (east, north, up; above the horizon). */
export type CloudField = (east: number, north: number, up: number) => number;

export function cloudField(conditions: Conditions, seed: number, milliseconds: number): CloudField | null {
  const cover = Math.max(0, Math.min(1, conditions.cloudCover));
  if (cover === 0) return null;
  const seconds = milliseconds / 1000;
  const towards = (conditions.windAzimuthDegrees + 180) * radians;
  const drift = (conditions.windMetresPerSecond * seconds) / 1000 / cloudKilometres;
  const [driftEast, driftNorth] = [Math.sin(towards) * drift, Math.cos(towards) * drift];
  const age = seconds / lifeSeconds + (hash(seed, 5) % 512);
  const threshold = 0.5 + noiseSpread * normalQuantile(1 - cover);
  return (east, north, up) => {
    const distance = heightKilometres / (Math.max(0, up) + 0.1) / cloudKilometres;
    const noise = fractalNoise(east * distance - driftEast, north * distance - driftNorth, age, 5);
    const over = noise - threshold;
    return over <= 0 ? 0 : Math.min(thickest, over * 20 * (0.35 + over * 9));
  };
}

/** Approximate quantile of the normal distribution (Tukey's lambda). */
const normalQuantile = (p: number): number => {
  const inside = Math.min(0.9995, Math.max(0.0005, p));
  return (inside ** 0.135 - (1 - inside) ** 0.135) / 0.1975;
};
