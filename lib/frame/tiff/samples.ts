/** Uncompressed TIFF samples to shared pixel memory: 8 and 16 bit, 9 to 15 bit packed, 32-bit float; cropped on the way. */
import { NightflowError } from '../../process/errors.ts';
import { allocatePixels, type Pixels, type PixelType } from '../frame.ts';
import type { Tiff } from './directories.ts';
import { type Layout, requireWhole, rowBytes } from './layout.ts';

/** Pixels of the stored picture that are kept. */
export interface Area {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Samples {
  data: SharedArrayBuffer;
  pixelType: PixelType;
}

/** Rows are read so many bytes at a time. */
const chunkBytes = 1 << 20;

/** Why these samples can't be decoded here, or null when they can. */
export function obstacle(layout: Layout): string | null {
  const { bits, float, samplesPerPixel, compression, chunky, highBitFirst } = layout;
  if (compression !== 1) return `compression ${compression}`;
  if (samplesPerPixel !== 1 && samplesPerPixel !== 3) return `${samplesPerPixel} samples a pixel`;
  if (!chunky) return 'separate planes';
  if (float ? bits !== 32 : bits < 8 || bits > 16) return `${bits}-bit ${float ? 'float' : 'integer'} samples`;
  if (!highBitFirst && bits % 8 !== 0) return 'FillOrder 2';
  return null;
}

/**
 * @param curve Linearisation: stored value to linear value; values behind its end take its last.
 * @returns one plane, or three for three samples a pixel. @throws bad-input for a file cut off, unsupported for an obstacle.
 */
export function readSamples(tiff: Tiff, layout: Layout, area: Area, curve: readonly number[] | null = null): Samples {
  const why = obstacle(layout);
  if (why) throw new NightflowError('unsupported', `${tiff.source.name} has ${why}, which can't be decoded.`);
  requireWhole(tiff, layout);
  const pixelType: PixelType = layout.float ? 'f32' : layout.bits === 8 && !curve ? 'u8' : 'u16';
  const channels = layout.samplesPerPixel === 3 ? 3 : 1;
  const data = allocatePixels(area.width, area.height, channels, pixelType);
  const pixels = viewOf(data, pixelType);
  const table = curve && Uint16Array.from(curve);
  const unpack = unpackerOf(layout, tiff.littleEndian);

  for (const block of layout.blocks) {
    const first = Math.max(block.y, area.top);
    const last = Math.min(block.y + block.rows, area.top + area.height);
    const left = Math.max(block.x, area.left);
    const right = Math.min(block.x + block.width, layout.width, area.left + area.width);
    if (last <= first || right <= left) continue;
    const bytes = rowBytes(layout, block);
    const rowsAtOnce = Math.max(1, Math.floor(chunkBytes / bytes));
    const row = viewOf(new ArrayBuffer(block.width * channels * pixels.BYTES_PER_ELEMENT), pixelType);
    for (let y = first; y < last; y += rowsAtOnce) {
      const rows = Math.min(rowsAtOnce, last - y);
      const chunk = tiff.source.read(block.position + (y - block.y) * bytes, rows * bytes);
      for (let i = 0; i < rows; i++) {
        unpack(chunk, i * bytes, row);
        if (table) for (let x = 0; x < row.length; x++) row[x] = table[Math.min(row[x]!, table.length - 1)]!;
        const target = (y + i - area.top) * area.width + left - area.left;
        place(row, (left - block.x) * channels, right - left, channels, pixels, target, area.width * area.height);
      }
    }
  }
  return { data, pixelType };
}

function viewOf(data: SharedArrayBuffer | ArrayBuffer, pixelType: PixelType): Pixels {
  return pixelType === 'u8'
    ? new Uint8Array(data)
    : pixelType === 'u16'
      ? new Uint16Array(data)
      : new Float32Array(data);
}

function place(
  row: Pixels,
  from: number,
  width: number,
  channels: 1 | 3,
  pixels: Pixels,
  target: number,
  plane: number,
): void {
  if (channels === 1) pixels.set(row.subarray(from, from + width), target);
  else
    for (let channel = 0; channel < 3; channel++) {
      const start = target + channel * plane;
      for (let x = 0, at = from + channel; x < width; x++, at += 3) pixels[start + x] = row[at]!;
    }
}

type Unpack = (bytes: Buffer, at: number, row: Pixels) => void;

function unpackerOf({ bits, float }: Layout, littleEndian: boolean): Unpack {
  if (bits === 8) return (bytes, at, row) => row.set(bytes.subarray(at, at + row.length));
  if (bits === 16 || float) return (bytes, at, row) => copyWords(bytes, at, row, littleEndian);
  return (bytes, at, row) => unpackBits(bytes, at, row, bits);
}

const hostIsLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function copyWords(bytes: Buffer, at: number, row: Pixels, littleEndian: boolean): void {
  const target = Buffer.from(row.buffer as ArrayBuffer, row.byteOffset, row.byteLength);
  bytes.copy(target, 0, at, at + row.byteLength);
  if (littleEndian === hostIsLittleEndian) return;
  if (row.BYTES_PER_ELEMENT === 2) target.swap16();
  else target.swap32();
}

/** Packed samples have their high bit first whatever the byte order says (DNG 1.4, "BitsPerSample"). */
function unpackBits(bytes: Buffer, at: number, row: Pixels, bits: number): void {
  const mask = (1 << bits) - 1;
  let held = 0;
  let store = 0;
  for (let x = 0; x < row.length; x++) {
    while (held < bits) {
      store = ((store << 8) | bytes[at++]!) & 0xffffff;
      held += 8;
    }
    held -= bits;
    row[x] = (store >> held) & mask;
  }
}
