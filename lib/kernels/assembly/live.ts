/**
 * A running weighted mean with rejection, for frames that come one by one. The brightest value of each pixel is held back until a
 * brighter one comes or the picture is asked for, and is then tested like any other: so what flashed through the first frames
 * (a satellite, an aeroplane) meets a mean and a scatter that it is not part of.
 */

/** Frames that the scatter expected from the picture's noise counts for beside the pixel's own. */
const priorFrames: f32 = 4;
/** Stars and their seeing scatter by a part of their height above the sky. */
const starScatter: f32 = 0.1;
/** Winsorising: values are pulled in to this many sigma, which shrinks the variance of normal noise by 1.286 (1.134 squared). */
const winsorSigma: f32 = 1.5;
const winsorFactor: f32 = 1.286;
/** A mean of fewer frames than this gives way to a value that lies far below it. */
const youngFrames: f32 = 2.5;

/** Square of the scatter to expect of a new value. */
// @ts-ignore: decorator
@inline
function variance(mean: v128, weight: v128, squares: v128, frameWeight: f32, noise2: f32, sky: f32): v128 {
  const excess = f32x4.mul(f32x4.max(f32x4.sub(mean, f32x4.splat(sky)), f32x4.splat(0)), f32x4.splat(starScatter));
  const expected = f32x4.add(f32x4.mul(excess, excess), f32x4.splat(noise2));
  const prior = priorFrames * frameWeight;
  return f32x4.div(
    f32x4.add(squares, f32x4.mul(expected, f32x4.splat(prior))),
    f32x4.add(weight, f32x4.splat(prior)),
  );
}

/** All ones where a value lies outside of the mean's limits; the mean's own uncertainty widens them. */
// @ts-ignore: decorator
@inline
function outlying(offset: v128, weight: v128, variance: v128, frameWeight: f32, low: f32, high: f32): v128 {
  const positive = f32x4.gt(offset, f32x4.splat(0));
  const limit = v128.bitselect(f32x4.splat(high * high), f32x4.splat(low * low), positive);
  const widened = f32x4.add(f32x4.splat(1), f32x4.div(f32x4.splat(frameWeight), weight));
  const beyond = f32x4.gt(f32x4.mul(offset, offset), f32x4.mul(f32x4.mul(limit, variance), widened));
  return v128.and(beyond, f32x4.gt(weight, f32x4.splat(0)));
}

/**
 * Adds `count` samples (a multiple of 4; NaN is none) of weight `weight` after adding `offset` to each. `means` … `heldWeights` point to
 * the state: mean, weight, weighted sum of squares, value held back and its weight (0: none). `frameWeight`: mean weight of the frames,
 * `noise2` the variance of the sky's noise in one frame, `sky` its level; `low`, `high` limits in sigma. Answers how many were rejected.
 */
