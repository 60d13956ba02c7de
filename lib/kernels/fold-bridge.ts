/** Fills the gap that a trail has between two frames. Runs in workers. */

import type { FoldInput } from './fold.job.ts';
import { frameNoise, kernelSuffix } from './fold-hot.ts';
import { bridgeMargin, sampleBytes } from './fold-layout.ts';
import type { Kernels } from './wasm.ts';

/** Directions of a trail that are tried, evenly around the circle. */
const directions = 16;
/** Steps from a pixel of the gap that are looked at, each way. */
const steps = 5;
/** A bridge stands this many sigma above what both frames have there, so that noise makes none. */
const bridgeSigma = 4;

/** Bridges rows `row` to `row + rows` (of all planes as one) and hands each row of bridges on. */
export type BridgeBlock = (
  row: number,
  rows: number,
  fold: (start: number, block: number, samples: number) => void,
) => void;

export function gapBridge(
  kernels: Kernels,
  { layout, width, height, planes, sampleType, colourStep }: FoldInput,
  bytes: Buffer,
  before: Buffer,
  now: Buffer,
  scratch: number,
): BridgeBlock {
  const size = sampleBytes[sampleType];
  const rowBytes = width * size;
  const margin = bridgeMargin(colourStep);
  const blockBytes = layout.blockBytes + 2 * margin * rowBytes + 64;
  const beforeBlock = scratch + layout.bridgeScratch;
  const nowBlock = beforeBlock + blockBytes;
  const best = nowBlock + blockBytes;
  const offsets = (best + rowBytes + 64 + 3) & ~3;
  const bridge = kernels[`bridge${kernelSuffix[sampleType]}`]!;
  const { noise } = frameNoise(kernels, now, bytes, scratch, width, height * planes, sampleType);
  const threshold = bridgeSigma * noise;
  const view = new DataView(bytes.buffer);
  for (let d = 0; d < directions; d++)
    for (let i = 1; i <= steps; i++) {
      const angle = (2 * Math.PI * d) / directions;
      // The step follows the larger of both ways, so that neighbours in a line are neighbours in the mosaic.
      const scale = (i * colourStep) / Math.max(Math.abs(Math.cos(angle)), Math.abs(Math.sin(angle)));
      const dx = colourStep * Math.round((scale * Math.cos(angle)) / colourStep);
      const dy = colourStep * Math.round((scale * Math.sin(angle)) / colourStep);
      view.setInt32(offsets + 20 * d + 4 * (i - 1), dy * rowBytes + dx * size, true);
    }
  const inner = width - 2 * margin;
  return (row, rows, fold) => {
    for (let y = row; inner > 0 && y < row + rows; ) {
      const plane = Math.floor(y / height) * height;
      const from = Math.max(y, plane + margin);
      const to = Math.min(row + rows, plane + height - margin);
      if (from < to) {
        const top = (from - margin) * rowBytes;
        const bottom = (to + margin) * rowBytes;
        before.copy(bytes, beforeBlock, top, bottom);
        now.copy(bytes, nowBlock, top, bottom);
        for (let at = from; at < to; at++) {
          const offset = (at - from + margin) * rowBytes + margin * size;
          bridge(best, beforeBlock + offset, nowBlock + offset, inner, offsets, directions, threshold);
          fold(at * width + margin, best, inner);
        }
      }
      y = Math.min(row + rows, plane + height);
    }
  };
}
