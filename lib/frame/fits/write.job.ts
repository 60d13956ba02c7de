/** The worker's side of writing FITS: swap, sum and write block by block, then the header with the sums before them. */
import { writeSync } from 'node:fs';
import { type Scratch, scratch } from '../../kernels/wasm.ts';
import { writeDurably } from '../../process/durable.ts';
import { bytesPerSample, type FrameFields } from '../frame.ts';
import { blockBytes } from './cards.ts';
import { addSums, encodeChecksum, sumOf } from './checksum.ts';
import { blockTarget } from './decode.ts';
import { type Card, formatHeader } from './format.ts';
import { headerOf } from './header.ts';

export async function write({ frame, path }: { frame: FrameFields; path: string }): Promise<{ bytes: number }> {
  const cards = headerOf(frame);
  const headerBytes = formatHeader(withSums(cards, 0, '0'.repeat(16))).length;
  const dataBytes = Math.ceil(frame.data.byteLength / blockBytes) * blockBytes;
  await writeDurably(path, async (handle) => {
    const dataSum = writeData(handle.fd, frame, headerBytes, dataBytes, scratch());
    const blank = formatHeader(withSums(cards, dataSum, '0'.repeat(16)));
    const checksum = encodeChecksum(addSums(sumOf(blank), dataSum));
    writeAt(handle.fd, formatHeader(withSums(cards, dataSum, checksum)), 0, headerBytes, 0);
  });
  return { bytes: headerBytes + dataBytes };
}

/** The header's length does not hang on the sums: a string's card is one card. */
const withSums = (cards: readonly Card[], dataSum: number, checksum: string): Card[] => [
  ...cards,
  { name: 'CHECKSUM', value: checksum, comment: 'Of this unit' },
  { name: 'DATASUM', value: String(dataSum), comment: 'Of its data' },
];

/** Answers the one's complement sum of the data, padding included. */
function writeData(fd: number, frame: FrameFields, position: number, dataBytes: number, memory: Scratch): number {
  const { bytes, kernels } = memory;
  const pixels = Buffer.from(frame.data as unknown as ArrayBuffer);
  const block = memory.take(blockTarget + blockBytes);
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
    writeAt(fd, bytes, block, length, position + at);
  }
  return sum;
}

function writeAt(fd: number, bytes: Buffer, at: number, length: number, position: number): void {
  for (let done = 0; done < length; ) done += writeSync(fd, bytes, at + done, length - done, position + done);
}
