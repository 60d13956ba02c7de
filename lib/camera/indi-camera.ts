/** A camera on an INDI server as one of ours: FITS from the driver to Frames, and its focuser beside it. */

import type { BayerPattern, Frame } from '../frame/frame.ts';
import { IndiClient } from '../indi/client.ts';
import type { SavedSetting } from '../indi/device-care.ts';
import { IndiCamera, type IndiPicture } from '../indi/devices/camera.ts';
import { describeCameraSettings, readCameraSetting, writeCameraSetting } from '../indi/devices/camera-settings.ts';
import { IndiFocuser } from '../indi/devices/focuser.ts';
import { refuseStreaming } from '../indi/devices/stream.ts';
import { askGps } from '../indi/devices/stream-gps.ts';
import { transferFormat } from '../indi/devices/transfer-format.ts';
import { isOn } from '../indi/property.ts';
import { asNightflowError, NightflowError } from '../process/errors.ts';
import type {
  Camera,
  CameraContext,
  CameraInfo,
  CapturedFrame,
  ExposureRequest,
  RecoveryState,
  SettingDescription,
  SettingValue,
} from './camera.ts';
import type { CameraStream, ReferenceTime, StreamRequest } from './camera-stream.ts';
import type { Focuser } from './focuser.ts';
import { HoleCounter } from './hole-counter.ts';
import { frameOf } from './indi-frame.ts';
import { recoverIndiCamera } from './indi-recovery.ts';
import { openIndiStream } from './indi-stream.ts';
import { RecoveryReport } from './recovery.ts';

/** A server whose connection the camera shares with others: it neither makes nor ends one. */
export interface SharedIndiServer {
  /** The device connected, with the settings that are kept for it there. */
  device(name: string, signal?: AbortSignal): Promise<IndiClient>;
}

export interface IndiCameraOptions {
  /** Not read when `server` is given. */
  host: string;
  port: number;
  server?: SharedIndiServer;
  /** As the server names it: 'CCD Simulator'. */
  device: string;
  /** The device that focuses for it; null or empty: none. */
  focuser?: string | null;
  /** Have the drivers load what was saved there, before `settings`. */
  loadConfiguration?: boolean;
  /** Set at each opening. */
  settings?: readonly SavedSetting[];
  /** Runs in the driver's fast mode where it has one. Default true; shorter exposures than a second never are. */
  fastExposure?: boolean;
}

/** For the server; whoever opens or recovers a camera tries again. */
const openSeconds = 5;
/** The driver gives fast mode up when a picture takes longer to send than to expose. */
const shortestFastSeconds = 1;
const longestWarnings = 100;

export class IndiBackendCamera implements Camera {
  private readonly options: IndiCameraOptions;
  private readonly context: CameraContext;
  private client: IndiClient;
  private device: IndiCamera;
  private focus: IndiFocuser | null = null;
  private readonly report: RecoveryReport;
  private told: string[] = [];
  private fastExposure: boolean;

  /** @throws bad-input without a device */
  constructor(options: IndiCameraOptions, context: CameraContext) {
    if (!options.device)
      throw new NightflowError('bad-input', 'No INDI camera is chosen.', {
        remedy: 'Choose the device in the camera’s settings; the INDI server has to be running for the list.',
      });
    this.options = options;
    this.context = context;
    this.report = new RecoveryReport(context.clock);
    this.fastExposure = options.fastExposure ?? true;
    this.client = this.newClient();
    this.device = new IndiCamera(this.client, options.device);
  }

  get info(): CameraInfo {
    const { device } = this.options;
    const sensor = this.device.sensor();
    return {
      id: device,
      name: device,
      backend: 'indi',
      sensor: sensor && { ...sensor, bayer: bayerOf(sensor.bayer) },
    };
  }

  /** One that can't be opened leaves no connection behind that goes on trying. */
  async open(signal?: AbortSignal): Promise<void> {
    try {
      await this.connect(signal);
    } catch (thrown) {
      if (this.options.server) throw thrown;
      await this.client.close();
      this.client = this.newClient();
      this.device = new IndiCamera(this.client, this.options.device);
      throw thrown;
    }
  }