export function liveAdd(
  samples: usize,
  count: i32,
  means: usize,
  weights: usize,
  squares: usize,
  held: usize,
  heldWeights: usize,
  offset: f32,
  weight: f32,
  frameWeight: f32,
  noise2: f32,
  sky: f32,
  low: f32,
  high: f32,
  winsorise: bool,
): i32 {
  const zero = f32x4.splat(0);
  let rejected = 0;
  for (let at: usize = 0, end = <usize>count << 2; at < end; at += 16) {
    const value = f32x4.add(v128.load(samples + at), f32x4.splat(offset));
    const valid = f32x4.eq(value, value);
    const h = v128.load(held + at);
    const hw = v128.load(heldWeights + at);
    const swap = v128.and(valid, v128.or(f32x4.le(hw, zero), f32x4.gt(value, h)));
    v128.store(held + at, v128.bitselect(value, h, swap));
    v128.store(heldWeights + at, v128.bitselect(f32x4.splat(weight), hw, swap));
    let w = v128.bitselect(hw, v128.and(f32x4.splat(weight), valid), swap);
    const m = v128.load(means + at);
    const wm = v128.load(weights + at);
    const q = v128.load(squares + at);
    const x = v128.bitselect(v128.bitselect(h, value, swap), m, f32x4.gt(w, zero));
    const d = f32x4.sub(x, m);
    const s2 = variance(m, wm, q, frameWeight, noise2, sky);
    const out = v128.and(outlying(d, wm, s2, frameWeight, low, high), f32x4.gt(w, zero));
    rejected += popcnt(i32x4.bitmask(out));
    // What disturbs a picture is bright: far below a mean of one or two values, it is these that were disturbed.
    const young = f32x4.lt(wm, f32x4.splat(youngFrames * frameWeight));
    const anew = v128.and(v128.and(out, young), f32x4.lt(d, zero));
    w = v128.andnot(w, v128.andnot(out, anew));
    const total = f32x4.add(wm, w);
    const step = f32x4.div(f32x4.mul(d, w), f32x4.max(total, f32x4.splat(1e-30)));
    let dq = f32x4.mul(w, f32x4.mul(d, f32x4.sub(d, step)));
    if (winsorise) {
      const limit = f32x4.mul(f32x4.splat(winsorSigma * winsorSigma), s2);
      const scale = v128.bitselect(f32x4.splat(winsorFactor), f32x4.splat(1), f32x4.gt(wm, zero));
      const pulled = f32x4.min(f32x4.mul(d, f32x4.sub(d, step)), v128.bitselect(limit, zero, f32x4.gt(wm, zero)));
      dq = f32x4.mul(f32x4.mul(w, pulled), scale);
    }
    v128.store(means + at, v128.bitselect(x, f32x4.add(m, step), anew));
    v128.store(weights + at, v128.bitselect(w, total, anew));
    v128.store(squares + at, v128.andnot(f32x4.add(q, dq), anew));
  }
  return rejected;
}

/** The same without rejection: mean and weight only. */
export function liveMean(samples: usize, count: i32, means: usize, weights: usize, offset: f32, weight: f32): void {
  for (let at: usize = 0, end = <usize>count << 2; at < end; at += 16) {
    const value = f32x4.add(v128.load(samples + at), f32x4.splat(offset));
    const valid = f32x4.eq(value, value);
    const m = v128.load(means + at);
    const w = v128.and(f32x4.splat(weight), valid);
    const total = f32x4.add(v128.load(weights + at), w);
    const d = v128.and(f32x4.sub(value, m), valid);
    v128.store(means + at, f32x4.add(m, f32x4.div(f32x4.mul(d, w), f32x4.max(total, f32x4.splat(1e-30)))));
    v128.store(weights + at, total);
  }
}

/** The picture so far: the mean, with the value held back where that is within its limits; NaN where nothing is known. */
export function liveResult(
  target: usize,
  count: i32,
  means: usize,
  weights: usize,
  squares: usize,
  held: usize,
  heldWeights: usize,
  frameWeight: f32,
  noise2: f32,
  sky: f32,
  low: f32,
  high: f32,
): void {
  const zero = f32x4.splat(0);
  for (let at: usize = 0, end = <usize>count << 2; at < end; at += 16) {
    const m = v128.load(means + at);
    const w = v128.load(weights + at);
    const known = f32x4.gt(v128.load(heldWeights + at), zero);
    const d = v128.and(f32x4.sub(v128.load(held + at), m), known);
    const s2 = variance(m, w, v128.load(squares + at), frameWeight, noise2, sky);
    const hw = v128.andnot(v128.load(heldWeights + at), outlying(d, w, s2, frameWeight, low, high));
    const total = f32x4.add(w, hw);
    const value = f32x4.add(m, f32x4.div(f32x4.mul(d, hw), total));
    v128.store(target + at, v128.bitselect(value, f32x4.splat(NaN), f32x4.gt(total, zero)));
  }
}

/** The picture of a plain mean. */
export function liveMeanResult(target: usize, count: i32, means: usize, weights: usize): void {
  for (let at: usize = 0, end = <usize>count << 2; at < end; at += 16)
    v128.store(
      target + at,
      v128.bitselect(v128.load(means + at), f32x4.splat(NaN), f32x4.gt(v128.load(weights + at), f32x4.splat(0))),
    );
}
