/** What the catalogue says of coordinates: the truth of a drawn field, the same beside it, and a picture of two fields. */
import { afterAll, describe, expect, it } from 'vitest';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { closeBuiltInSolver } from '../../lib/solve/built-in.ts';
import { isOfTwoFields, weigh } from '../../lib/solve/evidence.ts';
import { findStars } from '../../lib/solve/find-stars.ts';
import { checkMatch } from '../../lib/solve/match-check.ts';
import type { Wcs } from '../../lib/solve/wcs.ts';
import { mosaic } from './bad-pictures.ts';
import { drawField, drawStrangers } from './drawn-fields.ts';

afterAll(async () => {
  await closeBuiltInSolver();
  await closeSharedPool();
});

const field = { raDegrees: 84, decDegrees: 5, fieldDegrees: 30, limit: 6 };
const [width, height] = [640, 480];
/** North up: as `drawField` draws it. */
const truth = ({ raDegrees, decDegrees }: { raDegrees: number; decDegrees: number }): Wcs => {
  const step = ((2 * Math.tan((field.fieldDegrees * Math.PI) / 360)) / width) * (180 / Math.PI);
  return { width, height, x: 319.5, y: 239.5, raDegrees, decDegrees, cd: [[-step, 0], [0, -step]], sip: null }; // biome-ignore format: a matrix
};

describe('the evidence of the catalogue', () => {
  it('is overwhelming where the coordinates are right', async () => {
    const list = await findStars({ frame: drawField(field), timeoutSeconds: 60 });
    const weighed = await weigh(truth(field), list);
    expect(weighed.matchedStars).toBeGreaterThan(0.95 * weighed.stars.length);
    expect(weighed.residualPixels).toBeLessThan(0.3);
    expect(weighed.logOdds).toBeGreaterThan(100);
    expect(weighed.catalogueStars).toBeGreaterThan(list.length);
  });

  it('is none where they are a few stars off, and a match without odds of its own is refused', async () => {
    const frame = drawField(field);
    const list = await findStars({ frame, timeoutSeconds: 60 });
    const beside = truth({ raDegrees: 90, decDegrees: 1 });
    const weighed = await weigh(beside, list);
    expect(weighed.logOdds).toBeLessThan(3);
    expect(weighed.matchedStars).toBeLessThan(0.15 * list.length);
    const strangers = await findStars({ frame: drawStrangers({ stars: 30, seed: 2 }), timeoutSeconds: 60 });
    const { refusal } = await checkMatch(truth(field), strangers, { frame, hasOdds: false, timeoutSeconds: 60 });
    expect(refusal).toMatch(/not borne out/);
  });
});

describe('a picture of two fields', () => {
  it('is told by its other half, which matches another place', async () => {
    const list = await findStars({ frame: mosaic(), timeoutSeconds: 60 });
    const wcs = truth(field);
    const weighed = await weigh(wcs, list);
    let asked = 0;
    const answers = (other: Wcs | null) => async (stars: readonly { x: number }[]) => {
      asked = stars.length;
      expect(stars.every(({ x }) => x > width / 2 - 1)).toBe(true);
      return other;
    };
    expect(await isOfTwoFields(wcs, weighed, answers(truth({ raDegrees: 300, decDegrees: 40 })))).toBe(true);
    expect(asked).toBeGreaterThan(20);
    // A landscape, or a lens that bends this half: no other field, or the same.
    expect(await isOfTwoFields(wcs, weighed, answers(null))).toBe(false);
    expect(await isOfTwoFields(wcs, weighed, answers(truth({ raDegrees: 84.5, decDegrees: 5 })))).toBe(false);
  });

  it('is not suspected where all of it matches', async () => {
    const list = await findStars({ frame: drawField(field), timeoutSeconds: 60 });
    const search = () => Promise.reject(new Error('There is nothing to search for.'));
    expect(await isOfTwoFields(truth(field), await weigh(truth(field), list), search)).toBe(false);
  });
});
