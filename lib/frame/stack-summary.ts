/** What a stack remembers of the frames it has folded, and the header of its result. */
import type { FoldMode } from '../kernels/fold.ts';
import type { Frame, FrameFields } from './frame.ts';

export interface StackSummary {
  /** Exposures (a frame's `combined`, added up). */
  frames: number;
  /** Frames added. */
  added: number;
  /** Header of the first frame, without pixels. */
  first: Partial<Omit<FrameFields, 'data' | 'original'>>;
  /** ISO 8601 UTC: the earliest start and the latest end; null when no frame said. */
  start: string | null;
  end: string | null;
  /** Sum over the frames, seconds; null as soon as one did not say. */
  exposureSeconds: number | null;
  /** Sum and number of the sensor temperatures that were known, °C. */
  temperatureSum: number;
  temperatures: number;
  /** Highest of all frames, ADU. */
  whiteLevel: number;
  timeUncertaintySeconds: number | null;
  precisionLost: boolean;
}

export const emptySummary = (): StackSummary => ({
  frames: 0,
  added: 0,
  first: {},
  start: null,
  end: null,
  exposureSeconds: 0,
  temperatureSum: 0,
  temperatures: 0,
  whiteLevel: 0,
  timeUncertaintySeconds: null,
  precisionLost: false,
});

/** The summary with one more frame in it. */
export function summarise(before: StackSummary, frame: Frame): StackSummary {
  const { data: _pixels, original: _file, ...header } = frame as FrameFields;
  return {
    frames: before.frames + frame.combined,
    added: before.added + 1,
    first: before.added === 0 ? header : before.first,
    start: extreme(before.start, frame.start, -1),
    end: extreme(before.end, frame.end, 1),
    exposureSeconds:
      before.exposureSeconds === null || frame.exposureSeconds === null
        ? null
        : before.exposureSeconds + frame.exposureSeconds,
    temperatureSum: before.temperatureSum + (frame.temperatureCelsius ?? 0),
    temperatures: before.temperatures + (frame.temperatureCelsius === null ? 0 : 1),
    whiteLevel: Math.max(before.whiteLevel, frame.whiteLevel),
    timeUncertaintySeconds:
      frame.timeUncertaintySeconds === null
        ? before.timeUncertaintySeconds
        : Math.max(before.timeUncertaintySeconds ?? 0, frame.timeUncertaintySeconds),
    precisionLost: before.precisionLost || frame.precisionLost,
  };
}

/**
 * Start of the first and end of the last frame. The exposure is the total, except for a mean, whose pixels are those of
 * one exposure. Levels of a sum grow with the number of frames.
 */
export function summaryHeader(summary: StackSummary, mode: FoldMode): Partial<FrameFields> {
  const { first, start, end, added, exposureSeconds } = summary;
  const times = mode === 'sum' ? added : 1;
  return {
    ...first,
    start,
    end,
    middle: start && end ? new Date((Date.parse(start) + Date.parse(end)) / 2).toISOString() : null,
    exposureSeconds: exposureSeconds !== null && mode === 'mean' ? exposureSeconds / added : exposureSeconds,
    temperatureCelsius: summary.temperatures > 0 ? summary.temperatureSum / summary.temperatures : null,
    blackLevel: (first.blackLevel ?? 0) * times,
    whiteLevel: summary.whiteLevel * times,
    timeUncertaintySeconds: summary.timeUncertaintySeconds,
    precisionLost: summary.precisionLost,
    combined: summary.frames,
    number: null,
    source: null,
  };
}

/** The earlier (-1) or later (1) of two times; one that is unknown does not count. */
function extreme(a: string | null, b: string | null, sign: 1 | -1): string | null {
  if (a === null || b === null) return a ?? b;
  return (Date.parse(b) - Date.parse(a)) * sign > 0 ? b : a;
}
