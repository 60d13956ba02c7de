/** The solve node on pictures of the whole sky: simulated fisheyes, and a script that stands in for solve-field and finds nothing. */
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Frame } from '../../../lib/frame/frame.ts';
import { closeSharedPool } from '../../../lib/kernels/pool.ts';
import { makeLens } from '../../../lib/sky/render/lens.ts';
import type { AllSkySolution } from '../../../lib/solve/all-sky-solution.ts';
import { projectionOf } from '../../../lib/solve/projection.ts';
import registerSolve from '../../../nodes/stars/astro-solve.ts';
import { smallFrame } from '../../night/small-frames.ts';
import { apart, height, night, picture, pixelDegrees, site, truthAt, width } from '../../solve/all-sky-sky.ts';
import { startImageFlow, stopImageFlow } from '../image/image-flow.ts';

const patient = { timeout: 240_000 };
const lens = makeLens(width, height, 'equidistant', 180, { altitudeDegrees: 87, azimuthDegrees: 30, rollDegrees: 10 });
const turnedLens = makeLens(width, height, 'equidistant', 180, {
  ...{ altitudeDegrees: 87, azimuthDegrees: 50, rollDegrees: 10 },
});
const minute = 60_000;
const northern = { latitude: String(site.latitude), longitude: String(site.longitude), elevation: '100' };

let userDir: string;
let programs: string;
const { PATH } = process.env;
beforeAll(async () => {
  programs = await mkdtemp(join(tmpdir(), 'nightflow-programs-'));
  await writeFile(join(programs, 'index-nothing.fits'), '');
  await writeFile(join(programs, 'solve-field'), '#!/bin/sh\ntrue\n');
  await chmod(join(programs, 'solve-field'), 0o755);
  process.env.PATH = `${programs}:${PATH}`;
});
beforeEach(async () => {
  userDir = await mkdtemp(join(tmpdir(), 'nightflow-user-'));
});
afterEach(async () => {
  await stopImageFlow();
  await rm(userDir, { recursive: true, force: true });
});
afterAll(async () => {
  process.env.PATH = PATH;
  await rm(programs, { recursive: true, force: true });
  await closeSharedPool();
});

const start = (config: Record<string, unknown> = {}) => {
  const solver = { engine: 'solve-field', indexFolder: programs, ...config };
  return startImageFlow(registerSolve, 'astro-solve', solver, { userDir }, northern);
};

describe('an all-sky fisheye', () => {
  it('is fitted on its first picture and kept; what follows is found again', patient, async () => {
    const flow = await start({ lens: 'all-sky' });
    const frame = picture(lens, night);
    flow.send('n', { frame });
    const first = await flow.sink('one').first();
    expect(first.payload).toMatchObject({ lens: 'all-sky', engine: 'all-sky', firstFit: true, confirmed: true });
    const solution = first.solution as AllSkySolution;
    expect(solution.matchedStars).toBeGreaterThan(100);
    expect(solution.parity).toBe('normal');
    expect(solution.widthDegrees).toBeGreaterThan(175);
    expect(apart(truthAt(lens, solution.zenith.x, solution.zenith.y), zenith)).toBeLessThan(0.6 * pixelDegrees);
    const { zenith: middle } = solution;
    const above = truthAt(lens, middle.x, middle.y - 60);
    expect(Math.abs(above.azimuthDegrees - solution.upAzimuthDegrees)).toBeLessThan(0.3);
    // No header holds a fisheye: none is written.
    expect((first.frame as Frame).keywords).toEqual(frame.keywords);
    expect(await readdir(join(userDir, 'nightflow', 'all-sky'))).toHaveLength(1);

    flow.send('n', { frame: picture(lens, night + minute) });
    const [, second] = await flow.sink('one').take(2);
    expect(second!.payload).toMatchObject({ firstFit: false, confirmed: true, fitted: solution.fitted });
    // A message is cloned on its way: functions would not survive, plain data does.
    const { ground } = projectionOf(structuredClone(second!.solution as AllSkySolution));
    expect(apart(truthAt(lens, 300, 600), ground!.placeOf({ x: 300, y: 600 })!)).toBeLessThan(0.6 * pixelDegrees);
  });

  it('under clouds leaves by output 2, with where it is taken to look', patient, async () => {
    const flow = await start({ lens: 'all-sky' });
    flow.send('n', { frame: picture(lens, night) });
    await flow.sink('one').first();
    const middle = new Date(night + minute).toISOString();
    flow.send('n', { frame: smallFrame(0, { width, height, camera: 'Roof', middle, site: null }) });
    const clouded = await flow.sink('two').first();
    expect(clouded).toMatchObject({ event: 'not-solved', solution: { kind: 'all-sky', confirmed: false } });
    expect((clouded.payload as { reason: string }).reason).toMatch(/stars/);
  });

  it('that was turned is fitted anew on request', patient, async () => {
    const flow = await start({ lens: 'all-sky' });
    flow.send('n', { frame: picture(lens, night) });
    await flow.sink('one').first();
    flow.send('n', { command: 'refit' });
    await flow.status('n', 'grey');
    flow.send('n', { frame: picture(turnedLens, night + minute) });
    const [, again] = await flow.sink('one').take(2);
    const { firstFit, turnedDegrees } = again!.payload as { firstFit: boolean; turnedDegrees: number };
    expect(firstFit).toBe(true);
    expect(turnedDegrees).toBeCloseTo(20, 0);
    expect((await flow.status('n', 'yellow')).text).toMatch(/^the camera was turned by (19|20)\.\d°: fitted anew/);
  });

  it('needs the time', async () => {
    const flow = await start({ lens: 'all-sky' });
    flow.send('n', { frame: smallFrame(0, { width: 64, height: 64, start: null, middle: null }) });
    expect((await flow.status('n', 'red')).text).toBe(
      'An all-sky picture is solved by the stars over its site, and this frame has no time. Capture sets it; in a file it is DATE-OBS, or the time of its EXIF tags.',
    );
  });

  it('needs the site', async () => {
    const flow = await start({ lens: 'all-sky', site: '' });
    flow.send('n', { frame: smallFrame(0, { width: 64, height: 64, site: null }) });
    expect((await flow.status('n', 'red')).text).toBe(
      'An all-sky picture is solved by the stars over its site, and nobody knows the site. Choose the site in this node.',
    );
  });
});

describe('a lens that nobody named', () => {
  it('is tried as a fisheye after no plane fitted, and is one from then on', patient, async () => {
    const flow = await start();
    flow.send('n', { frame: picture(lens, night) });
    expect((await flow.sink('one').first()).payload).toMatchObject({ lens: 'all-sky', firstFit: true });
    flow.send('n', { frame: picture(lens, night + minute) });
    const [, second] = await flow.sink('one').take(2);
    expect(second!.payload).toMatchObject({ lens: 'all-sky', firstFit: false });
  });

  it(
    'is one at once when the scale says how wide the picture is, and none when it says that it is narrow',
    patient,
    async () => {
      const flow = await start({ scaleArcseconds: '720' });
      flow.send('n', { frame: picture(lens, night) });
      expect((await flow.sink('one').first()).payload).toMatchObject({ lens: 'all-sky' });
      flow.send('n', { frame: picture(lens, night), scaleArcseconds: 10 });
      expect((await flow.sink('two').first()).payload).toMatchObject({ status: 'no-match', engine: 'solve-field' });
    },
  );
});

const zenith = { altitudeDegrees: 90, azimuthDegrees: 0 };
