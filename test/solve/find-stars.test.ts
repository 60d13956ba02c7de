import { afterAll, describe, expect, it } from 'vitest';
import { allocatePixels, type BayerPattern, Frame } from '../../lib/frame/frame.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { findStars, findStarsAgain } from '../../lib/solve/find-stars.ts';
import { StarTable } from '../../lib/stars/star-table.ts';

afterAll(closeSharedPool);

const [width, height] = [200, 150];
const places = Array.from({ length: 12 }, (_, i) => ({ x: 12 + 15 * i, y: 20 + ((i * 37) % 110) }));

/** Noise of 5 ADU on a slope, as of moonlight, and stars of one pixel, the first the brightest. */
function sharpField(bayer: BayerPattern | null = null): Frame {
  const data = allocatePixels(width, height, 1, 'u16');
  const frame = new Frame({ data, width, height, pixelType: 'u16', bayer });
  const { pixels } = frame;
  let state = 7;
  for (let at = 0; at < pixels.length; at++) {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    pixels[at] = 200 + (at % width) + Math.round((state / 2 ** 31 - 0.5) * 17);
  }
  for (const [i, { x, y }] of places.entries()) pixels[y * width + x] = 9000 - 500 * i;
  return frame;
}

describe('stars a pixel wide', () => {
  it('are found where the measurement sees hot pixels only, the brightest first', async () => {
    const stars = await findStars({ frame: sharpField(), timeoutSeconds: 10 });
    expect(stars).toHaveLength(places.length);
    for (const [i, star] of stars.entries()) {
      expect(Math.abs(star.x - places[i]!.x)).toBeLessThan(0.2);
      expect(Math.abs(star.y - places[i]!.y)).toBeLessThan(0.2);
    }
  });

  it('are found once each in a mosaic, too', async () => {
    const stars = await findStars({ frame: sharpField('RGGB'), timeoutSeconds: 10 });
    expect(stars).toHaveLength(places.length);
    for (const { x, y } of stars) expect(places.some((place) => Math.hypot(place.x - x, place.y - y) < 1)).toBe(true);
  });

  it('are none in noise, in the dark, and in what is too small to look at', async () => {
    const noise = sharpField();
    for (const { x, y } of places) noise.pixels[y * width + x] = 200 + x;
    expect(await findStars({ frame: noise, timeoutSeconds: 10 })).toEqual([]);
    const black = new Frame({ data: allocatePixels(64, 64, 1, 'u16'), width: 64, height: 64, pixelType: 'u16' });
    expect(await findStars({ frame: black, timeoutSeconds: 10 })).toEqual([]);
    const tiny = new Frame({ data: allocatePixels(3, 3, 1, 'u8'), width: 3, height: 3, pixelType: 'u8' });
    expect(await findStars({ frame: tiny, timeoutSeconds: 10 })).toEqual([]);
  });
});

describe('a second look', () => {
  it('finds stars that a slope, a blur and a lettering hide, each letter apart and no hot pixel', async () => {
    const frame = sharpField();
    const { pixels } = frame;
    for (const { x, y } of places) {
      pixels[y * width + x] = 200 + x;
      for (let dy = -4; dy <= 4; dy++)
        for (let dx = -4; dx <= 4; dx++)
          pixels[(y + dy) * width + x + dx]! += 90 * Math.exp(-(dx * dx + dy * dy) / (2 * 1.8 ** 2));
    }
    const hot = Array.from({ length: 40 }, (_, i) => ({ x: 12 + ((i * 71) % 176), y: 12 + ((i * 53) % 126) }));
    const far = hot.filter((one) => places.every(({ x, y }) => Math.hypot(one.x - x, one.y - y) > 14));
    expect(far.length).toBeGreaterThan(10);
    for (const { x, y } of far) pixels[y * width + x] = 4000;
    const stars = await findStarsAgain({ frame, timeoutSeconds: 10 });
    for (const place of places) expect(stars.some(({ x, y }) => Math.hypot(place.x - x, place.y - y) < 0.7)).toBe(true);
    expect(stars.length).toBeLessThan(places.length + 5);
    for (const [i, one] of stars.entries())
      for (const other of stars.slice(i + 1)) expect(Math.hypot(one.x - other.x, one.y - other.y)).toBeGreaterThan(5);
  });

  it('is none at given stars, in the dark, and in what is too small to look at', async () => {
    const black = new Frame({ data: allocatePixels(64, 64, 1, 'u16'), width: 64, height: 64, pixelType: 'u16' });
    expect(await findStarsAgain({ frame: black, timeoutSeconds: 10 })).toEqual([]);
    const tiny = new Frame({ data: allocatePixels(18, 18, 1, 'u8'), width: 18, height: 18, pixelType: 'u8' });
    expect(await findStarsAgain({ frame: tiny, timeoutSeconds: 10 })).toEqual([]);
    expect(await findStarsAgain({ frame: sharpField(), stars: StarTable.of(0), timeoutSeconds: 10 })).toEqual([]);
  });
});
