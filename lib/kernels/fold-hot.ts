/** Takes the hot pixels out of each block of a frame before it is folded. Runs in workers. */
import type { FoldInput } from './fold.job.ts';
import { type SampleType, sampleBytes } from './fold-layout.ts';
import type { Kernels } from './wasm.ts';

export const kernelSuffix = { u8: 'U8', u16: 'U16', f32: 'F32' } as const;

/** Noise of an excess that can't be chance in any of a frame's millions of pixels. */
const hotSigma = 6;

/** Copies rows of the frame into a block and answers where it is. */
export type ReadBlock = (row: number, rows: number) => number;

/** Copies a block of rows with two more on each side, within its plane, and replaces its hot pixels. */
export function hotPixelTest(
  kernels: Kernels,
  { layout, width, height, planes, sampleType }: FoldInput,
  bytes: Buffer,
  frame: Buffer,
  scratch: number,
): ReadBlock {
  const size = sampleBytes[sampleType];
  const rowBytes = width * size;
  const block = scratch + 2 * rowBytes;
  const copyRow = (target: number, row: number) => frame.copy(bytes, target, row * rowBytes, (row + 1) * rowBytes);
  // Too small for neighbours: nothing can be said.
  if (width < 5 || height < 5)
    return (row, rows) => {
      frame.copy(bytes, block, row * rowBytes, (row + rows) * rowBytes);
      return block;
    };
  const list = (block + layout.blockBytes + 2 * rowBytes + 63) & ~63;
  const find = kernels[`findHot${kernelSuffix[sampleType]}`]!;
  const largest = sampleType === 'u8' ? 255 : sampleType === 'u16' ? 65535 : 3.4e38;
  const { noise, sky } = frameNoise(kernels, frame, bytes, scratch, width, height * planes, sampleType);
  const threshold = Math.min(largest, sampleType === 'f32' ? hotSigma * noise : Math.ceil(hotSigma * noise));
  const skyLevel = sampleType === 'f32' ? sky : Math.round(sky);
  /** Rows of one plane. Beyond its edges stand the nearest rows of the same colours that are not a tested row itself. */
  const stretch = (row: number, rows: number, target: number) => {
    const plane = Math.floor(row / height) * height;
    const top = Math.max(plane, row - 2);
    const bottom = Math.min(plane + height, row + rows + 2);
    frame.copy(bytes, target - (row - top) * rowBytes, top * rowBytes, bottom * rowBytes);
    for (let y = row - 2; y < top; y++) copyRow(target + (y - row) * rowBytes, y + 4);
    for (let y = bottom; y < row + rows + 2; y++) copyRow(target + (y - row) * rowBytes, y - 4);
    const found = find(target, width, rows, threshold, skyLevel, list, row * width);
    if (found > 0) kernels.applyHot!(list, found, size, layout.scores);
  };
  return (row, rows) => {
    const nextPlane = (Math.floor(row / height) + 1) * height;
    const here = Math.min(rows, nextPlane - row);
    stretch(row, here, block);
    // The margin of the second stretch overwrites the end of the first, so that one is put back.
    if (here < rows) {
      const first = Buffer.from(bytes.subarray(block, block + here * rowBytes));
      stretch(nextPlane, rows - here, block + here * rowBytes);
      first.copy(bytes, block);
    }
    return block;
  };
}

/** Rows that are looked at for the noise. */
const noiseRows = 15;

/** Median noise and sky of rows spread over the frame, ADU; the noise of integers is at least 1, their own uncertainty. */
export function frameNoise(
  kernels: Kernels,
  frame: Buffer,
  bytes: Buffer,
  scratch: number,
  width: number,
  rows: number,
  sampleType: SampleType,
): { noise: number; sky: number } {
  const rowBytes = width * sampleBytes[sampleType];
  const type = kernelSuffix[sampleType];
  const measured = Array.from({ length: noiseRows }, (_, i) => {
    const row = Math.floor(((i + 0.5) * rows) / noiseRows);
    frame.copy(bytes, scratch, row * rowBytes, (row + 1) * rowBytes);
    return { noise: kernels[`noise${type}`]!(scratch, width), sky: kernels[`mean${type}`]!(scratch, width) };
  });
  const middle = (of: 'noise' | 'sky') => measured.map((each) => each[of]).sort((a, b) => a - b)[noiseRows >> 1]!;
  return { noise: sampleType === 'f32' ? middle('noise') : Math.max(1, middle('noise')), sky: middle('sky') };
}
