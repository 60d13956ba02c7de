/** The rows of a reduced picture in 16 bit, made when they are wanted: binned, as superpixels, or debayered in full. */
import type { Scratch } from '../kernels/wasm.ts';
import { bayerRow, mirrorEnds, mirrored } from './debayer.job.ts';
import { bytesPerSample } from './frame.ts';
import type { PreviewInput, PreviewPicture } from './preview.job.ts';

/** How samples become 16 bit: 8 bit x 256, 16 bit as they are, floats by 65535 sqrt((v - low) scale). */
export interface Encoding {
  low: number;
  scale: number;
}

export interface ReducedRows {
  planes: 1 | 3;
  width: number;
  height: number;
  /** Makes the rows of `first` to `last` (at most three, never going back) available to `at`. */
  prepare(first: number, last: number): void;
  /** Where a row of each plane is. */
  at(row: number): readonly number[];
}

/** Rows kept at once: the three that are blended and one to be made. */
const ringRows = 4;

/** A picture at most twice as large as wanted, in each direction. */
export function reducedRows(work: Scratch, input: PreviewInput, encoding: Encoding): ReducedRows {
  const { width, height, bayer, outputWidth, outputHeight } = input;
  const reader = rowReader(work, input, encoding);
  if (!bayer || width < 2 || height < 2) {
    const bin = binFor(width, height, outputWidth, outputHeight);
    const planes = bayer ? 3 : input.channels;
    return ring(work, planes, Math.floor(width / bin), Math.floor(height / bin), binned(work, input, reader, bin));
  }
  const cells = { width: Math.floor(width / 2), height: Math.floor(height / 2) };
  if (outputWidth > cells.width || outputHeight > cells.height)
    return ring(work, 3, width, height, debayer(work, input, reader));
  const bin = binFor(cells.width, cells.height, outputWidth, outputHeight);
  return ring(
    work,
    3,
    Math.floor(cells.width / bin),
    Math.floor(cells.height / bin),
    superpixels(work, input, reader, bin),
  );
}

const binFor = (width: number, height: number, outputWidth: number, outputHeight: number): number =>
  Math.max(1, Math.floor(Math.min(width / outputWidth, height / outputHeight)));

/** Makes row `row` of each plane at the targets. */
type MakeRow = (row: number, targets: number[]) => void;

function ring(work: Scratch, planes: 1 | 3, width: number, height: number, make: MakeRow): ReducedRows {
  const slots = Array.from({ length: ringRows }, () => Array.from({ length: planes }, () => work.take(2 * width)));
  let made = 0;
  return {
    planes,
    width,
    height,
    prepare: (first, last) => {
      for (made = Math.max(made, first); made <= last; made++) make(made, slots[made % ringRows]!);
    },
    at: (row) => slots[row % ringRows]!,
  };
}

/** Puts rows `y` to `y + rows` of a plane, in 16 bit, at `target` (`stride` bytes apart). */
type ReadRows = (target: number, plane: number, y: number, rows: number, stride: number) => void;

function rowReader(work: Scratch, picture: PreviewPicture, { low, scale }: Encoding): ReadRows {
  const { data, width, height, pixelType } = picture;
  const frame = Buffer.from(data as unknown as ArrayBuffer);
  const rowBytes = width * bytesPerSample[pixelType];
  const raw = pixelType === 'u16' ? 0 : work.take(rowBytes);
  return (target, plane, y, rows, stride) => {
    for (let i = 0; i < rows; i++) {
      const from = (plane * height + y + i) * rowBytes;
      const to = target + i * stride;
      if (pixelType === 'u16') {
        // Rows that follow each other in both memories go over at once.
        const together = stride === rowBytes ? rows : 1;
        frame.copy(work.bytes, to, from, from + together * rowBytes);
        i += together - 1;
        continue;
      }
      frame.copy(work.bytes, raw, from, from + rowBytes);
      if (pixelType === 'u8') work.kernels.expandU8!(to, raw, width);
      else work.kernels.compandF32!(to, raw, width, low, scale);
    }
  };
}

/** The mean of `bin` x `bin` samples of each plane. */
function binned(work: Scratch, { width, channels }: PreviewInput, read: ReadRows, bin: number): MakeRow {
  if (bin === 1)
    return (row, targets) => {
      for (const [plane, target] of targets.entries()) read(target, plane % channels, row, 1, 2 * width);
    };
  const { kernels } = work;
  const stride = 2 * width;
  const count = Math.floor(width / bin);
  const rows = work.take(stride * bin);
  const sums = work.take(4 * width);
  return (row, targets) => {
    for (const [plane, target] of targets.entries()) {
      read(rows, plane % channels, row * bin, bin, stride);
      kernels.fill32!(sums, 0, count * bin * 4);
      for (let i = 0; i < bin; i++) kernels.sumU16!(sums, rows + i * stride, count * bin);
      kernels.binSums!(target, sums, count, bin, bin);
    }
  };
}

/** 2x2 superpixels, `bin` x `bin` of them averaged. */
function superpixels(work: Scratch, { width, bayer }: PreviewInput, read: ReadRows, bin: number): MakeRow {
  const { kernels } = work;
  const cells = Math.floor(width / 2);
  const red = bayer!.indexOf('R');
  const stride = 2 * width;
  const pair = work.take(2 * stride);
  if (bin === 1)
    return (row, [r, g, b]) => {
      read(pair, 0, 2 * row, 2, stride);
      kernels.superpixelU16!(pair, pair + stride, cells, red, r!, g!, b!);
    };
  const count = Math.floor(cells / bin);
  const colours = [0, 1, 2].map(() => work.take(2 * cells));
  const sums = [0, 1, 2].map(() => work.take(4 * cells));
  return (row, targets) => {
    for (const sum of sums) kernels.fill32!(sum, 0, cells * 4);
    for (let i = 0; i < bin; i++) {
      read(pair, 0, 2 * (row * bin + i), 2, stride);
      kernels.superpixelU16!(pair, pair + stride, cells, red, colours[0]!, colours[1]!, colours[2]!);
      for (const [colour, sum] of sums.entries()) kernels.sumU16!(sum, colours[colour]!, count * bin);
    }
    for (const [colour, sum] of sums.entries()) kernels.binSums!(targets[colour]!, sum, count, bin, bin);
  };
}

/** Bilinear, edges mirrored. */
function debayer(work: Scratch, { width, height, bayer }: PreviewInput, read: ReadRows): MakeRow {
  const slots = [0, 1, 2].map(() => work.take(2 * width));
  const held = [-1, -1, -1];
  const fetch = (y: number): number => {
    const row = mirrored(y, height);
    const slot = row % 3;
    const at = slots[slot]!;
    if (held[slot] !== row) {
      read(at, 0, row, 1, 2 * width);
      mirrorEnds(work, at, width, 2);
      held[slot] = row;
    }
    return at;
  };
  return (y, [red, green, blue]) => {
    const { firstIsGreen, ownIsRed } = bayerRow(bayer!, y);
    const [own, other] = ownIsRed ? [red!, blue!] : [blue!, red!];
    work.kernels.debayerRowU16!(fetch(y - 1), fetch(y), fetch(y + 1), width, firstIsGreen ? 1 : 0, own, green!, other);
  };
}
