/**
 * Our own film of a video: every frame whose exposure touches the span goes into a SER, stamped with the end of its exposure as far as
 * that is known. A disk that is slower than the camera fills a bounded queue; what does not fit is counted, never waited for.
 */
import { totalmem } from 'node:os';
import type { CameraStream, StampedBy, StreamedFrame } from '../camera/camera-stream.ts';
import type { Clock } from '../clock/clock.ts';
import type { Frame } from '../frame/frame.ts';
import { SerWriter } from '../frame/ser.ts';
import { asNightflowError, type NightflowError } from '../process/errors.ts';
import { type Latency, latencyOf } from './stream-figures.ts';

export interface RecorderOptions {
  path: string;
  clock: Clock;
  /** UTC ms. */
  from: number;
  until: number;
  observer?: string;
  telescope?: string;
  /** Bytes that may wait for the disk. */
  queueBytes?: number;
}

export interface OwnFilm {
  path: string;
  frames: number;
  /** Came while the queue was full. */
  dropped: number;
  /** Came damaged. */
  faults: number;
  /** Most bytes that waited for the disk. */
  queuePeakBytes: number;
  stampedBy: StampedBy;
  latency: Latency | null;
  bits: number;
  problem: NightflowError | null;
}

/** After the end: for frames that are under way. */
const graceMilliseconds = 2000;
/** After the video ended, ms. */
const underWayMilliseconds = 1000;
/** The first picture of a simulation may take so long to draw, real ms. */
const rehearsedGraceMilliseconds = 15_000;
const usualQueueBytes = Math.min(256 * 2 ** 20, totalmem() / 8);

export class StreamRecorder {
  /** Settles with the last frame of the span, when the disk failed, or when nothing came any more. */
  readonly over: Promise<void>;
  private readonly options: RecorderOptions;
  private readonly stream: CameraStream;
  private readonly writer: SerWriter;
  private readonly ended = new AbortController();
  private readonly offs: (() => void)[];
  private finish: () => void = () => {};
  private arrivals: { arrivedAt: number; sentAt: number | null }[] = [];
  private waiting = 0;
  private peak = 0;
  private accepted = 0;
  private dropped = 0;
  private faults = 0;
  private bits = 8;
  private problem: NightflowError | null = null;

  /** Creates the file and listens from now on. @throws disk-full, failed, lost */
  static async open(stream: CameraStream, options: RecorderOptions): Promise<StreamRecorder> {
    const { path, observer, telescope } = options;
    return new StreamRecorder(stream, options, await SerWriter.open(path, { observer, telescope }));
  }

  private constructor(stream: CameraStream, options: RecorderOptions, writer: SerWriter) {
    this.options = options;
    this.stream = stream;
    this.writer = writer;
    this.over = new Promise((resolve) => {
      this.finish = resolve;
    });
    this.offs = [
      stream.onFrame((streamed) => this.take(streamed)),
      stream.onFault(() => {
        this.faults++;
      }),
    ];
    void this.endWithVideo();
    void this.timeOut();
  }

  /** Frames that are on their way to the disk or there. */
  get frames(): number {
    return this.accepted;
  }

  get lost(): number {
    return this.dropped + this.faults;
  }

  /**
   * Ends the film and finishes it durably. @returns null when no frame came: then nothing is left behind
   * @throws disk-full, failed, lost when there is no film for that reason
   */
  async close(): Promise<OwnFilm | null> {
    this.end(null);
    const closed = await this.writer.close().catch((thrown) => {
      // That it has no picture is no failure of the disk.
      if (this.accepted > 0) this.problem ??= asNightflowError(thrown);
      return null;
    });
    if (closed === null && this.problem) throw this.problem;
    const film = { path: this.options.path, dropped: this.dropped, faults: this.faults, queuePeakBytes: this.peak };
    const { bits, stream, arrivals } = this;
    const told = { stampedBy: stream.stampedBy, latency: latencyOf(arrivals), bits, problem: this.problem };
    return closed && { ...film, frames: closed.frames, ...told };
  }

  async discard(): Promise<void> {
    this.end(null);
    await this.writer.discard();
  }

  private take(streamed: StreamedFrame): void {
    const { frame, arrivedAt, sentAt } = streamed;
    if (this.ended.signal.aborted) return;
    const { from, until, queueBytes = usualQueueBytes } = this.options;
    const end = momentOf(frame.end) ?? arrivedAt;
    if (end <= from) return;
    if (end - (frame.exposureSeconds ?? 0) * 1000 >= until) {
      this.end(null);
      return;
    }
    const bytes = frame.data.byteLength;
    if (this.waiting + bytes > queueBytes && this.waiting > 0) {
      this.dropped++;
      return;
    }
    this.accepted++;
    this.bits = frame.pixelType === 'u8' ? 8 : 16;
    this.waiting += bytes;
    this.peak = Math.max(this.peak, this.waiting);
    this.arrivals.push({ arrivedAt, sentAt });
    void this.write(frame, bytes);
  }

  private async write(frame: Frame, bytes: number): Promise<void> {
    // A rehearsal that jumps waits for the disk, too.
    const release = this.options.clock.hold();
    try {
      await this.writer.add(frame.with({ start: frame.end }));
    } catch (thrown) {
      this.accepted--;
      this.dropped++;
      this.end(asNightflowError(thrown));
    } finally {
      this.waiting -= bytes;
      release();
    }
  }

  private end(problem: NightflowError | null): void {
    if (problem) this.problem ??= problem;
    if (this.ended.signal.aborted) return;
    this.ended.abort();
    for (const off of this.offs) off();
    this.finish();
  }

  /** That it ended comes another way than its pictures: the last may still be under way. */
  private async endWithVideo(): Promise<void> {
    const error = await this.stream.failed;
    if (this.ended.signal.aborted) return;
    this.problem ??= error;
    await this.options.clock.sleep(underWayMilliseconds, this.ended.signal).catch(() => {});
    this.end(null);
  }

  private async timeOut(): Promise<void> {
    const { clock, until } = this.options;
    const hurried = clock.rate > 1 && clock.rate !== Infinity;
    const grace = hurried ? rehearsedGraceMilliseconds * clock.rate : graceMilliseconds;
    await clock.sleep(Math.max(0, until + grace - clock.now()), this.ended.signal).catch(() => {});
    this.end(null);
  }
}

function momentOf(time: string | null): number | null {
  const at = time === null ? Number.NaN : Date.parse(time);
  return Number.isNaN(at) ? null : at;
}
