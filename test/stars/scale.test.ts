import { afterAll, expect, it } from 'vitest';
import { Frame } from '../../lib/frame/frame.ts';
import { allocateShared } from '../../lib/kernels/memory.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { measureStars } from '../../lib/stars/measure.ts';

afterAll(closeSharedPool);

const [width, height] = [800, 600];

/** Noise of 10 ADU with round lights of Gaussian profile. */
function frameOf(lights: { x: number; y: number; peak: number; sigma: number }[]): Frame {
  let state = 7;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const light = new Float32Array(width * height);
  for (const { x, y, peak, sigma } of lights) {
    const reach = Math.ceil(4 * sigma);
    for (let row = Math.max(0, Math.floor(y) - reach); row < Math.min(height, y + reach); row++)
      for (let column = Math.max(0, Math.floor(x) - reach); column < Math.min(width, x + reach); column++)
        light[row * width + column]! += peak * Math.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * sigma * sigma));
  }
  const data = allocateShared(width * height * 2);
  const samples = new Uint16Array(data);
  // The sum of four uniform numbers has a standard deviation of sqrt(4 / 12).
  for (let i = 0; i < samples.length; i++)
    samples[i] = 500 + light[i]! + (next() + next() + next() + next() - 2) * (10 / 0.577);
  return new Frame({ data, width, height, pixelType: 'u16' });
}

/** `count` places that don't touch, the same each time. */
const places = (count: number, sigma: number, peak: number, shift: number) =>
  Array.from({ length: count }, (_, i) => ({
    x: 20 + ((i * 0.618034 + shift) % 1) * (width - 40),
    y: 20 + ((i * 0.754878 + shift) % 1) * (height - 40),
    sigma,
    peak,
  }));

it('small stars behind many scraps of cloud are still small stars', async () => {
  const { count, fwhm } = await measureStars(frameOf([...places(60, 1.1, 900, 0.1), ...places(90, 7, 45, 0.35)]));
  expect(count).toBeGreaterThan(55);
  expect(fwhm).toBeGreaterThan(2.2);
  expect(fwhm).toBeLessThan(3.2);
});

it('large stars among hot pixels are large', async () => {
  const hot = Array.from({ length: 60 }, (_, i) => ({
    x: Math.floor(13 + ((i * 0.414214) % 1) * (width - 26)),
    y: Math.floor(13 + ((i * 0.732051) % 1) * (height - 26)),
    sigma: 0.15,
    peak: 3000,
  }));
  const { hfr, fwhm } = await measureStars(frameOf([...places(40, 6, 300, 0.2), ...hot]));
  // A Gaussian: 2.3548 and 1.1774 sigma.
  expect(fwhm! / (6 * 2.3548)).toBeCloseTo(1, 1);
  expect(hfr! / (6 * 1.1774)).toBeCloseTo(1, 1);
});
