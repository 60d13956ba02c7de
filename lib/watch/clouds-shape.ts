/** Which sources are stars: those of the size and roundness that this camera's stars have. Edges of clouds and of the horizon are not. */
import { starFlag } from '../stars/star-table.ts';
import type { CountedStars } from './clouds-grid.ts';

export interface Shape {
  /** Median half-flux radius, pixels; 0 while unknown. */
  hfr: number;
  /** Part of the sources that are flagged as trails. */
  trails: number;
  eccentricity: number;
}

/** Times the usual radius that a star may have; the faint ones scatter. */
const widest = 2;
/** Rounder than this is no trail: sqrt(1 - (1/2.3)²). */
const longest = 0.9;
/** Where the usual star is longer than this, the exposures trail. */
const trailing = 0.8;
const sharperShare = 0.3;
/** A lens that drifts out of focus is followed so fast, seconds. */
const patience = 2 * 3600;

/** Whether a source counts as a star. */
export function isStar(stars: CountedStars, usual: Shape): (star: number) => boolean {
  const { hfr, eccentricity, flags } = stars;
  const round = usual.eccentricity < trailing && usual.trails < 0.3;
  const most = usual.hfr > 0 ? widest * usual.hfr : Number.POSITIVE_INFINITY;
  return (star) =>
    hfr[star]! <= most && (!round || (eccentricity[star]! < longest && (flags[star]! & starFlag.elongated) === 0));
}

/** The shape that is usual after one more frame. Sharper stars are believed at once: what clouds leave looks wider. */
export function learnShape(stars: CountedStars, usual: Shape, seconds: number): Shape {
  if (stars.count < 10) return usual;
  const hfr = medianOf(stars.hfr);
  const share = usual.hfr === 0 ? 1 : hfr < usual.hfr ? sharperShare : 1 - Math.exp(-seconds / patience);
  const trails = stars.flags.filter((flags) => (flags & starFlag.elongated) !== 0).length / stars.count;
  return {
    hfr: usual.hfr + share * (hfr - usual.hfr),
    trails: usual.trails + share * (trails - usual.trails),
    eccentricity: usual.eccentricity + share * (medianOf(stars.eccentricity) - usual.eccentricity),
  };
}

const medianOf = (values: Float32Array): number => {
  const sorted = Float32Array.from(values).sort();
  return sorted[sorted.length >> 1]!;
};
