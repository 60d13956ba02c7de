/**
 * Calibration of a light: (light - dark) x gain + pedestal, where `dark` is whatever is to be taken away (bias, scaled dark, or
 * both) and `gain` the inverse of the flat, both f32. One pass; `count` is in samples.
 */

/** 2^23: a float between it and 2^24 holds its whole number, rounded to the nearest even, in the low bits; and those of 2^23. */
const wholeFloats: f32 = 8388608;
const wholeBits: i32 = 0x4b000000;

/** Four samples of a block on their way: no flat when `gain` is 0, which the compiler sees. */
// @ts-ignore: decorator
@inline
function calibrated(light: v128, dark: usize, gain: usize, lift: v128): v128 {
  const signal = f32x4.sub(light, v128.load(dark));
  return f32x4.add(gain == 0 ? signal : f32x4.mul(signal, v128.load(gain)), lift);
}

/** Eight samples of 16 bit; below 0 becomes 0 and above 65535 that. */
// @ts-ignore: decorator
@inline
function eight(light: v128, dark: usize, gain: usize, lift: v128, flat: bool): v128 {
  const low = calibrated(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(light)), dark, flat ? gain : 0, lift);
  const high = calibrated(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(light)), dark + 16, flat ? gain + 16 : 0, lift);
  const bits = i32x4.splat(wholeBits);
  return i16x8.narrow_i32x4_u(i32x4.sub(low, bits), i32x4.sub(high, bits));
}

// @ts-ignore: decorator
@inline
function toU16(target: usize, light: usize, dark: usize, gain: usize, count: usize, pedestal: f32, saturation: i32, white: i32, flat: bool): void {
  const end = target + (count << 1);
  const rounds = target + ((count << 1) & ~31);
  const lift = f32x4.splat(pedestal + wholeFloats);
  const limit = i16x8.splat(<i16>saturation);
  const whites = i16x8.splat(<i16>white);
  for (; target < rounds; target += 32, light += 32, dark += 64) {
    const a = v128.load(light);
    const b = v128.load(light, 16);
    // What was saturated says nothing any more but that it was: it becomes the new white level.
    const low = v128.or(eight(a, dark, gain, lift, flat), i16x8.ge_u(a, limit));
    const high = v128.or(eight(b, dark + 32, gain + 32, lift, flat), i16x8.ge_u(b, limit));
    v128.store(target, i16x8.min_u(low, whites));
    v128.store(target, i16x8.min_u(high, whites), 16);
    if (flat) gain += 64;
  }
  for (; target < end; target += 2, light += 2, dark += 4) {
    const value = load<u16>(light);
    let signal: f32 = <f32>value - load<f32>(dark);
    if (flat) {
      signal = (signal * load<f32>(gain)) as f32;
      gain += 4;
    }
    const whole = reinterpret<i32>(<f32>(signal + (pedestal + wholeFloats))) - wholeBits;
    store<u16>(target, <i32>value >= saturation ? <u16>white : <u16>max(0, min(white, whole)));
  }
}

/**
 * u16 to u16, rounded, between 0 and `white`; samples at or above `saturation` become `white`. The product of what is left and
 * gain must stay within +- 8 million.
 */
export function calibrateU16(target: usize, light: usize, dark: usize, gain: usize, count: usize, pedestal: f32, saturation: i32, white: i32): void {
  const limit = min(saturation, 65535);
  if (gain == 0) toU16(target, light, dark, 0, count, pedestal, limit, white, false);
  else toU16(target, light, dark, gain, count, pedestal, limit, white, true);
}

/** Eight samples by packed maps: (light x gain >> shift) - dark x gain + lift, in sixteenths of an ADU. */
// @ts-ignore: decorator
@inline
function eightPacked(light: v128, dark: usize, gain: usize, lift: v128, shift: i32, flat: bool): v128 {
  const taken = v128.load(dark);
  let low: v128;
  let high: v128;
  if (flat) {
    const factors = v128.load(gain);
    low = i32x4.shr_u(i32x4.extmul_low_i16x8_u(light, factors), shift);
    high = i32x4.shr_u(i32x4.extmul_high_i16x8_u(light, factors), shift);
  } else {
    low = i32x4.shl(i32x4.extend_low_i16x8_u(light), 4);
    high = i32x4.shl(i32x4.extend_high_i16x8_u(light), 4);
  }
  low = i32x4.add(i32x4.sub(low, i32x4.extend_low_i16x8_u(taken)), lift);
  high = i32x4.add(i32x4.sub(high, i32x4.extend_high_i16x8_u(taken)), lift);
  return i16x8.narrow_i32x4_u(i32x4.shr_s(low, 4), i32x4.shr_s(high, 4));
}

