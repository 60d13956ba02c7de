/** The runs and the watch of one `astro-autofocus` node; at most one run at a time. */
import { join } from 'node:path';
import type { Camera } from '../../lib/camera/camera.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { autofocus } from '../../lib/night/autofocus.ts';
import type { FocusProgress, FocusResult } from '../../lib/night/autofocus-result.ts';
import type { FocusRecord } from '../../lib/night/focus-thermal.ts';
import { type FocusObservation, FocusWatch, type WatchReport } from '../../lib/night/focus-watch.ts';
import { readState, writeState } from '../../lib/night/night-folder.ts';
import { asNightflowError, type ErrorCode, NightflowError } from '../../lib/process/errors.ts';
import { cameraNodeOf, captureFolder } from '../camera/capture-context.ts';
import { type NodeConfig, nodeLabel, readSettings } from '../inputs.ts';
import { type StatusState, showStatus } from '../status.ts';
import type { AstroMessage, CameraNode, Node, NodeAPI } from '../types.ts';
import { chartOf, progressPayload, resultPayload } from './autofocus-report.ts';
import { autofocusOptions, runInputs, type WatchSettings, watchInputs } from './autofocus-settings.ts';

/** At close the focuser is given so long to go back: the camera closes 5 s later, whoever still holds it. */
const closingMilliseconds = 4_500;
/** A correction that was asked for and did not come, or that failed, is asked for again after so long. */
const againMilliseconds = 30 * 60_000;

export class AutofocusControl {
  private readonly RED: NodeAPI;
  private readonly node: Node;
  private readonly config: NodeConfig;
  private readonly closing = new AbortController();
  private readonly giveUp = new AbortController();
  private running: AbortController | null = null;
  private watch: Promise<FocusWatch> | null = null;
  private quietUntil = Number.NEGATIVE_INFINITY;
  /** Of the last frame watched, °C. */
  private celsius: number | null = null;
  /** What runs have moved a drive without a scale, all together, steps. */
  private driven = 0;

  constructor(RED: NodeAPI, node: Node, config: NodeConfig) {
    this.RED = RED;
    this.node = node;
    this.config = config;
  }

  /** Resolves when the run is over. @throws busy, and why a run failed; nothing when it was stopped */
  async start(msg: AstroMessage): Promise<void> {
    if (this.running)
      throw new NightflowError('busy', 'A focus run is under way already.', {
        remedy: 'Wait for its end, or send stop.',
      });
    const stop = new AbortController();
    this.running = stop;
    let release = () => {};
    try {
      const settings = await readSettings(this.RED, this.node, this.config, runInputs, msg);
      const watchSettings = await readSettings(this.RED, this.node, this.config, watchInputs, msg);
      const cameraNode = cameraNodeOf(this.RED, this.config);
      const signal = AbortSignal.any([stop.signal, this.closing.signal]);
      release = cameraNode.reserve(nodeLabel(this.node));
      const camera = await cameraNode.ready(signal);
      const focuser = await focuserOf(camera);
      const clock = clockOf(cameraNode);
      const result = await autofocus({
        ...autofocusOptions(settings),
        ...{ camera, focuser, clock, signal, giveUp: this.giveUp.signal },
        onProgress: (progress) => this.progress(msg, progress),
      });
      await this.ended(msg, result, watchSettings);
    } catch (thrown) {
      this.quietUntil = this.now() + againMilliseconds;
      throw thrown;
    } finally {
      release();
      this.running = null;
    }
  }

  /** The focuser goes back to where it was. */
  stop(): void {
    if (this.running) this.running.abort();
    else this.idle();
  }

  /** Forgets the frames that were watched; what was learned of the temperature stays. */
  async reset(): Promise<void> {
    (await this.watch)?.reset();
    this.quietUntil = Number.NEGATIVE_INFINITY;
    if (!this.running) this.idle();
  }

  /** A frame's stars, or the result of a run of another node. @throws bad-input when it does not watch */
  async observe(msg: AstroMessage): Promise<void> {
    const settings = await readSettings(this.RED, this.node, this.config, watchInputs, msg);
    const result = msg.focus as Partial<FocusResult> | undefined;
    if (result?.outcome === 'focused') return this.learn(result as FocusResult, settings);
    if (msg.measurement === undefined && msg.stars === undefined) return;
    if (settings.watch === 'off')
      throw new NightflowError('bad-input', 'Stars came in, but this node does not watch the focus.', {
        remedy: 'Set Watch in the node, or send msg.command = start to focus.',
      });
    // Stars of a focus run are no sharpness of the night; nor are those of a cloud.
    if (this.running || typeof msg.reject === 'string') return;
    this.celsius = await this.temperatureOf(msg);
    const watch = await this.watching(settings);
    const report = watch.observe({ ...observationOf(msg, this.now()), temperatureCelsius: this.celsius });
    this.send(null, { ...head(msg), event: 'watch', payload: watchPayload(report), focusWatch: report });
    if (report.state !== 'due') return this.show(...this.watchStatus(report));
    await this.due(msg, report, settings);
  }

