/** Frames for the tests of integration: noise, and some samples far off. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFits } from '../../lib/frame/fits/write.ts';
import { allocatePixels, Frame, type FrameFields, type PixelType } from '../../lib/frame/frame.ts';

/** Numerical Recipes' LCG, 0…1. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
}

/** Noise around 1000, and some samples far off, as cosmic rays and dead pixels leave them. */
export function noisy(seed: number, width: number, height: number, fields: Partial<FrameFields> = {}): Frame {
  const type: PixelType = fields.pixelType ?? 'u16';
  const channels = fields.channels ?? 1;
  const frame = new Frame({
    data: allocatePixels(width, height, channels, type),
    width,
    height,
    pixelType: type,
    ...fields,
  });
  const next = random(seed * 7919 + 1);
  const { pixels } = frame;
  for (let i = 0; i < pixels.length; i++) {
    const normal = Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next());
    const stray = next();
    const value = 1000 + 20 * normal + (stray < 0.01 ? 30_000 * next() : stray > 0.99 ? -400 : 0);
    pixels[i] = type === 'f32' ? value : Math.round(Math.max(1, value));
  }
  return frame;
}

/** Paths of so many files in a new folder. */
export async function series(where: string, count: number, width = 96, height = 61): Promise<string[]> {
  await mkdir(where, { recursive: true });
  const paths: string[] = [];
  for (let i = 1; i <= count; i++) {
    const path = join(where, `f_${String(i).padStart(5, '0')}.fits`);
    await writeFits(noisy(i, width, height), path);
    paths.push(path);
  }
  return paths;
}

/** How many pixels. */
export const differing = (a: Frame, b: Frame) => [...a.pixels].filter((value, i) => value !== b.pixels[i]).length;
export const largestDifference = (a: Frame, b: Frame, scale = 1) =>
  Array.from(a.pixels).reduce((most, value, i) => Math.max(most, Math.abs(value - b.pixels[i]! * scale)), 0);
