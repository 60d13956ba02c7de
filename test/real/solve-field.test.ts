/** solve-field of Debian's astrometry.net with Tycho-2's wide indices, on stars of our own catalogue: the truth is where they were put. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allocatePixels, Frame } from '../../lib/frame/frame.ts';
import { loadCatalogue, magnitudeOf } from '../../lib/sky/catalogue.ts';
import { closeBuiltInSolver } from '../../lib/solve/built-in.ts';
import { engineNamed } from '../../lib/solve/engines.ts';
import { offsetArcsec, solutionOf } from '../../lib/solve/solution.ts';
import { solveFieldSolver } from '../../lib/solve/solve-field.ts';
import type { SolveRequest } from '../../lib/solve/solver.ts';
import { skyToPixel, type Wcs } from '../../lib/solve/wcs.ts';
import { StarTable } from '../../lib/stars/star-table.ts';

const [width, height] = [1280, 960];
const blank = new Frame({ data: allocatePixels(width, height, 1, 'u8'), width, height, pixelType: 'u8' });
const [scale, turn] = [22.5, 0.7];
const upright: Wcs = {
  ...{ width, height, x: 639.5, y: 479.5, raDegrees: 83.8, decDegrees: -1.2 },
  cd: [
    [(-scale / 3600) * Math.cos(turn), (-scale / 3600) * Math.sin(turn)],
    [(scale / 3600) * Math.sin(turn), (-scale / 3600) * Math.cos(turn)],
  ],
  sip: null,
};
const mirrored: Wcs = { ...upright, cd: [[-upright.cd[0][0], upright.cd[0][1]], [-upright.cd[1][0], upright.cd[1][1]]] }; // biome-ignore format: a matrix

/** The brightest stars of the catalogue in the picture, half a pixel off at random. */
function starsIn(wcs: Wcs, most = 120): StarTable {
  const { count, directions, magnitudeCodes } = loadCatalogue();
  const found: { x: number; y: number; flux: number }[] = [];
  for (let i = 0; i < count; i++) {
    const [x, y, z] = [directions[i * 3]!, directions[i * 3 + 1]!, directions[i * 3 + 2]!];
    const raDegrees = (Math.atan2(y, x) * 180) / Math.PI;
    const pixel = skyToPixel(wcs, { raDegrees, decDegrees: (Math.asin(z) * 180) / Math.PI });
    if (!pixel || pixel.x < 0 || pixel.y < 0 || pixel.x > width - 1 || pixel.y > height - 1) continue;
    const noise = (seed: number) => ((i * seed) % 1) * 0.6 - 0.3;
    const flux = 10 ** (-0.4 * magnitudeOf(magnitudeCodes[i]!)) * 1e6;
    found.push({ x: pixel.x + noise(0.618034), y: pixel.y + noise(0.754878), flux });
  }
  found.sort((a, b) => b.flux - a.flux);
  const table = StarTable.of(Math.min(most, found.length));
  for (const name of ['x', 'y', 'flux'] as const)
    table.column(name).set(found.slice(0, table.count).map((star) => star[name]));
  return table;
}

/** Round stars on a background with noise, as a mosaic, whose pixels are not those of the file that solve-field gets. */
function drawn(stars: StarTable): Frame {
  const data = allocatePixels(width, height, 1, 'u16');
  const frame = new Frame({ data, width, height, pixelType: 'u16', bayer: 'RGGB' });
  const { pixels } = frame;
  for (let at = 0; at < pixels.length; at++) pixels[at] = 500 + ((at * 7919) % 23);
  for (let i = 0; i < stars.count; i++)
    for (let dy = -5; dy <= 5; dy++)
      for (let dx = -5; dx <= 5; dx++) {
        const [x, y] = [Math.round(stars.x[i]!) + dx, Math.round(stars.y[i]!) + dy];
        if (x < 0 || y < 0 || x >= width || y >= height) continue;
        const squared = (x - stars.x[i]!) ** 2 + (y - stars.y[i]!) ** 2;
        const peak = Math.min(40_000, 4 * stars.flux[i]!);
        pixels[y * width + x]! += peak * Math.exp(-squared / 4);
      }
  return frame;
}