  idle(): void {
    const watching = this.config.watch === 'ask' || this.config.watch === 'run';
    this.show('idle', this.text(watching ? 'watching' : 'idle'));
  }

  /** Lets a run bring the focuser back, for a few seconds. */
  close(): void {
    this.closing.abort();
    if (!this.running) return;
    realClock.sleep(closingMilliseconds).then(() => this.giveUp.abort());
  }

  private async due(msg: AstroMessage, report: WatchReport, settings: WatchSettings): Promise<void> {
    // A frame that came while another one started a run.
    if (this.running) return;
    this.show('waiting', this.text('due', { reason: report.text }));
    if (this.now() < this.quietUntil) return;
    if (settings.watch === 'ask') {
      this.quietUntil = this.now() + againMilliseconds;
      const { cause, text, risePercent, predictedPosition } = report;
      const payload = { due: true, cause, text, risePercent, predictedPosition };
      this.send({ ...head(msg), command: 'start', payload, focusWatch: report }, null);
      return;
    }
    try {
      await this.start({ ...head(msg) } as AstroMessage);
    } catch (thrown) {
      const error = asNightflowError(thrown);
      if (error.code !== 'busy') throw error;
      // The camera's sequence is not to be broken: it tries again with the next frame.
      this.quietUntil = Number.NEGATIVE_INFINITY;
      this.show('waiting', this.text('busy', { reason: error.message }));
      this.send(null, { ...head(msg), event: 'busy', payload: { text: error.message }, focusWatch: report });
    }
  }

  private progress(msg: AstroMessage, progress: FocusProgress): void {
    const payload = progressPayload(progress);
    this.send(null, { ...head(msg), event: 'progress', payload, focus: chartOf(progress.points, progress.fit) });
    const hfr = payload.hfr === null ? '' : ` · HFR ${payload.hfr.toFixed(2)} px`;
    const { sweep, n, of, text } = progress;
    if (progress.phase === 'cloud') this.show('waiting', text);
    else if (progress.phase === 'measuring' || progress.phase === 'moving')
      this.show('working', this.text(sweep === 0 ? 'beginning' : 'sweeping', { sweep, n, of, hfr }));
    else this.show('working', text);
  }

  private async ended(msg: AstroMessage, result: FocusResult, settings: WatchSettings): Promise<void> {
    const focus = { ...result, chart: chartOf(result.points, result.fit) };
    if (result.outcome === 'focused') {
      await this.learn(result, settings);
      const { command: _, ...rest } = msg;
      this.send({ ...rest, payload: resultPayload(result), focus }, null);
      const { position, hfr, fit } = result;
      const error = Math.max(1, Math.round(fit!.curve!.bestError));
      this.show('done', this.text('done', { position: position!, error, hfr: hfr!.toFixed(2) }));
      return;
    }
    this.quietUntil = this.now() + againMilliseconds;
    const { code, text, remedy } = result.reason!;
    const where = this.text(result.returned ? 'returned' : 'not-returned');
    const stopped = code === 'aborted';
    const payload = { ...resultPayload(result), reason: code, text: `${text} ${where}`, returned: result.returned };
    this.send(null, { ...head(msg), event: stopped ? 'stopped' : 'failed', payload, focus });
    if (stopped && result.returned)
      return this.show('idle', this.text('stopped', { position: result.position ?? result.startPosition ?? 0 }));
    if (stopped) return this.show('waiting', this.text('stopped-away'));
    throw new NightflowError(errorCodes[code] ?? 'rejected', `${text} ${where}`, remedy ? { remedy } : {});
  }

