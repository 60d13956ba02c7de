/**
 * Runs a camera through a plan: waits for its start, takes frames back to back or at an interval, hands them over in order, brings the
 * camera back when it is lost, stops before the disk is full, and writes down how far it came.
 */
import { randomUUID } from 'node:crypto';
import type { Camera } from '../camera/camera.ts';
import type { Clock } from '../clock/clock.ts';
import { asNightflowError, NightflowError } from '../process/errors.ts';
import { Events } from '../process/events.ts';
import type { BackOff } from '../process/retry.ts';
import type { Site } from '../sky/site.ts';
import { AcceptQueue } from './accept.ts';
import { ranBackwards } from './backwards.ts';
import { Control } from './control.ts';
import { resolveStart, resolveStop } from './moment.ts';
import { cadenceSeconds, framesExpected, type PlanInput, parsePlan, type SequencePlan } from './plan.ts';
import { type Progress, progressOf } from './progress.ts';
import { isMendable, newRun, RunJournal, type RunState, readRun } from './run-journal.ts';
import { Runner } from './runner.ts';
import type { EndReason, SequenceEnd, SequenceEvents, SequenceFrame } from './sequence-events.ts';
import { forecastStorage, rawFrameBytes, type StorageForecast, type StorageLimit } from './storage.ts';

export type { EndReason, SequenceEnd, SequenceEvents, SequenceFrame } from './sequence-events.ts';

export interface SequenceOptions {
  camera: Camera;
  clock: Clock;
  site: Site | null;
  plan: PlanInput;
  storage?: StorageLimit | null;
  /** Where the journal is kept; null: no going on after a crash. */
  journalPath?: string | null;
  /** Accepts a frame: resolves when it is safe (written, handed on). Called for one frame after the other. A rejection ends the sequence. */
  onFrame?: (captured: SequenceFrame) => Promise<void>;
  /** Frames taken but not yet accepted before the camera has to wait. */
  maximumPending?: number;
  /** After a crash: whether this number of this run was written before the journal knew. */
  isKept?: (run: string, n: number) => Promise<boolean>;
  backOff?: BackOff;
}

export class Sequence {
  readonly plan: SequencePlan;
  /** Resolves at the end, whatever its reason. */
  readonly finished: Promise<SequenceEnd>;
  /** It was cut off and goes on with its next number. */
  readonly resumed: boolean;
  private readonly options: SequenceOptions;
  private readonly events: Events<SequenceEvents>;
  private readonly control = new Control();
  private readonly state: RunState;
  private readonly journal: RunJournal;
  private readonly queue: AcceptQueue<SequenceFrame>;
  private readonly runner: Runner;
  private started = false;
  private finish!: (end: SequenceEnd) => void;

  /** @throws bad-input for a plan that can't be. */
  constructor(options: SequenceOptions, state?: RunState) {
    this.options = options;
    this.plan = parsePlan(options.plan);
    this.resumed = state !== undefined;
    this.state = state ?? newRun(randomUUID().slice(0, 8), this.plan, options.clock.now());
    this.control.paused = this.state.paused;
    this.journal = new RunJournal(this.state);
    this.events = new Events((error) => this.warn(`A listener failed: ${asNightflowError(error).message}`));
    this.queue = new AcceptQueue(options.maximumPending ?? 4, (captured) => this.accept(captured));
    this.finished = new Promise((resolve) => {
      this.finish = resolve;
    });
    this.runner = new Runner({
      ...options,
      plan: this.plan,
      control: this.control,
      state: this.state,
      queue: this.queue,
      // Told a moment later: a listener that asks for something then finds the wait that it is to end.
      report: () => queueMicrotask(() => this.events.emit('progress', this.progress())),
      warn: (message, error) => this.warn(message, error),
      times: () => this.times(),
      failed: () => this.journal.failure(),
      recovery: (state) => this.events.emit('recovery', state),
    });
  }

  /**
   * The unfinished sequence of a journal, to be started; null when its last run came to an end or there was none. When the clock has
   * run backwards since (a rehearsal that begins again), the same plan begins anew with number 1.
   */
  static async resume(
    journalPath: string,
    options: Omit<SequenceOptions, 'plan' | 'journalPath'>,
  ): Promise<Sequence | null> {
    const state = await readRun(journalPath);
    if (!state) return null;
    const renewed = ranBackwards(options.clock, state.lastAt ?? state.beganAt, options.clock.now());
    if (renewed) return new Sequence({ ...options, plan: state.plan, journalPath });
    while (await options.isKept?.(state.run, state.n + 1)) state.n++;
    return new Sequence({ ...options, plan: state.plan, journalPath }, state);
  }

  on<Name extends keyof SequenceEvents>(name: Name, listener: (value: SequenceEvents[Name]) => void): () => void {
    return this.events.on(name, listener);
  }

  /**
   * Starts (or goes on, after `resume`) and resolves with the disk's forecast, null without a limit.
   * @throws disk-full below the limit; bad-input when the start or stop can't be; what opening the journal throws. Nothing runs then.
   */
  async start(): Promise<StorageForecast | null> {
    if (this.started) throw new NightflowError('busy', 'This sequence was started already.');
    this.started = true;
    const { clock } = this.options;
    const { startAt, endAt } = this.times();
    const forecast = await this.forecast(Math.max(clock.now(), startAt), endAt);
    this.state.startAt = startAt;
    this.state.plan = this.plan;
    await this.journal.open(this.options.journalPath ?? null);
    if (!this.resumed)
      await this.journal.start().catch(async (error) => {
        await this.journal.close();
        throw error;
      });
    if (forecast && !forecast.fits) this.warn(forecast.message);
    if (endAt === null && this.plan.stop.type === 'sun')
      this.warn(
        `The Sun does not rise above ${this.plan.stop.altitudeDegrees}° within a day: the sequence has no end by it.`,
      );
    void this.run(startAt, endAt);
    return forecast;
  }

