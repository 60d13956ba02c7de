import { afterAll, describe, expect, it } from 'vitest';
import { Frame } from '../../lib/frame/frame.ts';
import { allocateShared } from '../../lib/kernels/memory.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { builtInSolver, closeBuiltInSolver } from '../../lib/solve/built-in.ts';
import { offsetArcsec } from '../../lib/solve/solution.ts';
import type { SolveHints, SolveResult } from '../../lib/solve/solver.ts';
import { cornersOf, pixelToSky, separation } from '../../lib/solve/wcs.ts';
import { measureStars } from '../../lib/stars/measure.ts';
import { type Drawing, drawField, drawStrangers } from './drawn-fields.ts';

const solver = builtInSolver();
/** Two busy cores may be ten times slower than a free one. */
const timeoutSeconds = 150;
const patient = { timeout: 400_000 };

afterAll(async () => {
  await closeBuiltInSolver();
  await closeSharedPool();
});

const solve = (
  frame: Frame,
  hints?: SolveHints,
  seconds = timeoutSeconds,
  signal?: AbortSignal,
): Promise<SolveResult> => solver.solve({ frame, hints, timeoutSeconds: seconds, signal });

const wide: Drawing = { raDegrees: 84, decDegrees: 5, fieldDegrees: 30, rotationDegrees: 75, limit: 6 };

/** The field as it was drawn, to a third of a pixel in the middle and a pixel in the corners' scale. */
function expectMatch(result: SolveResult, drawing: Drawing): void {
  expect(result.reason).toMatch(/match the catalogue/);
  expect(result.status).toBe('matched');
  const { solution } = result;
  const { width = 640, fieldDegrees, mirrored = false, rotationDegrees = 0 } = drawing;
  const scale = (3600 * 180 * Math.tan((fieldDegrees * Math.PI) / 360) * 2) / width / Math.PI;
  expect(offsetArcsec(solution!, drawing) / scale).toBeLessThan(0.35);
  expect(solution!.scale / scale).toBeCloseTo(1, 2);
  expect(solution!.parity).toBe(mirrored ? 'mirrored' : 'normal');
  expect(Math.cos(((solution!.rotationDegrees - rotationDegrees) * Math.PI) / 180)).toBeGreaterThan(0.99999);
  expect(solution!.matchedStars).toBeGreaterThan(8);
  expect(solution!.residualPixels).toBeLessThan(0.6);
  expect(solution!.residualArcsec! / solution!.residualPixels!).toBeCloseTo(solution!.scale, 3);
  expect(solution!.logOdds).toBeGreaterThan(14);
}

describe('a field of the sky, nothing known of it', () => {
  it.each<[string, Drawing]>([
    ['30 degrees around Orion, turned', wide],
    ['8 degrees', { raDegrees: 200, decDegrees: 30, fieldDegrees: 8, rotationDegrees: 200, limit: 8.5 }],
    ['14 degrees over the pole', { raDegrees: 10, decDegrees: 88, fieldDegrees: 14, rotationDegrees: 310, limit: 8 }],
    [
      '20 degrees across 0 h, mirrored',
      { raDegrees: 359.5, decDegrees: -40, fieldDegrees: 20, mirrored: true, rotationDegrees: 40, limit: 7 },
    ],
    [
      '50 degrees of a lens that bends lines',
      { raDegrees: 150, decDegrees: 20, fieldDegrees: 50, rotationDegrees: 120, distortion: -0.06, limit: 5 },
    ],
    ['80 degrees', { raDegrees: 280, decDegrees: -30, fieldDegrees: 80, rotationDegrees: 15, limit: 4.6 }],
    [
      '25 degrees, a third of the stars not in the sky, hot pixels',
      { ...wide, fieldDegrees: 25, strangers: 0.5, hotPixels: 300 },
    ],
  ])('%s', patient, async (_, drawing) => {
    const result = await solve(drawField(drawing));
    expectMatch(result, drawing);
    expect(result).toMatchObject({ engine: 'built-in', withoutHints: false });
    expect(result.seconds.total).toBeGreaterThanOrEqual(result.seconds.detect);
  });

  it('writes the bend of a lens as a distortion that holds up to the corners', patient, async () => {
    const drawing: Drawing = { ...wide, fieldDegrees: 40, distortion: -0.08, limit: 5.5 };
    const bent = (await solve(drawField(drawing))).solution!;
    const straight = (await solve(drawField({ ...drawing, distortion: 0 }))).solution!;
    expect(bent.wcs.sip).not.toBeNull();
    // The corner of the bent picture, one half diagonal out, sees what lies farther out in the straight one: r (1 - 0.08 r²) = 1.
    const r = 1.1;
    expect(r * (1 - 0.08 * r * r)).toBeCloseTo(0.9935, 3);
    const out = (part: number) => ({ x: 319.5 + 320 * part, y: 239.5 + 240 * part });
    const apart = separation(pixelToSky(bent.wcs, out(0.9935)), pixelToSky(straight.wcs, out(r)));
    expect((apart * 3600) / straight.scale).toBeLessThan(1.5);
    expect(cornersOf(bent.wcs)).toHaveLength(4);
  });
});

