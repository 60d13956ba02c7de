/**
 * One TCP connection to an INDI server: bytes in through the parser, text out, a heartbeat that notices a half-open
 * connection. Its waits are those of the network, so its clock is a real one also in a rehearsal.
 */
import { connect, type Socket } from 'node:net';
import { type Clock, realClock } from '../clock/clock.ts';
import { asNightflowError, NightflowError, throwIfAborted } from '../process/errors.ts';
import { encodeMessage } from './protocol/encode.ts';
import type { ProtocolLimits } from './protocol/limits.ts';
import { type IndiMessage, protocolVersion } from './protocol/message.ts';
import { IndiParser } from './protocol/parser.ts';
import type { ParserSink } from './protocol/sink.ts';

export interface ServerAddress {
  host: string;
  port: number;
}

export const defaultPort = 7624;

export interface SocketOptions extends ServerAddress {
  /** Seconds to wait for the connection. 5. */
  connectSeconds?: number;
  /** After so many seconds of silence the server is asked for a sign of life, and has as many to give it. 10. */
  heartbeatSeconds?: number;
  /** Bytes read at once. 65,536. */
  readBytes?: number;
  limits?: Partial<ProtocolLimits>;
  signal?: AbortSignal;
}

/** A server that reads nothing while we send: more than this waiting means that it hangs. */
const maximumUnsentBytes = 16_777_216;

export class IndiSocket {
  /** Settles once, with the reason. */
  readonly closed: Promise<NightflowError>;
  private readonly socket: Socket;
  private readonly address: string;
  private readonly ended = new AbortController();
  private settle: (reason: NightflowError) => void = () => {};
  private lastByteAt = performance.now();
  private paused = false;
  private answersPings = false;

  /** @throws lost (refused, unreachable), timeout, aborted */
  static async connect(options: SocketOptions, sink: ParserSink): Promise<IndiSocket> {
    const { signal, connectSeconds = 5, host, port } = options;
    throwIfAborted(signal);
    const made = new IndiSocket(options, sink);
    try {
      await made.opened(connectSeconds, signal);
      return made;
    } catch (error) {
      made.close();
      if (signal?.aborted) throw new NightflowError('aborted', 'stopped');
      if (error instanceof NightflowError) throw error;
      throw new NightflowError('lost', `No INDI server answers at ${host}:${port} (${(error as Error).message}).`, {
        cause: error,
        remedy: 'Check that indiserver runs there and that no firewall stands between.',
      });
    }
  }

  private constructor(options: SocketOptions, sink: ParserSink) {
    const { host, port, heartbeatSeconds = 10, readBytes = 65_536, limits = {} } = options;
    this.address = `${host}:${port}`;
    this.closed = new Promise((resolve) => {
      this.settle = resolve;
    });
    const parser = new IndiParser(this.answering(sink), limits);
    this.socket = connect({
      host,
      port,
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafeSlow(readBytes),
        callback: (bytes, buffer) => {
          this.lastByteAt = performance.now();
          try {
            parser.push((buffer as Buffer).subarray(0, bytes));
          } catch (error) {
            // A fault of ours must not take the process down with it.
            this.end(asNightflowError(error));
          }
          return !this.paused;
        },
      },
    });
    this.socket.on('error', (error) => this.end(new NightflowError('lost', `${this.address}: ${error.message}`)));
    this.socket.on('close', () => {
      parser.end();
      this.end(new NightflowError('lost', `The INDI server at ${this.address} closed the connection.`));
    });
    this.socket.once('connect', () => void this.beat(heartbeatSeconds));
  }

  send(message: IndiMessage): void {
    this.write(encodeMessage(message));
  }

  write(text: string | Buffer): void {
    if (this.ended.signal.aborted) return;
    this.socket.write(text);
    if (this.socket.writableLength > maximumUnsentBytes)
      this.end(new NightflowError('lost', `The INDI server at ${this.address} does not read what it is sent.`));
  }

  /** Many bytes, no faster than the server reads. @throws lost */
  async writeAll(pieces: Iterable<Buffer>): Promise<void> {
    for (const piece of pieces) {
      if (!this.ended.signal.aborted && this.socket.write(piece)) continue;
      const drained = new Promise<null>((resolve) => this.socket.once('drain', () => resolve(null)));
      const reason = await Promise.race([drained, this.closed]);
      if (reason) throw reason;
    }
  }

  /** Reads no more until `resume`: the sender has to wait. */
  pause(): void {
    this.paused = true;
    this.socket.pause();
  }

  resume(): void {
    this.paused = false;
    this.lastByteAt = performance.now();
    this.socket.resume();
  }

  close(): void {
    this.end(new NightflowError('aborted', `The connection to ${this.address} was closed.`));
  }

  private async opened(seconds: number, signal?: AbortSignal): Promise<void> {
    const over = new AbortController();
    try {
      await Promise.race([
        new Promise<void>((resolve, reject) => {
          this.socket.once('connect', resolve);
          this.socket.once('error', reject);
          signal?.addEventListener('abort', () => reject(new NightflowError('aborted', 'stopped')), {
            once: true,
            signal: over.signal,
          });
        }),
        realClock.sleep(seconds * 1000, over.signal).then(() => {
          throw new NightflowError('timeout', `No INDI server answered at ${this.address} within ${seconds} s.`, {
            remedy: 'Check the address, and that no firewall stands between.',
          });
        }),
      ]);
    } finally {
      over.abort();
    }
  }

  /** Silence is normal (a mount that tracks); silence after a question is not. */
  private async beat(seconds: number, clock: Clock = realClock): Promise<void> {
    const { signal } = this.ended;
    const silentSeconds = () => (performance.now() - this.lastByteAt) / 1000;
    try {
      for (let question = 1; ; question++) {
        await clock.sleep(Math.max(0.01, seconds - silentSeconds()) * 1000, signal);
        if (this.paused) this.lastByteAt = performance.now();
        if (silentSeconds() < seconds) continue;
        const askedAt = performance.now();
        this.send({ tag: 'pingRequest', uid: `nightflow-${question}` });
        // A server older than 1.9 knows no ping; this makes it speak, too, when it has any device.
        if (!this.answersPings) this.send({ tag: 'getProperties', version: protocolVersion, device: null, name: null });
        await clock.sleep(seconds * 1000, signal);
        // After a stall of this process the timer comes first, and the answer lies unread.
        if (this.lastByteAt < askedAt) await clock.sleep(50, signal);
        if (this.lastByteAt < askedAt && !this.paused)
          this.end(
            new NightflowError('lost', `The INDI server at ${this.address} gave no sign of life for ${2 * seconds} s.`),
          );
      }
    } catch {
      // The connection has ended.
    }
  }

  private answering(sink: ParserSink): ParserSink {
    return {
      ...sink,
      message: (message) => {
        if (message.tag === 'pingReply') this.answersPings = true;
        if (message.tag === 'pingRequest') this.send({ tag: 'pingReply', uid: message.uid });
        else sink.message(message);
      },
    };
  }

  private end(reason: NightflowError): void {
    if (this.ended.signal.aborted) return;
    this.ended.abort();
    this.socket.destroy();
    this.settle(reason);
  }
}
