/** From an object's runs to its stars: deblending, centroid and shape from the filtered picture, as SEP takes them. */
import { starsDeblend } from './stars-deblend';
import { loadStamp, inBasins, inBoxed, inContrast, inFiltered, inLabels, inLeast, inOrder, inSaturation, inStamp, sampleAt } from './stars-stamp';

/** Fields of an object's record, f32 each: x, y, a, b, theta, pixels, flux, peak, flags, 1 for a hot pixel. */
export const recordBytes: usize = 40;

/** Bits of flags, as in lib/stars/star-table.ts. */
const saturatedFlag: i32 = 1;
const edgeFlag: i32 = 2;
const blendedFlag: i32 = 4;
const elongatedFlag: i32 = 8;

/** Longer than 2.5 times its width, and more than a pair of pixels. */
const longest: f64 = 2.5;
const leastLong: f64 = 2;

/**
 * Appends the stars of one object.
 * @param runs Of the object; its bounding box and a margin of two pixels fit the stamp
 * @param records Where the records go, `most` at the most
 * @returns How many were written
 */
export function starsOfObject(context: usize, runs: usize, count: i32, records: usize, most: i32): i32 {
  let left = i32.MAX_VALUE;
  let right = -1;
  const top = load<i32>(runs);
  const bottom = load<i32>(runs + <usize>(count - 1) * 12);
  for (let i = 0; i < count; i++) {
    left = min<i32>(left, load<i32>(runs + <usize>i * 12, 4));
    right = max<i32>(right, load<i32>(runs + <usize>i * 12, 8));
  }
  const x0 = left - 2;
  const y0 = top - 2;
  const width = right - left + 5;
  const height = bottom - top + 5;
  const missing = loadStamp(context, x0, y0, width, height);
  const stamp = <usize>load<u32>(context, inStamp);
  const filtered = <usize>load<u32>(context, inFiltered);
  const labels = <usize>load<u32>(context, inLabels);
  const order = <usize>load<u32>(context, inOrder);
  memory.fill(filtered, 0, <usize>(width * height) << 2);
  let total: f64 = 0;
  let pixels = 0;
  for (let i = 0; i < count; i++) {
    const run = runs + <usize>i * 12;
    let index = (load<i32>(run) - y0) * width + load<i32>(run, 4) - x0;
    for (let x = load<i32>(run, 4); x <= load<i32>(run, 8); x++, index++) {
      const at = stamp + (<usize>index << 2);
      // The search works with rounded numbers: a sample below zero here was just above its threshold there.
      const value = max<f32>(filteredAt(at, <usize>width << 2), 1e-6);
      store<f32>(filtered + (<usize>index << 2), value);
      store<u64>(order + (<usize>pixels << 3), (<u64>reinterpret<u32>(value) << 32) | <u64>index);
      total += value;
      pixels++;
    }
  }
  const flags = missing > 0 ? edgeFlag : 0;
  const peaks = countPeaks(filtered, order, pixels, width);
  let stars = 1;
  if (peaks > 1) {
    memory.fill(labels, 0, <usize>(width * height) << 2);
    for (let i = 0; i < pixels; i++)
      store<i32>(labels + (<usize>(<u32>load<u64>(order + (<usize>i << 3))) << 2), -1);
    stars = starsDeblend(
      filtered,
      labels,
      order,
      pixels,
      <usize>load<u32>(context, inBasins),
      width,
      total,
      <f64>load<f32>(context, inContrast),
      load<i32>(context, inLeast),
    );
  }
  const written = min<i32>(stars, most);
  for (let star = 1; star <= written; star++)
    describe(
      context,
      order,
      pixels,
      width,
      height,
      x0,
      y0,
      stars > 1 ? star : 0,
      stars > 1 ? flags | blendedFlag : flags,
      records + <usize>(star - 1) * recordBytes,
    );
  return written;
}

/** The 3x3 filter (1 2 1 both ways, sum 1) at a sample of the stamp. */
// @ts-ignore: decorator
@inline
function filteredAt(at: usize, stride: usize): f32 {
  const a = at - stride;
  const c = at + stride;
  const corners = load<f32>(a - 4) + load<f32>(a + 4) + (load<f32>(c - 4) + load<f32>(c + 4));
  const sides = load<f32>(a) + load<f32>(c) + (load<f32>(at - 4) + load<f32>(at + 4));
  return (corners + 2 * sides + 4 * load<f32>(at)) * 0.0625;
}

/** Pixels that no neighbour tops (of equal ones the first): 2 when there are two or more. */
function countPeaks(filtered: usize, order: usize, pixels: i32, width: i32): i32 {
  const stride = <usize>width << 2;
  let peaks = 0;
  for (let i = 0; i < pixels; i++) {
    const at = filtered + (<usize>(<u32>load<u64>(order + (<usize>i << 3))) << 2);
    const v = load<f32>(at);
    const a = at - stride;
    const c = at + stride;
    if (
      v > load<f32>(at - 4) &&
      v >= load<f32>(at + 4) &&
      v > load<f32>(a) &&
      v > load<f32>(a - 4) &&
      v > load<f32>(a + 4) &&
      v >= load<f32>(c) &&
      v >= load<f32>(c - 4) &&
      v >= load<f32>(c + 4) &&
      ++peaks > 1
    )
      return peaks;
  }
  return peaks;
}

