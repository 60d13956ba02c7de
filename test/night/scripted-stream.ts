/** A camera whose video follows a script: small frames in the cadence of its clock, damage, an early end, and a driver that records. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Camera, CameraContext } from '../../lib/camera/camera.ts';
import type { CameraStream, DriverRecording, StreamedFrame, StreamRequest } from '../../lib/camera/camera-stream.ts';
import { type Clock, isoTime } from '../../lib/clock/clock.ts';
import { allocatePixels, Frame } from '../../lib/frame/frame.ts';
import { SerWriter } from '../../lib/frame/ser.ts';
import { NightflowError } from '../../lib/process/errors.ts';

export interface StreamScript {
  width?: number;
  height?: number;
  /** The video ends by itself after so many frames. */
  loseAfter?: number;
  /** A damaged picture before these (from 1). */
  faultsAt?: number[];
  /** Opening fails so often. */
  openFailures?: number;
  /** The driver records into this folder, on this computer or another. */
  driver?: { folder: string; local: boolean; frames: number; loses?: boolean; refuses?: boolean };
  /** So many frames arrive at once. */
  burst?: number;
  /** Each frame arrives so much later than its exposure ended, ms. */
  latencyMilliseconds?: number;
}

export class StreamCamera implements Camera {
  readonly info;
  readonly script: StreamScript;
  readonly calls: string[] = [];
  readonly requests: StreamRequest[] = [];
  private readonly clock: Clock;
  private failures = 0;

  constructor(script: StreamScript, { clock }: Pick<CameraContext, 'clock'>) {
    const { width = 16, height = 8 } = script;
    this.script = script;
    this.clock = clock;
    const limits = { minimumExposureSeconds: null, maximumExposureSeconds: null };
    const sensor = { width, height, pixelSizeMicrometres: 5, bayer: null, bitsPerSample: 8, ...limits };
    this.info = { id: 'video', name: 'Video', backend: 'scripted-video', sensor };
  }

  async open(): Promise<void> {}
  async settings() {
    return [];
  }
  async get() {
    return 0;
  }
  async set(_name: string, value: number | string | boolean) {
    return value;
  }
  async expose(): Promise<Frame> {
    throw new NightflowError('unsupported', 'no exposures');
  }
  // biome-ignore lint/correctness/useYield: it has none
  async *exposures() {
    throw new NightflowError('unsupported', 'no exposures');
  }
  async recover(): Promise<void> {
    this.calls.push('recover');
  }
  async close(): Promise<void> {
    this.calls.push('close');
  }

  async stream(request: StreamRequest): Promise<CameraStream> {
    this.calls.push('stream');
    this.requests.push(request);
    const { script, clock } = this;
    if (this.failures++ < (script.openFailures ?? 0)) throw new NightflowError('lost', 'The driver is away.');
    const frames = new Set<(streamed: StreamedFrame) => void>();
    const faults = new Set<(sentence: string) => void>();
    const ended = new AbortController();
    let fail: (reason: NightflowError) => void = () => {};
    const failed = new Promise<NightflowError>((resolve) => {
      fail = resolve;
    });
    const play = async () => {
      const period = request.exposureSeconds * 1000;
      const { width, height } = this.info.sensor;
      for (let n = 1, start = clock.now(); !ended.signal.aborted; n++, start += period) {
        await clock.sleep(start + period - clock.now(), ended.signal);
        if (script.faultsAt?.includes(n)) for (const listener of faults) listener('A damaged picture.');
        if (script.loseAfter !== undefined && n > script.loseAfter)
          return fail(new NightflowError('lost', 'The driver of Video ended.'));
        const data = allocatePixels(width, height, 1, 'u8');
        const times = { start: isoTime(start), end: isoTime(start + period) };
        const { exposureSeconds } = request;
        const frame = new Frame({ data, width, height, pixelType: 'u8', camera: 'Video', exposureSeconds, ...times });
        const end = start + period;
        const arrivedAt = end + (script.latencyMilliseconds ?? 0);
        const sentAt = Math.floor(end / 1000) * 1000;
        for (let copy = 0; copy < (script.burst ?? 1); copy++)
          for (const listener of frames) listener({ frame, arrivedAt, sentAt });
      }
    };
    play().catch(() => {});
    const on = <T>(set: Set<T>, listener: T) => {
      set.add(listener);
      return () => void set.delete(listener);
    };
    return {
      stampedBy: 'arrival',
      stampingHost: script.driver && !script.driver.local ? 'pi.example' : null,
      onFrame: (listener) => on(frames, listener),
      onFault: (listener) => on(faults, listener),
      framesPerSecond: () => 1 / request.exposureSeconds,
      failed,
      prepareRecording: script.driver
        ? async ({ name, durationSeconds }) => {
            this.calls.push(`prepare ${name} ${durationSeconds.toFixed(2)}`);
            return { begin: ({ stop }) => this.driverFilm(name, durationSeconds, stop) };
          }
        : null,
      close: async () => {
        this.calls.push('stream off');
        ended.abort();
      },
    };
  }

  private async driverFilm(name: string, durationSeconds: number, stop: AbortSignal): Promise<DriverRecording> {
    const { folder, local, frames, loses = false, refuses = false } = this.script.driver!;
    const refusal = new NightflowError('rejected', 'No room.');
    if (refuses) return { path: null, local, frames: null, ended: 'lost', problem: refusal };
    const { clock } = this;
    const began = clock.now();
    this.calls.push(`begin ${isoTime(began)}`);
    await clock.sleep(durationSeconds * 1000, stop).catch(() => {});
    await mkdir(folder, { recursive: true });
    const path = join(folder, `${name}.ser`);
    const writer = await SerWriter.open(path);
    for (let n = 0; n < frames; n++) {
      const start = isoTime(began + ((n + 1) * durationSeconds * 1000) / frames);
      const data = allocatePixels(16, 8, 1, 'u16');
      await writer.add(new Frame({ data, width: 16, height: 8, pixelType: 'u16', start }));
    }
    await writer.close();
    const problem = loses ? new NightflowError('lost', 'The driver of Video ended.') : null;
    return { path, local, frames, ended: loses ? 'lost' : stop.aborted ? 'stopped' : 'done', problem };
  }
}
