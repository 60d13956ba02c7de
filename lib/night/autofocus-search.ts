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
/** A sweep that shows no slope is repeated so much wider, so many times. */
const widening = 3;
const mostWidenings = 2;
/** A slope that goes on for so many sweeps is walked in longer strides. */
const patientSweeps = 2;

export function nextStep(state: SearchState, limits: SearchLimits): SearchStep {
  const step = wanted(state, limits);
  if (step.kind !== 'sweep' || state.sweeps.length < limits.maximumSweeps) return step;
  // A curve that is only coarse is better than none.
  if (state.fit.verdict === 'found') return { kind: 'accept' };
  return {
    kind: 'fail',
    reason: 'too-far',
    text: `No focus after ${state.sweeps.length} sweeps. ${state.fit.text}`,
    remedy: 'Bring the focus nearer by hand, or take larger steps.',
  };
}

function wanted(state: SearchState, limits: SearchLimits): SearchStep {
  const { fit } = state;
  if (fit.verdict === 'found') return narrower(state, limits) ?? { kind: 'accept' };
  if (fit.verdict === 'too-few') return withoutStars(state, limits);
  if (fit.verdict === 'flat') return wider(state, limits);
  return downhill(state, limits, fit.verdict === 'extend-outwards' ? 1 : -1);
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

/** A minimum seen from afar is measured again from near by. */
function narrower({ sweeps, fit }: SearchState, limits: SearchLimits): SearchStep | null {
  const { step } = sweeps.at(-1)!;
  const { best, minimumHfr, slopeInside, slopeOutside } = fit.curve!;
  const slope = Math.max(slopeInside, slopeOutside);
  const width = (ratio: number) => (Math.sqrt(ratio ** 2 - 1) * minimumHfr) / slope;
  if (halfWidth(sweeps.at(-1)!, limits) <= width(tooHighEndRatio)) return null;
  const better = Math.max(limits.smallestStep, Math.round(width(goodEndRatio) / ((limits.samples - 1) / 2)));
  if (better > 0.7 * step) return null;
  return { kind: 'sweep', sweep: { centre: best, step: better }, why: 'The minimum is measured from nearer.' };
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
    remedy: 'Wait for a clear sky, expose longer, or bring the focus nearer by hand.',
  };
}

function wider({ sweeps, fit }: SearchState, limits: SearchLimits): SearchStep {
  const { centre, step } = sweeps.at(-1)!;
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

function downhill({ sweeps, fit }: SearchState, limits: SearchLimits, side: -1 | 1): SearchStep {
  const last = sweeps.at(-1)!;
  const half = halfWidth(last, limits);
  const bound = side > 0 ? limits.maximum : limits.minimum;
  const positions = positionsOf(last, limits, 1);
  const end = side > 0 ? positions.at(-1)! : positions[0]!;
  if (Math.abs(bound - end) < Math.max(1, limits.smallestStep, last.step / 4))
    return {
      kind: 'fail',
      reason: 'out-of-range',
      text: `The HFR still falls at ${Math.round(bound)}, the end of what the focuser may do.`,
      remedy: 'Widen the bounds, or move the camera in its drawtube.',
    };
  // The wings point at the focus; how well depends on how far it is.
  const guess = fit.curve ? (fit.curve.best - last.centre) * side : Number.POSITIVE_INFINITY;
  const stride = Math.min(Math.max(guess, half), 3 * half);
  const walked = sweeps.slice(-patientSweeps);
  const walking = sweeps.length >= patientSweeps && walked.every(({ step }) => step === last.step);
  const straight = walking && (walked.at(-1)!.centre - walked[0]!.centre) * side > 0;
  return {
    kind: 'sweep',
    sweep: { centre: last.centre + side * stride, step: straight ? last.step * 2 : last.step },
    why: side > 0 ? 'The HFR falls outwards.' : 'The HFR falls inwards.',
  };
}
