/**
 * Integration of 16-bit samples, exact: sums are integers, and only pixels that may have an outlier are looked at one by one.
 * `rows` points to n u32 pointers to rows of samples, `temp` to memory for the sorting: 16 bytes for each of n rounded up to
 * a multiple of 8, and 16 x (n + 1) more. `rules` are those of integrate-settle.
 */
import { end, first, result, settle, storeKept } from './integrate-settle';
import { paddedTo, sort } from './integrate-sort';

const lanesU16 = 8;

/**
 * Integrates `count` pixels of n frames of 16 bit. `sign` >= 0: the samples are big-endian and are swapped and XORed with it
 * (0x8000 for FITS); -1: native. `means` gets f32. `lows` and `highs` (or 0) get the smallest and the largest kept sample,
 * `counts` (or 0) pairs of u16: how many were rejected below and above. `totals` (u64 pair) gets their sums added.
 */
export function integrateU16(
  rows: usize,
  n: i32,
  count: i32,
  sign: i32,
  temp: usize,
  rules: usize,
  means: usize,
  lows: usize,
  highs: usize,
  counts: usize,
  totals: usize,
): void {
  const padded = paddedTo(n);
  const sums = temp + (padded << 4);
  const rejection = load<i32>(rules, 16);
  const wantMedian = load<i32>(rules, 20);
  const sigmas = rejection == 1;
  const flip = i16x8.splat(<i16>sign);
  const half = temp + (<usize>(n >> 1) << 4);
  const beforeHalf = n & 1 ? half : half - 16;
  const top = temp + (<usize>(n - 1) << 4);
  // n d^2 stays below 2^31 for the sums of squares, and d in 16 bit.
  const reach = i16x8.splat(<i16>min<f64>(32767, floor<f64>(sqrt<f64>(2147483647 / <f64>(n + 1)))));
  const ones = i16x8.splat(1);
  const number = f32x4.splat(<f32>n);
  const pairs = f32x4.splat(<f32>(0.25 * <f64>n * <f64>(n - 1)));
  const lowFactor = f32x4.splat(<f32>(load<f64>(rules) * load<f64>(rules) * 0.9999));
  const highFactor = f32x4.splat(<f32>(load<f64>(rules, 8) * load<f64>(rules, 8) * 0.9999));
  const divisor = f64x2.splat(<f64>n);
  let rejectedLow: u64 = 0;
  let rejectedHigh: u64 = 0;
  for (let x = 0; x < count; x += lanesU16) {
    const offset = <usize>x << 1;
    if (sign >= 0)
      for (let k = 0, to = temp; k < n; k++, to += 16) {
        const v = v128.load(<usize>load<u32>(rows + (<usize>k << 2)) + offset);
        v128.store(
          to,
          v128.xor(i8x16.shuffle(v, v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14), flip),
        );
      }
    else
      for (let k = 0, to = temp; k < n; k++, to += 16)
        v128.store(to, v128.load(<usize>load<u32>(rows + (<usize>k << 2)) + offset));
    // What was sorted at the end is padding again.
    for (let at = temp + (<usize>n << 4); at < sums; at += 16) v128.store(at, i16x8.splat(-1));
    sort<u16>(temp, n);

    const pivot = v128.load(half);
    const lowest = v128.load(temp);
    const highest = v128.load(top);
    let doubtful: i32 = 0xff;
    const widest = i16x8.max_u(i16x8.sub(highest, pivot), i16x8.sub(pivot, lowest));
    if (!wantMedian && sigmas && !v128.any_true(i16x8.gt_u(widest, reach))) {
      let sumA = i32x4.splat(0);
      let sumB = i32x4.splat(0);
      let squaresA = i32x4.splat(0);
      let squaresB = i32x4.splat(0);
      let k = temp;
      for (; k < top; k += 32) {
        const d = i16x8.sub(v128.load(k), pivot);
        const e = i16x8.sub(v128.load(k, 16), pivot);
        const a = i16x8.shuffle(d, e, 0, 8, 1, 9, 2, 10, 3, 11);
        const b = i16x8.shuffle(d, e, 4, 12, 5, 13, 6, 14, 7, 15);
        sumA = i32x4.add(sumA, i32x4.dot_i16x8_s(a, ones));
        sumB = i32x4.add(sumB, i32x4.dot_i16x8_s(b, ones));
        squaresA = i32x4.add(squaresA, i32x4.dot_i16x8_s(a, a));
        squaresB = i32x4.add(squaresB, i32x4.dot_i16x8_s(b, b));
      }
      if (k == top) {
        const d = i16x8.sub(v128.load(k), pivot);
        sumA = i32x4.add(sumA, i32x4.extend_low_i16x8_s(d));
        sumB = i32x4.add(sumB, i32x4.extend_high_i16x8_s(d));
        squaresA = i32x4.add(squaresA, i32x4.extmul_low_i16x8_s(d, d));
        squaresB = i32x4.add(squaresB, i32x4.extmul_high_i16x8_s(d, d));
      }
      const shift = i16x8.sub(v128.load(beforeHalf), pivot);
      const up = i16x8.sub(highest, pivot);
      const down = i16x8.sub(pivot, lowest);
      doubtful =
        i32x4.bitmask(
          outliers(
            i32x4.extend_low_i16x8_s(shift),
            i32x4.extend_low_i16x8_s(up),
            i32x4.extend_low_i16x8_s(down),
            sumA,
            squaresA,
            number,
            pairs,
            lowFactor,
            highFactor,
          ),
        ) |
        (i32x4.bitmask(
          outliers(
            i32x4.extend_high_i16x8_s(shift),
            i32x4.extend_high_i16x8_s(up),
            i32x4.extend_high_i16x8_s(down),
            sumB,
            squaresB,
            number,
            pairs,
            lowFactor,
            highFactor,
          ),
        ) <<
          4);
      const to = means + (<usize>x << 2);
      const wholeA = i32x4.add(sumA, i32x4.mul(i32x4.extend_low_i16x8_u(pivot), i32x4.splat(n)));
      const wholeB = i32x4.add(sumB, i32x4.mul(i32x4.extend_high_i16x8_u(pivot), i32x4.splat(n)));
      v128.store(to, quotients(wholeA, divisor));
      v128.store(to, quotients(wholeB, divisor), 16);
      if (lows) {
        v128.store(lows + offset, lowest);
        v128.store(highs + offset, highest);
      }
      if (counts) {
        v128.store(counts + (<usize>x << 2), i32x4.splat(0));
        v128.store(counts + (<usize>x << 2), i32x4.splat(0), 16);
      }
    }
    const here = min<i32>(lanesU16, count - x);
    while (doubtful) {
      const lane = ctz<i32>(doubtful);
      doubtful &= doubtful - 1;
      if (lane >= here) break;
      const column = temp + (<usize>lane << 1);
      settle<u16>(column, n, rules, sums);
      store<f32>(means + (<usize>(x + lane) << 2), <f32>result);
      storeKept<u16>(lows, highs, counts, x + lane, column, n);
      rejectedLow += <u64>first;
      rejectedHigh += <u64>(n - end);
    }
  }
  store<u64>(totals, load<u64>(totals) + rejectedLow);
  store<u64>(totals, load<u64>(totals, 8) + rejectedHigh, 8);
}

