/** Hints as an engine can use them: what can't be is left out, since headers and messages say anything. */
import type { Solution, SolveHints } from './solver.ts';
import { separation } from './wcs.ts';

/** Arcsec per pixel: finer than any telescope, coarser than any fisheye. */
const [finest, coarsest] = [0.001, 36_000];

/** A position that is none of the sky, a radius or a scale that is no number, and a range of scales that is turned round are dropped. */
export function soundHints({
  raDegrees,
  decDegrees,
  radiusDegrees,
  scaleLow,
  scaleHigh,
  parity,
}: SolveHints = {}): SolveHints {
  const place = isNumber(raDegrees) && isNumber(decDegrees) && Math.abs(decDegrees) <= 90;
  const low = isScale(scaleLow) ? scaleLow : undefined;
  const high = isScale(scaleHigh) ? scaleHigh : undefined;
  const ordered = low === undefined || high === undefined || low <= high;
  return {
    ...(place
      ? { raDegrees: raDegrees >= 0 && raDegrees < 360 ? raDegrees : ((raDegrees % 360) + 360) % 360, decDegrees }
      : {}),
    ...(place && isNumber(radiusDegrees) && radiusDegrees > 0 ? { radiusDegrees: Math.min(180, radiusDegrees) } : {}),
    ...(ordered && low !== undefined ? { scaleLow: low } : {}),
    ...(ordered && high !== undefined ? { scaleHigh: high } : {}),
    ...(parity === 'normal' || parity === 'mirrored' ? { parity } : {}),
  };
}

/** A wide picture has another scale in its middle than on the whole: so much beside a hint's range is not wrong yet. */
const scaleSlack = 1.05;

/** Whether a solution lies outside of what the hints said. @param usualRadius Degrees, of a place without a radius. */
export function contradict(hints: SolveHints, solution: Solution, usualRadius: number): boolean {
  const { raDegrees, decDegrees, radiusDegrees = usualRadius, scaleLow = 0, scaleHigh = Infinity, parity } = hints;
  const hasPlace = raDegrees !== undefined && decDegrees !== undefined;
  const away = hasPlace ? separation(solution, { raDegrees, decDegrees }) : 0;
  const isScaleWrong = solution.scale < scaleLow / scaleSlack || solution.scale > scaleHigh * scaleSlack;
  return away > radiusDegrees || isScaleWrong || (parity !== undefined && parity !== solution.parity);
}

const isNumber = (value: number | undefined): value is number => Number.isFinite(value);
const isScale = (value: number | undefined): value is number => isNumber(value) && value >= finest && value <= coarsest;
