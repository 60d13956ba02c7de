/** A night of fixed-time events on a clock: says what is to be done when, writes down what was done, and goes on after a restart. */
import type { Clock } from '../clock/clock.ts';
import { throwIfAborted } from '../process/errors.ts';
import { Journal, journalEntries } from '../process/journal.ts';
import { type EventState, type FixedEvent, type FixedStep, nextStep, statesAfterRestart } from './fixed-schedule.ts';

interface Entry {
  id: string;
  state: EventState;
  /** UTC ms. */
  at: number;
  reason?: string;
}

/** Sleeps are cut into pieces of this, so that a clock that is set (NTP after the start of a computer without one) is noticed, ms. */
const longestSleep = 30_000;

export interface FixedRunOptions {
  clock: Clock;
  /** Where the states are kept; null: nowhere. */
  journalPath: string | null;
}

export class FixedRun {
  readonly events: readonly FixedEvent[];
  private readonly clock: Clock;
  private readonly states: Map<string, EventState>;
  private readonly journal: Journal<Entry> | null;
  /** Events that a restart cut off while they were recorded. */
  readonly cutOff: readonly FixedEvent[];
  private changed: AbortController = new AbortController();

  private constructor(
    events: readonly FixedEvent[],
    clock: Clock,
    states: Map<string, EventState>,
    journal: Journal<Entry> | null,
    cutOff: readonly FixedEvent[],
  ) {
    this.events = events;
    this.clock = clock;
    this.states = states;
    this.journal = journal;
    this.cutOff = cutOff;
  }

  /** Opens the journal and takes up what it says. Entries of other lists don't count. @throws disk-full, failed */
  static async open(events: readonly FixedEvent[], { clock, journalPath }: FixedRunOptions): Promise<FixedRun> {
    const written = journalPath === null ? new Map<string, EventState>() : await statesOf(journalPath);
    const journal = journalPath === null ? null : await Journal.open<Entry>(journalPath);
    const states = statesAfterRestart(events, written);
    const cutOff = events.filter(({ id }) => written.get(id) === 'running');
    const run = new FixedRun(events, clock, states, journal, cutOff);
    for (const { id } of cutOff) await run.write(id, 'failed', 'cut off by a restart');
    return run;
  }

  state(id: string): EventState | 'planned' {
    return this.states.get(id) ?? 'planned';
  }

  /** What came of an event: `done` or `failed` frees the way to the next before its time is over. @throws disk-full, failed */
  async report(id: string, state: 'done' | 'failed', reason?: string): Promise<void> {
    await this.write(id, state, reason);
    this.changed.abort();
  }

  /**
   * Waits for the next thing to do and writes it down before it is done: `prepare`, `begin`, `miss`, at last `finish`. A recording that
   * nobody reports is `done` when its time is over. @throws aborted, disk-full, failed
   */
  async next(signal?: AbortSignal): Promise<Exclude<FixedStep, { act: 'wait' }>> {
    for (;;) {
      throwIfAborted(signal);
      const now = this.clock.now();
      const step = nextStep(this.events, this.states, now);
      if (step.act !== 'wait') {
        if (step.act === 'prepare') await this.write(step.event.id, 'preparing');
        else if (step.act === 'begin') await this.write(step.event.id, 'running');
        else if (step.act === 'miss') await this.write(step.event.id, 'missed', step.reason);
        return step;
      }
      if (now >= step.until) await this.write(step.event.id, 'done');
      else await this.sleep(Math.min(longestSleep, step.until - now), signal);
    }
  }

  async close(): Promise<void> {
    this.changed.abort();
    await this.journal?.close();
  }

  private async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    this.changed = new AbortController();
    const changed = this.changed.signal;
    const either = signal ? AbortSignal.any([signal, changed]) : changed;
    await this.clock.sleep(milliseconds, either).catch((error) => {
      if (!changed.aborted || signal?.aborted) throw error;
    });
  }

  private async write(id: string, state: EventState, reason?: string): Promise<void> {
    const entry: Entry = { id, state, at: this.clock.now(), ...(reason !== undefined && { reason }) };
    await this.journal?.append(entry);
    this.states.set(id, state);
  }
}

/** The ids of the events that a journal knows: `known` of the plan that is made anew after a restart. @throws failed */
export const journalledEvents = async (journalPath: string): Promise<Set<string>> =>
  new Set((await statesOf(journalPath)).keys());

async function statesOf(journalPath: string): Promise<Map<string, EventState>> {
  const states = new Map<string, EventState>();
  for await (const { id, state } of journalEntries<Entry>(journalPath))
    if (typeof id === 'string' && isState(state)) states.set(id, state);
  return states;
}

const isState = (value: unknown): value is EventState =>
  ['preparing', 'running', 'done', 'failed', 'missed'].includes(value as string);
