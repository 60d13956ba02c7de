/**
 * One INDI server and its devices, as a whole observatory uses them: connected to, launched here, or simulated in this process;
 * started at first use, watched, and its devices kept connected with their settings. Settings are repeated, motion never.
 */
import { realClock } from '../clock/clock.ts';
import { asNightflowError, NightflowError, throwIfAborted } from '../process/errors.ts';
import { Events, type Listener } from '../process/events.ts';
import { retry } from '../process/retry.ts';
import { IndiClient } from './client.ts';
import { DeviceKeeper } from './device-keeper.ts';
import { describeDevices, devicesDescribed } from './devices/list.ts';
import type { Driver } from './driver-fifo.ts';
import { LinePace } from './line-pace.ts';
import type { IndiObservatoryOptions } from './observatory-options.ts';
import { tellPlaceAndTime } from './observatory-place.ts';
import type { ObservatoryEvent, ObservatoryReport, ObservatoryState } from './observatory-report.ts';
import { openServer, type RunningServer } from './observatory-server.ts';
import { unlessAborted } from './wait.ts';

export type { IndiObservatoryOptions, ServerChoice } from './observatory-options.ts';

interface ObservatoryEvents {
  event: ObservatoryEvent;
  /** The client that counts from now on; null after `stop`. */
  client: IndiClient | null;
}

interface Running {
  server: RunningServer;
  client: IndiClient;
  care: DeviceKeeper;
}

/** For the first answer of a server. */
const answerSeconds = 10;
/** A program that is missing now may be installed while the flows run. */
const patience = {
  clock: realClock,
  isTransient: ({ code }: NightflowError) => code !== 'aborted' && code !== 'bad-input',
};

export class IndiObservatory {
  readonly options: IndiObservatoryOptions;
  private readonly events = new Events<ObservatoryEvents>();
  private readonly pace = new LinePace();
  private session = new AbortController();
  private opening: Promise<Running> | null = null;
  private running: Running | null = null;
  private ending: Promise<void> = Promise.resolve();
  private state: ObservatoryState = 'idle';
  private reason: string | null = null;
  /** Devices are connected as they appear. */
  private all: boolean;

  constructor(options: IndiObservatoryOptions) {
    this.options = options;
    this.all = options.connect === 'all';
  }

  on<Name extends keyof ObservatoryEvents>(name: Name, listener: Listener<ObservatoryEvents[Name]>): () => void {
    return this.events.on(name, listener);
  }

  /** null while there is none. It changes when the server is stopped and started. */
  get client(): IndiClient | null {
    return this.running?.client ?? null;
  }

  report(): ObservatoryReport {
    const { state, reason, running } = this;
    const devices = running ? describeDevices(running.client.store) : [];
    return {
      state,
      reason,
      address: running ? `${running.server.host}:${running.server.port}` : null,
      devices: devices.map((each) => ({ ...each, ready: running?.care.isReady(each.name) === true })),
    };
  }

  /**
   * Starts what is to be started and waits for the server's answer. Later calls share the connection.
   * @throws missing (indiserver is not installed), busy (the port is taken), lost (nobody answers, or it was stopped), timeout, aborted
   */
  async ready(signal?: AbortSignal): Promise<IndiClient> {
    if (this.state === 'stopped')
      throw new NightflowError('lost', 'The INDI server was stopped.', { remedy: 'Start it first.' });
    throwIfAborted(signal);
    const { client } = await unlessAborted(this.open(), signal);
    if (client.connected) return client;
    try {
      await client.start({ timeoutSeconds: answerSeconds, signal });
    } catch (thrown) {
      const error = asNightflowError(thrown);
      if (error.code !== 'aborted') this.become('waiting', error.message);
      throw error;
    }
    return client;
  }

  /** As `ready`, again and again until it succeeds: at boot the server's computer or its port may not be there yet. @throws aborted */
  keepStarting(signal: AbortSignal, onFailure?: (error: NightflowError) => void): Promise<IndiClient> {
    return retry((each) => this.ready(each), { ...patience, signal, onFailure });
  }

  /** As `ready`, also after `stop`. */
  async start(signal?: AbortSignal): Promise<IndiClient> {
    await this.ending;
    if (this.state === 'stopped') {
      // What was disconnected at dawn is connected again at dusk.
      this.all = this.options.connect === 'all';
      this.become('idle');
    }
    return this.ready(signal);
  }

  /**
   * The device connected, with the settings that are kept for it, and so from now on.
   * @throws as ready; lost (no such device), rejected or timeout (its hardware)
   */
  async device(name: string, signal?: AbortSignal): Promise<IndiClient> {
    const client = await this.ready(signal);
    await this.running?.care.ensure(name, signal);
    return client;
  }

  /** As `ready`, when also the devices have told of themselves: those of drivers just started do so one after the other. */
  async described(signal?: AbortSignal): Promise<IndiClient> {
    const client = await this.ready(signal);
    const { server } = this.options;
    await devicesDescribed(client, signal, server.kind === 'launch' ? server.drivers.length : 1);
    return client;
  }

  /** As `device`, again and again until it succeeds once; from then on it is kept. @throws aborted, bad-input */
  keepDevice(name: string, signal: AbortSignal, onFailure?: (error: NightflowError) => void): Promise<IndiClient> {
    return retry((each) => this.device(name, each), { ...patience, signal, onFailure });
  }

