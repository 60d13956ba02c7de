/**
 * Connects devices with their settings, and again when their driver or the server comes back. Settings only: whatever moves
 * is never repeated.
 */
import { asNightflowError, NightflowError, throwIfAborted } from '../process/errors.ts';
import { Events, type Listener } from '../process/events.ts';
import { type BackOff, retry } from '../process/retry.ts';
import type { IndiClient } from './client.ts';
import { requireOk } from './command.ts';
import { switched } from './completion.ts';
import { isOn } from './property.ts';
import type { WantedValues } from './validate.ts';
import { waitFor } from './wait.ts';

export interface SavedSetting {
  property: string;
  values: WantedValues;
}

export interface DeviceCareOptions {
  device: string;
  /** In this order. Those whose property is there before connecting (port, baud rate) are set before it. */
  settings?: readonly SavedSetting[];
  /** Have the driver load its own saved configuration, before `settings`. */
  loadConfiguration?: boolean;
  /** How long the hardware may take to connect, s. 60. */
  connectSeconds?: number;
  /** How long after that the properties of all settings together may take to be defined, s. 10. */
  settingSeconds?: number;
}

/** Definitions come in a burst, on real hardware with pauses of seconds between: so long without one, and they are complete. */
const quietSeconds = 0.5;
const definitionSeconds = 15;

/** What moves, exposes or records: never among the settings, since settings are repeated. */
const actions =
  /^(?:EQUATORIAL_|HORIZONTAL_COORD|TARGET_|TELESCOPE_(?:PARK|HOME|MOTION_|TIMED_GUIDE_|ABORT_|TRACK_STATE)|.*_ABORT_|CCD_EXPOSURE|GUIDER_EXPOSURE|CCD_VIDEO_STREAM|RECORD_STREAM|(?:ABS|REL)_|FOCUS_(?:MOTION|TIMER|SYNC)|DOME_(?:PARK|SHUTTER|MOTION|GOTO)|FILTER_SLOT|CONNECTION)/;

/**
 * Connects one device and gives it its settings.
 * @returns sentences about settings that the device did not take
 * @throws bad-input (unknown device, a motion among the settings), rejected, timeout, lost, aborted
 */
export async function connectDevice(
  client: IndiClient,
  options: DeviceCareOptions,
  signal?: AbortSignal,
): Promise<string[]> {
  const { device, settings = [], connectSeconds = 60, settingSeconds = 10 } = options;
  const motion = settings.find(({ property }) => actions.test(property));
  if (motion)
    throw new NightflowError('bad-input', `${motion.property} of ${device} moves or takes pictures: it is no setting.`);
  await client.waitForProperty(device, 'CONNECTION', { timeoutSeconds: definitionSeconds, signal }).catch((thrown) => {
    const error = asNightflowError(thrown);
    if (error.code !== 'timeout') throw error;
    const devices = client.store.devices();
    throw new NightflowError('lost', `The INDI server has no device ${device}.`, {
      remedy: devices.length > 0 ? `It has: ${devices.join(', ')}.` : 'It has none: check its list of drivers.',
    });
  });
  const complaints: string[] = [];
  const apply = async (list: readonly SavedSetting[]) => {
    for (const { property, values } of list) {
      throwIfAborted(signal);
      try {
        requireOk(await client.command({ device, property, values, signal, timeoutSeconds: 30 }));
      } catch (thrown) {
        const error = asNightflowError(thrown);
        if (error.code === 'aborted' || error.code === 'lost') throw error;
        complaints.push(error.message);
      }
    }
  };
  const isThere = ({ property }: SavedSetting) => client.store.property(device, property) !== undefined;
  const connected = isOn(client.store.property(device, 'CONNECTION'), 'CONNECT');
  // A port or a baud rate may be defined just after CONNECTION.
  if (!connected && !settings.every(isThere)) await definitionsComplete(client, device, signal);
  const before = connected ? [] : settings.filter(isThere);
  if (!connected) {
    await apply(before);
    const values = { CONNECT: true };
    const judge = switched('CONNECTION', 'CONNECT');
    const request = { device, property: 'CONNECTION', values, judge, timeoutSeconds: connectSeconds, signal };
    requireOk(await client.command(request));
    await definitionsComplete(client, device, signal);
  }
  if (options.loadConfiguration && client.store.property(device, 'CONFIG_PROCESS')) {
    await apply([{ property: 'CONFIG_PROCESS', values: { CONFIG_LOAD: true } }]);
    await definitionsComplete(client, device, signal);
  }
  // One at a time: a setting may make the property of the next one appear. What never comes is waited for once, not each.
  const { networkClock: clock } = client;
  const latest = clock.now() + settingSeconds * 1000;
  for (const setting of settings.filter((each) => !before.includes(each))) {
    const timeoutSeconds = Math.max(0, latest - clock.now()) / 1000;
    if (!isThere(setting)) await defined(client, device, setting.property, timeoutSeconds, signal);
    await apply([setting]);
  }
  return complaints;
}

/** Disconnects a device; what was not connected is fine. @throws rejected, timeout, lost, aborted */
export async function disconnectDevice(client: IndiClient, device: string, signal?: AbortSignal): Promise<void> {
  if (!isOn(client.store.property(device, 'CONNECTION'), 'CONNECT')) return;
  const judge = switched('CONNECTION', 'DISCONNECT');
  const values = { DISCONNECT: true };
  requireOk(await client.command({ device, property: 'CONNECTION', values, judge, timeoutSeconds: 30, signal }));
}

/** Drivers define the properties of a connected device after they said Ok, some of them seconds later. */
async function defined(
  client: IndiClient,
  device: string,
  property: string,
  timeoutSeconds: number,
  signal?: AbortSignal,
): Promise<void> {
  await client.waitForProperty(device, property, { timeoutSeconds, signal }).catch((thrown) => {
    // Then the command says that it is not there.
    if (asNightflowError(thrown).code !== 'timeout') throw thrown;
  });
}

async function definitionsComplete(client: IndiClient, device: string, signal?: AbortSignal): Promise<void> {
  const { networkClock: clock } = client;
  for (let waited = 0; waited < definitionSeconds; waited += quietSeconds) {
    const before = client.store.properties(device).length;
    await clock.sleep(quietSeconds * 1000, signal);
    if (client.store.properties(device).length === before) return;
  }
}

interface CareEvents {
  connected: { device: string; complaints: readonly string[] };
  /** Its driver ended, or the server is gone: it is connected again when it is back. */
  lost: { device: string };
  /** Somebody disconnected it on purpose, perhaps another program. */
  disconnected: { device: string };
  /** One try failed; more follow. */
  failure: { device: string; error: NightflowError };
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
export class DeviceCare {
  private readonly client: IndiClient;
  private readonly hooks: CareHooks;
  private readonly kept: Map<string, DeviceCareOptions>;
  private readonly events = new Events<CareEvents>();
  private readonly ready = new Set<string>();
  private readonly busy = new Map<string, Promise<void>>();
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
    return this.ready.has(device);
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
    await Promise.all(this.busy.values());
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
    const work = retry((signal) => this.connect(options, signal), {
      clock: this.client.networkClock,
      signal: this.ended.signal,
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
        if (!this.ended.signal.aborted) this.events.emit('failure', { device, error });
      },
    );
    this.busy.set(
      device,
      work.finally(() => {
        this.busy.delete(device);
        // It may have come back while the last try was failing.
        const back = this.client.store.property(device, 'CONNECTION');
        if (back && !hopeless && !this.ready.has(device) && !this.ended.signal.aborted) this.retryLater(device);
      }),
    );
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
