import { afterAll, expect, it } from 'vitest';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { builtInSolver, closeBuiltInSolver } from '../../lib/solve/built-in.ts';
import { findStars } from '../../lib/solve/find-stars.ts';
import { offsetArcsec } from '../../lib/solve/solution.ts';
import { type Drawing, drawField, generator } from './drawn-fields.ts';

afterAll(async () => {
  await closeBuiltInSolver();
  await closeSharedPool();
});

const drawing: Drawing = { raDegrees: 84, decDegrees: 5, fieldDegrees: 30, rotationDegrees: 75, limit: 6 };

it('solves a picture so faint that the first look finds fewer stars than a match takes', async () => {
  const frame = drawField(drawing);
  const random = generator(3);
  const { pixels } = frame;
  // A sky of 400 in the drawing; noise of some 4 ADU over what is left of the stars.
  for (let i = 0; i < pixels.length; i++)
    pixels[i] = Math.round(40 + (pixels[i]! - 400) * 0.0011 + 8 * (random() + random() + random() - 1.5));
  expect((await findStars({ frame, timeoutSeconds: 60 })).length).toBeLessThan(6);
  const hints = { raDegrees: 84, decDegrees: 5, radiusDegrees: 5, scaleLow: 150, scaleHigh: 190 };
  const { status, stars, solution } = await builtInSolver().solve({ frame, hints, timeoutSeconds: 150 });
  expect(status).toBe('matched');
  expect(stars).toBeGreaterThan(6);
  // A pixel is 170".
  expect(offsetArcsec(solution!, drawing)).toBeLessThan(100);
}, 400_000);
