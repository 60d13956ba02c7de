/** Finds how one star field lies on another: guesses, the best of them refined, and a verdict on whether it can be chance. */
import { type Matrix, multiplyMatrices } from '../frame/matrix.ts';
import { NightflowError } from '../process/errors.ts';
import { fitPairs, leastPairs, type Pairs, residuals, weigh } from './register-fit.ts';
import { brightest, choosePoints, PointGrid, type Points, type Size } from './register-points.ts';
import { guessSimilarities, type Similarity } from './register-triangles.ts';
import { judge, logChance, pairUp, soundHomography } from './register-verdict.ts';
import type { StarTable } from './star-table.ts';

export interface MatchOptions {
  /** Of the reference. */
  size: Size;
  /** Of the moving frame. */
  movingSize: Size;
  model: 'similarity' | 'homography' | 'auto';
  maximumScaleChange: number;
  maximumResidualPixels: number;
  allowMirrored: boolean;
}

export interface FieldMatch {
  matrix: number[];
  model: 'similarity' | 'homography';
  matched: number;
  residualPixels: number;
}

/** Fewer stars could lie on each other by chance. */
export const fewestStars = 5;
/** Stars of each field that the fit may stand on. */
const fittedStars = 1500;
/** Numbers of the brightest stars that are tried, one after the other: the bright ones are in both fields most surely. */
const levels = [20, 50, 120, 300];
/** Stars that a guess is first tried on, and how near they must come, pixels. */
const quickStars = 100;
const quickRadius = 4;
/** After so many stars, a guess that has brought none together, or a small part of what it must beat, is given up. */
const hopelessStars = 20;
const hopelessPart = 0.4;
/** Guesses of a level that are looked at closely. */
const finalists = 6;
/** Natural logarithm of how often chance alone does as well among all guesses of a level: above this, a guess is not worth a fit. */
const plausible = -1;
/** A homography has four more unknowns: its variance ratio (F) is above this by chance once in 100,000 times, with many stars. */
const significantF = 7.5;
/** And below this gain, pixels rms, it is not worth them. */
const worthwhileGain = 0.01;

/** @throws rejected with the reason when the fields do not match. */
export function matchFields(moving: StarTable, reference: StarTable, options: MatchOptions): FieldMatch {
  const theirs = choosePoints(reference, options.size, fittedStars);
  const ours = choosePoints(moving, options.movingSize, fittedStars);
  for (const [points, whose] of [
    [ours, 'The frame'],
    [theirs, 'The reference frame'],
  ] as const)
    if (points.count < fewestStars)
      throw new NightflowError(
        'rejected',
        `${whose} has ${points.count === 0 ? 'no' : `only ${points.count}`} usable stars; ${fewestStars} are needed to align by.`,
      );
  try {
    return matchPoints(ours, theirs, options);
  } catch (error) {
    if (!options.allowMirrored) throw error;
    const upsideDown = { ...ours, y: ours.y.map((y) => -y) };
    const { matrix, ...match } = matchPoints(upsideDown, theirs, options);
    return { ...match, matrix: multiplyMatrices(matrix, [1, 0, 0, 0, -1, 0, 0, 0, 1]) };
  }
}

function matchPoints(moving: Points, reference: Points, options: MatchOptions): FieldMatch {
  const grid = new PointGrid(reference, 6);
  let tried = 1;
  let why = 'The stars of the frame do not match those of the reference frame.';
  const most = Math.max(moving.count, reference.count);
  for (const [i, level] of levels.entries()) {
    if (i > 0 && levels[i - 1]! >= most) break;
    const ours = brightest(moving, level);
    const theirs = brightest(reference, level);
    const guesses = guessSimilarities(ours, theirs, 1 + options.maximumScaleChange);
    tried += guesses.length;
    const quick = brightest(ours, quickStars);
    const area = options.size.width * options.size.height;
    const chance = Math.min(0.5, (theirs.count * Math.PI * quickRadius ** 2) / area);
    for (const { guess, hits } of bestGuesses(guesses, quick, new PointGrid(theirs, quickRadius))) {
      if (logChance(quick.count - 3, hits - 3, chance) + Math.log(guesses.length) > plausible) continue;
      const match = refine(matrixOf(guess), moving, reference, grid, options);
      const verdict = match && judge(match, moving, reference, tried, options);
      if (verdict === null && match) return match;
      if (verdict) why = verdict;
    }
  }
  throw new NightflowError('rejected', why);
}

