/** Half-flux radius, windowed centroid and width of a star, out of the picture around it. */
import { isHot, recordBytes, starsOfObject } from './stars-objects';
import { inBoxed, inFirstRow, inHeight, inMargin, inNoise, inReach, inRows, inSaturation, inStamp, inTallest, inWidest, inWidth, loadStamp, nodesAt, sampleAt } from './stars-stamp';

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

/** Sum of the stamp within `limit` of the centre. A pixel on the rim counts by its part inside. */
function lightOf(stamp: usize, side: i32, cx: f32, cy: f32, limit: f32): f32 {
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  const rim = f32x4.splat(limit + 0.5);
  const lanes = f32x4(0, 1, 2, 3);
  let light: f32 = 0;
  for (let y = 0; y < side; y++) {
    const dy = <f32>y - cy;
    const half = limit * limit + limit + 0.25 - dy * dy;
    if (half <= 0) continue;
    const reach = sqrt<f32>(half);
    const from = max<i32>(0, <i32>ceil<f32>(cx - reach));
    const to = min<i32>(side - 1, <i32>floor<f32>(cx + reach));
    const squares = f32x4.splat(dy * dy);
    let dx = f32x4.add(f32x4.splat(<f32>from - cx), lanes);
    let sum = zero;
    let at = stamp + (<usize>(y * side + from) << 2);
    let x = from;
    for (; x <= to; x += 4, at += 16) {
      const distance = f32x4.sqrt(f32x4.add(squares, f32x4.mul(dx, dx)));
      const part = f32x4.max(zero, f32x4.min(one, f32x4.sub(rim, distance)));
      // Lanes beyond the row are outside of the rim, unless the stamp ends first.
      sum = f32x4.add(sum, f32x4.mul(part, v128.load(at)));
      dx = f32x4.add(dx, f32x4.splat(4));
    }
    light +=
      f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1) + (f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3));
  }
  return light;
}

/**
 * The radius around the centre that holds half of the total, SEP's flux_radius(…, 0.5) with the light within `limit` as all.
 * @param guess Where to start
 */
function halfFluxRadius(stamp: usize, side: i32, cx: f32, cy: f32, limit: f32, total: f32, guess: f32): f32 {
  const half = total / 2;
  if (!(half > 0)) return NaN;
  let radius = guess;
  let low: f32 = 0;
  let high = limit;
  let lastRadius: f32 = 0;
  let lastLight: f32 = -half;
  for (let round = 0; round < 20; round++) {
    const light = lightWithin(stamp, side, cx, cy, radius) - half;
    if (light > 0) high = radius;
    else low = radius;
    const slope = (light - lastLight) / (radius - lastRadius);
    lastRadius = radius;
    lastLight = light;
    // Between 0 and the guess the light grows faster than along the chord.
    let next = radius - (round == 0 ? 0.8 * (light / slope) : light / slope);
    if (!(next > low && next < high)) next = (low + high) / 2;
    const moved = abs<f32>(next - radius);
    radius = next;
    if (moved < 5e-4 * radius) break;
  }
  return radius;
}

/** Light within a circle: each pixel by its part inside, from four chords through it. */
function lightWithin(stamp: usize, side: i32, cx: f32, cy: f32, radius: f32): f32 {
  const left = max<i32>(0, <i32>floor<f32>(cx - radius));
  const right = min<i32>(side - 1, <i32>ceil<f32>(cx + radius));
  const top = max<i32>(0, <i32>floor<f32>(cy - radius));
  const bottom = min<i32>(side - 1, <i32>ceil<f32>(cy + radius));
  const square = radius * radius;
  const first = f32x4.add(f32x4.splat(<f32>left - cx), f32x4(0, 1, 2, 3));
  const zero = f32x4.splat(0);
  let light = zero;
  for (let y = top; y <= bottom; y++) {
    const dy = <f32>y - cy;
    const lines = f32x4.add(f32x4.splat(dy), f32x4(-0.375, -0.125, 0.125, 0.375));
    const chords = f32x4.sqrt(f32x4.max(zero, f32x4.sub(f32x4.splat(square), f32x4.mul(lines, lines))));
    const a = i8x16.shuffle(chords, chords, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3);
    const b = i8x16.shuffle(chords, chords, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7);
    const c = i8x16.shuffle(chords, chords, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11);
    const d = i8x16.shuffle(chords, chords, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15);
    let dx = first;
    let at = stamp + (<usize>(y * side + left) << 2);
    // Pixels beyond the circle have no part in it, those of the next row among them.
    for (let x = left; x <= right; x += 4, at += 16) {
      const from = f32x4.sub(dx, f32x4.splat(0.5));
      const to = f32x4.add(dx, f32x4.splat(0.5));
      const part = f32x4.add(f32x4.add(onChord(from, to, a), onChord(from, to, b)), f32x4.add(onChord(from, to, c), onChord(from, to, d)));
      light = f32x4.add(light, f32x4.mul(v128.load(at), part));
      dx = f32x4.add(dx, f32x4.splat(4));
    }
  }
  const sum =
    f32x4.extract_lane(light, 0) + f32x4.extract_lane(light, 1) + (f32x4.extract_lane(light, 2) + f32x4.extract_lane(light, 3));
  return sum * 0.25;
}

