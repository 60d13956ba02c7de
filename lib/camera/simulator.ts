/** The simulated camera: renders the real sky of the clock's moment over its site, as one of the known sensors would see it. */
import { abortError, type Clock } from '../clock/clock.ts';
import type { Frame, FrameSite } from '../frame/frame.ts';
import { job, sharedPool } from '../kernels/pool.ts';
import { asNightflowError, NightflowError } from '../process/errors.ts';
import type { Rendering, Scene } from '../sky/render/scene.ts';
import type {
  Camera,
  CameraBackend,
  CameraContext,
  CameraInfo,
  CapturedFrame,
  ExposureRequest,
  SettingDescription,
  SettingValue,
} from './camera.ts';
import type { CameraStream, StreamRequest } from './camera-stream.ts';
import { type CameraSensor, deadSeconds, type SensorName, sensorNames, sensors } from './sensors.ts';
import { SimulatedFocuser } from './simulated-focuser.ts';
import { frameOf } from './simulated-frame.ts';
import { simulatedStream } from './simulated-stream.ts';
import {
  checkExposure,
  describeSettings,
  type SimulatorSettings,
  sceneOf,
  sensorNamed,
  settingsFrom,
  withSetting,
} from './simulator-settings.ts';

export interface SimulatorOptions extends Partial<SimulatorSettings> {
  sensor: SensorName;
  /** Another seed is another specimen of the sensor under other clouds, meteors and hills. */
  seed?: number;
  /** Finished frames that wait for a slow consumer; then the oldest are lost, as with a real camera. */
  bufferFrames?: number;
}

const renderScene = job<Scene, Rendering>(new URL('../sky/render/render.job.ts', import.meta.url), 'renderScene');

/** As many as rpicam-apps keep. */
const usualBufferFrames = 6;
/** For a camera without a site. */
const greenwich: FrameSite = { name: 'Greenwich', latitude: 51.4779, longitude: -0.0015, elevation: 46 };

export const simulatorBackend: CameraBackend<SimulatorOptions> = {
  name: 'simulator',
  list: async () => sensorNames.map(infoOf),
  create: (options, context) => new SimulatedCamera(options, context),
};

interface Exposure {
  frame: Promise<Frame>;
  startMilliseconds: number;
  endMilliseconds: number;
}

export class SimulatedCamera implements Camera {
  readonly info: CameraInfo;
  private readonly sensorName: SensorName;
  private readonly sensor: CameraSensor;
  private readonly clock: Clock;
  private readonly site: FrameSite;
  private readonly seed: number;
  private readonly bufferFrames: number;
  private readonly closing = new AbortController();
  private readonly drive: SimulatedFocuser;
  private current: SimulatorSettings;
  private exposing = false;

  /** @throws bad-input for options that can't be. */
  constructor(options: SimulatorOptions, { clock, site }: CameraContext) {
    this.sensorName = options.sensor;
    this.sensor = sensorNamed(options.sensor);
    this.info = infoOf(options.sensor);
    this.clock = clock;
    this.site = site ?? greenwich;
    this.seed = options.seed ?? 1;
    this.bufferFrames = options.bufferFrames ?? usualBufferFrames;
    this.current = settingsFrom(options, this.sensor);
    this.drive = new SimulatedFocuser(clock, () => this.current, this.closing.signal);
  }

  async open(): Promise<void> {}

  async settings(): Promise<readonly SettingDescription[]> {
    return describeSettings(this.sensor);
  }

  async get(name: string): Promise<SettingValue> {
    if (name === 'defocusPixels') return this.drive.defocusPixels;
    if (Object.hasOwn(this.current, name)) return this.current[name as keyof SimulatorSettings];
    throw new NightflowError('bad-input', `The simulated camera has no setting "${name}".`);
  }

  /** In force from the next exposure on. */
  async set(name: string, value: SettingValue): Promise<SettingValue> {
    this.current = withSetting(this.current, this.sensor, name, value);
    if (name === 'defocusPixels') this.drive.unfocus(this.current.defocusPixels);
    return this.get(name);
  }

  /** The simulated drive is always the same one; null when the settings take it away. */
  async focuser(): Promise<SimulatedFocuser | null> {
    return this.current.focuserDrive === 'none' ? null : this.drive;
  }

  async expose(request: ExposureRequest, signal?: AbortSignal): Promise<Frame> {
    this.begin(request);
    try {
      const stop = this.stopSignal(signal);
      return await this.finish(this.start(request, this.clock.now(), stop), stop);
    } finally {
      this.exposing = false;
    }
  }