const matrixOf = ({ a, b, c, d }: Similarity): Matrix => [a, -b, c, b, a, d, 0, 0, 1];

interface Scored {
  guess: Similarity;
  hits: number;
}

/** Those under which most of the bright stars meet one of the reference. */
function bestGuesses(guesses: readonly Similarity[], points: Points, grid: PointGrid): Scored[] {
  const best: Scored[] = [];
  for (const guess of guesses) {
    const { a, b, c, d } = guess;
    let hits = 0;
    const wanted = best.length === finalists ? best.at(-1)!.hits : 0;
    for (let i = 0; i < points.count; i++) {
      if (i % hopelessStars === 0 && i > 0 && (hits === 0 || hits * points.count < hopelessPart * wanted * i)) break;
      const [x, y] = [points.x[i]!, points.y[i]!];
      if (grid.nearest(a * x - b * y + c, b * x + a * y + d, quickRadius) >= 0) hits++;
    }
    if (best.length === finalists && hits <= best.at(-1)!.hits) continue;
    // The same answer from another triangle is not another finalist.
    const twin = best.findIndex(({ guess: other }) => alike(guess, other));
    if (twin >= 0) {
      if (best[twin]!.hits >= hits) continue;
      best.splice(twin, 1);
    }
    best.push({ guess, hits });
    best.sort((p, q) => q.hits - p.hits);
    if (best.length > finalists) best.pop();
    if (hits >= 15 && hits > 0.7 * points.count) break;
  }
  return best;
}

const alike = (p: Similarity, q: Similarity): boolean =>
  Math.hypot(p.a - q.a, p.b - q.b) < 0.01 && Math.hypot(p.c - q.c, p.d - q.d) < 20;

/** The guess fitted to all stars that it brings together; null when they are too few. */
function refine(
  guess: Matrix,
  moving: Points,
  reference: Points,
  grid: PointGrid,
  { model, size, movingSize }: MatchOptions,
): FieldMatch | null {
  const settle = (kind: 'similarity' | 'homography', start: Matrix): { matrix: Matrix; pairs: Pairs } | null => {
    let matrix = start;
    let radius = 6;
    let before = -1;
    for (let round = 0; round < 6; round++) {
      const pairs = pairUp(moving, grid, matrix, radius);
      if (pairs.count < leastPairs[kind]) return null;
      matrix = fitPairs(kind, moving, reference, pairs, matrix);
      const errors = residuals(moving, reference, pairs, matrix).sort();
      const narrower = Math.max(1, Math.min(radius, 4 * (errors[pairs.count >> 1]! / 1.1774)));
      if (narrower > 0.95 * radius && pairs.count === before) break;
      before = pairs.count;
      radius = narrower;
    }
    const pairs = pairUp(moving, grid, matrix, radius);
    return pairs.count >= leastPairs[kind] ? { matrix, pairs } : null;
  };
  const similar = settle('similarity', guess);
  if (!similar) return null;
  const answer = (kind: 'similarity' | 'homography', { matrix, pairs }: { matrix: Matrix; pairs: Pairs }) => ({
    matrix: [...matrix],
    model: kind,
    matched: pairs.count,
    residualPixels: rootMeanSquare(residuals(moving, reference, pairs, matrix)),
  });
  if (model === 'similarity') return answer('similarity', similar);
  const projective = settle('homography', similar.matrix);
  const sound = projective && soundHomography(projective.matrix, similar.matrix, movingSize, size) ? projective : null;
  if (model === 'homography') return sound && answer('homography', sound);
  if (!sound || sound.pairs.count < 20) return answer('similarity', similar);
  // Both fitted to the same pairs, those under the homography: the similarity may have lost the corners.
  const { pairs } = sound;
  const other = fitPairs('similarity', moving, reference, pairs, similar.matrix);
  const weights = new Float64Array(pairs.count);
  weigh(moving, reference, pairs, sound.matrix, weights);
  const [simple, better] = [other, sound.matrix].map((matrix) => residuals(moving, reference, pairs, matrix)) as [
    Float64Array,
    Float64Array,
  ];
  const weighted = (errors: Float64Array) => errors.reduce((sum, error, i) => sum + weights[i]! * error * error, 0);
  const f = ((weighted(simple) / weighted(better) - 1) * (2 * pairs.count - 8)) / 4;
  const gain = rootMeanSquare(simple) - rootMeanSquare(better);
  return f > significantF && gain > worthwhileGain ? answer('homography', sound) : answer('similarity', similar);
}

const rootMeanSquare = (values: Float64Array): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / Math.max(1, values.length));
