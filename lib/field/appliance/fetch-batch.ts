/** Fetches the frames of a batch while the next are exposed: whole, with the right SHA-256, durable, and only then acknowledged. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, stat, unlink } from 'node:fs/promises';
import { type Clock, realClock } from '../../clock/clock.ts';
import { confine, publishDurably, writeAll } from '../../process/durable.ts';
import { asNightflowError, type NightflowError, throwIfAborted } from '../../process/errors.ts';
import { retry } from '../../process/retry.ts';
import type { BatchStatus } from './appliance.ts';
import { isOver } from './batch-record.ts';
import type { Connection } from './connection.ts';
import { damaged } from './connection-errors.ts';
import { claimPart, releasePart } from './part-file.ts';
import type { SpooledFrame } from './spool.ts';

export interface FetchOptions {
  folder: string;
  /** Frames that are fetched at the same time; 2. */
  parallel?: number;
  /** Leaves the frames in the spool. */
  keepThere?: boolean;
  onProgress?: (progress: FetchProgress) => void;
  signal?: AbortSignal;
  clock?: Clock;
}

export interface FetchProgress {
  batch: BatchStatus;
  fetched: number;
  bytes: number;
  /** Frames that another client had acknowledged before they were here. */
  gone: number;
  /** The file that has just come, or null. */
  file: string | null;
  /** Why the line is down, and when it is tried again; null while it works. */
  problem: string | null;
}

/** The batch as it is; with `kept` as soon as more frames than that are there, or after a while. */
export type AskForBatch = (kept: number | undefined, signal: AbortSignal) => Promise<BatchStatus>;

/** A line that breaks is tried again for some minutes. */
const attempts = 12;
const usualParallel = 2;

/** Resolves when the batch is over and all are here. @throws lost after many tries; rejected for a wrong sum; aborted */
export async function fetchBatch(
  ask: AskForBatch,
  connection: Connection,
  options: FetchOptions,
): Promise<BatchStatus> {
  const ending = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, ending.signal]) : ending.signal;
  await mkdir(options.folder, { recursive: true });
  try {
    return await new BatchFetch(ask, connection, options, signal).run();
  } finally {
    // One that failed for good takes the others along.
    ending.abort();
  }
}

class BatchFetch {
  private readonly ask: AskForBatch;
  private readonly connection: Connection;
  private readonly options: FetchOptions;
  private readonly signal: AbortSignal;
  private readonly progress = { fetched: 0, bytes: 0, gone: 0 };
  private readonly begun = new Set<number>();
  private readonly running = new Set<Promise<void>>();
  private latest: BatchStatus | null = null;
  private failure: unknown = null;

  constructor(ask: AskForBatch, connection: Connection, options: FetchOptions, signal: AbortSignal) {
    this.ask = ask;
    this.connection = connection;
    this.options = options;
    this.signal = signal;
  }

  async run(): Promise<BatchStatus> {
    for (let kept: number | undefined; ; ) {
      const wanted = kept;
      const batch = await this.again(() => this.ask(wanted, this.signal));
      this.latest = batch;
      this.tell(null, null);
      for (const frame of batch.frames) await this.begin(frame);
      if (isOver(batch.state)) break;
      kept = batch.kept;
    }
    await Promise.all(this.running);
    if (this.failure) throw this.failure;
    return this.latest;
  }

  /** Resolves when it is under way, which is when there is a place for it. */
  private async begin(frame: SpooledFrame): Promise<void> {
    if (this.begun.has(frame.number)) return;
    const { parallel = usualParallel } = this.options;
    while (this.running.size >= parallel) await Promise.race(this.running);
    if (this.failure) throw this.failure;
    const coming: Promise<void> = this.again(() => this.fetch(frame))
      .then((file) => {
        if (file === null) this.progress.gone++;
        else {
          this.progress.fetched++;
          this.progress.bytes += frame.bytes;
        }
        this.tell(file, null);
      })
      .catch((thrown) => {
        this.failure ??= thrown;
      })
      .finally(() => this.running.delete(coming));
    this.begun.add(frame.number);
    this.running.add(coming);
  }

  private again<T>(work: () => Promise<T>): Promise<T> {
    const { clock = realClock } = this.options;
    const onFailure = ({ message }: NightflowError, _failures: number, seconds: number) =>
      this.tell(null, `${message} Again in ${Math.ceil(seconds)} s.`);
    return retry(work, { clock, signal: this.signal, attempts, onFailure });
  }

  private tell(file: string | null, problem: string | null): void {
    if (this.latest) this.options.onProgress?.({ batch: this.latest, ...this.progress, file, problem });
  }

  /** One frame into the folder. @returns the path; null when another client has acknowledged it meanwhile */
  private async fetch(frame: SpooledFrame): Promise<string | null> {
    const { folder, keepThere } = this.options;
    const path = confine(folder, frame.name);
    if ((await sizeOf(path)) !== frame.bytes || (await sha256Of(path)) !== frame.sha256) {
      const part = await claimPart(path);
      try {
        if (!(await this.download(frame, part))) {
          await unlink(part).catch(() => {});
          return null;
        }
        if ((await sha256Of(part)) !== frame.sha256) {
          await unlink(part);
          throw damaged(frame.name);
        }
        await publishDurably(part, path);
      } catch (thrown) {
        await releasePart(part, path);
        throw thrown;
      }
    }
    if (!keepThere) await this.acknowledge(frame);
    return path;
  }

  /** Appends what is missing of a file. @returns false when it is not there any more */
  private async download(frame: SpooledFrame, part: string): Promise<boolean> {
    const there = (await sizeOf(part)) ?? 0;
    if (there === frame.bytes) return true;
    const from = there < frame.bytes ? there : 0;
    const range = { Range: `bytes=${from}-`, 'If-Range': `"${frame.sha256}"` };
    const headers = from > 0 ? range : {};
    const answer = await this.connection.request(addressOf(frame), { headers, signal: this.signal, allowed: [404] });
    if (answer.statusCode === 404) {
      answer.resume();
      return false;
    }
    const handle = await open(part, answer.statusCode === 206 ? 'a' : 'w');
    let missing = frame.bytes - (answer.statusCode === 206 ? from : 0);
    try {
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        missing -= chunk.byteLength;
        if (missing < 0) throw damaged(frame.name);
        await writeAll(handle, chunk);
      }
    } catch (thrown) {
      throwIfAborted(this.signal);
      const error = asNightflowError(thrown);
      throw error.code === 'disk-full' || error.code === 'rejected' ? error : this.connection.broken(thrown);
    } finally {
      await handle.close();
    }
    return true;
  }

  private async acknowledge(frame: SpooledFrame): Promise<void> {
    const headers = { 'If-Match': `"${frame.sha256}"` };
    const answer = await this.connection.request(addressOf(frame), {
      method: 'DELETE',
      headers,
      signal: this.signal,
      allowed: [404],
    });
    answer.resume();
  }
}

const addressOf = ({ batch, number }: SpooledFrame): string => `/batches/${encodeURIComponent(batch)}/frames/${number}`;

const sizeOf = async (path: string): Promise<number | null> =>
  stat(path).then(
    ({ size }) => size,
    () => null,
  );

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest('hex');
}
