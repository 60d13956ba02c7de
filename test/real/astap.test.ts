/** Debian's ASTAP with a star database out of our own catalogue, on pictures of that sky: the truth is where the stars were drawn. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { astapSolver } from '../../lib/solve/astap.ts';
import { closeBuiltInSolver } from '../../lib/solve/built-in.ts';
import type { SolveHints, SolveResult } from '../../lib/solve/solver.ts';
import { fromPlane, pixelToSky, separation, skyToPixel } from '../../lib/solve/wcs.ts';
import { type Drawing, drawField, drawStrangers } from '../solve/drawn-fields.ts';
import { writeAstapDatabase } from './astap-database.ts';

const [width, height] = [1280, 960];
const timeoutSeconds = 200;
const patient = { timeout: 400_000 };

let folder: string;
const database = (name: 'telescope' | 'lens' | 'empty') => join(folder, name);
const systemFolder = process.env.TMPDIR;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-astap-real-'));
  await writeAstapDatabase(database('telescope'), ['h18', 'w08']);
  // Where both are, this version of ASTAP takes h18, whose cells are too small for 5° and more.
  await writeAstapDatabase(database('lens'), ['v17', 'w08']);
  await mkdir(database('empty'));
  // The engine's private folders go there, so that what it leaves behind can be seen.
  await mkdir(join(folder, 'tmp'));
  process.env.TMPDIR = join(folder, 'tmp');
}, 200_000);
afterAll(async () => {
  if (systemFolder === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = systemFolder;
  await closeBuiltInSolver();
  await closeSharedPool();
  await rm(folder, { recursive: true, force: true });
});

const solve = (
  drawing: Drawing,
  hints: SolveHints | undefined,
  stars: Parameters<typeof database>[0] = 'telescope',
): Promise<SolveResult> =>
  astapSolver({ databaseFolder: database(stars) }).solve({ frame: drawField(drawing), hints, timeoutSeconds });

const small: Drawing = { width, height, raDegrees: 120.3, decDegrees: -22.1, fieldDegrees: 3, rotationDegrees: 160, limit: 10 }; // biome-ignore format: one field
const middle: Drawing = { width, height, raDegrees: 359.8, decDegrees: 41, fieldDegrees: 10, rotationDegrees: 310, limit: 8.5 }; // biome-ignore format: one field
const wide: Drawing = {
  width,
  height,
  raDegrees: 84,
  decDegrees: 5,
  fieldDegrees: 30,
  rotationDegrees: 75,
  limit: 6.3,
};

/** In the middle and in the corners within a pixel of where the stars were drawn. */
function expectTruth({ status, reason, solution, engine }: SolveResult, drawing: Drawing): void {
  expect(reason).toMatch(/ASTAP found the field/);
  expect({ status, engine }).toEqual({ status: 'matched', engine: 'astap' });
  expect(solution!.parity).toBe(drawing.mirrored ? 'mirrored' : 'normal');
  // ASTAP says nothing of these: they are what our catalogue says of its match.
  expect(solution!.matchedStars).toBeGreaterThan(30);
  expect(solution!.residualPixels).toBeLessThan(1);
  expect(solution!.residualArcsec! / solution!.residualPixels!).toBeCloseTo(solution!.scale, 3);
  expect(solution!.logOdds).toBeGreaterThan(30);
  for (const pixel of [
    { x: (width - 1) / 2, y: (height - 1) / 2 },
    { x: 0, y: 0 },
    { x: width - 1, y: 0 },
    { x: width - 1, y: height - 1 },
    { x: 0, y: height - 1 },
  ]) {
    const truth = skyAt(drawing, pixel);
    const seen = skyToPixel(solution!.wcs, truth)!;
    expect(Math.hypot(seen.x - pixel.x, seen.y - pixel.y)).toBeLessThan(1);
    expect((separation(pixelToSky(solution!.wcs, pixel), truth) * 3600) / solution!.scale).toBeLessThan(1);
  }
}

/** As `drawField` puts stars on the picture, the other way round. */
function skyAt(drawing: Drawing, { x, y }: { x: number; y: number }) {
  const { fieldDegrees, rotationDegrees = 0, mirrored = false } = drawing;
  const perDegree = (width / 2 / Math.tan((fieldDegrees * Math.PI) / 360)) * (Math.PI / 180);
  const [sin, cos] = [Math.sin((rotationDegrees * Math.PI) / 180), Math.cos((rotationDegrees * Math.PI) / 180)];
  const up = ((height - 1) / 2 - y) / perDegree;
  const left = ((mirrored ? 1 : -1) * (x - (width - 1) / 2)) / perDegree;
  return fromPlane(drawing, left * cos + up * sin, up * cos - left * sin);
}

