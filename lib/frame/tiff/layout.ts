/** How the samples of one TIFF picture lie in the file: its strips or tiles, checked against the file before anything is allocated. */
import { NightflowError } from '../../process/errors.ts';
import { damagedRemedy } from '../damaged.ts';
import { maximumPixels } from '../frame.ts';
import type { Tiff, TiffDirectory } from './directories.ts';
import { tags } from './tags.ts';

export interface Layout {
  width: number;
  height: number;
  samplesPerPixel: number;
  bits: number;
  float: boolean;
  compression: number;
  photometric: number | null;
  /** Samples of a pixel stand together. */
  chunky: boolean;
  /** The most significant bit comes first; TIFF FillOrder 2 turns that round. */
  highBitFirst: boolean;
  blocks: Block[];
}

/** A strip or a tile. */
export interface Block {
  x: number;
  y: number;
  /** Pixels of a stored row: tiles at the right edge are padded. */
  width: number;
  /** Rows that belong to the picture. */
  rows: number;
  position: number;
  bytes: number;
}

/** @throws bad-input for a size that can't be, missing or too few strips or tiles. */
export function layoutOf(tiff: Tiff, directory: TiffDirectory): Layout {
  const width = directory.number(tags.imageWidth) ?? 0;
  const height = directory.number(tags.imageLength) ?? 0;
  const bits = directory.numbers(tags.bitsPerSample) ?? [1];
  const samplesPerPixel = directory.number(tags.samplesPerPixel) ?? 1;
  if (width < 1 || height < 1 || width * height * samplesPerPixel > maximumPixels || samplesPerPixel < 1)
    throw damaged(tiff, `it claims a picture of ${width} x ${height} x ${samplesPerPixel} samples`);
  if (new Set(bits).size > 1)
    throw new NightflowError('unsupported', `${tiff.source.name} has samples of different depths (${bits}).`);
  return {
    width,
    height,
    samplesPerPixel,
    bits: bits[0]!,
    float: directory.number(tags.sampleFormat) === 3,
    compression: directory.number(tags.compression) ?? 1,
    photometric: directory.number(tags.photometric),
    chunky: (directory.number(tags.planarConfiguration) ?? 1) === 1 || samplesPerPixel === 1,
    highBitFirst: (directory.number(tags.fillOrder) ?? 1) === 1,
    blocks: blocksOf(tiff, directory, width, height),
  };
}

/** Bytes of one stored row: rows begin at full bytes. */
export const rowBytes = (layout: Layout, block: Block): number =>
  Math.ceil((block.width * layout.samplesPerPixel * layout.bits) / 8);

/** @throws bad-input when the file is too short for the picture that it declares, uncompressed or not. */
export function requireWhole(tiff: Tiff, layout: Layout): void {
  let bytes = 0;
  let end = 0;
  for (const block of layout.blocks) {
    if (layout.compression === 1) {
      const needed = rowBytes(layout, block) * block.rows;
      if (block.bytes < needed)
        throw cutOff(tiff, `a part of its picture takes ${needed} bytes and only ${block.bytes} are given`);
    }
    bytes += block.bytes;
    end = Math.max(end, block.position + block.bytes);
  }
  if (end > tiff.source.size)
    throw cutOff(tiff, `its picture reaches to byte ${end} and the file ends at ${tiff.source.size}`);
  // No lossless code spends less than a bit on a sample; JPEG (34892) and JPEG XL (52546) of DNG are lossy.
  const least = Math.floor((layout.width * layout.height * layout.samplesPerPixel) / 8);
  if (bytes < least && layout.compression !== 34892 && layout.compression !== 52546)
    throw cutOff(tiff, `it declares ${layout.width} x ${layout.height} pixels and holds ${bytes} bytes of them`);
}

export const cutOff = (tiff: Tiff, why: string): NightflowError =>
  new NightflowError('bad-input', `${tiff.source.name} has no whole picture: ${why}.`, {
    remedy: 'Copy the file again from the camera or its card: only its header is here.',
  });

function blocksOf(tiff: Tiff, directory: TiffDirectory, width: number, height: number): Block[] {
  const tiled = directory.has(tags.tileOffsets);
  const positions = directory.numbers(tiled ? tags.tileOffsets : tags.stripOffsets);
  const bytes = directory.numbers(tiled ? tags.tileByteCounts : tags.stripByteCounts);
  if (!positions || !bytes) throw damaged(tiff, 'it says nowhere where the picture stands');
  const blockWidth = tiled ? (directory.number(tags.tileWidth) ?? 0) : width;
  // "All rows in one strip" is written as the largest number.
  const blockHeight = tiled
    ? (directory.number(tags.tileLength) ?? 0)
    : Math.min(height, directory.number(tags.rowsPerStrip) ?? height);
  if (blockWidth < 1 || blockHeight < 1 || blockWidth > 2 ** 20 || blockHeight > 2 ** 20)
    throw damaged(tiff, `it claims tiles of ${blockWidth} x ${blockHeight} pixels`);
  const across = Math.ceil(width / blockWidth);
  const down = Math.ceil(height / blockHeight);
  if (positions.length < across * down || bytes.length < across * down)
    throw damaged(tiff, `its picture needs ${across * down} strips or tiles and it has ${positions.length}`);
  return Array.from({ length: across * down }, (_, i) => {
    const x = (i % across) * blockWidth;
    const y = Math.floor(i / across) * blockHeight;
    const rows = Math.min(blockHeight, height - y);
    return { x, y, width: blockWidth, rows, position: positions[i]!, bytes: bytes[i]! };
  });
}

const damaged = (tiff: Tiff, why: string): NightflowError =>
  new NightflowError('bad-input', `${tiff.source.name} can't be read: ${why}.`, { remedy: damagedRemedy });
