/** The part of a picture around a star, as floats above the background. What the kernels of shapes share. */

/** What the worker tells the kernels of shapes; 32-bit fields at these offsets. */
// Written by lib/stars/shapes.ts in the same order.
export const inPixels: usize = 0;
export const inIsFloat: usize = 4;
export const inWidth: usize = 8;
export const inHeight: usize = 12;
/** First row in memory and number of rows. */
export const inFirstRow: usize = 16;
export const inRows: usize = 20;
/** Background and noise, f32, at every 8th pixel of every 8th row; nodes in a row. */
export const inBackground: usize = 24;
export const inNoise: usize = 28;
export const inNodes: usize = 32;
/** Sample value of saturation, f32. */
export const inSaturation: usize = 36;
/** Floats that a stamp may hold: `stamp`, `filtered` and `labels` have room for as many, `order` for twice. */
export const inStamp: usize = 40;
export const inFiltered: usize = 44;
export const inLabels: usize = 48;
export const inOrder: usize = 52;
export const inBasins: usize = 56;
export const inLeast: usize = 60;
/** Part of an object's light that a peak must have for itself, f32. */
export const inContrast: usize = 64;
/** Objects wider or taller than these are not for stamps; rows around an object that a measurement may need. */
export const inWidest: usize = 68;
export const inTallest: usize = 72;
export const inMargin: usize = 76;
/** Half the side of the largest stamp for a single star. */
export const inReach: usize = 80;
/** Room for a row of levels: the widest stamp and two vectors, f32. */
export const inLevels: usize = 84;
/** 1 where a pixel is the mean of 2x2 of a mosaic: a hot one of them is a block of four. */
export const inBoxed: usize = 88;

/** The sample at a pixel that is in memory. */
// @ts-ignore: decorator
@inline
export function sampleAt(context: usize, x: i32, y: i32): f32 {
  const at = <usize>(y - load<i32>(context, inFirstRow)) * <usize>load<i32>(context, inWidth) + <usize>x;
  const pixels = <usize>load<u32>(context, inPixels);
  return load<i32>(context, inIsFloat) ? load<f32>(pixels + (at << 2)) : <f32>load<u16>(pixels + (at << 1));
}

/** A mesh of nodes (background or noise) at a pixel. */
export function nodesAt(context: usize, mesh: usize, x: i32, y: i32): f32 {
  const stride = <usize>load<i32>(context, inNodes) << 2;
  const at = mesh + <usize>(y >> 3) * stride + (<usize>(x >> 3) << 2);
  const v = <f32>(y & 7) * 0.125;
  const u = <f32>(x & 7) * 0.125;
  const left = load<f32>(at) + v * (load<f32>(at + stride) - load<f32>(at));
  const right = load<f32>(at, 4) + v * (load<f32>(at + stride, 4) - load<f32>(at, 4));
  return left + u * (right - left);
}

/**
 * Fills the stamp with the samples less the background of `width` x `height` pixels from (x0, y0); what lies outside of the
 * picture or has no value is 0. @returns How many pixels have no value.
 */
export function loadStamp(context: usize, x0: i32, y0: i32, width: i32, height: i32): i32 {
  const stamp = <usize>load<u32>(context, inStamp);
  const background = <usize>load<u32>(context, inBackground);
  const levels = <usize>load<u32>(context, inLevels);
  const nodes = <usize>load<i32>(context, inNodes) << 2;
  const planeWidth = load<i32>(context, inWidth);
  const pixels = <usize>load<u32>(context, inPixels);
  const floats = load<i32>(context, inIsFloat);
  const top = max<i32>(load<i32>(context, inFirstRow), 0);
  const bottom = min<i32>(load<i32>(context, inFirstRow) + load<i32>(context, inRows), load<i32>(context, inHeight));
  const from = max<i32>(x0, 0);
  const to = min<i32>(x0 + width, planeWidth);
  let missing = 0;
  for (let row = 0; row < height; row++) {
    const y = y0 + row;
    const out = stamp + (<usize>(row * width) << 2);
    if (y < top || y >= bottom || from >= to) {
      memory.fill(out, 0, <usize>width << 2);
      missing += width;
      continue;
    }
    missing += width - (to - from);
    levelsOf(background + <usize>(y >> 3) * nodes, nodes, <f32>(y & 7) * 0.125, from, to, levels);
    const samples = <usize>(y - top) * <usize>planeWidth;
    let target = out + (<usize>(from - x0) << 2);
    let level = levels + (<usize>(from & 7) << 2);
    // Up to three pixels beyond the end of the row: the next one, or what lies outside, is written later.
    for (let x = from; x < to; x += 4, target += 16, level += 16) {
      let values: v128;
      let known = i32x4.splat(-1);
      if (floats) {
        values = v128.load(pixels + ((samples + <usize>x) << 2));
        known = f32x4.eq(values, values);
        if (!i32x4.all_true(known)) for (let i = x; i < min<i32>(to, x + 4); i++) missing += isMissing(pixels, samples, i);
      } else values = f32x4.convert_i32x4_u(v128.load16x4_u(pixels + ((samples + <usize>x) << 1)));
      v128.store(target, v128.and(f32x4.sub(values, v128.load(level)), known));
    }
    if (from > x0) memory.fill(out, 0, <usize>(from - x0) << 2);
    if (to < x0 + width) memory.fill(out + (<usize>(to - x0) << 2), 0, <usize>(x0 + width - to) << 2);
  }
  return missing;
}

// @ts-ignore: decorator
@inline
function isMissing(pixels: usize, samples: usize, x: i32): i32 {
  const value = load<f32>(pixels + ((samples + <usize>x) << 2));
  return value == value ? 0 : 1;
}

/** The background of a row from pixel `from`, rounded down to eight, to `to`, out of the nodes above and below it. */
// @ts-ignore: decorator
@inline
function levelsOf(mesh: usize, nodes: usize, v: f32, from: i32, to: i32, out: usize): void {
  const lanes = f32x4(0, 0.125, 0.25, 0.375);
  const further = f32x4(0.5, 0.625, 0.75, 0.875);
  let node = mesh + (<usize>(from >> 3) << 2);
  let left = load<f32>(node) + v * (load<f32>(node + nodes) - load<f32>(node));
  for (let x = from & ~7; x < to; x += 8, out += 32) {
    node += 4;
    const right = load<f32>(node) + v * (load<f32>(node + nodes) - load<f32>(node));
    const step = f32x4.splat(right - left);
    const start = f32x4.splat(left);
    v128.store(out, f32x4.add(start, f32x4.mul(step, lanes)));
    v128.store(out, f32x4.add(start, f32x4.mul(step, further)), 16);
    left = right;
  }
}
