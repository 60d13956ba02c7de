/** Pixels above the noise: background off, 3x3 matched filter (1 2 1 in both directions), threshold, runs. All in u16. */

/**
 * A row of u16 less its background, clipped to 12 bits, in units of 2^-shift. Writes whole vectors.
 * @param whole u16 that is taken off the sample
 * @param part u16 of the rest in units of 2^-shift, taken off after the shift to the left (0 where shift <= 0)
 */
export function starsOffRow(src: usize, whole: usize, part: usize, out: usize, width: i32, shift: i32): void {
  const end = out + (<usize>width << 1);
  if (shift > 0) {
    const most: i32 = 4095 >> shift;
    const cap = i16x8.splat(<i16>most);
    for (; out < end; src += 16, whole += 16, part += 16, out += 16) {
      const d = i16x8.min_u(i16x8.sub_sat_u(v128.load(src), v128.load(whole)), cap);
      v128.store(out, i16x8.sub_sat_u(i16x8.shl(d, shift), v128.load(part)));
    }
  } else {
    const cap = i16x8.splat(4095);
    for (; out < end; src += 16, whole += 16, out += 16)
      v128.store(out, i16x8.min_u(i16x8.shr_u(i16x8.sub_sat_u(v128.load(src), v128.load(whole)), -shift), cap));
  }
}

/** u16 samples to the 16 of the filter: (a + 2 b + c) of three rows. */
// @ts-ignore: decorator
@inline
function column(a: usize, b: usize, c: usize): v128 {
  return i16x8.add(i16x8.add(v128.load(a), v128.load(c)), i16x8.shl(v128.load(b), 1));
}

/**
 * The runs of a row where the filtered picture is above the threshold.
 * @param a, b, c Three rows of starsOffRow, with a vector of padding on both sides
 * @param thresholds u16, one for 8 pixels, 16 times the threshold
 * @param runs Where the runs go: y, first x, last x as i32
 * @param most Runs that still fit
 * @returns How many there are; above `most` when they don't fit
 */
export function starsRuns(
  a: usize,
  b: usize,
  c: usize,
  thresholds: usize,
  width: i32,
  y: i32,
  runs: usize,
  most: i32,
): i32 {
  let found = 0;
  let start = -1;
  let before = column(a - 16, b - 16, c - 16);
  let here = column(a, b, c);
  for (let x = 0; x < width; x += 32, a += 64, b += 64, c += 64, thresholds += 8) {
    const next = column(a + 16, b + 16, c + 16);
    const p = above(before, here, next, thresholds);
    const next2 = column(a + 32, b + 32, c + 32);
    const q = above(here, next, next2, thresholds + 2);
    const next3 = column(a + 48, b + 48, c + 48);
    const r = above(next, next2, next3, thresholds + 4);
    const next4 = column(a + 64, b + 64, c + 64);
    const s = above(next2, next3, next4, thresholds + 6);
    before = next3;
    here = next4;
    if (!v128.any_true(v128.or(v128.or(p, q), v128.or(r, s)))) {
      if (start >= 0) {
        if (found < most) storeRun(runs, found, y, start, x - 1);
        found++;
        start = -1;
      }
      continue;
    }
    const zero = i16x8.splat(0);
    let bits: u32 =
      <u32>i8x16.bitmask(i8x16.narrow_i16x8_s(i16x8.ne(p, zero), i16x8.ne(q, zero))) |
      (<u32>i8x16.bitmask(i8x16.narrow_i16x8_s(i16x8.ne(r, zero), i16x8.ne(s, zero))) << 16);
    const rest = width - x;
    if (rest < 32) bits &= (<u32>1 << rest) - 1;
    let at = 0;
    while (at < 32) {
      if (start < 0) {
        const ahead = bits >> at;
        if (ahead == 0) break;
        at += <i32>ctz<u32>(ahead);
        start = x + at;
      }
      const gap = ~bits >> at;
      if (gap == 0) break;
      at += <i32>ctz<u32>(gap);
      if (at >= 32) break;
      if (found < most) storeRun(runs, found, y, start, x + at - 1);
      found++;
      start = -1;
    }
  }
  if (start >= 0) {
    if (found < most) storeRun(runs, found, y, start, width - 1);
    found++;
  }
  return found;
}

/** What the filtered samples are above their threshold; 0 below. */
// @ts-ignore: decorator
@inline
function above(before: v128, here: v128, next: v128, threshold: usize): v128 {
  const left = i8x16.shuffle(before, here, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29);
  const right = i8x16.shuffle(here, next, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17);
  const sum = i16x8.add(i16x8.add(left, right), i16x8.shl(here, 1));
  return i16x8.sub_sat_u(sum, v128.load16_splat(threshold));
}

// @ts-ignore: decorator
@inline
function storeRun(runs: usize, index: i32, y: i32, first: i32, last: i32): void {
  const at = runs + <usize>index * 12;
  store<i32>(at, y);
  store<i32>(at, first, 4);
  store<i32>(at, last, 8);
}

/** Floats to u16 for the search: (v - low) scale, at least 1; 0 is no data (NaN). Writes whole vectors. */
export function starsQuantise(src: usize, out: usize, count: i32, low: f32, scale: f32): void {
  const lows = f32x4.splat(low);
  const scales = f32x4.splat(scale);
  const one = i32x4.splat(1);
  for (const end = out + (<usize>count << 1); out < end; out += 16, src += 32) {
    const a = v128.load(src);
    const b = v128.load(src, 16);
    const p = i32x4.max_s(i32x4.trunc_sat_f32x4_s(f32x4.mul(f32x4.sub(a, lows), scales)), one);
    const q = i32x4.max_s(i32x4.trunc_sat_f32x4_s(f32x4.mul(f32x4.sub(b, lows), scales)), one);
    // A NaN differs from itself.
    v128.store(out, i16x8.narrow_i32x4_u(v128.and(p, f32x4.eq(a, a)), v128.and(q, f32x4.eq(b, b))));
  }
}
