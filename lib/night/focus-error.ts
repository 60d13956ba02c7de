/** How sure a frame's median HFR is, from the scatter of its own stars. */
import type { StarMeasurement } from '../stars/measurement.ts';

/** Of normal deviates: sigma over median absolute deviation, and the error of a median over that of a mean. */
const madToSigma = 1.4826;
const medianOverMean = 1.2533;
/** Where the stars are too few to say. */
const usualScatter = 0.15;

/** Standard error of `hfr`, pixels. Stars with a flag don't count. NaN without a HFR. */
export function hfrError({ hfr, measured, stars }: StarMeasurement): number {
  if (hfr === null) return Number.NaN;
  const flags = stars.flags;
  const deviations = [...stars.hfr]
    .filter((_, index) => flags[index] === 0)
    .map((each) => Math.abs(each - hfr))
    .sort((a, b) => a - b);
  const mad = deviations[deviations.length >> 1];
  const scatter = mad !== undefined && deviations.length >= 5 ? madToSigma * mad : usualScatter * hfr;
  return (medianOverMean * scatter) / Math.sqrt(Math.max(1, Math.min(measured, Math.max(1, deviations.length))));
}
