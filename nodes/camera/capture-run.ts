/** One sequence of `astro-capture`: keeps its frames, waits until the flow has room for them, and turns its events into messages. */
import type { Camera, RecoveryState } from '../../lib/camera/camera.ts';
import { findProfile, type SettingProfile } from '../../lib/camera/setting-profiles.ts';
import { applySettings } from '../../lib/camera/setting-values.ts';
import type { Clock } from '../../lib/clock/clock.ts';
import { FrameKeeper } from '../../lib/night/keep.ts';
import type { PlanInput } from '../../lib/night/plan.ts';
import type { Phase, Progress } from '../../lib/night/progress.ts';
import { Sequence, type SequenceEnd, type SequenceFrame, type SequenceOptions } from '../../lib/night/sequence.ts';
import type { NightflowError } from '../../lib/process/errors.ts';
import { nightOf } from '../../lib/sky/night-date.ts';
import type { Site } from '../../lib/sky/site.ts';
import { backlogRoom } from '../backlog.ts';
import type { StatusState } from '../status.ts';
import type { AstroMessage } from '../types.ts';
import { takenAtFirstExposure } from './camera-taking.ts';
import {
  type CaptureEvent,
  endPayload,
  endStatus,
  exposureDetails,
  framePayload,
  progressPayload,
  progressStatus,
  recoveryPayload,
  type Translate,
} from './capture-report.ts';
import { type CaptureSettings, framesFolder, journalIn, policyOf } from './capture-settings.ts';

export interface CaptureContext {
  camera: Camera;
  clock: Clock;
  site: Site | null;
  archiveFolder: string;
  /** Where the journal is kept. */
  workFolder: string;
  translate: Translate;
  /** To output 1 or output 2. */
  send(first: AstroMessage | null, second: AstroMessage | null): void;
  status(state: StatusState, text: string): void;
  /** Aborts when the node is closed. */
  signal: AbortSignal;
  /** @throws bad-input when the camera's dialog stored wrong ones */
  profiles(): readonly SettingProfile[];
  /** Takes the camera; called before the first exposure and harmless when it is held. @throws busy */
  takeCamera(): void;
}

/** A gap that is worth telling: longer than both, seconds and part of the exposure. */
const longGapSeconds = 0.5;
const longGapFraction = 0.1;
/** Progress goes out at most this often (real time), so that a rehearsal of a night does not flood a dashboard. */
const progressMilliseconds = 250;

export class CaptureRun {
  /** Resolves after the `end` message was sent. */
  readonly finished: Promise<SequenceEnd>;
  readonly sequence: Sequence;
  private readonly context: CaptureContext;
  private readonly topic: string | undefined;
  private phase: Phase = 'idle';
  private night: string | null = null;
  /** UTC ms since when the camera is lost. */
  private lostSince: number | null = null;
  private progressAt = Number.NEGATIVE_INFINITY;
  /** Events before `started` was sent wait for it. */
  private early: (() => void)[] | null = [];

  private constructor(context: CaptureContext, sequence: Sequence, topic: string | undefined) {
    this.context = context;
    this.sequence = sequence;
    this.topic = topic;
    sequence.on('progress', (progress) => this.afterStart(() => this.onProgress(progress)));
    sequence.on('recovery', (state) => this.afterStart(() => this.onRecovery(state)));
    sequence.on('warning', ({ message, error }) =>
      this.afterStart(() => this.tell(error ? 'lost' : 'warning', { ...this.figures(), message })),
    );
    this.finished = sequence.finished.then((end) => {
      this.tell('end', endPayload(context.translate, end, this.night, context.clock.now()));
      if (!end.error) context.status(...endStatus(context.translate, end));
      return end;
    });
  }

  /** Starts a new sequence. @throws what is wrong with the plan, the disk or the start; nothing runs then. */
  static async start(
    context: CaptureContext,
    settings: CaptureSettings,
    plan: PlanInput,
    topic?: string,
  ): Promise<CaptureRun> {
    const own: { run?: CaptureRun } = {};
    const options = sequenceOptions(context, settings, () => own.run);
    const sequence = new Sequence({ ...options, plan, journalPath: journalIn(context.workFolder) });
    own.run = new CaptureRun(context, sequence, topic);
    return own.run.begin();
  }

  /** Goes on with the sequence that a crash or a restart cut off (or begins it anew with the rehearsal's night); null when there is none. */
  static async goOn(context: CaptureContext, settings: CaptureSettings, topic?: string): Promise<CaptureRun | null> {
    const own: { run?: CaptureRun } = {};
    const options = sequenceOptions(context, settings, () => own.run);
    const sequence = await Sequence.resume(journalIn(context.workFolder), options);
    if (!sequence) return null;
    own.run = new CaptureRun(context, sequence, topic);
    return own.run.begin();
  }

  /** Shows how far it is, once more. */
  refresh(): void {
    const { translate, clock, status } = this.context;
    status(...progressStatus(translate, this.sequence.progress(), clock.now()));
  }

  /** Something went wrong that the sequence survives. */
  warn(error: NightflowError): void {
    this.tell('warning', { ...this.figures(), message: error.message });
  }

