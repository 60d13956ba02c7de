/** The worker's side of an encoded frame: the FITS file as it would be on the disk, in memory, and its SHA-256. */
import { createHash } from 'node:crypto';
import { blockBytes } from '../../frame/fits/cards.ts';
import { addSums, encodeChecksum, sumOf } from '../../frame/fits/checksum.ts';
import { blockTarget } from '../../frame/fits/decode.ts';
import { type Card, formatHeader } from '../../frame/fits/format.ts';
import { headerOf } from '../../frame/fits/header.ts';
import { bytesPerSample, type FrameFields } from '../../frame/frame.ts';
import { allocateShared } from '../../kernels/memory.ts';
import { scratch } from '../../kernels/wasm.ts';

export interface EncodedFits {
  data: SharedArrayBuffer;
  /** 64 hexadecimal digits. */
  sha256: string;
}

export function encode(frame: FrameFields): EncodedFits {
  const cards = headerOf(frame);
  const headerBytes = formatHeader(withSums(cards, 0, '0'.repeat(16))).length;
  const dataBytes = Math.ceil(frame.data.byteLength / blockBytes) * blockBytes;
  const data = allocateShared(headerBytes + dataBytes);
  const file = Buffer.from(data as unknown as ArrayBuffer);
  const dataSum = encodeData(frame, file.subarray(headerBytes));
  const blank = formatHeader(withSums(cards, dataSum, '0'.repeat(16)));
  formatHeader(withSums(cards, dataSum, encodeChecksum(addSums(sumOf(blank), dataSum)))).copy(file);
  return { data, sha256: createHash('sha256').update(file).digest('hex') };
}

/** FITS standard 4.0, appendix J: the sums are in the header that comes before what they are of. */
const withSums = (cards: readonly Card[], dataSum: number, checksum: string): Card[] => [
  ...cards,
  { name: 'CHECKSUM', value: checksum, comment: 'Of this unit' },
  { name: 'DATASUM', value: String(dataSum), comment: 'Of its data' },
];

/** Big-endian samples into `target`; answers their one's complement sum, padding included. */
function encodeData(frame: FrameFields, target: Buffer): number {
  const { bytes, kernels, ...memory } = withMemory();
  const pixels = Buffer.from(frame.data as unknown as ArrayBuffer);
  const size = bytesPerSample[frame.pixelType];
  let sum = 0;
  for (let at = 0; at < target.length; at += blockTarget) {
    const length = Math.min(blockTarget, target.length - at);
    const { block } = memory;
    const filled = pixels.copy(bytes, block, at, Math.min(at + length, pixels.length));
    bytes.fill(0, block + filled, block + length);
    // 0x0080: the sign bit of BZERO 32768, after the swap.
    if (size === 2) kernels.fitsU16!(block, block, filled / 2, 0x0080);
    else if (size === 4) kernels.fitsF32!(block, block, filled / 4);
    sum = addSums(sum, kernels.fitsSum!(block, length) >>> 0);
    bytes.copy(target, at, block, block + length);
  }
  return sum;
}

function withMemory() {
  const memory = scratch();
  return { bytes: memory.bytes, kernels: memory.kernels, block: memory.take(blockTarget + blockBytes) };
}
