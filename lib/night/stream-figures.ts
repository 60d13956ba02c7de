/** What the time stamps of a film tell: its cadence, how steady it is, and holes where frames are missing. */
import { parseFitsTime } from '../frame/fits/values.ts';

export interface FilmHole {
  /** Number of the frame before it, from 1. */
  after: number;
  seconds: number;
  /** Frames that would fill it. */
  missing: number;
}

export interface FilmFigures {
  frames: number;
  /** ISO 8601 UTC as stamped; null for a film without stamps. */
  first: string | null;
  last: string | null;
  /** Median from frame to frame. */
  cadenceSeconds: number | null;
  /** Root mean square of what the intervals differ from the cadence, holes left out. */
  jitterSeconds: number | null;
  longestSeconds: number | null;
  /** Frames missing in all holes. */
  missing: number;
  /** The first of them. */
  holes: readonly FilmHole[];
  /** Stamps that are earlier than the one before: the clock was set. */
  backwards: number;
}

const mostHoles = 50;

/** @param times ISO 8601 UTC of each frame, null where it has none. */
export function filmFigures(times: readonly (string | null)[]): FilmFigures {
  const stamps = times.map((time) => parseFitsTime(time));
  const known = times.filter((_, at) => stamps[at] !== null);
  const intervals = stamps.slice(1).map((stamp, at) => {
    const before = stamps[at];
    return stamp === null || before === null || before === undefined ? null : (stamp - before) / 1e6;
  });
  const forward = intervals.filter((each) => each !== null && each > 0) as number[];
  const cadence = forward.length === 0 ? null : medianOf(forward);
  const holes = cadence === null ? [] : holesIn(intervals, cadence);
  const steady = forward.filter((each) => cadence !== null && each <= holeFrom * cadence);
  return {
    frames: times.length,
    first: known[0] ?? null,
    last: known.at(-1) ?? null,
    cadenceSeconds: cadence,
    jitterSeconds: cadence === null || steady.length < 2 ? null : rms(steady.map((each) => each - cadence)),
    longestSeconds: forward.length === 0 ? null : Math.max(...forward),
    missing: holes.reduce((sum, { missing }) => sum + missing, 0),
    holes: holes.slice(0, mostHoles),
    backwards: intervals.filter((each) => each !== null && each < 0).length,
  };
}

/** In cadences: longer is a hole, shorter a frame that was held up and follows the one before at once. */
const holeFrom = 1.5;
const heldUpBelow = 0.5;

/** Frames that come in a bunch right after a pause were late, not lost. */
function holesIn(intervals: readonly (number | null)[], cadence: number): FilmHole[] {
  const holes: FilmHole[] = [];
  let last: FilmHole | null = null;
  intervals.forEach((seconds, at) => {
    if (seconds === null) return;
    if (seconds > holeFrom * cadence) {
      last = { after: at + 1, seconds, missing: Math.round(seconds / cadence) - 1 };
      holes.push(last);
    } else if (seconds < heldUpBelow * cadence && last) last.missing = Math.max(0, last.missing - 1);
    else last = null;
  });
  return holes.filter(({ missing }) => missing > 0);
}

export interface Latency {
  /** From the driver's sending to the arrival here, the difference of the two clocks included; bounds, s. */
  lowSeconds: number;
  highSeconds: number;
  frames: number;
}

/**
 * Stamps of whole seconds bound the way all the same: a frame that was sent in second s arrived between its latency and its latency + 1 s
 * after s, so of many frames the earliest gives the upper bound and the latest, less one second, the lower.
 */
export function latencyOf(frames: readonly { arrivedAt: number; sentAt: number | null }[]): Latency | null {
  const delays = frames.flatMap(({ arrivedAt, sentAt }) => (sentAt === null ? [] : [(arrivedAt - sentAt) / 1000]));
  if (delays.length === 0) return null;
  const high = delays.reduce((least, each) => Math.min(least, each));
  const low = delays.reduce((most, each) => Math.max(most, each)) - 1;
  // One whose way varies by more has no constant: then the bounds cross.
  return { lowSeconds: Math.min(low, high), highSeconds: Math.max(low, high), frames: delays.length };
}

const rms = (values: readonly number[]): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
