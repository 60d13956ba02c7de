/** Decodes a BLOB while it streams in, straight into the shared memory it will be used from. Runs in the BLOB worker. */
import { inflateSync } from 'node:zlib';
import type { Clock } from '../../clock/clock.ts';
import { allocateShared, trackShared } from '../../kernels/memory.ts';
import type { BlobValue } from '../protocol/message.ts';
import type { BlobContent, BlobHeader } from '../protocol/sink.ts';
import { Base64Decoder } from './base64.ts';

/** What is allocated for a BLOB that does not say how large it is. */
const firstGuessBytes = 1_048_576;

export class BlobReceiver implements BlobContent {
  private readonly header: BlobHeader;
  private readonly limit: number;
  private readonly clock: Clock;
  /** Bytes that must arrive; null when nobody said. More is padding (indiserver's compressed BLOBs) and cut off. */
  private readonly declared: number | null;
  private readonly decoder: Base64Decoder;
  private target: Buffer | null = null;
  private length = 0;
  private firstByteAt: number | null = null;
  private error: string | null;

  constructor(header: BlobHeader, limitBytes: number, clock: Clock) {
    this.header = header;
    this.limit = limitBytes;
    this.clock = clock;
    // `size` counts the bytes before compression; only uncompressed content is known to have as many.
    this.declared = header.length ?? (isCompressed(header.format) ? null : header.size);
    const largest = Math.max(header.length ?? 0, header.size ?? 0);
    this.error =
      largest > limitBytes ? `declares ${largest} bytes, more than the ${limitBytes} that are allowed` : null;
    this.decoder = new Base64Decoder((text, characters) => this.append(text, characters));
  }

  write(base64: Buffer): void {
    this.firstByteAt ??= this.clock.now();
    if (this.error !== null) return;
    // What follows the declared bytes is not even looked at.
    if (this.isFull()) return;
    this.decoder.write(base64);
    this.error ??= this.decoder.error;
  }

  end(): BlobValue {
    if (this.error === null && !this.isFull()) {
      this.decoder.end();
      this.error ??= this.decoder.error;
    }
    if (this.error === null && this.declared !== null && this.length < this.declared)
      this.error = `holds ${this.length} bytes instead of the ${this.declared} it declares`;
    const { format } = this.header;
    const value: BlobValue = {
      format,
      declaredBytes: this.header.size ?? this.length,
      data: null,
      byteLength: 0,
      error: null,
      firstByteAt: this.firstByteAt,
      arrivedAt: this.clock.now(),
    };
    if (this.error === null && format.endsWith('.z')) this.inflate(value);
    else if (this.error === null) {
      value.data = (this.target?.buffer as SharedArrayBuffer | undefined) ?? allocateShared(0);
      value.byteLength = this.length;
    }
    if (this.error !== null) {
      const { device, property, element } = this.header;
      value.error = `The BLOB ${device}.${property}.${element} ${this.error}.`;
    }
    this.target = null;
    return value;
  }

  abort(): void {
    this.target = null;
    this.error = 'was broken off';
  }

  private isFull(): boolean {
    return this.declared !== null && this.length === this.declared;
  }

  private append(text: string, characters: number): boolean {
    const expected = Math.floor((characters * 3) / 4);
    if (!this.makeRoom(expected)) return true;
    const { target, length } = this;
    const decoded = target!.write(text, length, 'base64');
    if (decoded < Math.min(expected, target!.length - length)) return false;
    this.length += decoded;
    return true;
  }

  private makeRoom(bytes: number): boolean {
    try {
      this.target ??= sharedBuffer(this.declared ?? Math.min(this.limit, this.header.size || firstGuessBytes));
      if (this.declared !== null || this.target.length - this.length >= bytes) return true;
      if (this.length + bytes > this.limit) {
        this.error = `is larger than the ${this.limit} bytes that are allowed`;
        return false;
      }
      const larger = sharedBuffer(Math.min(this.limit, Math.max(this.target.length * 2, this.length + bytes)));
      this.target.copy(larger, 0, 0, this.length);
      this.target = larger;
      return true;
    } catch (error) {
      this.error = `finds no memory: ${(error as Error).message}`;
      return false;
    }
  }

  private inflate(value: BlobValue): void {
    const { size } = this.header;
    const expected = size ?? this.limit;
    try {
      const plain = inflateSync(this.target!.subarray(0, this.length), { maxOutputLength: Math.max(1, expected) });
      if (size !== null && plain.byteLength !== size)
        throw new Error(`it inflates to ${plain.byteLength} bytes instead of the ${size} it declares`);
      value.data = allocateShared(plain.byteLength);
      plain.copy(new Uint8Array(value.data));
      value.byteLength = plain.byteLength;
      value.format = value.format.slice(0, -2);
    } catch (error) {
      const tooLong = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
      this.error = `can't be inflated: ${tooLong ? `it is larger than the ${expected} bytes it may have` : (error as Error).message}`;
    }
  }
}

/** `.fits.fz` (fpack) and `.z` (zlib): `size` is not what is sent. Stream formats may be compressed pictures, too. */
const isCompressed = (format: string): boolean => /\.(?:fz|z|gz)$|_jpg$|mjpe?g$/i.test(format);

/**
 * The shared memory itself is the buffer: decoding writes where the BLOB will stay. The text that passes through this thread
 * meanwhile makes several collections of young objects, which the memory survives: it grows old.
 */
const sharedBuffer = (bytes: number): Buffer =>
  Buffer.from(trackShared(new SharedArrayBuffer(bytes), true) as unknown as ArrayBuffer);
