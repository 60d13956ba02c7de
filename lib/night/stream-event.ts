/**
 * One recording over an instant: waits for it, turns the video on ahead of it, records by the driver or by ourselves, looks at the clock
 * before and after, and leaves a film with its protocol. A start that was missed is never run late.
 */
import type { CameraStream, ReferenceTime } from '../camera/camera-stream.ts';
import { type ClockQuality, clockQuality, witnessed } from '../process/clock-quality.ts';
import { asNightflowError, NightflowError, throwIfAborted } from '../process/errors.ts';
import { type FilmPlan, type RecordedFilm, recordByDriver, recordOurselves } from './stream-films.ts';
import { protocolOf, writeProtocol } from './stream-protocol.ts';
import {
  held,
  type RecordingContext,
  type RecordingEnd,
  type RecordingListener,
  type RecordingRequest,
  type RecordingSignals,
} from './stream-request.ts';

/** Sleeps are cut into pieces, so that a clock that is set meanwhile is noticed, ms. */
const longestSleep = 10_000;
/** Between two tries to get the camera or its video, ms. */
const retryMilliseconds = 250;
/** A film of the driver begins so long before the start, so that its first frame covers it: the command's way and one exposure. */
const beginAheadSeconds = 0.25;

/** A GPS device takes seconds to answer, and is asked only when there is time for it. */
const witnessAheadSeconds = 15;
/** In a rehearsal that runs faster, real seconds: the video on before the start, and what counts as missed. */
const rehearsedLeadSeconds = 0.3;
const rehearsedLateSeconds = 0.5;

class Missed extends Error {
  readonly lateSeconds: number;
  constructor(lateSeconds: number) {
    super('missed');
    this.lateSeconds = lateSeconds;
  }
}

/** Never throws but for a wrong request. @throws bad-input, unsupported, aborted */
export async function recordEvent(
  request: RecordingRequest,
  context: RecordingContext,
  signals: RecordingSignals,
  tell: RecordingListener,
): Promise<RecordingEnd> {
  const run = new EventRun(request, context, signals, tell);
  try {
    return await run.run();
  } catch (thrown) {
    if (thrown instanceof Missed) return endOf('missed', { lateSeconds: thrown.lateSeconds });
    throwIfAborted(signals.abort);
    if (signals.stop.aborted) return endOf('stopped');
    return endOf('error', { error: asNightflowError(thrown) });
  } finally {
    await run.close();
    await context.underWay?.(null);
  }
}

const endOf = (reason: RecordingEnd['reason'], more: Partial<RecordingEnd> = {}): RecordingEnd => ({
  reason,
  protocol: null,
  protocolPath: null,
  error: null,
  lateSeconds: null,
  ...more,
});

class EventRun {
  private readonly request: RecordingRequest;
  private readonly context: RecordingContext;
  private readonly signals: RecordingSignals;
  private readonly tell: RecordingListener;
  private readonly either: AbortSignal;
  private release: () => void = () => {};
  private stream: CameraStream | null = null;
  private latest: ClockQuality | null = null;
  /** undefined: not asked yet. */
  private witness: ReferenceTime | null | undefined;

  constructor(
    request: RecordingRequest,
    context: RecordingContext,
    signals: RecordingSignals,
    tell: RecordingListener,
  ) {
    this.request = request;
    this.context = context;
    this.signals = signals;
    this.tell = tell;
    this.either = AbortSignal.any([signals.stop, signals.abort]);
  }

  async run(): Promise<RecordingEnd> {
    const { request, tell } = this;
    const { startMilliseconds: asked } = request;
    // A frame that begins before the start needs a video that ran an exposure before it.
    const needed = request.exposureSeconds + beginAheadSeconds + 1;
    const leadSeconds = this.atLeast(Math.max(request.leadSeconds, needed), rehearsedLeadSeconds);
    this.refuseLate(asked);
    const { info, stream: video } = this.context.camera;
    if (!video)
      throw new NightflowError('unsupported', `The camera ${info.name} has no video.`, {
        remedy: 'Choose an INDI camera whose driver streams, or the simulator.',
      });
    tell.phase('waiting', asked);
    // Long before, so that there is time to mend it; nothing waits for the answer.
    const early = asked !== null && asked - this.context.clock.now() > (leadSeconds + witnessAheadSeconds) * 1000;
    if (!early) this.witness = null;
    this.askClock(null).catch(() => {});
    if (asked !== null) await this.sleepUntil(asked - leadSeconds * 1000);
    tell.phase('opening', asked);
    const stream = await this.openStream(asked);
    const start = asked ?? this.context.clock.now() + beginAheadSeconds * 1000;
    const byDriver = stream.prepareRecording !== null && request.recordBy !== 'own';
    const stamper = byDriver ? stream.stampingHost : null;
    const { camera, site, clock } = this.context;
    // A server that does not answer must not delay the start.
    const asking = this.askClock(stamper).catch(() => null);
    const plan = await held(clock, async () => {
      const made = await this.plan(stream, start);
      const { latest: before } = this;
      await this.context.underWay?.({ path: made.path, byDriver, request, camera: camera.info, site, start, before });
      return made;
    });
    const context = { ...this.context, tell, signals: this.signals, request };
    const untilBegin = () => this.untilBegin(start, plan.aheadSeconds);
    const record = byDriver ? recordByDriver : recordOurselves;
    const film = await record(stream, plan, context, untilBegin);
    await this.close();
    return held(clock, async () => this.finish(film, start, await asking, stamper));
  }

