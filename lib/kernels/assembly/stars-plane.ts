/** One brightness a pixel out of several samples: the channels of a colour picture, or the four of a mosaic's 2x2 window. */

/**
 * u16 = the sum of up to four samples x scale, 65534 at the most; 65535 where one of them is at `white` or above. The last vector
 * may reach beyond the row.
 */
export function starsPlaneU16(
  a: usize,
  b: usize,
  c: usize,
  d: usize,
  samples: i32,
  out: usize,
  count: i32,
  scale: f32,
  white: f32,
): void {
  const scales = f32x4.splat(scale);
  const half = f32x4.splat(0.5);
  const most = i32x4.splat(65534);
  // A white level above what 16 bits hold is never reached.
  const whites = i16x8.splat(<i16>(<u32>min<f32>(65535, white)));
  const reachable = i16x8.splat(white > 65535 ? 0 : -1);
  const zero = i16x8.splat(0);
  for (let x: usize = 0; x < <usize>count << 1; x += 16) {
    const p = v128.load(a + x);
    const q = samples > 1 ? v128.load(b + x) : zero;
    const r = samples > 2 ? v128.load(c + x) : zero;
    const s = samples > 3 ? v128.load(d + x) : zero;
    const low = i32x4.add(
      i32x4.add(i32x4.extend_low_i16x8_u(p), i32x4.extend_low_i16x8_u(q)),
      i32x4.add(i32x4.extend_low_i16x8_u(r), i32x4.extend_low_i16x8_u(s)),
    );
    const high = i32x4.add(
      i32x4.add(i32x4.extend_high_i16x8_u(p), i32x4.extend_high_i16x8_u(q)),
      i32x4.add(i32x4.extend_high_i16x8_u(r), i32x4.extend_high_i16x8_u(s)),
    );
    const lowMean = i32x4.trunc_sat_f32x4_s(f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(low), scales), half));
    const highMean = i32x4.trunc_sat_f32x4_s(f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(high), scales), half));
    const means = i16x8.narrow_i32x4_u(i32x4.min_s(lowMean, most), i32x4.min_s(highMean, most));
    const brightest = i16x8.max_u(i16x8.max_u(p, q), i16x8.max_u(r, s));
    v128.store(out + x, v128.or(means, v128.and(i16x8.ge_u(brightest, whites), reachable)));
  }
}

/** The same of bytes, each through a table of 256 f32 (linear light); a byte of `white` or above is saturated. */
export function starsPlaneU8(
  a: usize,
  b: usize,
  c: usize,
  d: usize,
  samples: i32,
  out: usize,
  count: i32,
  table: usize,
  white: f32,
): void {
  const full = <u32>white;
  for (let x: usize = 0; x < <usize>count; x++) {
    const p = <u32>load<u8>(a + x);
    const q = samples > 1 ? <u32>load<u8>(b + x) : 0;
    const r = samples > 2 ? <u32>load<u8>(c + x) : 0;
    const s = samples > 3 ? <u32>load<u8>(d + x) : 0;
    let sum = load<f32>(table + (<usize>p << 2)) + 0.5;
    if (samples > 1) sum += load<f32>(table + (<usize>q << 2));
    if (samples > 2) sum += load<f32>(table + (<usize>r << 2));
    if (samples > 3) sum += load<f32>(table + (<usize>s << 2));
    const saturated = p >= full || q >= full || r >= full || s >= full;
    const light = <u32>sum;
    store<u16>(out + (x << 1), saturated ? 65535 : <u16>(light < 65534 ? light : 65534));
  }
}

/** f32 = the mean, or `white` where one of them is at `white` or above and the mean is not; NaN where one is. */
export function starsPlaneF32(
  a: usize,
  b: usize,
  c: usize,
  d: usize,
  samples: i32,
  out: usize,
  count: i32,
  scale: f32,
  white: f32,
): void {
  const scales = f32x4.splat(scale);
  const whites = f32x4.splat(white);
  for (let x: usize = 0; x < <usize>count << 2; x += 16) {
    let sum = v128.load(a + x);
    let most = sum;
    if (samples > 1) {
      const next = v128.load(b + x);
      sum = f32x4.add(sum, next);
      most = f32x4.max(most, next);
    }
    if (samples > 2) {
      const next = v128.load(c + x);
      sum = f32x4.add(sum, next);
      most = f32x4.max(most, next);
    }
    if (samples > 3) {
      const next = v128.load(d + x);
      sum = f32x4.add(sum, next);
      most = f32x4.max(most, next);
    }
    const mean = f32x4.mul(sum, scales);
    // A sample without a value makes `most` NaN, which is not at white.
    v128.store(out + x, v128.bitselect(f32x4.max(mean, whites), mean, f32x4.ge(most, whites)));
  }
}
