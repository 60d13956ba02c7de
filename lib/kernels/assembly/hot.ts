/**
 * Hot pixels. A hot pixel stands alone; the light of a star, a trail or a meteor spreads on its neighbours, of whatever
 * colour they are. A pixel is hot when it stands far above its four neighbours of the same colour (at distance 2, which
 * is right for a mosaic and for mono alike) and its four adjacent pixels hold less than a quarter of that excess between
 * them. A star's adjacent pixels hold more even at FWHM = 1 pixel, centred (0.63 of the peak); their own sky is read at
 * the pixels a knight's move away, which have just the colours of the adjacent ones.
 */

/** Bytes of a list entry: pointer of the sample, its new value (f32 or integer bits), index in the picture. */
export const HOT_ENTRY: usize = 12;

/** The adjacent column, mirrored at the edges. */
// @ts-ignore: decorator
@inline
function adjacentColumn(x: i32, width: i32): i32 {
  return x < 0 ? -x : x >= width ? 2 * width - 2 - x : x;
}

/** A column two away; beyond an edge the next one of that colour that is not the pixel's own. */
// @ts-ignore: decorator
@inline
function columnOfColour(x: i32, width: i32): i32 {
  return x < 0 ? x + 4 : x >= width ? x - 4 : x;
}

/** Excess that makes a candidate: `threshold` (of the sky's noise) and an eighth of the light above the sky, whose noise is larger. */
// @ts-ignore: decorator
@inline
function limitOf<T>(highest: f32, threshold: f32, sky: f32): f32 {
  return highest + threshold + max<f32>(0, highest - sky) * 0.125;
}

/** Judges one pixel; `row` points at x = 0 of its row, `stride` is bytes a row. Adds it to the list when it is hot. */
function judge<T>(row: usize, stride: usize, width: i32, x: i32, threshold: f32, skyLevel: f32, list: usize, index: u32): usize {
  const size = sizeof<T>();
  const up = row - stride;
  const down = row + stride;
  const up2 = up - stride;
  const down2 = down + stride;
  const at = <usize>x * size;
  const left = <usize>adjacentColumn(x - 1, width) * size;
  const right = <usize>adjacentColumn(x + 1, width) * size;
  const left2 = <usize>columnOfColour(x - 2, width) * size;
  const right2 = <usize>columnOfColour(x + 2, width) * size;
  const value = <f32>load<T>(row + at);
  const d1 = <f32>load<T>(row + left2);
  const d2 = <f32>load<T>(row + right2);
  const d3 = <f32>load<T>(up2 + at);
  const d4 = <f32>load<T>(down2 + at);
  const highest = max(max(d1, d2), max(d3, d4));
  if (!(value > limitOf<T>(highest, threshold, skyLevel))) return list;
  const adjacent: f32 =
    <f32>load<T>(row + left) + <f32>load<T>(row + right) + <f32>load<T>(up + at) + <f32>load<T>(down + at);
  // The sky of the adjacent pixels beside, and of those above and below; the brightest of each four may be another star.
  const h1 = <f32>load<T>(up2 + left);
  const h2 = <f32>load<T>(up2 + right);
  const h3 = <f32>load<T>(down2 + left);
  const h4 = <f32>load<T>(down2 + right);
  const v1 = <f32>load<T>(up + left2);
  const v2 = <f32>load<T>(up + right2);
  const v3 = <f32>load<T>(down + left2);
  const v4 = <f32>load<T>(down + right2);
  const sky: f32 =
    h1 + h2 + h3 + h4 - max(max(h1, h2), max(h3, h4)) + (v1 + v2 + v3 + v4 - max(max(v1, v2), max(v3, v4)));
  const support: f32 = adjacent - sky * (<f32>2 / <f32>3);
  if (!(support * 4 < value - highest)) return list;
  const lowest = min(min(d1, d2), min(d3, d4));
  const middle: f32 = (d1 + d2 + d3 + d4 - highest - lowest) * 0.5;
  store<usize>(list, row + at);
  if (isFloat<T>()) store<f32>(list, middle, 4);
  else store<u32>(list, <u32>middle, 4);
  store<u32>(list, index, 8);
  return list + HOT_ENTRY;
}

