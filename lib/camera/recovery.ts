/** Bringing a lost camera back step by step: each step has its own time limit, says what it does, and ends at once when it is aborted. */
import { type Clock, realSleep } from '../clock/clock.ts';
import { asNightflowError, NightflowError, throwIfAborted } from '../process/errors.ts';
import { Events } from '../process/events.ts';
import type { RecoveryState } from './camera.ts';

export interface RecoveryStep {
  /** The words of a sentence without its full stop. */
  what: string;
  /** Longest real time, seconds. */
  limitSeconds: number;
  work(stop: AbortSignal): Promise<void>;
}

export interface LadderOptions {
  /** What a person can do when no step helped; an error's own remedy comes before it where another program has the camera. */
  askFor: string;
  signal?: AbortSignal;
}

/** Where the recovery of one camera stands, for whoever wants to show it. */
export class RecoveryReport {
  private readonly clock: Clock;
  private readonly events = new Events<{ state: RecoveryState | null }>();
  private since: number | null = null;
  private attempt = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  on = (listener: (state: RecoveryState | null) => void): (() => void) => this.events.on('state', listener);

  begin(): void {
    this.since ??= this.clock.now();
    this.attempt++;
  }

  tell(told: Pick<RecoveryState, 'step' | 'of' | 'what' | 'problem'> & { needsPerson?: boolean }): void {
    const since = this.since ?? this.clock.now();
    this.events.emit('state', { needsPerson: false, ...told, since, attempt: this.attempt });
  }

  /** The camera works again: also without these steps, after they were given up or a person has helped. */
  end(): void {
    if (this.since === null) return;
    this.since = null;
    this.attempt = 0;
    this.events.emit('state', null);
  }
}

export const recoverySentence = ({ step, of, what, needsPerson }: RecoveryState): string =>
  needsPerson ? `${what}.` : `Recovery, step ${step} of ${of}: ${what}.`;

/**
 * Tries one step after the other until one ends well.
 * @throws the first step's error, which says what is wrong with the camera, with what a person can do; missing at once; aborted
 */
export async function climb(
  steps: readonly RecoveryStep[],
  report: RecoveryReport,
  { askFor, signal }: LadderOptions,
): Promise<void> {
  report.begin();
  const of = steps.length;
  const problems: NightflowError[] = [];
  for (const [i, { what, limitSeconds, work }] of steps.entries()) {
    throwIfAborted(signal);
    report.tell({ step: i + 1, of, what, problem: problems.at(-1)?.message ?? null });
    try {
      await within(limitSeconds, work, signal);
      report.end();
      return;
    } catch (thrown) {
      throwIfAborted(signal);
      const error = asNightflowError(thrown);
      if (error.code === 'missing' && i === 0) throw error;
      problems.push(error);
      // Another program has it: a reset would take it from that one, and not give it to us.
      if (error.code === 'busy' && i === 0) break;
    }
  }
  const [first] = problems as [NightflowError];
  const what = (first.code === 'busy' && first.remedy) || askFor;
  const problem = problems.map(({ message }) => message).join(' ');
  report.tell({ step: problems.length, of, what: what.replace(/\.$/, ''), problem, needsPerson: true });
  throw new NightflowError(first.code, first.message, { remedy: what, cause: new Error(problem, { cause: first }) });
}

/**
 * Steps that belong together: each has to end well before the next begins.
 * @throws timeout, aborted, what a step throws: then a person is asked for what its error says
 */
export async function inTurn(
  steps: readonly RecoveryStep[],
  report: RecoveryReport,
  { askFor, signal }: LadderOptions,
): Promise<void> {
  report.begin();
  const of = steps.length;
  for (const [i, { what, limitSeconds, work }] of steps.entries()) {
    const step = i + 1;
    report.tell({ step, of, what, problem: null });
    try {
      await within(limitSeconds, work, signal);
    } catch (thrown) {
      throwIfAborted(signal);
      const { message, remedy } = asNightflowError(thrown);
      report.tell({ step, of, what: (remedy ?? askFor).replace(/\.$/, ''), problem: message, needsPerson: true });
      throw thrown;
    }
  }
  report.end();
}

/** Work that has to end when its time is over; it is left to itself when it does not. @throws timeout, aborted, what the work throws */
export async function within<T>(
  limitSeconds: number,
  work: (stop: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  throwIfAborted(signal);
  const over = new AbortController();
  const done = new AbortController();
  const waiting = signal ? AbortSignal.any([signal, done.signal]) : done.signal;
  const late = realSleep(limitSeconds * 1000, waiting).then(() => over.abort());
  late.catch(() => {}); // the work ended, or nobody wants it any more
  const working = work(signal ? AbortSignal.any([signal, over.signal]) : over.signal);
  working.catch(() => {});
  try {
    return await Promise.race([working, late.then(() => Promise.reject(new Error('late')))]);
  } catch (thrown) {
    throwIfAborted(signal);
    if (over.signal.aborted) throw new NightflowError('timeout', `That took longer than ${limitSeconds} s.`);
    throw thrown;
  } finally {
    done.abort();
  }
}
