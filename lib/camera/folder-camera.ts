/** A camera that replays real files: in the order and at the pace they were taken, at a fixed pace, or as fast as they can be read. */
import { basename, isAbsolute } from 'node:path';
import { isoTime } from '../clock/clock.ts';
import type { Frame } from '../frame/frame.ts';
import { isCameraFile } from '../frame/original.ts';
import { asNightflowError, NightflowError, throwIfAborted } from '../process/errors.ts';
import type {
  Camera,
  CameraContext,
  CameraInfo,
  CapturedFrame,
  ExposureRequest,
  SensorInfo,
  SettingDescription,
  SettingValue,
} from './camera.ts';
import { EndOfFrames } from './end-of-frames.ts';
import { FolderFeed, type PictureReader } from './folder-feed.ts';

export type FolderPace = 'timestamps' | 'fixed' | 'fastest';

export interface FolderOptions {
  /** A folder, or a glob pattern (/data/night/*.ARW); absolute. */
  path: string;
  /** `timestamps`: as far apart as they were taken; `fixed`: intervalSeconds apart; `fastest`: no waiting. */
  pace: FolderPace;
  /** Start to start, seconds; 0: the exposure time. For `timestamps`: between frames whose time is not known. */
  intervalSeconds: number;
  /** Waits for new files instead of ending. */
  watch: boolean;
  /** Starts over at the end; every frame then carries the time at which it is replayed. */
  repeat?: boolean;
}

const paces: readonly FolderPace[] = ['timestamps', 'fixed', 'fastest'];

export class FolderCamera implements Camera {
  private readonly options: FolderOptions;
  private readonly context: CameraContext;
  private readonly feed: FolderFeed;
  private sensor: SensorInfo | null = null;
  private hasCameraFiles = true;
  private opening: Promise<void> | null = null;
  /** A picture read but not delivered, because the wait for its time was aborted. */
  private ready: Frame | null = null;
  /** Clock ms at which the last frame was due, and its recorded start. */
  private lastDue: number | null = null;
  private lastStart: number | null = null;
  private reported = 0;

  /** @throws bad-input for options that can't be. */
  constructor(options: FolderOptions, context: CameraContext, reader: PictureReader & { pollSeconds?: number }) {
    if (!options.path || !isAbsolute(options.path))
      throw new NightflowError('bad-input', `The folder "${options.path ?? ''}" is not an absolute path.`);
    checkPace(options.pace);
    checkInterval(options.intervalSeconds);
    if (options.watch && options.repeat)
      throw new NightflowError('bad-input', 'A folder is either watched for new pictures or repeated, not both.');
    this.options = { ...options };
    this.context = context;
    const { path, watch, repeat = false } = options;
    this.feed = new FolderFeed({ path, watch, repeat, reader, pollSeconds: reader.pollSeconds });
  }

  get info(): CameraInfo {
    return { id: this.options.path, name: 'Folder', backend: 'folder', sensor: this.sensor };
  }

  /** Lists the folder and reads its first picture. @throws lost, bad-input when there is none and none is waited for */
  open(): Promise<void> {
    this.opening ??= this.list().catch((error) => {
      this.opening = null;
      throw error;
    });
    return this.opening;
  }

  async settings(): Promise<readonly SettingDescription[]> {
    return [
      { name: 'pace', label: 'Pace', type: 'choice', choices: paces },
      { name: 'intervalSeconds', label: 'Interval', type: 'number', unit: 's', minimum: 0, maximum: 86_400 },
      { name: 'delivered', label: 'Frames delivered', type: 'number', readOnly: true },
      { name: 'skipped', label: 'Broken files', type: 'number', readOnly: true },
    ];
  }

  async get(name: string): Promise<SettingValue> {
    if (name === 'pace' || name === 'intervalSeconds') return this.options[name];
    if (name === 'delivered') return this.feed.delivered;
    if (name === 'skipped') return this.feed.skippedCount;
    throw new NightflowError('bad-input', `A folder has no setting "${name}".`);
  }

  async set(name: string, value: SettingValue): Promise<SettingValue> {
    if (name === 'pace') this.options.pace = checkPace(value);
    else if (name === 'intervalSeconds') this.options.intervalSeconds = checkInterval(value);
    else throw new NightflowError('bad-input', `A folder has no setting "${name}" that can be changed.`);
    return value;
  }

  /** The next picture. @throws EndOfFrames after the last one, lost, aborted */
  async expose(request: ExposureRequest, signal?: AbortSignal): Promise<Frame> {
    const captured = await this.nextFrame(request, signal, null);
    if (captured) return captured.frame;
    throw new EndOfFrames(`${this.options.path} was read to its end: ${this.feed.delivered} pictures.`);
  }

  async *exposures(request: ExposureRequest, signal?: AbortSignal): AsyncIterable<CapturedFrame> {
    let lastEnd: number | null = null;
    for (;;) {
      const captured = await this.nextFrame(request, signal, lastEnd);
      if (!captured) return;
      lastEnd = captured.frame.end === null ? null : Date.parse(captured.frame.end);
      yield captured;
    }
  }

