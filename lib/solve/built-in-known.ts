/** Hints in the terms of the search: a direction, an angle, focal lengths. */
import type { Field } from './built-in-camera.ts';
import { type Known, nothingKnown } from './built-in-plan.ts';
import type { SolveHints } from './solver.ts';

const degrees = Math.PI / 180;
const arcsecPerRadian = (180 * 3600) / Math.PI;

export function knownOf(field: Field, hints: SolveHints): Known {
  const { raDegrees, decDegrees, radiusDegrees = 180, scaleLow, scaleHigh } = hints;
  const anything = nothingKnown(field);
  const has = raDegrees !== undefined && decDegrees !== undefined && radiusDegrees < 180;
  const inPlane = has ? Math.cos(decDegrees * degrees) : 0;
  return {
    direction: has
      ? Float64Array.of(
          inPlane * Math.cos(raDegrees * degrees),
          inPlane * Math.sin(raDegrees * degrees),
          Math.sin(decDegrees * degrees),
        )
      : null,
    radius: has ? Math.max(radiusDegrees, 0.05) * degrees : Math.PI,
    shortest: scaleHigh !== undefined && scaleHigh > 0 ? arcsecPerRadian / scaleHigh : anything.shortest,
    longest: scaleLow !== undefined && scaleLow > 0 ? arcsecPerRadian / scaleLow : anything.longest,
  };
}