/** Lanes (of 16 bytes) that stand above the limit: not zero there. `margin` is 2 samples in bytes. */
// @ts-ignore: decorator
@inline
function above<T>(p: usize, stride2: usize, margin: usize, threshold: v128, sky: v128): v128 {
  const v = v128.load(p);
  const l = v128.load(p - margin);
  const r = v128.load(p + margin);
  const u = v128.load(p - stride2);
  const d = v128.load(p + stride2);
  if (sizeof<T>() == 1) {
    const highest = i8x16.max_u(i8x16.max_u(l, r), i8x16.max_u(u, d));
    const light = i8x16.shr_u(i8x16.sub_sat_u(highest, sky), 3);
    return i8x16.sub_sat_u(v, i8x16.add_sat_u(i8x16.add_sat_u(highest, threshold), light));
  }
  if (sizeof<T>() == 2) {
    const highest = i16x8.max_u(i16x8.max_u(l, r), i16x8.max_u(u, d));
    const light = i16x8.shr_u(i16x8.sub_sat_u(highest, sky), 3);
    return i16x8.sub_sat_u(v, i16x8.add_sat_u(i16x8.add_sat_u(highest, threshold), light));
  }
  const highest = f32x4.pmax(f32x4.pmax(l, r), f32x4.pmax(u, d));
  const light = f32x4.mul(f32x4.pmax(f32x4.splat(0), f32x4.sub(highest, sky)), f32x4.splat(0.125));
  return f32x4.gt(v, f32x4.add(f32x4.add(highest, threshold), light));
}

// @ts-ignore: decorator
@inline
function findHot<T>(block: usize, width: i32, rows: i32, threshold: f32, sky: f32, list: usize, firstIndex: u32): i32 {
  const size = sizeof<T>();
  const stride = <usize>width * size;
  const start = list;
  let limits: v128;
  let skies: v128;
  if (sizeof<T>() == 1) {
    limits = i8x16.splat(<i8>(<u32>threshold));
    skies = i8x16.splat(<i8>(<u32>sky));
  } else if (sizeof<T>() == 2) {
    limits = i16x8.splat(<i16>(<u32>threshold));
    skies = i16x8.splat(<i16>(<u32>sky));
  } else {
    limits = f32x4.splat(threshold);
    skies = f32x4.splat(sky);
  }
  const step = <i32>(64 / size);
  for (let y = 0; y < rows; y++) {
    const row = block + <usize>y * stride;
    const index = firstIndex + <u32>y * <u32>width;
    list = judge<T>(row, stride, width, 0, threshold, sky, list, index);
    list = judge<T>(row, stride, width, 1, threshold, sky, list, index + 1);
    let x = 2;
    for (; x + step + 2 <= width; x += step) {
      const p = row + <usize>x * size;
      const a = above<T>(p, 2 * stride, 2 * size, limits, skies);
      const b = above<T>(p + 16, 2 * stride, 2 * size, limits, skies);
      const c = above<T>(p + 32, 2 * stride, 2 * size, limits, skies);
      const d = above<T>(p + 48, 2 * stride, 2 * size, limits, skies);
      if (v128.any_true(v128.or(v128.or(a, b), v128.or(c, d))))
        for (let i = x; i < x + step; i++)
          list = judge<T>(row, stride, width, i, threshold, sky, list, index + <u32>i);
    }
    for (; x < width; x++) list = judge<T>(row, stride, width, x, threshold, sky, list, index + <u32>x);
  }
  return <i32>((list - start) / HOT_ENTRY);
}

/**
 * Lists the hot pixels of `rows` rows of `width` (at least 5) samples at `block`, which has two more rows above and two
 * below it. Answers how many; the list has room for every pixel.
 */
export function findHotU8(block: usize, width: i32, rows: i32, threshold: f32, sky: f32, list: usize, firstIndex: u32): i32 {
  return findHot<u8>(block, width, rows, threshold, sky, list, firstIndex);
}
export function findHotU16(block: usize, width: i32, rows: i32, threshold: f32, sky: f32, list: usize, firstIndex: u32): i32 {
  return findHot<u16>(block, width, rows, threshold, sky, list, firstIndex);
}
export function findHotF32(block: usize, width: i32, rows: i32, threshold: f32, sky: f32, list: usize, firstIndex: u32): i32 {
  return findHot<f32>(block, width, rows, threshold, sky, list, firstIndex);
}

/** Replaces the listed pixels in the block and counts each in `scores` (a byte a pixel, up to 255). `size` is bytes a sample. */
export function applyHot(list: usize, count: i32, size: i32, scores: usize): void {
  for (const end = list + <usize>count * HOT_ENTRY; list < end; list += HOT_ENTRY) {
    const pointer = load<usize>(list);
    const value = load<u32>(list, 4);
    if (size == 1) store<u8>(pointer, <u8>value);
    else if (size == 2) store<u16>(pointer, <u16>value);
    else store<u32>(pointer, value);
    const score = scores + load<u32>(list, 8);
    const times = load<u8>(score);
    if (times < 255) store<u8>(score, times + 1);
  }
}

/** Lists (u32) the indices of the scores of at least `limit`; answers how many there are, of which the first `capacity` are listed. */
export function listScores(scores: usize, count: usize, limit: i32, list: usize, capacity: i32): i32 {
  let found = 0;
  const under = i8x16.splat(<i8>(limit - 1));
  for (let i: usize = 0; i < count; i += 16) {
    if (i + 16 <= count && !v128.any_true(i8x16.sub_sat_u(v128.load(scores + i), under))) continue;
    for (let k = i; k < min(i + 16, count); k++)
      if (<i32>load<u8>(scores + k) >= limit) {
        if (found < capacity) store<u32>(list + (<usize>found << 2), <u32>k);
        found++;
      }
  }
  return found;
}

