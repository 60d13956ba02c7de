/** Rows on their way in and out of an integration: normalised, weighted, counted, rounded. */
export * from './integrate-u16';
export * from './integrate-f32';

/** f32 = sample x scale + offset, from native or (`swap`) big-endian u16 XORed with `sign`. */
export function normaliseU16(
  target: usize,
  source: usize,
  count: i32,
  swap: bool,
  sign: i32,
  scale: f32,
  offset: f32,
): void {
  for (let i = 0; i < count; i++) {
    let value = load<u16>(source + (<usize>i << 1));
    if (swap) value = bswap<u16>(value) ^ <u16>sign;
    store<f32>(target + (<usize>i << 2), <f32>value * scale + offset);
  }
}

/** f32 = sample x scale + offset, in place. */
export function normaliseF32(target: usize, count: i32, scale: f32, offset: f32): void {
  const s = f32x4.splat(scale);
  const o = f32x4.splat(offset);
  const end = target + (<usize>count << 2);
  for (const rounds = target + (<usize>(count & ~3) << 2); target < rounds; target += 16)
    v128.store(target, f32x4.add(f32x4.mul(v128.load(target), s), o));
  for (; target < end; target += 4) store<f32>(target, load<f32>(target) * scale + offset);
}

/** f32 from native u8. */
export function widenU8(target: usize, source: usize, count: i32): void {
  for (let i = 0; i < count; i++) store<f32>(target + (<usize>i << 2), <f32>load<u8>(source + i));
}

/**
 * Means weighted by frame (`weights`, n f64) of the samples that lie between `lows` and `highs`; with 0 for these, of all.
 * NaN is left out; NaN where nothing is left.
 */
export function weightedF32(
  rows: usize,
  n: i32,
  count: i32,
  weights: usize,
  lows: usize,
  highs: usize,
  means: usize,
): void {
  const zero = f64x2.splat(0);
  for (let x = 0; x < count; x += 2) {
    const offset = <usize>x << 2;
    const low = lows ? v128.load64_zero(lows + offset) : f32x4.splat(-Infinity);
    const high = lows ? v128.load64_zero(highs + offset) : f32x4.splat(Infinity);
    let sum = zero;
    let weight = zero;
    for (let k = 0; k < n; k++) {
      const v = v128.load64_zero(<usize>load<u32>(rows + (<usize>k << 2)) + offset);
      const kept = v128.and(f32x4.ge(v, low), f32x4.le(v, high));
      const mask = i64x2.extend_low_i32x4_s(kept);
      const w = f64x2.splat(load<f64>(weights + (<usize>k << 3)));
      sum = f64x2.add(sum, v128.and(f64x2.mul(f64x2.promote_low_f32x4(v), w), mask));
      weight = f64x2.add(weight, v128.and(w, mask));
    }
    // 0 / 0 is NaN.
    v128.store64_lane(means + offset, f32x4.demote_f64x2_zero(f64x2.div(sum, weight)), 0);
  }
}

/** Adds to a u64 pair how many samples of a frame lie below `lows` and above `highs`. Samples as integrateU16's. */
export function countOutsideU16(row: usize, count: i32, sign: i32, lows: usize, highs: usize, totals: usize): void {
  let below: u64 = 0;
  let above: u64 = 0;
  for (let i = 0; i < count; i++) {
    let value = load<u16>(row + (<usize>i << 1));
    if (sign >= 0) value = bswap<u16>(value) ^ <u16>sign;
    below += <u64>(value < load<u16>(lows + (<usize>i << 1)));
    above += <u64>(value > load<u16>(highs + (<usize>i << 1)));
  }
  store<u64>(totals, load<u64>(totals) + below);
  store<u64>(totals, load<u64>(totals, 8) + above, 8);
}

/** The same for f32; also, as the third u64, how many samples there are. */
export function countOutsideF32(row: usize, count: i32, lows: usize, highs: usize, totals: usize): void {
  let below: u64 = 0;
  let above: u64 = 0;
  let known: u64 = 0;
  for (let i = 0; i < count; i++) {
    const value = load<f32>(row + (<usize>i << 2));
    below += <u64>(value < load<f32>(lows + (<usize>i << 2)));
    above += <u64>(value > load<f32>(highs + (<usize>i << 2)));
    known += <u64>(value == value);
  }
  store<u64>(totals, load<u64>(totals) + below);
  store<u64>(totals, load<u64>(totals, 8) + above, 8);
  store<u64>(totals, load<u64>(totals, 16) + known, 16);
}

/** Rounds to the nearest integer within 0…65535, halves up (NaN is 0). */
export function roundHalfUpU16(target: usize, source: usize, count: i32): void {
  for (let i = 0; i < count; i++) {
    const value = <f64>load<f32>(source + (<usize>i << 2));
    store<u16>(target + (<usize>i << 1), value >= 65535 ? 65535 : value >= 0 ? <u16>(value + 0.5) : 0);
  }
}

/** One of the pairs of u16 that integrate* leaves in `counts`, as f32. */
export function countsToF32(target: usize, counts: usize, count: i32): void {
  for (let i = 0; i < count; i++) store<f32>(target + (<usize>i << 2), <f32>load<u16>(counts + (<usize>i << 2)));
}
