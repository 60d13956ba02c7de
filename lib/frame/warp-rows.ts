/** Resamples a band of a picture's rows through a projective map, inside a worker: tile by tile, from memory or a band of a file. */
import type { Scratch } from '../kernels/wasm.ts';
import { NightflowError } from '../process/errors.ts';
import { bytesPerSample, type PixelType } from './frame.ts';
import { type Area, type Matrix, sourceBox } from './matrix.ts';

/**
 * `lanczos3` keeps stars as sharp as they are, without dark rings (which adds light to stars below 2 px FWHM: 0.4 % at 2, 2 % at 1.8,
 * 4 % at 1.6); `bilinear` softens them and is faster; `nearest` invents no value.
 */
export type Interpolation = 'nearest' | 'bilinear' | 'lanczos3';

/** Consecutive rows of one plane (mono, or one of R, G, B; never a mosaic). */
export interface WarpSource {
  /** The memory that holds the rows, one after the other, from byte `offset` on: a frame's own, a file's, or the scratch. */
  bytes: Buffer;
  offset: number;
  pixelType: PixelType;
  /** Of the whole picture. */
  width: number;
  height: number;
  /** Which of its rows these are; `sourceRows` says which are needed. */
  firstRow: number;
  rowCount: number;
}

/** Where the result goes: rows of 32-bit floats, one after the other, at a pointer into the scratch. */
export interface WarpTarget {
  pointer: number;
  /** Samples of a row. */
  width: number;
  /** Which rows of the output these are. */
  firstRow: number;
  rowCount: number;
}

/** @param inverse Output pixel to source pixel, 3x3 row-major: `invertMatrix` of a registration's matrix. */
export type WarpRows = (source: WarpSource, inverse: Matrix, target: WarpTarget) => void;

/**
 * Takes 4 MB of the scratch and answers with a function that warps bands, as often as wanted. Where the source has no value the
 * result is NaN. @throws (the function) failed when `source` lacks rows that the band needs.
 */
export function rowWarper(work: Scratch, interpolation: Interpolation): WarpRows {
  const method = { nearest: 0, bilinear: 1, lanczos3: 2 }[interpolation];
  const box = work.take(boxSamples * 4);
  const row = work.take(boxSide * 4 * 8);
  const weights = lanczosWeights();
  const table = work.take(weights.byteLength);
  Buffer.from(weights.buffer).copy(work.bytes, table);
  const { warpRow } = work.kernels as { warpRow: (...values: number[]) => number };

  const warpArea = (source: WarpSource, m: Matrix, target: WarpTarget, area: Area): void => {
    const needed = sourceBox(m, area, source);
    const at = target.pointer + 4 * ((area.y - target.firstRow) * target.width + area.x);
    if (!needed) {
      for (let y = 0; y < area.height; y++) work.f32(at + 4 * y * target.width, area.width).fill(Number.NaN);
      return;
    }
    // Seven columns and rows more than the picture has are copies of its edge.
    const columns = needed.right - needed.left + 1 + 2 * margin;
    const rows = needed.bottom - needed.top + 1 + 2 * margin;
    if (columns * rows > boxSamples || columns > boxSide * 8) {
      if (area.width === 1 && area.height === 1) {
        work.f32(at, 1)[0] = Number.NaN;
        return;
      }
      for (const part of halves(area)) warpArea(source, m, target, part);
      return;
    }
    const stride = columns * 4;
    loadBox(work, source, needed, box, row, stride);
    const origin = box + (margin - needed.top) * stride + 4 * (margin - needed.left);
    for (let y = area.y; y < area.y + area.height; y++)
      warpRow(
        at + 4 * (y - area.y) * target.width,
        area.width,
        origin,
        stride,
        source.width - 1,
        source.height - 1,
        m[0]! * area.x + m[1]! * y + m[2]!,
        m[3]! * area.x + m[4]! * y + m[5]!,
        m[6]! * area.x + m[7]! * y + m[8]!,
        m[0]!,
        m[3]!,
        m[6]!,
        method,
        table,
      );
  };

  return (source, inverse, target) => {
    for (let y = 0; y < target.rowCount; y += tileSide)
      for (let x = 0; x < target.width; x += tileSide)
        warpArea(source, inverse, target, {
          x,
          y: target.firstRow + y,
          width: Math.min(tileSide, target.width - x),
          height: Math.min(tileSide, target.rowCount - y),
        });
  };
}

