/** One brightness a pixel out of several samples: the channels of a colour picture, or the four of a mosaic's 2x2 window. */

/** The sum of up to four samples; the pointers run on by one sample each. */
// @ts-ignore: decorator
@inline
function sumOf<T>(a: usize, b: usize, c: usize, d: usize, samples: i32, x: usize): f32 {
  let sum = <f32>load<T>(a + x);
  if (samples > 1) sum += <f32>load<T>(b + x);
  if (samples > 2) sum += <f32>load<T>(c + x);
  if (samples > 3) sum += <f32>load<T>(d + x);
  return sum;
}

/** The largest of them. */
// @ts-ignore: decorator
@inline
function mostOf<T>(a: usize, b: usize, c: usize, d: usize, samples: i32, x: usize): f32 {
  let most = <f32>load<T>(a + x);
  if (samples > 1) most = max<f32>(most, <f32>load<T>(b + x));
  if (samples > 2) most = max<f32>(most, <f32>load<T>(c + x));
  if (samples > 3) most = max<f32>(most, <f32>load<T>(d + x));
  return most;
}

/** u16 = the sum x scale, 65534 at the most; 65535 where one of them is at `white` or above. */
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
  for (let i = 0; i < count; i++) {
    const x = <usize>i << 1;
    const sum = sumOf<u16>(a, b, c, d, samples, x) * scale + 0.5;
    const full = mostOf<u16>(a, b, c, d, samples, x) >= white;
    store<u16>(out + x, full ? 65535 : <u16>min<f32>(65534, sum));
  }
}

/** The same of bytes, each through a table of 256 f32 (linear light); `white` is a table's value. */
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
  for (let i = 0; i < count; i++) {
    const x = <usize>i;
    const p = load<f32>(table + (<usize>load<u8>(a + x) << 2));
    const q = samples > 1 ? load<f32>(table + (<usize>load<u8>(b + x) << 2)) : 0;
    const r = samples > 2 ? load<f32>(table + (<usize>load<u8>(c + x) << 2)) : 0;
    const s = samples > 3 ? load<f32>(table + (<usize>load<u8>(d + x) << 2)) : 0;
    const full = max<f32>(max<f32>(p, q), max<f32>(r, s)) >= white;
    store<u16>(out + (x << 1), full ? 65535 : <u16>min<f32>(65534, p + q + r + s + 0.5));
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
  for (let i = 0; i < count; i++) {
    const x = <usize>i << 2;
    const mean = sumOf<f32>(a, b, c, d, samples, x) * scale;
    const full = mostOf<f32>(a, b, c, d, samples, x) >= white;
    store<f32>(out + x, full && mean < white ? white : mean);
  }
}
