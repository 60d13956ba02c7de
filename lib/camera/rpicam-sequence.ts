/** One long-lived rpicam-raw: frames appear as files on a RAM disk, their metadata in a pipe when they are whole. */
import { constants, type OpenMode, open } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { realSleep } from '../clock/clock.ts';
import { runProgram } from '../process/child.ts';
import { asNightflowError, NightflowError } from '../process/errors.ts';
import { within } from './recovery.ts';
import { lostBetween, MetadataReader, type RpicamMetadata } from './rpicam-metadata.ts';
import { pipelineEnvironment } from './rpicam-pipeline.ts';
import { runRpicam, type ShotSettings, sequenceWords } from './rpicam-program.ts';

/** What the program says of its frames, once, with the first. */
export interface RawStream {
  width: number;
  height: number;
  stride: number;
  format: string;
}

export interface RawShot {
  path: string;
  metadata: RpicamMetadata;
  stream: RawStream;
  /** Frames that were lost just before: in the camera, or because this one's reader was too slow. */
  lostBefore: number;
}

export interface SequenceOptions {
  settings: ShotSettings;
  /** Of its own, on a RAM disk. */
  folder: string;
  programFolder: string | null;
  /** Whole frames that wait for a slow reader; what comes then is lost, and counted. */
  waitingFrames: number;
  /** One sentence each. */
  onWarning: (sentence: string) => void;
}

const openFile = promisify(open) as (path: string, flags: OpenMode) => Promise<number>;
/** Restarts that rpicam makes by itself when a sensor stays silent; it may go on for ever. */
const mostRestarts = 3;
/** Some sensors give two hidden frames first. */
const hiddenFrames = 2;
const startSeconds = 20;
/** SIGTERM, three seconds, SIGKILL. */
const endSeconds = 15;
/** What libcamera's own watchdog waits longer than ours. */
const marginSeconds = 10;
/** For the line that describes the stream, which is printed beside the first frame. */
const describeSeconds = 5;

const firstFrameSeconds = ({ exposureSeconds }: ShotSettings): number =>
  (1 + hiddenFrames) * exposureSeconds * 1.2 + startSeconds;

export class RpicamSequence {
  private readonly options: SequenceOptions;
  private readonly stopping = new AbortController();
  private readonly shots: RawShot[] = [];
  private readonly undescribed: Omit<RawShot, 'stream'>[] = [];
  private readonly reader = new MetadataReader();
  private pipe: Socket | null = null;
  private program: Promise<void> = Promise.resolve();
  private stream: RawStream | null = null;
  private failure: NightflowError | null = null;
  private finishing = false;
  private ended = false;
  private restarts = 0;
  private nextFile = 0;
  private before: RpicamMetadata | null = null;
  private lost = 0;
  /** Frames since `before` whose metadata had no time: counted as lost already. */
  private timeless = 0;
  private lastSign = performance.now();
  private wake: () => void = () => {};

  constructor(options: SequenceOptions) {
    this.options = options;
  }

  /** The pipe is open before the program starts: it would wait for a reader, and Node's own pipes are sockets, which it can't open. */
  async start(): Promise<void> {
    const fifo = join(this.options.folder, 'metadata');
    await runProgram('mkfifo', [fifo], { silenceSeconds: 10, aptPackage: 'coreutils' });
    const descriptor = await openFile(fifo, constants.O_RDWR | constants.O_NONBLOCK);
    this.pipe = new Socket({ fd: descriptor, readable: true, writable: false });
    this.pipe.on('data', (chunk: Buffer) => {
      for (const metadata of this.reader.read(chunk)) this.arrived(metadata);
    });
    this.pipe.on('error', (error) => this.fail(asNightflowError(error, 'The frames’ metadata can’t be read')));
    const { settings, folder } = this.options;
    const silentSeconds = firstFrameSeconds(settings) + marginSeconds;
    const env = await pipelineEnvironment({ cameraId: settings.cameraId, silentSeconds, folder });
    this.lastSign = performance.now();
    this.program = this.run(fifo, env);
  }

  /**
   * The next whole frame; null after `finish` when all are given.
   * @throws busy, lost, timeout, … as the program failed or stays silent; aborted
   */
  async next(signal?: AbortSignal): Promise<RawShot | null> {
    for (;;) {
      const shot = this.shots.shift();
      if (shot) return shot;
      if (this.failure) throw this.failure;
      if (this.ended) return null;
      await this.orSilence(signal);
    }
  }

  /** Whether a frame waits already. */
  get hasShot(): boolean {
    return this.shots.length > 0;
  }

  /** Ends the program as soon as the frame that is being exposed is whole. */
  finish(): void {
    this.finishing = true;
  }

