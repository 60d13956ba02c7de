/** The recordings and previews of one `astro-stream` node; at most one at a time. */
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Camera } from '../../lib/camera/camera.ts';
import { type Clock, isoTime, realClock } from '../../lib/clock/clock.ts';
import { readState, workFolder, writeState } from '../../lib/night/night-folder.ts';
import { forecastStorage, rawFrameBytes } from '../../lib/night/storage.ts';
import { recordEvent } from '../../lib/night/stream-event.ts';
import { recoverRecording } from '../../lib/night/stream-recover.ts';
import type { FilmUnderWay, RecordingListener, RecordingRequest } from '../../lib/night/stream-request.ts';
import { asNightflowError, NightflowError } from '../../lib/process/errors.ts';
import { type NodeConfig, nodeLabel, readSettings } from '../inputs.ts';
import type { AstroMessage, CameraNode, Node, NodeAPI } from '../types.ts';
import { cameraNodeOf } from './capture-context.ts';
import { StreamReport, spanText } from './stream-report.ts';
import { claimFilm, requestOf, type StreamSettings, streamInputs, targetOf } from './stream-settings.ts';

interface Running {
  what: 'recording' | 'preview';
  stop: AbortController;
  abort: AbortController;
  finished: Promise<void>;
}

export class StreamControl {
  private readonly RED: NodeAPI;
  private readonly node: Node;
  private readonly config: NodeConfig;
  private readonly report: StreamReport;
  private running: Running | null = null;
  private closed = false;

  constructor(RED: NodeAPI, node: Node, config: NodeConfig) {
    this.RED = RED;
    this.node = node;
    this.config = config;
    this.report = new StreamReport(RED, node);
  }

  idle(): void {
    this.report.status('idle', 'idle');
  }

  /** Records, and resolves when the film and its protocol are there. @throws busy; bad-input; what ended it; rejected when it was missed */
  async start(msg: AstroMessage): Promise<void> {
    if (this.running?.what === 'recording')
      throw new NightflowError('busy', 'A recording is under way or waits for its start.', {
        remedy: 'Send stop or abort first.',
      });
    const settings = await readSettings(this.RED, this.node, this.config, streamInputs, msg);
    const request = requestOf(settings, msg);
    await this.end('stop');
    await this.alone('recording', (running) => this.record(msg, settings, request, running));
  }

  /** Video until a command ends it. */
  async preview(msg: AstroMessage): Promise<void> {
    if (this.running)
      throw new NightflowError('busy', 'The video is on already.', { remedy: 'Send stop or abort first.' });
    const settings = await readSettings(this.RED, this.node, this.config, streamInputs, msg);
    await this.alone('preview', (running) => this.show(msg, settings, running));
  }

  /** Resolves when what runs has ended. */
  async end(how: 'stop' | 'abort'): Promise<void> {
    const { running } = this;
    running?.[how].abort();
    await running?.finished.catch(() => {});
    if (!running) this.idle();
  }

  closing(): void {
    this.closed = true;
    // What was recorded until a deploy is kept.
    this.running?.stop.abort();
  }

  /** A film that a crash cut off is finished. */
  async recover(): Promise<void> {
    const path = this.statePath();
    const left = await readState<FilmUnderWay>(path);
    if (!left || this.closed) return;
    try {
      const protocol = await recoverRecording(left);
      const what = left.request.target?.name ?? 'a film';
      if (protocol)
        this.report.warning(
          `The recording of ${what} was cut off; ${protocol.figures.frames} frames are saved in ${protocol.film.path}.`,
        );
      else if (left.byDriver)
        this.report.warning(
          `Nightflow ended while the driver of ${left.camera.name} recorded ${what}: the film lies where the driver keeps its films.`,
        );
    } catch (thrown) {
      this.report.warning(
        `What a crash left of ${left.path} could not be finished: ${asNightflowError(thrown).message}`,
      );
    }
    await rm(path, { force: true });
  }

  async removed(): Promise<void> {
    await rm(workFolder(this.archiveFolder(), this.node.id), { recursive: true, force: true });
  }

  private async alone(what: Running['what'], work: (running: Running) => Promise<void>): Promise<void> {
    const running: Running = {
      what,
      stop: new AbortController(),
      abort: new AbortController(),
      finished: Promise.resolve(),
    };
    this.running = running;
    running.finished = work(running).finally(() => {
      this.running = null;
    });
    await running.finished;
  }

  private async record(
    msg: AstroMessage,
    settings: StreamSettings,
    request: RecordingRequest,
    running: Running,
  ): Promise<void> {
    const { report } = this;
    const { startMilliseconds: start, target } = request;
    const cameraNode = cameraNodeOf(this.RED, this.config);
    const clock = cameraNode.siteNode?.clock ?? realClock;
    report.about(msg, target?.name ?? null, start);
    // A rehearsal that jumps does not jump over the start while the camera is opened.
    const release: (() => void)[] = [clock.hold()];
    try {
      const camera = await cameraNode.ready(running.abort.signal);
      await this.checkRoom(camera, settings, request);
      const name = { archiveFolder: this.archiveFolder(), template: settings.template, camera: camera.info.name };
      const site = cameraNode.siteNode?.site ?? null;
      const end = await recordEvent(
        request,
        {
          camera,
          clock,
          site,
          takeCamera: () => cameraNode.reserve(nodeLabel(this.node)),
          underWay: (film) => this.note(film),
          filmPath: async (at) => {
            const claim = await claimFilm({ ...name, site, request, message: msg }, at);
            release.push(claim.release);
            return claim.path;
          },
        },
        { stop: running.stop.signal, abort: running.abort.signal },
        this.listener(clock, settings, request, release[0]!),
      );
      if (end.protocol) report.recorded(msg, end.protocol, end.protocolPath!);
      report.ended(end);
      if (end.error) throw end.error;
      if (end.reason === 'missed')
        throw new NightflowError(
          'rejected',
          `${target?.name ?? 'The recording'} was missed by ${end.lateSeconds!.toFixed(1)} s.`,
          {
            remedy: 'Send the message before the start: the node waits for the instant.',
          },
        );
    } catch (thrown) {
      const error = asNightflowError(thrown);
      if (error.code === 'aborted') {
        report.failed(error, 'aborted');
        report.status('idle', 'stopped');
      }
      throw error;
    } finally {
      for (const each of release) each();
    }
  }

