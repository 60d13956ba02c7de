/** What a person wants to know of a WCS: where it looks, how large, how turned. */
import type { Solution } from './solver.ts';
import {
  centreOf,
  extentOf,
  parityOf,
  rotationOf,
  type SkyPoint,
  scaleOf,
  separation,
  skyToPixel,
  type Wcs,
} from './wcs.ts';

/** A star of the picture and the star of the catalogue that it is. */
export interface MatchedStar extends SkyPoint {
  /** 0-based pixel centre from the top left. */
  x: number;
  y: number;
}

/** @param evidence What the engine says of the match; null for what it does not say. */
export function solutionOf(
  wcs: Wcs,
  evidence: Partial<Pick<Solution, 'matchedStars' | 'residualPixels' | 'residualArcsec' | 'logOdds'>> = {},
): Solution {
  return {
    wcs,
    ...centreOf(wcs),
    scale: scaleOf(wcs),
    rotationDegrees: rotationOf(wcs),
    parity: parityOf(wcs),
    ...extentOf(wcs),
    matchedStars: null,
    residualPixels: null,
    residualArcsec: null,
    logOdds: null,
    ...evidence,
  };
}

/** RMS distance of matched stars from where the WCS puts them; null without one. */
export function residualsOf(
  wcs: Wcs,
  stars: readonly MatchedStar[],
): { residualPixels: number | null; residualArcsec: number | null } {
  let sum = 0;
  let count = 0;
  for (const star of stars) {
    const pixel = skyToPixel(wcs, star);
    if (!pixel) continue;
    sum += (pixel.x - star.x) ** 2 + (pixel.y - star.y) ** 2;
    count++;
  }
  if (count === 0) return { residualPixels: null, residualArcsec: null };
  const residualPixels = Math.sqrt(sum / count);
  return { residualPixels, residualArcsec: residualPixels * scaleOf(wcs) };
}

/** Arcsec between where the picture looks and a point. */
export const offsetArcsec = (solution: SkyPoint, point: SkyPoint): number => separation(solution, point) * 3600;

/**
 * Between which scales the next picture of the same camera lies, arcsec per pixel. A wide picture has another scale in its middle than
 * on the whole, and solvers may mean either. @param margin As a part of it.
 */
export function scaleRange(
  { scale, widthDegrees, wcs }: Solution,
  margin: number,
): { scaleLow: number; scaleHigh: number } {
  const whole = (widthDegrees * 3600) / wcs.width;
  return { scaleLow: Math.min(scale, whole) * (1 - margin), scaleHigh: Math.max(scale, whole) * (1 + margin) };
}
