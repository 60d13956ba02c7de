/**
 * Calibration of a light: (light - dark) x gain + pedestal, where `dark` is whatever is to be taken away (bias, scaled dark, or
 * both) and `gain` the inverse of the flat, both f32. One pass; `count` is in samples.
 */

/** 2^23: a float between it and 2^24 holds its whole number in the low bits of the mantissa, rounded to the nearest even. */
const wholeFloats: f32 = 8388608;

/** Four samples of a block on their way: no flat when `gain` is 0, which the compiler sees. */
// @ts-ignore: decorator
@inline
function calibrated(light: v128, dark: usize, gain: usize, lift: v128): v128 {
  const signal = f32x4.sub(light, v128.load(dark));
  return f32x4.add(gain == 0 ? signal : f32x4.mul(signal, v128.load(gain)), lift);
}

// @ts-ignore: decorator
@inline
function wholeNumbers(values: v128, high: v128): v128 {
  return f32x4.pmin(f32x4.pmax(f32x4.splat(wholeFloats), values), high);
}

// @ts-ignore: decorator
@inline
function toU16(target: usize, light: usize, dark: usize, gain: usize, count: usize, pedestal: f32, saturation: i32, white: i32, flat: bool): void {
  const end = target + (count << 1);
  const rounds = target + ((count << 1) & ~31);
  const lift = f32x4.splat(pedestal + wholeFloats);
  const high = f32x4.splat(<f32>white + wholeFloats);
  const limit = i16x8.splat(<i16>saturation);
  const whites = i16x8.splat(<i16>white);
  for (; target < rounds; target += 32, light += 32, dark += 64) {
    const a = v128.load(light);
    const b = v128.load(light, 16);
    const v0 = calibrated(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(a)), dark, flat ? gain : 0, lift);
    const v1 = calibrated(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(a)), dark + 16, flat ? gain + 16 : 0, lift);
    const v2 = calibrated(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(b)), dark + 32, flat ? gain + 32 : 0, lift);
    const v3 = calibrated(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(b)), dark + 48, flat ? gain + 48 : 0, lift);
    const low = i8x16.shuffle(
      wholeNumbers(v0, high), wholeNumbers(v1, high),
      0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29,
    );
    const upper = i8x16.shuffle(
      wholeNumbers(v2, high), wholeNumbers(v3, high),
      0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29,
    );
    // What was saturated says nothing any more but that it was: it becomes the new white level.
    v128.store(target, i16x8.max_u(low, v128.and(i16x8.ge_u(a, limit), whites)));
    v128.store(target, i16x8.max_u(upper, v128.and(i16x8.ge_u(b, limit), whites)), 16);
    if (flat) gain += 64;
  }
  for (; target < end; target += 2, light += 2, dark += 4) {
    const value = load<u16>(light);
    let signal: f32 = <f32>value - load<f32>(dark);
    if (flat) {
      signal = (signal * load<f32>(gain)) as f32;
      gain += 4;
    }
    // NaN compares false and becomes 0, as in the vectors.
    const lifted: f32 = signal + (pedestal + wholeFloats);
    const bounded = wholeFloats < lifted ? lifted : wholeFloats;
    const whole = reinterpret<u32>(bounded < <f32>white + wholeFloats ? bounded : <f32>white + wholeFloats) & 0xffff;
    store<u16>(target, <i32>value >= saturation ? <u16>white : <u16>whole);
  }
}

/** u16 to u16, rounded, between 0 and `white`; samples at or above `saturation` become `white`. NaN in a master gives 0. */
export function calibrateU16(target: usize, light: usize, dark: usize, gain: usize, count: usize, pedestal: f32, saturation: i32, white: i32): void {
  if (gain == 0) toU16(target, light, dark, 0, count, pedestal, saturation, white, false);
  else toU16(target, light, dark, gain, count, pedestal, saturation, white, true);
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
