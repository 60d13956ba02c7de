/** The other machine's side of the RAW appliance: starts a batch, and fetches, checks and acknowledges its frames while the next are exposed. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, stat, unlink } from 'node:fs/promises';
import type { ExposureRequest } from '../../camera/camera.ts';
import { type Clock, realClock } from '../../clock/clock.ts';
import { confine, publishDurably, writeAll } from '../../process/durable.ts';
import { asNightflowError, type ErrorCode, NightflowError, throwIfAborted } from '../../process/errors.ts';
import { retry } from '../../process/retry.ts';
import type { BatchStatus } from './appliance.ts';
import { isOver, type WhenFull } from './batch-record.ts';
import type { SpooledFrame } from './spool.ts';

export interface ApplianceAddress {
  /** http://pi:1880/appliance */
  url: string;
  token?: string;
  /** For a Node-RED that asks for a password (httpNodeAuth). */
  user?: string;
  password?: string;
}

export interface BatchOptions {
  count: number;
  exposure: ExposureRequest;
  camera?: string;
  whenFull?: WhenFull;
}

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
  /** The file that has just come, or null. */
  file: string | null;
}

const waitSeconds = 20;
/** A line that breaks is tried again for some minutes. */
const attempts = 12;
const partSuffix = '.part';

export class ApplianceClient {
  private readonly url: string;
  private readonly headers: Record<string, string> = {};

  /** @throws bad-input for an address that is none */
  constructor({ url, token, user, password }: ApplianceAddress) {
    if (!URL.canParse(url) || !/^https?:/.test(url))
      throw new NightflowError('bad-input', `"${url}" is no address.`, { remedy: 'Such as http://pi:1880/appliance.' });
    this.url = url.replace(/\/+$/, '');
    if (token) this.headers.Authorization = `Bearer ${token}`;
    else if (user) this.headers.Authorization = `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}`;
  }

