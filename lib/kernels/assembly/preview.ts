/** Rows of a preview: to 16 bit, binned, resampled, through a table to 8 bit. */

/** 8 to 16 bit, x 256: room for the fractions of averages. */
export function expandU8(target: usize, src: usize, count: usize): void {
  const end = src + count;
  const rounds = src + (count & ~15);
  const zero = i8x16.splat(0);
  for (; src < rounds; src += 16, target += 32) {
    const bytes = v128.load(src);
    v128.store(target, i8x16.shuffle(zero, bytes, 0, 16, 0, 17, 0, 18, 0, 19, 0, 20, 0, 21, 0, 22, 0, 23));
    v128.store(target, i8x16.shuffle(zero, bytes, 0, 24, 0, 25, 0, 26, 0, 27, 0, 28, 0, 29, 0, 30, 0, 31), 16);
  }
  for (; src < end; src++, target += 2) store<u16>(target, <u16>load<u8>(src) << 8);
}

/** Float to 16 bit: 65535 sqrt((v - low) scale), clipped; the root keeps the faint end of a deep stack fine. NaN is black. */
export function compandF32(target: usize, src: usize, count: usize, low: f32, scale: f32): void {
  const end = src + (count << 2);
  const rounds = src + ((count << 2) & ~31);
  const lows = f32x4.splat(low);
  const scales = f32x4.splat(scale);
  const full = f32x4.splat(65535);
  const half = f32x4.splat(0.5);
  for (; src < rounds; src += 32, target += 16) {
    // trunc_sat makes 0 of NaN, the root of a negative number included.
    const a = f32x4.sqrt(f32x4.mul(f32x4.sub(v128.load(src), lows), scales));
    const b = f32x4.sqrt(f32x4.mul(f32x4.sub(v128.load(src, 16), lows), scales));
    const x = i32x4.trunc_sat_f32x4_s(f32x4.add(f32x4.mul(a, full), half));
    const y = i32x4.trunc_sat_f32x4_s(f32x4.add(f32x4.mul(b, full), half));
    v128.store(target, i16x8.narrow_i32x4_u(x, y));
  }
  for (; src < end; src += 4, target += 2) {
    const value = (load<f32>(src) - low) * scale;
    store<u16>(target, value > 0 ? <u16>min<f32>(65535, sqrt<f32>(value) * 65535 + 0.5) : 0);
  }
}

/** u16 = the mean of `bin` x `rows` samples, out of a row of u32 sums over `rows` rows. */
export function binSums(target: usize, sums: usize, count: i32, bin: i32, rows: i32): void {
  const divisor = <u32>(bin * rows);
  const half = divisor >> 1;
  for (const end = target + (<usize>count << 1); target < end; target += 2) {
    let sum: u32 = half;
    for (let i = 0; i < bin; i++, sums += 4) sum += load<u32>(sums);
    store<u16>(target, <u16>(sum / divisor));
  }
}

// The dot product of pairs takes signed samples: u16 less 32768. Weights (Q14) add up to 16384, so the offset comes back as
// a constant, which rounds as well.
const roundedOffset: i32 = (1 << 29) + 8192;

/** Weighted mean of three rows of u16; the weights (Q14) add up to 16384. May write a vector beyond the end. */
export function blendRows(target: usize, a: usize, b: usize, c: usize, count: i32, wa: i32, wb: i32, wc: i32): void {
  const sign = i16x8.splat(-32768);
  const offset = i32x4.splat(roundedOffset);
  const wab = i32x4.splat(wa | (wb << 16));
  const wcc = i32x4.splat(wc);
  for (const end = target + (<usize>count << 1); target < end; target += 16, a += 16, b += 16, c += 16) {
    const ra = v128.xor(v128.load(a), sign);
    const rb = v128.xor(v128.load(b), sign);
    const rc = v128.xor(v128.load(c), sign);
    const low = i32x4.add(
      i32x4.dot_i16x8_s(i8x16.shuffle(ra, rb, 0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23), wab),
      i32x4.dot_i16x8_s(i8x16.shuffle(rc, rc, 0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23), wcc),
    );
    const high = i32x4.add(
      i32x4.dot_i16x8_s(i8x16.shuffle(ra, rb, 8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31), wab),
      i32x4.dot_i16x8_s(i8x16.shuffle(rc, rc, 8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31), wcc),
    );
    v128.store(target, meansOf(low, high, offset));
  }
}