/** Side of an output tile, and rows of a strip of them: its source stays in a level 2 cache, and its margin costs little. */
export const tileSide = 256;
/** Samples around the box that the kernels may read: copies of the edge. */
const margin = 6;
/** A tile at 45 degrees needs 374 x 374 samples; larger boxes come from reductions, which are cut into smaller tiles. */
const boxSamples = 2 ** 19;
const boxSide = 1024;

/** Makes floats of the needed samples; beyond the picture's edges stands the edge again. */
function loadBox(
  work: Scratch,
  source: WarpSource,
  { left, right, top, bottom }: { left: number; right: number; top: number; bottom: number },
  box: number,
  row: number,
  stride: number,
): void {
  if (top < source.firstRow || bottom >= source.firstRow + source.rowCount)
    throw new NightflowError(
      'failed',
      `Rows ${top} to ${bottom} are needed, but only ${source.firstRow} to ${source.firstRow + source.rowCount - 1} are there.`,
    );
  const size = bytesPerSample[source.pixelType];
  const count = right - left + 1;
  const widen = work.kernels[`widenRow${suffix[source.pixelType]}`]!;
  const firstAt = box + margin * stride;
  for (let y = top; y <= bottom; y++) {
    const from = source.offset + ((y - source.firstRow) * source.width + left) * size;
    source.bytes.copy(work.bytes, row, from, from + count * size);
    widen(row, firstAt + (y - top) * stride + 4 * margin, count, margin, margin);
  }
  const lastAt = firstAt + (bottom - top) * stride;
  for (let k = 1; k <= margin; k++) {
    work.bytes.copyWithin(firstAt - k * stride, firstAt, firstAt + stride);
    work.bytes.copyWithin(lastAt + k * stride, lastAt, lastAt + stride);
  }
}

const suffix = { u8: 'U8', u16: 'U16', f32: 'F32' } as const;

function halves({ x, y, width, height }: Area): Area[] {
  if (width >= height) {
    const half = Math.ceil(width / 2);
    return [
      { x, y, width: half, height },
      { x: x + half, y, width: width - half, height },
    ].filter((part) => part.width > 0);
  }
  const half = Math.ceil(height / 2);
  return [
    { x, y, width, height: half },
    { x, y: y + half, width, height: height - half },
  ];
}

/**
 * Lanczos' kernel with a = 3, sinc(t) sinc(t / 3): for each fraction i / 512 of a pixel the weights of the samples −2 … 3 around it
 * and two zeros. Their sum is made 1, and their first moment the fraction, so that a ramp stays a ramp. The rounding of the fraction
 * moves a star by less than 0.001 px.
 */
/**
 * What moves the weights' first moment by 1 and leaves their sum, with the least harm to stars: M^-1 (x - mean), scaled, where M is the
 * autocorrelation of a Gaussian of sigma 1.2 px at the samples' distances, plus 0.001 on its diagonal. Stars above 2.3 px FWHM
 * stay within 0.001 px; the sum alone made 1 would move wide ones by 0.013 px.
 */
const momentShift = [-0.472883, 0.79029, -1.006455, 1.006455, -0.79029, 0.472883];

let weightTable: Float32Array | null = null;
function lanczosWeights(): Float32Array {
  if (weightTable) return weightTable;
  const phases = 512;
  const table = new Float32Array((phases + 1) * 8);
  for (let i = 0; i <= phases; i++) {
    const weights = Array.from({ length: 6 }, (_, k) => lanczos3(i / phases + 2 - k));
    const sum = weights.reduce((a, b) => a + b);
    const offset = i / phases - weights.reduce((total, weight, k) => total + (weight / sum) * (k - 2), 0);
    for (let k = 0; k < 6; k++) table[8 * i + k] = weights[k]! / sum + offset * momentShift[k]!;
  }
  weightTable = table;
  return table;
}

function lanczos3(t: number): number {
  if (t === 0) return 1;
  if (Number.isInteger(t) || Math.abs(t) >= 3) return 0;
  const pt = Math.PI * t;
  return (3 * Math.sin(pt) * Math.sin(pt / 3)) / (pt * pt);
}
