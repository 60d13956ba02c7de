/** Hints as an engine can use them: what can't be is left out, since headers and messages say anything. */
import type { SolveHints } from './solver.ts';

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

const isNumber = (value: number | undefined): value is number => Number.isFinite(value);
const isScale = (value: number | undefined): value is number => isNumber(value) && value >= finest && value <= coarsest;
