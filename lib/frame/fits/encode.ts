/** A frame as the bytes of a FITS file, block by block, in a worker: wherever they go, to a disk or into memory. */
import { type Scratch, scratch } from '../../kernels/wasm.ts';
import { bytesPerSample, type FrameFields } from '../frame.ts';
import { blockBytes } from './cards.ts';
import { addSums, encodeChecksum, sumOf } from './checksum.ts';
import { blockTarget } from './decode.ts';
import { type Card, formatHeader } from './format.ts';
import { headerOf } from './header.ts';

/** Takes `length` bytes at `at` of `bytes`, which belong at `position` of the file. */
export type PutBytes = (bytes: Buffer, at: number, length: number, position: number) => void;

export interface FitsEncoding {
  /** Bytes of the whole file. */
  length: number;
  /** Puts all of it, the header last: the sums in it are of what follows it. */
  encode(put: PutBytes): void;
}

export function fitsEncoding(frame: FrameFields): FitsEncoding {
  const cards = headerOf(frame);
  const blankHeader = (dataSum: number) => formatHeader(withSums(cards, dataSum, '0'.repeat(16)));
  const headerBytes = blankHeader(0).length;
  const dataBytes = Math.ceil(frame.data.byteLength / blockBytes) * blockBytes;
  const encode = (put: PutBytes) => {
    const dataSum = encodeData(frame, dataBytes, scratch(), (bytes, at, length, position) =>
      put(bytes, at, length, headerBytes + position),
    );
    const checksum = encodeChecksum(addSums(sumOf(blankHeader(dataSum)), dataSum));
    put(formatHeader(withSums(cards, dataSum, checksum)), 0, headerBytes, 0);
  };
  return { length: headerBytes + dataBytes, encode };
}

/** FITS standard 4.0, appendix J. The header's length does not hang on the sums: a string's card is one card. */
const withSums = (cards: readonly Card[], dataSum: number, checksum: string): Card[] => [
  ...cards,
  { name: 'CHECKSUM', value: checksum, comment: 'Of this unit' },
  { name: 'DATASUM', value: String(dataSum), comment: 'Of its data' },
];

/** Answers the one's complement sum of the data, padding included. */
function encodeData(frame: FrameFields, dataBytes: number, memory: Scratch, put: PutBytes): number {
  const { bytes, kernels } = memory;
  const block = memory.take(blockTarget + blockBytes);
  const pixels = Buffer.from(frame.data as unknown as ArrayBuffer);
  const size = bytesPerSample[frame.pixelType];
  let sum = 0;
  for (let at = 0; at < dataBytes; at += blockTarget) {
    const length = Math.min(blockTarget, dataBytes - at);
    const filled = pixels.copy(bytes, block, at, Math.min(at + length, pixels.length));
    bytes.fill(0, block + filled, block + length);
    // Swapping comes first, so the sign bit of BZERO 32768 is turned where it lies then.
    if (size === 2) kernels.fitsU16!(block, block, filled / 2, 0x0080);
    else if (size === 4) kernels.fitsF32!(block, block, filled / 4);
    sum = addSums(sum, kernels.fitsSum!(block, length) >>> 0);
    put(bytes, block, length, at);
  }
  return sum;
}
