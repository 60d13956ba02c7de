/** Recording a SER film without losing a picture when the power fails or the disk fills. */
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { job, sharedPool } from '../kernels/pool.ts';
import { partialSuffix, writeDurably } from '../process/durable.ts';
import { asNightflowError, NightflowError, throwIfAborted } from '../process/errors.ts';
import { parseFitsTime } from './fits/values.ts';
import type { Frame } from './frame.ts';
import { formatSerHeader, type SerHeader, serFrameBytes, serHeaderBytes, ticksOf } from './ser-header.ts';

const weaveJob = job<{ data: SharedArrayBuffer; wide: boolean }, { data: SharedArrayBuffer }>(
  new URL('./ser.job.ts', import.meta.url),
  'weave',
);

export interface SerOptions {
  observer?: string;
  telescope?: string;
  /** Bits that the samples really have, for 16-bit frames (12 for a 12-bit sensor); else 16. */
  depth?: number;
}

/**
 * Records frames of one size and type. Until `close` the film has a partial name, and the times stand beside it, so that
 * `recoverSer` can finish what a power cut left.
 */
export class SerWriter {
  readonly path: string;
  private readonly options: SerOptions;
  private header: SerHeader | null = null;
  private times: (number | null)[] = [];
  private handle!: FileHandle;
  private timesHandle!: FileHandle;
  private written!: Promise<void>;
  private finish!: () => void;
  private abandon!: (reason: Error) => void;
  private queue: Promise<unknown> = Promise.resolve();

  private constructor(path: string, options: SerOptions) {
    this.path = path;
    this.options = options;
  }

  /** Creates the file. @throws disk-full, failed. */
  static async open(path: string, options: SerOptions = {}): Promise<SerWriter> {
    const writer = new SerWriter(path, options);
    const closing = new Promise<void>((resolve, reject) => {
      writer.finish = resolve;
      writer.abandon = reject;
    });
    await new Promise<void>((ready, failed) => {
      writer.written = writeDurably(path, async (handle) => {
        writer.handle = handle;
        writer.timesHandle = await open(timesPath(path), 'w');
        try {
          ready();
          await closing;
          await writer.complete();
        } finally {
          await writer.timesHandle.close();
          await unlink(timesPath(path)).catch(() => {});
        }
      });
      writer.written.catch(failed);
    });
    return writer;
  }

  /** Pictures recorded. */
  get frames(): number {
    return this.times.length;
  }

  /**
   * Records one frame; resolves when the system has it. Calls wait for each other; the pixels must stay as they are until
   * then. @throws bad-input for floats or another size, type or Bayer pattern than the first; disk-full: the film so far is
   * whole, and `close` keeps it.
   */
  add(frame: Frame, signal?: AbortSignal): Promise<void> {
    const added = this.queue.then(() => this.record(frame, signal));
    this.queue = added.catch(() => {});
    return added;
  }

  /** Finishes the film durably. @throws bad-input when it has no picture; disk-full; nothing is left behind then. */
  async close(): Promise<{ path: string; frames: number }> {
    await this.queue;
    if (this.frames === 0) this.abandon(new NightflowError('bad-input', `The film ${this.path} has no picture.`));
    else this.finish();
    await this.written;
    return { path: this.path, frames: this.frames };
  }

  /** Throws the film away. */
  async discard(): Promise<void> {
    await this.queue;
    this.abandon(new NightflowError('aborted', 'stopped'));
    await this.written.catch(() => {});
  }

  private async record(frame: Frame, signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    const described = describe(frame, this.options);
    const first = this.header ?? described;
    for (const name of ['width', 'height', 'colour', 'depth'] as const)
      if (described[name] !== first[name])
        throw new NightflowError(
          'bad-input',
          `A frame whose ${name} is ${described[name]} does not fit into the film ${this.path}, where it is ${first[name]}.`,
          { remedy: 'Record one film for each camera setting.' },
        );
    try {
      if (this.header === null) await this.write(formatSerHeader(first), 0);
      const wide = frame.pixelType === 'u16';
      const data =
        frame.channels === 3
          ? (await sharedPool().run(weaveJob, { data: frame.data, wide }, { signal })).data
          : frame.data;
      await this.write(Buffer.from(data as unknown as ArrayBuffer), serHeaderBytes + this.frames * data.byteLength);
      const time = parseFitsTime(frame.start);
      const ticks = Buffer.alloc(8);
      ticks.writeBigInt64LE(ticksOf(time));
      await this.timesHandle.write(ticks, 0, 8, this.frames * 8);
      this.header = first;
      this.times.push(time);
    } catch (error) {
      throw asNightflowError(error, `Recording ${this.path} failed`);
    }
  }

  /** The trailer and the count. Where no room is left for the trailer, the last picture makes it. */
  private async complete(): Promise<void> {
    const each = serFrameBytes(this.header!);
    for (;;) {
      const frames = this.frames;
      const end = serHeaderBytes + frames * each;
      await this.handle.truncate(end);
      try {
        const known = this.times.some((time) => time !== null);
        if (known) await this.write(trailerOf(this.times), end);
        await this.write(formatSerHeader({ ...this.header!, frames, start: this.times[0] ?? null }), 0);
        return;
      } catch (error) {
        if (asNightflowError(error).code !== 'disk-full' || frames < 2) throw error;
        this.times.pop();
      }
    }
  }

  private async write(bytes: Buffer, position: number): Promise<void> {
    for (let done = 0; done < bytes.length; )
      done += (await this.handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

/** The times recorded so far: 8 bytes each, as the trailer will have them. */
export const timesPath = (path: string) => `${path}.times${partialSuffix}`;

function trailerOf(times: readonly (number | null)[]): Buffer {
  const trailer = Buffer.alloc(times.length * 8);
  times.forEach((time, i) => {
    trailer.writeBigInt64LE(ticksOf(time), 8 * i);
  });
  return trailer;
}

function describe(frame: Frame, { observer = '', telescope = '', depth = 16 }: SerOptions): SerHeader {
  if (frame.pixelType === 'f32')
    throw new NightflowError('bad-input', 'A SER film holds 8 or 16-bit samples, not floats.', {
      remedy: 'Record the frames as the camera gives them.',
    });
  return {
    colour: frame.channels === 3 ? 'RGB' : (frame.bayer ?? 'mono'),
    width: frame.width,
    height: frame.height,
    depth: frame.pixelType === 'u8' ? 8 : depth,
    frames: 0,
    littleEndian: 0,
    observer,
    instrument: frame.camera ?? '',
    telescope,
    start: parseFitsTime(frame.start),
  };
}
