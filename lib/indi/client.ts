/**
 * The INDI client: keeps a connection to a server, and a second one for BLOBs when there is a wish for any, comes back by
 * itself, and sends commands. After a reconnect only questions and subscriptions are repeated, never a command.
 */
import { type Clock, realClock } from '../clock/clock.ts';
import { asNightflowError, NightflowError } from '../process/errors.ts';
import { Events, type Listener } from '../process/events.ts';
import { type BackOff, backOffSeconds } from '../process/retry.ts';
import { BlobChannel } from './blob/channel.ts';
import { BlobSubscriptions } from './blob/subscriptions.ts';
import type { BlobArrival } from './blob/traffic.ts';
import { type CommandRequest, type CommandResult, followRunning, type Link, runCommand } from './command.ts';
import { DeviceLocks } from './device-lock.ts';
import type { IndiProperty } from './property.ts';
import { type BlobVector, encodeBlobVector } from './protocol/blob-encode.ts';
import type { ProtocolLimits } from './protocol/limits.ts';
import { type IndiMessage, protocolVersion } from './protocol/message.ts';
import { IndiSocket, type ServerAddress, type SocketOptions } from './socket.ts';
import { IndiStore } from './store.ts';
import { waitFor } from './wait.ts';

export interface IndiClientOptions extends ServerAddress {
  /** The observatory's time. */
  clock: Clock;
  connectSeconds?: number;
  heartbeatSeconds?: number;
  limits?: Partial<ProtocolLimits>;
  backOff?: BackOff;
  /** For tests of the network itself. */
  networkClock?: Clock;
}

export interface IndiClientEvents {
  /** The server was asked for its devices; their definitions follow. */
  connected: ServerAddress;
  /** Why; all devices are gone from the store by then. */
  disconnected: NightflowError;
  /** A connection did not come about; the next try is in so many seconds. */
  failure: { error: NightflowError; waitSeconds: number };
  blob: BlobArrival;
  /** What another client asked of a device: the server repeats it to everyone. */
  wish: Extract<IndiMessage, { tag: 'new' }>;
  /** Bytes or messages that were passed over, a sentence each. */
  fault: string;
}

const defaultBackOff: BackOff = { firstSeconds: 0.5, factor: 2, maximumSeconds: 30, jitter: 0.5 };
/** A connection that held for so long starts the waits anew. */
const goodSeconds = 10;

export class IndiClient implements Link {
  readonly store: IndiStore;
  readonly clock: Clock;
  readonly networkClock: Clock;
  private readonly options: IndiClientOptions;
  private readonly events = new Events<IndiClientEvents>();
  private readonly locks = new DeviceLocks();
  private readonly stop = new AbortController();
  private readonly blobs: BlobSubscriptions;
  /** Ends the commands of a device; a new one after each use. */
  private readonly interrupts = new Map<string, AbortController>();
  private socket: IndiSocket | null = null;
  private running: Promise<void> | null = null;

  constructor(options: IndiClientOptions) {
    this.options = options;
    this.clock = options.clock;
    this.networkClock = options.networkClock ?? realClock;
    this.store = new IndiStore(options.clock);
    this.store.on('fault', (fault) => this.events.emit('fault', fault));
    this.blobs = new BlobSubscriptions({
      open: (signal) => BlobChannel.open({ ...this.socketOptions(), signal }),
      clock: this.networkClock,
      backOff: options.backOff ?? defaultBackOff,
      onBlob: (arrival) => this.events.emit('blob', arrival),
      onFault: (fault) => this.events.emit('fault', fault),
    });
    // A driver that was started again does not know who wanted its pictures.
    this.store.on('event', (event) => {
      if (event.what !== 'defined' || event.previous || event.property.type !== 'blob') return;
      this.blobs.renew(event.property.device, event.property.name);
    });
  }

  get connected(): boolean {
    return this.socket !== null;
  }

