/**
 * Sorts the samples of 8 (u16) or 4 (f32) pixels side by side: Batcher's odd-even merge network (1968), whose comparators
 * are the same for every pixel.
 */

// @ts-ignore: decorator
@inline
function exchange<T>(a: usize, b: usize): void {
  const x = v128.load(a);
  const y = v128.load(b);
  if (isInteger<T>()) {
    v128.store(a, i16x8.min_u(x, y));
    v128.store(b, i16x8.max_u(x, y));
  } else {
    v128.store(a, f32x4.pmin(x, y));
    v128.store(b, f32x4.pmax(y, x));
  }
}

// @ts-ignore: decorator
@inline
function lower<T>(x: v128, y: v128): v128 {
  return isInteger<T>() ? i16x8.min_u(x, y) : f32x4.pmin(x, y);
}

// @ts-ignore: decorator
@inline
function upper<T>(x: v128, y: v128): v128 {
  return isInteger<T>() ? i16x8.max_u(x, y) : f32x4.pmax(y, x);
}

/** Sorts 8 vectors at p in registers: the merge network of 19 comparators. */
// @ts-ignore: decorator
@inline
function sort8<T>(p: usize): void {
  const a0 = v128.load(p);
  const a1 = v128.load(p, 16);
  const a2 = v128.load(p, 32);
  const a3 = v128.load(p, 48);
  const a4 = v128.load(p, 64);
  const a5 = v128.load(p, 80);
  const a6 = v128.load(p, 96);
  const a7 = v128.load(p, 112);
  const b0 = lower<T>(a0, a1);
  const b1 = upper<T>(a0, a1);
  const b2 = lower<T>(a2, a3);
  const b3 = upper<T>(a2, a3);
  const b4 = lower<T>(a4, a5);
  const b5 = upper<T>(a4, a5);
  const b6 = lower<T>(a6, a7);
  const b7 = upper<T>(a6, a7);
  const c0 = lower<T>(b0, b2);
  const c2 = upper<T>(b0, b2);
  const c1 = lower<T>(b1, b3);
  const c3 = upper<T>(b1, b3);
  const c4 = lower<T>(b4, b6);
  const c6 = upper<T>(b4, b6);
  const c5 = lower<T>(b5, b7);
  const c7 = upper<T>(b5, b7);
  const d1 = lower<T>(c1, c2);
  const d2 = upper<T>(c1, c2);
  const d5 = lower<T>(c5, c6);
  const d6 = upper<T>(c5, c6);
  const e0 = lower<T>(c0, c4);
  const e4 = upper<T>(c0, c4);
  const e1 = lower<T>(d1, d5);
  const e5 = upper<T>(d1, d5);
  const e2 = lower<T>(d2, d6);
  const e6 = upper<T>(d2, d6);
  const e3 = lower<T>(c3, c7);
  const e7 = upper<T>(c3, c7);
  const f2 = lower<T>(e2, e4);
  const f4 = upper<T>(e2, e4);
  const f3 = lower<T>(e3, e5);
  const f5 = upper<T>(e3, e5);
  v128.store(p, e0);
  v128.store(p, lower<T>(e1, f2), 16);
  v128.store(p, upper<T>(e1, f2), 32);
  v128.store(p, lower<T>(f3, f4), 48);
  v128.store(p, upper<T>(f3, f4), 64);
  v128.store(p, lower<T>(f5, e6), 80);
  v128.store(p, upper<T>(f5, e6), 96);
  v128.store(p, e7, 112);
}

/**
 * Merges two sorted runs of `half` vectors at p: the last log2 stages of the network. What lies from `end` on is padding, larger
 * than all, and is left where it is.
 */
// @ts-ignore: decorator
@inline
function merge<T>(p: usize, half: usize, end: usize): void {
  const size = half << 5;
  const apart = half << 4;
  for (let at = p, stop = min<usize>(p + apart, end - apart); at < stop; at += 16) exchange<T>(at, at + apart);
  for (let step = apart >> 1; step >= 16; step >>= 1) {
    const last = end - step;
    for (let from = step; from + step < size; from += step << 1)
      for (let at = p + from, stop = min<usize>(at + step, last); at < stop; at += 16) exchange<T>(at, at + step);
  }
}

/** Sorts n vectors at p; up to the next multiple of 8 there is padding. */
// @ts-ignore: decorator
@inline
export function sort<T>(p: usize, n: usize): void {
  const end = p + (paddedTo(n) << 4);
  for (let at = p; at < end; at += 128) sort8<T>(at);
  for (let half: usize = 8; half < n; half <<= 1)
    for (let at = p; at + (half << 4) < end; at += half << 5) merge<T>(at, half, end);
}

/** How many vectors are sorted for n frames. */
// @ts-ignore: decorator
@inline
export function paddedTo(n: usize): usize {
  return (n + 7) & ~7;
}
