import { afterAll, describe, expect, it } from 'vitest';
import { Frame } from '../../lib/frame/frame.ts';
import { allocateShared } from '../../lib/kernels/memory.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { anglesOf, apply, icrsToHorizon, transpose } from '../../lib/sky/coordinates.ts';
import { type Lens, makeLens, unproject } from '../../lib/sky/render/lens.ts';
import { renderScene } from '../../lib/sky/render/render.job.ts';
import type { Scene } from '../../lib/sky/render/scene.ts';
import { solveAllSky, trackAllSky } from '../../lib/solve/all-sky.ts';
import { type AllSkyCamera, allSkyPixel, allSkyPoint, turnedWithTheSky } from '../../lib/solve/all-sky-camera.ts';
import { builtInSolver, closeBuiltInSolver } from '../../lib/solve/built-in.ts';
import { separation } from '../../lib/solve/wcs.ts';
import { drawStrangers } from './drawn-fields.ts';

const [width, height] = [900, 900];
const site = { latitude: 69.65, longitude: 18.96, elevation: 100 };
const night = Date.UTC(2024, 2, 14, 21);
const timeoutSeconds = 150;
const patient = { timeout: 400_000 };

afterAll(async () => {
  await closeBuiltInSolver();
  await closeSharedPool();
});

/** A fisheye that looks almost up, on a still and clear night. */
function picture(lens: Lens, startMilliseconds: number): Frame {
  const scene: Scene = {
    ...{ seed: 4, site, startMilliseconds, exposureSeconds: 8, kind: 'light', lens, fNumber: 1.8, gain: 4, offset: 0 },
    temperatureCelsius: -5,
    sensor: {
      ...{ width, height, pixelSizeMicrometres: 6, bayer: null, bitsPerSample: 16, blackLevel: 500 },
      ...{ fullWellElectrons: 60_000, readNoiseElectrons: 4, readNoiseFloorElectrons: 2 },
      ...{ darkElectronsPerSecond: 0.1, darkDoublingCelsius: 6, hotPixelsPerMillion: 20, quantumEfficiency: 0.6 },
    },
    conditions: {
      ...{ zenithMagnitude: 21.5, seeingArcseconds: 3, defocusPixels: 0, cloudCover: 0 },
      ...{ windMetresPerSecond: 0, windAzimuthDegrees: 0, auroraLevel: 0, meteorsPerHour: 0, satellitesPerHour: 0 },
      ...{ aeroplanesPerHour: 0, milkyWay: false, landscape: false },
    },
  };
  const { data, blackLevel, whiteLevel } = renderScene(scene);
  return new Frame({ data, width, height, pixelType: 'u16', blackLevel, whiteLevel });
}

/** Degrees between where a pixel looks by the renderer and by the solved camera. */
function offAt(camera: AllSkyCamera, lens: Lens, milliseconds: number, x: number, y: number): number {
  const horizon = new Float64Array(3);
  unproject(lens, x, y, horizon);
  const toSky = transpose(icrsToHorizon(site, milliseconds));
  const { longitudeDegrees, latitudeDegrees } = anglesOf(apply(toSky, [horizon[0]!, horizon[1]!, horizon[2]!]));
  const truth = { raDegrees: (longitudeDegrees + 360) % 360, decDegrees: latitudeDegrees };
  return separation(truth, allSkyPoint(camera, { x, y }));
}

/** Middle, halfway out and three quarters out; refraction, which the camera does not know, is a sixth of a pixel there. */
const looks = [
  [450, 450],
  [450, 250],
  [640, 500],
  [200, 300],
  [300, 700],
] as const;
const pixelDegrees = 0.2;

describe('a fisheye under the whole sky', () => {
  const lens = makeLens(width, height, 'equidistant', 180, {
    altitudeDegrees: 86,
    azimuthDegrees: 210,
    rollDegrees: 35,
  });

  it('is solved from nothing, and followed through the night', patient, async () => {
    const result = await solveAllSky({ frame: picture(lens, night), timeoutSeconds });
    expect(result.status).toBe('matched');
    const { camera, matchedStars, residualPixels, share } = result.solution!;
    expect(matchedStars).toBeGreaterThan(60);
    expect(residualPixels).toBeLessThan(1);
    expect(share).toBeGreaterThan(0.7);
    expect(camera.mirrored).toBe(false);
    expect(Math.abs(camera.cubic)).toBeLessThan(0.01);
    expect(camera.focalLength / lens.focalLength).toBeCloseTo(1, 2);
    for (const [x, y] of looks) expect(offAt(camera, lens, night + 4000, x, y)).toBeLessThan(0.6 * pixelDegrees);

    const later = 2.5 * 3600;
    const tracked = await trackAllSky({ frame: picture(lens, night + later * 1000), timeoutSeconds }, camera, later);
    expect(tracked.status).toBe('matched');
    expect(tracked.solution!.camera.focalLength).toBe(camera.focalLength);
    for (const [x, y] of looks)
      expect(offAt(tracked.solution!.camera, lens, night + later * 1000 + 4000, x, y)).toBeLessThan(0.6 * pixelDegrees);
  });

  it('of another kind shows in the cubic term', patient, async () => {
    const equisolid = makeLens(width, height, 'equisolid', 180, {
      altitudeDegrees: 88,
      azimuthDegrees: 20,
      rollDegrees: 0,
    });
    const { status, solution } = await solveAllSky({ frame: picture(equisolid, night), timeoutSeconds });
    expect(status).toBe('matched');
    // 2 sin(theta / 2) = theta (1 - theta² / 24 + ...).
    expect(solution!.camera.cubic).toBeGreaterThan(-0.05);
    expect(solution!.camera.cubic).toBeLessThan(-0.03);
    for (const [x, y] of looks)
      expect(offAt(solution!.camera, equisolid, night + 4000, x, y)).toBeLessThan(pixelDegrees);
  });
});

