/** Where the focus is: a curve through HFRs measured at focuser positions, without its outliers, and whether it can be believed. */
import {
  type CurveModel,
  type FittedCurve,
  fitRobustly,
  outlierWeight,
  type WeightedPoint,
} from './focus-curve-fit.ts';
import { hyperbola, parabola, vCurve } from './focus-curve-models.ts';

export interface FocusPoint {
  /** Steps. */
  position: number;
  /** Pixels: the median of a frame's stars. */
  hfr: number;
  /** Standard error of `hfr`, pixels; null when unknown. */
  sigma: number | null;
  /** How many stars it stands on. */
  stars: number;
}

export type FocusModel = 'hyperbola' | 'v-curve' | 'parabola';

export interface FocusCurve {
  model: FocusModel;
  /** The position of the least HFR, steps, and its standard error. */
  best: number;
  bestError: number;
  /** HFR there, pixels. */
  minimumHfr: number;
  /** Pixels of HFR a step, far from the focus, inside and outside of it. */
  slopeInside: number;
  slopeOutside: number;
  /** 1 − the used points' weighted squares about the curve over those about their mean. */
  rSquared: number;
  /** How far the HFR rises by 2 % on either side of the focus, steps: moves below that can't be seen. */
  depthSteps: number;
  /** For each point as given: 1 used, or one of several below the curve at its bottom … 0 an outlier. */
  weights: readonly number[];
}

export type FocusVerdict =
  /** The minimum lies between points that rise significantly on both sides. */
  | 'found'
  /** The HFR falls towards the smallest, or the largest, position: the focus is there or beyond. */
  | 'extend-inwards'
  | 'extend-outwards'
  /** The HFR does not change significantly with the position. */
  | 'flat'
  | 'too-few';

export interface FocusFit {
  verdict: FocusVerdict;
  /** One sentence for people. */
  text: string;
  /** null where no curve with a minimum goes through the points. With another verdict than `found`, `best` is a guess. */
  curve: FocusCurve | null;
}

export interface FocusFitOptions {
  /** `auto`: the hyperbola; where it finds no minimum, two lines, then a parabola. */
  model?: FocusModel | 'auto';
}

/** Three unknowns, and one point to contradict. */
const fewestPoints = 4;
/** For points that come without one: a part of their HFR. */
const usualError = 0.03;
/** Seeing differs from frame to frame by at least this part of the HFR, whatever the scatter of the stars within one says. */
const leastError = 0.01;
/** How sure must it be that the HFR depends on the position at all. */
const significance = 0.01;
/** A side of the curve is seen when it rises by this part of the minimum, and by so many standard errors. */
const leastRise = 0.15;
const riseErrors = 3;
/** What nobody sees: 2 % of HFR. */
const depthRise = 1.02;

/**
 * The hyperbola hfr(p) = sqrt(a² + (b (p − p0))²) is what a cone of light gives behind a blur of constant size: a the HFR in focus,
 * b the slope of the unfocused wings (S. Brady, L. Weber, "Fast auto-focus method and software for CCD-based telescopes", Minor Planet
 * Amateur/Professional Workshop 1999, for the linear wings). Points are weighted by their errors, and reweighted (Tukey's biweight)
 * from the curve through three points that most others agree with. Points without a star (HFR not above 0) are passed over.
 */
export function fitFocusCurve(points: readonly FocusPoint[], options: FocusFitOptions = {}): FocusFit {
  const usable = points.filter(isUsable);
  const places = new Set(usable.map(({ position }) => position)).size;
  if (usable.length < fewestPoints || places < fewestPoints)
    return {
      verdict: 'too-few',
      text: `Stars were measured at ${places} positions; a focus curve needs ${fewestPoints}.`,
      curve: null,
    };
  const wanted: FocusModel[] =
    !options.model || options.model === 'auto' ? ['hyperbola', 'v-curve', 'parabola'] : [options.model];
  let first: FocusFit | null = null;
  for (const name of wanted) {
    const fit = judged(name, points, usable);
    // A side that the physics misses is not to be seen by a model with more freedom: two lines find a knee in every slope.
    if (fit.verdict === 'found' || (fit.curve && fit.verdict !== 'flat')) return fit;
    first ??= fit;
  }
  return first!;
}

/** HFR of a curve at a position, for charts. */
export function focusCurveAt(curve: FocusCurve, position: number): number {
  const { model, best, minimumHfr, slopeInside, slopeOutside, depthSteps } = curve;
  const distance = position - best;
  const slope = distance < 0 ? slopeInside : slopeOutside;
  if (model === 'hyperbola') return Math.hypot(minimumHfr, slope * distance);
  if (model === 'v-curve') return minimumHfr + slope * Math.abs(distance);
  return minimumHfr * (1 + (depthRise - 1) * (distance / depthSteps) ** 2);
}

const models: Record<FocusModel, CurveModel> = { hyperbola, 'v-curve': vCurve, parabola };

const isUsable = ({ position, hfr }: FocusPoint): boolean =>
  Number.isFinite(position) && Number.isFinite(hfr) && hfr > 0;

