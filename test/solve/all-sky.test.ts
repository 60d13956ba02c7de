import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Frame } from '../../lib/frame/frame.ts';
import { allocateShared } from '../../lib/kernels/memory.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { makeLens } from '../../lib/sky/render/lens.ts';
import { solveAllSky, trackAllSky } from '../../lib/solve/all-sky.ts';
import { type AllSkyCamera, directionOfPixel, pixelOfDirection } from '../../lib/solve/all-sky-camera.ts';
import { Overhead } from '../../lib/solve/all-sky-overhead.ts';
import { allSkySolution } from '../../lib/solve/all-sky-solution.ts';
import { AllSkyTracker } from '../../lib/solve/all-sky-tracker.ts';
import { projectionOf } from '../../lib/solve/projection.ts';
import { apart, height, middleOf, night, picture, pixelDegrees, site, truthAt, width } from './all-sky-sky.ts';
import { drawStrangers } from './drawn-fields.ts';

const timeoutSeconds = 150;
const patient = { timeout: 400_000 };

afterAll(closeSharedPool);

/** Middle, halfway out, three quarters out, and near the horizon. */
const looks = [
  [450, 450],
  [450, 250],
  [640, 500],
  [200, 300],
  [300, 700],
  [830, 420],
] as const;
const usual = makeLens(width, height, 'equidistant', 180, {
  altitudeDegrees: 86,
  azimuthDegrees: 210,
  rollDegrees: 35,
});
const request = (start: number, lens = usual, conditions = {}) => ({
  frame: picture(lens, start, conditions),
  ...{ site, milliseconds: middleOf(start), timeoutSeconds },
});

/** A lens cap. */
const blank = (side: number): Frame =>
  new Frame({ data: allocateShared(side * side), width: side, height: side, pixelType: 'u8' });

describe('a fisheye under the whole sky', () => {
  it('is solved from nothing, and confirmed later in the night without another look at the lens', patient, async () => {
    const { status, fit } = await solveAllSky(request(night));
    expect(status).toBe('matched');
    expect(fit!.matchedStars).toBeGreaterThan(100);
    expect(fit!.residualPixels).toBeLessThan(0.6);
    expect(fit!.share).toBeGreaterThan(0.8);
    expect(fit!.camera.mirrored).toBe(false);
    expect(fit!.camera.focalLength / usual.focalLength).toBeCloseTo(1, 2);
    const later = night + 2.5 * 3600_000;
    const tracked = await trackAllSky(request(later), fit!.camera);
    expect(tracked.status).toBe('matched');
    expect(tracked.fit!.camera.focalLength).toBe(fit!.camera.focalLength);
    for (const { camera, start } of [
      { camera: fit!.camera, start: night },
      { camera: tracked.fit!.camera, start: later },
    ]) {
      const solution = allSkySolution(fit!, { site, milliseconds: middleOf(start), fitted: '' });
      const { ground } = projectionOf({ ...solution, camera });
      for (const [x, y] of looks)
        expect(apart(truthAt(usual, x, y), ground!.placeOf({ x, y })!)).toBeLessThan(0.6 * pixelDegrees);
    }
  });

  it.each([
    ['equisolid', -0.042, { altitudeDegrees: 88, azimuthDegrees: 20, rollDegrees: 0 }],
    ['stereographic', 0.083, { altitudeDegrees: 75, azimuthDegrees: 300, rollDegrees: 120 }],
  ] as const)('is also understood when it is %s: the cubic term says so', patient, async (kind, cubic, pointing) => {
    const lens = makeLens(width, height, kind, 170, pointing);
    const { status, fit } = await solveAllSky(request(night, lens));
    expect(status).toBe('matched');
    // 2 sin (theta / 2) = theta (1 - theta²/24 ...), 2 tan (theta / 2) = theta (1 + theta²/12 ...).
    expect(Math.abs(fit!.camera.cubic - cubic)).toBeLessThan(0.03);
    const { ground } = projectionOf(allSkySolution(fit!, { site, milliseconds: middleOf(night), fitted: '' }));
    for (const [x, y] of looks)
      expect(apart(truthAt(lens, x, y), ground!.placeOf({ x, y })!)).toBeLessThan(pixelDegrees);
  });
});

describe('a camera over its nights', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nightflow-all-sky-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const key = { name: 'Roof / north', width, height };

  it(
    'is fitted once, kept over a restart, held under clouds, and fitted anew when it was turned',
    patient,
    async () => {
      const first = new AllSkyTracker(folder);
      expect(await first.knows(key)).toBe(false);
      expect((await first.solve(key, request(night))).first).toBe(true);
      expect(await readdir(folder)).toEqual([expect.stringMatching(/^Roof-north-[0-9a-f]{8}-900x900\.json$/)]);

      const again = new AllSkyTracker(folder);
      expect(await again.knows(key)).toBe(true);
      const minute = 60_000;
      const tracked = await again.solve(key, request(night + minute));
      expect(tracked).toMatchObject({ status: 'matched', first: false, unconfirmed: 0, solution: { confirmed: true } });

      const overcast = await again.solve(key, { ...request(night + 2 * minute), frame: blank(width) });
      expect(overcast.status).not.toBe('matched');
      expect(overcast).toMatchObject({ unconfirmed: 1, solution: { confirmed: false, matchedStars: 0 } });
      const apartPixels = Math.hypot(
        overcast.solution!.zenith.x - tracked.solution!.zenith.x,
        overcast.solution!.zenith.y - tracked.solution!.zenith.y,
      );
      expect(apartPixels).toBeLessThan(1);

      const turned = makeLens(width, height, 'equidistant', 180, {
        ...{ altitudeDegrees: 86, azimuthDegrees: 250, rollDegrees: 35 },
      });
      const second = await again.solve(key, request(night + 3 * minute, turned));
      expect(second).toMatchObject({ unconfirmed: 2, solution: { confirmed: false } });
      const third = await again.solve(key, request(night + 4 * minute, turned));
      expect(third).toMatchObject({ status: 'matched', first: true, unconfirmed: 0 });
      expect(third.turnedDegrees).toBeCloseTo(40, 0);
    },
  );

  it('whose file is damaged says which file to delete', async () => {
    const [name] = await readdir(folder);
    await writeFile(join(folder, name!), '{"version":1}');
    await expect(new AllSkyTracker(folder).knows(key)).rejects.toMatchObject({
      message: `${join(folder, name!)} is no fitted camera of ours.`,
      remedy: 'Delete the file: the camera is fitted anew on the next clear picture.',
    });
  });
});

