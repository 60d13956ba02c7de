/** Vectors of BLOBs as bytes, in pieces, so that 50 MB are not first made into one string. */
import { attributes } from './encode.ts';
import type { PropertyState } from './message.ts';

export interface BlobElement {
  name: string;
  format: string;
  bytes: Uint8Array;
  /** Bytes without compression, when `bytes` are compressed. */
  uncompressedBytes?: number;
}

export interface BlobVector {
  tag: 'set' | 'new';
  device: string;
  name: string;
  state?: PropertyState | null;
  timestamp?: string | null;
  elements: readonly BlobElement[];
  /** Characters of a line of base64; 0: one long line, as indiserver sends it. */
  lineCharacters?: number;
  /** Says how long the text is, as some servers do; lilxml of libindi 1.9.9 then reads it by another way, which takes no line break before it. */
  encodedLength?: boolean;
}

/** Bytes encoded at a time: whole groups of three and, below, whole lines. */
const pieceBytes = 49_152;

export function* encodeBlobVector(vector: BlobVector): Generator<Buffer> {
  const { tag, device, name, state = null, timestamp = null, lineCharacters = 0 } = vector;
  yield Buffer.from(`<${tag}BLOBVector${attributes({ device, name, state, timestamp })}>\n`);
  for (const { name, format, bytes, uncompressedBytes = bytes.byteLength } of vector.elements) {
    const enclen = vector.encodedLength ? Math.ceil(bytes.byteLength / 3) * 4 : null;
    const head = attributes({ name, size: uncompressedBytes, format, len: bytes.byteLength, enclen });
    yield Buffer.from(`  <oneBLOB${head}>${enclen === null ? '\n' : ''}`);
    const lineBytes = Math.floor(lineCharacters / 4) * 3;
    const step = lineBytes > 0 ? lineBytes * Math.max(1, Math.floor(pieceBytes / lineBytes)) : pieceBytes;
    for (let at = 0; at < bytes.byteLength; at += step) {
      const text = Buffer.from(
        bytes.buffer as ArrayBuffer,
        bytes.byteOffset + at,
        Math.min(step, bytes.byteLength - at),
      );
      const base64 = text.toString('base64');
      yield Buffer.from(
        lineBytes > 0 ? base64.replace(new RegExp(`.{1,${(lineBytes / 3) * 4}}`, 'g'), '$&\n') : base64,
        'latin1',
      );
    }
    yield Buffer.from('\n  </oneBLOB>\n');
  }
  yield Buffer.from(`</${tag}BLOBVector>\n`);
}
