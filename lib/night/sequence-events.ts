/** What a sequence tells while it runs and at its end. */
import type { CapturedFrame, RecoveryState } from '../camera/camera.ts';
import type { NightflowError } from '../process/errors.ts';
import type { GapSummary } from './gaps.ts';
import type { Progress } from './progress.ts';

export interface SequenceFrame extends CapturedFrame {
  /** Number in the sequence, from 1, also after it went on from a crash; `frame.number` as well. */
  n: number;
  /** Eight hexadecimal digits that tell this sequence from others of the same night. */
  run: string;
  /** It lay on the card of a camera that was lost, and was fetched afterwards; its time is the camera's. */
  recovered: boolean;
  /** Of the exposures counted as lost before, those that this is: 0 or 1. */
  regained: number;
}

export type EndReason =
  | 'count'
  /** The planned duration, time or dawn came. */
  | 'time'
  | 'stopped'
  | 'aborted'
  /** Dropped, to be gone on with by `resume`. */
  | 'suspended'
  /** The camera has no more frames (a folder read to its end). */
  | 'no-more-frames'
  | 'error';

export interface SequenceEnd {
  reason: EndReason;
  /** Frames accepted, those before a crash included. */
  frames: number;
  lost: number;
  /** How often the camera failed and was brought back. */
  failures: number;
  gaps: GapSummary;
  error: NightflowError | null;
  /** Frames that could not be handed over (the disk is full): see `retryUnaccepted`. */
  unaccepted: readonly SequenceFrame[];
}

export interface SequenceEvents {
  frame: SequenceFrame;
  progress: Progress;
  /** A step towards a camera that was lost, or that no step helped; null when it is back. */
  recovery: RecoveryState | null;
  /** Something went wrong and the sequence goes on. */
  warning: { message: string; error: NightflowError | null };
  end: SequenceEnd;
}