  async settings(): Promise<readonly SettingDescription[]> {
    const described: SettingDescription[] = describeCameraSettings(this.device.find);
    if (this.device.canFast) described.push({ name: 'fastExposure', label: 'Fast exposures', type: 'boolean' });
    return described;
  }

  async get(name: string): Promise<SettingValue> {
    if (name === 'fastExposure') return this.fastExposure;
    return readCameraSetting(this.options.device, this.device.find, name);
  }

  async set(name: string, value: SettingValue): Promise<SettingValue> {
    if (name !== 'fastExposure') return writeCameraSetting(this.client, this.options.device, name, value);
    if (typeof value !== 'boolean') throw new NightflowError('bad-input', `${name} is true or false, not ${value}.`);
    this.fastExposure = value;
    return value;
  }

  async expose(request: ExposureRequest, signal?: AbortSignal): Promise<Frame> {
    this.check(request);
    // Prepared only when it is its turn: a dark that waits must not close the shutter of the light before it.
    const picture = await this.client.exclusively(this.options.device, { signal }, async (stop) => {
      await this.prepare(request, stop);
      return this.device.exposeNow(request.exposureSeconds, stop);
    });
    return this.developed(picture, request, signal);
  }

  async *exposures(request: ExposureRequest, signal?: AbortSignal): AsyncIterable<CapturedFrame> {
    this.check(request);
    await this.prepare(request, signal);
    const fast = this.fastExposure && request.exposureSeconds >= shortestFastSeconds;
    const told = (sentence: string) => this.tell(sentence);
    const holes = new HoleCounter(request.exposureSeconds);
    const off = this.client.onDisconnected(() => holes.broke());
    let lastEnd: number | null = null;
    try {
      for await (const picture of this.device.pictures(request.exposureSeconds, { fast, told, signal })) {
        const frame = await this.developed(picture, request, signal);
        const start = millisecondsOf(frame.start);
        // To the millisecond, as drivers stamp.
        const gap = start === null || lastEnd === null ? null : Math.round(start - lastEnd) / 1000;
        lastEnd = millisecondsOf(frame.end);
        if (this.device.isSlow) holes.ended();
        const lostBefore = holes.missingBefore(start);
        if (lostBefore > 0) this.tell(`${lostBefore} of its frames were lost while the connection was away.`);
        yield { frame, gapSeconds: gap, lostBefore };
      }
    } finally {
      off();
    }
  }

  /** A DSLR's driver that is to send its pictures as they are. */
  bringsOriginals(): boolean {
    return isOn(this.device.find(transferFormat.property), transferFormat.own);
  }

  async stream(request: StreamRequest, signal?: AbortSignal): Promise<CameraStream> {
    const { device, host } = this.options;
    // Whoever waits for an instant connects it again.
    if (!this.device.sensor()) throw new NightflowError('lost', `${device} is not there.`);
    await this.prepare(request, signal);
    return openIndiStream({ client: this.client, device, host, site: this.context.site }, request, signal);
  }

  /** Of a GPS device that is connected on the same server. */
  referenceTime(signal?: AbortSignal): Promise<ReferenceTime | null> {
    return askGps(this.client, signal);
  }

  warnings(): readonly string[] {
    const told = this.told;
    this.told = [];
    return told;
  }

  async focuser(): Promise<Focuser | null> {
    return this.focus;
  }

  /** Ends an exposure that hangs, and connects the device anew where its driver or the server was away. */
  async recover(signal?: AbortSignal): Promise<void> {
    const { device, server } = this.options;
    const lost = {
      device,
      reach: (stop: AbortSignal) =>
        server ? this.share(server, stop) : this.client.start({ timeoutSeconds: openSeconds, signal: stop }),
      connect: (stop: AbortSignal) => this.connect(stop),
      now: () => ({ client: this.client, camera: this.device }),
    };
    await recoverIndiCamera(lost, this.report, signal);
  }

  onRecovery(listener: (state: RecoveryState | null) => void): () => void {
    return this.report.on(listener);
  }

