/**
 * FITS samples: big-endian to native and back, folds of them, sums for DATASUM. `count` is in samples; the pointers need
 * no alignment. The format is the FITS Standard 4.0 (2018): 5 for the samples, appendix J for the sum.
 */

// @ts-ignore: decorator
@inline
function swap16(v: v128): v128 {
  return i8x16.shuffle(v, v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
}

// @ts-ignore: decorator
@inline
function swap32(v: v128): v128 {
  return i8x16.shuffle(v, v, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}

/**
 * 16-bit big-endian to native or back (target may be source). `sign` 0x8000 turns signed with BZERO 32768 into unsigned.
 * Returns the OR of all swapped samples before `sign`, so that 0x8000 in it tells of a negative one.
 */
export function fitsU16(target: usize, source: usize, count: usize, sign: i32): i32 {
  const end = source + (count << 1);
  const rounds = source + ((count << 1) & ~63);
  const s = i16x8.splat(<i16>sign);
  let seen = i16x8.splat(0);
  for (; source < rounds; source += 64, target += 64) {
    const a = swap16(v128.load(source));
    const b = swap16(v128.load(source, 16));
    const c = swap16(v128.load(source, 32));
    const d = swap16(v128.load(source, 48));
    seen = v128.or(seen, v128.or(v128.or(a, b), v128.or(c, d)));
    v128.store(target, v128.xor(a, s));
    v128.store(target, v128.xor(b, s), 16);
    v128.store(target, v128.xor(c, s), 32);
    v128.store(target, v128.xor(d, s), 48);
  }
  let or: i32 = 0;
  for (; source < end; source += 2, target += 2) {
    const value = <i32>bswap<u16>(load<u16>(source));
    or |= value;
    store<u16>(target, <u16>(value ^ sign));
  }
  const folded = i64x2.extract_lane(seen, 0) | i64x2.extract_lane(seen, 1);
  const half = <i32>folded | <i32>(folded >> 32);
  return (or | half | (half >> 16)) & 0xffff;
}

/**
 * Native accumulator = maximum of itself and big-endian samples, in one pass: reading and folding a file at once. Both
 * signed, as FITS stores unsigned 16 bit (BZERO 32768): the order is the same, and the sign is turned once at the end.
 */
export function fitsMaxI16(acc: usize, source: usize, count: usize): void {
  const end = source + (count << 1);
  const rounds = source + ((count << 1) & ~63);
  for (; source < rounds; source += 64, acc += 64) {
    v128.store(acc, i16x8.max_s(v128.load(acc), swap16(v128.load(source))));
    v128.store(acc, i16x8.max_s(v128.load(acc, 16), swap16(v128.load(source, 16))), 16);
    v128.store(acc, i16x8.max_s(v128.load(acc, 32), swap16(v128.load(source, 32))), 32);
    v128.store(acc, i16x8.max_s(v128.load(acc, 48), swap16(v128.load(source, 48))), 48);
  }
  for (; source < end; source += 2, acc += 2)
    store<i16>(acc, max(load<i16>(acc), bswap<i16>(load<i16>(source))));
}

/** The same for four files at once: the accumulator passes through the memory once for all of them. */
export function fitsMax4I16(acc: usize, a: usize, b: usize, c: usize, d: usize, count: usize): void {
  const end = acc + (count << 1);
  const rounds = acc + ((count << 1) & ~31);
  for (; acc < rounds; acc += 32, a += 32, b += 32, c += 32, d += 32) {
    // Larger of two before larger of four: the chains stay short.
    const ab = i16x8.max_s(swap16(v128.load(a)), swap16(v128.load(b)));
    const cd = i16x8.max_s(swap16(v128.load(c)), swap16(v128.load(d)));
    const ab2 = i16x8.max_s(swap16(v128.load(a, 16)), swap16(v128.load(b, 16)));
    const cd2 = i16x8.max_s(swap16(v128.load(c, 16)), swap16(v128.load(d, 16)));
    v128.store(acc, i16x8.max_s(v128.load(acc), i16x8.max_s(ab, cd)));
    v128.store(acc, i16x8.max_s(v128.load(acc, 16), i16x8.max_s(ab2, cd2)), 16);
  }
  for (; acc < end; acc += 2, a += 2, b += 2, c += 2, d += 2) {
    const ab = max(bswap<i16>(load<i16>(a)), bswap<i16>(load<i16>(b)));
    const cd = max(bswap<i16>(load<i16>(c)), bswap<i16>(load<i16>(d)));
    store<i16>(acc, max(load<i16>(acc), max(ab, cd)));
  }
}

/** Whether one of the big-endian 16-bit samples is `value` (BLANK). */
export function fitsHasI16(source: usize, count: usize, value: i32): bool {
  const end = source + (count << 1);
  const wanted = bswap<u16>(<u16>value);
  for (; source < end; source += 2) if (load<u16>(source) == wanted) return true;
  return false;
}

/** 32-bit floats, big-endian to native or back (target may be source). Returns the largest; NaN is passed over. */
export function fitsF32(target: usize, source: usize, count: usize): f32 {
  const end = source + (count << 2);
  const rounds = source + ((count << 2) & ~31);
  let high = f32x4.splat(-Infinity);
  for (; source < rounds; source += 32, target += 32) {
    const a = swap32(v128.load(source));
    const b = swap32(v128.load(source, 16));
    // pmax(h, v) is h < v ? v : h: a NaN leaves h.
    high = f32x4.pmax(f32x4.pmax(high, a), b);
    v128.store(target, a);
    v128.store(target, b, 16);
  }
  let largest = max(
    max(f32x4.extract_lane(high, 0), f32x4.extract_lane(high, 1)),
    max(f32x4.extract_lane(high, 2), f32x4.extract_lane(high, 3)),
  );
  for (; source < end; source += 4, target += 4) {
    const bits = bswap<u32>(load<u32>(source));
    store<u32>(target, bits);
    const value = reinterpret<f32>(bits);
    if (value > largest) largest = value;
  }
  return largest;
}

/** Big-endian samples to f32 = raw x scale + zero, computed in 64 bit; `blank` (NaN for none) becomes NaN. Returns the largest. */
// @ts-ignore: decorator
@inline
function scaled<T>(target: usize, source: usize, count: usize, scale: f64, zero: f64, blank: f64): f32 {
  const end = target + (count << 2);
  let largest: f32 = -Infinity;
  for (; target < end; target += 4, source += sizeof<T>()) {
    let raw: f64;
    if (isFloat<T>()) {
      raw = sizeof<T>() == 4
        ? <f64>reinterpret<f32>(bswap<u32>(load<u32>(source)))
        : reinterpret<f64>(bswap<u64>(load<u64>(source)));
    } else raw = <f64>bswap<T>(load<T>(source));
    const value = raw == blank ? <f32>NaN : <f32>(raw * scale + zero);
    store<f32>(target, value);
    if (value > largest) largest = value;
  }
  return largest;
}
export function fitsScaledU8(target: usize, source: usize, count: usize, scale: f64, zero: f64, blank: f64): f32 {
  return scaled<u8>(target, source, count, scale, zero, blank);
}
export function fitsScaledI16(target: usize, source: usize, count: usize, scale: f64, zero: f64, blank: f64): f32 {
  return scaled<i16>(target, source, count, scale, zero, blank);
}
export function fitsScaledI32(target: usize, source: usize, count: usize, scale: f64, zero: f64, blank: f64): f32 {
  return scaled<i32>(target, source, count, scale, zero, blank);
}
export function fitsScaledI64(target: usize, source: usize, count: usize, scale: f64, zero: f64, blank: f64): f32 {
  return scaled<i64>(target, source, count, scale, zero, blank);
}
export function fitsScaledF32(target: usize, source: usize, count: usize, scale: f64, zero: f64, blank: f64): f32 {
  return scaled<f32>(target, source, count, scale, zero, blank);
}
export function fitsScaledF64(target: usize, source: usize, count: usize, scale: f64, zero: f64, blank: f64): f32 {
  return scaled<f64>(target, source, count, scale, zero, blank);
}

/** One's complement sum of the block's big-endian 32-bit words, as DATASUM wants it. `bytes` is a multiple of 4. */
export function fitsSum(source: usize, bytes: usize): u32 {
  const end = source + bytes;
  const rounds = source + (bytes & ~31);
  let low = i64x2.splat(0);
  let high = i64x2.splat(0);
  for (; source < rounds; source += 32) {
    const a = swap32(v128.load(source));
    const b = swap32(v128.load(source, 16));
    low = i64x2.add(low, i64x2.add(i64x2.extend_low_i32x4_u(a), i64x2.extend_low_i32x4_u(b)));
    high = i64x2.add(high, i64x2.add(i64x2.extend_high_i32x4_u(a), i64x2.extend_high_i32x4_u(b)));
  }
  const both = i64x2.add(low, high);
  let sum = <u64>i64x2.extract_lane(both, 0) + <u64>i64x2.extract_lane(both, 1);
  for (; source < end; source += 4) sum += bswap<u32>(load<u32>(source));
  while (sum >> 32 != 0) sum = (sum & 0xffffffff) + (sum >> 32);
  return <u32>sum;
}