  private async learn(result: FocusResult, settings: WatchSettings): Promise<void> {
    const { position, hfr, temperatureCelsius, fit, time } = result;
    if (position === null || hfr === null || !fit?.curve) return;
    const watch = await this.watching(settings);
    const timeMilliseconds = Date.parse(time);
    // Its own result, wired back to it.
    if (watch.records.at(-1)?.timeMilliseconds === timeMilliseconds) return;
    if (result.drive === 'relative') this.driven += position;
    watch.focused({
      timeMilliseconds,
      position: result.drive === 'relative' ? this.driven : position,
      hfr,
      temperatureCelsius: temperatureCelsius ?? this.celsius,
      depthSteps: fit.curve.depthSteps,
    });
    this.quietUntil = Number.NEGATIVE_INFINITY;
    // Positions of a drive without a scale mean nothing the next time.
    if (result.drive === 'absolute') await writeState(this.runsFile(), watch.records);
  }

  private watching({ tolerancePercent }: WatchSettings): Promise<FocusWatch> {
    this.watch ??= readState<FocusRecord[]>(this.runsFile()).then(
      (runs) => new FocusWatch({ tolerancePercent }, Array.isArray(runs) ? runs.filter(isRecord) : []),
    );
    return this.watch;
  }

  /** Of the message, or of the focuser: it is colder there than at a sensor. That of the frame where nobody else knows. */
  private async temperatureOf(msg: AstroMessage): Promise<number | null> {
    const given = msg.temperatureCelsius;
    if (typeof given === 'number' && Number.isFinite(given)) return given;
    const focuser = await cameraNodeOf(this.RED, this.config).camera?.focuser?.();
    const measured = await focuser?.temperatureCelsius().catch(() => null);
    return measured ?? msg.frame?.temperatureCelsius ?? null;
  }

  private watchStatus(report: WatchReport): [StatusState, string] {
    return [report.state === 'steady' ? 'done' : report.state === 'learning' ? 'idle' : 'waiting', report.text];
  }

  private runsFile = (): string => join(captureFolder(this.RED, this.node, this.config), 'focus-runs.json');

  private now(): number {
    const cameraNode = this.RED.nodes.getNode(String(this.config.camera ?? '')) as CameraNode | null;
    return (cameraNode ? clockOf(cameraNode) : realClock).now();
  }

  private send(first: Partial<AstroMessage> | null, second: Partial<AstroMessage> | null): void {
    this.node.send([first, second] as never);
  }

  private show(state: StatusState, text: string): void {
    showStatus(this.node, state, text);
  }

  private text(key: string, values?: Record<string, unknown>): string {
    return this.RED._(`astro-autofocus.status.${key}`, values as never);
  }
}

/** Failures of the sky and the optics are refusals; those of the devices keep their code. */
const errorCodes: Partial<Record<string, ErrorCode>> = {
  lost: 'lost',
  timeout: 'timeout',
  busy: 'busy',
  unsupported: 'unsupported',
  'bad-input': 'bad-input',
  failed: 'failed',
};

async function focuserOf(camera: Camera) {
  const focuser = (await camera.focuser?.()) ?? null;
  if (focuser) return focuser;
  throw new NightflowError('unsupported', `${camera.info.name} has no focuser.`, {
    remedy: 'Choose a camera whose lens or telescope can be driven, or focus by hand with the HFR on a chart.',
  });
}

const clockOf = (cameraNode: CameraNode) => cameraNode.siteNode?.clock ?? realClock;

const head = ({ topic }: AstroMessage): Partial<AstroMessage> => (topic === undefined ? {} : { topic });

function observationOf(msg: AstroMessage, now: number): Omit<FocusObservation, 'temperatureCelsius'> {
  const { frame, payload } = msg;
  const measurement = (msg.measurement ?? {}) as { hfr?: unknown; measured?: unknown };
  const stars = measurement.measured ?? (msg.stars as { count?: unknown } | undefined)?.count;
  const hfr = measurement.hfr ?? payload;
  const time = frame?.middle ?? frame?.start ?? null;
  return {
    timeMilliseconds: time === null ? now : Date.parse(time),
    hfr: typeof hfr === 'number' && Number.isFinite(hfr) ? hfr : null,
    stars: typeof stars === 'number' ? stars : 0,
  };
}

function watchPayload({
  state,
  hfr,
  risePercent,
  hfrPerHour,
  temperatureCelsius,
  predictedPosition,
  text,
}: WatchReport) {
  return { state, hfr, risePercent, hfrPerHour, temperatureCelsius, predictedPosition, text };
}

const isRecord = (value: unknown): value is FocusRecord => {
  const { timeMilliseconds, position, hfr, depthSteps } = (value ?? {}) as Partial<FocusRecord>;
  return [timeMilliseconds, position, hfr, depthSteps].every(Number.isFinite);
};