/** Halves all scores, so that the count of flags stays a fraction of the last hundreds of frames. */
export function halveScores(scores: usize, count: usize): void {
  const end = scores + count;
  const rounds = scores + (count & ~15);
  for (; scores < rounds; scores += 16) v128.store(scores, i8x16.shr_u(v128.load(scores), 1));
  for (; scores < end; scores++) store<u8>(scores, load<u8>(scores) >> 1);
}

/**
 * Noise of a row, for the threshold: the clipped mean of |v(x + 2) - v(x)| (same colour), three rounds at three times the
 * mean before, x sqrt(pi) / 2. Stars are few and fall outside. NaN is left out.
 */
// @ts-ignore: decorator
@inline
function noiseOf<T>(row: usize, width: i32): f32 {
  let limit: f32 = f32.MAX_VALUE;
  let mean: f64 = 0;
  for (let round = 0; round < 4; round++) {
    let sum: f64 = 0;
    let known = 0;
    for (let x = 0; x + 2 < width; x++) {
      const p = row + <usize>x * sizeof<T>();
      const difference = abs<f32>(<f32>load<T>(p) - <f32>load<T>(p + 2 * sizeof<T>()));
      if (difference <= limit) {
        sum += difference;
        known++;
      }
    }
    if (known == 0) return 0;
    mean = sum / <f64>known;
    limit = <f32>(3 * mean);
  }
  return <f32>(mean * 0.886226925452758);
}
/** Mean of a row; NaN is left out. */
// @ts-ignore: decorator
@inline
function meanOf<T>(row: usize, width: i32): f32 {
  let sum: f64 = 0;
  let known = 0;
  for (const end = row + <usize>width * sizeof<T>(); row < end; row += sizeof<T>()) {
    const value = <f64>load<T>(row);
    if (value == value) {
      sum += value;
      known++;
    }
  }
  return known == 0 ? 0 : <f32>(sum / <f64>known);
}
export function meanU8(row: usize, width: i32): f32 {
  return meanOf<u8>(row, width);
}
export function meanU16(row: usize, width: i32): f32 {
  return meanOf<u16>(row, width);
}
export function meanF32(row: usize, width: i32): f32 {
  return meanOf<f32>(row, width);
}

export function noiseU8(row: usize, width: i32): f32 {
  return noiseOf<u8>(row, width);
}
export function noiseU16(row: usize, width: i32): f32 {
  return noiseOf<u16>(row, width);
}
export function noiseF32(row: usize, width: i32): f32 {
  return noiseOf<f32>(row, width);
}

/** v - dark + black, clipped to the type: the matched dark taken out, the pedestal kept. */
export function subtractDarkU16(block: usize, dark: usize, count: usize, black: i32): void {
  const end = block + (count << 1);
  const rounds = block + ((count << 1) & ~15);
  const b = i16x8.splat(<i16>black);
  for (; block < rounds; block += 16, dark += 16) {
    const d = v128.load(dark);
    const light = i16x8.sub_sat_u(v128.load(block), i16x8.sub_sat_u(d, b));
    v128.store(block, i16x8.add_sat_u(light, i16x8.sub_sat_u(b, d)));
  }
  for (; block < end; block += 2, dark += 2)
    store<u16>(block, <u16>max(0, min(65535, <i32>load<u16>(block) - <i32>load<u16>(dark) + black)));
}

export function subtractDarkU8(block: usize, dark: usize, count: usize, black: i32): void {
  const end = block + count;
  const rounds = block + (count & ~15);
  const b = i8x16.splat(<i8>black);
  for (; block < rounds; block += 16, dark += 16) {
    const d = v128.load(dark);
    const light = i8x16.sub_sat_u(v128.load(block), i8x16.sub_sat_u(d, b));
    v128.store(block, i8x16.add_sat_u(light, i8x16.sub_sat_u(b, d)));
  }
  for (; block < end; block++, dark++)
    store<u8>(block, <u8>max(0, min(255, <i32>load<u8>(block) - <i32>load<u8>(dark) + black)));
}

export function subtractDarkF32(block: usize, dark: usize, count: usize, black: f32): void {
  const end = block + (count << 2);
  const rounds = block + ((count << 2) & ~15);
  const b = f32x4.splat(black);
  for (; block < rounds; block += 16, dark += 16)
    v128.store(block, f32x4.add(f32x4.sub(v128.load(block), v128.load(dark)), b));
  for (; block < end; block += 4, dark += 4) store<f32>(block, load<f32>(block) - load<f32>(dark) + black);
}