describe('hints', () => {
  const small: Drawing = { raDegrees: 120.3, decDegrees: -22.1, fieldDegrees: 1.3, rotationDegrees: 160, limit: 11.5 };
  const near: SolveHints = { raDegrees: 121, decDegrees: -21.7, radiusDegrees: 1.5, scaleLow: 6.3, scaleHigh: 8.4 };

  it('find a small field at once', patient, async () => {
    const result = await solve(drawField(small), near);
    expectMatch(result, small);
    expect(result.withoutHints).toBe(false);
  });

  it('of the position alone, of the scale alone, and of the parity are enough', patient, async () => {
    const mirrored: Drawing = { ...small, mirrored: true };
    expectMatch(await solve(drawField(mirrored), { ...near, parity: 'mirrored' }), mirrored);
    expectMatch(await solve(drawField(small), { raDegrees: 120, decDegrees: -22, radiusDegrees: 1 }), small);
    expectMatch(await solve(drawField(wide), { scaleLow: 150, scaleHigh: 190 }), wide);
  });

  it.each<[string, SolveHints]>([
    ['position', { raDegrees: 250, decDegrees: 50, radiusDegrees: 10, scaleLow: 150, scaleHigh: 190 }],
    ['scale', { raDegrees: 84, decDegrees: 5, radiusDegrees: 10, scaleLow: 20, scaleHigh: 30 }],
    ['parity', { parity: 'mirrored' }],
  ])('that say a wrong %s are survived, and the answer says so', patient, async (_, hints) => {
    const result = await solve(drawField(wide), hints);
    expectMatch(result, wide);
    expect(result.withoutHints).toBe(true);
    expect(result.reason).toMatch(/without the hint/);
  });
});

describe('stars that were measured already', () => {
  it('are taken as they are', patient, async () => {
    const frame = drawField(wide);
    const { stars } = await measureStars(frame);
    const blank = new Frame({ data: allocateShared(640 * 480 * 2), width: 640, height: 480, pixelType: 'u16' });
    expectMatch(await solver.solve({ frame: blank, stars, timeoutSeconds }), wide);
  });
});

describe('what is no field of stars', () => {
  it.each<[string, () => Frame]>([
    ['a lens cap', () => drawStrangers({ stars: 0, seed: 3 })],
    [
      'nothing but black',
      () => new Frame({ data: allocateShared(320 * 200), width: 320, height: 200, pixelType: 'u8' }),
    ],
    ['3x3 pixels', () => new Frame({ data: allocateShared(18), width: 3, height: 3, pixelType: 'u16' })],
    ['four stars', () => drawStrangers({ stars: 4, seed: 5 })],
  ])('%s has too few stars', patient, async (_, frame) => {
    const result = await solve(frame());
    expect(result).toMatchObject({ status: 'too-few-stars', solution: null });
    expect(result.reason).toMatch(/found; a match takes 6/);
  });

  it('a field smaller than the catalogue has stars for says so', patient, async () => {
    const hints = { raDegrees: 190, decDegrees: 25, radiusDegrees: 1, scaleLow: 0.8, scaleHigh: 1 };
    const result = await solve(drawStrangers({ stars: 40, seed: 6 }), hints, 2);
    expect(result).toMatchObject({ status: 'too-few-stars', solution: null });
    expect(result.reason).toMatch(/field is too small/);
  });

  it.each<[string, () => Frame, SolveHints | undefined]>([
    ['random stars', () => drawStrangers({ stars: 60, seed: 7 }), { scaleLow: 60, scaleHigh: 200 }],
    [
      'random stars at a hinted place',
      () => drawStrangers({ stars: 90, seed: 8 }),
      { raDegrees: 84, decDegrees: 5, radiusDegrees: 15, scaleLow: 150, scaleHigh: 190 },
    ],
    [
      '20,000 hot pixels',
      () => drawStrangers({ stars: 0, hotPixels: 20_000, seed: 9 }),
      { scaleLow: 60, scaleHigh: 200 },
    ],
  ])('%s match nothing within the time', patient, async (_, frame, hints) => {
    const result = await solve(frame(), hints, 2);
    expect(result.solution).toBeNull();
    expect(['no-match', 'timed-out', 'too-few-stars']).toContain(result.status);
  });
});

describe('the end of a search', () => {
  it('comes with the time limit', patient, async () => {
    const result = await solve(drawStrangers({ stars: 200, seed: 11 }), undefined, 0.4);
    expect(result).toMatchObject({ status: 'timed-out', solution: null });
    expect(result.reason).toMatch(/No match within/);
  });

  it('comes at once when it is cancelled, before and in the middle, and the next one works', patient, async () => {
    const before = await solve(drawField(wide), undefined, 60, AbortSignal.abort());
    expect(before.status).toBe('cancelled');
    const controller = new AbortController();
    const running = solve(drawStrangers({ stars: 200, seed: 12 }), undefined, 600, controller.signal);
    setTimeout(() => controller.abort(), 400);
    expect((await running).status).toBe('cancelled');
    expectMatch(await solve(drawField(wide)), wide);
  });

  it('comes for each of several at a time', patient, async () => {
    const other: Drawing = { ...wide, raDegrees: 300, decDegrees: 40 };
    const [one, two] = await Promise.all([solve(drawField(wide)), solve(drawField(other))]);
    expectMatch(one, wide);
    expectMatch(two, other);
  });
});