describe('a rectilinear lens under the same sky', () => {
  it('is solved as a flat picture, refraction and aberration of the light aside', patient, async () => {
    const lens = makeLens(width, height, 'rectilinear', 36, {
      altitudeDegrees: 70,
      azimuthDegrees: 120,
      rollDegrees: 50,
    });
    const { status, solution } = await builtInSolver().solve({ frame: picture(lens, night), timeoutSeconds });
    expect(status).toBe('matched');
    expect(solution!.widthDegrees).toBeCloseTo(36, 1);
    const horizon = new Float64Array(3);
    unproject(lens, 449.5, 449.5, horizon);
    const up = apply(transpose(icrsToHorizon(site, night + 4000)), [horizon[0]!, horizon[1]!, horizon[2]!]);
    const { longitudeDegrees, latitudeDegrees } = anglesOf(up);
    // Half a pixel is 0.02 degrees; refraction at 70 degrees of altitude and aberration are 0.006 each.
    expect(separation({ raDegrees: longitudeDegrees, decDegrees: latitudeDegrees }, solution!)).toBeLessThan(0.03);
  });
});

describe('what is no sky', () => {
  it('has too few stars, or none that fit', patient, async () => {
    const few = await solveAllSky({ frame: drawStrangers({ stars: 8, seed: 2 }), timeoutSeconds });
    expect(few).toMatchObject({ status: 'too-few-stars', solution: null });
    const strangers = drawStrangers({ stars: 150, seed: 3 });
    const none = await solveAllSky({ frame: strangers, timeoutSeconds: 2 });
    expect(none.solution).toBeNull();
    const nowhere: AllSkyCamera = {
      ...{ width: 640, height: 480, x: 320, y: 240, focalLength: 160, cubic: 0, mirrored: false },
      axes: [1, 0, 0, 0, 1, 0, 0, 0, 1],
    };
    expect((await trackAllSky({ frame: strangers, timeoutSeconds }, nowhere, 60)).status).toBe('no-match');
    expect((await solveAllSky({ frame: strangers, timeoutSeconds, signal: AbortSignal.abort() })).status).toBe(
      'cancelled',
    );
    const blank = new Frame({ data: allocateShared(64 * 64), width: 64, height: 64, pixelType: 'u8' });
    expect((await solveAllSky({ frame: blank, timeoutSeconds })).status).toBe('too-few-stars');
  });
});

describe('the camera', () => {
  const camera: AllSkyCamera = {
    ...{ width, height, x: 440, y: 460, focalLength: 290, cubic: -0.03, mirrored: true },
    axes: [0, 1, 0, 0, 0, -1, -1, 0, 0],
  };

  it('takes a point to its pixel and back', () => {
    for (const [x, y] of looks) {
      const pixel = allSkyPixel(camera, allSkyPoint(camera, { x, y }))!;
      expect(pixel.x).toBeCloseTo(x, 6);
      expect(pixel.y).toBeCloseTo(y, 6);
    }
    expect(allSkyPixel(camera, { raDegrees: 0, decDegrees: 0 })).toBeNull();
  });

  it('sees the same stars a sidereal day later', () => {
    const later = turnedWithTheSky(camera, 86_164.0905);
    for (const [i, each] of later.axes.entries()) expect(each).toBeCloseTo(camera.axes[i]!, 5);
    const hour = turnedWithTheSky(camera, 3600);
    const [now, then] = [camera, hour].map((each) => allSkyPoint(each, { x: 440, y: 460 }));
    expect((then!.raDegrees - now!.raDegrees + 360) % 360).toBeCloseTo(15.041, 3);
    expect(then!.decDegrees).toBeCloseTo(now!.decDegrees, 9);
  });
});
