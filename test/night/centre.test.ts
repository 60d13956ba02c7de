/** Slew and centre on a mount that errs in known ways, with a camera and a solver that see where it truly points. */
import { describe, expect, it } from 'vitest';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { allocatePixels, Frame } from '../../lib/frame/frame.ts';
import { type CentreMount, type CentreStep, slewAndCentre } from '../../lib/night/centre.ts';
import { turnedAlong } from '../../lib/night/centre-turn.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import { offsetArcsec, solutionOf } from '../../lib/solve/solution.ts';
import type { SolveRequest, SolveResult, Solver } from '../../lib/solve/solver.ts';
import type { SkyPoint, Wcs } from '../../lib/solve/wcs.ts';

const target = { name: 'M 31', raDegrees: 10.6847, decDegrees: 41.2688 };
const frame = new Frame({ data: allocatePixels(16, 12, 1, 'u16'), width: 16, height: 12, pixelType: 'u16' });

interface Faults {
  /** What its axes are off by, degrees; a sync takes it away. */
  pointing?: SkyPoint;
  /** What the driver's coordinates are off by, degrees; no sync takes it away. */
  coordinates?: SkyPoint;
  refusesSync?: boolean;
  /** Doesn't move by less, arcsec. */
  stiction?: number;
  blindPictures?: number;
}

const plus = (a: SkyPoint, b: SkyPoint): SkyPoint => ({
  raDegrees: a.raDegrees + b.raDegrees,
  decDegrees: a.decDegrees + b.decDegrees,
});
const minus = (a: SkyPoint, b: SkyPoint) => plus(a, { raDegrees: -b.raDegrees, decDegrees: -b.decDegrees });

function observatory(faults: Faults = {}) {
  const none = { raDegrees: 0, decDegrees: 0 };
  const { pointing = none, coordinates = none } = faults;
  let synced = none;
  let axes = none;
  let reported = none;
  const log: string[] = [];
  const requests: SolveRequest[] = [];
  const exposures: number[] = [];
  const truth = (): SkyPoint => plus(axes, pointing);
  const mount: CentreMount = {
    slew: async (place) => {
      log.push('slew');
      const aim = plus(minus(place, synced), coordinates);
      if (offsetArcsec(aim, axes) > (faults.stiction ?? 0)) axes = aim;
      reported = place;
    },
    sync: async (place) => {
      log.push('sync');
      if (faults.refusesSync) throw new NightflowError('rejected', 'No sync here.');
      synced = minus(place, axes);
      reported = place;
    },
    status: () => reported,
  };
  const camera = {
    expose: async ({ exposureSeconds }: { exposureSeconds: number }) => {
      exposures.push(exposureSeconds);
      return frame;
    },
  };
  const solver: Solver = {
    name: 'truth',
    solve: async (request): Promise<SolveResult> => {
      requests.push(request);
      const blind = requests.length <= (faults.blindPictures ?? 0);
      const rest = { engine: 'truth', stars: 20, withoutHints: false, seconds: { detect: 0, search: 0, total: 0 } };
      if (blind) return { status: 'no-match', reason: 'Nothing but clouds.', solution: null, ...rest };
      const s = 2 / 3600;
      const wcs: Wcs = { width: 16, height: 12, x: 7.5, y: 5.5, ...truth(), cd: [[-s, 0], [0, -s]], sip: null }; // biome-ignore format: a matrix
      return { status: 'matched', reason: '', solution: solutionOf(wcs), ...rest };
    },
  };
  return { mount, camera, solver, log, requests, exposures, truth };
}

const centre = (world: ReturnType<typeof observatory>, more: Partial<Parameters<typeof slewAndCentre>[0]> = {}) =>
  slewAndCentre({
    ...world,
    target,
    exposureSeconds: 2,
    toleranceArcsec: 5,
    settleSeconds: 0,
    clock: new RehearsalClock(Date.UTC(2026, 10, 21), Number.POSITIVE_INFINITY),
    ...more,
  });

