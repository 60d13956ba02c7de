import { afterAll, describe, expect, it } from 'vitest';
import { invertMatrix, type Matrix } from '../../lib/frame/matrix.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { registerTables } from '../../lib/stars/register.job.ts';
import { type RegisterOptions, registerStars } from '../../lib/stars/register.ts';
import { type StarTable, starFlag } from '../../lib/stars/star-table.ts';
import { gaussOf, mapError, type Observing, observe, randomOf, type Size, similarity, sky, tableOf } from './fields.ts';

afterAll(() => closeSharedPool());

const size: Size = { width: 4000, height: 3000 };

/** The reference sees the sky as it is, the moving frame through `map`; the truth leads back. */
function pair(seed: number, stars: number, map: Matrix, how: Observing = {}, frame = size) {
  const random = randomOf(seed);
  const field = sky(random, 9 * stars, -frame.width, -frame.height, 2 * frame.width, 2 * frame.height);
  const reference = observe(random, field, frame, how);
  const moving = observe(random, field, frame, { ...how, map });
  return { reference, moving, truth: invertMatrix(map) };
}

const register = (moving: StarTable, reference: StarTable, options: Partial<RegisterOptions> = {}) =>
  registerStars(moving, reference, { ...size, ...options });

/** Without a worker, for the tests of thousands. */
const registerHere = (moving: StarTable, reference: StarTable, frame: Size) =>
  registerTables({
    moving,
    reference,
    options: {
      size: frame,
      movingSize: frame,
      model: 'auto',
      maximumScaleChange: 0.1,
      maximumResidualPixels: 1.5,
      allowMirrored: false,
    },
  });

