/** Star fields with a known truth: positions, brightness, and what a frame of them would find. */
import { applyMatrix, type Matrix } from '../../lib/frame/matrix.ts';
import { StarTable } from '../../lib/stars/star-table.ts';

export type Random = () => number;

/** Uniform in 0 … 1, always the same for a seed (mulberry32). */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const gaussOf = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

export interface Star {
  x: number;
  y: number;
  flux: number;
  flags?: number;
}

export interface Size {
  width: number;
  height: number;
}

/** Uniform over an area; the number above a flux F falls as F^-1, roughly the sky's. */
export function sky(random: Random, count: number, left: number, top: number, right: number, bottom: number): Star[] {
  return Array.from({ length: count }, () => ({
    x: left + random() * (right - left),
    y: top + random() * (bottom - top),
    flux: 300 / (random() + 0.001),
  }));
}

export interface Observing {
  /** Sky coordinates to pixels. */
  map?: Matrix;
  /** Noise of a centroid in each axis, pixels, and of the flux, as a factor's logarithm. */
  centroidNoise?: number;
  fluxNoise?: number;
  /** Part of the stars that are not found; part of the result that is no star. */
  missing?: number;
  spurious?: number;
}

/** What a frame of this sky finds, brightest first. */
export function observe(
  random: Random,
  stars: readonly Star[],
  { width, height }: Size,
  how: Observing = {},
): StarTable {
  const { map = [1, 0, 0, 0, 1, 0, 0, 0, 1], centroidNoise = 0.1, fluxNoise = 0.05, missing = 0, spurious = 0 } = how;
  const found: Star[] = [];
  for (const star of stars) {
    const [x, y] = applyMatrix(map, star.x, star.y);
    if (x < 0 || y < 0 || x > width - 1 || y > height - 1 || random() < missing) continue;
    found.push({
      x: x + centroidNoise * gaussOf(random),
      y: y + centroidNoise * gaussOf(random),
      flux: star.flux * Math.exp(fluxNoise * gaussOf(random)),
      flags: star.flags,
    });
  }
  if (spurious > 0)
    found.push(...sky(random, Math.round((found.length * spurious) / (1 - spurious)), 0, 0, width - 1, height - 1));
  return tableOf(found);
}

export function tableOf(stars: readonly Star[]): StarTable {
  const sorted = [...stars].sort((a, b) => b.flux - a.flux);
  const table = StarTable.of(sorted.length);
  const columns = { x: table.x, y: table.y, flux: table.flux, snr: table.snr, fwhm: table.fwhm, flags: table.flags };
  for (const [i, star] of sorted.entries()) {
    columns.x[i] = star.x;
    columns.y[i] = star.y;
    columns.flux[i] = star.flux;
    columns.snr[i] = Math.sqrt(star.flux);
    columns.fwhm[i] = 2.5;
    columns.flags[i] = star.flags ?? 0;
  }
  return table;
}

/** Turn about the middle of the picture (degrees, from +x towards +y), change of scale, then shift. */
export function similarity(degrees: number, scale: number, dx: number, dy: number, { width, height }: Size): number[] {
  const [c, s] = [scale * Math.cos((degrees * Math.PI) / 180), scale * Math.sin((degrees * Math.PI) / 180)];
  const [x, y] = [(width - 1) / 2, (height - 1) / 2];
  return [c, -s, x - c * x + s * y + dx, s, c, y - s * x - c * y + dy, 0, 0, 1];
}

/** Largest distance between where two maps put the points of a 9 x 9 grid over the frame (margin: part of it left out at the edges). */
export function mapError(found: Matrix, truth: Matrix, { width, height }: Size): number {
  let worst = 0;
  for (let i = 0; i < 81; i++) {
    const [x, y] = [((i % 9) / 8) * (width - 1), (Math.floor(i / 9) / 8) * (height - 1)];
    const [u, v] = applyMatrix(found, x, y);
    const [s, t] = applyMatrix(truth, x, y);
    worst = Math.max(worst, Math.hypot(u - s, v - t));
  }
  return worst;
}
