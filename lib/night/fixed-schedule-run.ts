/** A night of fixed-time events on a clock: says what is to be done when, writes down what was done, and goes on after a restart. */
import type { Clock } from '../clock/clock.ts';
import { asNightflowError, type NightflowError, throwIfAborted } from '../process/errors.ts';
import { Journal, journalEntries } from '../process/journal.ts';
import {
  type EventState,
  type FixedEvent,
  type FixedStep,
  isFinal,
  nextStep,
  statesAfterRestart,
} from './fixed-schedule.ts';

interface Entry {
  id: string;
  /** `planned`: accepted before the night, or taken back after it was skipped. */
  state: EventState | 'planned';
  /** UTC ms. */
  at: number;
  reason?: string;
}

/** Sleeps are cut into pieces of this, so that a clock that is set (NTP after the start of a computer without one) is noticed, ms. */
const longestSleep = 30_000;
const unreported = 'its time is over; nobody said what came of it';

export interface FixedRunOptions {
  clock: Clock;
  /** Where the states are kept; null: nowhere. */
  journalPath: string | null;
  /** How long after its end a recording is waited for that nobody has reported, seconds. */
  graceSeconds?: number;
  /** A journal that can't be written (a full disk) is told and the night goes on; without it the run ends with the error. */
  onJournalFailure?: (error: NightflowError) => void;
}

export class FixedRun {
  readonly events: readonly FixedEvent[];
  private readonly clock: Clock;
  private readonly states: Map<string, EventState>;
  private readonly journal: Journal<Entry> | null;
  private readonly reasons = new Map<string, string>();
  private readonly graceSeconds: number;
  private readonly onJournalFailure: FixedRunOptions['onJournalFailure'];
  /** Events that a restart cut off while they were recorded. */
  readonly cutOff: readonly FixedEvent[];
  private changed: AbortController = new AbortController();

  private constructor(
    events: readonly FixedEvent[],
    clock: Clock,
    states: Map<string, EventState>,
    journal: Journal<Entry> | null,
    cutOff: readonly FixedEvent[],
    { graceSeconds = 0, onJournalFailure }: FixedRunOptions,
  ) {
    this.events = events;
    this.clock = clock;
    this.states = states;
    this.journal = journal;
    this.cutOff = cutOff;
    this.graceSeconds = graceSeconds;
    this.onJournalFailure = onJournalFailure;
  }

  /** Opens the journal and takes up what it says. Entries of other lists don't count. @throws disk-full, failed */
  static async open(events: readonly FixedEvent[], options: FixedRunOptions): Promise<FixedRun> {
    const { clock, journalPath } = options;
    const { written, reasons } = await journalOf(journalPath);
    const journal = journalPath === null ? null : await Journal.open<Entry>(journalPath);
    const known = new Map([...written].filter((entry): entry is [string, EventState] => entry[1] !== 'planned'));
    const states = statesAfterRestart(events, known);
    const cutOff = events.filter(({ id }) => written.get(id) === 'running');
    const run = new FixedRun(events, clock, states, journal, cutOff, options);
    for (const [id, reason] of reasons) run.reasons.set(id, reason);
    for (const { id } of cutOff) await run.write(id, 'failed', 'cut off by a restart');
    // What was accepted is known from now on: slept through in a power cut, it is reported as missed.
    for (const { id } of events) if (!written.has(id)) await run.append({ id, state: 'planned', at: clock.now() });
    return run;
  }

  state(id: string): EventState | 'planned' {
    return this.states.get(id) ?? 'planned';
  }

  /** Why an event failed, was missed or skipped; null: nothing was said. */
  reason(id: string): string | null {
    return this.reasons.get(id) ?? null;
  }

  /**
   * What came of an event: it frees the way to the next before its time is over. @returns false for one that is over already, or unknown:
   * what was said first stands @throws disk-full, failed
   */
  async report(id: string, state: 'done' | 'failed' | 'skipped', reason?: string): Promise<boolean> {
    if (isFinal(this.states.get(id)) || !this.events.some((event) => event.id === id)) return false;
    await this.write(id, state, reason);
    this.changed.abort();
    return true;
  }

  /** Takes a skipped event up again while its start is still to come. @returns false when there is nothing to take up @throws disk-full, failed */
  async restore(id: string): Promise<boolean> {
    const event = this.events.find((each) => each.id === id);
    if (!event || this.states.get(id) !== 'skipped' || event.startAt <= this.clock.now()) return false;
    await this.append({ id, state: 'planned', at: this.clock.now() });
    this.states.delete(id);
    this.reasons.delete(id);
    this.changed.abort();
    return true;
  }

  /**
   * Waits for the next thing to do and writes it down before it is done: `prepare`, `begin`, `miss`, `over`, at last `finish`. A recording
   * that nobody reports is `done` when its time and the grace are over. @throws aborted, disk-full, failed
   */
  async next(signal?: AbortSignal): Promise<Exclude<FixedStep, { act: 'wait' }>> {
    for (;;) {
      throwIfAborted(signal);
      const now = this.clock.now();
      const step = nextStep(this.events, this.states, now, this.graceSeconds);
      if (step.act !== 'wait') {
        if (step.act === 'prepare') await this.write(step.event.id, 'preparing');
        else if (step.act === 'begin') await this.write(step.event.id, 'running');
        else if (step.act === 'miss') await this.write(step.event.id, 'missed', step.reason);
        else if (step.act === 'over') await this.write(step.event.id, 'done', unreported);
        return step;
      }
      await this.sleep(Math.min(longestSleep, step.until - now), signal);
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
    await this.append(entry);
    this.states.set(id, state);
    if (reason !== undefined) this.reasons.set(id, reason);
  }

  private async append(entry: Entry): Promise<void> {
    try {
      await this.journal?.append(entry);
    } catch (thrown) {
      if (!this.onJournalFailure) throw thrown;
      this.onJournalFailure(asNightflowError(thrown));
    }
  }
}

/** The ids of the events that a journal knows: `known` of the plan that is made anew after a restart. @throws failed */
export const journalledEvents = async (journalPath: string): Promise<Set<string>> =>
  new Set((await journalOf(journalPath)).written.keys());

async function journalOf(journalPath: string | null) {
  const written = new Map<string, Entry['state']>();
  const reasons = new Map<string, string>();
  if (journalPath === null) return { written, reasons };
  for await (const { id, state, reason } of journalEntries<Entry>(journalPath)) {
    if (typeof id !== 'string' || !states.has(state)) continue;
    written.set(id, state);
    if (typeof reason === 'string') reasons.set(id, reason);
    else reasons.delete(id);
  }
  return { written, reasons };
}

const states: ReadonlySet<Entry['state']> = new Set([
  'planned',
  'preparing',
  'running',
  'done',
  'failed',
  'missed',
  'skipped',
]);
