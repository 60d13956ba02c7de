/** Resampling of a picture through a projective map, one output row at a time, from a box of 32-bit floats. */

/** Samples of one row become floats at `target`; `left` and `right` copies of its ends stand around them. */
// @ts-ignore: decorator
@inline
function widenRow<T>(row: usize, target: usize, count: i32, left: i32, right: i32): void {
  let i = 0;
  if (sizeof<T>() == 4) {
    memory.copy(target, row, <usize>count << 2);
    i = count;
  } else if (sizeof<T>() == 2) {
    for (; i + 8 <= count; i += 8) {
      const v = v128.load(row + (<usize>i << 1));
      const at = target + (<usize>i << 2);
      v128.store(at, f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(v)));
      v128.store(at, f32x4.convert_i32x4_u(i32x4.extend_high_i16x8_u(v)), 16);
    }
  }
  for (; i < count; i++) store<f32>(target + (<usize>i << 2), <f32>load<T>(row + <usize>i * sizeof<T>()));
  const first = load<f32>(target);
  for (let k = 1; k <= left; k++) store<f32>(target - (<usize>k << 2), first);
  const end = target + (<usize>count << 2);
  const last = load<f32>(end - 4);
  for (let k = 0; k < right; k++) store<f32>(end + (<usize>k << 2), last);
}
export function widenRowU8(row: usize, target: usize, count: i32, left: i32, right: i32): void {
  widenRow<u8>(row, target, count, left, right);
}
export function widenRowU16(row: usize, target: usize, count: i32, left: i32, right: i32): void {
  widenRow<u16>(row, target, count, left, right);
}
export function widenRowF32(row: usize, target: usize, count: i32, left: i32, right: i32): void {
  widenRow<f32>(row, target, count, left, right);
}

/** Fractions of a pixel that the table of weights knows: the rounding moves a star by less than 0.001 px. */
const phases = 512;

// @ts-ignore: decorator
@inline
function pixel(box: usize, stride: i32, x: i32, y: i32): f32 {
  return load<f32>(box + <usize>(y * stride + (x << 2)));
}

/** Between the four samples around a point; those without a value are left out as long as half of the weight stays. */
function bilinear(box: usize, stride: i32, x: i32, y: i32, fx: f32, fy: f32): f32 {
  let sum: f32 = 0;
  let weights: f32 = 0;
  for (let j = 0; j < 2; j++)
    for (let i = 0; i < 2; i++) {
      const w = (i ? fx : 1 - fx) * (j ? fy : 1 - fy);
      const value = pixel(box, stride, x + i, y + j);
      if (w == 0 || value != value) continue;
      sum += w * value;
      weights += w;
    }
  return weights >= 0.5 ? sum / weights : NaN;
}

/**
 * 6 x 6 samples around a point. Beside a bright star the kernel's negative lobes dig a dark ring: no result is below the
 * darkest of the samples it is made of. Peaks between two samples stay.
 */
// @ts-ignore: decorator
@inline
function lanczos(first: usize, stride: i32, wx: usize, wy: usize): f32 {
  let row = first;
  let a = v128.load(row);
  let b = v128.load(row, 16);
  let low = f32x4.pmin(a, b);
  let w = v128.load32_splat(wy);
  let left = f32x4.mul(a, w);
  let right = f32x4.mul(b, w);
  for (let k = 1; k < 6; k++) {
    row += stride;
    a = v128.load(row);
    b = v128.load(row, 16);
    low = f32x4.pmin(low, f32x4.pmin(a, b));
    w = v128.load32_splat(wy + (<usize>k << 2));
    left = f32x4.add(left, f32x4.mul(a, w));
    right = f32x4.add(right, f32x4.mul(b, w));
  }
  let s = f32x4.add(f32x4.mul(left, v128.load(wx)), f32x4.mul(right, v128.load(wx, 16)));
  s = f32x4.add(s, i8x16.shuffle(s, s, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  low = f32x4.pmin(low, i8x16.shuffle(low, low, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  const sum = f32x4.extract_lane(s, 0) + f32x4.extract_lane(s, 1);
  return max<f32>(sum, min<f32>(f32x4.extract_lane(low, 0), f32x4.extract_lane(low, 1)));
}

/**
 * `count` samples of an output row. Point i lies at ((x + i dx) / (w + i dw), (y + i dy) / (w + i dw)) of the source; outside
 * of 0 … `lastX`, 0 … `lastY` the result is NaN. `box` is where source sample (0, 0) would be, `stride` its bytes a row;
 * samples two before and five after a point's own must be readable. `method`: 0 nearest, 1 bilinear, 2 Lanczos with
 * `table`: for each of the fractions i / 512 of a pixel, 0 … 512, six weights of the samples −2 … 3 and two zeros.
 */
export function warpRow(
  target: usize,
  count: i32,
  box: usize,
  stride: i32,
  lastX: f64,
  lastY: f64,
  x: f64,
  y: f64,
  w: f64,
  dx: f64,
  dy: f64,
  dw: f64,
  method: i32,
  table: usize,
): void {
  for (let i = 0; i < count; i++, target += 4) {
    const n = <f64>i;
    let u = x + n * dx;
    let v = y + n * dy;
    const h = w + n * dw;
    if (h != 1) {
      if (!(h > 0)) {
        store<f32>(target, NaN);
        continue;
      }
      const scale = 1 / h;
      u *= scale;
      v *= scale;
    }
    if (!(u >= -0.001 && v >= -0.001 && u <= lastX + 0.001 && v <= lastY + 0.001)) {
      store<f32>(target, NaN);
      continue;
    }
    if (method == 0) {
      store<f32>(target, pixel(box, stride, <i32>(u + 0.5), <i32>(v + 0.5)));
      continue;
    }
    const left = floor<f64>(u);
    const top = floor<f64>(v);
    const ix = <i32>left;
    const iy = <i32>top;
    if (method == 2) {
      const first = box + <usize>((iy - 2) * stride + ((ix - 2) << 2));
      const px = <usize>((u - left) * phases + 0.5);
      const py = <usize>((v - top) * phases + 0.5);
      const value = lanczos(first, stride, table + (px << 5), table + (py << 5));
      if (value == value) {
        store<f32>(target, value);
        continue;
      }
    }
    store<f32>(target, bilinear(box, stride, ix, iy, <f32>(u - left), <f32>(v - top)));
  }
}