describe('registration', () => {
  it.each([
    ['a drift', similarity(0.02, 1, 31.4, -17.2, size)],
    ['field rotation', similarity(4.7, 1, -8.1, 3.3, size)],
    ['a quarter turn', similarity(-91.3, 1, 120, 55, size)],
    ['a smaller scale', similarity(12, 0.96, 5, 8, size)],
    ['a larger scale', similarity(-3, 1.05, 5, 8, size)],
  ])('finds %s to a twentieth of a pixel', async (_, map) => {
    const { reference, moving, truth } = pair(1, 500, map);
    const found = await register(moving, reference);
    expect(mapError(found.matrix, truth, size)).toBeLessThan(0.06);
    expect(found.model).toBe('similarity');
    expect(found.matched).toBeGreaterThan(250);
    // Two centroids, each with 0.1 px of noise in x and in y.
    expect(found.residualPixels).toBeGreaterThan(0.18);
    expect(found.residualPixels).toBeLessThan(0.22);
    expect(found).toMatchObject({ flipped: false, mirrored: false });
  });

  it('says what the movement is, in the frame’s middle', async () => {
    const { reference, moving } = pair(2, 300, invertMatrix(similarity(7.5, 1.02, 40, -25, size)));
    const found = await register(moving, reference);
    expect(found.rotationDegrees).toBeCloseTo(7.5, 2);
    expect(found.scale).toBeCloseTo(1.02, 3);
    expect(found.dx).toBeCloseTo(40, 0);
    expect(found.dy).toBeCloseTo(-25, 0);
  });

  it('knows a meridian flip', async () => {
    const { reference, moving, truth } = pair(3, 200, similarity(180.4, 1, 35, 60, size));
    const found = await register(moving, reference);
    expect(mapError(found.matrix, truth, size)).toBeLessThan(0.1);
    expect(found.flipped).toBe(true);
  });

  it('stays within 0.1 px where the centroids are good to 0.05', async () => {
    for (let seed = 0; seed < 5; seed++) {
      const { reference, moving, truth } = pair(seed, 300, similarity(72 * seed, 1.01, 50, 20, size), {
        centroidNoise: 0.05,
      });
      const found = await register(moving, reference);
      expect(found.residualPixels).toBeLessThanOrEqual(0.11);
      expect(mapError(found.matrix, truth, size)).toBeLessThan(0.1);
    }
  });

  it.each([60, 150, 500, 2000])(
    'bears fields of %i of which three of ten are missing, and three of ten false, in both',
    (stars) => {
      for (let seed = 0; seed < 10; seed++) {
        const { reference, moving, truth } = pair(seed, stars, similarity(36 * seed, 1.03, 100, -60, size), {
          missing: 0.3,
          spurious: 0.3,
          fluxNoise: 0.3,
        });
        expect(mapError(registerHere(moving, reference, size).matrix, truth, size)).toBeLessThan(0.6);
      }
    },
  );

  it.each([100, 400, 2000])('bears half an overlap of fields of %i, with false and missing stars', (stars) => {
    for (let seed = 0; seed < 10; seed++) {
      const shift = seed % 2 === 0 ? 2000 : -2000;
      const { reference, moving, truth } = pair(seed, stars, similarity(seed, 1, shift, 30, size), {
        missing: 0.3,
        spurious: 0.3,
      });
      expect(mapError(registerHere(moving, reference, size).matrix, truth, size)).toBeLessThan(0.8);
    }
  });

  it('bears centroids that are half a pixel off, and does not mistake their noise for a perspective', () => {
    for (let seed = 0; seed < 30; seed++) {
      const { reference, moving, truth } = pair(seed, 200, similarity(50 * seed, 1, 30, 30, size), {
        centroidNoise: 0.5,
      });
      const found = registerHere(moving, reference, size);
      expect(found.model).toBe('similarity');
      expect(mapError(found.matrix, truth, size)).toBeLessThan(0.7);
    }
  });

  it('matches a shallow frame with a deep one', async () => {
    const { reference, moving, truth } = pair(4, 3000, similarity(30, 1, 10, 10, size));
    const bright = tableOf(
      Array.from({ length: 40 }, (_, i) => moving.row(i) as { x: number; y: number; flux: number }),
    );
    for (const [a, b, map] of [
      [bright, reference, truth],
      [reference, bright, invertMatrix(truth)],
    ] as const)
      expect(mapError((await register(a, b)).matrix, map, size)).toBeLessThan(0.3);
  });

  it('matches frames of different sizes', async () => {
    const random = randomOf(5);
    const field = sky(random, 800, 0, 0, 4000, 3000);
    const map = similarity(20, 1, 0, 0, size);
    const shifted = [map[0]!, map[1]!, map[2]! - 1000, map[3]!, map[4]!, map[5]! - 900, 0, 0, 1];
    const small = { width: 1600, height: 1200 };
    const found = await register(observe(random, field, small, { map: shifted }), observe(random, field, size), {
      moving: small,
    });
    expect(mapError(found.matrix, invertMatrix(shifted), small)).toBeLessThan(0.1);
  });

  it('keeps to stars where hot pixels stand still in both frames', async () => {
    const random = randomOf(6);
    const hot = sky(random, 60, 0, 0, 3999, 2999).map((pixel) => ({ ...pixel, flux: 3 * pixel.flux }));
    const field = sky(random, 1800, -4000, -3000, 8000, 6000);
    const map = similarity(0.1, 1, 42, -31, size);
    const withHot = (table: StarTable) =>
      tableOf([
        ...hot,
        ...Array.from({ length: table.count }, (_, i) => table.row(i) as { x: number; y: number; flux: number }),
      ]);
    const found = await register(withHot(observe(random, field, size, { map })), withHot(observe(random, field, size)));
    expect(mapError(found.matrix, invertMatrix(map), size)).toBeLessThan(0.15);
  });

  it('leaves out stars at the edge and trails', async () => {
    const { reference, moving, truth } = pair(7, 100, similarity(2, 1, 20, 0, size));
    const trails = Array.from({ length: 80 }, (_, i) => ({
      x: 50 * i,
      y: 35 * i,
      flux: 1e6,
      flags: starFlag.elongated,
    }));
    const edges = Array.from({ length: 80 }, (_, i) => ({ x: 50 * i, y: 0, flux: 1e6, flags: starFlag.edge }));
    const stars = Array.from(
      { length: moving.count },
      (_, i) => moving.row(i) as { x: number; y: number; flux: number },
    );
    const found = await register(tableOf([...stars, ...stars, ...edges, ...trails]), reference);
    expect(mapError(found.matrix, truth, size)).toBeLessThan(0.2);
  });

  it('takes 100,000 stars of the Milky Way', async () => {
    const { reference, moving, truth } = pair(8, 100_000, similarity(140, 1.01, 200, 100, size));
    const found = await register(moving, reference);
    expect(mapError(found.matrix, truth, size)).toBeLessThan(0.05);
  });
});

