/** Reads a folder's pictures one after the other, the next ones while one is used; waits for new ones; passes over broken ones and says so. */
import { stat } from 'node:fs/promises';
import { abortError, realClock } from '../clock/clock.ts';
import type { Frame } from '../frame/frame.ts';
import { asNightflowError, NightflowError } from '../process/errors.ts';
import { inTimeOrder, listPictures, type PictureFile } from './folder-files.ts';

/** How pictures are read; the house's own readers unless a test says otherwise. */
export interface PictureReader {
  readFrame(path: string, options?: { signal?: AbortSignal }): Promise<Frame>;
  readFrameTime(path: string): Promise<{ start: string | null; exposureSeconds: number | null }>;
}

export interface FeedOptions {
  path: string;
  watch: boolean;
  repeat: boolean;
  reader: PictureReader;
  /** Pictures read ahead. */
  prefetch?: number;
  /** Real seconds between two looks at a watched folder. */
  pollSeconds?: number;
}

export interface SkippedFile {
  path: string;
  reason: string;
}

interface Reading {
  file: PictureFile;
  frame: Promise<Frame>;
}

const timesReadAtOnce = 4;
/** Broken files named; more are only counted. */
const maximumSkippedNamed = 1000;

export class FolderFeed {
  /** Broken files that were passed over, the newest last. */
  readonly skipped: SkippedFile[] = [];
  skippedCount = 0;
  delivered = 0;
  private readonly options: FeedOptions;
  private readonly closing = new AbortController();
  private queue: PictureFile[] = [];
  private reading: Reading[] = [];
  /** All files in order, for another round. */
  private all: PictureFile[] = [];
  private deliveredThisRound = 0;
  /** State of each file when it was queued, and when it was last seen: a picture is whole when two looks agree. */
  private readonly queued = new Map<string, string>();
  private readonly seen = new Map<string, string>();

  constructor(options: FeedOptions) {
    this.options = options;
  }

  /** Lists what is there. @returns the number of pictures. @throws lost when the folder is not there */
  async open(): Promise<number> {
    const files = await listPictures(this.options.path);
    if (this.options.watch) for (const file of files) this.seen.set(file.path, stateOf(file));
    else await this.enqueue(files);
    this.readAhead();
    return files.length;
  }

  /** The first picture without taking it; null when there is none that can be read. */
  async peek(): Promise<Frame | null> {
    return this.reading[0]?.frame.catch(() => null) ?? null;
  }

  /**
   * The next picture that can be read; null at the end of a folder that is not watched.
   * @throws lost when the folder is gone (it goes on there after it is back); bad-input when nothing in it can be read; aborted
   */
  async next(signal?: AbortSignal): Promise<Frame | null> {
    for (;;) {
      this.readAhead();
      const head = this.reading[0];
      if (!head) {
        if (!(await this.refill(signal))) return null;
        continue;
      }
      try {
        const frame = await orAborted(head.frame, signal);
        this.reading.shift();
        this.delivered++;
        this.deliveredThisRound++;
        return frame;
      } catch (thrown) {
        if (signal?.aborted) throw thrown;
        await this.passOver(head.file, asNightflowError(thrown));
      }
    }
  }

  /** Whether the folder is there again. @throws lost */
  async recover(): Promise<void> {
    await listPictures(this.options.path);
  }

  close(): void {
    this.closing.abort();
    this.reading = [];
    this.queue = [];
  }

  private readAhead(): void {
    const { prefetch = 2, reader } = this.options;
    while (this.reading.length < Math.max(1, prefetch) && this.queue.length > 0) {
      const file = this.queue.shift()!;
      const frame = reader.readFrame(file.path, { signal: this.closing.signal });
      frame.catch(() => {}); // looked at when its turn comes
      this.reading.push({ file, frame });
    }
  }