  /** One JSON-RPC call. @throws what the appliance said, with its code; lost when it does not answer */
  async call(method: string, params: object = {}, signal?: AbortSignal): Promise<unknown> {
    const answer = await this.request('/rpc', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      signal: signal ?? null,
    });
    const { result, error } = (await answer.json()) as { result: unknown; error?: RpcFailure };
    if (error) throw failureOf(error.message, error.data);
    return result;
  }

  /** Begins a batch. @returns its id */
  async start({ count, exposure, camera, whenFull }: BatchOptions, signal?: AbortSignal): Promise<string> {
    const params = { count, ...exposure, ...(camera ? { camera } : {}), ...(whenFull ? { whenFull } : {}) };
    const { id } = (await this.call('batch', params, signal)) as { id?: unknown };
    if (typeof id === 'string') return id;
    throw new NightflowError('failed', 'The appliance answered without the id of the batch.');
  }

  async abort(batch: string): Promise<void> {
    await this.call('abort', { batch });
  }

  /** A batch with the frames that wait; answers when more than `kept` were kept, or after a while. @throws lost, bad-input */
  async batch(id: string, kept?: number, signal?: AbortSignal): Promise<BatchStatus> {
    const query = kept === undefined ? '' : `?kept=${kept}&wait=${waitSeconds}`;
    const answer = await this.request(`/batches/${encodeURIComponent(id)}${query}`, { signal: signal ?? null });
    const batch = (await answer.json()) as BatchStatus;
    if (Array.isArray(batch?.frames) && batch.frames.every(isFrame)) return batch;
    throw new NightflowError('failed', 'The appliance answered with what is no batch.');
  }

  /**
   * Fetches the frames of a batch as they come, until it is over and all are here: whole, with the right SHA-256, durable, then
   * acknowledged. What an earlier run had begun is continued. @throws lost after many tries; rejected for a wrong sum; aborted
   */
  async fetchAll(id: string, options: FetchOptions): Promise<BatchStatus> {
    const ending = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, ending.signal]) : ending.signal;
    await mkdir(options.folder, { recursive: true });
    try {
      return await this.follow(id, { ...options, signal });
    } finally {
      // One that failed for good takes the others along.
      ending.abort();
    }
  }

  private async follow(id: string, options: FetchOptions): Promise<BatchStatus> {
    const { parallel = 2, clock = realClock, onProgress, signal } = options;
    const begun = new Map<number, Promise<void>>();
    const running = new Set<Promise<void>>();
    let failure: unknown = null;
    let [fetched, bytes] = [0, 0];
    const again = { clock, ...(signal ? { signal } : {}), attempts };
    let batch = await retry(() => this.batch(id, undefined, signal), again);
    for (;;) {
      onProgress?.({ batch, fetched, bytes, file: null });
      for (const frame of batch.frames) {
        if (begun.has(frame.number)) continue;
        while (running.size >= parallel) await Promise.race(running);
        if (failure) throw failure;
        const coming: Promise<void> = retry(() => this.fetch(frame, options), again)
          .then((file) => {
            fetched++;
            bytes += frame.bytes;
            onProgress?.({ batch, fetched, bytes, file });
          })
          .catch((thrown) => {
            failure ??= thrown;
          })
          .finally(() => running.delete(coming));
        begun.set(frame.number, coming);
        running.add(coming);
      }
      if (isOver(batch.state)) break;
      const { kept } = batch;
      batch = await retry(() => this.batch(id, kept, signal), again);
    }
    await Promise.all(running);
    if (failure) throw failure;
    return batch;
  }

  /** One frame into the folder. @returns the path */
  private async fetch(frame: SpooledFrame, { folder, keepThere, signal }: FetchOptions): Promise<string> {
    const path = confine(folder, frame.name);
    if ((await sizeOf(path)) !== frame.bytes || (await sha256Of(path)) !== frame.sha256) {
      const part = `${path}${partSuffix}`;
      await this.download(frame, part, signal);
      if ((await sha256Of(part)) !== frame.sha256) {
        await unlink(part);
        throw new NightflowError('rejected', `${frame.name} came with another SHA-256 than it has there.`);
      }
      await publishDurably(part, path);
    }
    if (!keepThere) await this.acknowledge(frame, signal);
    return path;
  }

  /** Appends what is missing of a file. */
  private async download(frame: SpooledFrame, part: string, signal?: AbortSignal): Promise<void> {
    const there = await sizeOf(part);
    const from = there !== null && there < frame.bytes ? there : 0;
    const etag = `"${frame.sha256}"`;
    const headers: Record<string, string> = from > 0 ? { Range: `bytes=${from}-`, 'If-Range': etag } : {};
    const answer = await this.request(addressOf(frame), { headers, signal: signal ?? null });
    const handle = await open(part, answer.status === 206 ? 'a' : 'w');
    try {
      for await (const chunk of answer.body ?? []) await writeAll(handle, chunk);
    } catch (thrown) {
      throwIfAborted(signal);
      const error = asNightflowError(thrown);
      throw error.code === 'disk-full' ? error : lost(thrown);
    } finally {
      await handle.close();
    }
  }

  private async acknowledge(frame: SpooledFrame, signal?: AbortSignal): Promise<void> {
    const headers = { 'If-Match': `"${frame.sha256}"` };
    await this.request(addressOf(frame), { method: 'DELETE', headers, signal: signal ?? null }, [404]);
  }

  private async request(path: string, init: RequestInit, allowed: readonly number[] = []): Promise<Response> {
    let answer: Response;
    try {
      answer = await fetch(this.url + path, { ...init, headers: { ...this.headers, ...init.headers } });
    } catch (thrown) {
      throwIfAborted(init.signal ?? undefined);
      throw lost(thrown, this.url);
    }
    if (answer.ok || allowed.includes(answer.status)) return answer;
    const text = await answer.text().catch(() => '');
    throw refusalOf(answer.status, text, this.url);
  }
}

interface RpcFailure {
  message: string;
  data?: { code: ErrorCode; remedy?: string };
}

const addressOf = ({ batch, number }: SpooledFrame): string => `/batches/${encodeURIComponent(batch)}/frames/${number}`;

/** Another machine's word: names without folders, sums that are sums. */
const isFrame = ({ batch, number, name, bytes, sha256 }: SpooledFrame): boolean =>
  typeof batch === 'string' &&
  Number.isSafeInteger(number) &&
  /^[\w-][\w.-]{0,200}$/.test(name) &&
  Number.isSafeInteger(bytes) &&
  /^[0-9a-f]{64}$/.test(sha256);

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

function lost(thrown: unknown, url?: string): NightflowError {
  const cause = (thrown as { cause?: Error }).cause ?? (thrown as Error);
  return new NightflowError('lost', `${url ?? 'The appliance'} does not answer: ${cause.message}.`, {
    cause: thrown,
    remedy: 'Check the address, and that Nightflow listens to other machines.',
  });
}

const failureOf = (message: string, data?: { code?: ErrorCode; remedy?: string }): NightflowError =>
  new NightflowError(data?.code ?? 'bad-input', message, data?.remedy === undefined ? {} : { remedy: data.remedy });

function refusalOf(status: number, text: string, url: string): NightflowError {
  try {
    const { error } = JSON.parse(text) as { error: { code: ErrorCode; message: string; remedy?: string } };
    // What is refused is refused the next time, too.
    const code = status < 500 ? (error.code === 'busy' ? 'busy' : 'bad-input') : error.code;
    return failureOf(error.message, { ...error, code });
  } catch {
    const remedy = status === 401 ? 'Give a token, or user and password.' : 'Check host and path.';
    return new NightflowError(status < 500 ? 'bad-input' : 'failed', `${url} answers ${status}.`, { remedy });
  }
}