describe('a camera with hardly a star to be told', () => {
  it('is confirmed by the light at their places, and not where it was turned', patient, async () => {
    const { fit } = await solveAllSky(request(night));
    const dim = request(night + 60_000, usual, { zenithMagnitude: 15.5 });
    const { status, reason } = await trackAllSky({ ...dim, list: none(dim.milliseconds) }, fit!.camera);
    expect(status).toBe('matched');
    expect(reason).toBe('The light of the brightest stars is where it must be.');
    for (const degrees of [5, 90, 200]) {
      const camera = turnedBy(fit!.camera, degrees);
      const turned = await trackAllSky({ ...dim, list: none(dim.milliseconds) }, camera);
      expect(turned.status).toBe('no-match');
    }
  });

  it('is fitted on several pictures where one alone has too few', patient, async () => {
    const times = [0, 1, 2, 3, 4].map((each) => night + each * 600_000);
    // One star in eight is seen, others on each picture.
    const thin = async (start: number, i: number) => {
      const { list } = await trackAllSky(request(start), (await first)!.camera);
      const kept = (values: Float32Array) => values.filter((_, star) => star % 8 === i % 8).subarray(0, 24);
      return { milliseconds: middleOf(start), stars: { x: kept(list!.stars.x), y: kept(list!.stars.y) } };
    };
    const first = solveAllSky(request(night)).then(({ fit }) => fit);
    const lists = await Promise.all(times.map(thin));
    const alone = await solveAllSky({ ...request(night), list: lists[0]! });
    expect(alone.status).toBe('no-match');
    const together = await solveAllSky({ ...request(night), list: lists[0]!, earlier: lists.slice(1) });
    expect(together.status).toBe('matched');
    expect(together.fit!.camera.focalLength / usual.focalLength).toBeCloseTo(1, 1);
  });
});

const none = (milliseconds: number) => ({ milliseconds, stars: { x: new Float32Array(0), y: new Float32Array(0) } });

function turnedBy(camera: AllSkyCamera, degrees: number): AllSkyCamera {
  const [sin, cos] = [Math.sin((degrees * Math.PI) / 180), Math.cos((degrees * Math.PI) / 180)];
  const axes = [0, 3, 6].flatMap((row) => {
    const [east, north, up] = [camera.axes[row]!, camera.axes[row + 1]!, camera.axes[row + 2]!];
    return [east * cos + north * sin, north * cos - east * sin, up];
  });
  return { ...camera, axes };
}

describe('what is no sky', () => {
  it('has too few stars, or none that fit', patient, async () => {
    const wide = { site, milliseconds: night, timeoutSeconds };
    const strangers = drawStrangers({ stars: 150, seed: 3 });
    const none = await solveAllSky({ ...wide, frame: strangers });
    expect(none).toMatchObject({ status: 'no-match', fit: null });
    const nowhere: AllSkyCamera = {
      ...{ width: 640, height: 480, x: 320, y: 240, focalLength: 160, cubic: 0, quintic: 0, mirrored: false },
      axes: [1, 0, 0, 0, -1, 0, 0, 0, 1],
    };
    expect((await trackAllSky({ ...wide, frame: strangers }, nowhere)).status).toBe('no-match');
    expect((await solveAllSky({ ...wide, frame: strangers, timeoutSeconds: 0.001 })).status).toBe('timed-out');
    expect((await solveAllSky({ ...wide, frame: strangers, signal: AbortSignal.abort() })).status).toBe('cancelled');
    for (const side of [3, 64])
      expect((await solveAllSky({ ...wide, frame: blank(side) })).status).toBe('too-few-stars');
  });
});

describe('the camera', () => {
  const camera: AllSkyCamera = {
    ...{ width, height, x: 440, y: 460, focalLength: 290, cubic: -0.03, quintic: 0.002, mirrored: true },
    axes: [0, 1, 0, -1, 0, 0, 0, 0, 1],
  };

  it('takes a direction to its pixel and back', () => {
    for (const [x, y] of looks) {
      const pixel = pixelOfDirection(camera, directionOfPixel(camera, { x, y })!)!;
      expect(pixel.x).toBeCloseTo(x, 6);
      expect(pixel.y).toBeCloseTo(y, 6);
    }
    expect(pixelOfDirection(camera, [0, 0, -1])).toBeNull();
    expect(directionOfPixel(camera, { x: 5000, y: 0 })).toBeNull();
  });
});

describe('the sky overhead', () => {
  it('takes a star to where it is seen and back, refraction included, down to the horizon', () => {
    const overhead = new Overhead(site, night);
    for (const [x, y, z] of [
      [0, 0, 1],
      [0.6, 0.64, Math.sqrt(1 - 0.36 - 0.4096)],
      [-0.8, 0.6, 0.001],
    ] as const) {
      const seen = overhead.seen(overhead.behind([x, y, z]));
      expect(Math.hypot(seen[0] - x, seen[1] - y, seen[2] - z)).toBeLessThan(1e-5);
    }
  });
});