  /** Gets more to read: the next round, or what is new in a watched folder. @returns false at the end */
  private async refill(signal: AbortSignal | undefined): Promise<boolean> {
    const { watch, repeat, path } = this.options;
    if (watch) return this.waitForNew(signal);
    if (this.delivered === 0 && this.skippedCount > 0)
      throw new NightflowError(
        'bad-input',
        `None of the ${this.skippedCount} pictures of ${path} can be read: ${this.skipped[0]?.reason}`,
      );
    if (!repeat || this.deliveredThisRound === 0) return false;
    this.deliveredThisRound = 0;
    this.queue = [...this.all];
    return this.queue.length > 0;
  }

  private async waitForNew(signal: AbortSignal | undefined): Promise<boolean> {
    // Files come in real time, whatever the clock of the observatory.
    for (;;) {
      await orAborted(realClock.sleep((this.options.pollSeconds ?? 1) * 1000, this.closing.signal), signal);
      const whole: PictureFile[] = [];
      for (const file of await listPictures(this.options.path)) {
        const state = stateOf(file);
        if (this.queued.get(file.path) === state) continue;
        if (this.seen.get(file.path) === state && file.bytes > 0) whole.push(file);
        else this.seen.set(file.path, state);
      }
      if (whole.length === 0) continue;
      await this.enqueue(whole);
      return true;
    }
  }

  /** Puts files into the queue in the order of the times in their headers. */
  private async enqueue(files: readonly PictureFile[]): Promise<void> {
    const times = new Map<PictureFile, number | null>();
    const left = [...files];
    const readTimes = async () => {
      for (let file = left.pop(); file; file = left.pop()) times.set(file, await this.timeOf(file));
    };
    await Promise.all(Array.from({ length: timesReadAtOnce }, readTimes));
    const ordered = inTimeOrder(files, (file) => times.get(file) ?? null);
    for (const file of ordered) {
      if (this.options.watch) this.queued.set(file.path, stateOf(file));
      this.seen.delete(file.path);
    }
    if (this.options.repeat) this.all.push(...ordered);
    this.queue.push(...ordered);
  }

  /** A file that can't be read shows when its turn comes. */
  private async timeOf(file: PictureFile): Promise<number | null> {
    try {
      const { start } = await this.options.reader.readFrameTime(file.path);
      const time = start === null ? Number.NaN : Date.parse(start);
      return Number.isNaN(time) ? null : time;
    } catch {
      return null;
    }
  }

  /** A picture that can't be read: the whole folder may be gone, it may still be written to, or it is broken. */
  private async passOver(file: PictureFile, error: NightflowError): Promise<void> {
    const now = await stat(file.path).catch(() => null);
    if (!now) await this.throwIfFolderIsGone();
    this.reading.shift();
    if (
      this.options.watch &&
      now &&
      stateOf({ bytes: now.size, modifiedMilliseconds: now.mtimeMs }) !== stateOf(file)
    ) {
      this.queued.delete(file.path);
      return;
    }
    this.all = this.all.filter((other) => other !== file);
    this.skippedCount++;
    this.skipped.push({ path: file.path, reason: error.message });
    if (this.skipped.length > maximumSkippedNamed) this.skipped.shift();
  }

  /** A disk that was pulled out leaves an empty folder, or none. What was read ahead is read again afterwards. */
  private async throwIfFolderIsGone(): Promise<void> {
    const { path } = this.options;
    let cause: unknown = null;
    const left = await listPictures(path).catch((error) => {
      cause = error;
      return [];
    });
    if (left.length > 0) return;
    this.queue.unshift(...this.reading.map(({ file }) => file));
    this.reading = [];
    throw new NightflowError('lost', `The folder ${path} is gone, or its pictures are.`, {
      cause,
      remedy: 'Connect its disk again: the pictures go on where they were.',
    });
  }
}

const stateOf = ({ bytes, modifiedMilliseconds }: Omit<PictureFile, 'path'>): string =>
  `${bytes} ${modifiedMilliseconds}`;

/** The promise, or a rejection as soon as `signal` aborts; the promise itself goes on. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(abortError(signal));
    const onAbort = () => reject(abortError(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
