/** Is a fitted all-sky camera right? The odds that so many of the brightest stars of the sky lie on stars of the picture by chance. */
import type { AllSkyCamera } from './all-sky-camera.ts';
import { type Epoch, match, scatter, starsWithin } from './all-sky-fit.ts';
import type { Pairs } from './built-in-refine.ts';

export interface AllSkyFit {
  camera: AllSkyCamera;
  matchedStars: number;
  /** RMS. */
  residualPixels: number;
  /** Of the brightest stars that the camera must see, the share that it does: small under clouds. */
  share: number;
  /** Natural logarithm of the odds against a chance match. */
  logOdds: number;
}

const degrees = Math.PI / 180;
/** The brightest of the sky that should be seen, and of the picture that they may be. Near the horizon there are trees and haze. */
const [expectedStars, imageStars, clearSky] = [60, 200, 65 * degrees];
const wholeSky = 82 * degrees;
/** Strangers scatter evenly over the reach: half of it along an axis. */
const mostScatter = 0.38;

/** @param epochs The picture that is judged first: its matches and residual are told. All count for the odds. */
export function judge(epochs: readonly Epoch[], camera: AllSkyCamera): AllSkyFit {
  const reach = Math.max(1.5, camera.focalLength * 0.006);
  const area = (camera.focalLength * clearSky) ** 2;
  let [expected, found, inside] = [0, 0, 0];
  const lists = epochs.map(({ sky, stars }) => {
    const bright = starsWithin(stars, camera, clearSky, imageStars);
    const { seen, pairs } = match(sky, bright, camera, clearSky, reach);
    const brightest = Math.min(expectedStars, seen.count);
    for (let p = 0; p < pairs.count; p++) if (pairs.star[p]! < brightest) found++;
    expected += brightest;
    inside += Math.max(3, bright.count);
    return pairs;
  });
  const chance = Math.min(0.5, 1 - Math.exp((-inside * reach ** 2) / area / epochs.length));
  const wide = sharpest(epochs[0]!, camera, reach);
  return {
    camera,
    matchedStars: wide.count,
    residualPixels: Math.SQRT2 * scatter([wide]),
    share: found / Math.max(1, expected),
    logOdds: scatter(lists) > mostScatter * reach ? 0 : -logTail(expected, found, chance),
  };
}

/** The pairs without those that are strangers: the reach follows the scatter. */
function sharpest({ sky, stars }: Epoch, camera: AllSkyCamera, reach: number): Pairs {
  let { pairs } = match(sky, stars, camera, wholeSky, reach);
  for (let round = 0; round < 3; round++) {
    const within = Math.min(reach, Math.max(1, 3.5 * scatter([pairs])));
    pairs = match(sky, stars, camera, wholeSky, within).pairs;
  }
  return pairs;
}

/** Natural logarithm of the probability of `least` or more out of `trials`. */
function logTail(trials: number, least: number, chance: number): number {
  if (least <= 0) return 0;
  let term = 0;
  for (let i = 1; i <= least; i++) term += Math.log((trials - least + i) / i);
  term += least * Math.log(chance) + (trials - least) * Math.log1p(-chance);
  let sum = 0;
  let ratio = 1;
  for (let k = least; k <= trials && ratio > 1e-12; k++) {
    sum += ratio;
    ratio *= ((trials - k) / (k + 1)) * (chance / (1 - chance));
  }
  return Math.min(0, term + Math.log(sum));
}
