/** Where a sequence stands, for a status line or a page. */
import type { RecoveryState } from '../camera/camera.ts';
import type { GapSummary } from './gaps.ts';
import { cadenceSeconds, framesExpected, type SequencePlan } from './plan.ts';
import type { RunState } from './run-journal.ts';

export type Phase =
  | 'idle'
  /** For the planned start. */
  | 'waiting-start'
  /** For the next slot of the interval. */
  | 'waiting-interval'
  /** For those who use the frames to catch up. */
  | 'waiting-flow'
  | 'exposing'
  | 'paused'
  /** The camera is being brought back. */
  | 'recovering'
  | 'ended';

export interface Progress {
  phase: Phase;
  /** Frames taken, those before a crash included. */
  n: number;
  /** Frames in all; null when it runs until told. */
  of: number | null;
  /** Until the end; null when it runs until told or has not been told when. */
  secondsLeft: number | null;
  /** UTC ms when the exposure or attempt that is waited for begins; null when none is waited for. */
  nextExposureAt: number | null;
  /** UTC ms when the exposure under way should end; null when none is under way. */
  exposureEndsAt: number | null;
  /** Why it waits, one sentence; null while it works. */
  reason: string | null;
  /** The latest step towards a camera that was lost; null while it is there. */
  recovery: RecoveryState | null;
  lost: number;
  failures: number;
  gaps: GapSummary;
}

export interface Activity {
  phase: Phase;
  taken: number;
  nextExposureAt: number | null;
  exposureEndsAt: number | null;
  reason: string | null;
  recovery: RecoveryState | null;
  startAt: number;
  endAt: number | null;
}

export function progressOf(plan: SequencePlan, state: RunState, activity: Activity, now: number): Progress {
  const { phase, taken, nextExposureAt, exposureEndsAt, reason, recovery, startAt, endAt } = activity;
  const begin = Math.max(now, nextExposureAt ?? now);
  const byFrames = plan.frames === null ? null : (begin - now) / 1000 + (plan.frames - taken) * cadence(plan, state);
  const byTime = endAt === null ? null : (endAt - now) / 1000;
  const left = Math.min(byFrames ?? Infinity, byTime ?? Infinity);
  const expected = plan.frames ?? framesExpected(plan, startAt, endAt);
  return {
    phase,
    n: taken,
    of: expected === null ? null : Math.max(expected, taken),
    secondsLeft: phase === 'ended' ? 0 : Number.isFinite(left) ? Math.max(0, left) : null,
    nextExposureAt,
    exposureEndsAt,
    reason,
    recovery,
    lost: state.lost,
    failures: state.failures,
    gaps: state.gaps.summary(),
  };
}

/** Start to start with the dead time that was measured. */
function cadence(plan: SequencePlan, state: RunState): number {
  const planned = cadenceSeconds(plan);
  return plan.intervalSeconds > 0 ? planned : planned + (state.gaps.summary().median ?? 0);
}
