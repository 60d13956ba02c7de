/**
 * Events at fixed times (occultations, eclipses, transits) as pure functions: which of a list can be taken tonight and why not the others,
 * and what is to be done now. No clock is asked and nothing is remembered here: the same arguments give the same answer, at any speed.
 */
import type { FrameSite } from '../frame/frame.ts';
import type { Target } from '../sky/target.ts';
import { type BrokenLine, readTargets } from '../sky/target-list.ts';
import { nightAround } from '../sky/twilight.ts';
import { observe, refusalsOf, type VisibilityLimits } from '../sky/visibility.ts';
import { type ExposureCalibration, type RecordingExposure, recordingExposure } from './magnitude-exposure.ts';

export interface FixedEvent {
  /** The same for the same event of the same list, so that a journal finds it again. */
  id: string;
  target: Target;
  /** UTC ms: when the recording begins. */
  startAt: number;
  /** When it ends. */
  endAt: number;
  /** When the work for it begins: slewing, centring. */
  prepareAt: number;
  /** When whoever records is told to begin: the start, or some seconds before it, so that the stream runs when the start comes. */
  beginAt: number;
  /** Of each frame of its recording; null: neither the list nor a magnitude says. */
  exposure: RecordingExposure | null;
}

export type RefusalCode =
  | 'no-start'
  | 'no-duration'
  | 'past'
  | 'below-horizon'
  | 'not-visible'
  | 'too-short'
  | 'overlap'
  | 'twice';

export interface RefusedEvent {
  target: Target;
  code: RefusalCode;
  /** A sentence for the log and the page. */
  reason: string;
}

export interface FixedPlan {
  /** In the order of their starts, none within another. */
  events: FixedEvent[];
  refused: RefusedEvent[];
}

export interface FixedOptions {
  site: FrameSite;
  limits: VisibilityLimits;
  /** How long before its start the work for an event begins. */
  leadSeconds: number;
  /** How long before its start an event begins, so that the stream runs by then. */
  armSeconds?: number;
  /** For targets that say none; null: such targets are refused. */
  durationSeconds: number | null;
  /** Turns magnitudes into exposures; null: only the list's own exposures count. */
  calibration?: ExposureCalibration | null;
  /** Events that a journal knows: after a restart they stay in the plan although they are past, so that what became of them is reported. */
  known?: ReadonlySet<string>;
}

/** How far an event has come; without an entry it is planned. */
export type EventState = 'preparing' | 'running' | 'done' | 'failed' | 'missed' | 'skipped';
export type EventStates = ReadonlyMap<string, EventState>;

/** What is to be done now. */
export type FixedStep =
  | { act: 'prepare'; event: FixedEvent; secondsLeft: number }
  | { act: 'begin'; event: FixedEvent }
  | { act: 'miss'; event: FixedEvent; reason: string }
  /** Its time is over and nobody said what came of it. */
  | { act: 'over'; event: FixedEvent }
  | { act: 'wait'; event: FixedEvent; until: number }
  | { act: 'finish' };

/** An event begins within this of its start or not at all, ms: the stream node itself waits for the exact moment. */
const beginTolerance = 1000;
/** States that nothing follows. */
export const isFinal = (state: EventState | undefined): boolean =>
  state === 'done' || state === 'failed' || state === 'missed' || state === 'skipped';

/** Visibility is asked at so many moments from the start of an event to its end. */
const looks = 5;

/**
 * The plan of a list in any form that readTargets takes, its broken lines apart. A start without a date belongs to the night around
 * `now`, so that the same list is the same plan after a restart. @param now UTC ms @throws bad-input when it is no list at all
 */
export function planFixedList(
  list: unknown,
  now: number,
  options: FixedOptions,
): FixedPlan & { broken: readonly BrokenLine[] } {
  const { targets, broken } = readTargets(list, { after: nightAround(options.site, now).from });
  return { ...planFixed(targets, now, options), broken };
}

/** The plan of a night's targets. @param now UTC ms */
export function planFixed(targets: readonly Target[], now: number, options: FixedOptions): FixedPlan {
  const refused: RefusedEvent[] = [];
  const possible: FixedEvent[] = [];
  const seen = new Set<string>();
  for (const target of targets) {
    const event = eventOf(target, options);
    const refusal = 'code' in event ? event : refusalOf(event, now, options, seen);
    if (refusal) refused.push({ target, ...refusal });
    else possible.push(event as FixedEvent);
  }
  possible.sort((a, b) => a.startAt - b.startAt);
  const events: FixedEvent[] = [];
  for (const event of possible) {
    const before = events.at(-1);
    if (before && event.prepareAt < before.endAt)
      refused.push({ target: event.target, code: 'overlap', reason: overlap(event, before) });
    else events.push(event);
  }
  return { events, refused };
}

/**
 * What is to be done at a moment. `states` holds what was done so far: the caller writes it down, then does it. An event that runs is waited
 * for until it is reported, `graceSeconds` beyond its end (a recording is still being written), but never beyond the next one's preparation.
 */
