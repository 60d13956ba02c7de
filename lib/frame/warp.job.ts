/** The worker's side of a warp: takes strips of the output until none is left. */
import { scratch } from '../kernels/wasm.ts';
import { bytesPerSample, type FrameFields } from './frame.ts';
import type { Matrix } from './matrix.ts';
import { type Interpolation, rowWarper, tileSide as stripRows } from './warp-rows.ts';

export interface WarpInput extends Pick<FrameFields, 'data' | 'width' | 'height' | 'channels' | 'pixelType'> {
  /** Output pixel to source pixel. */
  inverse: Matrix;
  interpolation: Interpolation;
  /** 32-bit floats, `channels` planes. */
  target: SharedArrayBuffer;
  targetWidth: number;
  targetHeight: number;
  /** Counts the strips that were taken, for all workers. */
  nextStrip: SharedArrayBuffer;
}

export function warpStrips(input: WarpInput): void {
  const { width, height, channels, pixelType, targetWidth, targetHeight } = input;
  const work = scratch();
  const warp = rowWarper(work, input.interpolation);
  const pointer = work.take(targetWidth * stripRows * 4);
  const bytes = Buffer.from(input.data as unknown as ArrayBuffer);
  const picture = Buffer.from(input.target as unknown as ArrayBuffer);
  const next = new Int32Array(input.nextStrip);
  const stripsPerPlane = Math.ceil(targetHeight / stripRows);
  const planeBytes = width * height * bytesPerSample[pixelType];
  for (let strip = Atomics.add(next, 0, 1); strip < stripsPerPlane * channels; strip = Atomics.add(next, 0, 1)) {
    const plane = Math.floor(strip / stripsPerPlane);
    const firstRow = (strip % stripsPerPlane) * stripRows;
    const rowCount = Math.min(stripRows, targetHeight - firstRow);
    warp(
      { bytes, offset: plane * planeBytes, pixelType, width, height, firstRow: 0, rowCount: height },
      input.inverse,
      { pointer, width: targetWidth, firstRow, rowCount },
    );
    const to = (plane * targetHeight + firstRow) * targetWidth * 4;
    work.bytes.copy(picture, to, pointer, pointer + rowCount * targetWidth * 4);
  }
}
