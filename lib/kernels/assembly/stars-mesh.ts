/** The background of a mesh cell: histogram about a robust centre, clipped at 3 sigma until it stands, mode of what is left. */

const bins: i32 = 1024;
/** Bins on each side of the centre where the clipping starts: 6 sigma and more. */
const near: i32 = 96;

/** Mean of a cell's row, samples of value below `least` left out; -1 without one. Eight at a time where the row allows. */
// @ts-ignore: decorator
@inline
function rowMean(row: usize, count: i32, least: u32): f32 {
  let sum: u32 = 0;
  let known: i32 = count;
  let at = row;
  const end = row + (<usize>count << 1);
  if (least == 0) {
    let sums = i32x4.splat(0);
    for (const whole = row + ((<usize>count << 1) & ~15); at < whole; at += 16)
      sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_u(v128.load(at)));
    sum =
      <u32>i32x4.extract_lane(sums, 0) +
      <u32>i32x4.extract_lane(sums, 1) +
      <u32>i32x4.extract_lane(sums, 2) +
      <u32>i32x4.extract_lane(sums, 3);
  }
  for (; at < end; at += 2) {
    const value = <u32>load<u16>(at);
    if (value < least) known--;
    else sum += value;
  }
  return known > 0 ? <f32>sum / <f32>known : -1;
}

/**
 * Background and noise of the cells of one mesh row, each `cell` samples wide.
 * @param rows `rowCount` rows of `width` u16, `stride` bytes apart
 * @param sigma A first guess of the noise, which sets the width of the bins: an eighth of it or less
 * @param least Samples below are no data
 * @param work `bins` u32 and `rowCount` f32
 * @param out Three f32 a cell: background, standard deviation, part of the samples that are data (0 … 1)
 */
export function starsMeshRow(
  rows: usize,
  stride: usize,
  rowCount: i32,
  width: i32,
  cell: i32,
  sigma: f32,
  least: u32,
  work: usize,
  out: usize,
): void {
  const shift = max<i32>(0, min<i32>(8, <i32>floor<f32>(<f32>Math.log2(max<f64>(1, <f64>sigma / 8)))));
  for (let x = 0; x < width; x += cell, out += 12) {
    const here = min<i32>(cell, width - x);
    const first = rows + (<usize>x << 1);
    let centre = medianOfRows(first, rowCount, stride, here, least, work + bins * 4);
    if (centre < 0) {
      store<f32>(out, 0);
      store<f32>(out, 0, 4);
      store<f32>(out, 0, 8);
      continue;
    }
    let s = shift;
    let inside: i32;
    let known: i32;
    // Wider bins where the cell's own spread does not fit: the limb of the Moon, a horizon.
    for (; ; s += 3) {
      const origin = originOf(centre, s);
      known = fillHistogram(first, rowCount, stride, here, least, origin, s, work);
      const ends = load<u32>(work) + load<u32>(work, (bins - 1) * 4);
      inside = known - <i32>ends;
      if (inside * 2 > known || s >= 8) break;
    }
    store<f32>(out, <f32>known / <f32>(here * rowCount), 8);
    for (;;) {
      const origin = originOf(centre, s);
      clippedMode(work, inside, (<i32>centre - origin) >> s, <f32>origin, <f32>(1 << s), out);
      // Narrower bins where the noise is less than the first guess by far.
      if (s == 0 || load<f32>(out, 4) > 2 * <f32>(1 << s)) break;
      centre = max<f32>(0, load<f32>(out));
      s = max<i32>(0, s - 3);
      known = fillHistogram(first, rowCount, stride, here, least, originOf(centre, s), s, work);
      inside = known - <i32>(load<u32>(work) + load<u32>(work, (bins - 1) * 4));
    }
  }
}

/** Value of the first bin: the centre is in the middle one, unless all values fit from 0 on. */
// @ts-ignore: decorator
@inline
function originOf(centre: f32, shift: i32): i32 {
  return shift >= 6 ? 0 : <i32>centre - ((bins / 2) << shift);
}

/** Median of the means of the rows: a star is in few of them. */
function medianOfRows(first: usize, rowCount: i32, stride: usize, count: i32, least: u32, means: usize): f32 {
  let known = 0;
  for (let row = 0; row < rowCount; row++) {
    const mean = rowMean(first + <usize>row * stride, count, least);
    if (mean < 0) continue;
    let at = known++;
    for (; at > 0 && load<f32>(means + (<usize>(at - 1) << 2)) > mean; at--)
      store<f32>(means + (<usize>at << 2), load<f32>(means + (<usize>(at - 1) << 2)));
    store<f32>(means + (<usize>at << 2), mean);
  }
  return known > 0 ? load<f32>(means + (<usize>(known >> 1) << 2)) : -1;
}

/** Counts the cell's samples by bins of 2^shift from `origin`; what lies outside goes to the ends. Number of samples with data. */
function fillHistogram(
  first: usize,
  rowCount: i32,
  stride: usize,
  count: i32,
  least: u32,
  origin: i32,
  shift: i32,
  work: usize,
): i32 {
  memory.fill(work, 0, bins * 4);
  let known = 0;
  const down = i16x8.splat(<i16>max<i32>(0, origin));
  const up = i16x8.splat(<i16>max<i32>(0, -origin));
  const last = i16x8.splat(1023);
  for (let row = 0; row < rowCount; row++) {
    let at = first + <usize>row * stride;
    const end = at + (<usize>count << 1);
    if (least == 0) {
      known += count;
      for (const whole = at + ((<usize>count << 1) & ~15); at < whole; at += 16) {
        const moved = i16x8.add_sat_u(i16x8.sub_sat_u(v128.load(at), down), up);
        const bin = i16x8.min_u(i16x8.shr_u(moved, shift), last);
        countBin(work, i16x8.extract_lane_u(bin, 0));
        countBin(work, i16x8.extract_lane_u(bin, 1));
        countBin(work, i16x8.extract_lane_u(bin, 2));
        countBin(work, i16x8.extract_lane_u(bin, 3));
        countBin(work, i16x8.extract_lane_u(bin, 4));
        countBin(work, i16x8.extract_lane_u(bin, 5));
        countBin(work, i16x8.extract_lane_u(bin, 6));
        countBin(work, i16x8.extract_lane_u(bin, 7));
      }
    }
    for (; at < end; at += 2) {
      const value = <i32>load<u16>(at);
      if (least > 0) {
        if (<u32>value < least) continue;
        known++;
      }
      countBin(work, <u32>max<i32>(0, min<i32>(bins - 1, (value - origin) >> shift)));
    }
  }
  return known;
}

