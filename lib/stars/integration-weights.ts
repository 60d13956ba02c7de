/** How much each frame counts in an integration. */
import type { Aligned } from './integration-align.ts';

/**
 * `quality`: (transparency / (noise x FWHM))², which makes the most of faint stars: their light stands in a disk of the FWHM's
 * width, on so much noise. `noise`: (transparency / noise)², the best for what is larger than the seeing. `equal`: all the same.
 */
export type Weighting = 'equal' | 'noise' | 'quality';

/** A frame that is so much better than the reference, or worse, is not believed. */
const most = 10;

/** Relative to the best frame, which has 1; what is not known counts as the median of those that know. */
export function weighFrames(frames: readonly Aligned[], weighting: Weighting): number[] {
  if (weighting === 'equal') return frames.map(() => 1);
  const values = frames.map(({ measurement, transparency }) => {
    const { noise, fwhm } = measurement ?? {};
    const width = weighting === 'quality' ? fwhm : 1;
    return noise && width ? ((transparency ?? 1) / (noise * width)) ** 2 : Number.NaN;
  });
  const known = values.filter(Number.isFinite).sort((a, b) => a - b);
  if (known.length === 0) return frames.map(() => 1);
  const middle = known[known.length >> 1]!;
  const bounded = values.map((value) =>
    Number.isFinite(value) ? Math.min(most, Math.max(1 / most, value / middle)) : 1,
  );
  const largest = Math.max(...bounded);
  return bounded.map((value) => value / largest);
}
