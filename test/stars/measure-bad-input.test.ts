import { afterAll, describe, expect, it } from 'vitest';
import { Frame } from '../../lib/frame/frame.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { measureStars } from '../../lib/stars/measure.ts';
import { starFlag } from '../../lib/stars/star-table.ts';
import { frameOf, generator, lattice, lightOf, matchStars, normal, skyFrame } from './sky.ts';

afterAll(closeSharedPool);

const [width, height] = [480, 360];
const field = lattice({ width, height, step: 60, least: 8000, most: 100_000 });
const random = generator(11);
const noise = () => 10 * normal(random);

describe('a frame without stars', () => {
  it.each([
    ['black u8', 'all-black', () => frameOf(width, height, 'u8', () => 0)],
    ['black u16', 'all-black', () => frameOf(width, height, 'u16', () => 0)],
    ['at the bias', 'all-black', () => frameOf(width, height, 'u16', () => 255.8 + 0.2 * noise(), { blackLevel: 256 })],
    ['saturated u8', 'saturated', () => frameOf(width, height, 'u8', () => 255)],
    ['saturated u16', 'saturated', () => frameOf(width, height, 'u16', () => 65535)],
    ['saturated f32', 'saturated', () => frameOf(width, height, 'f32', () => 1)],
    ['one value f32', 'noise', () => frameOf(width, height, 'f32', () => 0.3)],
    ['noise u16', 'noise', () => frameOf(width, height, 'u16', () => 500 + noise())],
    ['noise f32', 'noise', () => frameOf(width, height, 'f32', () => 0.01 + 1e-5 * noise())],
    [
      'a checkerboard',
      'noise',
      () => frameOf(width, height, 'u16', (i) => 500 + 2000 * ((i + Math.floor(i / width)) % 2)),
    ],
    ['nothing but NaN', 'no-data', () => frameOf(width, height, 'f32', () => Number.NaN)],
    ['8 x 8 pixels', 'noise', () => frameOf(8, 8, 'u16', () => 500 + noise())],
  ])('is told why: %s', async (_, code, make) => {
    const { count, stars, hfr, fwhm, reason, tilt, tiltPercent } = await measureStars(make());
    expect(reason?.code).toBe(code);
    expect({ count, rows: stars.count, hfr, fwhm, tiltPercent }).toEqual({
      ...{ count: 0, rows: 0, hfr: null, fwhm: null, tiltPercent: null },
    });
    expect(tilt).toHaveLength(9);
  });

  it.each(['mono', 'pairs', 'RGGB'])('does not take hot pixels for stars: %s', async (kind) => {
    const hot = (i: number) => (i * 7919) % 5003 === 0;
    const frame = frameOf(
      width,
      height,
      'u16',
      (i) => 500 + noise() + (hot(i) || (kind === 'pairs' && hot(i - 1)) ? 20_000 : 0),
      { bayer: kind === 'RGGB' ? 'RGGB' : null },
    );
    const { count, reason } = await measureStars(frame);
    expect(count).toBe(0);
    expect(reason?.code).toBe('hot-pixels');
  });
});

