/** What `astro-schedule` says about its list: the snapshot that travels with every message, and the rows in it. */
import { isoTime } from '../../lib/clock/clock.ts';
import type { FrameSite } from '../../lib/frame/frame.ts';
import {
  type EventState,
  type FixedEvent,
  type FixedOptions,
  type FixedPlan,
  isFinal,
  planFixedList,
  type RefusalCode,
} from '../../lib/night/fixed-schedule.ts';
import type { FixedRun } from '../../lib/night/fixed-schedule-run.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import type { Target } from '../../lib/sky/target.ts';
import type { BrokenLine } from '../../lib/sky/target-list.ts';
import { observe } from '../../lib/sky/visibility.ts';
import type { AstroMessage } from '../types.ts';

/** One accepted event; times ISO 8601 UTC, angles degrees. */
export interface EventRow {
  id: string;
  name: string;
  line: number | null;
  raDegrees: number;
  decDegrees: number;
  magnitude: number | null;
  prepare: string;
  start: string;
  end: string;
  durationSeconds: number;
  exposureSeconds: number | null;
  exposureFrom: 'list' | 'magnitude' | null;
  /** The limit that the exposure was moved to. */
  exposureLimited: 'shortest' | 'longest' | null;
  altitudeDegrees: number;
  azimuthDegrees: number;
  moonDistanceDegrees: number;
  state: EventState | 'planned';
  reason: string | null;
  notes: string[];
}

export interface RefusedRow {
  name: string;
  line: number | null;
  start: string | null;
  code: RefusalCode;
  reason: string;
}

/** `msg.schedule`. */
export interface ScheduleSnapshot {
  running: boolean;
  events: EventRow[];
  refused: RefusedRow[];
  broken: readonly BrokenLine[];
  /** Of the event that is worked on, or that comes next; null: none is left. */
  next: string | null;
}

/** As it leaves the node. */
export interface DatedSnapshot extends ScheduleSnapshot {
  /** By the clock of the site, ISO 8601 UTC. */
  now: string;
}

/** The message that says what is to be done now about an event of the snapshot. */
export function orderOf(event: 'prepare' | 'begin', id: string, target: Target, schedule: DatedSnapshot) {
  const row = schedule.events.find((each) => each.id === id)!;
  const { start, end, durationSeconds, exposureSeconds } = row;
  const secondsLeft = (Date.parse(start) - Date.parse(schedule.now)) / 1000;
  // Exposure and duration of the recording travel with `begin` only: before it they would be taken for those of other pictures.
  const recording = { durationSeconds, ...(exposureSeconds !== null && { exposureSeconds }) };
  const message = { event, id, payload: { ...row, secondsLeft }, target: { ...target }, start, end, schedule };
  return { ...message, ...(event === 'begin' && recording) };
}

/** A list that was read and planned: where its targets stand is worked out once. */
export class PlannedList {
  readonly plan: FixedPlan & { broken: readonly BrokenLine[] };
  private readonly rows: Omit<EventRow, 'state' | 'reason'>[];

  /** @param now UTC ms @throws bad-input when it is no list at all */
  constructor(list: unknown, now: number, options: FixedOptions) {
    this.plan = planFixedList(list, now, options);
    this.rows = this.plan.events.map((event) => plannedRow(event, options.site));
  }

  /** @param run Knows how far each event is; null: none has begun. */
  snapshot(run: FixedRun | null, running: boolean): ScheduleSnapshot {
    const events = this.rows.map((row): EventRow => {
      const state = run?.state(row.id) ?? 'planned';
      const reason = run?.reason(row.id) ?? null;
      // What is prepared when the list is stopped is prepared anew at the next start.
      return { ...row, state: !running && state === 'preparing' ? 'planned' : state, reason };
    });
    const next = events.find(({ state }) => state === 'planned' || !isFinal(state))?.id ?? null;
    return { running, events, refused: refusedRows(this.plan), broken: this.plan.broken, next };
  }
}

function plannedRow(event: FixedEvent, site: FrameSite): Omit<EventRow, 'state' | 'reason'> {
  const { id, target, exposure, startAt, endAt, prepareAt } = event;
  const seen = observe(site, startAt, target);
  return {
    id,
    name: target.name,
    line: target.line ?? null,
    raDegrees: target.raDegrees,
    decDegrees: target.decDegrees,
    magnitude: target.magnitude ?? null,
    prepare: isoTime(prepareAt),
    start: isoTime(startAt),
    end: isoTime(endAt),
    durationSeconds: (endAt - startAt) / 1000,
    exposureSeconds: exposure?.seconds ?? null,
    exposureFrom: exposure?.from ?? null,
    exposureLimited: exposure?.limited ?? null,
    altitudeDegrees: Number(seen.apparentAltitudeDegrees.toFixed(2)),
    azimuthDegrees: Number(seen.azimuthDegrees.toFixed(2)),
    moonDistanceDegrees: Number(seen.moonDistanceDegrees.toFixed(1)),
    notes: target.notes ?? [],
  };
}

const refusedRows = ({ refused }: FixedPlan): RefusedRow[] =>
  refused.map(({ target, code, reason }) => ({
    name: target.name,
    line: target.line ?? null,
    start: target.start ?? null,
    code,
    reason,
  }));

export interface Tally {
  done: number;
  failed: number;
  missed: number;
  skipped: number;
}

export function tallyOf(events: readonly EventRow[]): Tally {
  const count = (state: EventRow['state']) => events.filter((event) => event.state === state).length;
  return { done: count('done'), failed: count('failed'), missed: count('missed'), skipped: count('skipped') };
}

/** What a message gives as the reason of a failure. */
export function reasonOf(msg: AstroMessage): string | undefined {
  const { reason, error } = msg;
  if (typeof reason === 'string' && reason !== '') return reason;
  const message = (error as { message?: unknown } | undefined)?.message;
  return typeof message === 'string' ? message : undefined;
}

export function nothingToDo({ refused, broken }: ScheduleSnapshot): NightflowError {
  if (!refused[0] && !broken[0]) {
    const remedy = 'Paste or load your targets and save them, then start the night.';
    return new NightflowError('bad-input', 'The list is empty.', { remedy });
  }
  const first = refused[0]?.reason ?? `Line ${broken[0]!.line}: ${broken[0]!.reason}`;
  return new NightflowError('bad-input', `No event of the list can be observed. ${first}`);
}
