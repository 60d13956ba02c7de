/** Small skies with known stars, the same at every run. */
import { Frame, type FrameInit } from '../../lib/frame/frame.ts';

export interface Star {
  x: number;
  y: number;
  /** ADU, all of its light. */
  flux: number;
}

export type Profile = 'gaussian' | 'doughnut';

export interface Sky {
  width: number;
  height: number;
  /** ADU. */
  level: number;
  noise: number;
  stars: readonly Star[];
  profile?: Profile;
  /** FWHM of a Gaussian, outer diameter of a doughnut (its hole has 0.4 of that); pixels. */
  size: number;
  seed?: number;
}

/** Uniform numbers 0 … 1: mulberry32. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const normal = (random: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** Stars on a jittered lattice, so that none stands beside another; fluxes evenly in magnitude. */
export function lattice(
  { width, height, step, least, most }: { width: number; height: number; step: number; least: number; most: number },
  seed = 5,
): Star[] {
  const random = generator(seed);
  const stars: Star[] = [];
  for (let y = step / 2; y < height - step / 3; y += step)
    for (let x = step / 2; x < width - step / 3; x += step)
      stars.push({
        x: x + (random() - 0.5) * 6,
        y: y + (random() - 0.5) * 6,
        flux: least * (most / least) ** random(),
      });
  return stars;
}

/** Light of the stars in each pixel, ADU: the mean of 7x7 points of each. */
export function lightOf({
  width,
  height,
  stars,
  size,
  profile = 'gaussian',
}: Omit<Sky, 'level' | 'noise'>): Float64Array {
  const light = new Float64Array(width * height);
  const reach = Math.ceil(profile === 'gaussian' ? 3 * size + 2 : size / 2 + 2);
  const points = 7;
  const sigma = size / 2.354820045;
  const [outer, inner] = [(size / 2) ** 2, (0.2 * size) ** 2];
  for (const star of stars)
    for (let y = Math.max(0, Math.round(star.y) - reach); y <= Math.min(height - 1, Math.round(star.y) + reach); y++)
      for (let x = Math.max(0, Math.round(star.x) - reach); x <= Math.min(width - 1, Math.round(star.x) + reach); x++) {
        let sum = 0;
        for (let i = 0; i < points * points; i++) {
          const dx = x - 0.5 + ((i % points) + 0.5) / points - star.x;
          const dy = y - 0.5 + (Math.floor(i / points) + 0.5) / points - star.y;
          const square = dx * dx + dy * dy;
          sum +=
            profile === 'gaussian'
              ? Math.exp(-square / (2 * sigma * sigma)) / (2 * Math.PI * sigma * sigma)
              : square <= outer && square >= inner
                ? 1 / (Math.PI * (outer - inner))
                : 0;
        }
        light[y * width + x]! += (star.flux * sum) / points ** 2;
      }
  return light;
}

export function skyFrame(sky: Sky): Frame {
  const light = lightOf(sky);
  const random = generator(sky.seed ?? 1);
  return frameOf(sky.width, sky.height, 'u16', (i) => sky.level + light[i]! + sky.noise * normal(random));
}

/** A frame out of a value for each sample (planar); integers are rounded and clipped. */
export function frameOf(
  width: number,
  height: number,
  pixelType: 'u8' | 'u16' | 'f32',
  valueAt: (index: number) => number,
  init: Partial<FrameInit> = {},
): Frame {
  const samples = width * height * (init.channels ?? 1);
  const values =
    pixelType === 'u8'
      ? new Uint8Array(samples)
      : pixelType === 'u16'
        ? new Uint16Array(samples)
        : new Float32Array(samples);
  const most = { u8: 255, u16: 65535, f32: Number.POSITIVE_INFINITY }[pixelType];
  for (let i = 0; i < samples; i++) {
    const value = valueAt(i);
    values[i] = pixelType === 'f32' ? value : Math.max(0, Math.min(most, Math.round(value)));
  }
  const data = new SharedArrayBuffer(values.byteLength);
  new Uint8Array(data).set(new Uint8Array(values.buffer));
  return new Frame({ width, height, pixelType, ...init, data });
}

/** For each star of the truth the nearest row of a table, if any is within `radius` pixels. */
export function matchStars(
  truth: readonly Star[],
  table: { x: Float32Array; y: Float32Array },
  radius = 2,
): { star: Star; row: number; distance: number }[] {
  return truth.flatMap((star) => {
    let [row, distance] = [-1, radius];
    for (let i = 0; i < table.x.length; i++) {
      const away = Math.hypot(table.x[i]! - star.x, table.y[i]! - star.y);
      if (away < distance) [row, distance] = [i, away];
    }
    return row < 0 ? [] : [{ star, row, distance }];
  });
}

export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}