/** Moments of one star's pixels (label 0: all of the object's) and what is in its brightest ones. */
function describe(
  context: usize,
  order: usize,
  pixels: i32,
  width: i32,
  height: i32,
  x0: i32,
  y0: i32,
  label: i32,
  flagsBefore: i32,
  record: usize,
): void {
  const stamp = <usize>load<u32>(context, inStamp);
  const filtered = <usize>load<u32>(context, inFiltered);
  const labels = <usize>load<u32>(context, inLabels);
  const saturation = load<f32>(context, inSaturation);
  let flags = flagsBefore;
  let sum: f64 = 0;
  let sumX: f64 = 0;
  let sumY: f64 = 0;
  let sumXX: f64 = 0;
  let sumYY: f64 = 0;
  let sumXY: f64 = 0;
  let flux: f64 = 0;
  let own = 0;
  let peak: f32 = -Infinity;
  let peakIndex = 0;
  for (let i = 0; i < pixels; i++) {
    const index = <i32>(<u32>load<u64>(order + (<usize>i << 3)));
    if (label > 0 && load<i32>(labels + (<usize>index << 2)) != label) continue;
    const v = <f64>load<f32>(filtered + (<usize>index << 2));
    const x = index % width;
    const y = index / width;
    sum += v;
    sumX += v * x;
    sumY += v * y;
    sumXX += v * x * x;
    sumYY += v * y * y;
    sumXY += v * x * y;
    const raw = load<f32>(stamp + (<usize>index << 2));
    flux += raw;
    own++;
    if (raw > peak) {
      peak = raw;
      peakIndex = index;
    }
  }
  const px = peakIndex % width;
  const py = peakIndex / width;
  if (sampleAt(context, x0 + px, y0 + py) >= saturation) flags |= saturatedFlag;
  const cx = sumX / sum;
  const cy = sumY / sum;
  let xx = sumXX / sum - cx * cx;
  let yy = sumYY / sum - cy * cy;
  const xy = sumXY / sum - cx * cy;
  // A line of pixels has no width: give it that of a pixel (its variance is 1/12).
  if (xx * yy - xy * xy < 0.00694) {
    xx += 1 / 12.0;
    yy += 1 / 12.0;
  }
  const half = (xx + yy) / 2;
  const split = Math.sqrt(max<f64>(0, ((xx - yy) / 2) * ((xx - yy) / 2) + xy * xy));
  const major = Math.sqrt(half + split);
  const minor = Math.sqrt(max<f64>(0, half - split));
  if (major > longest * minor && major > leastLong) flags |= elongatedFlag;
  store<f32>(record, <f32>(cx + x0));
  store<f32>(record, <f32>(cy + y0), 4);
  store<f32>(record, <f32>major, 8);
  store<f32>(record, <f32>minor, 12);
  store<f32>(record, <f32>(Math.atan2(2 * xy, xx - yy) / 2), 16);
  store<f32>(record, <f32>own, 20);
  store<f32>(record, <f32>flux, 24);
  store<f32>(record, peak, 28);
  store<f32>(record, <f32>flags, 32);
  const room = min<i32>(min<i32>(px, py), min<i32>(width - 1 - px, height - 1 - py));
  const boxed = load<i32>(context, inBoxed) != 0;
  store<f32>(record, isHot(stamp + (<usize>peakIndex << 2), <usize>width << 2, boxed, room) ? 1 : 0, 36);
}

/** A star of FWHM 1.2 pixels leaves at least half as much light beside its two brightest pixels as in them, hot ones next to none. */
const leastBeside: f32 = 0.25;
/** In a mosaic's plane, at least 0.4 beside its brightest 2x2. */
const leastBesideBlock: f32 = 0.15;

/**
 * Whether what stands out here is a defect of a pixel or two, not light that came through the optics.
 * @param at The brightest sample, in a stamp
 * @param room Samples around it that are in the stamp: 1 or more
 */
export function isHot(at: usize, stride: usize, boxed: bool, room: i32): bool {
  if (boxed && room > 1) return isHotBlock(at, stride);
  let around: f32 = 0;
  let most: f32 = -Infinity;
  for (let y: i32 = -1; y <= 1; y++)
    for (let x: i32 = -1; x <= 1; x++) {
      if (x == 0 && y == 0) continue;
      const value = load<f32>(at + y * stride + x * 4);
      around += value;
      most = max<f32>(most, value);
    }
  const peak = load<f32>(at);
  return around < (leastBeside + 0.1) * peak || around - most < leastBeside * (peak + most);
}

/** The brightest 2x2 with this sample against the ring of twelve around it. */
function isHotBlock(at: usize, stride: usize): bool {
  let best: f32 = -Infinity;
  let ring: f32 = 0;
  for (let corner = 0; corner < 4; corner++) {
    const first = at - (corner >> 1) * stride - (corner & 1) * 4;
    const block = load<f32>(first) + load<f32>(first + 4) + load<f32>(first + stride) + load<f32>(first + stride + 4);
    if (block <= best) continue;
    best = block;
    ring = -block;
    for (let y = 0; y < 4; y++) {
      const row = first - stride - 4 + y * stride;
      ring += load<f32>(row) + load<f32>(row + 4) + load<f32>(row + 8) + load<f32>(row + 12);
    }
  }
  return ring < leastBesideBlock * best;
}
