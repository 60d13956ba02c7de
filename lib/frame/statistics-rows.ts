/** Walks a frame row by row through a worker's scratch memory, knowing which samples are of which colour. */
import type { Scratch } from '../kernels/wasm.ts';
import { bytesPerSample, type FrameFields } from './frame.ts';
import type { ChannelStatistics } from './statistics.ts';

export type StatisticsInput = Pick<
  FrameFields,
  'data' | 'width' | 'height' | 'channels' | 'bayer' | 'pixelType' | 'whiteLevel'
>;

/** Samples of one colour within a row: from `offset`, every `step`-th; `plane` of the colour, rows where `y % 2 === parity`. */
export interface Lattice {
  channel: ChannelStatistics['channel'];
  plane: number;
  /** Offsets in even and in odd rows; null where the colour is not in the row, 'all' for every sample. */
  offsets: readonly (readonly number[])[];
  step: number;
}

/** Calls back with each row of one plane that was copied to the scratch. */
export type RowVisitor = (pointer: number, y: number) => void;

/** Where each colour's samples are. */
export function latticesOf({ channels, bayer }: Pick<FrameFields, 'channels' | 'bayer'>): Lattice[] {
  const every = [[0], [0]];
  if (channels === 3)
    return (['R', 'G', 'B'] as const).map((channel, plane) => ({ channel, plane, offsets: every, step: 1 }));
  if (!bayer) return [{ channel: 'mono', plane: 0, offsets: every, step: 1 }];
  return (['R', 'G', 'B'] as const).map((channel) => ({
    channel,
    plane: 0,
    step: 2,
    offsets: [0, 1].map((row) => [0, 1].filter((column) => bayer[2 * row + column] === channel)),
  }));
}

const blockBytes = 128 * 1024;

/** Copies one plane block by block into the scratch and visits its rows. */
export function visitRows(
  work: Scratch,
  { data, width, height, pixelType }: StatisticsInput,
  plane: number,
  block: number,
  visit: RowVisitor,
): void {
  const frame = Buffer.from(data as unknown as ArrayBuffer);
  const rowBytes = width * bytesPerSample[pixelType];
  const rows = rowsPerBlock(width, pixelType);
  for (let y = 0; y < height; y += rows) {
    const here = Math.min(rows, height - y);
    const from = (plane * height + y) * rowBytes;
    frame.copy(work.bytes, block, from, from + here * rowBytes);
    for (let i = 0; i < here; i++) visit(block + i * rowBytes, y + i);
  }
}

/** Scratch for `visitRows`. */
export const takeBlock = (work: Scratch, { width, pixelType }: StatisticsInput): number =>
  work.take(rowsPerBlock(width, pixelType) * width * bytesPerSample[pixelType]);

const rowsPerBlock = (width: number, pixelType: FrameFields['pixelType']): number =>
  Math.max(1, Math.floor(blockBytes / (width * bytesPerSample[pixelType])));

/** How many samples of the lattice a row of `width` has from `offset` on. */
export const samplesInRow = (width: number, offset: number, step: number): number =>
  Math.max(0, Math.ceil((width - offset) / step));