  /** Finishes the exposure under way, then waits. */
  pause(): void {
    this.control.pause();
    void this.notePaused(true);
  }

  resume(): void {
    this.control.resume();
    void this.notePaused(false);
  }

  /** Finishes the exposure under way, then ends. */
  stop(): Promise<SequenceEnd> {
    this.control.stop();
    return this.finished;
  }

  /** Drops the exposure under way and ends; frames taken before are still handed over. */
  abort(): Promise<SequenceEnd> {
    this.control.drop('aborted');
    return this.finished;
  }

  /** As `abort`, but the journal leaves the run open, so that `Sequence.resume` goes on with it (a restart of the program). */
  suspend(): Promise<SequenceEnd> {
    this.control.drop('suspended');
    return this.finished;
  }

  progress(): Progress {
    return progressOf(this.plan, this.state, this.runner, this.options.clock.now());
  }

  /** Hands over again what a full disk left in memory. @throws what the hand-over throws; the frames stay then. */
  retryUnaccepted(): Promise<void> {
    return this.queue.retry();
  }

  private async forecast(from: number, endAt: number | null): Promise<StorageForecast | null> {
    const { storage, camera } = this.options;
    if (!storage) return null;
    const { frames } = this.plan;
    const remaining = { ...this.plan, frames: frames === null ? null : Math.max(0, frames - this.state.n) };
    const limit = { ...storage, bytesPerFrame: storage.bytesPerFrame ?? rawFrameBytes(camera) };
    const expected = {
      framesExpected: framesExpected(remaining, from, endAt),
      cadenceSeconds: cadenceSeconds(this.plan),
    };
    return forecastStorage(limit, expected);
  }

  private times(): { startAt: number; endAt: number | null } {
    const { plan, state } = this;
    const { clock, site } = this.options;
    const now = clock.now();
    if (state.beganAt !== null) return { startAt: state.beganAt, endAt: state.endAt };
    const missed = this.resumed && plan.start.type === 'time' && state.startAt < now;
    const startAt = missed ? state.startAt : resolveStart(plan.start, site, now);
    const stopAt = resolveStop(plan.stop, site, startAt);
    if (stopAt !== null && stopAt <= startAt && !this.resumed)
      throw new NightflowError('bad-input', `The stop ${new Date(stopAt).toISOString()} lies before the start.`);
    const duration = plan.durationSeconds === null ? Infinity : startAt + plan.durationSeconds * 1000;
    const endAt = Math.min(stopAt ?? Infinity, duration);
    return { startAt, endAt: Number.isFinite(endAt) ? endAt : null };
  }

  private async run(startAt: number, endAt: number | null): Promise<void> {
    let reason: EndReason = 'error';
    let error: NightflowError | null = null;
    try {
      reason = await this.runner.run(startAt, endAt, async (endAt) => {
        if (this.state.beganAt !== null) return;
        const release = this.options.clock.hold();
        this.state.beganAt = this.options.clock.now();
        this.state.endAt = endAt;
        await this.journal.begin(this.state.beganAt, endAt).finally(release);
      });
      await this.queue.settled();
      error = this.queue.failure ?? this.runner.fatal;
    } catch (thrown) {
      error = asNightflowError(thrown);
    }
    if (error) reason = 'error';
    const goesOn = reason === 'suspended' || (error !== null && isMendable(error));
    if (!goesOn) await this.journal.end(reason).catch((e) => this.warn(e.message));
    await this.journal.close().catch(() => {});
    const { n, lost, failures, gaps } = this.state;
    const unaccepted = [...this.queue.pending];
    const end: SequenceEnd = { reason, frames: n, lost, failures, gaps: gaps.summary(), error, unaccepted };
    this.runner.phase = 'ended';
    this.events.emit('progress', this.progress());
    this.events.emit('end', end);
    this.finish(end);
  }

  /** Hands one frame over, then notes it. On a second try a frame that was handed over is only noted. */
  private async accept(captured: SequenceFrame): Promise<void> {
    const { state } = this;
    const { clock } = this.options;
    const { end, exposureSeconds } = captured.frame;
    const [ended, exposed] = [end === null ? null : Date.parse(end), exposureSeconds ?? 0];
    const release = clock.hold();
    try {
      if (captured.n > state.n) {
        this.events.emit('frame', captured);
        await this.options.onFrame?.(captured);
        state.n = captured.n;
        state.lastAt = clock.now();
        state.lost += captured.lostBefore - captured.regained;
        state.lastEnd = ended;
        state.gaps.addExposure(exposed);
        if (captured.gapSeconds !== null) state.gaps.addGap(captured.gapSeconds);
      }
      const { n, gapSeconds: gap } = captured;
      const lost = captured.lostBefore - captured.regained;
      await this.journal.frame({ at: state.lastAt ?? clock.now(), n, end: ended, exposed, gap, lost });
    } finally {
      release();
    }
  }

  private async notePaused(paused: boolean): Promise<void> {
    this.state.paused = paused;
    await this.journal.paused(paused).catch((error) => this.warn(asNightflowError(error).message));
  }

  private warn(message: string, error: NightflowError | null = null): void {
    this.events.emit('warning', { message, error });
  }
}
