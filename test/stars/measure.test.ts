import { afterAll, describe, expect, it } from 'vitest';
import { closeSharedPool, WorkerPool } from '../../lib/kernels/pool.ts';
import { measureOn } from '../../lib/stars/divide.ts';
import { measureStars } from '../../lib/stars/measure.ts';
import { describePlane } from '../../lib/stars/plane.ts';
import { starFlag } from '../../lib/stars/star-table.ts';
import { frameOf, generator, lattice, lightOf, matchStars, medianOf, normal, type Star, skyFrame } from './sky.ts';

afterAll(closeSharedPool);

const [width, height] = [640, 480];
const field = lattice({ width, height, step: 64, least: 2000, most: 100_000 });

/** Of a Gaussian: half of its light is within 1.1774 sigma. A pixel widens it by 1/12, and counts as evenly lit, 1/12 again. */
const gaussianHfr = (fwhm: number) => 1.17741 * Math.sqrt((fwhm / 2.35482) ** 2 + 1 / 6);

describe('a mono frame', () => {
  const frame = skyFrame({ width, height, level: 500, noise: 10, stars: field, size: 3 });

  it('gives every star its place, light and size', async () => {
    const { stars, count, hfr, fwhm, eccentricity, background, noise, reason } = await measureStars(frame);
    const found = matchStars(field, stars);
    expect(count).toBe(field.length);
    expect(found).toHaveLength(field.length);
    expect(medianOf(found.map(({ distance }) => distance))).toBeLessThan(0.03);
    expect(medianOf(found.map(({ row, star }) => stars.flux[row]! / star.flux))).toBeCloseTo(1, 1);
    expect(Math.abs(hfr! / gaussianHfr(3) - 1)).toBeLessThan(0.02);
    expect(Math.abs(fwhm! / Math.sqrt(9 + 5.545 / 12) - 1)).toBeLessThan(0.03);
    expect(eccentricity).toBeLessThan(0.3);
    expect(Math.abs(background - 500)).toBeLessThan(0.5);
    expect(Math.abs(noise - 10)).toBeLessThan(0.3);
    expect(reason).toBeNull();
  });

  it('puts the brightest first, and counts what it does not keep', async () => {
    const all = await measureStars(frame);
    const some = await measureStars(frame, { maximumStars: 7 });
    const flux = [...all.stars.flux];
    expect(flux).toEqual(flux.toSorted((a, b) => b - a));
    expect(some.count).toBe(all.count);
    expect([...some.stars.flux]).toEqual(flux.slice(0, 7));
    expect(some.hfr).toBe(all.hfr);
  });

  it('gives arc seconds where the scale is known', async () => {
    const { hfr, hfrArcseconds, fwhm, fwhmArcseconds } = await measureStars(frame, { scaleArcseconds: 2.5 });
    expect(hfrArcseconds).toBe(hfr! * 2.5);
    expect(fwhmArcseconds).toBe(fwhm! * 2.5);
  });

  it('measures the same with any number of threads', async () => {
    const pool = new WorkerPool(3);
    try {
      const plane = { ...describePlane(frame), data: frame.data };
      const results = [];
      for (const threads of [1, 2, 3]) {
        const { rows, ...rest } = await measureOn(pool, { plane, thresholdSigma: 5 }, { threads });
        results.push({ ...rest, rows: Buffer.from(new Uint8Array(rows)).toString('base64') });
      }
      expect(results[1]).toEqual(results[0]);
      expect(results[2]).toEqual(results[0]);
    } finally {
      await pool.close();
    }
  });

  it('finds the angle and the eccentricity of long stars', async () => {
    const pairs = field.flatMap(({ x, y, flux }) =>
      Array.from({ length: 9 }, (_, i) => ({ x: x + 0.3 * (i - 4), y: y + 0.3 * (i - 4), flux: flux / 9 })),
    );
    const { eccentricity, stars } = await measureStars(
      skyFrame({ width, height, level: 500, noise: 5, stars: pairs, size: 3 }),
    );
    // Variances: 1.623 + 1/12 across, and 2 x 0.09 x 60/9 more along.
    expect(eccentricity).toBeCloseTo(Math.sqrt(1 - 1.706 / (1.706 + 1.2)), 1);
    expect(medianOf([...stars.angleDegrees])).toBeCloseTo(45, -1);
  });

  it('says which stars are saturated and which the edge cuts', async () => {
    const own: Star[] = [
      { x: 100.2, y: 100.7, flux: 2_000_000 },
      { x: 300, y: 200, flux: 20_000 },
      { x: 0.4, y: 300, flux: 40_000 },
    ];
    const { stars } = await measureStars(skyFrame({ width, height, level: 500, noise: 10, stars: own, size: 3 }));
    const flags = own.map(({ x, y }) => stars.flags[matchStars([{ x, y, flux: 0 }], stars, 4)[0]!.row]!);
    expect(flags[0]! & starFlag.saturated).toBeTruthy();
    expect(flags[1]).toBe(0);
    expect(flags[2]! & starFlag.edge).toBeTruthy();
  });

  it('separates two stars whose light touches, and says so', async () => {
    const pair = field.flatMap(({ x, y, flux }) => [
      { x: x - 3, y, flux },
      { x: x + 3, y: y + 1, flux: flux * 0.6 },
    ]);
    const { stars } = await measureStars(skyFrame({ width, height, level: 500, noise: 5, stars: pair, size: 3 }));
    const found = matchStars(pair, stars, 1);
    expect(found.length / pair.length).toBeGreaterThan(0.97);
    expect(medianOf(found.map(({ distance }) => distance))).toBeLessThan(0.2);
    expect([...stars.flags].filter((flag) => flag & starFlag.blended).length).toBeGreaterThan(pair.length / 3);
  });

  it('sees tilt: sharp on the left, soft on the right', async () => {
    const light = lightOf({ width, height, stars: field.filter(({ x }) => x < 320), size: 2.5 });
    const soft = lightOf({ width, height, stars: field.filter(({ x }) => x >= 320), size: 5 });
    const random = generator(3);
    const frame = frameOf(width, height, 'u16', (i) => 500 + light[i]! + soft[i]! + 5 * normal(random));
    const { tilt, tiltPercent } = await measureStars(frame);
    expect(tilt).toHaveLength(9);
    expect(tilt[2]!.hfr! / tilt[0]!.hfr!).toBeGreaterThan(1.6);
    expect(tiltPercent).toBeGreaterThan(40);
  });
});