  /** The video off, and the camera free for others. */
  async close(): Promise<void> {
    const { stream, release } = this;
    this.stream = null;
    this.release = () => {};
    await stream?.close().catch((thrown) => this.tell.warning(asNightflowError(thrown)));
    release();
  }

  /** What the driver can't do is said before the night depends on it. */
  private async plan(stream: CameraStream, start: number): Promise<FilmPlan> {
    const { recordBy, exposureSeconds, durationSeconds } = this.request;
    if (recordBy === 'driver' && !stream.prepareRecording)
      throw new NightflowError('unsupported', `The driver of ${this.context.camera.info.name} can't record films.`, {
        remedy: 'Let the node record (recorded by: auto).',
      });
    const aheadSeconds = beginAheadSeconds + exposureSeconds;
    const path = await this.context.filmPath(start);
    return { path, start, end: start + durationSeconds * 1000, aheadSeconds };
  }

  /** Whoever has the camera may need until the start; a driver that is away may come back until then. */
  private async openStream(asked: number | null): Promise<CameraStream> {
    const { camera, clock } = this.context;
    const { exposureSeconds, gain, offset, target } = this.request;
    const wanted = {
      exposureSeconds,
      ...(gain === null ? {} : { gain }),
      ...(offset === null ? {} : { offset }),
      ...(target === null ? {} : { target }),
    };
    const deadline = (asked ?? clock.now()) + this.lateSeconds * 1000;
    let taken = false;
    for (let failures = 0; ; failures++) {
      try {
        if (!taken) this.release = this.context.takeCamera();
        taken = true;
        const stream = await camera.stream!(wanted, this.either);
        this.stream = stream;
        stream.onFrame((streamed) => this.tell.frame(streamed));
        return stream;
      } catch (thrown) {
        const error = asNightflowError(thrown);
        throwIfAborted(this.either);
        if (error.code === 'bad-input' || error.code === 'unsupported' || clock.now() >= deadline) throw error;
        if (failures === 0) this.tell.warning(error);
        if (taken && (error.code === 'lost' || error.code === 'timeout'))
          await camera.recover(this.either).catch(() => {});
        await clock.sleep(retryMilliseconds, this.either).catch((aborted) => {
          throw asNightflowError(aborted);
        });
      }
    }
  }

  private get lateSeconds(): number {
    return this.atLeast(this.request.lateSeconds, rehearsedLateSeconds);
  }

  /** Files and drawing take real time, which a rehearsal makes long. */
  private atLeast(seconds: number, realSeconds: number): number {
    const { rate } = this.context.clock;
    return rate === 1 || rate === Infinity ? seconds : Math.max(seconds, realSeconds * rate);
  }

  private async untilBegin(start: number, aheadSeconds: number): Promise<void> {
    await this.sleepUntil(start - aheadSeconds * 1000);
    this.refuseLate(start);
    this.tell.phase('recording', start);
  }

  private refuseLate(start: number | null): void {
    if (start === null) return;
    const lateSeconds = (this.context.clock.now() - start) / 1000;
    if (lateSeconds > this.lateSeconds) throw new Missed(lateSeconds);
  }

  private async askClock(host: string | null, signal = this.either): Promise<ClockQuality> {
    const { camera, clock, askClock = clockQuality } = this.context;
    const { clockLimitSeconds: limitSeconds } = this.request;
    const asked = await askClock({ clock, host, limitSeconds, signal });
    // Once, long before the start: other drivers hear the answer, too.
    if (asked.source === 'none' && this.witness === undefined)
      this.witness = (await camera.referenceTime?.(signal)) ?? null;
    const quality = witnessed(asked, this.witness ?? null);
    this.latest = quality;
    this.tell.clock(quality);
    return quality;
  }

  private async sleepUntil(moment: number): Promise<void> {
    const { clock } = this.context;
    for (let left = moment - clock.now(); left > 0; left = moment - clock.now())
      await clock.sleep(Math.min(left, longestSleep), this.either).catch((error) => {
        throw asNightflowError(error);
      });
  }

  private async finish(
    film: RecordedFilm | null,
    start: number,
    before: ClockQuality | null,
    host: string | null,
  ): Promise<RecordingEnd> {
    this.tell.phase('finishing', start);
    const { context, request, signals } = this;
    const { stop, abort } = signals;
    if (abort.aborted) throw new NightflowError('aborted', 'stopped');
    if (!film) {
      if (stop.aborted) return endOf('stopped');
      throw new NightflowError('lost', `No frame of ${context.camera.info.name} came, so there is no film.`, {
        remedy: 'Look at the camera’s video with the command preview.',
      });
    }
    // A stop is no reason to know less of the clock.
    const after = await this.askClock(host, abort);
    const protocol = protocolOf(request, context, film, { before, after }, start);
    const path = film.protocolPath;
    await writeProtocol(path, protocol);
    const reason = film.problem ? 'error' : film.ended === 'stopped' ? 'stopped' : 'done';
    return endOf(reason, { protocol, protocolPath: path, error: film.problem });
  }
}
