/** Starts, commands, resumes and repeats the sequences of one `astro-capture` node; at most one at a time. */
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isoTime, realClock } from '../../lib/clock/clock.ts';
import { readState, workFolder, writeState } from '../../lib/night/night-folder.ts';
import { readRun } from '../../lib/night/run-journal.ts';
import type { SequenceEnd } from '../../lib/night/sequence.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import { retry } from '../../lib/process/retry.ts';
import { nextTimeOfDay } from '../../lib/sky/night-date.ts';
import { reportFailure } from '../handle.ts';
import { type NodeConfig, nodeLabel, readSettings } from '../inputs.ts';
import { showStatus } from '../status.ts';
import type { AstroMessage, CameraNode, Node, NodeAPI } from '../types.ts';
import { type CaptureContext, CaptureRun } from './capture-run.ts';
import {
  type CaptureSettings,
  captureInputs,
  fingerprintOf,
  journalIn,
  planOf,
  settingsIn,
} from './capture-settings.ts';

export const commands = ['start', 'pause', 'resume', 'stop', 'abort'] as const;
export type Command = (typeof commands)[number];

/** What is written beside the journal, so that a sequence goes on as it was started. */
interface Kept {
  fingerprint: string;
  settings: CaptureSettings;
  topic?: string;
}

const noonSeconds = 12 * 3600;

export class CaptureControl {
  private readonly RED: NodeAPI;
  private readonly node: Node;
  private readonly config: NodeConfig;
  private readonly closing = new AbortController();
  private current: CaptureRun | null = null;
  private busy = false;
  /** A sequence that a full disk ended: its last frames wait in memory to be written. */
  private stranded: CaptureRun | null = null;
  /** Ends the wait between two nights. */
  private waiting: AbortController | null = null;

  constructor(RED: NodeAPI, node: Node, config: NodeConfig) {
    this.RED = RED;
    this.node = node;
    this.config = config;
  }

  /** Starts and resolves when the sequence is over. @throws busy while one is running; what ended the sequence, if it was an error */
  async start(msg: AstroMessage): Promise<void> {
    this.waiting?.abort();
    const settings = await readSettings(this.RED, this.node, this.config, captureInputs, msg);
    this.repeat(await this.run(settings, msg, 'new'));
  }

  /** `resume` goes on as well with what an error or a full disk ended. @throws rejected when there is nothing to pause or resume */
  async command(command: Exclude<Command, 'start'>): Promise<void> {
    const sequence = this.current?.sequence;
    if (command === 'pause' && sequence) return sequence.pause();
    if (command === 'resume' && sequence) return sequence.resume();
    const goneOn = command === 'resume' && !this.busy ? await this.goOn() : null;
    if (goneOn) return this.repeat(goneOn);
    if (command === 'pause' || command === 'resume')
      throw new NightflowError('rejected', `No sequence is running, so there is nothing to ${command}.`, {
        remedy: 'Send start first.',
      });
    this.waiting?.abort();
    if (command === 'stop') void sequence?.stop();
    else void sequence?.abort();
    if (command === 'abort') this.stranded = null;
    if (!this.busy) this.idle();
  }

  /** What happens by itself once the flow runs: going on after a restart, and starts that wait for no message. */
  async deployed(): Promise<void> {
    const goneOn = await this.unattended(() => this.goOn());
    if (goneOn || this.closing.signal.aborted) this.repeat(goneOn);
    else if (this.config.startAt === 'deploy' || this.nightly) await this.startUnattended();
  }

  refresh(): void {
    this.current?.refresh();
  }

  /** Leaves the sequence to be gone on with; within seconds. */
  async close(removed: boolean): Promise<void> {
    await this.current?.finished;
    await this.stranded?.sequence.retryUnaccepted();
    if (removed) await rm(this.workFolder(), { recursive: true, force: true });
  }

  suspend(): void {
    this.closing.abort();
    void this.current?.sequence.suspend();
  }

  idle(): void {
    showStatus(this.node, 'idle', this.RED._('astro-capture.status.idle'));
  }

  /** null: there is nothing to go on with. */
  private async goOn(): Promise<SequenceEnd | null> {
    const path = settingsIn(this.workFolder());
    const kept = await readState<Kept>(path);
    if (!kept || (await readRun(journalIn(this.workFolder()))) === null) return null;
    if (kept.fingerprint === fingerprintOf(this.config))
      return this.run(kept.settings, { topic: kept.topic } as AstroMessage, 'go on');
    await rm(path, { force: true });
    return null;
  }

  private async startUnattended(): Promise<void> {
    const end = await this.unattended(async () => {
      const nothing = {} as AstroMessage;
      return this.run(
        await readSettings(this.RED, this.node, this.config, captureInputs, nothing),
        nothing,
        'unattended',
      );
    });
    this.repeat(end, end === null);
  }

