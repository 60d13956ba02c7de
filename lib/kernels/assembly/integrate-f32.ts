/** Integration of 32-bit floats, which may miss (NaN); rows, temp and rules as in integrate-u16. */
import { end, first, result, settle, storeKept } from './integrate-settle';
import { paddedTo, sort } from './integrate-sort';

const lanesF32 = 4;

/**
 * Integrates `count` pixels of n frames of native f32, as integrateU16; NaN where a frame has no value. Without any value the result is NaN, and the kept range empty
 * (low Infinity, high -Infinity).
 */
export function integrateF32(
  rows: usize,
  n: i32,
  count: i32,
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
  const infinite = f32x4.splat(Infinity);
  const sigmas = load<i32>(rules, 16) == 1 && load<i32>(rules, 20) == 0;
  const half = temp + (<usize>(n >> 1) << 4);
  const beforeHalf = n & 1 ? half : half - 16;
  const top = temp + (<usize>(n - 1) << 4);
  const number = f32x4.splat(<f32>n);
  const reciprocal = f32x4.splat(<f32>(1 / <f64>n));
  const pairs = f32x4.splat(<f32>(0.25 * <f64>n * <f64>(n - 1)));
  const lowFactor = f32x4.splat(<f32>(load<f64>(rules) * load<f64>(rules) * 0.999));
  const highFactor = f32x4.splat(<f32>(load<f64>(rules, 8) * load<f64>(rules, 8) * 0.999));
  let rejectedLow: u64 = 0;
  let rejectedHigh: u64 = 0;
  for (let x = 0; x < count; x += lanesF32) {
    const offset = <usize>x << 2;
    let missing = i32x4.splat(0);
    for (let k = 0, to = temp; k < n; k++, to += 16) {
      const v = v128.load(<usize>load<u32>(rows + (<usize>k << 2)) + offset);
      const known = f32x4.eq(v, v);
      missing = i32x4.add(missing, v128.not(known));
      v128.store(to, v128.bitselect(v, infinite, known));
    }
    for (let at = temp + (<usize>n << 4); at < sums; at += 16) v128.store(at, infinite);
    sort<f32>(temp, n);
    let doubtful: i32 = 0xf;
    if (sigmas && n > 2 && !v128.any_true(missing)) {
      const pivot = v128.load(half);
      const lowest = v128.load(temp);
      const highest = v128.load(top);
      let sum = f32x4.splat(0);
      let squares = f32x4.splat(0);
      for (let k = temp; k <= top; k += 16) {
        const d = f32x4.sub(v128.load(k), pivot);
        sum = f32x4.add(sum, d);
        squares = f32x4.add(squares, f32x4.mul(d, d));
      }
      const spread = f32x4.sub(f32x4.mul(number, squares), f32x4.mul(sum, sum));
      const shift = f32x4.sub(v128.load(beforeHalf), pivot);
      const up = f32x4.sub(highest, pivot);
      const down = f32x4.sub(pivot, lowest);
      const high = f32x4.sub(f32x4.add(up, up), shift);
      const low = f32x4.add(f32x4.add(down, down), shift);
      // A comparison with NaN (infinite samples) is false, and so is the opposite: those lanes are doubtful.
      const certain = v128.and(
        f32x4.le(f32x4.mul(f32x4.mul(high, high), pairs), f32x4.mul(spread, highFactor)),
        f32x4.le(f32x4.mul(f32x4.mul(low, low), pairs), f32x4.mul(spread, lowFactor)),
      );
      doubtful = i32x4.bitmask(v128.not(certain));
      v128.store(means + offset, f32x4.add(pivot, f32x4.mul(sum, reciprocal)));
      if (lows) {
        v128.store(lows + offset, lowest);
        v128.store(highs + offset, highest);
      }
      if (counts) v128.store(counts + offset, i32x4.splat(0));
    }
    const here = min<i32>(lanesF32, count - x);
    while (doubtful) {
      const lane = ctz<i32>(doubtful);
      doubtful &= doubtful - 1;
      if (lane >= here) break;
      const column = temp + (<usize>lane << 2);
      let known = n;
      while (known > 0 && load<f32>(column + (<usize>(known - 1) << 4)) == Infinity) known--;
      const i = x + lane;
      if (known == 0) {
        store<f32>(means + (<usize>i << 2), <f32>NaN);
        if (lows) {
          store<f32>(lows + (<usize>i << 2), Infinity);
          store<f32>(highs + (<usize>i << 2), -Infinity);
        }
        if (counts) store<u32>(counts + (<usize>i << 2), 0);
        continue;
      }
      settle<f32>(column, known, rules, sums);
      store<f32>(means + (<usize>i << 2), <f32>result);
      storeKept<f32>(lows, highs, counts, i, column, known);
      rejectedLow += <u64>first;
      rejectedHigh += <u64>(known - end);
    }
  }
  store<u64>(totals, load<u64>(totals) + rejectedLow);
  store<u64>(totals, load<u64>(totals, 8) + rejectedHigh, 8);
}
