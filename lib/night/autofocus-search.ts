/** Where an autofocus measures next, from what its last sweep showed: walks downhill, widens, narrows, accepts or gives up. */
import type { FocusFit, FocusPoint } from '../stars/focus-curve.ts';

export interface Sweep {
  /** Steps: the middle of the sweep and the distance between two positions. */
  centre: number;
  step: number;
}

export interface SearchLimits {
  minimum: number;
  maximum: number;
  /** The least distance between two positions that the drive can do, steps. */
  smallestStep: number;
  /** Positions in a sweep. */
  samples: number;
  maximumSweeps: number;
}

export type FocusFailure = 'no-stars' | 'flat' | 'out-of-range' | 'too-far';

export type SearchStep =
  | { kind: 'accept' }
  | { kind: 'sweep'; sweep: Sweep; why: string }
  | { kind: 'fail'; reason: FocusFailure; text: string; remedy: string };

export interface SearchState {
  /** Sweeps so far, the last one last. */
  sweeps: readonly Sweep[];
  fit: FocusFit;
  /** Those of the last sweep's range. */
  points: readonly FocusPoint[];
}

/** HFR at the ends of a good sweep over that in focus: with less the sides are lost in the noise, with more the bottom is skipped. */
const goodEndRatio = 2.5;
const tooHighEndRatio = 4.5;
const tooLowEndRatio = 1.5;
/** Wings this many times as wide as the focus say no more where it is; a fit needs so many points without them. */
const wingRatio = 6;
const fewestPoints = 5;
/** Points this many times as wide on both sides show a valley, whatever a curve makes of it. */
const valleyRatio = 2;
/** A sweep that shows no slope is repeated so much wider, so many times. */
const widening = 3;
const mostWidenings = 3;
/**
 * The nearer the focus, the more stars show: doughnuts sink into the sky and fall to pieces, whose HFR is small. A minimum of the HFR with
 * less than this part of the stars of another position is none, and a slope counts downhill only where the stars don't grow so many times
 * towards its other end.
 */
const leastStarsAtFocus = 0.6;
const starGrowth = 1.4;
/** A slope that goes on for so many sweeps is walked in longer strides. */
const patientSweeps = 2;
/** A sweep over which the HFR changes by less than this shows seeing as much as focus. */
const gentleRatio = 1.25;

export function nextStep(state: SearchState, limits: SearchLimits): SearchStep {
  const step = wanted(state, limits);
  if (step.kind !== 'sweep' || state.sweeps.length < limits.maximumSweeps) return step;
  // A curve that is only coarse is better than none.
  if (state.fit.verdict === 'found' && !sideOfMoreStars(state)) return { kind: 'accept' };
  return {
    kind: 'fail',
    reason: 'too-far',
    text: `No focus after ${state.sweeps.length} sweeps. ${state.fit.text}`,
    remedy: 'Bring the focus nearer by hand, or take larger steps.',
  };
}

function wanted(state: SearchState, limits: SearchLimits): SearchStep {
  const { fit } = state;
  const stars = starSide(state.points);
  if (fit.verdict === 'found') {
    const elsewhere = sideOfMoreStars(state);
    if (elsewhere !== 0) return downhill(state, limits, elsewhere, 'There are more stars');
    return refined(state, limits) ?? { kind: 'accept' };
  }
  const inValley = valley(state, limits);
  if (inValley) return inValley;
  if (fit.verdict === 'too-few') return withoutStars(state, limits);
  if (fit.verdict === 'flat')
    return stars ? downhill(state, limits, stars, 'There are more stars') : wider(state, limits);
  const side = fit.verdict === 'extend-outwards' ? 1 : -1;
  if (stars === -side) return downhill(state, limits, -side as -1 | 1, 'There are more stars');
  return downhill(state, limits, side, 'The HFR falls');
}

/** To which end the stars become clearly more; 0 where they don't. */
function starSide(points: readonly FocusPoint[]): -1 | 0 | 1 {
  const sorted = points.filter(({ hfr }) => hfr > 0).sort((a, b) => a.position - b.position);
  const third = Math.floor(sorted.length / 3);
  if (third < 1) return 0;
  const [inside, outside] = [middleStars(sorted.slice(0, third)), middleStars(sorted.slice(-third))];
  if (outside > starGrowth * inside) return 1;
  return inside > starGrowth * outside ? -1 : 0;
}

