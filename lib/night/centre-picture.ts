/** A picture of slew and centre given to the solver: with what hints, and whether to believe the answer. */
import type { Frame } from '../frame/frame.ts';
import { asNightflowError, throwIfAborted } from '../process/errors.ts';
import { offsetArcsec, scaleRange } from '../solve/solution.ts';
import type { Solution, SolveHints, SolveResult } from '../solve/solver.ts';
import { pixelScale } from '../stars/pixel-scale.ts';
import type { CentreOptions } from './centre.ts';

/** After the first solution the scale is known this well. */
const solvedScaleMargin = 0.02;
/** A header's focal length is seldom better than this. */
const headerScaleMargin = 0.15;
const usualRadius = 10;
/** Solvers accept from 21 on, one in 10⁹; of all directions wrong, this is 10⁻¹³. */
const farLogOdds = 30;

/** That there is no solver, or that it broke, is an answer: the night goes on, and says so. @throws aborted */
export async function solvePicture(options: CentreOptions, frame: Frame, last: Solution | null): Promise<SolveResult> {
  const { solver, solveTimeoutSeconds = 30, signal } = options;
  try {
    return await solver.solve({
      frame,
      hints: hintsFor(options, frame, last),
      timeoutSeconds: solveTimeoutSeconds,
      signal,
    });
  } catch (thrown) {
    throwIfAborted(signal);
    const { message, remedy } = asNightflowError(thrown);
    const reason = remedy ? `${message} ${remedy}.` : message;
    const seconds = { detect: 0, search: 0, total: 0 };
    return {
      status: 'no-match',
      reason,
      solution: null,
      engine: solver.name,
      stars: null,
      withoutHints: false,
      seconds,
    };
  }
}

/** A sync to a chance match would turn the telescope to the ground: what is far from the hint must be beyond doubt. */
export function trusted(result: SolveResult, { mount, radiusDegrees = usualRadius }: CentreOptions): SolveResult {
  const { raDegrees, decDegrees } = mount.status();
  if (!result.solution || !result.withoutHints || raDegrees === null || decDegrees === null) return result;
  const degrees = offsetArcsec(result.solution, { raDegrees, decDegrees }) / 3600;
  if (degrees <= radiusDegrees || (result.solution.logOdds ?? 0) >= farLogOdds) return result;
  const reason = `A match ${degrees.toFixed(0)}° from where the mount points is too weak to be believed.`;
  return { ...result, status: 'no-match', solution: null, reason };
}

function hintsFor(options: CentreOptions, frame: Frame, last: Solution | null): SolveHints {
  const { mount, target, radiusDegrees = usualRadius } = options;
  const { raDegrees, decDegrees } = mount.status();
  const known = raDegrees !== null && decDegrees !== null;
  const place = known ? { raDegrees, decDegrees } : { raDegrees: target.raDegrees, decDegrees: target.decDegrees };
  const scale = options.scaleArcseconds ?? pixelScale(frame);
  const said = scale ? { scaleLow: scale * (1 - headerScaleMargin), scaleHigh: scale * (1 + headerScaleMargin) } : {};
  return {
    ...place,
    radiusDegrees,
    ...(last ? scaleRange(last, solvedScaleMargin) : said),
    ...(last ? { parity: last.parity } : {}),
  };
}
