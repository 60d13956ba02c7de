/** A synthetic night for the integration: one star field, seen shifted, turned, flipped, through haze, with trails and defects. */
import { Frame, type FrameFields } from '../../lib/frame/frame.ts';
import { applyMatrix, invertMatrix, type Matrix } from '../../lib/frame/matrix.ts';
import { allocateShared } from '../../lib/kernels/memory.ts';

export interface Exposure extends Partial<FrameFields> {
  /** Frame pixel to field pixel; the field as it is when absent. */
  matrix?: Matrix;
  seed: number;
  sky?: number;
  noise?: number;
  fwhm?: number;
  transparency?: number;
  /** A satellite from edge to edge, ADU above the sky. */
  satellite?: number;
}

export interface Star {
  x: number;
  y: number;
  flux: number;
}

/** Deterministic, 0…1 (Numerical Recipes' LCG). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
}

/** Box and Muller. */
export const gaussian = (next: () => number): number =>
  Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next());

/** Stars over and around a field of the size. */
export function starField(width: number, height: number, count: number, seed = 11): Star[] {
  const next = random(seed);
  return Array.from({ length: count }, () => ({
    x: (next() * 1.4 - 0.2) * width,
    y: (next() * 1.4 - 0.2) * height,
    flux: 10 ** (3.3 + 1.6 * next()),
  }));
}

/** 0.5 at about a pixel. */
export function expose(stars: readonly Star[], width: number, height: number, exposure: Exposure): Frame {
  const { matrix, seed, sky = 1000, noise = 12, fwhm = 3, transparency = 1, satellite = 0, ...fields } = exposure;
  const next = random(seed);
  for (let i = 0; i < 8; i++) next();
  const light = new Float64Array(width * height).fill(sky);
  const sigma = fwhm / 2.3548;
  const inverse = matrix ? invertMatrix(matrix) : null;
  for (const { x, y, flux } of stars) {
    const [cx, cy] = inverse ? applyMatrix(inverse, x, y) : [x, y];
    const peak = (transparency * flux) / (2 * Math.PI * sigma * sigma);
    const reach = Math.ceil(5 * sigma);
    for (let v = Math.max(0, Math.round(cy) - reach); v <= Math.min(height - 1, Math.round(cy) + reach); v++)
      for (let u = Math.max(0, Math.round(cx) - reach); u <= Math.min(width - 1, Math.round(cx) + reach); u++)
        light[v * width + u]! += peak * Math.exp(-((u - cx) ** 2 + (v - cy) ** 2) / (2 * sigma * sigma));
  }
  if (satellite > 0) {
    const [y0, slope] = [next() * height, next() - 0.5];
    for (let x = 0; x < width; x++)
      for (const dy of [-1, 0, 1]) {
        const y = Math.round(y0 + slope * x) + dy;
        if (y >= 0 && y < height) light[y * width + x]! += satellite;
      }
  }
  const data = allocateShared(width * height * 2);
  const pixels = new Uint16Array(data);
  for (let i = 0; i < pixels.length; i++)
    pixels[i] = Math.max(1, Math.min(65535, Math.round(light[i]! + noise * gaussian(next))));
  return new Frame({ data, width, height, pixelType: 'u16', exposureSeconds: 30, ...fields });
}

/** Turned by `degrees` about the middle, then shifted: frame to field. */
export function turned(width: number, height: number, degrees: number, dx = 0, dy = 0): number[] {
  const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  const [mx, my] = [(width - 1) / 2, (height - 1) / 2];
  return [c, -s, mx - c * mx + s * my + dx, s, c, my - s * mx - c * my + dy, 0, 0, 1];
}
