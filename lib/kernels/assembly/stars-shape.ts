/** Half-flux radius, windowed centroid and width of a star, out of the picture around it. */
import { halfFluxRadius, lightOf } from './stars-circle';
import { isHot, recordBytes, starsOfObject } from './stars-objects';
import { inBoxed, inFirstRow, inHeight, inMargin, inNoise, inReach, inRows, inSaturation, inStamp, inTallest, inWidest, inWidth, loadStamp, nodesAt, sampleAt } from './stars-stamp';
import { windowed } from './stars-window';

/** Fields of a star's row, f32 each: x, y, flux, peak, hfr, fwhm, eccentricity, angle (radians), snr, flags. */
const rowBytes: usize = 40;

/** As in lib/stars/star-table.ts. */
const saturatedFlag: i32 = 1;
const blendedFlag: i32 = 4;
const elongatedFlag: i32 = 8;

/** An elongated object of this rms along it, pixels, is a streak: no star of a frame that trailed a little. */
const leastStreak: f32 = 6;

/**
 * Deblends and measures objects `from` to `to`.
 * @param runs, starts Of starsGroupRuns
 * @param rows Where the stars' rows go, `most` at the most
 * @param state i32: rows written so far, hot pixels met so far
 * @param records Room for 256 records
 * @param work 2 x (2 x largest reach + 3) f32
 * @returns The object at which it stopped: `to`, or one that is too large or whose rows are not in memory
 */
export function starsMeasure(
  context: usize,
  runs: usize,
  starts: usize,
  from: i32,
  to: i32,
  rows: usize,
  most: i32,
  state: usize,
  records: usize,
  work: usize,
): i32 {
  let written = load<i32>(state);
  let hot = load<i32>(state, 4);
  let object = from;
  for (; object < to; object++) {
    const first = load<i32>(starts + (<usize>object << 2));
    const count = load<i32>(starts + (<usize>object << 2), 4) - first;
    const own = runs + <usize>first * 12;
    if (!isWithin(context, own, count)) break;
    const stars = starsOfObject(context, own, count, records, 256);
    for (let star = 0; star < stars; star++) {
      const record = records + <usize>star * recordBytes;
      if (load<f32>(record, 36) != 0) {
        hot++;
        continue;
      }
      if (written == most) break;
      const row = rows + <usize>written * rowBytes;
      measureOne(context, record, row, work);
      if (load<f32>(row, 16) > 0) written++;
    }
  }
  store<i32>(state, written);
  store<i32>(state, hot, 4);
  return object;
}

/**
 * Measures stars that were found in a coarser picture, by records in the coordinates of this one: peak, saturation and hot
 * pixels are looked up here. @returns How many rows were written; the others are hot pixels.
 */
export function starsMeasureRecords(context: usize, records: usize, count: i32, rows: usize, work: usize): i32 {
  let written = 0;
  for (let star = 0; star < count; star++) {
    const record = records + <usize>star * recordBytes;
    lookAtPeak(context, record);
    if (load<f32>(record, 36) != 0) continue;
    const row = rows + <usize>written * rowBytes;
    measureOne(context, record, row, work);
    if (load<f32>(row, 16) > 0) written++;
  }
  return written;
}

/** The brightest pixel within 2 a of a star. */
function lookAtPeak(context: usize, record: usize): void {
  const reach = min<i32>(load<i32>(context, inReach) - 2, <i32>ceil<f32>(2 * load<f32>(record, 8)));
  const x0 = <i32>nearest<f32>(load<f32>(record)) - reach;
  const y0 = <i32>nearest<f32>(load<f32>(record, 4)) - reach;
  const side = 2 * reach + 1;
  loadStamp(context, x0 - 1, y0 - 1, side + 2, side + 2);
  const stamp = <usize>load<u32>(context, inStamp);
  const stride = <usize>(side + 2) << 2;
  const saturation = load<f32>(context, inSaturation);
  let flags = <i32>load<f32>(record, 32);
  let peak: f32 = -Infinity;
  let peakAt: usize = stamp;
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const at = stamp + <usize>(y + 1) * stride + (<usize>(x + 1) << 2);
      if (load<f32>(at) > peak) {
        peak = load<f32>(at);
        peakAt = at;
      }
    }
  const index = <i32>((peakAt - stamp) >> 2);
  const x = x0 - 1 + (index % (side + 2));
  const y = y0 - 1 + index / (side + 2);
  if (x >= 0 && y >= 0 && x < load<i32>(context, inWidth) && y < load<i32>(context, inHeight))
    if (sampleAt(context, x, y) >= saturation) flags |= saturatedFlag;
  store<f32>(record, peak, 28);
  store<f32>(record, <f32>flags, 32);
  store<f32>(record, isHot(peakAt, stride, load<i32>(context, inBoxed) != 0, 1) ? 1 : 0, 36);
}

