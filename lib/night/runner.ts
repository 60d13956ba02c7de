/** The loop of a sequence: waits, exposes, numbers the frames, brings a lost camera back, and knows when to end. */
import type { Camera, CapturedFrame, RecoveryState } from '../camera/camera.ts';
import { EndOfFrames } from '../camera/end-of-frames.ts';
import { recoverySentence } from '../camera/recovery.ts';
import { type Clock, isoTime } from '../clock/clock.ts';
import { asNightflowError, type NightflowError } from '../process/errors.ts';
import { type BackOff, isTransient } from '../process/retry.ts';
import { nightOf } from '../sky/night-date.ts';
import type { Site } from '../sky/site.ts';
import type { AcceptQueue } from './accept.ts';
import { Comeback } from './comeback.ts';
import type { Control } from './control.ts';
import { requestOf, type SequencePlan } from './plan.ts';
import type { Activity, Phase } from './progress.ts';
import type { RunState } from './run-journal.ts';
import type { EndReason, SequenceFrame } from './sequence-events.ts';
import { checkStorage, type StorageLimit } from './storage.ts';

export interface RunnerOptions {
  camera: Camera;
  clock: Clock;
  site: Site | null;
  plan: SequencePlan;
  control: Control;
  state: RunState;
  queue: AcceptQueue<SequenceFrame>;
  storage?: StorageLimit | null;
  backOff?: BackOff;
  /** The phase or the count changed. */
  report: () => void;
  warn: (message: string, error: NightflowError | null) => void;
  /** Start and end as they follow from the clock now. */
  times: () => { startAt: number; endAt: number | null };
  /** An exposure was lost with the camera. */
  failed: () => Promise<void>;
  /** A step towards the camera that was lost; null when it is back. */
  recovery: (state: RecoveryState | null) => void;
}

const lookMilliseconds = 60_000;
const clockWasSetMilliseconds = 600_000;

export class Runner implements Activity {
  phase: Phase = 'idle';
  taken: number;
  nextExposureAt: number | null = null;
  exposureEndsAt: number | null = null;
  reason: string | null = null;
  startAt = 0;
  endAt: number | null = null;
  recovery: RecoveryState | null = null;
  /** What ended the run, if it was an error. */
  fatal: NightflowError | null = null;
  private readonly options: RunnerOptions;
  /** UTC ms of the last exposure's end; null when what follows is no gap (the first frame, after a pause). */
  private lastEnd: number | null;
  /** UTC ms of the next slot of the interval; null: at once. */
  private slot: number | null = null;
  private readonly comeback: Comeback;
  /** Exposures counted as lost whose pictures may still be found on the camera's card. */
  private owed = 0;
  private warnedOfInterval = false;
  private checking = false;

  constructor(options: RunnerOptions) {
    this.options = { ...options, storage: options.storage && { ...options.storage } };
    this.taken = options.state.n;
    this.lastEnd = options.state.lastEnd;
    this.comeback = new Comeback({
      ...options,
      tell: (state) => this.recovering(state),
      waits: (reason, until) => this.enter('recovering', reason, until),
      over: () => this.over() !== null,
      endAt: () => this.endAt,
      take: (captured) => this.take(captured, true),
    });
  }

  /** @param begin Called once before the first exposure, with the end that holds. */
  async run(startAt: number, endAt: number | null, begin: (endAt: number | null) => Promise<void>): Promise<EndReason> {
    const { clock, control } = this.options;
    this.startAt = startAt;
    this.endAt = endAt;
    while (!control.ending && clock.now() < this.startAt) {
      this.enter('waiting-start', `It starts at ${isoTime(this.startAt)}.`, this.startAt);
      const look = Math.min(this.startAt, clock.now() + lookMilliseconds);
      await control.sleepUntil(clock, look);
      // A Pi without a battery learns the date minutes after it started: what was worked out from the wrong one is worked out anew.
      if (clock.rate === 1 && clock.now() > look + clockWasSetMilliseconds) Object.assign(this, this.options.times());
    }
    if (!control.ending) await begin(this.endAt);
    const reason = await this.exposing();
    if (reason !== 'error' && control.dropped === null) await this.comeback.rest(this.began);
    return control.dropped ?? reason;
  }

