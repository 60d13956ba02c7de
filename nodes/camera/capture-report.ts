/** What `astro-capture` says about its sequence: the payloads of its second output and the words of its status line. */
import type { RecoveryState } from '../../lib/camera/camera.ts';
import { recoverySentence } from '../../lib/camera/recovery.ts';
import { isoTime } from '../../lib/clock/clock.ts';
import type { GapSummary } from '../../lib/night/gaps.ts';
import type { Progress } from '../../lib/night/progress.ts';
import type { SequenceEnd, SequenceFrame } from '../../lib/night/sequence.ts';
import type { StatusState } from '../status.ts';
import { recoveryStatus } from './recovery-status.ts';

export type Translate = (key: string, values?: Record<string, unknown>) => string;

/** The events of output 2. */
export type CaptureEvent =
  | 'started'
  | 'waiting'
  | 'progress'
  | 'gap'
  | 'lost'
  | 'recovering'
  | 'recovered'
  | 'paused'
  | 'resumed'
  | 'warning'
  | 'end';

/** Dead time between frames, seconds; `usedFraction` is the part of the time in which the shutter was open, 0 to 1. */
export interface GapFigures {
  count: number;
  medianSeconds: number | null;
  p95Seconds: number | null;
  maximumSeconds: number | null;
  totalSeconds: number;
  usedFraction: number | null;
}

export const gapFigures = (gaps: GapSummary): GapFigures => ({
  count: gaps.count,
  medianSeconds: rounded(gaps.median, 6),
  p95Seconds: rounded(gaps.p95, 6),
  maximumSeconds: rounded(gaps.maximum, 6),
  totalSeconds: rounded(gaps.totalSeconds, 6)!,
  usedFraction: gaps.usedPercent === null ? null : rounded(gaps.usedPercent / 100, 6),
});

const rounded = (value: number | null, decimals: number): number | null =>
  value === null ? null : Number(value.toFixed(decimals));

/** @param now UTC ms of the sequence's clock */
export const progressPayload = (progress: Progress, now: number) => ({
  frames: progress.n,
  of: progress.of,
  progress: progress.of === null ? null : Math.min(1, progress.n / Math.max(1, progress.of)),
  secondsLeft: rounded(progress.secondsLeft, 3),
  time: isoTime(now),
  next: progress.nextExposureAt === null ? null : isoTime(progress.nextExposureAt),
  waitingFor: progress.reason,
  lost: progress.lost,
  failures: progress.failures,
  gaps: gapFigures(progress.gaps),
});

/** Of the event `recovering`, beside the figures. */
export const recoveryPayload = (state: RecoveryState) => ({
  ...state,
  since: isoTime(state.since),
  message: recoverySentence(state),
});

export const endPayload = (translate: Translate, end: SequenceEnd, night: string | null, now: number) => ({
  reason: end.reason,
  message: end.error?.message ?? translate(`astro-capture.reason.${end.reason}`),
  night,
  frames: end.frames,
  lost: end.lost,
  failures: end.failures,
  gaps: gapFigures(end.gaps),
  unwritten: end.unaccepted.length,
  time: isoTime(now),
  error: end.error && { code: end.error.code, message: end.error.message, remedy: end.error.remedy ?? null },
});

/** `msg.payload` of output 1: what a chart or a function node wants. */
export const framePayload = ({ n, frame, gapSeconds }: SequenceFrame) => ({
  n,
  exposureSeconds: frame.exposureSeconds,
  start: frame.start,
  gapSeconds: gapOf(gapSeconds),
});

/** Exposures that overlap by the jitter of their clocks have no gap. */
const gapOf = (seconds: number | null): number | null => (seconds === null ? null : rounded(Math.max(0, seconds), 6));

/** `msg.exposure` of output 1. */
export const exposureDetails = (
  { n, run, frame, gapSeconds, lostBefore, recovered }: SequenceFrame,
  path: string | null,
) => ({
  n,
  sequence: run,
  night: frame.night,
  kind: frame.kind,
  start: frame.start,
  end: frame.end,
  exposureSeconds: frame.exposureSeconds,
  gain: frame.gain,
  offset: frame.offset,
  temperatureCelsius: frame.temperatureCelsius,
  camera: frame.camera,
  gapSeconds: gapOf(gapSeconds),
  lostBefore,
  recovered,
  path,
});

/** The status line while the sequence is under way. */
export function progressStatus(translate: Translate, progress: Progress, now: number): [StatusState, string] {
  const say = (key: string, values: Record<string, unknown> = {}) =>
    translate(`astro-capture.status.${key}`, { ...values, count: countText(progress) });
  const next = progress.nextExposureAt === null ? '' : isoTime(progress.nextExposureAt).slice(11, 19);
  switch (progress.phase) {
    case 'waiting-start':
      return ['waiting', say('waiting-start', { time: next })];
    case 'waiting-flow':
      return ['waiting', say('waiting-flow')];
    case 'paused':
      return ['waiting', say('paused')];
    case 'recovering':
      return progress.recovery
        ? recoveryStatus(say, progress.recovery, progress.nextExposureAt)
        : ['waiting', say('recovering', { reason: progress.reason ?? '' })];
    case 'waiting-interval':
      return ['working', say('waiting-interval', { time: next })];
    default:
      return [
        'working',
        [say('exposing'), leftText(say, progress, now), gapText(say, progress.gaps)].filter(Boolean).join(' · '),
      ];
  }
}

export function endStatus(translate: Translate, end: SequenceEnd): [StatusState, string] {
  const say = (key: string, values: Record<string, unknown> = {}) => translate(`astro-capture.status.${key}`, values);
  const lost = end.lost > 0 ? say('lost', { lost: end.lost }) : '';
  const text = [say(`end-${end.reason}`, { frames: end.frames }), gapText(say, end.gaps), lost]
    .filter(Boolean)
    .join(' · ');
  return [end.lost > 0 ? 'waiting' : 'done', text];
}

type Say = (key: string, values?: Record<string, unknown>) => string;

const countText = ({ n, of }: Progress): string => (of === null ? `${n}` : `${n}/${of}`);

/** Until the end where there is one, else of the exposure under way. */
function leftText(say: Say, progress: Progress, now: number): string {
  const exposure = progress.exposureEndsAt === null ? null : Math.max(0, (progress.exposureEndsAt - now) / 1000);
  const seconds = progress.secondsLeft ?? exposure;
  return seconds === null ? '' : say('left', { time: spanText(seconds) });
}

const gapText = (say: Say, gaps: GapSummary): string =>
  gaps.median === null ? '' : say('gap', { gap: gapSpan(gaps.median) });

function gapSpan(seconds: number): string {
  if (seconds >= 1) return `${seconds.toFixed(1)} s`;
  const milliseconds = seconds * 1000;
  return `${milliseconds.toFixed(milliseconds > 0 && milliseconds < 10 ? 1 : 0)} ms`;
}

/** 4 s, 12 min, 3 h 05 min */
export function spanText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}
