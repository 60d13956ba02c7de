/** Starts, commands, resumes and repeats the sequences of one `astro-capture` node; at most one at a time. */
import { rm } from 'node:fs/promises';
import { isoTime, realClock } from '../../lib/clock/clock.ts';
import { SunStaysUp } from '../../lib/night/moment.ts';
import { readState, writeState } from '../../lib/night/night-folder.ts';
import { readRun } from '../../lib/night/run-journal.ts';
import type { SequenceEnd } from '../../lib/night/sequence.ts';
import { asNightflowError, NightflowError } from '../../lib/process/errors.ts';
import { nextTimeOfDay } from '../../lib/sky/night-date.ts';
import { reportFailure } from '../handle.ts';
import { type NodeConfig, readSettings } from '../inputs.ts';
import { showStatus } from '../status.ts';
import type { AstroMessage, Node, NodeAPI } from '../types.ts';
import { cameraNodeOf, captureFolder, openCapture, type Taken } from './capture-context.ts';
import { CaptureRun } from './capture-run.ts';
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

/** How a sequence that nobody waits for came out; both null: there was none. */
interface Outcome {
  end: SequenceEnd | null;
  error: NightflowError | null;
}

const noonSeconds = 12 * 3600;

export class CaptureControl {
  private readonly RED: NodeAPI;
  private readonly node: Node;
  private readonly config: NodeConfig;
  private readonly closing = new AbortController();
  private current: CaptureRun | null = null;
  private busy = false;
  /** Ends what has not begun yet: the camera is being opened. */
  private opening = new AbortController();
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
    const stopped = this.getReady();
    const settings = await readSettings(this.RED, this.node, this.config, captureInputs, msg);
    this.repeat({ end: await this.run(settings, msg, 'new', stopped), error: null });
  }

  /** `resume` goes on as well with what an error or a full disk ended. @throws rejected when there is nothing to pause or resume */
  async command(command: Exclude<Command, 'start'>): Promise<void> {
    const sequence = this.current?.sequence;
    if (command === 'pause' && sequence) return sequence.pause();
    if (command === 'resume' && sequence) return sequence.resume();
    const goneOn = command === 'resume' && !this.busy ? await this.goOn() : null;
    if (goneOn) return this.repeat({ end: goneOn, error: null });
    if (command === 'pause' || command === 'resume')
      throw new NightflowError('rejected', `No sequence is running, so there is nothing to ${command}.`, {
        remedy: 'Send start first.',
      });
    this.waiting?.abort();
    if (!this.current) this.opening.abort();
    if (command === 'stop') void sequence?.stop();
    else void sequence?.abort();
    if (command === 'abort') this.stranded = null;
    if (!this.busy) this.idle();
  }

  /** What happens by itself once the flow runs: going on after a restart, and starts that wait for no message. */
  async deployed(): Promise<void> {
    const goneOn = await this.unattended(() => this.goOn());
    if (goneOn.end || this.closing.signal.aborted) this.repeat(goneOn);
    else if (this.config.startAt === 'deploy' || this.nightly) await this.startUnattended();
  }

  refresh(): void {
    this.current?.refresh();
  }

  /** Leaves the sequence to be gone on with; within seconds. */
  async close(removed: boolean): Promise<void> {
    try {
      await this.current?.finished;
      await this.stranded?.sequence.retryUnaccepted();
    } finally {
      if (removed) await rm(this.workFolder(), { recursive: true, force: true });
    }
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
    const stopped = this.getReady();
    const path = settingsIn(this.workFolder());
    const kept = await readState<Kept>(path);
    if (!kept || (await readRun(journalIn(this.workFolder()))) === null) return null;
    if (kept.fingerprint === fingerprintOf(this.config))
      return this.run(kept.settings, { topic: kept.topic } as AstroMessage, 'go on', stopped);
    await rm(path, { force: true });
    return null;
  }

  private async startUnattended(): Promise<void> {
    const stopped = this.getReady();
    const outcome = await this.unattended(async () => {
      const nothing = {} as AstroMessage;
      return this.run(
        await readSettings(this.RED, this.node, this.config, captureInputs, nothing),
        nothing,
        'unattended',
        stopped,
      );
    });
    this.repeat(outcome);
  }

  /**
   * A node that starts by the Sun or at a time of day starts again the next night, unless a person stopped it, or a setting is wrong:
   * it stays wrong.
   */
  private repeat({ end, error }: Outcome): void {
    const over = end
      ? ['time', 'count', 'no-more-frames'].includes(end.reason)
      : error && !['bad-input', 'aborted'].includes(error.code);
    const light = error instanceof SunStaysUp ? error : null;
    if (!(over || light) || !this.everyNight || this.closing.signal.aborted) return;
    void this.unattended(async () => {
      if (await this.untilNoon(light)) await this.startUnattended();
      return null;
    });
  }

  /** From here on a stop or an abort means what is about to begin. */
  private getReady(): AbortSignal {
    if (!this.busy) this.opening = new AbortController();
    return this.opening.signal;
  }

  private get nightly(): boolean {
    return this.config.startAt === 'sun' || this.config.startAt === 'time';
  }

  private get everyNight(): boolean {
    return this.nightly && this.config.everyNight !== false;
  }

  /** Errors of what no message asked for reach Catch nodes too; that it stays light is none while the node waits for darker nights. */
  private async unattended(work: () => Promise<SequenceEnd | null>): Promise<Outcome> {
    try {
      return { end: await work(), error: null };
    } catch (thrown) {
      const error = asNightflowError(thrown);
      const msg = { _msgid: this.RED.util.generateId() };
      if (!(error instanceof SunStaysUp && this.everyNight))
        reportFailure(this.node, error, (reported) => reported && this.node.error(reported, msg));
      return { end: null, error };
    }
  }

  /** @param how Without a person who waits, the camera may come later (a Pi that boots before it). */
  private async run(
    settings: CaptureSettings,
    msg: AstroMessage,
    how: 'new' | 'unattended' | 'go on',
    stopped: AbortSignal,
  ): Promise<SequenceEnd | null> {
    if (this.busy)
      throw new NightflowError('busy', 'A sequence is running already.', { remedy: 'Send stop or abort first.' });
    this.busy = true;
    const taken: Taken = {};
    try {
      await this.stranded?.sequence.retryUnaccepted();
      this.stranded = null;
      const context = await openCapture(this.RED, this.node, this.config, {
        signal: this.closing.signal,
        giveUp: stopped,
        taken,
        patient: how !== 'new',
      });
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
      else if (stopped.aborted) void this.current?.sequence.abort();
      const end = (await this.current?.finished) ?? null;
      if (end && end.unaccepted.length > 0) this.stranded = this.current;
      if (end?.error) throw end.error;
      return end;
    } finally {
      const idle = stopped.aborted && this.current === null;
      this.current = null;
      this.busy = false;
      taken.release?.();
      if (idle) this.idle();
    }
  }

  /** @param light Why there is no night today. @returns false when a command or a close came in between. */
  private async untilNoon(light: SunStaysUp | null): Promise<boolean> {
    const { siteNode } = cameraNodeOf(this.RED, this.config);
    const clock = siteNode?.clock ?? realClock;
    const waiting = new AbortController();
    this.waiting = waiting;
    const signal = AbortSignal.any([waiting.signal, this.closing.signal]);
    const noon = nextTimeOfDay(siteNode?.site ?? { longitude: 0, timeZone: null }, clock.now(), noonSeconds);
    const text = { time: isoTime(noon).slice(0, 16).replace('T', ' '), reason: light?.message ?? '' };
    const status = light ? 'no-night' : 'next-night';
    showStatus(this.node, 'waiting', this.RED._(`astro-capture.status.${status}`, text));
    if (light) {
      const payload = { waitingFor: light.message, time: isoTime(clock.now()), next: isoTime(noon) };
      this.node.send([null, { event: 'waiting', payload } as unknown as AstroMessage]);
    }
    return clock.sleep(noon - clock.now(), signal).then(
      () => true,
      () => false,
    );
  }

  private workFolder(): string {
    return captureFolder(this.RED, this.node, this.config);
  }
}