describe('a frame with something else in it', () => {
  const light = lightOf({ width, height, stars: field, size: 3 });

  it('has a single star', async () => {
    const one = { x: 200.3, y: 150.6, flux: 20_000 };
    const { stars, count, hfr, reason } = await measureStars(
      skyFrame({ width, height, level: 500, noise: 10, stars: [one], size: 3 }),
    );
    expect(count).toBe(1);
    expect(matchStars([one], stars, 0.1)).toHaveLength(1);
    expect(hfr).toBeCloseTo(1.57, 1);
    expect(reason).toBeNull();
  });

  it('has a trail through the field', async () => {
    const line = (i: number) => 300 * Math.exp(-(((Math.floor(i / width) - 60 - 0.4 * (i % width)) / 2) ** 2));
    const frame = frameOf(width, height, 'u16', (i) => 500 + noise() + light[i]! + line(i));
    const { stars, hfr } = await measureStars(frame);
    expect(hfr).toBeCloseTo(1.57, 1);
    expect(matchStars(field, stars).length / field.length).toBeGreaterThan(0.85);
    expect([...stars.flags].some((flag) => flag & starFlag.elongated)).toBe(true);
  });

  it('has a trail and nothing else', async () => {
    const line = (i: number) => 300 * Math.exp(-(((Math.floor(i / width) - 60 - 0.4 * (i % width)) / 2) ** 2));
    const { count, hfr, reason } = await measureStars(frameOf(width, height, 'u16', (i) => 500 + noise() + line(i)));
    expect(count).toBeGreaterThan(0);
    expect(hfr).toBeNull();
    expect(reason?.code).toBe('no-stars');
  });

  it('has a short streak', async () => {
    const streak = (i: number) => {
      const [x, y] = [i % width, Math.floor(i / width)];
      return x > 200 && x < 260 ? 300 * Math.exp(-(((y - 180) / 2) ** 2)) : 0;
    };
    const frame = frameOf(width, height, 'u16', (i) => 500 + noise() + light[i]! + streak(i));
    const { stars, hfr } = await measureStars(frame);
    const [row] = matchStars([{ x: 230, y: 180, flux: 0 }], stars, 3).map((match) => stars.row(match.row));
    expect(row!.flags & starFlag.elongated).toBeTruthy();
    expect(Math.abs(row!.angleDegrees)).toBeLessThan(3);
    expect(hfr).toBeCloseTo(1.57, 1);
  });

  it('is half without data', async () => {
    const frame = frameOf(width, height, 'f32', (i) =>
      i % width < 200 ? Number.NaN : 0.01 + 1e-5 * (light[i]! + noise()),
    );
    const inside = field.filter(({ x }) => x > 215);
    const { stars, count } = await measureStars(frame);
    expect(matchStars(inside, stars)).toHaveLength(inside.length);
    expect(count - inside.length).toBeLessThan(8);
  });

  it('has infinite and negative samples', async () => {
    const frame = frameOf(width, height, 'f32', (i) =>
      i % 4999 === 0 ? Number.POSITIVE_INFINITY : i % 4973 === 0 ? -1e30 : 1e-5 * (light[i]! + noise()),
    );
    const { stars } = await measureStars(frame);
    expect(matchStars(field, stars).length / field.length).toBeGreaterThan(0.9);
    expect([...stars.hfr].every(Number.isFinite)).toBe(true);
  });

  it('calls itself a mosaic and is none', async () => {
    const frame = frameOf(width, height, 'u16', (i) => 500 + noise() + light[i]!, { bayer: 'GBRG' });
    const { stars, hfr } = await measureStars(frame);
    expect(matchStars(field, stars)).toHaveLength(field.length);
    expect(hfr).toBeCloseTo(1.57, 1);
  });

  it('has a bright disc larger than any star', async () => {
    const disc = (i: number) => ((i % 1600) - 800) ** 2 + (Math.floor(i / 1600) - 600) ** 2 < 270 ** 2;
    const frame = frameOf(1600, 1200, 'u16', (i) => (disc(i) ? 20_000 : 500) + noise());
    const { stars } = await measureStars(frame);
    expect(matchStars([{ x: 800, y: 600, flux: 0 }], stars, 20)).toHaveLength(1);
  });

  it('has a sky that is 30 sigma brighter on one side', async () => {
    const frame = frameOf(width, height, 'u16', (i) => 500 + 0.6 * (i % width) + noise() + light[i]!);
    const { stars, count } = await measureStars(frame);
    expect(matchStars(field, stars).length / field.length).toBeGreaterThan(0.95);
    expect(count).toBeLessThanOrEqual(field.length + 2);
  });
});

describe('more than can be measured', () => {
  it('has the 20,000 stars of a crowded field', async () => {
    const [wide, high] = [2400, 1600];
    const crowd = Array.from({ length: 20_000 }, () => ({
      ...{ x: random() * wide, y: random() * high },
      flux: 1500 * 30 ** random(),
    }));
    const stars = lightOf({ width: wide, height: high, stars: crowd, size: 2.2 });
    const frame = frameOf(wide, high, 'u16', (i) => 500 + noise() + stars[i]!);
    const { count, hfr } = await measureStars(frame);
    expect(count).toBeGreaterThan(14_000);
    expect(hfr).toBeGreaterThan(1);
    expect(hfr).toBeLessThan(1.6);
  });

  it('stops at a million runs, says so, and measures what it has', async () => {
    // A point in every 6x6 pixels: four runs each.
    const [wide, high] = [4200, 3000];
    const frame = frameOf(wide, high, 'u16', (i) => {
      const [x, y] = [i % wide, Math.floor(i / wide)];
      return 500 + (x % 6 === 4 && y % 6 === 4 ? 9000 : 0) + (x % 6 === 4 && y % 6 === 5 ? 5000 : 0) + (i % 7);
    });
    const { reason, background } = await measureStars(frame);
    expect(reason?.code).toBe('too-many');
    expect(background).toBeGreaterThan(490);
  });
});

describe('options', () => {
  const frame = frameOf(64, 64, 'u16', () => 500 + noise());
  it.each([{ thresholdSigma: 0 }, { thresholdSigma: Number.NaN }, { thresholdSigma: 1000 }, { maximumStars: 0 }])(
    'refuses %o',
    async (options) => {
      await expect(measureStars(frame, options)).rejects.toMatchObject({ code: 'bad-input' });
    },
  );

  it('refuses a picture without room for a star', async () => {
    const small = new Frame({ width: 4, height: 4, pixelType: 'u8', data: new SharedArrayBuffer(16) });
    await expect(measureStars(small)).rejects.toMatchObject({ code: 'bad-input' });
  });

  it('stops when asked', async () => {
    await expect(measureStars(frame, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
  });
});
