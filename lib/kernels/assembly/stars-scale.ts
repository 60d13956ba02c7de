/** Coarser pictures: one to see how large the stars are, and one to find large ones in. */
import { inStamp, loadStamp } from './stars-stamp';

/**
 * Adds a row of starsOffRow (12 bits) to the sums of four rows; with the fourth, writes one u16 for 4x4 pixels: twice their
 * mean, 4095 at the most.
 * @param row Which of the four
 */
export function starsCoarsen(src: usize, sums: usize, width: i32, row: i32, out: usize): void {
  const end = src + (<usize>width << 1);
  if (row == 0) {
    for (; src < end; src += 16, sums += 16) v128.store(sums, v128.load(src));
    return;
  }
  if (row < 3) {
    for (; src < end; src += 16, sums += 16) v128.store(sums, i16x8.add(v128.load(src), v128.load(sums)));
    return;
  }
  const most = i16x8.splat(4095);
  for (; src < end; src += 32, sums += 32, out += 8) {
    const a = i32x4.extadd_pairwise_i16x8_u(i16x8.add(v128.load(src), v128.load(sums)));
    const b = i32x4.extadd_pairwise_i16x8_u(i16x8.add(v128.load(src, 16), v128.load(sums, 16)));
    const even = i8x16.shuffle(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
    const odd = i8x16.shuffle(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
    const mean = i32x4.shr_u(i32x4.add(even, odd), 3);
    v128.store64_lane(out, i16x8.min_u(i16x8.narrow_i32x4_u(mean, mean), most), 0);
  }
}

/** The area over which a light spreads: its sum over its largest filtered sample, pixels. The stamp has a margin of one pixel. */
export function starsSpread(context: usize, x0: i32, y0: i32, width: i32, height: i32): f32 {
  loadStamp(context, x0 - 1, y0 - 1, width + 2, height + 2);
  const stamp = <usize>load<u32>(context, inStamp);
  const stride = <usize>(width + 2) << 2;
  let sum: f32 = 0;
  let most: f32 = 1e-30;
  for (let y = 1; y <= height; y++)
    for (let x = 1; x <= width; x++) {
      const at = stamp + <usize>y * stride + (<usize>x << 2);
      const a = at - stride;
      const c = at + stride;
      sum += load<f32>(at);
      const corners = load<f32>(a - 4) + load<f32>(a + 4) + (load<f32>(c - 4) + load<f32>(c + 4));
      const sides = load<f32>(a) + load<f32>(c) + (load<f32>(at - 4) + load<f32>(at + 4));
      most = max<f32>(most, (corners + 2 * sides + 4 * load<f32>(at)) * 0.0625);
    }
  return sum / most;
}

/** Adds a row of samples to sums of `bin` neighbours, f32; NaN stays. */
// @ts-ignore: decorator
@inline
function addRow<T>(src: usize, sums: usize, count: i32, bin: i32): void {
  for (let i = 0; i < count; i++, sums += 4) {
    let sum = load<f32>(sums);
    for (let j = 0; j < bin; j++, src += sizeof<T>()) sum += <f32>load<T>(src);
    store<f32>(sums, sum);
  }
}
export function starsBinU16(src: usize, sums: usize, count: i32, bin: i32): void {
  addRow<u16>(src, sums, count, bin);
}
export function starsBinF32(src: usize, sums: usize, count: i32, bin: i32): void {
  addRow<f32>(src, sums, count, bin);
}
