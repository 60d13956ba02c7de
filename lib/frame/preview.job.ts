/** The worker's side of a preview: rows are reduced, resampled and put through a table while they are in the cache. */
import { type Kernels, type Scratch, scratch } from '../kernels/wasm.ts';
import type { FrameFields } from './frame.ts';
import { reducedRows } from './preview-rows.ts';
import { displayTables } from './preview-tables.ts';
import { areaTaps } from './resample.ts';
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
  const across = width === outputWidth ? 0 : takeTaps(work, width, outputWidth, planes === 3 ? 8 : 2);
  const blended = Array.from({ length: planes }, () => work.take(2 * width));
  const pixels = work.take(8 * width + 64);
  const lineBytes = outputWidth * planes;
  const line = work.take(lineBytes);
  const picture = Buffer.from(target as unknown as ArrayBuffer);
  for (let y = 0; y < outputHeight; y++) {
    const { first, weights } = down[y]!;
    const last = Math.min(rows.height - 1, first + 2);
    rows.prepare(first, last);
    const row = blend(kernels, blended, [first, Math.min(last, first + 1), last].map(rows.at), width, weights);
    if (planes === 3) {
      kernels.interleave!(pixels, row[0]!, row[1]!, row[2]!, width);
      if (across) kernels.resampleRgb!(line, pixels, outputWidth, across, ...tables);
      else kernels.rgbThroughTables!(line, pixels, outputWidth, ...tables);
    } else if (across) kernels.resampleThroughTable!(line, row[0]!, outputWidth, across, tables[0]!);
    else kernels.throughTable!(line, row[0]!, outputWidth, tables[0]!);
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
  if (weights[0] === 32_768) return first!;
  for (const [plane, target] of targets.entries()) {
    const [a, b, c] = [first![plane]!, second![plane]!, third![plane]!];
    if (weights[2] === 0) kernels.blendPair!(target, a, b, width, weights[0], weights[1]);
    else kernels.blendRows!(target, a, b, c, width, ...weights);
  }
  return targets;
}

/** Taps across as the kernel wants them: byte offset and three weights. */
function takeTaps(work: Scratch, from: number, to: number, pixelBytes: number): number {
  const pointer = work.take(to * 16);
  const view = work.u32(pointer, to * 4);
  for (const [i, { first, weights }] of areaTaps(from, to).entries()) view.set([pixelBytes * first, ...weights], 4 * i);
  return pointer;
}