  /** The device stays connected: other programs may use it. */
  async close(): Promise<void> {
    await this.device.close();
    if (!this.options.server) await this.client.close();
  }

  /** The server's client is another one after it was stopped and started. */
  private async share(server: SharedIndiServer, signal?: AbortSignal): Promise<void> {
    const client = await server.device(this.options.device, signal);
    if (client === this.client) return;
    this.client = client;
    this.device = new IndiCamera(client, this.options.device);
  }

  private newClient(): IndiClient {
    const { host, port } = this.options;
    return new IndiClient({ host, port, clock: this.context.clock });
  }

  private async connect(signal?: AbortSignal): Promise<void> {
    const { server, loadConfiguration, settings, focuser } = this.options;
    if (server) await this.share(server, signal);
    else await this.reach(signal);
    for (const complaint of await this.device.open({ loadConfiguration, settings }, signal)) this.tell(complaint);
    if (focuser) {
      await server?.device(focuser, signal).catch(() => {});
      const connected = IndiFocuser.connect(this.client, { device: focuser, loadConfiguration }, signal);
      this.focus = await connected.catch((thrown) => {
        const error = asNightflowError(thrown);
        if (error.code === 'aborted') throw error;
        // Pictures can be taken all the same.
        this.tell(`The focuser ${focuser} can't be used: ${error.message}`);
        return null;
      });
    }
  }

  private async reach(signal?: AbortSignal): Promise<void> {
    const { host, port } = this.options;
    await this.client.start({ timeoutSeconds: openSeconds, signal }).catch((thrown) => {
      const { code, message } = asNightflowError(thrown);
      throw new NightflowError(code, message, {
        cause: thrown,
        remedy: `Start an INDI server on ${host}:${port}, for instance: indiserver indi_simulator_ccd`,
      });
    });
  }

  /** @throws bad-input, busy (a video runs) */
  private check({ exposureSeconds }: ExposureRequest): void {
    const sensor = this.device.sensor();
    refuseStreaming(this.options.device, this.device.find);
    if (!sensor) throw new NightflowError('lost', `${this.options.device} is not there.`);
    const { minimumExposureSeconds: low, maximumExposureSeconds: high } = sensor;
    const possible =
      Number.isFinite(exposureSeconds) && exposureSeconds >= (low ?? 0) && exposureSeconds <= (high ?? Infinity);
    if (possible) return;
    throw new NightflowError('bad-input', `${this.options.device} can't expose for ${exposureSeconds} s.`, {
      remedy: `It takes ${low ?? 0} to ${high ?? 'any number of'} s.`,
    });
  }

  /** What the request says and the device has not yet. */
  private async prepare({ gain, offset, kind }: ExposureRequest, signal?: AbortSignal): Promise<void> {
    const { device } = this.options;
    const offered = new Set(describeCameraSettings(this.device.find).map(({ name }) => name));
    const wanted = { gain, offset, frameType: offered.has('frameType') ? (kind ?? 'light') : undefined };
    for (const [name, value] of Object.entries(wanted)) {
      if (value === undefined) continue;
      if (offered.has(name) && readCameraSetting(device, this.device.find, name) === value) continue;
      await writeCameraSetting(this.client, device, name, value, signal);
    }
  }

  private developed(picture: IndiPicture, request: ExposureRequest, signal?: AbortSignal): Promise<Frame> {
    this.report.end();
    const { site, clock } = this.context;
    const tell = (problem: string) => this.tell(problem);
    return frameOf(picture, { camera: this.options.device, site, request, clock, tell, signal });
  }

  private tell(sentence: string): void {
    this.told = [...this.told, sentence].slice(-longestWarnings);
  }
}

function bayerOf(word: string | null): BayerPattern | null {
  const patterns: readonly BayerPattern[] = ['RGGB', 'BGGR', 'GRBG', 'GBRG'];
  return patterns.find((pattern) => pattern === word?.trim().toUpperCase()) ?? null;
}

const millisecondsOf = (time: string | null): number | null => (time === null ? null : Date.parse(time));
