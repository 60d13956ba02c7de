/**
 * Guesses how one star field lies on another: triangles of stars that lie near each other, compared by the ratios of their sides
 * (after Groth 1986 and Valdes et al. 1995), each pair of like triangles being one guess at shift, turn and scale.
 */
import type { Points } from './register-points.ts';

/** x' = a x − b y + c, y' = b x + a y + d. */
export interface Similarity {
  a: number;
  b: number;
  c: number;
  d: number;
}

interface Triangles {
  count: number;
  /** Stars opposite to the longest, the middle and the shortest side. */
  stars: Int32Array;
  longest: Float64Array;
  /** Middle and shortest side over the longest. */
  middle: Float64Array;
  shortest: Float64Array;
  clockwise: Uint8Array;
}

/** Neighbours of a star of which any two make a triangle with it. */
const neighbours = 8;
/** Up to this many stars, all triangles are made. */
const fewStars = 14;
/** A side may differ by this much, pixels: noise of the centroids and distortion of the optics. */
const sideTolerance = 1.6;
const largestTolerance = 0.02;
/** Triangles with a shorter side are made of blends. */
const shortestSide = 6;
/** Height over the longest side: flatter ones have no sense of direction. */
const flattest = 0.03;
/** More guesses than this come from fields that say nothing. */
const maximumGuesses = 20_000;

/** All guesses, in no order. @param scaleChange Largest change of scale, as a factor (1.15). */
export function guessSimilarities(moving: Points, reference: Points, scaleChange: number): Similarity[] {
  const ours = trianglesOf(moving);
  const theirs = trianglesOf(reference);
  // The plane of both ratios in cells of the largest tolerance.
  const side = Math.ceil(1 / largestTolerance) + 1;
  const cell = (value: number) => Math.floor(value / largestTolerance);
  const heads = new Int32Array(side * side);
  const next = new Int32Array(theirs.count);
  for (let i = 0; i < theirs.count; i++) {
    const at = cell(theirs.middle[i]!) * side + cell(theirs.shortest[i]!);
    next[i] = heads[at]!;
    heads[at] = i + 1;
  }
  const guesses: Similarity[] = [];
  for (let i = 0; i < ours.count; i++) {
    const [middle, shortest, longest] = [ours.middle[i]!, ours.shortest[i]!, ours.longest[i]!];
    const tolerance = Math.min(largestTolerance, sideTolerance / longest);
    for (let m = cell(middle - tolerance); m <= cell(middle + tolerance) && m < side; m++)
      for (let s = Math.max(0, cell(shortest - tolerance)); s <= cell(shortest + tolerance) && s < side; s++)
        for (let at = heads[m * side + s]!; at > 0; at = next[at - 1]!) {
          const j = at - 1;
          if (Math.abs(theirs.middle[j]! - middle) > tolerance) continue;
          if (Math.abs(theirs.shortest[j]! - shortest) > tolerance) continue;
          if (theirs.clockwise[j] !== ours.clockwise[i]) continue;
          const scale = theirs.longest[j]! / longest;
          if (scale > scaleChange + tolerance || scale < 1 / scaleChange - tolerance) continue;
          guesses.push(similarityOf(moving, reference, ours.stars, 3 * i, theirs.stars, 3 * j));
          if (guesses.length >= maximumGuesses) return guesses;
        }
  }
  return guesses;
}

/** Least squares through three pairs of stars. */
function similarityOf(
  from: Points,
  to: Points,
  fromStars: Int32Array,
  i: number,
  toStars: Int32Array,
  j: number,
): Similarity {
  let [x, y, u, v] = [0, 0, 0, 0];
  for (let k = 0; k < 3; k++) {
    x += from.x[fromStars[i + k]!]! / 3;
    y += from.y[fromStars[i + k]!]! / 3;
    u += to.x[toStars[j + k]!]! / 3;
    v += to.y[toStars[j + k]!]! / 3;
  }
  let [dot, cross, squares] = [0, 0, 0];
  for (let k = 0; k < 3; k++) {
    const p = from.x[fromStars[i + k]!]! - x;
    const q = from.y[fromStars[i + k]!]! - y;
    const r = to.x[toStars[j + k]!]! - u;
    const s = to.y[toStars[j + k]!]! - v;
    dot += p * r + q * s;
    cross += p * s - q * r;
    squares += p * p + q * q;
  }
  const a = dot / squares;
  const b = cross / squares;
  return { a, b, c: u - a * x + b * y, d: v - b * x - a * y };
}

