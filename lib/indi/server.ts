/**
 * An indiserver of our own: started with a FIFO, drivers started and stopped through it, watched, started again, logged, and
 * ended with all its drivers. It listens on every interface and asks nobody for a password (docs/indi.md says what to do).
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, realClock } from '../clock/clock.ts';
import { runProgram } from '../process/child.ts';
import { asNightflowError, NightflowError, throwIfAborted } from '../process/errors.ts';
import { Events, type Listener } from '../process/events.ts';
import { type BackOff, backOffSeconds } from '../process/retry.ts';
import { type Driver, driverLine, requireDriver, requireServer, writeLine } from './driver-fifo.ts';
import { endOrphan, serverFolder } from './orphan-server.ts';
import { defaultPort, IndiSocket } from './socket.ts';

export interface ServerOptions {
  drivers: readonly Driver[];
  /** 7624. */
  port?: number;
  /** Where drivers keep their saved settings (`~/.indi`); the user's home when not given. */
  home?: string;
  /** More of the environment: `PATH` with a program of ours in front, `INDICONFIG`. */
  env?: Record<string, string>;
  clock?: Clock;
  backOff?: BackOff;
}

interface ServerEvents {
  started: { port: number };
  /** It ended by itself; the next start is in so many seconds. */
  failed: { error: NightflowError; waitSeconds: number };
  /** A driver crashed too often: it is started again after a pause. */
  'driver-gave-up': { executable: string; waitSeconds: number };
  /** The server's and its drivers' own words: what they drop silently stands only here. */
  log: string;
}

const defaultBackOff: BackOff = { firstSeconds: 1, factor: 2, maximumSeconds: 60, jitter: 0.5 };
const startSeconds = 10;
/** A client that is behind by more is thrown out: a 61 Mpx frame in base64 is 163 MB, and indiserver's own limit 128. */
const clientBehindMegabytes = 1024;
/** Frames of a stream that wait for a slow client, before they are dropped. indiserver's own limit is 5. */
const streamBehindMegabytes = 64;

export class IndiServer {
  readonly port: number;
  private readonly options: ServerOptions;
  private readonly clock: Clock;
  private readonly backOff: BackOff;
  private readonly events = new Events<ServerEvents>();
  private readonly ended = new AbortController();
  private readonly drivers: Driver[];
  private readonly givenUp = new Map<string, number>();
  private folder = '';
  private work: Promise<void> | null = null;
  private up = false;

  constructor(options: ServerOptions) {
    this.options = options;
    this.port = options.port ?? defaultPort;
    this.clock = options.clock ?? realClock;
    this.backOff = options.backOff ?? defaultBackOff;
    this.drivers = [...options.drivers];
  }

  /** Those that run, or are started again. */
  get running(): readonly Driver[] {
    return this.drivers;
  }

  on<Name extends keyof ServerEvents>(name: Name, listener: Listener<ServerEvents[Name]>): () => void {
    return this.events.on(name, listener);
  }

