/** The worker's side of the rpicam backend: a raw file from the RAM disk becomes samples, and the file goes. */
import { closeSync, fstatSync, openSync, readSync, unlinkSync } from 'node:fs';
import { allocatePixels, bytesPerSample, type PixelType } from '../frame/frame.ts';
import { NightflowError } from '../process/errors.ts';
import { decompressLine } from './rpicam-compressed.ts';
import { lineBytes, rawFormat } from './rpicam-format.ts';

export interface UnpackInput {
  path: string;
  width: number;
  height: number;
  /** Bytes from line to line, as the program told it: it differs between boards and can't be computed. */
  stride: number;
  format: string;
  /** Bits that the sensor gives: left-aligned samples of 16 bits are moved down to them. */
  sensorBits: number;
}

export interface Unpacked {
  data: SharedArrayBuffer;
  pixelType: PixelType;
  /** Of the samples as they stand now. */
  bits: number;
}

/** @throws lost for a file of another size. It is removed in any case. */
export function unpack(input: UnpackInput): Unpacked {
  try {
    return unpackFile(input);
  } finally {
    unlinkSync(input.path);
  }
}

function unpackFile({ path, width, height, stride, format, sensorBits }: UnpackInput): Unpacked {
  const { bits, packing } = rawFormat(format);
  const pixelType = bits > 8 ? 'u16' : 'u8';
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    if (size !== stride * height || stride < lineBytes({ bits, packing, bayer: null }, width))
      throw new NightflowError(
        'lost',
        `A raw frame of ${width} x ${height} ${format} has ${size} bytes instead of ${stride} x ${height}.`,
      );
    const data = allocatePixels(width, height, 1, pixelType);
    const samples = Buffer.from(data as unknown as ArrayBuffer);
    const rowBytes = width * bytesPerSample[pixelType];
    if (packing === 'plain' && stride === rowBytes) {
      readWhole(file, samples);
    } else {
      const lines = linesOf(file, stride, height);
      const row = Buffer.alloc(rowBytes + 16);
      const values = new Uint16Array(row.buffer, row.byteOffset, (rowBytes + 16) >> 1);
      for (let y = 0; y < height; y++) {
        const line = lines(y);
        if (packing === 'plain') line.copy(samples, y * rowBytes, 0, rowBytes);
        else {
          if (packing === 'pisp') decompressLine(line, width, values);
          else unpackLine(line, width, bits, values);
          row.copy(samples, y * rowBytes, 0, rowBytes);
        }
      }
    }
    const aligned = packing === 'plain' && bits > 8;
    return { data, pixelType, bits: aligned ? alignRight({ data, bits, width, height, sensorBits }) : bits };
  } finally {
    closeSync(file);
  }
}

/** Reads a megabyte or so at a time, not the whole frame twice. */
function linesOf(file: number, stride: number, height: number): (y: number) => Buffer {
  const linesAtOnce = Math.max(1, Math.min(height, Math.floor(2 ** 20 / stride)));
  const block = Buffer.allocUnsafe(linesAtOnce * stride);
  return (y) => {
    const at = y % linesAtOnce;
    if (at === 0) readWhole(file, block.subarray(0, Math.min(linesAtOnce, height - y) * stride));
    return block.subarray(at * stride, (at + 1) * stride);
  };
}

function readWhole(file: number, into: Buffer): void {
  for (let done = 0; done < into.byteLength; ) {
    const bytes = readSync(file, into, done, into.byteLength - done, null);
    if (bytes === 0) throw new NightflowError('lost', 'A raw frame ended in the middle.');
    done += bytes;
  }
}

/**
 * MIPI CSI-2: the upper eight bits of each sample in turn, then a byte or more with the lower bits of all of them. A function for each, since
 * V8 compiles what runs often, and the lines of one camera are all alike.
 */
function unpackLine(line: Buffer, width: number, bits: number, into: Uint16Array): void {
  if (bits === 10) unpack10(line, width, into);
  else if (bits === 12) unpack12(line, width, into);
  else unpack14(line, width, into);
}

function unpack10(line: Buffer, width: number, into: Uint16Array): void {
  for (let x = 0, at = 0; x < width; x += 4, at += 5) {
    const low = line[at + 4]!;
    into[x] = (line[at]! << 2) | (low & 3);
    into[x + 1] = (line[at + 1]! << 2) | ((low >> 2) & 3);
    into[x + 2] = (line[at + 2]! << 2) | ((low >> 4) & 3);
    into[x + 3] = (line[at + 3]! << 2) | (low >> 6);
  }
}

function unpack12(line: Buffer, width: number, into: Uint16Array): void {
  for (let x = 0, at = 0; x < width; x += 2, at += 3) {
    const low = line[at + 2]!;
    into[x] = (line[at]! << 4) | (low & 15);
    into[x + 1] = (line[at + 1]! << 4) | (low >> 4);
  }
}

function unpack14(line: Buffer, width: number, into: Uint16Array): void {
  for (let x = 0, at = 0; x < width; x += 4, at += 7) {
    const low = line[at + 4]! | (line[at + 5]! << 8) | (line[at + 6]! << 16);
    for (let i = 0; i < 4; i++) into[x + i] = (line[at + i]! << 6) | ((low >> (6 * i)) & 63);
  }
}

/** Lines between two that are looked at for stray bits: enough to meet every kind of pixel. */
const lookEvery = 61;

/**
 * A Raspberry Pi 5 puts the sensor's bits at the upper end of 16. They are moved down where nothing stands below them, so that one
 * sensor has one scale on every board. @returns the bits of the samples afterwards
 */
export function alignRight({ data, bits, width, height, sensorBits }: Aligned): number {
  if (sensorBits >= 16) return bits;
  const shift = 16 - sensorBits;
  const samples = new Uint16Array(data);
  let used = 0;
  for (let y = 0; y < height; y += lookEvery) for (let x = y * width; x < (y + 1) * width; x++) used |= samples[x]!;
  if (used >> sensorBits === 0) return bits === 16 && used === 0 ? 16 : sensorBits;
  if ((used & (2 ** shift - 1)) !== 0) return 16;
  // Two samples at a time; the bits that cross from one to the other are masked out.
  const pairs = new Uint32Array(data, 0, samples.length >> 1);
  const mask = (2 ** sensorBits - 1) * 65_537;
  for (let i = 0; i < pairs.length; i++) pairs[i] = (pairs[i]! >>> shift) & mask;
  if (samples.length % 2 === 1) samples[samples.length - 1]! >>= shift;
  return sensorBits;
}

export interface Aligned {
  data: SharedArrayBuffer;
  bits: number;
  width: number;
  height: number;
  sensorBits: number;
}