/** How much of the line between two places is within a half chord of 0. */
// @ts-ignore: decorator
@inline
function onChord(from: v128, to: v128, half: v128): v128 {
  return f32x4.max(f32x4.splat(0), f32x4.sub(f32x4.min(to, half), f32x4.max(from, f32x4.neg(half))));
}

/**
 * Centroid within a Gaussian window, moved until it stands (SExtractor's XWIN_IMAGE), then the second moments in the window,
 * which for a Gaussian star give its own: 1/own = 1/windowed - 1/window.
 * Writes x, y, fwhm, eccentricity and angle into the row.
 */
function windowed(stamp: usize, side: i32, x: f32, y: f32, window: f32, work: usize, row: usize): void {
  const reach: f32 = window * 4;
  let cx = x;
  let cy = y;
  const across = work;
  const along = work + (<usize>side << 2);
  let xx: f32 = 0;
  let yy: f32 = 0;
  let xy: f32 = 0;
  for (let round = 0; round < 10; round++) {
    const left = max<i32>(0, <i32>ceil<f32>(cx - reach));
    const right = min<i32>(side - 1, <i32>floor<f32>(cx + reach));
    const top = max<i32>(0, <i32>ceil<f32>(cy - reach));
    const bottom = min<i32>(side - 1, <i32>floor<f32>(cy + reach));
    gaussian(across, left, right, cx, window);
    gaussian(along, top, bottom, cy, window);
    let sum: f32 = 0;
    let sumX: f32 = 0;
    let sumY: f32 = 0;
    xx = 0;
    yy = 0;
    xy = 0;
    for (let py = top; py <= bottom; py++) {
      const dy = <f32>py - cy;
      let line: f32 = 0;
      let lineX: f32 = 0;
      let lineXX: f32 = 0;
      let at = stamp + (<usize>(py * side + left) << 2);
      let weight = across + (<usize>left << 2);
      for (let px = left; px <= right; px++, at += 4, weight += 4) {
        const dx = <f32>px - cx;
        const v = load<f32>(at) * load<f32>(weight);
        line += v;
        lineX += v * dx;
        lineXX += v * dx * dx;
      }
      const w = load<f32>(along + (<usize>py << 2));
      sum += w * line;
      sumX += w * lineX;
      xx += w * lineXX;
      sumY += w * line * dy;
      xy += w * lineX * dy;
      yy += w * line * dy * dy;
    }
    if (!(sum > 0)) break;
    const stepX = (sumX * 2) / sum;
    const stepY = (sumY * 2) / sum;
    xx = xx / sum;
    yy = yy / sum;
    xy = xy / sum;
    // What runs away belongs to a neighbour.
    if (!(abs<f32>(cx + stepX - x) < window + 1 && abs<f32>(cy + stepY - y) < window + 1)) {
      cx = x;
      cy = y;
      break;
    }
    cx += stepX;
    cy += stepY;
    if (abs<f32>(stepX) < 1e-3 && abs<f32>(stepY) < 1e-3) break;
  }
  store<f32>(row, cx);
  store<f32>(row, cy, 4);
  shapeOf(xx, yy, xy, window, row);
}

/** Weights exp(-(i - centre)^2 / 2 sigma^2) of the pixels from `first` to `last`. */
function gaussian(out: usize, first: i32, last: i32, centre: f32, sigma: f32): void {
  const k = <f64>-0.5 / (<f64>sigma * <f64>sigma);
  const d = <f64>first - <f64>centre;
  let weight = Math.exp(k * d * d);
  let ratio = Math.exp(k * (2 * d + 1));
  const growth = Math.exp(2 * k);
  for (let i = first; i <= last; i++) {
    store<f32>(out + (<usize>i << 2), <f32>weight);
    weight *= ratio;
    ratio *= growth;
  }
}

/** FWHM, eccentricity and angle from the moments within the window. */
function shapeOf(xx: f32, yy: f32, xy: f32, window: f32, row: usize): void {
  const square = window * window;
  const half = (xx + yy) / 2;
  const split = sqrt<f32>(((xx - yy) / 2) * ((xx - yy) / 2) + xy * xy);
  const major = unwindowed(half + split, square);
  const minor = unwindowed(half - split, square);
  store<f32>(row, 2.35482 * sqrt<f32>(sqrt<f32>(major * minor)), 20);
  store<f32>(row, sqrt<f32>(max<f32>(0, 1 - minor / major)), 24);
  store<f32>(row, <f32>(Math.atan2(2 * xy, xx - yy) / 2), 28);
}

// @ts-ignore: decorator
@inline
function unwindowed(variance: f32, window: f32): f32 {
  // A flat disc larger than its window has no end within it.
  const v = max<f32>(0.05, min<f32>(variance, 0.9 * window));
  return (v * window) / (window - v);
}