// @ts-ignore: decorator
@inline
function packed(target: usize, light: usize, dark: usize, gain: usize, count: usize, lift: i32, shift: i32, saturation: i32, white: i32, flat: bool): void {
  const lifts = i32x4.splat(lift);
  const limit = i16x8.splat(<i16>saturation);
  const whites = i16x8.splat(<i16>white);
  // Four quarters side by side: a processor fetches more of memory ahead from eight streams than from two.
  const quarter = (count >> 5) << 4;
  const end = target + (count << 1);
  for (const rounds = target + quarter; target < rounds; target += 16, light += 16, dark += 16) {
    for (let part: usize = 0; part < 4; part++) {
      const at = part * quarter;
      const value = v128.load(light + at);
      const result = eightPacked(value, dark + at, gain + at, lifts, shift, flat);
      v128.store(target + at, i16x8.min_u(v128.or(result, i16x8.ge_u(value, limit)), whites));
    }
    if (flat) gain += 16;
  }
  target += 3 * quarter;
  light += 3 * quarter;
  dark += 3 * quarter;
  gain += 3 * quarter;
  for (; target < end; target += 2, light += 2, dark += 2) {
    const value = <u32>load<u16>(light);
    let signal: i32;
    if (flat) {
      signal = <i32>((value * <u32>load<u16>(gain)) >> shift);
      gain += 2;
    } else signal = <i32>(value << 4);
    const whole = (signal - <i32>load<u16>(dark) + lift) >> 4;
    store<u16>(target, <i32>value >= saturation ? <u16>white : <u16>max(0, min(white, whole)));
  }
}

/**
 * The same from maps of half the size, for memory is slower than the sums: `gain` u16 in units of 1 / 2^(shift + 4), `shift` 11
 * or 10; `dark` u16 sixteenths of an ADU of dark x gain; `lift` sixteenths to add, half an ADU for the rounding among them.
 */
export function calibratePackedU16(target: usize, light: usize, dark: usize, gain: usize, count: usize, lift: i32, shift: i32, saturation: i32, white: i32): void {
  const limit = min(saturation, 65535);
  // A shift that the compiler knows takes one instruction instead of three.
  if (gain == 0) packed(target, light, dark, 0, count, lift, 0, limit, white, false);
  else if (shift == 11) packed(target, light, dark, gain, count, lift, 11, limit, white, true);
  else packed(target, light, dark, gain, count, lift, 10, limit, white, true);
}

// @ts-ignore: decorator
@inline
function toF32(target: usize, light: usize, dark: usize, gain: usize, count: usize, pedestal: f32, saturation: f32, white: f32, flat: bool): void {
  const end = target + (count << 2);
  const rounds = target + ((count << 2) & ~15);
  const lift = f32x4.splat(pedestal);
  const limits = f32x4.splat(saturation);
  const whites = f32x4.splat(white);
  for (; target < rounds; target += 16, light += 16, dark += 16) {
    const value = v128.load(light);
    const result = calibrated(value, dark, flat ? gain : 0, lift);
    v128.store(target, v128.bitselect(f32x4.pmax(whites, result), result, f32x4.ge(value, limits)));
    if (flat) gain += 16;
  }
  for (; target < end; target += 4, light += 4, dark += 4) {
    const value = load<f32>(light);
    let signal: f32 = value - load<f32>(dark);
    if (flat) {
      signal = (signal * load<f32>(gain)) as f32;
      gain += 4;
    }
    const result: f32 = signal + pedestal;
    store<f32>(target, value >= saturation && !(result > white) ? white : result);
  }
}

/** f32 to f32 (target may be light), not clipped; samples at or above `saturation` become at least `white`. NaN stays. */
export function calibrateF32(target: usize, light: usize, dark: usize, gain: usize, count: usize, pedestal: f32, saturation: f32, white: f32): void {
  if (gain == 0) toF32(target, light, dark, 0, count, pedestal, saturation, white, false);
  else toF32(target, light, dark, gain, count, pedestal, saturation, white, true);
}

// @ts-ignore: decorator
@inline
function floats<T>(target: usize, source: usize, count: usize, scale: f32): void {
  const end = target + (count << 2);
  for (; target < end; target += 4, source += sizeof<T>()) store<f32>(target, (<f32>load<T>(source) * scale) as f32);
}

/** f32 = sample x scale. */
export function floatsFromU8(target: usize, source: usize, count: usize, scale: f32): void {
  floats<u8>(target, source, count, scale);
}
export function floatsFromU16(target: usize, source: usize, count: usize, scale: f32): void {
  floats<u16>(target, source, count, scale);
}
export function floatsFromF32(target: usize, source: usize, count: usize, scale: f32): void {
  floats<f32>(target, source, count, scale);
}

/** target = target + factor x (other - target): a dark (`other`) scaled above the bias (`target`). */
export function scaleAboveF32(target: usize, other: usize, count: usize, factor: f32): void {
  for (const end = target + (count << 2); target < end; target += 4, other += 4) {
    const base = load<f32>(target);
    store<f32>(target, base + ((factor * (load<f32>(other) - base)) as f32));
  }
}

/** target = target - other. */
export function subtractF32(target: usize, other: usize, count: usize): void {
  for (const end = target + (count << 2); target < end; target += 4, other += 4)
    store<f32>(target, load<f32>(target) - load<f32>(other));
}

/** Bits of integers and the sign of floats turned: what is darker becomes brighter, so that a cold pixel is found as a hot one. */
export function invertInts(target: usize, bytes: usize): void {
  for (const end = target + ((bytes + 15) & ~15); target < end; target += 16) v128.store(target, v128.not(v128.load(target)));
}
export function negateF32(target: usize, count: usize): void {
  for (const end = target + (((count << 2) + 15) & ~15); target < end; target += 16)
    v128.store(target, f32x4.neg(v128.load(target)));
}
