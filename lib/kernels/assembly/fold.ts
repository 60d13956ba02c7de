/** Folds a block of samples into the accumulator. `count` is in samples; the pointers need no alignment. */

/** Bytes that one round of the unrolled loops takes. */
const ROUND: usize = 64;

export function maxU8(acc: usize, src: usize, count: usize): void {
  const end = acc + count;
  const rounds = acc + (count & ~(ROUND - 1));
  for (; acc < rounds; acc += ROUND, src += ROUND) {
    v128.store(acc, i8x16.max_u(v128.load(acc), v128.load(src)));
    v128.store(acc, i8x16.max_u(v128.load(acc, 16), v128.load(src, 16)), 16);
    v128.store(acc, i8x16.max_u(v128.load(acc, 32), v128.load(src, 32)), 32);
    v128.store(acc, i8x16.max_u(v128.load(acc, 48), v128.load(src, 48)), 48);
  }
  for (; acc < end; acc++, src++) store<u8>(acc, max(load<u8>(acc), load<u8>(src)));
}

export function minU8(acc: usize, src: usize, count: usize): void {
  const end = acc + count;
  const rounds = acc + (count & ~(ROUND - 1));
  for (; acc < rounds; acc += ROUND, src += ROUND) {
    v128.store(acc, i8x16.min_u(v128.load(acc), v128.load(src)));
    v128.store(acc, i8x16.min_u(v128.load(acc, 16), v128.load(src, 16)), 16);
    v128.store(acc, i8x16.min_u(v128.load(acc, 32), v128.load(src, 32)), 32);
    v128.store(acc, i8x16.min_u(v128.load(acc, 48), v128.load(src, 48)), 48);
  }
  for (; acc < end; acc++, src++) store<u8>(acc, min(load<u8>(acc), load<u8>(src)));
}

export function maxU16(acc: usize, src: usize, count: usize): void {
  const end = acc + (count << 1);
  const rounds = acc + ((count << 1) & ~(ROUND - 1));
  for (; acc < rounds; acc += ROUND, src += ROUND) {
    v128.store(acc, i16x8.max_u(v128.load(acc), v128.load(src)));
    v128.store(acc, i16x8.max_u(v128.load(acc, 16), v128.load(src, 16)), 16);
    v128.store(acc, i16x8.max_u(v128.load(acc, 32), v128.load(src, 32)), 32);
    v128.store(acc, i16x8.max_u(v128.load(acc, 48), v128.load(src, 48)), 48);
  }
  for (; acc < end; acc += 2, src += 2) store<u16>(acc, max(load<u16>(acc), load<u16>(src)));
}

export function minU16(acc: usize, src: usize, count: usize): void {
  const end = acc + (count << 1);
  const rounds = acc + ((count << 1) & ~(ROUND - 1));
  for (; acc < rounds; acc += ROUND, src += ROUND) {
    v128.store(acc, i16x8.min_u(v128.load(acc), v128.load(src)));
    v128.store(acc, i16x8.min_u(v128.load(acc, 16), v128.load(src, 16)), 16);
    v128.store(acc, i16x8.min_u(v128.load(acc, 32), v128.load(src, 32)), 32);
    v128.store(acc, i16x8.min_u(v128.load(acc, 48), v128.load(src, 48)), 48);
  }
  for (; acc < end; acc += 2, src += 2) store<u16>(acc, min(load<u16>(acc), load<u16>(src)));
}

/** pmax(a, b) is a < b ? b : a, so a NaN in the frame leaves the accumulator (which starts at -Infinity) alone. */
export function maxF32(acc: usize, src: usize, count: usize): void {
  const end = acc + (count << 2);
  const rounds = acc + ((count << 2) & ~(ROUND - 1));
  for (; acc < rounds; acc += ROUND, src += ROUND) {
    v128.store(acc, f32x4.pmax(v128.load(acc), v128.load(src)));
    v128.store(acc, f32x4.pmax(v128.load(acc, 16), v128.load(src, 16)), 16);
    v128.store(acc, f32x4.pmax(v128.load(acc, 32), v128.load(src, 32)), 32);
    v128.store(acc, f32x4.pmax(v128.load(acc, 48), v128.load(src, 48)), 48);
  }
  for (; acc < end; acc += 4, src += 4) {
    const value = load<f32>(src);
    if (load<f32>(acc) < value) store<f32>(acc, value);
  }
}

/** pmin(a, b) is b < a ? b : a; the accumulator starts at +Infinity. */
export function minF32(acc: usize, src: usize, count: usize): void {
  const end = acc + (count << 2);
  const rounds = acc + ((count << 2) & ~(ROUND - 1));
  for (; acc < rounds; acc += ROUND, src += ROUND) {
    v128.store(acc, f32x4.pmin(v128.load(acc), v128.load(src)));
    v128.store(acc, f32x4.pmin(v128.load(acc, 16), v128.load(src, 16)), 16);
    v128.store(acc, f32x4.pmin(v128.load(acc, 32), v128.load(src, 32)), 32);
    v128.store(acc, f32x4.pmin(v128.load(acc, 48), v128.load(src, 48)), 48);
  }
  for (; acc < end; acc += 4, src += 4) {
    const value = load<f32>(src);
    if (value < load<f32>(acc)) store<f32>(acc, value);
  }
}

