import { afterAll, describe, expect, it } from 'vitest';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { type SearchOutput, searchSky } from '../../lib/solve/built-in.job.ts';
import { isPlausible } from '../../lib/solve/built-in-plausible.ts';
import type { SolveHints } from '../../lib/solve/solver.ts';
import { measureStars } from '../../lib/stars/measure.ts';
import { type Drawing, drawField } from './drawn-fields.ts';

const patient = { timeout: 400_000 };
afterAll(closeSharedPool);

interface Places {
  x: Float32Array;
  y: Float32Array;
}

/** A field that is found, so that what is made of it could be. */
const drawing: Drawing = { raDegrees: 84, decDegrees: 5, fieldDegrees: 30, rotationDegrees: 75, limit: 6 };
const hints: SolveHints = { raDegrees: 84, decDegrees: 5, radiusDegrees: 10, scaleLow: 145, scaleHigh: 195 };
const places = async (): Promise<Places> => {
  const { stars } = await measureStars(drawField(drawing));
  return { x: Float32Array.from(stars.x), y: Float32Array.from(stars.y) };
};
const search = (list: Places, more: SolveHints = {}, width = 640): SearchOutput => {
  const start = performance.timeOrigin + performance.now();
  const end = { deadline: start + 300_000, cancel: new SharedArrayBuffer(4) };
  return searchSky({ width, height: 480, flux: list, sharp: list, hints: { ...hints, ...more }, ...end });
};

describe('a list that is no field of the sky', () => {
  it('has one axis a tenth longer', patient, async () => {
    const list = await places();
    expect(search(list).status).toBe('matched');
    const output = search({ ...list, x: list.x.map((x) => 1.1 * x) }, {}, 704);
    expect(output).toMatchObject({ status: 'no-match', fit: null });
  });

  it('is mirrored, and looked for as if it were not', patient, async () => {
    const list = await places();
    const mirrored = { ...list, x: list.x.map((x) => 639 - x) };
    expect(search(mirrored, { parity: 'normal' })).toMatchObject({ status: 'no-match', fit: null });
    expect(search(mirrored, { parity: 'mirrored' }).status).toBe('matched');
    expect(search(list, { parity: 'mirrored' })).toMatchObject({ status: 'no-match', fit: null });
  });

  it('has x of one field and y of another', patient, async () => {
    const list = await places();
    const output = search({ x: list.x, y: list.y.toReversed() });
    expect(output).toMatchObject({ status: 'no-match', fit: null });
  });
});

describe('a match of the whole picture', () => {
  const field = { width: 1280, height: 960, halfDiagonal: 800 };
  const match = { share: 0.6, stretch: 0.01, residualPixels: 0.8 };

  it.each([
    ['sharp stars', {}, true],
    ['smeared stars, nearly all matched', { residualPixels: 3.5, share: 0.9 }, true],
    ['a middle that fits: the stars are off by pixels', { residualPixels: 2.5 }, false],
    ['a part of the picture', { share: 0.3 }, false],
    ['pixels that are longer one way', { stretch: 0.09 }, false],
    ['smeared stars all over', { residualPixels: 5, share: 0.95 }, false],
  ])('%s', (_, other, plausible) => {
    expect(isPlausible({ ...match, ...other }, field)).toBe(plausible);
  });

  it('may be off by more in a large picture', () => {
    const large = { width: 6000, height: 4000, halfDiagonal: 3600 };
    expect(isPlausible({ ...match, residualPixels: 2.5 }, large)).toBe(true);
  });
});
