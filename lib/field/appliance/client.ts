/** The other machine's side of the RAW appliance: starts a batch, and fetches, checks and acknowledges its frames while the next are exposed. */
import { createHash } from 'node:crypto';
import type { ExposureRequest } from '../../camera/camera.ts';
import { NightflowError, throwIfAborted } from '../../process/errors.ts';
import type { BatchStatus } from './appliance.ts';
import type { WhenFull } from './batch-record.ts';
import { type ApplianceAddress, Connection } from './connection.ts';
import { damaged, type FailureData, failureOf } from './connection-errors.ts';
import { type FetchOptions, fetchBatch } from './fetch-batch.ts';
import type { ApplianceFormat } from './format.ts';
import type { SpooledFrame } from './spool.ts';

export type { ApplianceAddress } from './connection.ts';
export type { FetchOptions, FetchProgress } from './fetch-batch.ts';

export interface BatchOptions {
  count: number;
  exposure: ExposureRequest;
  camera?: string;
  /** Absent: the camera's own file where it makes one, else FITS. */
  format?: ApplianceFormat;
  whenFull?: WhenFull;
}

/** One shot: a RAW file in memory. */
export interface FetchedShot {
  name: string;
  bytes: Buffer;
  sha256: string;
}

const waitSeconds = 20;
/** A camera may take its time before it answers. */
const callSeconds = 120;

export class ApplianceClient {
  private readonly connection: Connection;

  /** @throws bad-input for an address that is none */
  constructor(address: ApplianceAddress) {
    this.connection = new Connection(address);
  }

  /** One JSON-RPC call. @throws what the appliance said, with its code; lost when it does not answer */
  async call(method: string, params: object = {}, signal?: AbortSignal): Promise<unknown> {
    const answer = await this.connection.json('/rpc', {
      ...postOf({ jsonrpc: '2.0', id: 1, method, params }),
      idleSeconds: callSeconds,
      signal,
    });
    const { result, error } = answer as { result: unknown; error?: { message: string; data?: FailureData } };
    if (error) throw failureOf(error.message, error.data);
    return result;
  }

  /** One exposure straight from the appliance's memory. @throws as `call`; rejected when the bytes are not those that were sent */
  async shot(
    exposure: ExposureRequest,
    camera?: string,
    signal?: AbortSignal,
    format?: ApplianceFormat,
  ): Promise<FetchedShot> {
    const body = { ...exposure, ...(camera ? { camera } : {}), ...(format ? { format } : {}) };
    const idleSeconds = exposure.exposureSeconds + callSeconds;
    const answer = await this.connection.request('/shot', { ...postOf(body), idleSeconds, signal });
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
    } catch (thrown) {
      throwIfAborted(signal);
      throw this.connection.broken(thrown);
    }
    const bytes = Buffer.concat(chunks);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (answer.headers.etag !== `"${sha256}"`) throw damaged('The shot');
    const name = /filename="([\w-][\w.-]*)"/.exec(answer.headers['content-disposition'] ?? '')?.[1] ?? 'shot';
    return { name, bytes, sha256 };
  }

  /** Begins a batch. @returns its id */
  async start({ count, exposure, camera, ...given }: BatchOptions, signal?: AbortSignal): Promise<string> {
    const params = { count, ...exposure, ...(camera ? { camera } : {}), ...given };
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
    const batch = (await this.connection.json(`/batches/${encodeURIComponent(id)}${query}`, { signal })) as BatchStatus;
    if (Array.isArray(batch?.frames) && batch.frames.every(isFrame)) return batch;
    throw new NightflowError('failed', 'The appliance answered with what is no batch.');
  }

  /**
   * Fetches the frames of a batch as they come, until it is over and all are here: whole, with the right SHA-256, durable, then
   * acknowledged. What an earlier run had begun is continued. @throws lost after many tries; rejected for a wrong sum; aborted
   */
  fetchAll(id: string, options: FetchOptions): Promise<BatchStatus> {
    return fetchBatch((kept, signal) => this.batch(id, kept, signal), this.connection, options);
  }
}

const postOf = (value: object) => ({
  method: 'POST' as const,
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(value),
});

/** Another machine's word: names without folders, sums that are sums. */
const isFrame = ({ batch, number, name, bytes, sha256 }: SpooledFrame): boolean =>
  typeof batch === 'string' &&
  Number.isSafeInteger(number) &&
  /^[\w-][\w.-]{0,200}$/.test(name) &&
  Number.isSafeInteger(bytes) &&
  /^[0-9a-f]{64}$/.test(sha256);
