/**
 * Keeps devices connected with their settings, also when their driver or the server was away. Whatever moves is never repeated.
 */
import { asNightflowError, NightflowError, throwIfAborted } from '../process/errors.ts';
import { Events, type Listener } from '../process/events.ts';
import { type BackOff, retry } from '../process/retry.ts';
import type { IndiClient } from './client.ts';
import { connectDevice, type DeviceCareOptions, disconnectDevice } from './device-care.ts';
import { isOn } from './property.ts';
import { waitFor } from './wait.ts';

interface CareEvents {
  connected: { device: string; complaints: readonly string[] };
  /** Its driver ended, or the server is gone: it is connected again when it is back. */
  lost: { device: string };
  /** Somebody disconnected it on purpose, perhaps another program. */
  disconnected: { device: string };
  /** One try failed; more follow. */
  failure: { device: string; error: NightflowError };
  /** By `release`. */
  released: { device: string };
}

const careBackOff: BackOff = { firstSeconds: 2, factor: 2, maximumSeconds: 60, jitter: 0.5 };

export interface CareHooks {
  /** Whether a device that nobody named is kept connected, too, when it appears. */
  also?: (device: string) => boolean;
  /** Settings of devices that are kept by `also` or `ensure`. */
  optionsOf?: (device: string) => DeviceCareOptions;
  /** Once a device has its settings, before it counts as ready. @returns complaints */
  prepare?: (device: string, signal?: AbortSignal) => Promise<string[]>;
}

/** Keeps devices connected from `start` to `stop`. A device that somebody disconnects on purpose is left alone. */
export class DeviceKeeper {
  private readonly client: IndiClient;
  private readonly hooks: CareHooks;
  private readonly kept: Map<string, DeviceCareOptions>;
  private readonly events = new Events<CareEvents>();
  private readonly ready = new Set<string>();
  private readonly busy = new Map<string, { work: Promise<void>; stop: AbortController }>();
  private readonly ended = new AbortController();
  private off: () => void = () => {};

  constructor(client: IndiClient, devices: readonly DeviceCareOptions[], hooks: CareHooks = {}) {
    this.client = client;
    this.hooks = hooks;
    this.kept = new Map(devices.map((each) => [each.device, each]));
  }

  on<Name extends keyof CareEvents>(name: Name, listener: Listener<CareEvents[Name]>): () => void {
    return this.events.on(name, listener);
  }

  /** Whether it is connected and was given its settings since its driver last started. */
  isReady(device: string): boolean {
    return this.ready.has(device) && isOn(this.client.store.property(device, 'CONNECTION'), 'CONNECT');
  }

  start(): void {
    this.off = this.client.store.on('event', (event) => {
      if (event.what === 'device-deleted' && this.ready.delete(event.device))
        this.events.emit('lost', { device: event.device });
      if (event.what === 'defined' && !event.previous && event.property.name === 'CONNECTION')
        this.appeared(event.property.device);
      if (event.what === 'updated' && event.property.name === 'CONNECTION' && isOn(event.property, 'DISCONNECT'))
        this.wasDisconnected(event.property.device);
    });
    for (const device of this.client.store.devices()) this.appeared(device);
  }

  async stop(): Promise<void> {
    this.off();
    this.ended.abort();
    await Promise.all([...this.busy.values()].map(({ work }) => work));
  }

  /** @throws timeout, aborted */
  async whenReady(device: string, timeoutSeconds: number, signal?: AbortSignal): Promise<void> {
    const { networkClock: clock } = this.client;
    const options = { clock, timeoutSeconds, signal, what: `the device ${device}` };
    await waitFor(
      (listener) => this.on('connected', listener),
      () => this.isReady(device) || undefined,
      options,
    );
  }

  /**
   * The device connected, with its settings, and kept so from now on; at once when it is so already.
   * @throws the reason why the next try fails (more follow by themselves); aborted: only the wait ends
   */
  async ensure(device: string, signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    if (this.isReady(device)) return;
    if (!this.kept.has(device)) this.kept.set(device, this.hooks.optionsOf?.(device) ?? { device });
    const offs: (() => void)[] = [];
    const settled = new Promise<void>((resolve, reject) => {
      const stopped = () => reject(new NightflowError('aborted', 'stopped'));
      for (const each of [signal, this.ended.signal]) {
        each?.addEventListener('abort', stopped, { once: true });
        offs.push(() => each?.removeEventListener('abort', stopped));
      }
      offs.push(
        this.on('connected', (event) => event.device === device && resolve()),
        this.on('failure', (event) => event.device === device && reject(event.error)),
        this.on('released', (event) => event.device === device && stopped()),
      );
    });
    this.care(device);
    await settled.finally(() => {
      for (const off of offs) off();
    });
  }

  /** Disconnects a device and leaves it so. @throws rejected, timeout, lost, aborted */
  async release(device: string, signal?: AbortSignal): Promise<void> {
    this.kept.delete(device);
    const busy = this.busy.get(device);
    busy?.stop.abort();
    this.events.emit('released', { device });
    await busy?.work;
    this.ready.delete(device);
    await disconnectDevice(this.client, device, signal);
  }

  private appeared(device: string): void {
    if (!this.kept.has(device) && this.hooks.also?.(device))
      this.kept.set(device, this.hooks.optionsOf?.(device) ?? { device });
    this.care(device);
  }

  private wasDisconnected(device: string): void {
    if (this.busy.has(device) || !this.ready.delete(device)) return;
    this.kept.delete(device);
    this.events.emit('disconnected', { device });
  }

  private care(device: string): void {
    const options = this.kept.get(device);
    if (!options || this.busy.has(device)) return;
    let hopeless = false;
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, this.ended.signal]);
    const work = retry((signal) => this.connect(options, signal), {
      clock: this.client.networkClock,
      signal,
      backOff: careBackOff,
      // When the driver is gone, its next definition begins anew.
      isTransient: ({ code }) =>
        code !== 'bad-input' && this.kept.has(device) && this.client.store.property(device, 'CONNECTION') !== undefined,
      onFailure: (error) => this.events.emit('failure', { device, error }),
    }).then(
      (complaints) => {
        this.ready.add(device);
        this.events.emit('connected', { device, complaints });
      },
      (thrown) => {
        const error = asNightflowError(thrown);
        hopeless = error.code === 'bad-input';
        if (!signal.aborted) this.events.emit('failure', { device, error });
      },
    );
    const settled = work.finally(() => {
      this.busy.delete(device);
      // It may have come back while the last try was failing.
      const back = this.client.store.property(device, 'CONNECTION');
      if (back && !hopeless && !this.ready.has(device) && !signal.aborted) this.retryLater(device);
    });
    this.busy.set(device, { work: settled, stop });
  }

  private async connect(options: DeviceCareOptions, signal?: AbortSignal): Promise<string[]> {
    const complaints = await connectDevice(this.client, options, signal);
    return [...complaints, ...((await this.hooks.prepare?.(options.device, signal)) ?? [])];
  }

  private retryLater(device: string): void {
    this.client.networkClock.sleep(careBackOff.firstSeconds * 1000, this.ended.signal).then(
      () => this.care(device),
      () => {},
    );
  }
}