/** `blendRows` of two rows: three in four when a picture is reduced by a quarter. */
export function blendPair(target: usize, a: usize, b: usize, count: i32, wa: i32, wb: i32): void {
  const sign = i16x8.splat(-32768);
  const offset = i32x4.splat(roundedOffset);
  const weights = i32x4.splat(wa | (wb << 16));
  for (const end = target + (<usize>count << 1); target < end; target += 16, a += 16, b += 16) {
    const ra = v128.xor(v128.load(a), sign);
    const rb = v128.xor(v128.load(b), sign);
    const low = i8x16.shuffle(ra, rb, 0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23);
    const high = i8x16.shuffle(ra, rb, 8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31);
    v128.store(target, meansOf(i32x4.dot_i16x8_s(low, weights), i32x4.dot_i16x8_s(high, weights), offset));
  }
}

// @ts-ignore: decorator
@inline
function meansOf(low: v128, high: v128, offset: v128): v128 {
  return i16x8.narrow_i32x4_u(i32x4.shr_u(i32x4.add(low, offset), 14), i32x4.shr_u(i32x4.add(high, offset), 14));
}

/**
 * Resamples one row across and puts it through a table, one byte each `step` bytes. `groups` of four output samples are 64
 * bytes each: the byte offset of the first sample, at 16 a shuffle that takes each output's first two samples out of the
 * eight there, at 32 their weights (Q14), at 48 that of each third. The row has slack of 20 bytes, the target of a group.
 */
export function resampleRow(target: usize, row: usize, groups: usize, last: usize, table: usize): void {
  for (; groups < last; groups += 64, target += 4) resampleGroup(target, 1, row, groups, table);
}

/** `resampleRow` of R, G and B, interleaved: the groups, which fill most of a first-level cache, are read once. */
export function resampleRgb(
  target: usize,
  r: usize,
  g: usize,
  b: usize,
  groups: usize,
  last: usize,
  red: usize,
  green: usize,
  blue: usize,
): void {
  for (; groups < last; groups += 64, target += 12) {
    resampleGroup(target, 3, r, groups, red);
    resampleGroup(target + 1, 3, g, groups, green);
    resampleGroup(target + 2, 3, b, groups, blue);
  }
}

// @ts-ignore: decorator
@inline
function resampleGroup(target: usize, step: usize, row: usize, group: usize, table: usize): void {
  const sign = i16x8.splat(-32768);
  const from = row + load<u32>(group);
  const order = v128.load(group, 16);
  // All of the shuffle's indices are below 16, where the relaxed instruction is the plain one without its check.
  const pair = i8x16.relaxed_swizzle(v128.xor(v128.load(from), sign), order);
  const third = i8x16.relaxed_swizzle(v128.xor(v128.load(from, 4), sign), order);
  const sum = i32x4.add(i32x4.dot_i16x8_s(pair, v128.load(group, 32)), i32x4.dot_i16x8_s(third, v128.load(group, 48)));
  const value = i32x4.shr_u(i32x4.add(sum, i32x4.splat(roundedOffset)), 14);
  store<u8>(target, load<u8>(table + <usize>i32x4.extract_lane(value, 0)));
  store<u8>(target + step, load<u8>(table + <usize>i32x4.extract_lane(value, 1)));
  store<u8>(target + 2 * step, load<u8>(table + <usize>i32x4.extract_lane(value, 2)));
  store<u8>(target + 3 * step, load<u8>(table + <usize>i32x4.extract_lane(value, 3)));
}

/** A row through a table, without resampling. */
export function throughTable(target: usize, step: usize, row: usize, count: i32, table: usize): void {
  for (const end = row + (<usize>count << 1); row < end; row += 2, target += step)
    store<u8>(target, load<u8>(table + load<u16>(row)));
}
