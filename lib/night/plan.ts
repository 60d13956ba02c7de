/** What a sequence is to do: checked once, then believed. */
import type { ExposureRequest } from '../camera/camera.ts';
import type { FrameKind, FrameTarget } from '../frame/frame.ts';
import { NightflowError } from '../process/errors.ts';
import { type Moment, type MomentInput, parseMoment } from './moment.ts';

export interface SequencePlan {
  exposureSeconds: number;
  /** null: as the camera is set. */
  gain: number | null;
  offset: number | null;
  kind: FrameKind;
  target: FrameTarget | null;
  /** Number of frames; null for no such end. */
  frames: number | null;
  /** Seconds from the first exposure; null for no such end. */
  durationSeconds: number | null;
  /** Start to start; 0 is back to back. */
  intervalSeconds: number;
  start: Moment;
  stop: Moment;
}

export type PlanInput = Partial<Omit<SequencePlan, 'start' | 'stop'>> & { start?: MomentInput; stop?: MomentInput };

const kinds: readonly FrameKind[] = ['light', 'dark', 'flat', 'bias'];

/** Fills in what is left out: until told, back to back, now. @throws bad-input naming the setting and its value. */
export function parsePlan(input: PlanInput): SequencePlan {
  const plan: SequencePlan = {
    exposureSeconds: number('exposure time', input.exposureSeconds, 0, 86_400, 's'),
    gain: optional(input.gain, (value) => number('gain', value, 0, 1e6)),
    offset: optional(input.offset, (value) => number('offset', value, 0, 1e6)),
    kind: input.kind ?? 'light',
    target: input.target ?? null,
    frames: optional(input.frames, (value) => number('number of frames', value, 1, 1e9)),
    durationSeconds: optional(input.durationSeconds, (value) => number('duration', value, 0, 366 * 86_400, 's')),
    intervalSeconds: number('interval', input.intervalSeconds ?? 0, 0, 86_400, 's'),
    start: parseMoment(input.start, 'start'),
    stop: parseMoment(input.stop, 'stop'),
  };
  if (!kinds.includes(plan.kind))
    throw new NightflowError('bad-input', `The frame kind "${plan.kind}" is not one of ${kinds.join(', ')}.`);
  if (plan.frames !== null && !Number.isInteger(plan.frames))
    throw new NightflowError('bad-input', `The number of frames ${plan.frames} is not a whole number.`);
  if (plan.intervalSeconds > 0 && plan.intervalSeconds < plan.exposureSeconds)
    throw new NightflowError(
      'bad-input',
      `The interval of ${plan.intervalSeconds} s is shorter than the exposure of ${plan.exposureSeconds} s.`,
      { remedy: 'Use an interval of 0 for exposures back to back.' },
    );
  return plan;
}

export const requestOf = (plan: SequencePlan): ExposureRequest => ({
  exposureSeconds: plan.exposureSeconds,
  kind: plan.kind,
  ...(plan.gain === null ? {} : { gain: plan.gain }),
  ...(plan.offset === null ? {} : { offset: plan.offset }),
  ...(plan.target === null ? {} : { target: plan.target }),
});

/** Seconds from one start to the next, without the camera's own dead time. */
export const cadenceSeconds = (plan: SequencePlan): number => plan.intervalSeconds || plan.exposureSeconds;

/** How many frames the plan makes from `start` to `end` (UTC ms); null when it runs until told. */
export function framesExpected(plan: SequencePlan, start: number, end: number | null): number | null {
  const seconds = end === null ? null : Math.max(0, (end - start) / 1000);
  const byTime = seconds === null ? Infinity : Math.ceil(seconds / Math.max(cadenceSeconds(plan), 1e-3));
  const frames = Math.min(byTime, plan.frames ?? Infinity);
  return Number.isFinite(frames) ? frames : null;
}

const optional = <T>(value: T | null | undefined | '', read: (value: T) => number): number | null =>
  value === null || value === undefined || value === '' ? null : read(value as T);

function number(what: string, value: unknown, minimum: number, maximum: number, unit = ''): number {
  const read = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof read === 'number' && read >= minimum && read <= maximum) return read;
  const shown = value === undefined ? 'missing' : `"${String(value).slice(0, 40)}"`;
  throw new NightflowError(
    'bad-input',
    `The ${what} is ${shown}, not between ${minimum} and ${maximum}${unit && ` ${unit}`}.`,
  );
}
