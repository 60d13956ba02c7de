/** Where an integration's samples are, and how any rectangle of them gets into a worker's scratch without the rest. */
import { closeSync, openSync, readSync } from 'node:fs';
import type { Scratch } from '../kernels/wasm.ts';
import { asNightflowError, NightflowError } from '../process/errors.ts';
import { damagedRemedy } from './damaged.ts';
import { scaledKernels } from './fits/decode.ts';
import { bytesPerSample, type PixelType } from './frame.ts';

/** Plain data: it crosses threads. */
export interface RowSource {
  /** For messages. */
  name: string;
  width: number;
  height: number;
  channels: 1 | 3;
  /** What its samples become in memory. */
  pixelType: PixelType;
  place: { path: string; offset: number } | { data: SharedArrayBuffer };
  /** Samples as FITS stores them; null for those of this machine in rows from the top. */
  fits: FitsSamples | null;
}

export interface FitsSamples {
  bitpix: number;
  /** Physical value = zero + scale x raw. */
  zero: number;
  scale: number;
  blank: number | null;
  /** The first row in the file is the bottom one. */
  flip: boolean;
}

/** Rows as they are stored, which for a flipped file run from the bottom. */
export interface StoredArea {
  plane: number;
  x: number;
  y: number;
  columns: number;
  rows: number;
}

/** Unsigned 16 bit of FITS can be sorted as it is in the file: swapped, and XORed with this. */
export const unsignedSign = 0x8000;

export const isFitsU16 = ({ fits }: RowSource): boolean =>
  fits !== null && fits.bitpix === 16 && fits.zero === 32768 && fits.scale === 1 && fits.blank === null;

export const isFitsU8 = ({ fits }: RowSource): boolean =>
  fits !== null && fits.bitpix === 8 && fits.zero === 0 && fits.scale === 1 && fits.blank === null;

/** More descriptors are not kept open by one worker: systems allow a process 1024, often 256. */
const keptOpen = 96;

/** The files of a job. The first ones stay open until `close`, the others are opened for each read. */
export class SourceFiles {
  private readonly open = new Map<string, number>();

  read(path: string, target: Buffer, at: number, length: number, position: number): void {
    let descriptor = this.open.get(path);
    const keep = descriptor !== undefined || this.open.size < keptOpen;
    try {
      descriptor ??= openSync(path, 'r');
      if (keep) this.open.set(path, descriptor);
      for (let done = 0; done < length; ) {
        const got = readSync(descriptor, target, at + done, length - done, position + done);
        if (got === 0)
          throw new NightflowError('bad-input', `${path} ends at byte ${position + done}, in the middle of its data.`, {
            remedy: damagedRemedy,
          });
        done += got;
      }
    } catch (error) {
      throw asNightflowError(error, `Reading ${path} failed`);
    } finally {
      if (!keep && descriptor !== undefined) closeSync(descriptor);
    }
  }

  close(): void {
    for (const descriptor of this.open.values()) closeSync(descriptor);
    this.open.clear();
  }
}

/** Bytes of a sample where it is stored. */
export const storedBytes = ({ fits, pixelType }: RowSource): number =>
  fits ? Math.abs(fits.bitpix) / 8 : bytesPerSample[pixelType];

/** The samples of an area, byte for byte, at `pointer`. */
export function readStored(
  work: Scratch,
  files: SourceFiles,
  source: RowSource,
  area: StoredArea,
  pointer: number,
): void {
  const size = storedBytes(source);
  const { place, width, height } = source;
  const { plane, x, y, columns, rows } = area;
  const copy = (to: number, from: number, length: number) => {
    if ('data' in place) Buffer.from(place.data as unknown as ArrayBuffer).copy(work.bytes, to, from, from + length);
    else files.read(place.path, work.bytes, to, length, place.offset + from);
  };
  const start = ((plane * height + y) * width + x) * size;
  if (columns === width) copy(pointer, start, rows * width * size);
  else
    for (let row = 0; row < rows; row++)
      copy(pointer + row * columns * size, start + row * width * size, columns * size);
}

/**
 * The same decoded to the source's `pixelType`, in place where the sizes are the same. `spare` is for a row of up to 8 bytes a sample.
 */
export function readDecoded(
  work: Scratch,
  files: SourceFiles,
  source: RowSource,
  area: StoredArea,
  pointer: number,
  spare: number,
): void {
  const { fits } = source;
  const samples = area.rows * area.columns;
  const { kernels } = work;
  const plainFloat = fits?.bitpix === -32 && fits.zero === 0 && fits.scale === 1;
  if (!fits || isFitsU8(source) || isFitsU16(source) || plainFloat) {
    readStored(work, files, source, area, pointer);
    if (plainFloat) kernels.fitsF32!(pointer, pointer, samples);
    else if (fits?.bitpix === 16) kernels.fitsU16!(pointer, pointer, samples, unsignedSign);
    return;
  }
  const scaled = kernels[scaledKernels[fits.bitpix]!]!;
  const blank = fits.bitpix > 0 ? (fits.blank ?? Number.NaN) : Number.NaN;
  for (let row = 0; row < area.rows; row++) {
    readStored(work, files, source, { ...area, y: area.y + row, rows: 1 }, spare);
    scaled(pointer + row * area.columns * 4, spare, area.columns, fits.scale, fits.zero, blank);
  }
}
