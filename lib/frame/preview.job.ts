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
  const planes = rows.planes;
  const down = areaTaps(rows.height, outputHeight);
  const across = rows.width === outputWidth ? 0 : takeTaps(work, rows.width, outputWidth);
  const blended = Array.from({ length: planes }, () => work.take(2 * rows.width + 8));
  const line = work.take(outputWidth * planes);
  const picture = Buffer.from(target as unknown as ArrayBuffer);
  const lineBytes = outputWidth * planes;
  for (let y = 0; y < outputHeight; y++) {
    const { first, weights } = down[y]!;
    const last = Math.min(rows.height - 1, first + 2);
    rows.prepare(first, last);
    for (let plane = 0; plane < planes; plane++) {
      let row = rows.at(plane, first);
      if (weights[0] !== 32_768) {
        const middle = rows.at(plane, Math.min(last, first + 1));
        kernels.blendRows!(blended[plane]!, row, middle, rows.at(plane, last), rows.width, ...weights);
        row = blended[plane]!;
      }
      if (across) kernels.resampleThroughTable!(line + plane, planes, row, outputWidth, across, tables[plane]!);
      else kernels.throughTable!(line + plane, planes, row, outputWidth, tables[plane]!);
    }
    work.bytes.copy(picture, y * lineBytes, line, line + lineBytes);
  }
}

/** Taps across as the kernel wants them: byte offset and three weights. */
function takeTaps(work: Scratch, from: number, to: number): number {
  const pointer = work.take(to * 16);
  const view = work.u32(pointer, to * 4);
  for (const [i, { first, weights }] of areaTaps(from, to).entries()) view.set([2 * first, ...weights], 4 * i);
  return pointer;
}
