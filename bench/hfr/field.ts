/** A star field for the benches of the stars: Moffat stars over a sloping sky, photon and read noise, known to the last pixel. */
import { Frame } from '../../lib/frame/frame.ts';
import { allocateShared } from '../../lib/kernels/memory.ts';

export interface FieldOptions {
  width: number;
  height: number;
  stars: number;
  /** Pixels. */
  fwhm: number;
  seed: number;
}

export interface Field {
  frame: Frame;
  /** Truth, in the order of making. */
  x: Float64Array;
  y: Float64Array;
  flux: Float64Array;
}

/** ADU and electrons per ADU. */
const [sky, slope, readNoise, gain] = [500, 160, 12, 2];
const beta = 3.5;
/** Each pixel's light is the mean of 5x5 points. */
const points = 5;

export function starField({ width, height, stars, fwhm, seed }: FieldOptions): Field {
  const random = generator(seed);
  const light = new Float32Array(width * height);
  for (let i = 0; i < light.length; i++) light[i] = sky + (slope * (i % width)) / width;
  const truth = { x: new Float64Array(stars), y: new Float64Array(stars), flux: new Float64Array(stars) };
  for (let star = 0; star < stars; star++) {
    truth.x[star] = 10 + random() * (width - 20);
    truth.y[star] = 10 + random() * (height - 20);
    truth.flux[star] = 10 ** (2.9 + 2.1 * random());
    addStar(light, width, height, truth.x[star]!, truth.y[star]!, truth.flux[star]!, fwhm);
  }
  const normals = Float32Array.from({ length: 1 << 20 }, () => normal(random));
  const data = allocateShared(width * height * 2);
  const samples = new Uint16Array(width * height);
  for (let i = 0; i < samples.length; i++) {
    const sigma = Math.sqrt(light[i]! / gain + readNoise ** 2);
    samples[i] = Math.max(0, Math.min(65535, Math.round(light[i]! + sigma * normals[(random() * 2 ** 20) | 0]!)));
  }
  new Uint16Array(data).set(samples);
  return { frame: new Frame({ data, width, height, pixelType: 'u16' }), ...truth };
}

function addStar(
  light: Float32Array,
  width: number,
  height: number,
  cx: number,
  cy: number,
  flux: number,
  fwhm: number,
): void {
  const alpha = fwhm / 2 / Math.sqrt(2 ** (1 / beta) - 1);
  const scale = (flux * (beta - 1)) / (Math.PI * alpha ** 2) / points ** 2;
  const reach = Math.ceil(6 * fwhm);
  for (let y = Math.max(0, Math.round(cy) - reach); y <= Math.min(height - 1, Math.round(cy) + reach); y++)
    for (let x = Math.max(0, Math.round(cx) - reach); x <= Math.min(width - 1, Math.round(cx) + reach); x++) {
      let sum = 0;
      for (let i = 0; i < points * points; i++) {
        const dx = x - 0.5 + ((i % points) + 0.5) / points - cx;
        const dy = y - 0.5 + (Math.floor(i / points) + 0.5) / points - cy;
        sum += (1 + (dx * dx + dy * dy) / alpha ** 2) ** -beta;
      }
      light[y * width + x]! += scale * sum;
    }
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

const normal = (random: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
