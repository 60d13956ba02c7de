/** Counts of values. The histogram of 8 or 16 bit samples holds all there is to know; floats are counted by their bits. */

/** Adds every `step`-th sample of a row, beginning with the first, to a u32 histogram with a bin for each value. */
// @ts-ignore: decorator
@inline
function countRow<T>(row: usize, count: i32, step: i32, bins: usize): void {
  const stride = <usize>step * sizeof<T>();
  const end = row + <usize>count * stride;
  for (const pairs = row + <usize>(count & ~3) * stride; row < pairs; row += 4 * stride) {
    const a = bins + (<usize>load<T>(row) << 2);
    const b = bins + (<usize>load<T>(row + stride) << 2);
    const c = bins + (<usize>load<T>(row + 2 * stride) << 2);
    const d = bins + (<usize>load<T>(row + 3 * stride) << 2);
    store<u32>(a, load<u32>(a) + 1);
    store<u32>(b, load<u32>(b) + 1);
    store<u32>(c, load<u32>(c) + 1);
    store<u32>(d, load<u32>(d) + 1);
  }
  for (; row < end; row += stride) {
    const a = bins + (<usize>load<T>(row) << 2);
    store<u32>(a, load<u32>(a) + 1);
  }
}
export function countU8(row: usize, count: i32, step: i32, bins: usize): void {
  countRow<u8>(row, count, step, bins);
}
export function countU16(row: usize, count: i32, step: i32, bins: usize): void {
  countRow<u16>(row, count, step, bins);
}

/** A number that orders floats as their values do: negative ones reversed below positive ones. */
// @ts-ignore: decorator
@inline
function ordered(value: f32): u32 {
  const bits = reinterpret<u32>(value);
  return bits & 0x80000000 ? ~bits : bits | 0x80000000;
}

/**
 * One pass of an exact selection among floats: counts |v - centre| (or v, when `absolute` is false) by 16 of its ordered
 * bits: the upper ones when `prefix` is -1, else the lower ones of the values whose upper bits are `prefix`. NaN is left out.
 */
export function countBitsF32(
  row: usize,
  count: i32,
  step: i32,
  bins: usize,
  prefix: i32,
  absolute: bool,
  centre: f32,
): void {
  const stride = <usize>step * 4;
  for (const end = row + <usize>count * stride; row < end; row += stride) {
    let value = load<f32>(row);
    if (value != value) continue;
    if (absolute) value = abs<f32>(value - centre);
    const bits = ordered(value);
    let bin: u32;
    if (prefix < 0) bin = bits >> 16;
    else {
      if (bits >> 16 != <u32>prefix) continue;
      bin = bits & 0xffff;
    }
    const at = bins + (<usize>bin << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
}

/**
 * Adds to six f64 at `moments`: number of values, sum of (v - shift), sum of (v - shift)^2, minimum, maximum, and number at or
 * above `saturation`. NaN is left out.
 */
export function momentsF32(row: usize, count: i32, step: i32, moments: usize, shift: f64, saturation: f32): void {
  const stride = <usize>step * 4;
  let known: f64 = load<f64>(moments);
  let sum: f64 = load<f64>(moments, 8);
  let squares: f64 = load<f64>(moments, 16);
  let low: f64 = load<f64>(moments, 24);
  let high: f64 = load<f64>(moments, 32);
  let saturated: f64 = load<f64>(moments, 40);
  for (const end = row + <usize>count * stride; row < end; row += stride) {
    const value = load<f32>(row);
    if (value != value) continue;
    const v = <f64>value;
    const d = v - shift;
    known += 1;
    sum += d;
    squares += d * d;
    if (v < low) low = v;
    if (v > high) high = v;
    if (value >= saturation) saturated += 1;
  }
  store<f64>(moments, known);
  store<f64>(moments, sum, 8);
  store<f64>(moments, squares, 16);
  store<f64>(moments, low, 24);
  store<f64>(moments, high, 32);
  store<f64>(moments, saturated, 40);
}

/** Adds a row of floats to a histogram of `bins` u32 between `low` and `low + bins / scale`; what lies outside goes to the ends. */
export function binF32(row: usize, count: i32, step: i32, bins: usize, binCount: i32, low: f32, scale: f32): void {
  const stride = <usize>step * 4;
  const last = <f32>(binCount - 1);
  for (const end = row + <usize>count * stride; row < end; row += stride) {
    const value = load<f32>(row);
    if (value != value) continue;
    const bin = max<f32>(0, min<f32>(last, (value - low) * scale));
    const at = bins + (<usize>(<u32>bin) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
}
