/** A made-up landscape: rolling hills and a line of conifers, the same for the same seed. */
import { fractalNoise, hash, uniforms } from './random.ts';

/** Altitude of the skyline at equal steps of azimuth, degrees. */
export type Horizon = Float32Array;

export const highestHorizonDegrees = 9;
const samples = 16384;

export function makeHorizon(seed: number): Horizon {
  const horizon = new Float32Array(samples);
  const z = hash(seed, 77) % 1000;
  for (let index = 0; index < samples; index++) {
    const azimuth = (index / samples) * 2 * Math.PI;
    // Noise on a circle closes without a seam.
    const [x, y] = [3 * Math.cos(azimuth), 3 * Math.sin(azimuth)];
    horizon[index] = 0.3 + 9 * Math.max(0, fractalNoise(x + 40, y + 40, z, 6) - 0.36);
  }
  const random = uniforms(hash(seed, 78));
  const trees = 2400;
  for (let tree = 0; tree < trees; tree++) {
    const at = Math.floor(random() * samples);
    const azimuth = (at / samples) * 2 * Math.PI;
    const wood = fractalNoise(2 * Math.cos(azimuth) + 11, 2 * Math.sin(azimuth) + 11, z, 3);
    if (wood < 0.4) continue;
    const height = (0.35 + 1.1 * random() ** 2) * Math.min(1.3, 0.4 + 5 * (wood - 0.45));
    const halfWidth = Math.max(3, Math.round((height * 0.25 * samples) / 360));
    const foot = horizon[at]! - 0.15;
    for (let off = -halfWidth; off <= halfWidth; off++) {
      const index = (at + off + samples) % samples;
      const branches = 0.12 * (((off * 7919) & 3) - 1.5) * (Math.abs(off) / halfWidth);
      const outline = Math.min(highestHorizonDegrees, foot + height * (1 - Math.abs(off) / halfWidth + branches));
      horizon[index] = Math.max(horizon[index]!, outline);
    }
  }
  return horizon;
}

/** @param azimuthDegrees any turn */
export function horizonAltitude(horizon: Horizon, azimuthDegrees: number): number {
  const position = (((azimuthDegrees % 360) + 360) % 360) * (samples / 360);
  const index = Math.floor(position);
  const [left, right] = [horizon[index % samples]!, horizon[(index + 1) % samples]!];
  return left + (right - left) * (position - index);
}