  /** The files themselves (`Frame.source`), as far as the first of them tells. */
  bringsOriginals(): boolean {
    return this.hasCameraFiles;
  }

  /** Broken files passed over since the last call. */
  warnings(): readonly string[] {
    const { skipped, skippedCount } = this.feed;
    const fresh = skipped.slice(Math.max(0, skipped.length - (skippedCount - this.reported)));
    this.reported = skippedCount;
    return fresh.map(({ path, reason }) => `${basename(path)} was passed over: ${reason}`);
  }

  async recover(): Promise<void> {
    await this.feed.recover();
  }

  async close(): Promise<void> {
    this.feed.close();
  }

  private async list(): Promise<void> {
    const count = await this.feed.open();
    if (count === 0 && !this.options.watch)
      throw new NightflowError('bad-input', `There is no picture in ${this.options.path}.`, {
        remedy: 'Give a folder with FITS, RAW, TIFF, JPEG or PNG files, or a pattern.',
      });
    const first = await this.feed.peek();
    if (!first) return;
    this.sensor = sensorOf(first);
    this.hasCameraFiles = first.source === null || isCameraFile(first.source);
  }

  private async nextFrame(
    request: ExposureRequest,
    signal: AbortSignal | undefined,
    lastEnd: number | null,
  ): Promise<CapturedFrame | null> {
    try {
      return await this.readNext(request, signal, lastEnd);
    } catch (thrown) {
      throw asNightflowError(thrown);
    }
  }

  private async readNext(
    request: ExposureRequest,
    signal: AbortSignal | undefined,
    lastEnd: number | null,
  ): Promise<CapturedFrame | null> {
    throwIfAborted(signal);
    const { clock } = this.context;
    await this.open();
    const skippedBefore = this.feed.skippedCount;
    if (!this.ready) {
      // Waiting for files that are still to come must not stop the clock.
      const release = this.options.watch ? () => {} : clock.hold();
      this.ready = await this.feed.next(signal).finally(release);
    }
    if (!this.ready) return null;
    const due = this.dueTime(this.ready, request);
    if (due > clock.now()) await clock.sleep(due - clock.now(), signal);
    const frame = this.stamped(this.ready, Math.max(due, this.options.pace === 'fastest' ? clock.now() : due));
    this.lastDue = due;
    this.lastStart = millisecondsOf(this.ready.start);
    this.ready = null;
    const start = millisecondsOf(frame.start);
    return {
      frame,
      gapSeconds: start === null || lastEnd === null ? null : (start - lastEnd) / 1000,
      lostBefore: this.feed.skippedCount - skippedBefore,
    };
  }

  /** Clock ms at which a frame is to be delivered. A replay that fell behind by more than a step does not hurry to catch up. */
  private dueTime(frame: Frame, request: ExposureRequest): number {
    const now = this.context.clock.now();
    if (this.lastDue === null || this.options.pace === 'fastest') return now;
    const fallback = (this.options.intervalSeconds || frame.exposureSeconds || request.exposureSeconds) * 1000;
    const start = millisecondsOf(frame.start);
    const recorded = start === null || this.lastStart === null ? null : start - this.lastStart;
    // A step back in time is where a repeated folder starts over, or a late file.
    const step = this.options.pace === 'timestamps' && recorded !== null && recorded >= 0 ? recorded : fallback;
    const due = this.lastDue + step;
    return now - due > step ? now : due;
  }

  /** Its own times as they were recorded, or those of the replay: it ends when it is delivered. */
  private stamped(frame: Frame, delivered: number): Frame {
    const exposure = (frame.exposureSeconds ?? 0) * 1000;
    const recorded = this.options.repeat ? null : millisecondsOf(frame.start);
    const start = recorded ?? delivered - exposure;
    return frame.with({
      start: recorded === null ? isoTime(start) : frame.start,
      middle: (recorded === null ? null : frame.middle) ?? isoTime(start + exposure / 2),
      end: (recorded === null ? null : frame.end) ?? isoTime(start + exposure),
      timeSource: recorded === null ? 'host' : (frame.timeSource ?? 'file'),
      camera: frame.camera ?? this.info.name,
      site: frame.site ?? this.context.site,
    });
  }
}

const sensorOf = (frame: Frame): SensorInfo => ({
  width: frame.width,
  height: frame.height,
  pixelSizeMicrometres: null,
  bayer: frame.bayer,
  bitsPerSample: frame.pixelType === 'u8' ? 8 : frame.pixelType === 'u16' ? 16 : 32,
  minimumExposureSeconds: null,
  maximumExposureSeconds: null,
});

function millisecondsOf(time: string | null): number | null {
  const milliseconds = time === null ? Number.NaN : Date.parse(time);
  return Number.isNaN(milliseconds) ? null : milliseconds;
}

function checkPace(value: unknown): FolderPace {
  const pace = paces.find((known) => known === value);
  if (pace) return pace;
  throw new NightflowError('bad-input', `The pace "${value}" is not one of ${paces.join(', ')}.`);
}

function checkInterval(value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value <= 86_400) return value;
  throw new NightflowError('bad-input', `The interval "${value}" is not between 0 and 86400 s.`);
}
