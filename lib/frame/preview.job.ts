/** The worker's side of a preview: rows are reduced, resampled and put through a table while they are in the cache. */
import { type Kernels, type Scratch, scratch } from '../kernels/wasm.ts';
import type { FrameFields } from './frame.ts';
import { reducedRows } from './preview-rows.ts';
import { displayTables } from './preview-tables.ts';
import { areaTaps, fullWeight } from './resample.ts';
import type { DynamicRangeCompression, Stretch } from './stretch.ts';

export type PreviewPicture = Pick<FrameFields, 'data' | 'width' | 'height' | 'channels' | 'bayer' | 'pixelType'>;
export type PreviewLevels = Pick<FrameFields, 'transfer' | 'blackLevel' | 'whiteLevel' | 'whiteBalance'>;

export interface PreviewInput extends PreviewPicture, PreviewLevels {
  target: SharedArrayBuffer;
  outputWidth: number;
  outputHeight: number;
  stretch: Stretch;
  drc: DynamicRangeCompression;
}

export function render(input: PreviewInput): void {
  const { target, outputWidth, outputHeight } = input;
  const work = scratch();
  const { kernels } = work;
  const { tables, encoding } = displayTables(work, input);
  const rows = reducedRows(work, input, encoding);
  const { planes, width } = rows;
  const down = areaTaps(rows.height, outputHeight);
  const across = width === outputWidth ? null : takeGroups(work, width, outputWidth);
  const blended = Array.from({ length: planes }, () => work.take(2 * width));
  const lineBytes = outputWidth * planes;
  const line = work.take(lineBytes);
  const picture = Buffer.from(target as unknown as ArrayBuffer);
  for (let y = 0; y < outputHeight; y++) {
    const { first, weights } = down[y]!;
    const last = Math.min(rows.height - 1, first + 2);
    rows.prepare(first, last);
    const row = blend(kernels, blended, [first, Math.min(last, first + 1), last].map(rows.at), width, weights);
    if (!across)
      for (let plane = 0; plane < planes; plane++)
        kernels.throughTable!(line + plane, planes, row[plane]!, width, tables[plane]!);
    else if (planes === 1) kernels.resampleRow!(line, row[0]!, across.first, across.end, tables[0]!);
    else kernels.resampleRgb!(line, row[0]!, row[1]!, row[2]!, across.first, across.end, ...tables);
    work.bytes.copy(picture, y * lineBytes, line, line + lineBytes);
  }
}

/** The weighted mean of up to three rows of each plane, in `targets` unless one row is all. */
function blend(
  kernels: Kernels,
  targets: readonly number[],
  [first, second, third]: (readonly number[])[],
  width: number,
  weights: readonly [number, number, number],
): readonly number[] {
  if (weights[0] === fullWeight) return first!;
  for (const [plane, target] of targets.entries()) {
    const [a, b, c] = [first![plane]!, second![plane]!, third![plane]!];
    if (weights[2] === 0) kernels.blendPair!(target, a, b, width, weights[0], weights[1]);
    else kernels.blendRows!(target, a, b, c, width, ...weights);
  }
  return targets;
}

/** The samples that a shuffle of four outputs reaches; more only where a picture of a few rows is reduced far more across than down. */
const reach = 7;

/** Taps across as the kernel wants them: 64 bytes for each four outputs. */
function takeGroups(work: Scratch, from: number, to: number): { first: number; end: number } {
  const taps = areaTaps(from, to);
  const groups = Math.ceil(to / 4);
  const pointer = work.take(groups * 64);
  for (let group = 0; group < groups; group++) {
    const at = pointer + group * 64;
    const base = taps[4 * group]!.first;
    work.u32(at, 1)[0] = 2 * base;
    for (let lane = 0; lane < 4; lane++) {
      // Beyond the end the last one again, into the slack of the line.
      const { first, weights } = taps[Math.min(to - 1, 4 * group + lane)]!;
      const byte = 2 * Math.min(reach - 1, first - base);
      work.u8(at + 16 + 4 * lane, 4).set([byte, byte + 1, byte + 2, byte + 3]);
      work.u16(at + 32 + 4 * lane, 2).set([weights[0], weights[1]]);
      work.u16(at + 48 + 4 * lane, 2).set([weights[2], 0]);
    }
  }
  return { first: pointer, end: pointer + groups * 64 };
}