describe('the model', () => {
  const perspective: Matrix = [1.001, 0.002, 15, -0.001, 0.999, -9, 1.5e-6, -1e-6, 1];

  it('is a homography where that is significantly better', async () => {
    const { reference, moving, truth } = pair(11, 400, perspective);
    const found = await register(moving, reference);
    expect(found.model).toBe('homography');
    expect(mapError(found.matrix, truth, size)).toBeLessThan(0.15);
  });

  it('is what was asked for', async () => {
    const { reference, moving, truth } = pair(12, 400, similarity(1, 1, 20, 20, size));
    expect((await register(moving, reference, { model: 'similarity' })).model).toBe('similarity');
    const found = await register(moving, reference, { model: 'homography' });
    expect(found.model).toBe('homography');
    expect(mapError(found.matrix, truth, size)).toBeLessThan(0.2);
  });

  it('may be mirrored, if that is allowed', async () => {
    const mirror: Matrix = [-1, 0, 3900, 0, 1, 25, 0, 0, 1];
    const { reference, moving, truth } = pair(13, 300, mirror);
    await expect(register(moving, reference)).rejects.toMatchObject({ code: 'rejected' });
    const found = await register(moving, reference, { allowMirrored: true });
    expect(found).toMatchObject({ mirrored: true, flipped: false });
    expect(mapError(found.matrix, truth, size)).toBeLessThan(0.1);
  });
});

describe('refusals', () => {
  it('of fewer than five stars, naming which frame has them', async () => {
    const { reference, moving } = pair(21, 100, similarity(0, 1, 5, 5, size));
    const first = (table: StarTable, count: number) =>
      tableOf(Array.from({ length: count }, (_, i) => table.row(i) as { x: number; y: number; flux: number }));
    await expect(register(first(moving, 4), reference)).rejects.toThrow(
      'The frame has only 4 usable stars; 5 are needed',
    );
    await expect(register(moving, first(reference, 0))).rejects.toThrow('The reference frame has no usable stars');
  });

  it('not of six stars that are in both', () => {
    let found = 0;
    for (let seed = 0; seed < 50; seed++) {
      const random = randomOf(seed);
      const field = sky(random, 6, 500, 500, 3500, 2500);
      const map = similarity(5 * gaussOf(random), 1, 50, -50, size);
      const match = registerHere(observe(random, field, size, { map }), observe(random, field, size), size);
      if (mapError(match.matrix, invertMatrix(map), size) < 2) found++;
    }
    expect(found).toBe(50);
  });

  it.each([
    [5, 1500],
    [6, 1500],
    [12, 1000],
    [30, 300],
    [100, 60],
    [400, 15],
  ])('of fields that have nothing in common: %i stars, %i pairs', (stars, pairs) => {
    const small = { width: 640, height: 480 };
    for (let seed = 0; seed < pairs; seed++) {
      const random = randomOf(1000 + seed);
      const frame = seed % 2 === 0 ? size : small;
      const [a, b] = [0, 1].map(() =>
        observe(random, sky(random, stars, 0, 0, frame.width - 1, frame.height - 1), frame),
      );
      expect(() => registerHere(a!, b!, frame)).toThrow('do not match');
    }
  });

  it('of a similarity to the same field with one axis stretched by a tenth', async () => {
    const { reference, moving } = pair(23, 200, [1, 0, 0, 0, 1.1, -150, 0, 0, 1]);
    await expect(register(moving, reference, { model: 'similarity' })).rejects.toMatchObject({ code: 'rejected' });
  });

  it.each([10, 30, 60])('of an all-sky picture that turned about the pole for %i minutes', (minutes) => {
    const all = { width: 1400, height: 1400 };
    for (let seed = 0; seed < 10; seed++) {
      const random = randomOf(seed);
      // Equidistant fisheye, 90 degrees of zenith distance at 680 px; the pole 50 degrees up.
      const stars = Array.from({ length: 1500 }, () => {
        const z = 2 * random() - 1;
        const turn = 2 * Math.PI * random();
        return {
          direction: [Math.sqrt(1 - z * z) * Math.cos(turn), Math.sqrt(1 - z * z) * Math.sin(turn), z],
          flux: 1 / random(),
        };
      });
      const seen = (degrees: number) => {
        const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
        const tilt = (40 * Math.PI) / 180;
        return tableOf(
          stars.flatMap(({ direction: [x, y, z], flux }) => {
            const [u, v] = [c * x! - s * y!, s * x! + c * y!];
            const [down, up] = [Math.cos(tilt) * v + Math.sin(tilt) * z!, Math.cos(tilt) * z! - Math.sin(tilt) * v];
            if (up < 0.05) return [];
            const radius = (680 * Math.acos(up)) / (Math.PI / 2) / Math.hypot(u, down);
            return [
              { x: 700 + radius * u + 0.1 * gaussOf(random), y: 700 + radius * down + 0.1 * gaussOf(random), flux },
            ];
          }),
        );
      };
      expect(() => registerHere(seen(minutes / 4), seen(0), all)).toThrow(/meet|do not match/);
    }
  });

  it('at once when it is stopped', async () => {
    const { reference, moving } = pair(22, 100, similarity(0, 1, 5, 5, size));
    await expect(register(moving, reference, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'aborted',
    });
  });
});