/** Whether an object fits a stamp and its rows, with those around, are in memory. */
function isWithin(context: usize, runs: usize, count: i32): bool {
  const top = load<i32>(runs);
  const bottom = load<i32>(runs + <usize>(count - 1) * 12);
  if (bottom - top >= load<i32>(context, inTallest)) return false;
  let left = i32.MAX_VALUE;
  let right = -1;
  for (let i = 0; i < count; i++) {
    left = min<i32>(left, load<i32>(runs + <usize>i * 12, 4));
    right = max<i32>(right, load<i32>(runs + <usize>i * 12, 8));
  }
  if (right - left >= load<i32>(context, inWidest)) return false;
  const margin = load<i32>(context, inMargin);
  const first = load<i32>(context, inFirstRow);
  const last = first + load<i32>(context, inRows);
  return max<i32>(0, top - margin) >= first && min<i32>(load<i32>(context, inHeight), bottom + margin + 1) <= last;
}

function measureOne(context: usize, record: usize, row: usize, work: usize): void {
  const x = load<f32>(record);
  const y = load<f32>(record, 4);
  const a = load<f32>(record, 8);
  const flags = <i32>load<f32>(record, 32);
  const streak = (flags & elongatedFlag) != 0 && a > leastStreak;
  const limit = min<f32>(<f32>load<i32>(context, inReach) - 2, (streak ? 3 : 6) * a);
  const reach = <i32>ceil<f32>(limit) + 1;
  const side = 2 * reach + 1;
  const x0 = <i32>nearest<f32>(x) - reach;
  const y0 = <i32>nearest<f32>(y) - reach;
  const noise = nodesAt(
    context,
    <usize>load<u32>(context, inNoise),
    max<i32>(0, min<i32>(load<i32>(context, inWidth) - 1, <i32>nearest<f32>(x))),
    max<i32>(0, min<i32>(load<i32>(context, inHeight) - 1, <i32>nearest<f32>(y))),
  );
  loadStamp(context, x0, y0, side, side);
  const stamp = <usize>load<u32>(context, inStamp);
  if (flags & blendedFlag) mirrorNeighbours(stamp, side, x - <f32>x0, y - <f32>y0, 1.5 * a, 3 * noise);
  const total = lightOf(stamp, side, x - <f32>x0, y - <f32>y0, limit);
  const hfr = halfFluxRadius(stamp, side, x - <f32>x0, y - <f32>y0, limit, total, min<f32>(limit * 0.9, 1.3 * a));
  // The Gaussian with this half-flux radius, which weighs the star's pixels best; never so narrow that the pixels' raster shows.
  const window = max<f32>(1, hfr / 1.17741);
  windowed(stamp, side, x - <f32>x0, y - <f32>y0, window, work, row);
  if (streak) {
    // No window fits it: as its own pixels have it.
    const b = max<f32>(0.3, load<f32>(record, 12));
    store<f32>(row, x);
    store<f32>(row, y, 4);
    store<f32>(row, 2.35482 * sqrt<f32>(a * b), 20);
    store<f32>(row, sqrt<f32>(max<f32>(0, 1 - (b * b) / (a * a))), 24);
    store<f32>(row, load<f32>(record, 16), 28);
  } else {
    store<f32>(row, load<f32>(row) + <f32>x0);
    store<f32>(row, load<f32>(row, 4) + <f32>y0, 4);
  }
  store<f32>(row, total, 8);
  store<f32>(row, load<f32>(record, 28), 12);
  store<f32>(row, hfr, 16);
  const pixels = load<f32>(record, 20);
  store<f32>(row, load<f32>(record, 24) / (noise * sqrt<f32>(pixels)), 32);
  store<f32>(row, load<f32>(record, 32), 36);
}

/**
 * Takes a neighbour out of the stamp of a blended star: a sample beyond `core` that is above the one opposite by more than
 * `most` becomes as that one, for a star is the same on both sides.
 */
function mirrorNeighbours(stamp: usize, side: i32, cx: f32, cy: f32, core: f32, most: f32): void {
  const twiceX = <i32>nearest<f32>(2 * cx);
  const twiceY = <i32>nearest<f32>(2 * cy);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const dx = <f32>x - cx;
      const dy = <f32>y - cy;
      if (dx * dx + dy * dy < core * core) continue;
      const u = twiceX - x;
      const v = twiceY - y;
      if (u < 0 || v < 0 || u >= side || v >= side) continue;
      const at = stamp + (<usize>(y * side + x) << 2);
      const opposite = load<f32>(stamp + (<usize>(v * side + u) << 2));
      if (load<f32>(at) > opposite + most) store<f32>(at, opposite);
    }
}