  /**
   * Resolves when the server answers and its drivers were told to start; from then on it is kept running until `stop`.
   * @throws missing (indiserver or a driver is not installed), busy (the port is taken), timeout, aborted
   */
  async start(signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    await requireServer(this.options.env?.PATH);
    for (const driver of this.drivers) await requireDriver(driver, this.options.env?.PATH);
    this.folder = await mkdtemp(serverFolder());
    await runProgram('mkfifo', [this.fifo], { silenceSeconds: 10, aptPackage: 'coreutils' });
    const onAbort = () => void this.stop();
    signal?.addEventListener('abort', onAbort, { once: true });
    const offs: (() => void)[] = [];
    const started = new Promise<void>((resolve, reject) => {
      offs.push(
        this.on('started', () => resolve()),
        this.on('failed', ({ error }) => reject(error)),
      );
      this.ended.signal.addEventListener('abort', () => reject(new NightflowError('aborted', 'stopped')));
    });
    this.work = this.keepRunning();
    try {
      await started;
    } catch (error) {
      await this.stop();
      throw error;
    } finally {
      for (const off of offs) off();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Ends the drivers, also those that hang, and the server. */
  async stop(): Promise<void> {
    if (this.up) {
      const lines = this.drivers.map((driver) => `stop ${driverLine(driver)}\n`).join('');
      await writeLine(this.fifo, lines).catch(() => {});
      // The server kills them as it reads the line.
      await this.clock.sleep(100);
    }
    this.ended.abort();
    await this.work?.catch(() => {});
    if (this.folder) await rm(this.folder, { recursive: true, force: true });
  }

  /** @throws missing, lost (the server is not running) */
  async startDriver(driver: Driver): Promise<void> {
    await requireDriver(driver, this.options.env?.PATH);
    const line = driverLine(driver);
    if (!this.drivers.some((each) => driverLine(each) === line)) this.drivers.push(driver);
    await writeLine(this.fifo, `start ${line}\n`);
  }

  /** Kills the driver, also one that hangs. @throws lost */
  async stopDriver(driver: Driver): Promise<void> {
    const line = driverLine(driver);
    const at = this.drivers.findIndex((each) => driverLine(each) === line);
    if (at >= 0) this.drivers.splice(at, 1);
    await writeLine(this.fifo, `stop ${line}\n`);
  }

  /** The cure for a driver that answers nothing. @throws missing, lost */
  async restartDriver(driver: Driver): Promise<void> {
    await this.stopDriver(driver);
    // A killed driver lets go of its hardware; then it may be opened again.
    await this.clock.sleep(500, this.ended.signal);
    await this.startDriver(driver);
  }

  private get fifo(): string {
    return join(this.folder, 'drivers');
  }

  private async keepRunning(): Promise<void> {
    const { signal } = this.ended;
    for (let failures = 1; !signal.aborted; failures++) {
      const startedAt = performance.now();
      const error = await this.runOnce().catch(asNightflowError);
      this.up = false;
      if (signal.aborted) return;
      if (performance.now() - startedAt > 60_000) failures = 1;
      const waitSeconds = backOffSeconds(failures, this.backOff);
      this.events.emit('failed', { error: error ?? new NightflowError('lost', 'indiserver ended.'), waitSeconds });
      await this.clock.sleep(waitSeconds * 1000, signal).catch(() => {});
    }
  }

  private async runOnce(): Promise<NightflowError | null> {
    const over = new AbortController();
    const signal = AbortSignal.any([this.ended.signal, over.signal]);
    const local = join(this.folder, 'socket');
    const { home, env } = this.options;
    let portTaken = false;
    const parameters = ['-p', `${this.port}`, '-u', local, '-f', this.fifo];
    const limits = ['-m', `${clientBehindMegabytes}`, '-d', `${streamBehindMegabytes}`];
    const run = runProgram('indiserver', [...parameters, ...limits], {
      silenceSeconds: Infinity,
      aptPackage: 'indi-bin',
      signal,
      env: { ...env, ...(home ? { HOME: home } : {}) },
      onLine: (line) => this.events.emit('log', line),
      onErrorLine: (line) => {
        portTaken ||= /bind: Address already in use/.test(line);
        this.hear(line);
      },
    });
    run.catch(() => over.abort());
    try {
      await this.startDrivers(over.signal);
      await run;
      return null;
    } catch (error) {
      over.abort();
      const thrown = await run.then(() => error).catch((ended) => (signal.aborted && !portTaken ? error : ended));
      if (!portTaken) return asNightflowError(thrown);
      if (await endOrphan(this.port, this.clock, this.ended.signal)) return this.runOnce();
      return new NightflowError('busy', `Something else listens on port ${this.port}, perhaps another indiserver.`, {
        remedy: `Connect to that one, or end it, or give another port.`,
        cause: thrown,
      });
    }
  }

  /** Once the server listens. */
  private async startDrivers(signal: AbortSignal): Promise<void> {
    const address = { host: '127.0.0.1', port: this.port, connectSeconds: 1, signal };
    const deadline = performance.now() + startSeconds * 1000;
    for (;;) {
      // Another server on the port would answer, too: that ours lives is seen by its FIFO having a reader.
      const answered = await writeLine(this.fifo, '\n').then(
        () => IndiSocket.connect(address, { message: () => {}, fault: () => {} }).catch(() => null),
        () => null,
      );
      answered?.close();
      if (answered) break;
      if (performance.now() > deadline)
        throw new NightflowError('timeout', `indiserver did not start in ${startSeconds} s.`);
      await this.clock.sleep(50, signal);
    }
    await writeLine(this.fifo, this.drivers.map((driver) => `start ${driverLine(driver)}\n`).join(''));
    this.up = true;
    this.events.emit('started', { port: this.port });
  }

  private hear(line: string): void {
    this.events.emit('log', line);
    const executable = /Driver (\S+): Terminated after #\d+ restarts/.exec(line)?.[1];
    const driver = this.drivers.find((each) => each.executable === executable);
    if (!driver || !executable) return;
    const times = (this.givenUp.get(executable) ?? 0) + 1;
    this.givenUp.set(executable, times);
    const waitSeconds = backOffSeconds(times + 3, this.backOff);
    this.events.emit('driver-gave-up', { executable, waitSeconds });
    this.clock
      .sleep(waitSeconds * 1000, this.ended.signal)
      .then(() => this.startDriver(driver))
      .catch(() => {});
  }
}