// @ts-ignore: decorator
@inline
function countBin(work: usize, bin: u32): void {
  const slot = work + (<usize>bin << 2);
  store<u32>(slot, load<u32>(slot) + 1);
}

/**
 * Clips the histogram at median -+ 3 sigma until sigma stands, then takes the mode as SExtractor estimates it:
 * 2.5 median - 1.5 mean, or the median where the two are further apart than 0.3 sigma (Bertin & Arnouts 1996, section 4.1).
 */
function clippedMode(work: usize, inside: i32, middle: i32, origin: f32, width: f32, out: usize): void {
  let low = max<i32>(1, middle - near);
  let high = min<i32>(bins - 2, middle + near);
  let within = i32x4.splat(0);
  low &= ~3;
  for (let bin = low; bin <= high; bin += 4) within = i32x4.add(within, v128.load(work + (<usize>bin << 2)));
  if (laneSum(within) * 4 < inside * 3) {
    low = 1;
    high = bins - 2;
  }
  low = max<i32>(1, low);
  let mean: f64 = 0;
  let median: f64 = 0;
  let sigma: f64 = 0;
  for (let round = 0; round < 100; round++) {
    const before = sigma;
    // Sums about the middle of the histogram, so that floats do.
    let sums = f32x4.splat(0);
    let squares = f32x4.splat(0);
    let totals = i32x4.splat(0);
    const from = low & ~3;
    let x = f32x4.add(f32x4.splat(<f32>(from - middle)), f32x4(0, 1, 2, 3));
    const four = f32x4.splat(4);
    let bin = from;
    for (; bin <= high; bin += 4) {
      let n = v128.load(work + (<usize>bin << 2));
      if (bin < low || bin + 3 > high) n = v128.and(n, lanesWithin(bin, low, high));
      totals = i32x4.add(totals, n);
      const weighted = f32x4.mul(f32x4.convert_i32x4_s(n), x);
      sums = f32x4.add(sums, weighted);
      squares = f32x4.add(squares, f32x4.mul(weighted, x));
      x = f32x4.add(x, four);
    }
    const total = <u32>laneSum(totals);
    if (total == 0) {
      // All in the end bins: one value far from the centre, or two. The centre is all there is to say.
      mean = median = middle;
      sigma = 0;
      break;
    }
    const offset = <f64>sumOf(sums) / <f64>total;
    mean = offset + middle;
    sigma = Math.sqrt(max<f64>(0, <f64>sumOf(squares) / <f64>total - offset * offset));
    median = medianBin(work, low, high, total);
    low = max<i32>(1, <i32>Math.ceil(median - 3 * sigma - 0.5));
    high = min<i32>(bins - 2, <i32>Math.floor(median + 3 * sigma + 0.5));
    if (Math.abs(sigma - before) <= 2e-3 * sigma) break;
  }
  // A bin holds the values origin + bin * width … + width - 1: its centre. Its width adds to the variance of integers.
  const mode = Math.abs(mean - median) < 0.3 * sigma ? 2.5 * median - 1.5 * mean : median;
  const half = (width - 1) / 2;
  const own = <f64>(width * width - 1) / 12;
  store<f32>(out, origin + <f32>mode * width + half);
  store<f32>(out, <f32>Math.sqrt(max<f64>(0, sigma * sigma * <f64>width * <f64>width - own)), 4);
}

/** All ones in the lanes of bins `bin` … `bin + 3` that are from `low` to `high`. */
// @ts-ignore: decorator
@inline
function lanesWithin(bin: i32, low: i32, high: i32): v128 {
  const lanes = i32x4.add(i32x4.splat(bin), i32x4(0, 1, 2, 3));
  return v128.and(i32x4.ge_s(lanes, i32x4.splat(low)), i32x4.le_s(lanes, i32x4.splat(high)));
}

// @ts-ignore: decorator
@inline
function laneSum(v: v128): i32 {
  return (
    i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + (i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3))
  );
}

// @ts-ignore: decorator
@inline
function sumOf(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  );
}

/** The median within the bins, as if each one's samples were spread evenly over it. */
function medianBin(work: usize, low: i32, high: i32, total: u32): f64 {
  const half = <f64>total / 2;
  let below: u32 = 0;
  let bin = low;
  // Four at a time while the half is further on.
  for (; bin + 3 <= high; bin += 4) {
    const n = <u32>laneSum(v128.load(work + (<usize>bin << 2)));
    if (<f64>(below + n) >= half) break;
    below += n;
  }
  for (; bin <= high; bin++) {
    const n = load<u32>(work + (<usize>bin << 2));
    if (<f64>(below + n) >= half) return <f64>bin - 0.5 + (n > 0 ? (half - <f64>below) / <f64>n : 0);
    below += n;
  }
  return <f64>high;
}
