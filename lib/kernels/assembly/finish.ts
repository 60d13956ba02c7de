/** Turns an accumulator into the samples of the finished picture. */

/** f32 = u32 x factor: the sum (factor 1) or the mean (1 / frames). */
export function scaleU32(target: usize, acc: usize, count: usize, factor: f64): void {
  const end = acc + (count << 2);
  const rounds = acc + ((count << 2) & ~15);
  const f = f64x2.splat(factor);
  for (; acc < rounds; acc += 16, target += 16) {
    const sums = v128.load(acc);
    const upper = i8x16.shuffle(sums, sums, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
    const low = f32x4.demote_f64x2_zero(f64x2.mul(f64x2.convert_low_i32x4_u(sums), f));
    const high = f32x4.demote_f64x2_zero(f64x2.mul(f64x2.convert_low_i32x4_u(upper), f));
    v128.store(target, i8x16.shuffle(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23));
  }
  for (; acc < end; acc += 4, target += 4) store<f32>(target, <f32>(<f64>load<u32>(acc) * factor));
}

/** f32 = f64 sum, or its mean over the frames that had a value; NaN where none had. */
export function finishF64(target: usize, acc: usize, counts: usize, count: usize, mean: bool): void {
  const end = target + (count << 2);
  for (; target < end; target += 4, acc += 8, counts += 4) {
    const known = load<u32>(counts);
    store<f32>(target, known == 0 ? <f32>NaN : <f32>(mean ? load<f64>(acc) / <f64>known : load<f64>(acc)));
  }
}

/** The neutral element (an infinity) of a fold that met no value becomes NaN again. */
export function infinityToNaN(target: usize, acc: usize, count: usize): void {
  const end = acc + (count << 2);
  const rounds = acc + ((count << 2) & ~15);
  const infinite = f32x4.splat(Infinity);
  const nan = f32x4.splat(<f32>NaN);
  for (; acc < rounds; acc += 16, target += 16) {
    const values = v128.load(acc);
    v128.store(target, v128.bitselect(nan, values, f32x4.eq(f32x4.abs(values), infinite)));
  }
  for (; acc < end; acc += 4, target += 4) {
    const value = load<f32>(acc);
    store<f32>(target, abs(value) == Infinity ? <f32>NaN : value);
  }
}

/** Rounds to the nearest integer within 0…65535. */
export function roundToU16(target: usize, acc: usize, count: usize): void {
  const end = acc + (count << 2);
  const rounds = acc + ((count << 2) & ~31);
  for (; acc < rounds; acc += 32, target += 16) {
    const low = i32x4.trunc_sat_f32x4_s(f32x4.nearest(v128.load(acc)));
    const high = i32x4.trunc_sat_f32x4_s(f32x4.nearest(v128.load(acc, 16)));
    v128.store(target, i16x8.narrow_i32x4_u(low, high));
  }
  for (; acc < end; acc += 4, target += 2) store<u16>(target, <u16>max<f32>(0, min<f32>(65535, nearest(load<f32>(acc)))));
}

export function roundToU8(target: usize, acc: usize, count: usize): void {
  const end = acc + (count << 2);
  for (; acc < end; acc += 4, target++) store<u8>(target, <u8>max<f32>(0, min<f32>(255, nearest(load<f32>(acc)))));
}
