/** Small DNG files for tests, with known samples. */
import { type Ifd, type Tag, tinyTiff } from './tiny-tiff.ts';

export interface TinyDng {
  /** LibRaw refuses pictures below 22 pixels. */
  width?: number;
  height?: number;
  bits?: number;
  littleEndian?: boolean;
  tile?: [width: number, height: number];
  rowsPerStrip?: number;
  /** Of the whole sensor. */
  sample?: (x: number, y: number) => number;
  samplesPerPixel?: 1 | 3;
  /** Row-major colour indices (0 red, 1 green, 2 blue), or null for linear raw data. */
  pattern?: number[] | null;
  tags?: Tag[];
  exif?: Ifd;
  gps?: Ifd;
  /** Compresses a strip; the compression's number goes into the tags. */
  compress?: { number: number; encode: (samples: number[], width: number, height: number) => Buffer };
}

export const defaultSample = (x: number, y: number): number => (x * 37 + y * 101 + ((x * y) % 13)) % 251;

export function tinyDng(options: TinyDng = {}): Buffer {
  const { width = 48, height = 36, bits = 16, littleEndian = true, tile, samplesPerPixel = 1 } = options;
  const { sample = defaultSample, pattern = [0, 1, 1, 2], tags = [], compress, rowsPerStrip = height } = options;
  const [blockWidth, blockHeight] = tile ?? [width, rowsPerStrip];
  const data: Buffer[] = [];
  for (let y = 0; y < height; y += blockHeight)
    for (let x = 0; x < width; x += blockWidth) {
      const rows = tile ? blockHeight : Math.min(blockHeight, height - y);
      const lines = Array.from({ length: rows }, (_, row) =>
        Array.from({ length: blockWidth * samplesPerPixel }, (_, i) =>
          sample(x + Math.floor(i / samplesPerPixel) + (i % samplesPerPixel) * 1000, y + row),
        ),
      );
      data.push(
        compress
          ? compress.encode(lines.flat(), blockWidth * samplesPerPixel, rows)
          : Buffer.concat(lines.map((line) => pack(line, bits, littleEndian))),
      );
    }
  const raw: Ifd = {
    tags: [
      [254, 'long', 0],
      [256, 'long', width],
      [257, 'long', height],
      [258, 'short', Array<number>(samplesPerPixel).fill(bits)],
      [259, 'short', compress?.number ?? 1],
      [262, 'short', pattern ? 32803 : 34892],
      [277, 'short', samplesPerPixel],
      [284, 'short', 1],
      ...(tile
        ? ([
            [322, 'long', tile[0]],
            [323, 'long', tile[1]],
          ] as Tag[])
        : ([[278, 'long', rowsPerStrip]] as Tag[])),
      ...(pattern
        ? ([
            [33421, 'short', [2, 2]],
            [33422, 'byte', pattern],
          ] as Tag[])
        : []),
      ...tags,
    ],
    data,
    tiled: tile !== undefined,
  };
  // As the Raspberry Pi's programs do it: a thumbnail first, the sensor's samples in a SubIFD.
  const thumbnail: Ifd = {
    tags: [
      [254, 'long', 1],
      [256, 'long', 2],
      [257, 'long', 2],
      [258, 'short', [8, 8, 8]],
      [259, 'short', 1],
      [262, 'short', 2],
      [271, 'ascii', 'Raspberry Pi'],
      [272, 'ascii', 'imx477'],
      [277, 'short', 3],
      [278, 'long', 2],
      [50706, 'byte', [1, 4, 0, 0]],
      [50708, 'ascii', 'Raspberry Pi imx477'],
    ],
    data: [Buffer.alloc(12)],
    children: [raw],
    ...(options.exif ? { exif: options.exif } : {}),
    ...(options.gps ? { gps: options.gps } : {}),
  };
  return tinyTiff([thumbnail], littleEndian);
}

/** One row: whole bytes in the file's order; anything else packed with the high bit first, filled up to a byte. */
function pack(line: number[], bits: number, littleEndian: boolean): Buffer {
  if (bits === 8) return Buffer.from(line);
  if (bits === 16) {
    const row = Buffer.alloc(line.length * 2);
    for (const [i, value] of line.entries())
      littleEndian ? row.writeUInt16LE(value, i * 2) : row.writeUInt16BE(value, i * 2);
    return row;
  }
  const text = line.map((value) => value.toString(2).padStart(bits, '0')).join('');
  const bytes = text.match(/.{1,8}/g)!.map((part) => Number.parseInt(part.padEnd(8, '0'), 2));
  return Buffer.from(bytes);
}

/**
 * Lossless JPEG (ITU-T T.81, annex H): predictor 1, all Huffman codes five bits long. With two components, as Canon writes
 * it, neighbours alternate between them.
 */
export function losslessJpeg(samples: number[], width: number, height: number, components: 1 | 2 = 1): Buffer {
  let text = '';
  for (let at = 0; at < width * height; at++) {
    const x = at % width;
    const before = x >= components ? samples[at - components] : samples[at - width];
    const difference = ((samples[at]! - (before ?? 32768) + 32768) & 0xffff) - 32768;
    const size = difference === -32768 ? 16 : 32 - Math.clz32(Math.abs(difference));
    text += size.toString(2).padStart(5, '0');
    if (size > 0 && size < 16)
      text += (difference < 0 ? difference + 2 ** size - 1 : difference).toString(2).padStart(size, '0');
  }
  const coded = text.match(/.{1,8}/g)!.flatMap((part) => {
    const byte = Number.parseInt(part.padEnd(8, '1'), 2);
    return byte === 255 ? [255, 0] : [byte];
  });
  const u16 = (value: number) => [value >> 8, value & 255];
  const counts = Array.from({ length: 16 }, (_, i) => (i === 4 ? 17 : 0));
  const categories = Array.from({ length: 17 }, (_, i) => i);
  const each = (make: (component: number) => number[]) => Array.from({ length: components }, (_, i) => make(i)).flat();
  const columns = width / components;
  return Buffer.from([
    ...[0xff, 0xd8],
    ...[0xff, 0xc4, ...u16(19 + 17), 0, ...counts, ...categories],
    ...[0xff, 0xc3, ...u16(8 + 3 * components), 16, ...u16(height), ...u16(columns), components],
    ...each((i) => [i, 0x11, 0]),
    ...[0xff, 0xda, ...u16(6 + 2 * components), components, ...each((i) => [i, 0]), 1, 0, 0],
    ...coded,
    ...[0xff, 0xd9],
  ]);
}