  /** Ends it at once; what was not fetched goes. Resolves when the program has let go of the camera. */
  async stop(): Promise<void> {
    this.end();
    // One that waits inside the kernel can't be ended by anybody: the sequence does not wait for it.
    await within(endSeconds, () => this.program).catch(() =>
      this.options.onWarning('rpicam-raw can not be ended: the driver of the camera hangs. Restart the computer.'),
    );
    this.pipe?.destroy();
    const left = [...this.shots.splice(0), ...this.undescribed.splice(0)];
    await Promise.all(left.map(({ path }) => unlink(path).catch(() => {})));
  }

  private async run(fifo: string, env: Record<string, string>): Promise<void> {
    const { settings, folder, programFolder } = this.options;
    try {
      await runRpicam('rpicam-raw', sequenceWords(settings, folder, fifo), {
        programFolder,
        env,
        // Silence between two frames of ten minutes is right; orSilence() knows how much is too much.
        silenceSeconds: Number.POSITIVE_INFINITY,
        signal: this.stopping.signal,
        onErrorLine: (line) => this.heard(line),
      });
      this.fail(new NightflowError('lost', 'rpicam-raw ended by itself.'));
    } catch (thrown) {
      if (!this.stopping.signal.aborted) this.fail(asNightflowError(thrown));
    } finally {
      this.ended = true;
      this.wake();
    }
  }

  private heard(line: string): void {
    const found = /^Raw stream: (\d+)x(\d+) stride (\d+) format (\w+)/.exec(line);
    if (found) {
      const [width, height, stride] = found.slice(1, 4).map(Number) as [number, number, number];
      this.stream = { width, height, stride, format: found[4]! };
      this.describe();
    }
    if (!/Device timeout detected, attempting a restart/.test(line)) return;
    this.options.onWarning('The sensor stopped sending; rpicam-raw starts it again.');
    if (++this.restarts < mostRestarts) return;
    this.fail(
      new NightflowError('lost', `The sensor did not come back after ${mostRestarts} restarts.`, {
        remedy: 'Look at the ribbon cable and the power supply.',
      }),
    );
  }

  /** Pixels are written before metadata, so this frame's file is whole. */
  private arrived(metadata: RpicamMetadata | null): void {
    this.lastSign = performance.now();
    const path = join(this.options.folder, `f${String(this.nextFile++).padStart(6, '0')}.raw`);
    void this.accept(path, metadata);
  }

  private async accept(path: string, metadata: RpicamMetadata | null): Promise<void> {
    if (this.finishing) this.end();
    const { waitingFrames, onWarning } = this.options;
    if (metadata && this.before) {
      const lost = lostBetween(this.before, metadata) - this.timeless;
      if (lost > 0) onWarning(`The camera lost ${lost} frame${lost === 1 ? '' : 's'} in its own buffers.`);
      this.lost += Math.max(0, lost);
    }
    this.timeless = metadata ? 0 : this.timeless + 1;
    this.before = metadata ?? this.before;
    this.restarts = 0;
    if (metadata && this.shots.length + this.undescribed.length < waitingFrames) {
      this.undescribed.push({ path, metadata, lostBefore: this.lost });
      this.lost = 0;
      return this.describe();
    }
    this.lost++;
    onWarning(
      metadata
        ? 'A frame was lost: its reader is slower than the camera.'
        : 'A frame was lost: its metadata came without a time.',
    );
    await unlink(path).catch(() => {});
  }

  /** The line with the stream's layout may come a moment after the first frame. */
  private describe(): void {
    const { stream } = this;
    if (stream) this.shots.push(...this.undescribed.splice(0).map((shot) => ({ ...shot, stream })));
    this.wake();
  }

  private fail(error: NightflowError): void {
    this.failure ??= error;
    this.end();
    this.wake();
  }

  private end(): void {
    if (!this.stopping.signal.aborted) this.stopping.abort();
  }

  /** Waits for a frame or an end. @throws timeout when neither comes in the time that the exposure allows; aborted */
  private async orSilence(signal: AbortSignal | undefined): Promise<void> {
    const { exposureSeconds } = this.options.settings;
    const allowed =
      this.before === null
        ? firstFrameSeconds(this.options.settings)
        : this.undescribed.length > 0
          ? describeSeconds
          : exposureSeconds * 1.5 + 10;
    const left = this.lastSign + allowed * 1000 - performance.now();
    if (left <= 0) {
      this.fail(
        this.undescribed.length > 0
          ? new NightflowError('failed', 'rpicam-raw did not say how its frames are laid out.', {
              remedy: 'Update it with: sudo apt update && sudo apt full-upgrade',
              cause: new Error('no line "Raw stream: …"'),
            })
          : new NightflowError('timeout', `The camera sent no frame for ${Math.round(allowed)} s.`, {
              remedy: 'It is started anew; if that does not help, look at its cable and the power supply.',
            }),
      );
      return;
    }
    const over = new AbortController();
    const woken = new Promise<void>((resolve) => {
      this.wake = resolve;
    });
    const stop = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
    try {
      await Promise.race([woken, realSleep(left, stop)]);
    } catch (thrown) {
      throw asNightflowError(thrown);
    } finally {
      over.abort();
    }
  }
}
