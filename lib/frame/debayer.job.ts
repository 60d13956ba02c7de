/** The worker's side of the debayer: row by row through the scratch. */
import { type Scratch, scratch } from '../kernels/wasm.ts';
import type { DebayerMethod } from './debayer.ts';
import { type BayerPattern, bytesPerSample, type PixelType } from './frame.ts';

export interface DebayerInput {
  data: SharedArrayBuffer;
  target: SharedArrayBuffer;
  width: number;
  height: number;
  bayer: BayerPattern;
  pixelType: PixelType;
  method: DebayerMethod;
}

const suffix = { u8: 'U8', u16: 'U16', f32: 'F32' } as const;

export function debayer(input: DebayerInput): void {
  const work = scratch();
  if (input.method === 'superpixel') superpixels(work, input);
  else bilinear(work, input);
}

/** Bytes of mosaic that are worked on at once: with its three planes they stay in a second-level cache. */
const blockBytes = 64 * 1024;

/** Copies rows from `y` on of the three planes at `blocks` out. */
function rowsWriter(work: Scratch, target: SharedArrayBuffer, width: number, height: number, bytes: number) {
  const picture = Buffer.from(target as unknown as ArrayBuffer);
  const rowBytes = width * bytes;
  return (blocks: readonly number[], y: number, rows: number) => {
    for (const [plane, block] of blocks.entries())
      work.bytes.copy(picture, (plane * height + y) * rowBytes, block, block + rows * rowBytes);
  };
}

function bilinear(work: Scratch, { data, target, width, height, bayer, pixelType }: DebayerInput): void {
  const frame = Buffer.from(data as unknown as ArrayBuffer);
  const bytes = bytesPerSample[pixelType];
  const rowBytes = width * bytes;
  // An even number, so that every block begins with the same colours.
  const rowsAtOnce = Math.max(2, Math.floor(blockBytes / rowBytes) & ~1);
  const block = work.take((rowsAtOnce + 2) * rowBytes) + rowBytes;
  const colours = [0, 1, 2].map(() => work.take(rowsAtOnce * rowBytes));
  const write = rowsWriter(work, target, width, height, bytes);
  const kernel = work.kernels[`debayerRows${suffix[pixelType]}`]!;
  for (let y = 0; y < height; y += rowsAtOnce) {
    const rows = Math.min(rowsAtOnce, height - y);
    const [from, to] = [Math.max(0, y - 1), Math.min(height, y + rows + 1)];
    frame.copy(work.bytes, block + (from - y) * rowBytes, from * rowBytes, to * rowBytes);
    for (const outside of [-1, height])
      if (outside >= y - 1 && outside <= y + rows) {
        const at = mirrored(outside, height) * rowBytes;
        frame.copy(work.bytes, block + (outside - y) * rowBytes, at, at + rowBytes);
      }
    kernel(block, width, rows, bayer.indexOf('R'), ...colours);
    write(colours, y, rows);
  }
}

/** The two colours of a row: whether green comes first, and whether the other one is red. */
export function bayerRow(bayer: BayerPattern, y: number): { firstIsGreen: boolean; ownIsRed: boolean } {
  const colours = bayer.slice(2 * (y % 2), 2 * (y % 2) + 2);
  return { firstIsGreen: colours[0] === 'G', ownIsRed: colours.includes('R') };
}

export const mirrored = (y: number, height: number): number => (y < 0 ? -y : y >= height ? 2 * height - 2 - y : y);

/** Puts the second sample before the first and the last but one after the last: the colours go on. */
export function mirrorEnds({ bytes }: Scratch, row: number, width: number, sampleBytes: number): void {
  const rowBytes = width * sampleBytes;
  bytes.copyWithin(row - sampleBytes, row + sampleBytes, row + 2 * sampleBytes);
  bytes.copyWithin(row + rowBytes, row + rowBytes - 2 * sampleBytes, row + rowBytes - sampleBytes);
}

function superpixels(work: Scratch, { data, target, width, height, bayer, pixelType }: DebayerInput): void {
  const frame = Buffer.from(data as unknown as ArrayBuffer);
  const bytes = bytesPerSample[pixelType];
  const rowBytes = width * bytes;
  const pair = work.take(2 * rowBytes);
  const [cells, rows] = [width >> 1, height >> 1];
  const colours = [0, 1, 2].map(() => work.take(cells * bytes));
  const write = rowsWriter(work, target, cells, rows, bytes);
  const kernel = work.kernels[`superpixel${suffix[pixelType]}`]!;
  for (let y = 0; y < rows; y++) {
    frame.copy(work.bytes, pair, 2 * y * rowBytes, (2 * y + 2) * rowBytes);
    kernel(pair, pair + rowBytes, cells, bayer.indexOf('R'), ...colours);
    write(colours, y, 1);
  }
}
