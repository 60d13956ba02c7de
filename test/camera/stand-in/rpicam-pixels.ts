/** The pixels of the stand-in: the test pattern of the virtual camera to the byte, or a ramp that a test can compute, in every packing. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import type { StandInMode } from './rpicam-texts.ts';

export type PixelKind = 'golden' | 'ramp';

/** Bytes of a line, as libcamera pads it: to 32 bytes for the packed formats, to 64 for the others. */
export function strideOf({ format, width, bits }: StandInMode): number {
  const bytes = format.endsWith('_CSI2P')
    ? Math.ceil((width * bits) / 8)
    : format.endsWith('COMP1')
      ? width
      : width * 2;
  const step = format.endsWith('_CSI2P') ? 64 : 128;
  return Math.ceil(bytes / step) * step;
}

/** Sample of the ramp. The black level of 4096/65536 is added, so that nothing is below it. */
export const rampSample = (x: number, y: number, frame: number, bits: number): number =>
  (2 ** (bits - 4) + ((x * 3 + y * 5 + frame * 7) % 2 ** (bits - 2))) & (2 ** bits - 1);

/**
 * A frame's file. `golden`: what the virtual camera sends: the frame's number, 32 bits, then the rest of the first line full, all else at 16.
 * @param leftAligned The sensor's bits at the upper end of 16, as on a Raspberry Pi 5.
 */
export function rawFile(mode: StandInMode, frame: number, kind: PixelKind, leftAligned = false): Buffer {
  const stride = strideOf(mode);
  const file = Buffer.alloc(stride * mode.height, 16);
  if (kind === 'golden') {
    file.fill(255, 0, stride);
    file.writeUInt32LE(frame, 0);
    return file;
  }
  const line = new Uint16Array(mode.width);
  const { width, bits } = mode;
  for (let y = 0; y < mode.height; y++) {
    for (let x = 0; x < width; x++) line[x] = rampSample(x, y, frame, bits);
    packLine(line, bits, mode.format.endsWith('_CSI2P'), leftAligned ? 16 - bits : 0, file, y * stride);
  }
  return file;
}

function packLine(line: Uint16Array, bits: number, packed: boolean, shift: number, file: Buffer, from: number): void {
  let at = from;
  if (!packed)
    for (let x = 0; x < line.length; x++) {
      const value = line[x]! << shift;
      file[at++] = value & 255;
      file[at++] = value >> 8;
    }
  else if (bits === 10)
    for (let x = 0; x < line.length; x += 4) {
      let low = 0;
      for (let i = 0; i < 4; i++) {
        file[at++] = line[x + i]! >> 2;
        low |= (line[x + i]! & 3) << (2 * i);
      }
      file[at++] = low;
    }
  else
    for (let x = 0; x < line.length; x += 2) {
      file[at++] = line[x]! >> 4;
      file[at++] = line[x + 1]! >> 4;
      file[at++] = (line[x]! & 15) | ((line[x + 1]! & 15) << 4);
    }
}

/** The same samples, 16 bits each without padding: what rpicam-still puts into a DNG. */
export function rawSamples(mode: StandInMode, frame: number, kind: PixelKind): Buffer {
  const { width, height, bits } = mode;
  const samples = Buffer.alloc(width * height * 2);
  const file = kind === 'golden' ? rawFile({ ...mode, format: `SRGGB${bits}_CSI2P` }, frame, kind) : null;
  const stride = strideOf({ ...mode, format: `SRGGB${bits}_CSI2P` });
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const value = file ? packedSample(file, y * stride, x, bits) : rampSample(x, y, frame, bits);
      samples.writeUInt16LE(value, (y * width + x) * 2);
    }
  return samples;
}

function packedSample(file: Buffer, row: number, x: number, bits: number): number {
  if (bits === 12) {
    const at = row + (x >> 1) * 3;
    return (file[at + (x & 1)]! << 4) | ((file[at + 2]! >> (4 * (x & 1))) & 15);
  }
  const at = row + (x >> 2) * 5;
  return (file[at + (x & 3)]! << 2) | ((file[at + 4]! >> (2 * (x & 3))) & 3);
}

let pictures: Record<string, string> | null = null;

/** Pictures of the real run, compressed: the still's JPEG, nine live ones, and the DNG with its pixels left out. */
export function pictureOf(name: 'still.jpg' | 'vid.mjpeg' | 'still.dng'): Buffer {
  pictures ??= JSON.parse(readFileSync(join(import.meta.dirname, 'rpicam-pictures.json'), 'utf8')) as Record<
    string,
    string
  >;
  return brotliDecompressSync(Buffer.from(pictures[name]!, 'base64'));
}

/** Where the pixels of that DNG stand, and the values of its tags that depend on the mode. */
const dngPixels = { at: 24_216, width: 1640, height: 1232, bits: 10 };
const dngTags = { width: 0x5dd4, height: 0x5de0, stripAt: 0x5e10, stripBytes: 0x5e28, black: 0x5e78, white: 0x5e70 };

/** The DNG of rpicam-still. Of another mode than the real run's, the pixels stand at the end of the file. */
export function dngFile(mode: StandInMode, frame: number, kind: PixelKind, leftAligned = false): Buffer {
  const file = pictureOf('still.dng');
  const samples = rawSamples(mode, frame, kind);
  const shift = leftAligned ? 16 - mode.bits : 0;
  for (let at = 0; shift > 0 && at < samples.length; at += 2)
    samples.writeUInt16LE(samples.readUInt16LE(at) << shift, at);
  if (
    !leftAligned &&
    mode.width === dngPixels.width &&
    mode.height === dngPixels.height &&
    mode.bits === dngPixels.bits
  ) {
    samples.copy(file, dngPixels.at);
    return file;
  }
  file.writeUInt16LE(mode.width, dngTags.width);
  file.writeUInt16LE(mode.height, dngTags.height);
  file.writeUInt32LE(file.length, dngTags.stripAt);
  file.writeUInt32LE(samples.length, dngTags.stripBytes);
  for (let i = 0; i < 4; i++) file.writeUInt32LE(4096 >> (16 - mode.bits - shift), dngTags.black + 8 * i);
  file.writeUInt32LE(leftAligned ? 65_535 : 2 ** mode.bits - 1, dngTags.white);
  return Buffer.concat([file, samples]);
}
