/** What an autofocus says in messages: plain figures in the payload, points and curve for a chart beside it. */
import type { FocusProgress, FocusResult } from '../../lib/night/autofocus-result.ts';
import { type FocusFit, type FocusPoint, focusCurveAt } from '../../lib/stars/focus-curve.ts';

export interface FocusChart {
  /** HFR null: no stars; used false: thrown out of the curve, or measured too far from it. */
  points: { position: number; hfr: number | null; stars: number; used: boolean }[];
  /** The fitted curve, drawn; empty without one. */
  curve: { position: number; hfr: number }[];
  best: number | null;
  bestError: number | null;
  verdict: string | null;
}

const curvePieces = 60;
const usedWeight = 0.2;

export function chartOf(points: readonly FocusPoint[], fit: FocusFit | null): FocusChart {
  const curve = fit?.curve ?? null;
  const used = points.filter((_, index) => (curve?.weights[index] ?? 0) >= usedWeight).map(({ position }) => position);
  const [low, high] = [Math.min(...used), Math.max(...used)];
  return {
    points: points.map(({ position, hfr, stars }, index) => ({
      position,
      hfr: hfr > 0 ? rounded(hfr, 3) : null,
      stars,
      used: curve === null ? hfr > 0 : (curve.weights[index] ?? 0) >= usedWeight,
    })),
    curve:
      curve && used.length > 1
        ? Array.from({ length: curvePieces + 1 }, (_, n) => {
            const position = low + ((high - low) * n) / curvePieces;
            return { position: rounded(position, 1), hfr: rounded(focusCurveAt(curve, position), 3) };
          })
        : [],
    best: curve ? rounded(curve.best, 1) : null,
    bestError: curve ? rounded(curve.bestError, 1) : null,
    verdict: fit?.verdict ?? null,
  };
}

export function progressPayload({ phase, sweep, n, of, position, points, text }: FocusProgress) {
  const last = points.at(-1);
  return {
    phase,
    sweep,
    n,
    of,
    position,
    hfr: last && last.hfr > 0 ? rounded(last.hfr, 3) : null,
    stars: last?.stars ?? 0,
    text,
  };
}

export function resultPayload({ position, hfr, stars, startPosition, startHfr, temperatureCelsius, fit }: FocusResult) {
  return {
    position,
    hfr: hfr === null ? null : rounded(hfr, 3),
    stars,
    positionError: fit?.curve ? rounded(fit.curve.bestError, 1) : null,
    startPosition,
    startHfr: startHfr === null ? null : rounded(startHfr, 3),
    temperatureCelsius,
  };
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));