function judged(name: FocusModel, points: readonly FocusPoint[], usable: readonly FocusPoint[]): FocusFit {
  // Positions of a few hundred thousand steps, squared, would eat the digits: the fit works about their middle, in units of their range.
  const positions = usable.map(({ position }) => position);
  const [low, high] = [Math.min(...positions), Math.max(...positions)];
  const [middle, unit] = [(low + high) / 2, (high - low) / 2];
  const scaled: WeightedPoint[] = usable.map(({ position, hfr, sigma }) => ({
    x: (position - middle) / unit,
    y: hfr,
    sigma: Math.hypot(sigma !== null && sigma > 0 ? sigma : usualError * hfr, leastError * hfr),
  }));
  const fitted = fitRobustly(models[name], scaled);
  if (!fitted) return withoutMinimum(scaled);
  const curve = curveOf(name, fitted, middle, unit);
  const weights = points.map((point) => {
    const index = usable.indexOf(point);
    return index < 0 ? 0 : fitted.weights[index]!;
  });
  return { ...verdictOn(curve, fitted, scaled), curve: { ...curve, weights } };
}

function curveOf(name: FocusModel, fitted: FittedCurve, middle: number, unit: number): Omit<FocusCurve, 'weights'> {
  const [centre, height, inside, outside] = fitted.shape;
  const hyperbolic = (height * Math.sqrt(depthRise ** 2 - 1)) / Math.max(inside, 1e-12);
  const straight = (height * (depthRise - 1)) / Math.max(inside, outside, 1e-12);
  const parabolic = Math.sqrt((height * (depthRise - 1)) / Math.max(fitted.curvature, 1e-12));
  const depth = name === 'hyperbola' ? hyperbolic : name === 'v-curve' ? straight : parabolic;
  return {
    model: name,
    best: middle + centre * unit,
    bestError: fitted.centreError * unit,
    minimumHfr: height,
    slopeInside: inside / unit,
    slopeOutside: outside / unit,
    rSquared: fitted.rSquared,
    depthSteps: depth * unit,
  };
}

function verdictOn(
  curve: Omit<FocusCurve, 'weights'>,
  fitted: FittedCurve,
  points: readonly WeightedPoint[],
): Omit<FocusFit, 'curve'> {
  const used = points.filter((_, index) => fitted.weights[index]! >= outlierWeight);
  const [centre, height] = fitted.shape;
  const at = `at ${Math.round(curve.best)} ± ${Math.max(1, Math.round(curve.bestError))}`;
  if (fitted.probabilityOfChance > significance) return flat(points);
  /** Whether the curve is seen to rise between its minimum and the last used points of a side. */
  const rises = (side: -1 | 1) => {
    const there = used.filter(({ x }) => (x - centre) * side > 0);
    if (there.length < 2) return false;
    const last = there.reduce((a, b) => ((b.x - a.x) * side > 0 ? b : a));
    const rise = fitted.value(last.x) - height;
    return rise > leastRise * height && rise > riseErrors * last.sigma * fitted.scatter;
  };
  const [inside, outside] = [rises(-1), rises(1)];
  if (inside && outside) return { verdict: 'found', text: `The focus is ${at}, HFR ${height.toFixed(2)} px.` };
  if (!inside && !outside) return flat(points);
  return inside
    ? { verdict: 'extend-outwards', text: `The HFR still falls outwards; the focus may be ${at}.` }
    : { verdict: 'extend-inwards', text: `The HFR still falls inwards; the focus may be ${at}.` };
}

/** No curve with a minimum goes through: on one side of a focus far away, or through nothing but noise. */
function withoutMinimum(points: readonly WeightedPoint[]): FocusFit {
  const { slope, error } = lineThrough(points);
  if (Math.abs(slope) <= riseErrors * error) return { ...flat(points), curve: null };
  return slope < 0
    ? { verdict: 'extend-outwards', text: 'The HFR falls outwards at every position.', curve: null }
    : { verdict: 'extend-inwards', text: 'The HFR falls inwards at every position.', curve: null };
}

function flat(points: readonly WeightedPoint[]): Omit<FocusFit, 'curve'> {
  const all = points.map(({ y }) => y);
  const range = `${Math.min(...all).toFixed(2)} to ${Math.max(...all).toFixed(2)} px`;
  return { verdict: 'flat', text: `The HFR does not follow the position (${range}).` };
}

/** Weighted straight line: its slope and the slope's standard error. */
function lineThrough(points: readonly WeightedPoint[]): { slope: number; error: number } {
  let [w, wx, wy] = [0, 0, 0];
  for (const { x, y, sigma } of points) {
    const weight = 1 / sigma ** 2;
    w += weight;
    wx += weight * x;
    wy += weight * y;
  }
  const [meanX, meanY] = [wx / w, wy / w];
  let [sxx, sxy] = [0, 0];
  for (const { x, y, sigma } of points) {
    sxx += (x - meanX) ** 2 / sigma ** 2;
    sxy += ((x - meanX) * (y - meanY)) / sigma ** 2;
  }
  const slope = sxy / sxx;
  const squares = points.reduce((sum, { x, y, sigma }) => sum + ((y - meanY - slope * (x - meanX)) / sigma) ** 2, 0);
  return { slope, error: Math.sqrt(Math.max(1, squares / (points.length - 2)) / sxx) };
}