  /** All devices of the server, also those that appear later. @returns those that could not, with the reason */
  async connectAll(signal?: AbortSignal): Promise<Record<string, NightflowError>> {
    const client = await this.described(signal);
    this.all = true;
    const devices = client.store.devices().filter((name) => client.store.property(name, 'CONNECTION'));
    return this.each(devices, (device) => this.running?.care.ensure(device, signal));
  }

  /** They stay so until somebody asks for them. @returns those that could not, with the reason */
  async disconnectAll(signal?: AbortSignal): Promise<Record<string, NightflowError>> {
    this.all = false;
    const { running } = this;
    if (!running?.client.connected) return {};
    return this.each(running.client.store.devices(), (device) => running.care.release(device, signal));
  }

  /**
   * The cure for a driver that answers nothing.
   * @param name Of its device, or of the driver's program.
   * @throws unsupported for a server that is not ours, bad-input, missing, lost
   */
  async restartDriver(name: string): Promise<void> {
    const { server, client } = this.requireRunning();
    await server.restartDriver(name, client.store);
  }

  /** @param driver Not running yet: its device may have been switched on later. @throws unsupported, bad-input, missing, lost */
  async startDriver(driver: Driver): Promise<void> {
    await this.requireRunning().server.startDriver(driver);
  }

  /** @param name As for `restartDriver`. @throws unsupported, bad-input, lost */
  async stopDriver(name: string): Promise<void> {
    const { server, client } = this.requireRunning();
    await server.stopDriver(name, client.store);
  }

  /** Ends the connection, and the server when it is ours. `ready` fails from then on, until `start`. */
  async stop(): Promise<void> {
    this.session.abort();
    const { opening } = this;
    this.ending = this.ending.then(() => this.end(opening));
    await this.ending;
  }

  private requireRunning(): Running {
    if (this.running) return this.running;
    throw new NightflowError('lost', 'The INDI server does not run.', { remedy: 'Start it first.' });
  }

  private async end(opening: Promise<Running> | null): Promise<void> {
    const running = await opening?.catch(() => null);
    if (running) {
      await running.care.stop();
      await running.client.close();
      await running.server.stop();
    }
    this.opening = null;
    this.running = null;
    this.session = new AbortController();
    this.events.emit('client', null);
    this.become('stopped');
  }

  private open(): Promise<Running> {
    this.opening ??= this.begin(this.session.signal).catch((thrown) => {
      this.opening = null;
      const error = asNightflowError(thrown);
      if (error.code !== 'aborted') this.become('waiting', error.message);
      throw error;
    });
    return this.opening;
  }

  private async begin(signal: AbortSignal): Promise<Running> {
    this.become('starting');
    const { server: choice, clock, site } = this.options;
    const server = await openServer(choice, { clock, site, signal, emit: (event) => this.hear(event) });
    const { host, port, backOff } = server;
    const client = new IndiClient({ host, port, clock, backOff });
    const running = { server, client, care: this.careOf(client) };
    client.on('connected', () => this.hear({ what: 'connected' }));
    client.on('disconnected', ({ message }) => this.hear({ what: 'disconnected', reason: message }));
    client.on('failure', ({ error }) => this.become('waiting', error.message));
    client.on('fault', (line) => this.hear({ what: 'log', line }));
    client.store.on('event', (event) => {
      if (event.what === 'message') this.hear(event);
    });
    running.care.start();
    this.running = running;
    this.events.emit('client', client);
    return running;
  }

  private careOf(client: IndiClient): DeviceKeeper {
    const { settings = [], connect = [], server, clock } = this.options;
    // A rehearsal's date is not for the clock of a real mount.
    const tellTime = this.options.tellTime && (server.kind === 'simulator' || clock === realClock);
    const optionsOf = (device: string) => settings.find((each) => each.device === device) ?? { device };
    const named = connect === 'all' ? [] : connect.map(optionsOf);
    const care = new DeviceKeeper(client, named, {
      also: () => this.all,
      optionsOf,
      prepare: (device, signal) => tellPlaceAndTime(client, device, { ...this.options, tellTime }, signal),
    });
    care.on('connected', (event) => this.hear({ what: 'device-connected', ...event }));
    care.on('lost', (event) => this.hear({ what: 'device-lost', ...event }));
    care.on('disconnected', (event) => this.hear({ what: 'device-disconnected', ...event }));
    care.on('failure', (event) => this.hear({ what: 'device-failure', ...event }));
    return care;
  }

  private hear(event: ObservatoryEvent): void {
    if (event.what === 'log' || event.what === 'message') {
      const kept = this.pace.pass();
      if (kept === null) return;
      if (kept > 0) this.events.emit('event', { what: 'log', line: `${kept} lines were too many to be shown.` });
    }
    this.events.emit('event', event);
    if (event.what === 'connected') this.become('running');
    else if (event.what === 'disconnected') this.become('waiting', event.reason);
    else if (event.what.startsWith('device-')) this.become(this.state, this.reason);
  }

  private become(state: ObservatoryState, reason: string | null = null): void {
    if (this.session.signal.aborted) return;
    this.state = state;
    this.reason = reason;
    this.events.emit('event', { what: 'state', report: this.report() });
  }

  private async each(
    devices: readonly string[],
    work: (device: string) => Promise<void> | undefined,
  ): Promise<Record<string, NightflowError>> {
    const failures: Record<string, NightflowError> = {};
    await Promise.all(
      devices.map(async (device) => {
        try {
          await work(device);
        } catch (thrown) {
          const error = asNightflowError(thrown);
          if (error.code === 'aborted') throw error;
          failures[device] = error;
        }
      }),
    );
    return failures;
  }
}