const hints = { raDegrees: 84.5, decDegrees: -0.5, radiusDegrees: 5, scaleLow: 20, scaleHigh: 25 };
let temporary: string;
const systemFolder = process.env.TMPDIR;
beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'nightflow-solve-test-'));
  // The engine's private folders go there, so that what it leaves behind can be seen.
  process.env.TMPDIR = temporary;
});
afterAll(async () => {
  await closeBuiltInSolver();
  if (systemFolder === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = systemFolder;
  await rm(temporary, { recursive: true, force: true });
});

const solve = (request: Partial<SolveRequest>) =>
  solveFieldSolver().solve({ frame: blank, stars: starsIn(upright), timeoutSeconds: 120, ...request });

describe('solve-field', () => {
  it.each([
    ['a picture', upright],
    ['a mirrored picture', mirrored],
  ] as const)('finds %s with hints, and leaves nothing behind', async (_, wcs) => {
    const result = await solve({ stars: starsIn(wcs), hints });
    expect(result).toMatchObject({ status: 'matched', engine: 'solve-field', stars: 120, withoutHints: false });
    const truth = solutionOf(wcs);
    const solution = result.solution!;
    expect(offsetArcsec(solution, truth)).toBeLessThan(10);
    expect(solution.parity).toBe(truth.parity);
    expect(solution.scale / truth.scale).toBeCloseTo(1, 2);
    expect(Math.abs(solution.rotationDegrees - truth.rotationDegrees)).toBeLessThan(0.2);
    expect(solution.residualPixels).toBeLessThan(1.5);
    expect(solution.logOdds).toBeGreaterThan(20);
    expect(solution.matchedStars).toBeGreaterThan(8);
    expect(solution.wcs).toMatchObject({ width, height });
    expect(await readdir(temporary)).toEqual([]);
  });

  it('survives a hint that is wrong, and says so', async () => {
    const result = await solve({ hints: { ...hints, raDegrees: 200, decDegrees: 50 } });
    expect(result).toMatchObject({ status: 'matched', withoutHints: true });
    expect(result.reason).toContain('The hint was wrong: found without it.');
    expect(offsetArcsec(result.solution!, solutionOf(upright))).toBeLessThan(10);
  });

  it('looks at the picture itself when its star list tells nothing', async () => {
    const nonsense = StarTable.of(12);
    nonsense.x.set(nonsense.x.map((_, i) => ((i * 0.618034) % 1) * width));
    nonsense.y.set(nonsense.y.map((_, i) => ((i * 0.754878 + 0.3) % 1) * height));
    const result = await solve({ frame: drawn(starsIn(upright)), stars: nonsense, hints });
    expect(result).toMatchObject({ status: 'matched', withoutHints: false });
    expect(offsetArcsec(result.solution!, solutionOf(upright))).toBeLessThan(10);
  });

  it('takes the other parity at its word', async () => {
    const result = await solve({ hints: { ...hints, parity: 'normal' } });
    expect(result).toMatchObject({ status: 'matched', withoutHints: false });
  });

  it('stops at once when it is cancelled: no program is left running', async () => {
    const stop = new AbortController();
    // Stars that are none keep it busy.
    const noise = StarTable.of(200);
    noise.x.set(noise.x.map((_, i) => ((i * 0.618034) % 1) * width));
    noise.y.set(noise.y.map((_, i) => ((i * 0.754878 + 0.3) % 1) * height));
    const running = solve({ stars: noise, signal: stop.signal });
    await expect.poll(() => programs(), { timeout: 20_000 }).toContain('astrometry-engine');
    stop.abort();
    expect(await running).toMatchObject({ status: 'cancelled', solution: null });
    await expect.poll(() => programs(), { timeout: 20_000 }).toBe('');
    expect(await readdir(temporary)).toEqual([]);
  });

  it('stops at once as the second engine of auto, and the built-in one works afterwards', async () => {
    const stop = new AbortController();
    const noise = StarTable.of(200);
    noise.x.set(noise.x.map((_, i) => ((i * 0.618034) % 1) * width));
    noise.y.set(noise.y.map((_, i) => ((i * 0.754878 + 0.3) % 1) * height));
    const auto = engineNamed('auto');
    // Half of it is for the built-in one; the rest would be long.
    const hints = { scaleLow: 20, scaleHigh: 25 };
    const running = auto.solve({ frame: blank, stars: noise, hints, timeoutSeconds: 20, signal: stop.signal });
    await expect.poll(() => programs(), { timeout: 60_000 }).toContain('astrometry-engine');
    stop.abort();
    expect(await running).toMatchObject({ status: 'cancelled', solution: null });
    await expect.poll(() => programs(), { timeout: 20_000 }).toBe('');
    const next = await auto.solve({ frame: blank, stars: starsIn(upright), timeoutSeconds: 120 });
    expect(next).toMatchObject({ status: 'matched', engine: 'built-in' });
  });

  it('answers that it timed out, and that three stars are too few', async () => {
    const noise = StarTable.of(200);
    noise.x.set(noise.x.map((_, i) => ((i * 0.56984) % 1) * width));
    noise.y.set(noise.y.map((_, i) => ((i * 0.381966 + 0.1) % 1) * height));
    expect(await solve({ stars: noise, timeoutSeconds: 1.5 })).toMatchObject({ status: 'timed-out', solution: null });
    const few = await solve({ stars: starsIn(upright, 3) });
    expect(few).toMatchObject({ status: 'too-few-stars', stars: 3 });
    expect(few.reason).toContain('3 stars were found; a match takes 4 at the least.');
    const tiny = new Frame({ data: allocatePixels(3, 3, 1, 'u8'), width: 3, height: 3, pixelType: 'u8' });
    expect(await solve({ frame: tiny, stars: undefined })).toMatchObject({ status: 'too-few-stars', stars: 0 });
  });

  it('names the packages when there are no indices', async () => {
    const solver = solveFieldSolver({ indexFolder: temporary });
    await expect(solver.solve({ frame: blank, stars: starsIn(upright), timeoutSeconds: 10 })).rejects.toMatchObject({
      code: 'missing',
      message: expect.stringContaining('solve-field has no index files in'),
      remedy: 'Install them with: sudo apt install astrometry.net astrometry-data-tycho2',
    });
  });

  it('names the packages when it is not installed', async () => {
    const { PATH } = process.env;
    process.env.PATH = temporary;
    try {
      await expect(solve({ hints })).rejects.toMatchObject({
        code: 'missing',
        remedy: 'Install it with: sudo apt install astrometry.net astrometry-data-tycho2',
      });
    } finally {
      process.env.PATH = PATH;
    }
  });
});

/** The programs of ours that run: their command line names our folder. */
function programs(): string {
  const all = execFileSync('/bin/ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n');
  return all.filter((line) => line.includes(temporary)).join('\n');
}