  private async exposing(): Promise<EndReason> {
    for (const { control } = this.options; ; ) {
      while (control.paused && !control.ending) {
        this.enter('paused', 'It is paused.');
        await control.asked();
        this.lastEnd = null;
        this.slot = null;
      }
      const over = this.over();
      if (over) return over;
      try {
        const reason = this.options.plan.intervalSeconds > 0 ? await this.atInterval() : await this.backToBack();
        if (reason) return reason;
      } catch (thrown) {
        const reason = await this.afterFailure(asNightflowError(thrown));
        if (reason) return reason;
      }
    }
  }

  /** Why no further exposure is to begin, or null. */
  private over(): EndReason | null {
    const { control, plan, queue, clock } = this.options;
    if (control.dropped) return control.dropped;
    if (this.fatal || queue.failure) return 'error';
    if (control.stopping) return 'stopped';
    if (plan.frames !== null && this.taken >= plan.frames) return 'count';
    return this.endAt !== null && clock.now() >= this.endAt ? 'time' : null;
  }

  private async backToBack(): Promise<EndReason | null> {
    const { camera, control, plan } = this.options;
    this.expose();
    return this.untilEnd(async (signal) => {
      for await (const captured of camera.exposures(requestOf(plan), signal)) {
        await this.take(captured);
        const over = this.over();
        if (over) return over;
        if (control.paused) return null;
        this.expose();
      }
      this.passOn(camera.warnings?.() ?? []);
      return this.over() ?? 'no-more-frames';
    });
  }

  private async atInterval(): Promise<EndReason | null> {
    const { camera, clock, control, plan } = this.options;
    const slot = this.slot ?? clock.now();
    if (slot > clock.now()) {
      this.enter('waiting-interval', `The next exposure starts at ${isoTime(slot)}.`, slot);
      if (!(await control.sleepUntil(clock, Math.min(slot, this.endAt ?? Infinity)))) return null;
      if (this.over()) return null;
    }
    const interval = plan.intervalSeconds * 1000;
    const late = clock.now() - slot;
    this.slot = late > interval ? clock.now() + interval : slot + interval;
    if (late > interval && !this.warnedOfInterval) {
      this.warnedOfInterval = true;
      this.options.warn(`The camera needs more than the interval of ${plan.intervalSeconds} s for a frame.`, null);
    }
    this.expose();
    try {
      const frame = await this.untilEnd((signal) => camera.expose(requestOf(plan), signal));
      await this.take({ frame, gapSeconds: null, lostBefore: 0 });
    } catch (thrown) {
      if (thrown instanceof EndOfFrames) return 'no-more-frames';
      throw thrown;
    }
    return null;
  }

