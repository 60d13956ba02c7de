import { afterAll, describe, expect, it } from 'vitest';
import { invertMatrix } from '../../lib/frame/matrix.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { measureStars } from '../../lib/stars/measure.ts';
import { registerStars } from '../../lib/stars/register.ts';
import { mapError, randomOf, type Size, similarity, sky } from './fields.ts';
import { render } from './frames.ts';

afterAll(closeSharedPool);

const size: Size = { width: 800, height: 600 };
const field = sky(randomOf(31), 900, -400, -300, 1200, 900).map((star) => ({ ...star, flux: 60 * star.flux + 3000 }));

describe('frames that are measured and registered', () => {
  it.each([
    ['a drift and a little turn', similarity(0.3, 1, 12.4, -7.7, size), null],
    ['a meridian flip', similarity(179.6, 1, -21.3, 14.8, size), null],
    ['a reducer that sags', similarity(45, 0.985, 3.1, 2.2, size), null],
    ['a mosaic', similarity(-1.2, 1, 33.3, 18.9, size), 'RGGB' as const],
  ])('lie on each other within 0.1 px: %s', async (_, map, bayer) => {
    const [reference, moving] = [
      render(randomOf(1), field, size, { bayer: bayer ?? undefined }),
      render(randomOf(2), field, size, { map, bayer: bayer ?? undefined }),
    ];
    const [theirs, ours] = [await measureStars(reference), await measureStars(moving)];
    const found = await registerStars(ours.stars, theirs.stars, size);
    expect(found.matched).toBeGreaterThan(60);
    expect(mapError(found.matrix, invertMatrix(map), size)).toBeLessThan(0.1);
  });

  it('find each other behind lit clouds that are brighter than stars', async () => {
    const random = randomOf(5);
    const clouds = Array.from({ length: 40 }, () => ({ x: random() * 800, y: random() * 600, s: 8 + 10 * random() }));
    const cloudy = (x: number, y: number) =>
      clouds.reduce(
        (sum, cloud) => sum + 700 * Math.exp(-((x - cloud.x) ** 2 + (y - cloud.y) ** 2) / (2 * cloud.s ** 2)),
        0,
      );
    const map = similarity(0.8, 1, -9.4, 4.4, size);
    const reference = await measureStars(render(randomOf(1), field, size));
    const moving = await measureStars(render(randomOf(2), field, size, { map, extra: cloudy }));
    const found = await registerStars(moving.stars, reference.stars, size);
    expect(mapError(found.matrix, invertMatrix(map), size)).toBeLessThan(0.3);
  });
});
