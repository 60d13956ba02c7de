/**
 * Slew and centre: slew, expose, solve, tell the mount where it truly points, and again, until the picture's middle is the target.
 * A sync comes first. Where it is refused, or does not bring the mount there, the commanded place is moved instead: drivers built on
 * libindi before 2.2.2 reduce to J2000 with a wrong nutation, so that sync and slew alone never come closer than 4 to 14".
 */
import type { Camera } from '../camera/camera.ts';
import type { Clock } from '../clock/clock.ts';
import type { Frame } from '../frame/frame.ts';
import { asNightflowError, NightflowError, throwIfAborted } from '../process/errors.ts';
import { type EquatorialPlace, placeOfDate, placeOfJ2000 } from '../sky/coordinates-date.ts';
import { offsetArcsec } from '../solve/solution.ts';
import type { Solution, Solver } from '../solve/solver.ts';
import type { SkyPoint } from '../solve/wcs.ts';
import { solvePicture, trusted } from './centre-picture.ts';
import { turnedAlong } from './centre-turn.ts';
import { centred, spoken, stuck, unrecognised } from './centre-words.ts';

/** What of a mount is needed: `IndiMount` is one. */
export interface CentreMount {
  /** J2000 degrees; done when it is there and tracks. */
  slew(place: EquatorialPlace, signal?: AbortSignal): Promise<void>;
  /** @throws rejected, unsupported: then the correction is made in the commanded place. */
  sync(place: EquatorialPlace, signal?: AbortSignal): Promise<void>;
  /** Where it believes to point, J2000 degrees. */
  status(): { raDegrees: number | null; decDegrees: number | null };
}

export interface CentreOptions {
  mount: CentreMount;
  camera: Pick<Camera, 'expose'>;
  solver: Solver;
  target: EquatorialPlace & { name?: string };
  exposureSeconds: number;
  gain?: number;
  /** How far the middle of the picture may be from the target; 60 if not given. */
  toleranceArcsec?: number;
  /** Pictures at the most; 5 if not given. */
  tries?: number;
  /** How far from where the mount believes to point is looked first, degrees; 10 if not given. */
  radiusDegrees?: number;
  /** For one picture; 30 if not given. */
  solveTimeoutSeconds?: number;
  /** Arcsec per pixel where it is known; as the frame's header says when not given. */
  scaleArcseconds?: number | null;
  /** After a slew, before the exposure; 1 if not given. */
  settleSeconds?: number;
  clock: Clock;
  signal?: AbortSignal;
  onStep?: (step: CentreStep) => void;
}

export interface CentreStep {
  event: 'slewing' | 'exposing' | 'solving' | 'measured' | 'not-recognised' | 'syncing' | 'sync-refused' | 'correcting';
  /** Which picture, from 1. */
  attempt: number;
  tries: number;
  /** From the middle of the picture to the target, where it was measured. */
  errorArcsec?: number;
  /** Of the picture, when there is one. */
  frame?: Frame;
  solution?: Solution;
  reason?: string;
}

export type CentreStatus =
  /** The picture says that the target is in its middle, within the tolerance. */
  | 'centred'
  /** The stars were recognised, but the error stayed above the tolerance. */
  | 'not-converged'
  /** The stars were not recognised: the mount stands where it believes the target to be. */
  | 'uncalibrated';

export interface CentreResult {
  status: CentreStatus;
  /** A sentence for a person. */
  reason: string;
  /** Last measured; null when no picture was recognised. */
  errorArcsec: number | null;
  /** Of each recognised picture, and what followed from it. */
  measured: readonly { errorArcsec: number; correction: 'none' | 'sync' | 'offset' }[];
  /** Pictures taken. */
  attempts: number;
  /** After a sync the mount said that it was on the target, and was this far from it: the fault of its coordinates; null when not seen. */
  coordinateFaultArcsec: number | null;
  /** The last picture that was solved, and the last that was taken. */
  solution: Solution | null;
  frame: Frame | null;
}

/** The error has to shrink at least to this part of the one before. */
const converging = 0.7;