  /** Aborts with `close`: then nothing comes back. */
  get closed(): AbortSignal {
    return this.stop.signal;
  }

  on<Name extends keyof IndiClientEvents>(name: Name, listener: Listener<IndiClientEvents[Name]>): () => void {
    return this.events.on(name, listener);
  }

  onBlob(listener: (arrival: BlobArrival) => void): () => void {
    return this.events.on('blob', listener);
  }

  onDisconnected(listener: (reason: string) => void): () => void {
    return this.events.on('disconnected', ({ message }) => listener(message));
  }

  /** Connects, and from then on again and again until `close`. Resolves with the first connection. @throws aborted, timeout */
  async start(options: { timeoutSeconds?: number; signal?: AbortSignal } = {}): Promise<void> {
    this.running ??= this.keepConnected();
    const { timeoutSeconds = 30 } = options;
    const signal = options.signal ? AbortSignal.any([options.signal, this.stop.signal]) : this.stop.signal;
    let last: NightflowError | null = null;
    const off = this.on('failure', ({ error }) => {
      last = error;
    });
    try {
      await waitFor(
        (listener) => this.on('connected', listener),
        () => this.connected || undefined,
        { clock: this.networkClock, timeoutSeconds, signal, what: 'the INDI server' },
      );
    } catch (error) {
      throw last && asNightflowError(error).code === 'timeout' ? last : error;
    } finally {
      off();
    }
  }

  /** Ends both connections; running commands end as disconnected. */
  async close(): Promise<void> {
    this.stop.abort();
    this.blobs.close();
    this.socket?.close();
    await this.running;
  }

  /** @throws lost when there is no connection; bad-input for what XML can't carry */
  send(message: IndiMessage): void {
    if (!this.socket) throw new NightflowError('lost', 'There is no connection to the INDI server.');
    this.socket.send(message);
  }

  /** Content for a device (firmware, a picture to show). @throws lost */
  async sendBlob(vector: Omit<BlobVector, 'tag' | 'state'>): Promise<void> {
    if (!this.socket) throw new NightflowError('lost', 'There is no connection to the INDI server.');
    await this.socket.writeAll(encodeBlobVector({ ...vector, tag: 'new' }));
  }

  /** One command, after those before it on the same device and lane. @throws bad-input (nothing was sent) */
  command(request: CommandRequest & { lane?: string }): Promise<CommandResult> {
    const { device, lane, signal } = request;
    return this.exclusively(device, { lane, signal }, (signal) => this.commandNow({ ...request, signal })).catch(
      (error: unknown) => {
        if (asNightflowError(error).code !== 'aborted') throw error;
        return { status: 'aborted', reason: 'stopped', property: null, history: [] };
      },
    );
  }

  /** Past the queue: for aborts, and for the steps inside `exclusively`. @throws bad-input */
  async commandNow(request: CommandRequest): Promise<CommandResult> {
    return runCommand(this, request);
  }

  /**
   * Several steps on a device that no other command may come between. A lane of its own ('cooler') runs beside the others.
   * @param work Is given the signal that also `interrupt` aborts.
   */
  exclusively<T>(
    device: string,
    options: { lane?: string; signal?: AbortSignal },
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { lane = 'main' } = options;
    const interrupt = this.interruptOf(device, lane).signal;
    const signal = options.signal ? AbortSignal.any([options.signal, interrupt]) : interrupt;
    return this.locks.run(JSON.stringify([device, lane]), signal, () => work(signal));
  }

  /** Ends what runs and what waits on a device's lane as aborted: for whoever stops it, before sending the abort. */
  interrupt(device: string, lane = 'main'): void {
    const key = JSON.stringify([device, lane]);
    this.interrupts.get(key)?.abort();
    this.interrupts.delete(key);
  }

  /** What the device was doing before we (re)connected, followed to its end; null when it does nothing. */
  follow(request: Omit<CommandRequest, 'values'>): Promise<CommandResult> | null {
    return followRunning(this, request);
  }

