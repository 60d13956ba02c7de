/** Whether a match is of the whole picture. One that was squashed, or laid together of two, matches the sky only in a part of it. */
import type { Field } from './built-in-camera.ts';
import { type ImageStars, type Pairs, type Projected, pairsFor, pairUp } from './built-in-refine.ts';

export interface Plausibility {
  /** Of the brightest stars of the picture, or of the catalogue's in the picture, the share that is matched, whichever is more. */
  share: number;
  /** How much longer pixels are one way than the other where that explains the picture better than square ones; else 0. */
  stretch: number;
}

/** Measured on 46 true solutions, 0.50 and 0.02, and on 60 pictures stretched by a tenth, mostly 0.30. */
const [leastShare, mostStretch] = [0.4, 0.03];
/**
 * Pixels, or part of the half diagonal, that matched stars may be off. The true ones had up to 1.2 pixels, a stretched picture that fits in its
 * middle 1.7 to 6. Smeared stars may be off more where nearly all of them are matched: a stretched picture never has that.
 */
const mostResidual = { pixels: 1.6, part: 0.001, loose: { share: 0.85, part: 0.005 } };
/** How many are the brightest. */
const brightest = 30;
/** What explains a picture better finds so many more pairs, or leaves so much less scatter. */
const [morePairs, lessScatter] = [1.15, 0.7];
const rounds = 8;
const leastReach = 2.5;

export function isPlausible(match: Plausibility & { residualPixels: number }, { halfDiagonal }: Field): boolean {
  const { share, stretch, residualPixels } = match;
  const { pixels, part, loose } = mostResidual;
  const most = share >= loose.share ? loose.part * halfDiagonal : Math.max(pixels, part * halfDiagonal);
  return share >= leastShare && stretch <= mostStretch && residualPixels <= Math.max(pixels, most);
}

/** Both lists are bright first. */
export const plausibilityOf = (image: ImageStars, sky: Projected, pairs: Pairs): Plausibility => ({
  share: shareOf(image, sky, pairs),
  stretch: stretchOf(image, sky, pairs),
});

function shareOf(image: ImageStars, sky: Projected, pairs: Pairs): number {
  const [ours, theirs] = [Math.min(brightest, image.count), Math.min(brightest, sky.count)];
  let [our, their] = [0, 0];
  for (let p = 0; p < pairs.count; p++) {
    if (pairs.image[p]! < ours) our++;
    if (pairs.star[p]! < theirs) their++;
  }
  return Math.max(our / ours, their / theirs);
}

/** Lets the stars of the sky move by any linear map, step by step, and looks whether more of them fall into place. */
function stretchOf(image: ImageStars, sky: Projected, given: Pairs): number {
  const before = scatterOf(given);
  const pairs = pairsFor(image.count);
  const moved: Projected = { ...sky, x: sky.x.slice(), y: sky.y.slice() };
  let map = mapOf(image, sky, given);
  for (let round = 0; round < rounds && map; round++) {
    for (let j = 0; j < sky.count; j++) {
      moved.x[j] = map.x[0]! * sky.x[j]! + map.x[1]! * sky.y[j]! + map.x[2]!;
      moved.y[j] = map.y[0]! * sky.x[j]! + map.y[1]! * sky.y[j]! + map.y[2]!;
    }
    const last = pairs.count > 0 ? scatterOf(pairs) : before;
    pairUp(image, image.count, moved, sky.count, Math.max(leastReach, 3.5 * Math.min(last, before)), pairs);
    map = mapOf(image, sky, pairs);
  }
  if (!map) return 0;
  if (pairs.count < given.count * morePairs && scatterOf(pairs) > before * lessScatter) return 0;
  return Math.hypot(map.x[0]! - map.y[1]!, map.x[1]! + map.y[0]!);
}

/** Standard deviation along an axis, pixels. */
export function scatterOf({ count, squares }: Pairs): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += squares[i]!;
  return Math.sqrt(sum / Math.max(1, 2 * count));
}

/** The linear map from where stars should be to where they are: factors of x and y, and a shift. Null without three stars off a line. */
function mapOf(image: ImageStars, sky: Projected, pairs: Pairs): { x: number[]; y: number[] } | null {
  const n = pairs.count;
  if (n < 4) return null;
  const [mx, my, mu, mv] = [sky.x, sky.y, image.x, image.y].map((values, k) => {
    let sum = 0;
    for (let p = 0; p < n; p++) sum += values[(k < 2 ? pairs.star : pairs.image)[p]!]!;
    return sum / n;
  }) as [number, number, number, number];
  let [xx, xy, yy, ux, uy, vx, vy] = [0, 0, 0, 0, 0, 0, 0];
  for (let p = 0; p < n; p++) {
    const [x, y] = [sky.x[pairs.star[p]!]! - mx, sky.y[pairs.star[p]!]! - my];
    const [u, v] = [image.x[pairs.image[p]!]! - mu, image.y[pairs.image[p]!]! - mv];
    xx += x * x;
    xy += x * y;
    yy += y * y;
    ux += u * x;
    uy += u * y;
    vx += v * x;
    vy += v * y;
  }
  const determinant = xx * yy - xy * xy;
  if (!(determinant > 1e-6 * xx * yy)) return null;
  const row = (alongX: number, alongY: number, mean: number) => {
    const [a, b] = [(alongX * yy - alongY * xy) / determinant, (alongY * xx - alongX * xy) / determinant];
    return [a, b, mean - a * mx - b * my];
  };
  return { x: row(ux, uy, mu), y: row(vx, vy, mv) };
}