/** @throws bad-input, aborted; what the mount and the camera throw. That the stars are not recognised is a result. */
export async function slewAndCentre(options: CentreOptions): Promise<CentreResult> {
  const { mount, target, toleranceArcsec = 60, tries = 5, settleSeconds = 1, clock, signal } = options;
  if (!(toleranceArcsec > 0) || !(tries >= 1) || !(options.exposureSeconds > 0))
    throw new NightflowError('bad-input', 'The tolerance, the number of tries and the exposure must be above zero.');
  const step = (event: CentreStep['event'], more: Partial<CentreStep> = {}) =>
    options.onStep?.({ event, attempt: Math.max(1, attempts), tries, ...more });

  const goal = placeNow(target, clock.now());
  let attempts = 0;
  let command: EquatorialPlace = goal;
  let canSync = true;
  let frame: Frame | null = null;
  let solution: Solution | null = null;
  let coordinateFaultArcsec: number | null = null;
  let lastRefusal = '';
  const measured: { errorArcsec: number; correction: 'none' | 'sync' | 'offset' }[] = [];
  const answer = (status: CentreStatus, reason: string): CentreResult => ({
    status,
    reason,
    errorArcsec: measured.at(-1)?.errorArcsec ?? null,
    measured,
    attempts,
    coordinateFaultArcsec,
    solution,
    frame,
  });
  const goThere = async () => {
    step('slewing');
    await mount.slew(command, signal);
    if (settleSeconds > 0) await clock.sleep(settleSeconds * 1000, signal);
  };

  await goThere();
  while (attempts < tries) {
    attempts++;
    step('exposing');
    frame = await takePicture(options, { twiceTheLight: lastRefusal !== '' });
    step('solving', { frame });
    const result = trusted(await solvePicture({ ...options, target: goal }, frame, solution), options);
    throwIfAborted(signal);
    if (!result.solution) {
      step('not-recognised', { reason: result.reason, frame });
      if (lastRefusal || attempts === tries)
        return answer('uncalibrated', unrecognised(result.reason, measured.length));
      lastRefusal = result.reason;
      continue;
    }
    lastRefusal = '';
    solution = result.solution;
    const errorArcsec = offsetArcsec(solution, goal);
    const before = measured.at(-1);
    step('measured', { errorArcsec, frame, solution });
    if (
      before?.correction === 'sync' &&
      errorArcsec > toleranceArcsec &&
      believesItIsThere(mount, command, toleranceArcsec)
    )
      coordinateFaultArcsec = errorArcsec;
    measured.push({ errorArcsec, correction: 'none' });
    if (errorArcsec <= toleranceArcsec) return answer('centred', centred(errorArcsec, coordinateFaultArcsec));
    if (before?.correction === 'offset' && errorArcsec > before.errorArcsec * converging)
      return answer('not-converged', stuck(before.errorArcsec, errorArcsec));
    if (attempts === tries) break;

    // One sync is enough: what is left after it, another would leave again.
    if (canSync && !measured.some(({ correction }) => correction === 'sync')) {
      step('syncing', { errorArcsec });
      canSync = await tellWhere(mount, solution, signal);
      if (canSync) measured.at(-1)!.correction = 'sync';
      else step('sync-refused', { errorArcsec });
    }
    if (measured.at(-1)!.correction === 'none') {
      command = turnedAlong(command, { from: solution, to: goal });
      measured.at(-1)!.correction = 'offset';
      step('correcting', { errorArcsec });
    }
    await goThere();
  }
  return answer(
    'not-converged',
    `${spoken(measured.at(-1)!.errorArcsec)} off the target after ${attempts} ${attempts === 1 ? 'picture' : 'pictures'}.`,
  );
}

/** What was not recognised gets twice the light, where the camera can. */
async function takePicture(options: CentreOptions, { twiceTheLight }: { twiceTheLight: boolean }): Promise<Frame> {
  const { camera, exposureSeconds, gain, signal } = options;
  const expose = (factor: number) =>
    camera.expose({ exposureSeconds: exposureSeconds * factor, ...(gain === undefined ? {} : { gain }) }, signal);
  if (!twiceTheLight) return expose(1);
  return expose(2).catch((thrown) => {
    if (asNightflowError(thrown).code !== 'bad-input') throw thrown;
    return expose(1);
  });
}

/** Where a star with a proper motion stands tonight, in J2000 coordinates: the picture shows it there. */
function placeNow(target: EquatorialPlace, milliseconds: number): EquatorialPlace {
  if (!target.properMotionRaMas && !target.properMotionDecMas) return target;
  return placeOfJ2000(placeOfDate(target, milliseconds), milliseconds);
}

/** @returns false when the mount can't or won't. */
async function tellWhere(
  mount: CentreMount,
  { raDegrees, decDegrees }: SkyPoint,
  signal?: AbortSignal,
): Promise<boolean> {
  try {
    await mount.sync({ raDegrees, decDegrees }, signal);
    return true;
  } catch (thrown) {
    const { code } = asNightflowError(thrown);
    if (code === 'rejected' || code === 'unsupported') return false;
    throw thrown;
  }
}

function believesItIsThere(mount: CentreMount, command: SkyPoint, toleranceArcsec: number): boolean {
  const { raDegrees, decDegrees } = mount.status();
  if (raDegrees === null || decDegrees === null) return false;
  return offsetArcsec({ raDegrees, decDegrees }, command) < Math.max(toleranceArcsec, 5);
}
