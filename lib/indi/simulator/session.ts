/** One client of the simulated server: what it asked for, which BLOBs it wants, and its socket with back-pressure. */
import type { Socket } from 'node:net';
import { type BlobVector, encodeBlobVector } from '../protocol/blob-encode.ts';
import { encodeMessage } from '../protocol/encode.ts';
import type { BlobPolicy, IndiMessage } from '../protocol/message.ts';
import { IndiParser } from '../protocol/parser.ts';

export interface SessionEvents {
  message(session: Session, message: IndiMessage): void;
  closed(session: Session): void;
}

/** A client that reads nothing while more than this waits for it is cut off; indiserver does so at 128 MB. */
const mostWaitingBytes = 134_217_728;
/** Stream pictures are dropped for a client that is so far behind, as indiserver's -d does. */
const mostWaitingStreamBytes = 5_242_880;

export class Session {
  private readonly socket: Socket;
  /** Device names, or device and property as JSON; '' is everything. */
  private readonly interests = new Set<string>();
  private readonly policies = new Map<string, BlobPolicy>();
  /** Messages that stand behind a BLOB on its way. */
  private queue: (string | { vector: BlobVector; cut: boolean })[] = [];
  private queuedBytes = 0;
  private pending = '';
  private writing = false;
  private closed = false;
  /** A half-open connection: bytes go into the void. */
  muted = false;

  constructor(socket: Socket, events: SessionEvents) {
    this.socket = socket;
    socket.setNoDelay(true);
    // What can't be read is passed over without a word, as indiserver does.
    const parser = new IndiParser({
      message: (message) => {
        if (!this.muted) this.hear(message, events);
      },
      fault: () => {},
    });
    socket.on('data', (chunk) => parser.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.queue = [];
      events.closed(this);
    });
  }

  /** Whether something of this device (and property) goes to this client. */
  wants(device: string | null, name: string | null): boolean {
    if (this.interests.has('') || device === null) return true;
    if (this.interests.has(device)) return true;
    if (name !== null) return this.interests.has(key(device, name));
    return [...this.interests].some((each) => each.startsWith(`${JSON.stringify([device]).slice(0, -1)},`));
  }

  send(message: IndiMessage): undefined {
    if (this.onlyBlobs && message.tag !== 'pingReply') return;
    this.write(encodeMessage(message));
  }

  sendRaw(text: string): undefined {
    this.write(text);
  }

  /** @param cut The connection ends in the middle of it. */
  sendBlob(vector: BlobVector, cut: boolean): undefined {
    const { device, name, elements } = vector;
    if (this.policyOf(device, name) === 'Never' || !this.wants(device, name)) return;
    const stream = elements.some(({ format }) => format.startsWith('.stream'));
    if (stream && this.waitingBytes > mostWaitingStreamBytes) return;
    this.queuedBytes += elements.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
    this.queue.push({ vector, cut });
    void this.drain();
  }

  destroy(): undefined {
    this.socket.destroy();
  }

  private hear(message: IndiMessage, events: SessionEvents): undefined {
    if (message.tag === 'pingRequest') return this.send({ tag: 'pingReply', uid: message.uid });
    if (message.tag === 'enableBLOB') this.setPolicy(message.device, message.name, message.policy);
    if ('device' in message && message.device !== null)
      // Whoever asks for one property is told of that one; whoever sets something, of the device.
      this.interests.add(
        message.tag === 'getProperties' && message.name !== null ? key(message.device, message.name) : message.device,
      );
    else if (message.tag === 'getProperties' && this.interests.size === 0) this.interests.add('');
    events.message(this, message);
  }

  private setPolicy(device: string | null, name: string | null, policy: BlobPolicy): undefined {
    if (device === null) this.policies.clear();
    this.policies.set(device === null ? '' : name === null ? device : key(device, name), policy);
  }

  private policyOf(device: string, name: string): BlobPolicy {
    const { policies } = this;
    return policies.get(key(device, name)) ?? policies.get(device) ?? policies.get('') ?? 'Never';
  }

  private get onlyBlobs(): boolean {
    return [...this.policies.values()].includes('Only');
  }

  private get waitingBytes(): number {
    return this.queuedBytes + this.socket.writableLength;
  }

  private write(text: string): undefined {
    if (this.closed || this.muted) return;
    if (this.waitingBytes > mostWaitingBytes) return this.destroy();
    if (this.writing) {
      this.queue.push(text);
      return;
    }
    if (this.pending === '') setImmediate(() => this.flush());
    this.pending += text;
  }

  /**
   * All of a turn goes out as one, after what has arrived is read. indi_setprop sends its wish and ends with the rest of the definitions
   * unread: a write after that fails, and would take the wish, which waits to be read, with it.
   */
  private flush(): void {
    const text = this.pending;
    this.pending = '';
    if (text !== '' && !this.closed) this.socket.write(text);
  }

  /** BLOBs go out in pieces, at the pace of the reader. */
  private async drain(): Promise<void> {
    if (this.writing) return;
    this.flush();
    this.writing = true;
    for (let next = this.queue.shift(); next !== undefined && !this.closed; next = this.queue.shift()) {
      if (typeof next === 'string') this.socket.write(next);
      else {
        await this.writeBlob(next.vector, next.cut);
        this.queuedBytes -= next.vector.elements.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
      }
    }
    this.writing = false;
  }

  private async writeBlob(vector: BlobVector, cut: boolean): Promise<void> {
    let left = cut ? vector.elements.reduce((sum, { bytes }) => sum + bytes.byteLength, 0) / 2 : Infinity;
    for (const piece of encodeBlobVector(vector)) {
      if (this.closed || this.muted) return;
      if (!this.socket.write(piece)) await this.writable();
      left -= piece.byteLength;
      if (left < 0) return this.destroy();
    }
  }

  private writable(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.socket.off('drain', done);
        this.socket.off('close', done);
        resolve();
      };
      this.socket.on('drain', done);
      this.socket.on('close', done);
    });
  }
}

const key = (device: string, name: string): string => JSON.stringify([device, name]);