  /** Asks for the BLOBs of a property, also after each reconnect, until the returned function is called. */
  enableBlobs(device: string, property: string, signal?: AbortSignal): Promise<() => void> {
    return this.blobs.enable(device, property, signal);
  }

  /** The property once it is there (and `ready`). @throws timeout, aborted */
  waitForProperty(
    device: string,
    name: string,
    options: { timeoutSeconds: number; signal?: AbortSignal; ready?: (property: IndiProperty) => boolean },
  ): Promise<IndiProperty> {
    const { timeoutSeconds, signal, ready = () => true } = options;
    return waitFor(
      (listener) => this.store.on('event', listener),
      () => {
        const property = this.store.property(device, name);
        return property && ready(property) ? property : undefined;
      },
      { clock: this.networkClock, timeoutSeconds, signal, what: `${device}.${name}` },
    );
  }

  /** Whether the device's driver answers: the server answers pings also for one that hangs. */
  async probe(device: string, options: { timeoutSeconds?: number; signal?: AbortSignal } = {}): Promise<boolean> {
    const { timeoutSeconds = 5, signal } = options;
    const name = this.store.property(device, 'CONNECTION')?.name ?? this.store.properties(device).at(0)?.name;
    if (!this.connected || !name) return false;
    const since = this.store.revision;
    this.send({ tag: 'getProperties', version: protocolVersion, device, name });
    try {
      await this.waitForProperty(device, name, { timeoutSeconds, signal, ready: ({ revision }) => revision > since });
      return true;
    } catch (error) {
      if (asNightflowError(error).code === 'timeout') return false;
      throw error;
    }
  }

  private interruptOf(device: string, lane: string): AbortController {
    const key = JSON.stringify([device, lane]);
    const made = this.interrupts.get(key) ?? new AbortController();
    this.interrupts.set(key, made);
    return made;
  }

  private socketOptions(): SocketOptions {
    const { host, port, connectSeconds, heartbeatSeconds, limits } = this.options;
    return { host, port, connectSeconds, heartbeatSeconds, limits };
  }

  private async keepConnected(): Promise<void> {
    const { signal } = this.stop;
    for (let failures = 0; !signal.aborted; ) {
      const error = await this.connection();
      failures = error.heldSeconds > goodSeconds ? 1 : failures + 1;
      if (signal.aborted) return;
      const waitSeconds = backOffSeconds(failures, this.options.backOff ?? defaultBackOff);
      this.events.emit('failure', { error: error.reason, waitSeconds });
      await this.networkClock.sleep(waitSeconds * 1000, signal).catch(() => {});
    }
  }

  /** One connection from its beginning to its end. */
  private async connection(): Promise<{ reason: NightflowError; heldSeconds: number }> {
    const startedAt = performance.now();
    let socket: IndiSocket;
    try {
      socket = await IndiSocket.connect({ ...this.socketOptions(), signal: this.stop.signal }, this.sink);
    } catch (error) {
      return { reason: asNightflowError(error), heldSeconds: 0 };
    }
    this.socket = socket;
    socket.send({ tag: 'getProperties', version: protocolVersion, device: null, name: null });
    this.blobs.connected();
    this.events.emit('connected', { host: this.options.host, port: this.options.port });
    const reason = await socket.closed;
    this.socket = null;
    this.blobs.disconnected();
    // Commands first: for them the connection broke, not their device.
    this.events.emit('disconnected', reason);
    this.store.clear();
    return { reason, heldSeconds: (performance.now() - startedAt) / 1000 };
  }

  private readonly sink = {
    message: (message: IndiMessage) => {
      if (message.tag === 'new') this.events.emit('wish', message);
      else this.store.take(message);
    },
    fault: ({ text }: { text: string }) => this.events.emit('fault', text),
  };
}
