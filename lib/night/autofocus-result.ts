/** What an autofocus tells while it runs and at its end. */
import type { ErrorCode } from '../process/errors.ts';
import type { FocusFit, FocusPoint } from '../stars/focus-curve.ts';
import type { FocusFailure } from './autofocus-search.ts';

export interface FocusProgress {
  phase: 'moving' | 'measuring' | 'cloud' | 'fitted' | 'verifying' | 'returning';
  /** Which sweep this is, and how far it has come. */
  sweep: number;
  n: number;
  of: number;
  position: number | null;
  /** All points so far, in the order of measuring; those without stars have an HFR of NaN. */
  points: readonly FocusPoint[];
  /** Of the points so far; its weights are in their order. */
  fit: FocusFit | null;
  text: string;
}

export interface FocusReason {
  code: FocusFailure | 'not-confirmed' | ErrorCode;
  text: string;
  remedy?: string;
}

export interface FocusResult {
  outcome: 'focused' | 'failed';
  /** Why not; null when focused. */
  reason: FocusReason | null;
  drive: 'absolute' | 'relative';
  /** Where the focuser stands now, steps (of a relative drive: from where it was); null when that is not known. */
  position: number | null;
  startPosition: number | null;
  /** A failed run: whether the focuser is back at the start. */
  returned: boolean;
  /** Pixels: measured at the end, and at the start; null without stars. */
  hfr: number | null;
  startHfr: number | null;
  stars: number;
  temperatureCelsius: number | null;
  fit: FocusFit | null;
  points: readonly FocusPoint[];
  sweeps: number;
  exposures: number;
  seconds: number;
  /** ISO 8601 UTC of the end. */
  time: string;
}