/** Sum into 32 bit: exact for 65,537 frames of 16 bit. */
export function sumU16(acc: usize, src: usize, count: usize): void {
  const end = src + (count << 1);
  const rounds = src + ((count << 1) & ~31);
  for (; src < rounds; src += 32, acc += 64) {
    const low = v128.load(src);
    const high = v128.load(src, 16);
    v128.store(acc, i32x4.add(v128.load(acc), i32x4.extend_low_i16x8_u(low)));
    v128.store(acc, i32x4.add(v128.load(acc, 16), i32x4.extend_high_i16x8_u(low)), 16);
    v128.store(acc, i32x4.add(v128.load(acc, 32), i32x4.extend_low_i16x8_u(high)), 32);
    v128.store(acc, i32x4.add(v128.load(acc, 48), i32x4.extend_high_i16x8_u(high)), 48);
  }
  for (; src < end; src += 2, acc += 4) store<u32>(acc, load<u32>(acc) + load<u16>(src));
}

export function sumU8(acc: usize, src: usize, count: usize): void {
  const end = src + count;
  const rounds = src + (count & ~15);
  for (; src < rounds; src += 16, acc += 64) {
    const bytes = v128.load(src);
    const low = i16x8.extend_low_i8x16_u(bytes);
    const high = i16x8.extend_high_i8x16_u(bytes);
    v128.store(acc, i32x4.add(v128.load(acc), i32x4.extend_low_i16x8_u(low)));
    v128.store(acc, i32x4.add(v128.load(acc, 16), i32x4.extend_high_i16x8_u(low)), 16);
    v128.store(acc, i32x4.add(v128.load(acc, 32), i32x4.extend_low_i16x8_u(high)), 32);
    v128.store(acc, i32x4.add(v128.load(acc, 48), i32x4.extend_high_i16x8_u(high)), 48);
  }
  for (; src < end; src++, acc += 4) store<u32>(acc, load<u32>(acc) + load<u8>(src));
}

/** Sum into 64-bit float, and how many frames had a value (not NaN) at each pixel. */
export function sumF32(acc: usize, counts: usize, src: usize, count: usize): void {
  const end = src + (count << 2);
  const rounds = src + ((count << 2) & ~15);
  for (; src < rounds; src += 16, acc += 32, counts += 16) {
    const raw = v128.load(src);
    const known = f32x4.eq(raw, raw);
    const values = v128.and(raw, known);
    v128.store(acc, f64x2.add(v128.load(acc), f64x2.promote_low_f32x4(values)));
    const upper = i8x16.shuffle(values, values, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
    v128.store(acc, f64x2.add(v128.load(acc, 16), f64x2.promote_low_f32x4(upper)), 16);
    // A true lane is -1.
    v128.store(counts, i32x4.sub(v128.load(counts), known));
  }
  for (; src < end; src += 4, acc += 8, counts += 4) {
    const value = load<f32>(src);
    if (value == value) {
      store<f64>(acc, load<f64>(acc) + <f64>value);
      store<u32>(counts, load<u32>(counts) + 1);
    }
  }
}

/** Decaying maximum of 4 samples: what the accumulator holds above black fades by `decay` before the frame is laid over. */
// @ts-ignore: decorator
@inline
function fade(acc: usize, values: v128, decay: v128, black: v128): void {
  const faded = f32x4.add(black, f32x4.mul(f32x4.sub(v128.load(acc), black), decay));
  v128.store(acc, f32x4.pmax(faded, values));
}

// @ts-ignore: decorator
@inline
function fadeOne(acc: usize, value: f32, decay: f32, black: f32): void {
  const faded: f32 = black + (load<f32>(acc) - black) * decay;
  store<f32>(acc, faded < value ? value : faded);
}

export function fadeU8(acc: usize, src: usize, count: usize, decay: f32, black: f32): void {
  const end = src + count;
  const rounds = src + (count & ~7);
  const d = f32x4.splat(decay);
  const b = f32x4.splat(black);
  for (; src < rounds; src += 8, acc += 32) {
    const values = v128.load_ext<u8>(src);
    fade(acc, f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(values)), d, b);
    fade(acc + 16, f32x4.convert_i32x4_u(i32x4.extend_high_i16x8_u(values)), d, b);
  }
  for (; src < end; src++, acc += 4) fadeOne(acc, <f32>load<u8>(src), decay, black);
}

export function fadeU16(acc: usize, src: usize, count: usize, decay: f32, black: f32): void {
  const end = src + (count << 1);
  const rounds = src + ((count << 1) & ~15);
  const d = f32x4.splat(decay);
  const b = f32x4.splat(black);
  for (; src < rounds; src += 16, acc += 32) {
    const values = v128.load(src);
    fade(acc, f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(values)), d, b);
    fade(acc + 16, f32x4.convert_i32x4_u(i32x4.extend_high_i16x8_u(values)), d, b);
  }
  for (; src < end; src += 2, acc += 4) fadeOne(acc, <f32>load<u16>(src), decay, black);
}

export function fadeF32(acc: usize, src: usize, count: usize, decay: f32, black: f32): void {
  const end = src + (count << 2);
  const rounds = src + ((count << 2) & ~15);
  const d = f32x4.splat(decay);
  const b = f32x4.splat(black);
  for (; src < rounds; src += 16, acc += 16) fade(acc, v128.load(src), d, b);
  for (; src < end; src += 4, acc += 4) fadeOne(acc, load<f32>(src), decay, black);
}

/** Fills `bytes` (a multiple of 4) with a 32-bit value: the neutral element of a fold. */
export function fill32(target: usize, value: u32, bytes: usize): void {
  const end = target + bytes;
  const rounds = target + (bytes & ~15);
  const v = i32x4.splat(value);
  for (; target < rounds; target += 16) v128.store(target, v);
  for (; target < end; target += 4) store<u32>(target, value);
}
