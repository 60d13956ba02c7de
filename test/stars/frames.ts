/** Rendered frames of a known sky: Gaussian stars on a level with noise. */
import { allocatePixels, type BayerPattern, Frame } from '../../lib/frame/frame.ts';
import { applyMatrix, type Matrix } from '../../lib/frame/matrix.ts';
import { gaussOf, type Random, type Size, type Star } from './fields.ts';

export interface Rendering {
  /** Sky coordinates to pixels. */
  map?: Matrix;
  fwhm?: number;
  level?: number;
  noise?: number;
  /** Light that comes through, and what else is in the picture. */
  transparency?: number;
  bayer?: BayerPattern;
  /** ADU to add at a pixel. */
  extra?: (x: number, y: number) => number;
  start?: string;
}

/** 16 bit; a star's `flux` is its light in ADU. */
export function render(random: Random, stars: readonly Star[], { width, height }: Size, how: Rendering = {}): Frame {
  const {
    map = [1, 0, 0, 0, 1, 0, 0, 0, 1],
    fwhm = 2.8,
    level = 1000,
    noise = 15,
    transparency = 1,
    bayer,
    extra,
  } = how;
  const light = new Float64Array(width * height);
  const sigma = fwhm / 2.3548;
  const reach = Math.ceil(5 * sigma);
  for (const star of stars) {
    const [x, y] = applyMatrix(map, star.x, star.y);
    const peak = (transparency * star.flux) / (2 * Math.PI * sigma * sigma);
    for (let v = Math.max(0, Math.round(y) - reach); v <= Math.min(height - 1, Math.round(y) + reach); v++)
      for (let u = Math.max(0, Math.round(x) - reach); u <= Math.min(width - 1, Math.round(x) + reach); u++)
        light[v * width + u]! += peak * Math.exp(-((u - x) ** 2 + (v - y) ** 2) / (2 * sigma * sigma));
  }
  const data = allocatePixels(width, height, 1, 'u16');
  const pixels = new Uint16Array(data);
  const gains = { R: 0.6, G: 1, B: 0.8 };
  for (let i = 0; i < pixels.length; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const gain = bayer ? gains[bayer[2 * (y % 2) + (x % 2)] as 'R' | 'G' | 'B'] : 1;
    const value = level + gain * light[i]! + noise * gaussOf(random) + (extra?.(x, y) ?? 0);
    pixels[i] = Math.max(0, Math.min(65535, Math.round(value)));
  }
  const start = how.start ?? null;
  return new Frame({
    data,
    width,
    height,
    pixelType: 'u16',
    bayer: bayer ?? null,
    exposureSeconds: 10,
    start,
    end: start,
  });
}
