/**
 * Judges a candidate: refines the camera on more and more stars and weighs the match against chance (the model of Lang et al. 2010, AJ 139,
 * 1782, section 2.3), with the stars that made the candidate left out of the evidence.
 */
import type { Camera, Field } from './built-in-camera.ts';
import {
  type ImageStars,
  type Pairs,
  type Projected,
  pairsFor,
  pairUp,
  projectStars,
  step,
} from './built-in-refine.ts';
import { brightestAround, type Sky } from './built-in-sky.ts';

export interface Verdict {
  camera: Camera;
  /** Natural logarithm of the odds against chance. */
  logOdds: number;
  /** Pairs of stars that agree, and the root mean square of their distances, pixels. */
  pairs: number;
  rmsPixels: number;
}

/** Share of image stars that no catalogue knows: planets, hot pixels, galaxies. */
const distractors = 0.25;
/**
 * Stars of the sky and spots of a picture both come in crowds, so chance brings them together so much oftener than evenly strewn ones. A
 * lettering over a picture was matched by 77 such pairs.
 */
const crowding = 1.3;
/** Image stars that are looked at first, and at last. */
const [firstStars, mostStars] = [40, 150];
/** Stars of the catalogue in the circle around the picture, first and at last. */
const [firstReferences, mostReferences] = [120, 500];
/** No centroid and no catalogue is better than this, pixels. */
const leastSigma = 0.6;
/** Pairs within this many sigmas are kept. */
const keptSigmas = 3.5;
/** A candidate that has not even so much after the first look is dropped. */
const hopeless = 3;

export class Judge {
  private readonly pairs: Pairs = pairsFor(mostStars);
  private readonly projected: Projected = {
    count: 0,
    stars: new Uint32Array(mostReferences),
    x: new Float64Array(mostReferences),
    y: new Float64Array(mostReferences),
  };
  private readonly sky: Sky;
  private readonly field: Field;

  constructor(sky: Sky, field: Field) {
    this.sky = sky;
    this.field = field;
  }

  /**
   * @param image In the order of evidence, mirrored already where the candidate is.
   * @param hypothesis Image stars that made the candidate.
   * @param reach How far off the candidate may be, pixels.
   */
  judge(image: ImageStars, hypothesis: readonly number[], candidate: Camera, reach: number): Verdict | null {
    const first = this.settle(image, Math.min(firstStars, image.count), candidate, reach, firstReferences, 6);
    if (!first) return null;
    const early = this.weigh(image, Math.min(firstStars, image.count), hypothesis, first);
    if (early.logOdds < hopeless) return null;
    const count = Math.min(mostStars, image.count);
    const wanted = Math.min(mostReferences, Math.max(firstReferences, 4 * count));
    const second = this.settle(image, count, first.camera, Math.max(4 * first.sigma, 2), wanted, 4);
    if (!second) return early;
    const late = this.weigh(image, count, hypothesis, second);
    return late.logOdds > early.logOdds ? late : early;
  }

  /** Finds pairs and moves the camera, the reach shrinking to what the pairs scatter. */
  private settle(
    image: ImageStars,
    count: number,
    start: Camera,
    reach: number,
    references: number,
    rounds: number,
  ): { camera: Camera; sigma: number } | null {
    const { sky, field, pairs, projected } = this;
    const stars = this.around(start, references);
    let camera = start;
    let within = reach;
    let sigma = reach / 2;
    for (let round = 0; round < rounds; round++) {
      projectStars(camera, field, sky.catalogue.directions, stars, projected);
      pairUp(image, count, projected, projected.count, within, pairs);
      if (pairs.count < 5) return null;
      const next = step(camera, field, image, projected, pairs);
      if (!next) return null;
      camera = next;
      let sum = 0;
      for (let i = 0; i < pairs.count; i++) sum += pairs.squares[i]!;
      sigma = Math.max(leastSigma, Math.sqrt(sum / (2 * pairs.count)));
      within = Math.max(keptSigmas * leastSigma, Math.min(within * 0.75, keptSigmas * sigma));
    }
    return { camera, sigma };
  }

  private weigh(
    image: ImageStars,
    count: number,
    hypothesis: readonly number[],
    { camera }: { camera: Camera },
  ): Verdict {
    const { sky, field, pairs, projected } = this;
    let best: Verdict = { camera, logOdds: -Infinity, pairs: 0, rmsPixels: 0 };
    // How deep the picture goes is not known: few references and many are tried, which costs the odds a little.
    for (const depth of [0.6, 1.5, 4]) {
      const stars = this.around(camera, Math.min(mostReferences, Math.max(30, depth * 2 * count)));
      projectStars(camera, field, sky.catalogue.directions, stars, projected, 0);
      if (projected.count === 0) continue;
      pairUp(image, count, projected, projected.count, 8 * leastSigma, pairs);
      let sum = 0;
      let close = 0;
      for (let i = 0; i < pairs.count; i++)
        if (pairs.squares[i]! < (6 * leastSigma) ** 2) {
          sum += pairs.squares[i]!;
          close++;
        }
      const sigma = Math.max(leastSigma, Math.sqrt(sum / Math.max(1, 2 * close)));
      const verdict = this.sumEvidence(camera, count, hypothesis, sigma);
      verdict.logOdds -= Math.log(3);
      if (verdict.logOdds > best.logOdds) best = verdict;
    }
    return best;
  }

  private sumEvidence(camera: Camera, count: number, hypothesis: readonly number[], sigma: number): Verdict {
    const { field, pairs, projected } = this;
    const squares = new Float64Array(count).fill(-1);
    for (let i = 0; i < pairs.count; i++) squares[pairs.image[i]!] = pairs.squares[i]!;
    const variance = sigma * sigma;
    const chance = (crowding * projected.count) / (field.width * field.height);
    const peak = (1 - distractors) / (2 * Math.PI * variance * chance);
    let sum = 0;
    let most = 0;
    let close = 0;
    let scatter = 0;
    for (let i = 0; i < count; i++) {
      const square = squares[i]!;
      const near = square >= 0 && square < (keptSigmas * sigma) ** 2;
      if (near) {
        close++;
        scatter += square;
      }
      if (hypothesis.includes(i)) continue;
      sum += Math.log(distractors + (square >= 0 ? peak * Math.exp(-square / (2 * variance)) : 0));
      if (sum > most) most = sum;
    }
    return { camera, logOdds: most, pairs: close, rmsPixels: Math.sqrt(scatter / Math.max(1, close)) };
  }

  private around(camera: Camera, wanted: number): Uint32Array {
    const radius = Math.atan(this.field.halfDiagonal / camera.focalLength) * 1.02;
    return brightestAround(this.sky, camera.axes.slice(6), radius, wanted);
  }
}