  /** A node that starts by the Sun or at a time of day starts again the next night, unless a person stopped it. */
  private repeat(end: SequenceEnd | null, notStarted = false): void {
    const over = notStarted || (end !== null && ['time', 'count', 'no-more-frames'].includes(end.reason));
    if (!over || !this.nightly || this.config.everyNight === false || this.closing.signal.aborted) return;
    void this.unattended(async () => {
      if (await this.untilNoon()) await this.startUnattended();
      return null;
    });
  }

  private get nightly(): boolean {
    return this.config.startAt === 'sun' || this.config.startAt === 'time';
  }

  /** Errors of what no message asked for reach Catch nodes too. null: it did not come to a sequence. */
  private async unattended(work: () => Promise<SequenceEnd | null>): Promise<SequenceEnd | null> {
    try {
      return await work();
    } catch (thrown) {
      const msg = { _msgid: this.RED.util.generateId() };
      reportFailure(this.node, thrown, (error) => error && this.node.error(error, msg));
      return null;
    }
  }

  /** @param how Without a person who waits, the camera may come later (a Pi that boots before it). */
  private async run(
    settings: CaptureSettings,
    msg: AstroMessage,
    how: 'new' | 'unattended' | 'go on',
  ): Promise<SequenceEnd | null> {
    if (this.busy)
      throw new NightflowError('busy', 'A sequence is running already.', { remedy: 'Send stop or abort first.' });
    this.busy = true;
    const taken: { release?: () => void } = {};
    try {
      await this.stranded?.sequence.retryUnaccepted();
      this.stranded = null;
      const context = await this.context(taken, how !== 'new');
      const topic = typeof msg.topic === 'string' ? msg.topic : undefined;
      if (how === 'go on') this.current = await CaptureRun.goOn(context, settings, topic);
      else {
        const plan = planOf(settings, msg.target);
        if (settings.startAt === 'command' || settings.startAt === 'deploy') context.takeCamera();
        const kept: Kept = { fingerprint: fingerprintOf(this.config), settings, topic };
        await writeState(settingsIn(context.workFolder), kept);
        this.current = await CaptureRun.start(context, settings, plan, topic);
      }
      // A close that came while the camera was opened.
      if (this.closing.signal.aborted) void this.current?.sequence.suspend();
      const end = (await this.current?.finished) ?? null;
      if (end && end.unaccepted.length > 0) this.stranded = this.current;
      if (end?.error) throw end.error;
      return end;
    } finally {
      this.current = null;
      this.busy = false;
      taken.release?.();
    }
  }

  private async context(taken: { release?: () => void }, patient: boolean): Promise<CaptureContext> {
    const { node, RED, closing } = this;
    const cameraNode = this.cameraNode();
    const { siteNode } = cameraNode;
    const clock = siteNode?.clock ?? realClock;
    const translate = (key: string, values?: Record<string, unknown>) => RED._(key, values as never);
    const status: CaptureContext['status'] = (state, text) => showStatus(node, state, text);
    const camera = patient
      ? await retry(() => cameraNode.ready(closing.signal), {
          clock,
          signal: closing.signal,
          onFailure: ({ message }) =>
            status('waiting', translate('astro-capture.status.recovering', { reason: message })),
        })
      : await cameraNode.ready(closing.signal);
    return {
      camera,
      clock,
      site: siteNode?.site ?? null,
      archiveFolder: this.archiveFolder(),
      workFolder: this.workFolder(),
      translate,
      send: (first, second) => node.send([first, second] as never),
      status,
      signal: closing.signal,
      takeCamera: () => {
        taken.release ??= cameraNode.reserve(nodeLabel(node));
      },
    };
  }

  /** false when a command or a close came in between. */
  private async untilNoon(): Promise<boolean> {
    const { siteNode } = this.cameraNode();
    const clock = siteNode?.clock ?? realClock;
    const waiting = new AbortController();
    this.waiting = waiting;
    const signal = AbortSignal.any([waiting.signal, this.closing.signal]);
    const noon = nextTimeOfDay(siteNode?.site ?? { longitude: 0, timeZone: null }, clock.now(), noonSeconds);
    const text = { time: isoTime(noon).slice(0, 16).replace('T', ' ') };
    showStatus(this.node, 'waiting', this.RED._('astro-capture.status.next-night', text));
    return clock.sleep(noon - clock.now(), signal).then(
      () => true,
      () => false,
    );
  }

  private cameraNode(): CameraNode {
    const node = this.RED.nodes.getNode(String(this.config.camera ?? '')) as CameraNode | null;
    if (node && typeof node.ready === 'function') return node;
    throw new NightflowError('bad-input', 'No camera is chosen.', { remedy: 'Choose one in the node, and deploy.' });
  }

  private archiveFolder(): string {
    const node = this.RED.nodes.getNode(String(this.config.camera ?? '')) as CameraNode | null;
    return node?.siteNode?.archiveFolder ?? resolve(this.RED.settings.userDir ?? process.cwd(), 'archive');
  }

  private workFolder(): string {
    return workFolder(this.archiveFolder(), this.node.id);
  }
}