/** Where many more stars are than at a minimum of the HFR; 0: nowhere. */
function sideOfMoreStars({ fit, points, sweeps }: SearchState): -1 | 0 | 1 {
  const { best } = fit.curve!;
  const { step } = sweeps.at(-1)!;
  const there = points.filter(({ hfr, position }) => hfr > 0 && Math.abs(position - best) <= 1.5 * step);
  const most = points.reduce((a, b) => (b.stars > a.stars ? b : a));
  const atBest = Math.max(0, ...there.map(({ stars }) => stars));
  return atBest < leastStarsAtFocus * most.stars ? (Math.sign(most.position - best) as -1 | 0 | 1) : 0;
}

function middleStars(points: readonly FocusPoint[]): number {
  const stars = points.map((point) => point.stars).sort((a, b) => a - b);
  return stars[stars.length >> 1]!;
}

/**
 * The HFR up to which points belong to one curve, pixels: farther out the doughnuts of a crowded field run into each other, and the HFR
 * leaves its hyperbola. Counted from the sharpest point among those with many stars.
 */
export function largestHfrOf(points: readonly FocusPoint[]): number {
  const sharpest = sharpestOf(points);
  const reach = sharpest ? sharpest.hfr * wingRatio : Number.POSITIVE_INFINITY;
  return points.filter(({ hfr }) => hfr <= reach).length >= fewestPoints ? reach : Number.POSITIVE_INFINITY;
}

/** The positions of a sweep in the order of the approach (-1: inwards), moved so that all of them are within the bounds where there is room. */
export function positionsOf(sweep: Sweep, limits: SearchLimits, approach: -1 | 1): number[] {
  const half = (limits.samples - 1) / 2;
  const reach = half * sweep.step;
  const low = Math.max(limits.minimum, Math.min(sweep.centre - reach, limits.maximum - 2 * reach));
  const positions: number[] = [];
  for (let n = 0; n < limits.samples; n++) {
    const position = low + n * sweep.step;
    if (position <= limits.maximum + 1e-6) positions.push(position);
  }
  return approach < 0 ? positions.reverse() : positions;
}

const halfWidth = ({ step }: Sweep, { samples }: SearchLimits): number => ((samples - 1) / 2) * step;

/** A minimum seen from afar is measured again from near by, and one whose sides hardly rise from farther away. */
function refined({ sweeps, fit }: SearchState, limits: SearchLimits): SearchStep | null {
  const { step } = sweeps.at(-1)!;
  const { best, minimumHfr, slopeInside, slopeOutside } = fit.curve!;
  const slope = Math.max(slopeInside, slopeOutside);
  const width = (ratio: number) => (Math.sqrt(ratio ** 2 - 1) * minimumHfr) / slope;
  const seen = halfWidth(sweeps.at(-1)!, limits);
  if (seen <= width(tooHighEndRatio) && seen >= width(tooLowEndRatio)) return null;
  const room = (limits.maximum - limits.minimum) / (limits.samples - 1);
  const good = Math.round((width(goodEndRatio) * 2) / (limits.samples - 1));
  const better = Math.max(limits.smallestStep, Math.min(good, room));
  if (better > 0.7 * step && better < 1.4 * step) return null;
  const why = better < step ? 'The minimum is measured from nearer.' : 'The sides are measured from farther away.';
  return { kind: 'sweep', sweep: { centre: best, step: better }, why };
}

/** Points that are much wider on both sides of a sharp one hold the focus between them, even if no curve fits them all. */
function valley({ sweeps, points }: SearchState, limits: SearchLimits): SearchStep | null {
  const sharpest = sharpestOf(points);
  if (!sharpest) return null;
  const { position: centre, hfr: least } = sharpest;
  const wall = (side: -1 | 1) =>
    Math.min(
      ...points
        .filter(({ hfr, position }) => hfr > valleyRatio * least && (position - centre) * side > 0)
        .map(({ position }) => Math.abs(position - centre)),
    );
  const step = Math.max(limits.smallestStep, Math.round((Math.max(wall(-1), wall(1)) * 2) / (limits.samples - 1)));
  if (!Number.isFinite(step) || step > 0.7 * sweeps.at(-1)!.step) return null;
  return { kind: 'sweep', sweep: { centre, step }, why: 'The focus lies between two wide points.' };
}

function sharpestOf(points: readonly FocusPoint[]): FocusPoint | null {
  const most = Math.max(0, ...points.map(({ stars }) => stars));
  const rich = points.filter(({ hfr, stars }) => hfr > 0 && stars >= leastStarsAtFocus * most);
  return rich.length > 0 ? rich.reduce((a, b) => (b.hfr < a.hfr ? b : a)) : null;
}