export function nextStep(events: readonly FixedEvent[], states: EventStates, now: number, graceSeconds = 0): FixedStep {
  for (const [index, event] of events.entries()) {
    const state = states.get(event.id);
    if (state === 'running') {
      const next = events.slice(index + 1).find(({ id }) => !isFinal(states.get(id)));
      const until = Math.max(event.endAt, Math.min(event.endAt + graceSeconds * 1000, next?.prepareAt ?? Infinity));
      return now >= until ? { act: 'over', event } : { act: 'wait', event, until };
    }
    if (isFinal(state)) continue;
    if (now > event.startAt + beginTolerance)
      return { act: 'miss', event, reason: missed(event, now, state === 'preparing') };
    if (state === undefined) {
      if (now < event.prepareAt) return { act: 'wait', event, until: event.prepareAt };
      return { act: 'prepare', event, secondsLeft: (event.startAt - now) / 1000 };
    }
    if (now < event.beginAt) return { act: 'wait', event, until: event.beginAt };
    return { act: 'begin', event };
  }
  return { act: 'finish' };
}

/** What a journal says after a restart: prepared work is done anew, a recording that was cut off has failed, and is never begun again. */
export function statesAfterRestart(events: readonly FixedEvent[], journal: EventStates): Map<string, EventState> {
  const states = new Map<string, EventState>();
  for (const { id } of events) {
    const state = journal.get(id);
    if (state === 'running') states.set(id, 'failed');
    else if (state !== undefined && state !== 'preparing') states.set(id, state);
  }
  return states;
}

function eventOf(target: Target, options: FixedOptions): FixedEvent | Omit<RefusedEvent, 'target'> {
  if (target.start === undefined) return { code: 'no-start', reason: `${target.name} has no start.` };
  const durationSeconds = target.durationSeconds ?? options.durationSeconds;
  if (durationSeconds === null) return { code: 'no-duration', reason: `${target.name} has no duration.` };
  const startAt = Date.parse(target.start);
  if (!Number.isFinite(startAt))
    return { code: 'no-start', reason: `The start "${target.start}" of ${target.name} is no time.` };
  const place = `${target.raDegrees.toFixed(4)},${target.decDegrees.toFixed(4)}`;
  return {
    id: `${target.name}@${target.start}@${place}`,
    target,
    startAt,
    endAt: startAt + durationSeconds * 1000,
    prepareAt: startAt - options.leadSeconds * 1000,
    beginAt: startAt - Math.min(options.leadSeconds, options.armSeconds ?? 0) * 1000,
    exposure: exposureOf(target, options.calibration ?? null),
  };
}

function refusalOf(
  event: FixedEvent,
  now: number,
  options: FixedOptions,
  seen: Set<string>,
): Omit<RefusedEvent, 'target'> | null {
  const { target, startAt, endAt } = event;
  if (seen.has(event.id)) return { code: 'twice', reason: `${target.name} at ${clock(startAt)} is in the list twice.` };
  seen.add(event.id);
  if (startAt <= now)
    return options.known?.has(event.id)
      ? null
      : { code: 'past', reason: `${target.name} began at ${clock(startAt)}, ${ago(now - startAt)} ago.` };
  if (event.exposure && event.exposure.seconds * 1000 > endAt - startAt)
    return {
      code: 'too-short',
      reason: `${target.name} lasts ${(endAt - startAt) / 1000} s, less than one exposure of ${event.exposure.seconds} s.`,
    };
  for (let look = 0; look < looks; look++) {
    const at = startAt + ((endAt - startAt) * look) / (looks - 1);
    const [refusal] = refusalsOf(observe(options.site, at, target, options.limits.horizon), options.limits);
    if (!refusal) continue;
    const low = refusal.limit === 'horizon' || refusal.limit === 'altitude';
    return {
      code: low ? 'below-horizon' : 'not-visible',
      reason: `${target.name} can't be seen at ${clock(at)}: ${refusal.reason}.`,
    };
  }
  return null;
}

/** Without a calibration a magnitude says nothing. */
function exposureOf(target: Target, calibration: ExposureCalibration | null): RecordingExposure | null {
  if (calibration) return recordingExposure(target, calibration);
  const { exposureSeconds } = target;
  return exposureSeconds === undefined ? null : { seconds: exposureSeconds, from: 'list', limited: null };
}

function overlap(event: FixedEvent, before: FixedEvent): string {
  const { target, startAt, prepareAt } = event;
  const until = `${before.target.name} lasts until ${clock(before.endAt)}`;
  if (startAt < before.endAt) return `${target.name} begins at ${clock(startAt)}, but ${until}.`;
  return `${target.name} must be prepared from ${clock(prepareAt)} on for its start at ${clock(startAt)}, but ${until}.`;
}

const missed = ({ target, startAt }: FixedEvent, now: number, preparing: boolean): string =>
  `${target.name} was missed: it began at ${clock(startAt)}, ${ago(now - startAt)} ago${preparing ? ', while it was still being prepared' : ''}.`;

const clock = (at: number): string => `${new Date(at).toISOString().slice(11, 19)} UTC`;

function ago(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