  /** Exposes; after the end was asked for or has come, a camera that still gives no frame is left when the exposure must long be over. */
  private async untilEnd<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { control } = this.options;
    const giveUp = new AbortController();
    const done = new AbortController();
    void this.watchEnd(giveUp, done.signal);
    return work(AbortSignal.any([control.signal, giveUp.signal])).finally(() => done.abort());
  }

  private async watchEnd(giveUp: AbortController, done: AbortSignal): Promise<void> {
    const { clock, control, plan } = this.options;
    // A clock that jumps from sleeper to sleeper must not be led to the end of the night by this watch.
    const endAt = Number.isFinite(clock.rate) ? this.endAt : null;
    const ended = () => control.ending || (endAt !== null && clock.now() >= endAt);
    const graceSeconds = plan.exposureSeconds * 1.5 + 10;
    try {
      while (!ended() && !done.aborted) {
        const timer = new AbortController();
        const asked = control.asked(AbortSignal.any([done, timer.signal]));
        const timed = endAt === null ? null : clock.sleep(endAt - clock.now(), AbortSignal.any([done, timer.signal]));
        await Promise.race([asked, timed ?? asked]).finally(() => timer.abort());
      }
      await clock.sleep(graceSeconds * 1000, done);
      giveUp.abort();
    } catch {
      // The camera gave its frame: nothing to watch any more.
    }
  }

  /** Numbers a frame and hands it on; returns as soon as there is room for another. @param recovered It lay on the camera's card */
  private async take(captured: CapturedFrame, recovered = false): Promise<void> {
    const { clock, control, queue, site, plan, state } = this.options;
    const { frame } = captured;
    const start = frame.start === null ? null : Date.parse(frame.start);
    const before = this.lastEnd;
    const end = frame.end === null ? null : Date.parse(frame.end);
    const measured = start !== null && before !== null && !recovered ? (start - before) / 1000 : null;
    this.lastEnd = recovered && before !== null ? Math.max(before, end ?? before) : end;
    if (!recovered) this.comeback.worked();
    const regained = recovered && this.owed > 0 ? 1 : 0;
    this.owed += captured.lostBefore - regained;
    const n = ++this.taken;
    const warnings = this.options.camera.warnings?.() ?? [];
    if (captured.lostBefore > 0 && warnings.length === 0)
      this.options.warn(`The camera lost ${captured.lostBefore} frames before number ${n}.`, null);
    this.passOn(warnings);
    queue.push({
      frame: frame.with({
        number: n,
        night: nightOf(site ?? { longitude: 0, timeZone: null }, start ?? clock.now()),
        site: frame.site ?? site,
        target: frame.target ?? plan.target,
      }),
      gapSeconds: captured.gapSeconds ?? measured,
      lostBefore: captured.lostBefore,
      n,
      run: state.run,
      recovered,
      regained,
    });
    this.watchStorage(frame.data.byteLength);
    if (queue.full && !queue.failure) {
      this.enter('waiting-flow', 'It waits for the frames before to be written and used.');
      await queue.room(control.signal);
    }
  }

  private passOn(warnings: readonly string[]): void {
    for (const warning of warnings) this.options.warn(warning, null);
  }

  /** Looks at the disk while the next exposure runs; too little room ends the sequence before the next frame. */
  private watchStorage(frameBytes: number): void {
    const { storage, queue } = this.options;
    if (!storage || this.checking) return;
    storage.bytesPerFrame ??= frameBytes;
    const pendingBytes = storage.bytesPerFrame === 0 ? 0 : queue.pending.length * storage.bytesPerFrame;
    this.checking = true;
    checkStorage(storage, pendingBytes)
      .catch((error) => {
        this.fatal ??= asNightflowError(error);
        this.options.control.wake();
      })
      .finally(() => {
        this.checking = false;
      });
  }

  /** Brings the camera back; null when it is there again. */
  private async afterFailure(error: NightflowError): Promise<EndReason | null> {
    const { control, state, warn } = this.options;
    const over = this.over();
    if (over && (control.dropped || error.code === 'aborted')) return over;
    if (!isTransient(error)) {
      this.fatal = error;
      return 'error';
    }
    state.failures++;
    state.lost++;
    this.owed++;
    await this.options.failed().catch((error) => warn(asNightflowError(error).message, null));
    await this.comeback.after(error, this.began);
    return this.over();
  }

  private recovering(state: RecoveryState | null): void {
    this.recovery = state;
    this.options.recovery(state);
    if (!state) return;
    this.enter('recovering', recoverySentence(state));
  }

  private get began(): number {
    return this.options.state.beganAt ?? this.startAt;
  }

  private expose(): void {
    this.phase = 'exposing';
    this.reason = null;
    this.nextExposureAt = null;
    this.exposureEndsAt = this.options.clock.now() + this.options.plan.exposureSeconds * 1000;
    this.options.report();
  }

  private enter(phase: Phase, reason: string, nextExposureAt: number | null = null): void {
    this.phase = phase;
    this.reason = reason;
    this.nextExposureAt = nextExposureAt;
    this.exposureEndsAt = null;
    this.options.report();
  }
}
