/** Centroid and shape of a star through a Gaussian window. */

/**
 * Centroid within a Gaussian window, moved until it stands (SExtractor's XWIN_IMAGE), then the second moments in the window,
 * which for a Gaussian star give its own: 1/own = 1/windowed - 1/window.
 * Writes x, y, fwhm, eccentricity and angle into the row.
 */
export function windowed(stamp: usize, side: i32, x: f32, y: f32, window: f32, work: usize, row: usize): void {
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