function trianglesOf(points: Points): Triangles {
  const corners = points.count <= fewStars ? everyThree(points.count) : nearThrees(points);
  const most = corners.length / 3;
  const triangles: Triangles = {
    count: 0,
    stars: new Int32Array(3 * most),
    longest: new Float64Array(most),
    middle: new Float64Array(most),
    shortest: new Float64Array(most),
    clockwise: new Uint8Array(most),
  };
  const { x, y } = points;
  const distance = (i: number, j: number) => Math.hypot(x[i]! - x[j]!, y[i]! - y[j]!);
  for (let t = 0; t < most; t++) {
    let [i, j, k] = [corners[3 * t]!, corners[3 * t + 1]!, corners[3 * t + 2]!];
    let [oppositeI, oppositeJ, oppositeK] = [distance(j, k), distance(i, k), distance(i, j)];
    // Three comparisons sort by the opposite side, longest first.
    if (oppositeI < oppositeJ) [i, j, oppositeI, oppositeJ] = [j, i, oppositeJ, oppositeI];
    if (oppositeJ < oppositeK) [j, k, oppositeJ, oppositeK] = [k, j, oppositeK, oppositeJ];
    if (oppositeI < oppositeJ) [i, j, oppositeI, oppositeJ] = [j, i, oppositeJ, oppositeI];
    const cross = (x[j]! - x[i]!) * (y[k]! - y[i]!) - (y[j]! - y[i]!) * (x[k]! - x[i]!);
    if (oppositeK < shortestSide || Math.abs(cross) < flattest * oppositeI * oppositeI) continue;
    const n = triangles.count++;
    triangles.stars.set([i, j, k], 3 * n);
    triangles.longest[n] = oppositeI;
    triangles.middle[n] = oppositeJ / oppositeI;
    triangles.shortest[n] = oppositeK / oppositeI;
    triangles.clockwise[n] = cross > 0 ? 1 : 0;
  }
  return triangles;
}

function everyThree(count: number): number[] {
  const corners: number[] = [];
  for (let i = 0; i < count; i++)
    for (let j = i + 1; j < count; j++) for (let k = j + 1; k < count; k++) corners.push(i, j, k);
  return corners;
}

/** Each star with every two of its nearest neighbours, no triangle twice. */
function nearThrees(points: Points): number[] {
  const { count, x, y } = points;
  const seen = new Set<number>();
  const corners: number[] = [];
  const near = new Int32Array(neighbours);
  const squares = new Float64Array(neighbours);
  for (let i = 0; i < count; i++) {
    let held = 0;
    for (let j = 0; j < count; j++) {
      const square = (x[j]! - x[i]!) ** 2 + (y[j]! - y[i]!) ** 2;
      if (j === i || (held === neighbours && square >= squares[held - 1]!)) continue;
      let at = held < neighbours ? held++ : held - 1;
      for (; at > 0 && squares[at - 1]! > square; at--) {
        squares[at] = squares[at - 1]!;
        near[at] = near[at - 1]!;
      }
      squares[at] = square;
      near[at] = j;
    }
    for (let m = 0; m < held; m++)
      for (let n = m + 1; n < held; n++) {
        const [p, q, r] = [i, near[m]!, near[n]!].sort((a, b) => a - b) as [number, number, number];
        const key = (p * count + q) * count + r;
        if (seen.has(key)) continue;
        seen.add(key);
        corners.push(p, q, r);
      }
  }
  return corners;
}