  /**
   * A frame starts where the one before ended, plus the sensor's few lines. Its rendering begins with its exposure and goes on beside it; a
   * consumer or a machine too slow for the clock loses whole frames, and `lostBefore` says how many.
   */
  async *exposures(request: ExposureRequest, signal?: AbortSignal): AsyncGenerator<CapturedFrame> {
    this.begin(request);
    const leaving = new AbortController();
    const stop = AbortSignal.any([this.stopSignal(signal), leaving.signal]);
    const deadMilliseconds = deadSeconds(this.sensorName, request.exposureSeconds) * 1000;
    const period = request.exposureSeconds * 1000 + deadMilliseconds;
    try {
      let previousEnd: number | null = null;
      let lost = 0;
      let exposure = this.start(request, this.clock.now(), stop);
      for (;;) {
        const frame = await this.finish(exposure, stop);
        const { startMilliseconds, endMilliseconds } = exposure;
        const captured: CapturedFrame = {
          frame,
          gapSeconds: previousEnd === null ? null : (startMilliseconds - previousEnd) / 1000,
          lostBefore: lost,
        };
        previousEnd = endMilliseconds;
        const waiting = Math.floor((this.clock.now() - endMilliseconds) / period);
        lost = Math.max(0, waiting - this.bufferFrames);
        exposure = this.start(request, endMilliseconds + deadMilliseconds + lost * period, stop);
        yield captured;
      }
    } finally {
      leaving.abort();
      this.exposing = false;
    }
  }

  /** As the exposures, which go on while nobody waits for them. @throws bad-input, busy, lost */
  async stream(request: StreamRequest): Promise<CameraStream> {
    this.check(request);
    const { clock } = this;
    return simulatedStream((signal) => this.exposures(request, signal), {
      clock,
      exposureSeconds: request.exposureSeconds,
    });
  }

  async recover(): Promise<void> {}

  async close(): Promise<void> {
    this.closing.abort();
  }

  private begin(request: ExposureRequest): void {
    this.check(request);
    this.exposing = true;
  }

  private check(request: ExposureRequest): void {
    checkExposure(this.sensor, request.exposureSeconds);
    this.requested(request);
    if (this.closing.signal.aborted) throw new NightflowError('lost', 'The simulated camera is closed.');
    if (this.exposing) throw new NightflowError('busy', 'The simulated camera is exposing already.');
  }

  /** The settings with what the request overrides. @throws bad-input */
  private requested(request: ExposureRequest): SimulatorSettings {
    let settings: SimulatorSettings = { ...this.current, defocusPixels: this.drive.defocusPixels };
    if (request.gain !== undefined) settings = withSetting(settings, this.sensor, 'gain', request.gain);
    if (request.offset !== undefined) settings = withSetting(settings, this.sensor, 'offset', request.offset);
    return settings;
  }

  /** Opens the shutter. A rehearsal clock that jumps waits for the rendering. */
  private start(request: ExposureRequest, startMilliseconds: number, signal: AbortSignal): Exposure {
    const { exposureSeconds, kind = 'light' } = request;
    const { site, seed } = this;
    const scene = sceneOf(this.requested(request), this.sensor, {
      seed,
      site,
      startMilliseconds,
      exposureSeconds,
      kind,
    });
    const release = this.clock.hold();
    const frame = sharedPool()
      .run(renderScene, scene, { signal })
      .then((rendering) => frameOf(scene, rendering, this.info.name, site, request.target ?? null))
      .finally(release);
    // Nobody waits any more for a frame that is left behind.
    frame.catch(() => {});
    return { frame, startMilliseconds, endMilliseconds: startMilliseconds + exposureSeconds * 1000 };
  }

  private async finish({ frame, endMilliseconds }: Exposure, signal: AbortSignal): Promise<Frame> {
    try {
      const rendered = await frame;
      const left = endMilliseconds - this.clock.now();
      if (left > 0) await this.clock.sleep(left, signal);
      if (signal.aborted) throw abortError(signal);
      return rendered;
    } catch (thrown) {
      throw asNightflowError(thrown);
    }
  }

  private stopSignal(signal: AbortSignal | undefined): AbortSignal {
    return signal ? AbortSignal.any([signal, this.closing.signal]) : this.closing.signal;
  }
}

function infoOf(name: SensorName): CameraInfo {
  const { label, width, height, pixelSizeMicrometres, bayer, bitsPerSample, ...sensor } = sensors[name];
  return {
    id: name,
    name: `Simulated ${label}`,
    backend: 'simulator',
    sensor: {
      width,
      height,
      pixelSizeMicrometres,
      bayer,
      bitsPerSample,
      minimumExposureSeconds: sensor.minimumExposureSeconds,
      maximumExposureSeconds: sensor.maximumExposureSeconds,
    },
  };
}
