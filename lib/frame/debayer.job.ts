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

/** Copies row `y` of the three planes at `rows` out. */
function rowWriter(work: Scratch, target: SharedArrayBuffer, width: number, height: number, bytes: number) {
  const picture = Buffer.from(target as unknown as ArrayBuffer);
  const rowBytes = width * bytes;
  return (rows: readonly number[], y: number) => {
    for (const [plane, row] of rows.entries())
      work.bytes.copy(picture, (plane * height + y) * rowBytes, row, row + rowBytes);
  };
}

function bilinear(work: Scratch, { data, target, width, height, bayer, pixelType }: DebayerInput): void {
  const bytes = bytesPerSample[pixelType];
  const rows = mirroredRows(work, data, width, height, pixelType);
  const colours = [0, 1, 2].map(() => work.take(width * bytes));
  const [red, green, blue] = colours as [number, number, number];
  const write = rowWriter(work, target, width, height, bytes);
  const kernel = work.kernels[`debayerRow${suffix[pixelType]}`]!;
  for (let y = 0; y < height; y++) {
    const { firstIsGreen, ownIsRed } = bayerRow(bayer, y);
    const [own, other] = ownIsRed ? [red, blue] : [blue, red];
    kernel(rows(y - 1), rows(y), rows(y + 1), width, firstIsGreen ? 1 : 0, own, green, other);
    write(colours, y);
  }
}

/** The two colours of a row: whether green comes first, and whether the other one is red. */
export function bayerRow(bayer: BayerPattern, y: number): { firstIsGreen: boolean; ownIsRed: boolean } {
  const colours = bayer.slice(2 * (y % 2), 2 * (y % 2) + 2);
  return { firstIsGreen: colours[0] === 'G', ownIsRed: colours.includes('R') };
}

/** Rows in the scratch, read when first asked for, mirrored at all edges; the last three asked for stay. */
function mirroredRows(
  work: Scratch,
  data: SharedArrayBuffer,
  width: number,
  height: number,
  pixelType: PixelType,
): (y: number) => number {
  const frame = Buffer.from(data as unknown as ArrayBuffer);
  const bytes = bytesPerSample[pixelType];
  const rowBytes = width * bytes;
  const slots = [0, 1, 2].map(() => work.take(rowBytes));
  const held = [-1, -1, -1];
  return (y) => {
    const row = mirrored(y, height);
    const slot = row % 3;
    const at = slots[slot]!;
    if (held[slot] !== row) {
      frame.copy(work.bytes, at, row * rowBytes, (row + 1) * rowBytes);
      mirrorEnds(work, at, width, bytes);
      held[slot] = row;
    }
    return at;
  };
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
  const write = rowWriter(work, target, cells, rows, bytes);
  const kernel = work.kernels[`superpixel${suffix[pixelType]}`]!;
  for (let y = 0; y < rows; y++) {
    frame.copy(work.bytes, pair, 2 * y * rowBytes, (2 * y + 2) * rowBytes);
    kernel(pair, pair + rowBytes, cells, bayer.indexOf('R'), ...colours);
    write(colours, y);
  }
}