describe('other kinds of frames', () => {
  const gains = field.map((_, i) => [0.5 + (i % 3) * 0.5, 1, 1.5 - (i % 3) * 0.5] as const);
  const light = [0, 1, 2].map((c) =>
    lightOf({ width, height, size: 3, stars: field.map((star, i) => ({ ...star, flux: star.flux * gains[i]![c]! })) }),
  );
  const levels = [300, 700, 450];

  it.each(['RGGB', 'BGGR', 'GRBG', 'GBRG'] as const)(
    'takes coloured stars out of a %s mosaic as they are',
    async (bayer) => {
      const random = generator(9);
      const frame = frameOf(
        width,
        height,
        'u16',
        (i) => {
          const c = 'RGB'.indexOf(bayer[2 * (Math.floor(i / width) % 2) + ((i % width) % 2)]!);
          return levels[c]! + light[c]![i]! + 10 * normal(random);
        },
        { bayer },
      );
      const { stars, hfr, noise, count } = await measureStars(frame);
      const found = matchStars(field, stars);
      expect(found).toHaveLength(field.length);
      expect(count).toBe(field.length);
      expect(medianOf(found.map(({ distance }) => distance))).toBeLessThan(0.06);
      expect(Math.abs(medianOf(found.map(({ row, star }) => stars.x[row]! - star.x)))).toBeLessThan(0.02);
      expect(Math.abs(hfr! / gaussianHfr(3) - 1)).toBeLessThan(0.03);
      expect(Math.abs(noise - 10)).toBeLessThan(0.5);
    },
  );

  it.each(['u8', 'u16', 'f32'] as const)('measures the mean of an RGB frame of %s', async (pixelType) => {
    const random = generator(9);
    const scale = { u8: 1 / 20, u16: 1, f32: 1 / 65535 }[pixelType];
    const frame = frameOf(
      width,
      height,
      pixelType,
      (i) => {
        const c = Math.floor(i / (width * height));
        return (levels[c]! + light[c]![i % (width * height)]! + 20 * normal(random)) * scale;
      },
      { channels: 3 },
    );
    const { stars, hfr } = await measureStars(frame);
    const found = matchStars(field.slice(), stars);
    expect(found.length / field.length).toBeGreaterThan(0.95);
    expect(medianOf(found.map(({ distance }) => distance))).toBeLessThan(0.06);
    expect(Math.abs(hfr! / gaussianHfr(3) - 1)).toBeLessThan(0.05);
  });

  it('undoes the display gamma of a picture', async () => {
    const bright = field.filter(({ flux }) => flux > 20_000);
    const mono = lightOf({ width, height, size: 3, stars: bright });
    const random = generator(9);
    const encode = (v: number) => (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055);
    const frame = frameOf(
      width,
      height,
      'u8',
      (i) => 255 * encode(Math.max(0, Math.min(1, (500 + mono[i]! + 40 * normal(random)) / 16000))),
      { transfer: 'srgb' },
    );
    const { hfr } = await measureStars(frame);
    expect(Math.abs(hfr! / gaussianHfr(3) - 1)).toBeLessThan(0.06);
  });

  it('finds stars smaller than their pixels', async () => {
    const frame = skyFrame({ width, height, level: 500, noise: 10, stars: field, size: 1.2 });
    const { stars, count } = await measureStars(frame);
    const found = matchStars(field, stars);
    expect(count).toBe(field.length);
    expect(found).toHaveLength(field.length);
    expect(medianOf(found.map(({ distance }) => distance))).toBeLessThan(0.05);
  });

  it.each([10, 15, 30])('takes a doughnut of %i pixels for one star', async (size) => {
    const wide = lattice({ width, height, step: 106, least: 60_000, most: 600_000 });
    const frame = skyFrame({ width, height, level: 500, noise: 10, stars: wide, size, profile: 'doughnut' });
    const { stars, count, hfr } = await measureStars(frame);
    expect(count).toBe(wide.length);
    expect(matchStars(wide, stars, 1)).toHaveLength(wide.length);
    // Half of a ring's area: r² = (outer² + inner²) / 2.
    expect(Math.abs(hfr! / Math.sqrt(((size / 2) ** 2 + (0.2 * size) ** 2) / 2) - 1)).toBeLessThan(0.02);
  });
});
