/** Tells on output 2 what a device does: on every change, each second while it moves, and now and then when it rests. */
import { realClock } from '../../lib/clock/clock.ts';
import type { StatusState } from '../status.ts';
import type { AstroMessage } from '../types.ts';
import type { DeviceReport } from './indi-device.ts';

interface ReporterOptions {
  /** null while the device is not there. It is never connected for a report: whoever disconnected it wants it so. */
  look(): DeviceReport | null;
  send(message: Partial<AstroMessage>): void;
  status(state: StatusState, text: string): void;
  lost(): string;
}

/** Reports are for eyes and charts: their pace is that of the real clock, however fast the night runs. */
const lookMilliseconds = 500;
const busyMilliseconds = 1000;

export class DeviceReporter {
  private readonly options: ReporterOptions;
  private readonly stopped = new AbortController();
  private everyMilliseconds = 0;
  private command: string | null = null;
  private more: Record<string, unknown> = {};
  private there = false;
  private lastKey = '';
  private lastAt = Number.NEGATIVE_INFINITY;
  /** A failure stays to be read until the device does something else. */
  private holdsFailure = false;

  constructor(options: ReporterOptions) {
    this.options = options;
  }

  /** @param seconds Between two reports of a device at rest; 0: only while a command of this node runs. */
  start(seconds: number): void {
    this.everyMilliseconds = seconds * 1000;
    const { signal } = this.stopped;
    const loop = async () => {
      while (!signal.aborted) {
        this.tick(false);
        await realClock.sleep(lookMilliseconds, signal);
      }
    };
    loop().catch(() => {});
  }

  stop(): void {
    this.stopped.abort();
  }

  began(command: string): void {
    this.command = command;
    this.more = {};
    this.holdsFailure = false;
  }

  progress(more: Record<string, unknown>): void {
    const changed = more.phase !== undefined && (more.phase !== this.more.phase || more.attempt !== this.more.attempt);
    this.more = { ...this.more, ...more };
    if (changed) this.tick(true);
  }

  ended(how: 'done' | 'failed' | 'aborted'): void {
    this.command = null;
    this.more = {};
    this.holdsFailure = how === 'failed';
    // The result says the same; what comes next is told when it changes.
    this.lastKey = this.options.look()?.key ?? '';
  }

  private tick(atOnce: boolean): void {
    const { options, command } = this;
    const report = options.look();
    if (!report) {
      this.away();
      return;
    }
    const now = performance.now();
    const passed = now - this.lastAt;
    const key = `${command}|${report.key}`;
    const changed = key !== this.lastKey && (command !== null || this.everyMilliseconds > 0);
    const moves = (report.busy || command !== null) && passed >= busyMilliseconds;
    const due = this.everyMilliseconds > 0 && passed >= this.everyMilliseconds;
    const wanted = this.everyMilliseconds > 0 || command !== null;
    if (!(wanted && (atOnce || !this.there || changed || moves || due))) return;
    if (key !== this.lastKey && command === null && this.there && this.lastKey !== '') this.holdsFailure = false;
    this.there = true;
    this.lastKey = key;
    this.lastAt = now;
    const payload = { ...(command ? { command } : {}), ...report.payload(), ...this.more };
    options.send({ event: command ? 'progress' : 'status', payload });
    if (command === null && !this.holdsFailure) options.status(report.state, report.text);
  }

  private away(): void {
    if (!this.there) return;
    this.there = false;
    this.lastKey = '';
    const message = this.options.lost();
    this.options.send({ event: 'lost', payload: { message } });
    if (this.command === null) this.options.status('waiting', message);
  }
}