/** Lanes whose extremes may lie beyond kappa sigma of the median, with a margin for rounding. */
// @ts-ignore: decorator
@inline
function outliers(
  shift: v128,
  up: v128,
  down: v128,
  sum: v128,
  squares: v128,
  number: v128,
  pairs: v128,
  lowFactor: v128,
  highFactor: v128,
): v128 {
  const s = f32x4.convert_i32x4_s(sum);
  // n (n - 1) sigma^2
  const spread = f32x4.sub(f32x4.mul(number, f32x4.convert_i32x4_s(squares)), f32x4.mul(s, s));
  // Twice the distances from the median, which lies between two samples when their number is even.
  const high = f32x4.convert_i32x4_s(i32x4.sub(i32x4.add(up, up), shift));
  const low = f32x4.convert_i32x4_s(i32x4.add(i32x4.add(down, down), shift));
  return v128.or(
    f32x4.gt(f32x4.mul(f32x4.mul(high, high), pairs), f32x4.mul(spread, highFactor)),
    f32x4.gt(f32x4.mul(f32x4.mul(low, low), pairs), f32x4.mul(spread, lowFactor)),
  );
}

// @ts-ignore: decorator
@inline
function quotients(sums: v128, divisor: v128): v128 {
  const upperHalf = i8x16.shuffle(sums, sums, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
  const low = f32x4.demote_f64x2_zero(f64x2.div(f64x2.convert_low_i32x4_u(sums), divisor));
  const high = f32x4.demote_f64x2_zero(f64x2.div(f64x2.convert_low_i32x4_u(upperHalf), divisor));
  return i32x4.shuffle(low, high, 0, 1, 4, 5);
}