  /** Called for each frame in its order; resolves when the flow may be given the next one. */
  async accept(captured: SequenceFrame, keeper: FrameKeeper): Promise<void> {
    const { frame, gapSeconds, n, lostBefore } = captured;
    const path = await keeper.keep(frame, captured.run);
    await backlogRoom(this.context.signal);
    this.night = frame.night;
    const exposure = exposureDetails(captured, path);
    this.context.send({ ...this.head(), payload: framePayload(captured), frame, exposure } as AstroMessage, null);
    if (lostBefore > 0) this.tell('lost', { ...this.figures(), n, lostBefore });
    if (gapSeconds !== null && this.isLong(gapSeconds)) this.tell('gap', { ...this.figures(), n, gapSeconds });
  }

  private async begin(): Promise<CaptureRun> {
    const { clock, site } = this.context;
    const { plan } = this.sequence;
    const forecast = await this.sequence.start();
    const progress = this.sequence.progress();
    this.night = nightOf(site ?? { longitude: 0, timeZone: null }, Math.max(clock.now(), progress.nextExposureAt ?? 0));
    this.tell('started', {
      ...progressPayload(progress, clock.now()),
      night: this.night,
      goesOn: this.sequence.resumed,
      exposureSeconds: plan.exposureSeconds,
      gain: plan.gain,
      storage: forecast,
    });
    const early = this.early ?? [];
    this.early = null;
    for (const tell of early) tell();
    void this.tick();
    return this;
  }

  private afterStart(tell: () => void): void {
    if (this.early) this.early.push(tell);
    else tell();
  }

  private onProgress(progress: Progress): void {
    const { translate, clock, status } = this.context;
    const before = this.phase;
    this.phase = progress.phase;
    if (progress.phase === 'ended') return;
    status(...progressStatus(translate, progress, clock.now()));
    const payload = progressPayload(progress, clock.now());
    const changed = before !== progress.phase;
    if (progress.phase === 'paused') this.tell('paused', payload);
    else if (progress.phase === 'waiting-start' || progress.phase === 'waiting-flow') {
      if (changed) this.tell('waiting', payload);
    } else if (progress.phase !== 'recovering') {
      // The pace of what people look at is that of the real clock, however fast the night runs.
      const now = performance.now();
      const steady = !changed || progress.phase === 'waiting-interval' || before === 'waiting-interval';
      if (steady && now - this.progressAt < progressMilliseconds) return;
      this.progressAt = now;
      this.tell(before === 'paused' ? 'resumed' : 'progress', payload);
    }
  }

  /** Each step, as it begins. */
  private onRecovery(state: RecoveryState | null): void {
    if (state) {
      this.lostSince = state.since;
      this.tell('recovering', { ...this.figures(), ...recoveryPayload(state) });
    } else if (this.lostSince !== null) {
      const awaySeconds = Math.round((this.context.clock.now() - this.lostSince) / 100) / 10;
      this.lostSince = null;
      const message = this.context.translate('astro-capture.status.recovered');
      this.tell('recovered', { ...this.figures(), awaySeconds, message });
    }
  }

  /** Counts a long exposure down in the status line, once a real second. */
  private async tick(): Promise<void> {
    const { clock, signal } = this.context;
    if (clock.rate === Infinity || this.sequence.plan.exposureSeconds / clock.rate < 3) return;
    const ended = new AbortController();
    const over = () => ended.abort();
    void this.sequence.finished.then(over);
    signal.addEventListener('abort', over, { once: true });
    try {
      for (;;) {
        await clock.sleep(1000 * clock.rate, ended.signal);
        if (this.phase === 'exposing') this.refresh();
      }
    } catch {
      signal.removeEventListener('abort', over); // the sequence is over
    }
  }

  private tell(event: CaptureEvent, payload: object): void {
    this.context.send(null, { ...this.head(), event, payload } as AstroMessage);
  }

  private head(): Partial<AstroMessage> {
    return this.topic === undefined ? {} : { topic: this.topic };
  }

  private figures() {
    return { ...progressPayload(this.sequence.progress(), this.context.clock.now()), night: this.night };
  }

  private isLong(gapSeconds: number): boolean {
    const { intervalSeconds, exposureSeconds } = this.sequence.plan;
    return intervalSeconds === 0 && gapSeconds > Math.max(longGapSeconds, longGapFraction * exposureSeconds);
  }
}

function sequenceOptions(
  context: CaptureContext,
  settings: CaptureSettings,
  run: () => CaptureRun | undefined,
): Omit<SequenceOptions, 'plan' | 'journalPath'> {
  const { camera, clock, site, archiveFolder } = context;
  const keeper = new FrameKeeper({
    root: framesFolder(settings, archiveFolder, camera.info.name),
    policy: policyOf(settings),
    format: settings.format,
    onWarning: (error) => run()?.warn(error),
  });
  const profile = settings.profile ? findProfile(context.profiles(), settings.profile, camera.info.name) : null;
  const prepare = profile && ((signal?: AbortSignal) => applySettings(camera, profile.settings, signal));
  return {
    camera: takenAtFirstExposure(camera, () => context.takeCamera(), prepare),
    clock,
    site,
    storage: {
      folder: archiveFolder,
      minimumFreeBytes: settings.freeGigabytes * 1e9,
      bytesPerFrame: settings.keep === 'none' ? 0 : null,
    },
    onFrame: (captured) => run()!.accept(captured, keeper),
    isKept: (run, n) => keeper.has(run, n),
  };
}
