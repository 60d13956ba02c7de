/** A camera backend for tests: small frames as fast as its clock runs, with a script of what goes wrong. `useScriptedCamera` registers it as `scripted`. */
import type { Camera, CameraContext, CapturedFrame, ExposureRequest } from '../../lib/camera/camera.ts';
import { EndOfFrames } from '../../lib/camera/end-of-frames.ts';
import { isoTime } from '../../lib/clock/clock.ts';
import { allocatePixels, Frame } from '../../lib/frame/frame.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import { registerCameraBackend } from '../../nodes/config/camera-backends.ts';

export interface Script {
  width?: number;
  height?: number;
  /** Seconds between two exposures. */
  gapSeconds?: number;
  /** Loses the camera at these exposures (counted from 1 over its life). */
  loseAt?: number[];
  /** Ends by itself after so many. */
  frames?: number;
  openFails?: string;
  /** What happens while this exposure (counted from 1 over its life) is under way. */
  during?: (exposure: number) => Promise<void>;
}

export class ScriptedCamera implements Camera {
  readonly info;
  readonly script: Script;
  readonly requests: ExposureRequest[] = [];
  readonly calls: string[] = [];
  taken = 0;
  private readonly context: CameraContext;

  constructor(script: Script, context: CameraContext) {
    this.script = script;
    this.context = context;
    const { width = 16, height = 8 } = script;
    const sensor = {
      width,
      height,
      pixelSizeMicrometres: 5,
      bayer: null,
      bitsPerSample: 16,
      minimumExposureSeconds: null,
      maximumExposureSeconds: null,
    };
    this.info = { id: 'scripted', name: 'Scripted', backend: 'scripted', sensor };
  }

  async open(): Promise<void> {
    this.calls.push('open');
    if (this.script.openFails) throw new NightflowError('lost', this.script.openFails);
  }

  async settings() {
    return [{ name: 'gain', label: 'Gain', type: 'number' as const, minimum: 0, maximum: 100 }];
  }
  async get() {
    return 4;
  }
  async set(_: string, value: string | number | boolean) {
    return value;
  }

  async expose(request: ExposureRequest, signal?: AbortSignal): Promise<Frame> {
    this.requests.push(request);
    this.taken++;
    if (this.script.frames !== undefined && this.taken > this.script.frames) throw new EndOfFrames('No more.');
    if (this.script.loseAt?.includes(this.taken)) throw new NightflowError('lost', 'The cable came off.');
    const { clock, site } = this.context;
    const start = clock.now();
    await this.script.during?.(this.taken);
    await clock.sleep(request.exposureSeconds * 1000, signal);
    const end = start + request.exposureSeconds * 1000;
    const { width, height } = this.info.sensor;
    return new Frame({
      data: allocatePixels(width, height, 1, 'u16'),
      width,
      height,
      pixelType: 'u16',
      start: isoTime(start),
      middle: isoTime((start + end) / 2),
      end: isoTime(end),
      timeSource: 'simulator',
      exposureSeconds: request.exposureSeconds,
      gain: request.gain ?? null,
      camera: this.info.name,
      site,
    });
  }

  async *exposures(request: ExposureRequest, signal?: AbortSignal): AsyncIterable<CapturedFrame> {
    for (let gapSeconds: number | null = null; ; gapSeconds = this.script.gapSeconds ?? 0) {
      if (gapSeconds) await this.context.clock.sleep(gapSeconds * 1000, signal);
      if (this.script.frames !== undefined && this.taken >= this.script.frames) return;
      yield { frame: await this.expose(request, signal), gapSeconds, lostBefore: 0 };
    }
  }

  async recover(): Promise<void> {
    this.calls.push('recover');
  }
  async close(): Promise<void> {
    this.calls.push('close');
  }
}

export interface ScriptedCameras {
  /** Those made since, newest last. */
  readonly cameras: ScriptedCamera[];
  script: Script;
  remove(): void;
}

export function useScriptedCamera(script: Script = {}): ScriptedCameras {
  const made: ScriptedCameras = { cameras: [], script, remove: () => {} };
  made.remove = registerCameraBackend({
    name: 'scripted',
    label: 'Scripted',
    options: () => made.script,
    load: async () => ({
      name: 'scripted',
      list: async () => [new ScriptedCamera(made.script, {} as CameraContext).info],
      create: (options, context) => {
        const camera = new ScriptedCamera(options, context);
        made.cameras.push(camera);
        return camera;
      },
    }),
  });
  return made;
}
