/** The main thread's side of the BLOB worker: subscriptions go in, BLOBs in shared memory come out. */
import { Worker } from 'node:worker_threads';
import { realClock } from '../../clock/clock.ts';
import { trackShared } from '../../kernels/memory.ts';
import { NightflowError } from '../../process/errors.ts';
import { Events, type Listener } from '../../process/events.ts';
import { encodeMessage } from '../protocol/encode.ts';
import { protocolVersion } from '../protocol/message.ts';
import type { SocketOptions } from '../socket.ts';
import type { BlobArrival, FromWorker, ToWorker } from './traffic.ts';

export type { BlobArrival } from './traffic.ts';

interface ChannelEvents {
  blob: BlobArrival;
  /** Bytes that were no message, a sentence. */
  fault: string;
  /** The server's answer to a ping. */
  pong: string;
}

/** Bytes of BLOBs that may wait for a main thread that is held up; then the server has to wait with the next. */
const unreadBytes = 268_435_456;
/** A picture of 24 MB read 256 KB at a time costs a third fewer calls than 64 KB at a time. */
const readBytes = 262_144;
const pongSeconds = 2;

const workerFile = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

export class BlobChannel {
  /** Settles once, with the reason. */
  readonly closed: Promise<NightflowError>;
  private readonly worker: Worker;
  private readonly events = new Events<ChannelEvents>();
  private settle: (reason: NightflowError) => void = () => {};
  private opened: () => void = () => {};
  private questions = 0;

  /** Starts a worker and connects it. @throws lost, timeout, aborted */
  static async open(options: SocketOptions): Promise<BlobChannel> {
    const { signal, ...rest } = options;
    const channel = new BlobChannel();
    const onAbort = () => channel.close();
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      const opened = new Promise<void>((resolve) => {
        channel.opened = resolve;
      });
      channel.post({ what: 'open', options: { readBytes, ...rest }, unreadBytes });
      if (signal?.aborted) channel.close();
      const failure = await Promise.race([opened, channel.closed]);
      if (failure) throw failure;
      return channel;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  private constructor() {
    this.closed = new Promise((resolve) => {
      this.settle = resolve;
    });
    this.worker = new Worker(workerFile);
    this.worker.on('message', (message: FromWorker) => this.take(message));
    this.worker.on('error', (error) =>
      this.end(
        new NightflowError('failed', `The thread that receives BLOBs failed: ${error.message}`, { cause: error }),
      ),
    );
    this.worker.on('exit', () => this.end(new NightflowError('aborted', 'The BLOB connection was closed.')));
  }

  on<Name extends keyof ChannelEvents>(name: Name, listener: Listener<ChannelEvents[Name]>): () => void {
    return this.events.on(name, listener);
  }

  /**
   * Asks for the BLOBs of a property; asking again is harmless. Nothing else comes over this connection. Resolves when the
   * server has understood, so that the exposure which follows on the other connection can't be faster.
   */
  async subscribe(device: string, property: string): Promise<void> {
    const uid = `nightflow-blobs-${++this.questions}`;
    // A server sends a client what it has asked about: first the definition, then the permission for the content.
    const text =
      encodeMessage({ tag: 'getProperties', version: protocolVersion, device, name: property }) +
      encodeMessage({ tag: 'enableBLOB', device, name: property, policy: 'Only' }) +
      encodeMessage({ tag: 'pingRequest', uid });
    this.post({ what: 'write', text });
    const over = new AbortController();
    const understood = new Promise<void>((resolve) => {
      const off = this.events.on('pong', (answered) => {
        if (answered !== uid) return;
        off();
        resolve();
      });
      over.signal.addEventListener('abort', off);
    });
    // A server older than 1.9 answers no ping.
    const waited = realClock.sleep(pongSeconds * 1000, over.signal).catch(() => {});
    await Promise.race([understood, this.closed, waited]);
    over.abort();
  }

  unsubscribe(device: string, property: string): void {
    this.post({ what: 'write', text: encodeMessage({ tag: 'enableBLOB', device, name: property, policy: 'Never' }) });
  }

  close(): void {
    this.post({ what: 'close' });
    this.end(new NightflowError('aborted', 'The BLOB connection was closed.'));
  }

  private take(message: FromWorker): void {
    if (message.what === 'opened') this.opened();
    else if (message.what === 'pong') this.events.emit('pong', message.uid);
    else if (message.what === 'fault') this.events.emit('fault', message.text);
    else if (message.what === 'blob') {
      this.post({ what: 'received', bytes: message.bytes });
      for (const { blob } of message.arrival.elements) if (blob.data) trackShared(blob.data);
      this.events.emit('blob', message.arrival);
    } else this.end(new NightflowError(message.code, message.text, { remedy: message.remedy }));
  }

  private post(message: ToWorker): void {
    this.worker.postMessage(message);
  }

  private end(reason: NightflowError): void {
    this.settle(reason);
    void this.worker.terminate();
  }
}