describe('slew and centre', () => {
  it('is done with one picture when the mount points well', async () => {
    const world = observatory();
    expect(await centre(world)).toMatchObject({ status: 'centred', attempts: 1, coordinateFaultArcsec: null });
    expect(world.log).toEqual(['slew']);
  });

  it('takes a pointing error away with one sync', async () => {
    const world = observatory({ pointing: { raDegrees: 0.4, decDegrees: -0.3 } });
    const steps: CentreStep[] = [];
    const result = await centre(world, { onStep: (step) => steps.push(step) });
    expect(result).toMatchObject({ status: 'centred', attempts: 2 });
    expect(result.errorArcsec).toBeLessThan(0.1);
    expect(result.measured.map(({ correction }) => correction)).toEqual(['sync', 'none']);
    expect(world.log).toEqual(['slew', 'sync', 'slew']);
    expect(steps.map(({ event }) => event)).toEqual(
      'slewing exposing solving measured syncing slewing exposing solving measured'.split(' '),
    );
  });

  it('corrects what a sync leaves: coordinates of the driver that are 12" off', async () => {
    const world = observatory({
      pointing: { raDegrees: 0.4, decDegrees: -0.3 },
      coordinates: { raDegrees: 0, decDegrees: 12.3 / 3600 },
    });
    const result = await centre(world);
    expect(result).toMatchObject({ status: 'centred', attempts: 3 });
    expect(result.coordinateFaultArcsec).toBeCloseTo(12.3, 1);
    expect(result.reason).toContain('INDI before 2.2.2');
    expect(offsetArcsec(world.truth(), target)).toBeLessThan(0.1);
  });

  it('moves the commanded place where a sync is refused', async () => {
    const world = observatory({ pointing: { raDegrees: 0.8, decDegrees: 0.5 }, refusesSync: true });
    const result = await centre(world);
    expect(result.status).toBe('centred');
    expect(result.measured[0]!.correction).toBe('offset');
    expect(world.log.filter((each) => each === 'sync')).toHaveLength(1);
    expect(offsetArcsec(world.truth(), target)).toBeLessThan(5);
  });

  it('says so when the mount does not come closer', async () => {
    const world = observatory({ pointing: { raDegrees: 0, decDegrees: 20 / 3600 }, refusesSync: true, stiction: 100 });
    const result = await centre(world);
    expect(result).toMatchObject({ status: 'not-converged', attempts: 2 });
    expect(result.reason).toBe(
      'The mount does not come closer: 20.0" off, and 20.0" after the correction. Backlash, slipping clutches, or wind?',
    );
  });

  it('says how far it is off when the tries are over', async () => {
    const world = observatory({ pointing: { raDegrees: 1, decDegrees: 0 } });
    const result = await centre(world, { tries: 1 });
    expect(result).toMatchObject({ status: 'not-converged', attempts: 1 });
    expect(result.reason).toContain("45.1' off the target after 1 picture.");
  });

  it('goes on uncalibrated when the stars are not recognised, after a second picture with twice the light', async () => {
    const world = observatory({ blindPictures: 9 });
    const result = await centre(world);
    expect(result).toMatchObject({ status: 'uncalibrated', attempts: 2, errorArcsec: null, solution: null });
    expect(result.reason).toBe('The stars were not recognised: Nothing but clouds.');
    expect(world.exposures).toEqual([2, 4]);
  });

  it('takes the second picture as the first where the camera has no longer exposure', async () => {
    const world = observatory({ blindPictures: 1 });
    const taken: number[] = [];
    const expose = async ({ exposureSeconds }: { exposureSeconds: number }) => {
      if (exposureSeconds > 2) throw new NightflowError('bad-input', 'It takes 2 s at the most.');
      taken.push(exposureSeconds);
      return frame;
    };
    expect(await centre({ ...world, camera: { expose } })).toMatchObject({ status: 'centred', attempts: 2 });
    expect(taken).toEqual([2, 2]);
  });

  it('goes on uncalibrated when there is no solver', async () => {
    const solver: Solver = {
      name: 'solve-field',
      solve: () => Promise.reject(new NightflowError('missing', 'It is not installed.', { remedy: 'Install it' })),
    };
    const result = await centre({ ...observatory(), solver });
    expect(result.reason).toBe('The stars were not recognised: It is not installed. Install it.');
  });

  it('hints at where the mount believes to point, and at the scale and parity that it has seen', async () => {
    const world = observatory({ pointing: { raDegrees: 0.4, decDegrees: -0.3 } });
    await centre(world, { scaleArcseconds: 2.1, radiusDegrees: 4 });
    expect(world.requests[0]!.hints).toMatchObject({
      raDegrees: target.raDegrees,
      radiusDegrees: 4,
      scaleLow: expect.closeTo(1.785),
      scaleHigh: expect.closeTo(2.415),
    });
    expect(world.requests[1]!.hints).toMatchObject({ scaleLow: expect.closeTo(1.96), parity: 'normal' });
  });

  it('does not believe a weak match far from where the mount points', async () => {
    const world = observatory({ pointing: { raDegrees: 0, decDegrees: -60 } });
    const far = (logOdds: number | null): Solver => ({
      name: 'truth',
      solve: async (request) => {
        const result = await world.solver.solve(request);
        return { ...result, withoutHints: true, solution: { ...result.solution!, logOdds } };
      },
    });
    const weak = await centre({ ...world, solver: far(22) });
    expect(weak).toMatchObject({ status: 'uncalibrated', errorArcsec: null });
    expect(weak.reason).toContain('A match 60° from where the mount points is too weak to be believed.');
    expect(world.log).not.toContain('sync');
    expect(await centre({ ...world, solver: far(200) })).toMatchObject({ status: 'centred' });
  });

  it('centres a star where its proper motion has taken it', async () => {
    const world = observatory();
    // 61 Cygni (Gaia DR3): 4.1″ a year east, 3.3″ north; since 2016.
    const cygni = {
      raDegrees: 316.7485,
      decDegrees: 38.7642,
      properMotionRaMas: 4164,
      properMotionDecMas: 3250,
      epochYear: 2016,
    };
    const result = await centre(world, { target: cygni });
    expect(result.status).toBe('centred');
    // 10.9 years: 45″ and 35″.
    expect(offsetArcsec(world.truth(), cygni)).toBeCloseTo(57.6, 0);
  });

  it('stops with its signal', async () => {
    const stop = new AbortController();
    const world = observatory();
    const expose = async () => {
      stop.abort();
      return frame;
    };
    await expect(centre({ ...world, camera: { expose } }, { signal: stop.signal })).rejects.toMatchObject({
      code: 'aborted',
    });
  });

  it('refuses a tolerance of nothing', () =>
    expect(centre(observatory(), { toleranceArcsec: 0 })).rejects.toMatchObject({ code: 'bad-input' }));
});

describe('the turn of a commanded place', () => {
  it('is right beside the pole, where degrees of right ascension mean nothing', () => {
    const from = { raDegrees: 200, decDegrees: 89.9 };
    const to = { raDegrees: 20, decDegrees: 89.8 };
    const moved = turnedAlong(from, { from, to });
    expect(offsetArcsec(moved, to)).toBeLessThan(1e-6);
  });
});
