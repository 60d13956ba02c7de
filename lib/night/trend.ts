/** Whether a series rises: by its ranks, so that no single frame decides; and whether it rose step by step or at once. */

export interface TrendPoint {
  x: number;
  y: number;
}

export interface Trend {
  /** Theil and Sen: the median of the slopes of all pairs, y per x. */
  slope: number;
  /** The straight line of that slope through the medians, at the first and the last x. */
  first: number;
  last: number;
  /** Mann and Kendall's S over its standard deviation, without ties' correction; 0 below four points. */
  z: number;
}

/**
 * H. B. Mann, "Nonparametric tests against trend", Econometrica 13 (1945) 245; P. K. Sen, "Estimates of the regression coefficient based on
 * Kendall's tau", J. Am. Stat. Assoc. 63 (1968) 1379.
 */
export function trendOf(points: readonly TrendPoint[]): Trend {
  const n = points.length;
  const slopes: number[] = [];
  let s = 0;
  for (let i = 0; i < n; i++)
    for (let j = i + 1; j < n; j++) {
      const dx = points[j]!.x - points[i]!.x;
      const dy = points[j]!.y - points[i]!.y;
      if (dx === 0) continue;
      slopes.push(dy / dx);
      s += Math.sign(dx) * Math.sign(dy);
    }
  const slope = slopes.length > 0 ? medianOf(slopes) : 0;
  const middle = { x: medianOf(points.map(({ x }) => x)), y: medianOf(points.map(({ y }) => y)) };
  const at = (x: number) => middle.y + slope * (x - middle.x);
  const xs = points.map(({ x }) => x);
  const deviation = Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  return {
    slope,
    first: at(Math.min(...xs)),
    last: at(Math.max(...xs)),
    z: n < 4 ? 0 : Math.sign(s) * (Math.max(0, Math.abs(s) - 1) / deviation),
  };
}

export interface Jump {
  /** Index of the first point after it. */
  at: number;
  before: number;
  after: number;
}

/** Fewest points on each side of a jump. */
const sideOfJump = 2;
/** Two levels must leave so much less than a line leaves. */
const jumpGain = 0.7;

/** The place where two levels explain the series clearly better than a line does (least absolute deviations); null where none does. */
export function jumpIn(points: readonly TrendPoint[], trend: Trend): Jump | null {
  if (points.length < 2 * sideOfJump) return null;
  const ys = points.map(({ y }) => y);
  let best: (Jump & { left: number }) | null = null;
  for (let at = sideOfJump; at <= points.length - sideOfJump; at++) {
    const [before, after] = [medianOf(ys.slice(0, at)), medianOf(ys.slice(at))];
    const left = ys.reduce((sum, y, index) => sum + Math.abs(y - (index < at ? before : after)), 0);
    if (!best || left < best.left) best = { at, before, after, left };
  }
  const x0 = Math.min(...points.map(({ x }) => x));
  const line = points.reduce((sum, { x, y }) => sum + Math.abs(y - trend.first - trend.slope * (x - x0)), 0);
  return best && best.left < jumpGain * line ? { at: best.at, before: best.before, after: best.after } : null;
}

/** NaN of nothing. */
export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
