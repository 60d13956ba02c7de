/** The worker's side of a preview: rows are reduced, resampled and put through a table while they are in the cache. */
import { type Scratch, scratch } from '../kernels/wasm.ts';
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
  const { planes } = rows;
  const samples = rows.width * (planes === 3 ? 4 : 1);
  const down = areaTaps(rows.height, outputHeight);
  const across = rows.width === outputWidth ? 0 : takeTaps(work, rows.width, outputWidth, planes === 3 ? 8 : 2);
  const blended = work.take(2 * samples + 64);
  const lineBytes = outputWidth * planes;
  const line = work.take(lineBytes);
  const picture = Buffer.from(target as unknown as ArrayBuffer);
  for (let y = 0; y < outputHeight; y++) {
    const { first, weights } = down[y]!;
    const last = Math.min(rows.height - 1, first + 2);
    rows.prepare(first, last);
    let row = rows.at(first);
    if (weights[0] !== 32_768) {
      const middle = rows.at(Math.min(last, first + 1));
      kernels.blendRows!(blended, row, middle, rows.at(last), samples, ...weights);
      row = blended;
    }
    if (planes === 3 && across) kernels.resampleRgb!(line, row, outputWidth, across, ...tables);
    else if (planes === 3) kernels.rgbThroughTables!(line, row, outputWidth, ...tables);
    else if (across) kernels.resampleThroughTable!(line, row, outputWidth, across, tables[0]!);
    else kernels.throughTable!(line, row, outputWidth, tables[0]!);
    work.bytes.copy(picture, y * lineBytes, line, line + lineBytes);
  }
}

/** Taps across as the kernel wants them: byte offset and three weights. */
function takeTaps(work: Scratch, from: number, to: number, pixelBytes: number): number {
  const pointer = work.take(to * 16);
  const view = work.u32(pointer, to * 4);
  for (const [i, { first, weights }] of areaTaps(from, to).entries()) view.set([pixelBytes * first, ...weights], 4 * i);
  return pointer;
}