  private listener(
    clock: Clock,
    settings: StreamSettings,
    request: RecordingRequest,
    begun: () => void,
  ): RecordingListener {
    const { report } = this;
    const { startMilliseconds: start, durationSeconds, target } = request;
    const total = spanText(durationSeconds);
    const left = () => (start === null ? 0 : (start - clock.now()) / 1000);
    let waiting: AbortController | null = null;
    return {
      phase: (phase) => {
        begun();
        waiting?.abort();
        report.phase(phase, start === null ? null : left());
        if (phase === 'finishing' || phase === 'recording') return;
        waiting = new AbortController();
        const time = start === null ? '' : isoTime(start).slice(11, 19);
        void this.countDown(clock, waiting.signal, phase, () => ({ left: left(), time }));
      },
      clock: (quality) => report.clock(quality),
      progress: ({ elapsedSeconds, frames, estimated }) => {
        const elapsed = spanText(Math.min(elapsedSeconds, durationSeconds));
        report.running('recording', { target: target?.name ?? 'film', elapsed, total, frames });
        report.tell('progress', { elapsedSeconds, durationSeconds, frames, estimated });
      },
      frame: (streamed) => report.preview(streamed, settings.previewSeconds, null),
      warning: ({ message, remedy }) => report.warning(message, remedy),
    };
  }

  /** Once a real second in the status, every ten seconds as a message, every second in the last ten. */
  private async countDown(
    clock: Clock,
    signal: AbortSignal,
    phase: 'waiting' | 'opening',
    look: () => { left: number; time: string },
  ): Promise<void> {
    const over = AbortSignal.any([signal, this.running!.stop.signal, this.running!.abort.signal]);
    const second = 1000 * (clock.rate === Infinity ? 1 : clock.rate);
    try {
      for (let seconds = 0; ; seconds++) {
        const { left, time } = look();
        this.report.running(phase, { left: spanText(left), time });
        if (seconds % 10 === 0 || left * 1000 < 10 * second)
          this.report.tell('waiting', { secondsLeft: Math.max(0, left) });
        if (clock.rate === Infinity) return;
        await clock.sleep(second, over);
      }
    } catch {
      // The next phase tells for itself.
    }
  }

  private async show(msg: AstroMessage, settings: StreamSettings, running: Running): Promise<void> {
    const { report } = this;
    const cameraNode: CameraNode = cameraNodeOf(this.RED, this.config);
    const { exposureSeconds, gain, offset } = settings;
    const target = targetOf(msg.target);
    report.about(msg, target?.name ?? null, null);
    const stop = AbortSignal.any([running.stop.signal, running.abort.signal]);
    const camera = await cameraNode.ready(stop);
    if (!camera.stream) throw new NightflowError('unsupported', `The camera ${camera.info.name} has no video.`);
    const release = cameraNode.reserve(nodeLabel(this.node));
    try {
      const request = { exposureSeconds, ...(gain === null ? {} : { gain }), ...(offset === null ? {} : { offset }) };
      const stream = await camera.stream({ ...request, ...(target ? { target } : {}) }, stop);
      try {
        stream.onFrame((streamed) => {
          const fps = stream.framesPerSecond();
          report.status('working', 'preview', { fps: fps === null ? '…' : fps.toFixed(1) });
          report.preview(streamed, settings.previewSeconds, fps);
        });
        stream.onFault((sentence) => report.warning(sentence));
        const stopped = new Promise<null>((ended) => stop.addEventListener('abort', () => ended(null), { once: true }));
        const failure = stop.aborted ? null : await Promise.race([stream.failed, stopped]);
        if (failure) throw failure;
      } finally {
        await stream.close();
      }
      this.idle();
    } finally {
      release();
    }
  }

  /** What is written so that a crash leaves no orphan. */
  private async note(film: FilmUnderWay | null): Promise<void> {
    if (film) await writeState(this.statePath(), film);
    else await rm(this.statePath(), { force: true });
  }

  /** @throws disk-full below the limit; a film that will not fit is a warning: half of it is better than none. */
  private async checkRoom(camera: Camera, settings: StreamSettings, request: RecordingRequest): Promise<void> {
    const { exposureSeconds, durationSeconds } = request;
    const limit = {
      folder: this.archiveFolder(),
      minimumFreeBytes: settings.freeGigabytes * 1e9,
      bytesPerFrame: rawFrameBytes(camera),
    };
    const framesExpected = Math.ceil(durationSeconds / exposureSeconds);
    const forecast = await forecastStorage(limit, { framesExpected, cadenceSeconds: exposureSeconds });
    if (!forecast.fits) this.report.warning(forecast.message, 'Free some space, or record for a shorter time.');
  }

  private statePath(): string {
    return join(workFolder(this.archiveFolder(), this.node.id), 'recording.json');
  }

  private archiveFolder(): string {
    const camera = this.RED.nodes.getNode(String(this.config.camera ?? '')) as CameraNode | null;
    return camera?.siteNode?.archiveFolder ?? resolve(this.RED.settings.userDir ?? process.cwd(), 'archive');
  }
}
