/** A camera for tests: exposes on the given clock, without a gap, and fails or loses frames where its script says. */
import type { Camera, CapturedFrame, ExposureRequest, SettingValue } from '../../lib/camera/camera.ts';
import { abortError, type Clock, isoTime } from '../../lib/clock/clock.ts';
import { allocatePixels, Frame } from '../../lib/frame/frame.ts';
import { NightflowError } from '../../lib/process/errors.ts';

export interface Script {
  clock: Clock;
  /** Seconds of read-out between two exposures. */
  deadSeconds?: number;
  /** Called before exposure k (from 1) of the camera's life: what it throws is the camera's failure; a number is frames lost. */
  before?: (k: number) => number;
  recover?: () => Promise<void>;
  /** Never gives a frame. */
  silent?: boolean;
  /** Ends by itself after so many exposures. */
  last?: number;
}

export class ScriptedCamera implements Camera {
  readonly info = { id: 'scripted', name: 'Scripted', backend: 'test', sensor: null };
  exposuresBegun = 0;
  readonly starts: number[] = [];
  recoveries = 0;
  openIterators = 0;
  private readonly script: Script;

  constructor(script: Script) {
    this.script = script;
  }

  async open(): Promise<void> {}
  async settings() {
    return [];
  }
  async get(): Promise<SettingValue> {
    return 0;
  }
  async set(_name: string, value: SettingValue): Promise<SettingValue> {
    return value;
  }
  async close(): Promise<void> {}

  async recover(): Promise<void> {
    this.recoveries++;
    await this.script.recover?.();
  }

  async expose(request: ExposureRequest, signal?: AbortSignal): Promise<Frame> {
    const { clock } = this.script;
    this.exposuresBegun++;
    this.script.before?.(this.exposuresBegun);
    const start = clock.now();
    this.starts.push(start);
    await clock.sleep(request.exposureSeconds * 1000, signal);
    return frameOf(start, request.exposureSeconds);
  }

  async *exposures(request: ExposureRequest, signal?: AbortSignal): AsyncIterable<CapturedFrame> {
    const { clock, deadSeconds = 0, last = Infinity } = this.script;
    this.openIterators++;
    try {
      let start = clock.now();
      for (let first = true; ; first = false) {
        if (signal?.aborted) throw abortError(signal);
        if (this.exposuresBegun >= last) return;
        this.exposuresBegun++;
        const lostBefore = this.script.before?.(this.exposuresBegun) ?? 0;
        this.starts.push(start);
        const end = start + request.exposureSeconds * 1000;
        await clock.sleep(this.script.silent ? 1e12 : end - clock.now(), signal);
        yield { frame: frameOf(start, request.exposureSeconds), gapSeconds: first ? null : deadSeconds, lostBefore };
        start = end + deadSeconds * 1000;
      }
    } finally {
      this.openIterators--;
    }
  }
}

export function frameOf(start: number, exposureSeconds: number): Frame {
  const data = allocatePixels(8, 8, 1, 'u16');
  return new Frame({
    data,
    width: 8,
    height: 8,
    pixelType: 'u16',
    start: isoTime(start),
    middle: isoTime(start + exposureSeconds * 500),
    end: isoTime(start + exposureSeconds * 1000),
    exposureSeconds,
    camera: 'Scripted',
  });
}

export const lostError = () => new NightflowError('lost', 'The USB cable came off.');