function withoutStars(state: SearchState, limits: SearchLimits): SearchStep {
  const { sweeps, points } = state;
  const seen = points.filter(({ hfr }) => hfr > 0);
  const { centre, step } = sweeps.at(-1)!;
  if (seen.length > 0) {
    const middle = seen.reduce((sum, { position }) => sum + position, 0) / seen.length;
    if (Math.abs(middle - centre) >= step)
      return { kind: 'sweep', sweep: { centre: middle, step }, why: 'There are stars on one side only.' };
  }
  const sweep = { centre, step: seen.length > 1 ? Math.max(limits.smallestStep, step / 2) : step * widening };
  if (sweeps.length <= 1 && sweep.step !== step) return { kind: 'sweep', sweep, why: 'There are hardly any stars.' };
  return {
    kind: 'fail',
    reason: 'no-stars',
    text: `Only ${seen.length} of ${points.length} positions showed enough stars.`,
    remedy: 'Wait for a clear sky, take the cap off, expose longer, or bring the focus nearer by hand.',
  };
}

function wider({ sweeps, fit, points }: SearchState, limits: SearchLimits): SearchStep {
  const { centre, step } = sweeps.at(-1)!;
  const near = points.filter(({ hfr }) => hfr > 0 && hfr <= largestHfrOf(points)).map(({ hfr }) => hfr);
  const finer = Math.round(step / widening);
  // It changes, but over too few points to be sure: there the sweep was too coarse.
  if (fit.curve && finer >= limits.smallestStep && Math.max(...near) > wingRatio * 0.5 * Math.min(...near))
    return { kind: 'sweep', sweep: { centre: fit.curve.best, step: finer }, why: 'Too few points near the focus.' };
  const widenings = sweeps.filter((sweep, index) => index > 0 && sweep.step > sweeps[index - 1]!.step).length;
  const room = limits.maximum - limits.minimum;
  const next = Math.min(step * widening, room / (limits.samples - 1));
  if (widenings < mostWidenings && next > step * 1.2)
    return { kind: 'sweep', sweep: { centre, step: next }, why: 'The HFR hardly changes: longer steps.' };
  return {
    kind: 'fail',
    reason: 'flat',
    text: fit.text,
    remedy: 'Take larger steps, check that the focuser really moves the optics, or wait for steadier air.',
  };
}

function downhill({ sweeps, fit, points }: SearchState, limits: SearchLimits, side: -1 | 1, what: string): SearchStep {
  const last = sweeps.at(-1)!;
  const half = halfWidth(last, limits);
  const bound = side > 0 ? limits.maximum : limits.minimum;
  const positions = positionsOf(last, limits, 1);
  const end = side > 0 ? positions.at(-1)! : positions[0]!;
  if (Math.abs(bound - end) < Math.max(1, limits.smallestStep, last.step / 4)) {
    // A focus just within the bound shows both sides in a finer sweep only.
    const room = fit.curve ? (bound - fit.curve.best) * side : 0;
    const step = Math.floor((room * 2) / (limits.samples - 1));
    if (step >= limits.smallestStep && step < 0.7 * last.step)
      return { kind: 'sweep', sweep: { centre: fit.curve!.best, step }, why: 'The focus is close to the bound.' };
    return {
      kind: 'fail',
      reason: 'out-of-range',
      text: `The focus is beyond ${Math.round(bound)}, the end of what the focuser may do.`,
      remedy: 'Widen the bounds, or move the camera in its drawtube.',
    };
  }
  // The wings point at the focus, the better the nearer it is; without them it goes on by half a sweep.
  const pointing = fit.verdict === (side > 0 ? 'extend-outwards' : 'extend-inwards');
  const guess = pointing && fit.curve ? (fit.curve.best - last.centre) * side : half;
  const stride = Math.min(Math.max(guess, half / 2), 3 * half);
  const walked = sweeps.slice(-patientSweeps);
  const walking = sweeps.length >= patientSweeps && walked.every(({ step }) => step === last.step);
  const straight = walking && (walked.at(-1)!.centre - walked[0]!.centre) * side > 0;
  const seen = points.map(({ hfr }) => hfr).filter((hfr) => hfr > 0);
  const before = sweeps.at(-2);
  // There and back again: the focus is between, in a bottom too flat for either sweep.
  if (before && (last.centre - before.centre) * side < 0)
    return {
      kind: 'sweep',
      sweep: { centre: (last.centre + before.centre) / 2, step: 2 * Math.max(last.step, before.step) },
      why: 'It falls towards the sweep before: both are looked at together.',
    };
  const gentle = Math.max(...seen) < gentleRatio * Math.min(...seen);
  const step = last.step * (gentle ? widening : straight ? 2 : 1);
  return {
    kind: 'sweep',
    sweep: { centre: last.centre + side * stride, step },
    why: `${what} ${side > 0 ? 'outwards' : 'inwards'}.`,
  };
}