const scaleOf = ({ fieldDegrees }: Drawing) => (fieldDegrees * 3600) / width;
const hintsNear = (drawing: Drawing): SolveHints => ({
  raDegrees: (drawing.raDegrees + 0.7) % 360,
  decDegrees: drawing.decDegrees - 0.5,
  radiusDegrees: 5,
  scaleLow: scaleOf(drawing) * 0.9,
  scaleHigh: scaleOf(drawing) * 1.1,
});

describe('ASTAP and its star database', () => {
  it.each<[string, Drawing, 'telescope' | 'lens']>([
    ['3°', small, 'telescope'],
    ['3°, mirrored', { ...small, mirrored: true }, 'telescope'],
    ['3° near the pole', { ...small, decDegrees: 85, limit: 10.5 }, 'telescope'],
    ['10° across 0 h', middle, 'lens'],
    ['30°', wide, 'lens'],
  ])('finds a field of %s with hints, to a pixel', patient, async (_, drawing, stars) => {
    const result = await solve(drawing, hintsNear(drawing), stars);
    expectTruth(result, drawing);
    expect(result.withoutHints).toBe(false);
    expect(result.seconds.total).toBeGreaterThanOrEqual(result.seconds.detect);
    expect(await readdir(process.env.TMPDIR!)).toEqual([]);
  });

  it.each<[string, Drawing, SolveHints | undefined]>([
    [
      'of 3° when only the scale is known',
      small,
      { scaleLow: scaleOf(small) * 0.95, scaleHigh: scaleOf(small) * 1.05 },
    ],
    ['of 3° when only the place is known', small, { raDegrees: 121, decDegrees: -22, radiusDegrees: 3 }],
    ['of 3° of which nothing is known', small, undefined],
    ['of 30° of which nothing is known', wide, undefined],
  ])('finds a field %s', patient, async (_, drawing, hints) => {
    const result = await solve(drawing, hints);
    expectTruth(result, drawing);
    expect(result.withoutHints).toBe(false);
  });

  it.each<[string, SolveHints]>([
    ['place', { ...hintsNear(small), raDegrees: 250, decDegrees: 60 }],
    ['scale', { ...hintsNear(small), scaleLow: 80, scaleHigh: 90 }],
    ['parity', { ...hintsNear(small), parity: 'mirrored' }],
  ])('survives a wrong %s, and says so', patient, async (_, hints) => {
    const result = await solve(small, hints);
    expectTruth(result, small);
    expect(result.withoutHints).toBe(true);
    expect(result.reason).toContain('The hint was wrong: found without it.');
  });
});

describe('ASTAP without a match', () => {
  it('says that a cap has too few stars', patient, async () => {
    const frame = drawStrangers({ stars: 0, seed: 3 });
    const result = await astapSolver({ databaseFolder: database('lens') }).solve({ frame, timeoutSeconds });
    expect(result).toMatchObject({ status: 'too-few-stars', solution: null });
    expect(result.reason).toContain('Too few stars');
  });

  it('says no match, or that its time was up, where the stars are none of the sky', patient, async () => {
    const frame = drawStrangers({ stars: 150, seed: 4, width, height });
    const solver = astapSolver({ databaseFolder: database('telescope') });
    const result = await solver.solve({ frame, hints: hintsNear(small), timeoutSeconds: 6 });
    expect(result.solution).toBeNull();
    expect(['no-match', 'timed-out']).toContain(result.status);
    expect(result.reason).toMatch(/ASTAP found no match|No match within 6 s/);
    const late = await solver.solve({ frame, timeoutSeconds: 0.5 });
    expect(late).toMatchObject({ status: 'timed-out', solution: null });
    expect(await readdir(process.env.TMPDIR!)).toEqual([]);
  });

  it('names its star database where there is none', patient, async () => {
    await expect(solve(small, hintsNear(small), 'empty')).rejects.toMatchObject({
      code: 'missing',
      message: `ASTAP has no star database that it can read in ${database('empty')}.`,
      remedy: expect.stringContaining('https://www.hnsky.org/astap.htm'),
    });
    expect(await readdir(process.env.TMPDIR!)).toEqual([]);
  });

  it('stops at once when it is cancelled: no program is left running', patient, async () => {
    const stop = new AbortController();
    const frame = drawStrangers({ stars: 400, seed: 5, width, height });
    const solver = astapSolver({ databaseFolder: database('telescope') });
    const running = solver.solve({ frame, timeoutSeconds: 600, signal: stop.signal });
    await expect.poll(() => programs(), { timeout: 60_000 }).toContain('astap_cli');
    stop.abort();
    expect(await running).toMatchObject({ status: 'cancelled', solution: null, reason: 'Stopped on request.' });
    await expect.poll(() => programs(), { timeout: 20_000 }).toBe('');
    expect(await readdir(process.env.TMPDIR!)).toEqual([]);
  });
});

/** The programs of ours that run: their command line names our folder. */
function programs(): string {
  const all = execFileSync('/bin/ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n');
  return all.filter((line) => line.includes(join(folder, 'tmp'))).join('\n');
}
