/** Refuses RAW files that are too short for what they declare: LibRaw would make megapixels of garbage of a header. */

import { NightflowError } from '../../process/errors.ts';
import { boxAt } from '../exif-block.ts';
import type { Tiff, TiffDirectory } from '../tiff/directories.ts';
import { cutOff, type Layout, layoutOf, requireWhole } from '../tiff/layout.ts';
import type { ByteSource } from '../tiff/source.ts';
import { tags } from '../tiff/tags.ts';
import { rawDirectory } from './dng.ts';
import { jpegFrame, jpegHeaderBytes } from './jpeg-header.ts';

/** Compressions that only RAW data have: Nikon, Sony, Pentax, Samsung, Kodak, Epson. */
const rawCompressions = new Set([34713, 32767, 32769, 32770, 32772, 65000, 65535]);

/** What a TIFF file is: by its tags, never by its name. CR2 says so at byte 8; ORF and RW2 in their magic number. */
export function isRawTiff(tiff: Tiff): boolean {
  const head = tiff.source.read(0, Math.min(10, tiff.source.size));
  return (
    head.toString('latin1', 8, 10) === 'CR' ||
    (head[2] !== 42 && head[3] !== 42) ||
    rawDirectory(tiff) !== null ||
    tiff.directories.some(isRawCompressed)
  );
}

/** @throws bad-input when strips or tiles lie outside the file or hold less than a bit a sample. */
export function requireWholeRaw(tiff: Tiff): void {
  const head = tiff.source.read(0, Math.min(10, tiff.source.size));
  if (head.toString('latin1', 8, 10) === 'CR') {
    requireWholeCr2(tiff);
    return;
  }
  const directory = rawDirectory(tiff) ?? tiff.directories.find(isRawCompressed);
  // Makers that describe their data elsewhere (ORF, RW2) are left to LibRaw's own complaints.
  if (directory?.has(tags.imageWidth) && (directory.has(tags.stripByteCounts) || directory.has(tags.tileByteCounts)))
    requireWhole(tiff, layoutOf(tiff, directory));
}

function isRawCompressed(directory: TiffDirectory): boolean {
  return rawCompressions.has(directory.number(tags.compression) ?? 1) && directory.has(tags.stripOffsets);
}

/** The last directory of a CR2 points at a lossless JPEG, whose SOF3 segment has the size. */
function requireWholeCr2(tiff: Tiff): void {
  const directory = tiff.directories.at(-1)!;
  const position = directory.number(tags.stripOffsets) ?? 0;
  const bytes = directory.number(tags.stripByteCounts) ?? 0;
  if (position === 0 || position + bytes > tiff.source.size)
    throw cutOff(tiff, `its picture reaches to byte ${position + bytes} and the file ends at ${tiff.source.size}`);
  const jpeg = jpegFrame(tiff.source.read(position, Math.min(bytes, jpegHeaderBytes)));
  if (!jpeg?.lossless) throw cutOff(tiff, 'where its sensor data should be, there is no lossless JPEG');
  if (bytes * 8 < jpeg.samples)
    throw cutOff(tiff, `it declares ${jpeg.samples} samples and holds ${bytes} bytes of them`);
}

/**
 * The strips or tiles of a DNG with JPEG compression must be JPEGs large enough: where one is not, LibRaw leaves the memory
 * as it was, without a word, and that may be the picture before.
 */
export function requireJpegBlocks(tiff: Tiff, layout: Layout): void {
  for (const { position, bytes, width, rows } of layout.blocks) {
    const jpeg = jpegFrame(tiff.source.read(position, Math.min(bytes, jpegHeaderBytes)));
    if (!jpeg || jpeg.samples < width * rows * layout.samplesPerPixel)
      throw cutOff(tiff, `at byte ${position} there is no JPEG of ${width} x ${rows} pixels`);
  }
}

/** CR3: a chain of boxes that must end with the file. RAF: its header says where the sensor data end. */
export function requireWholeContainer(source: ByteSource, format: 'cr3' | 'raf'): void {
  let end = 0;
  if (format === 'raf') {
    const header = source.read(100, 8);
    end = header.readUInt32BE(0) + header.readUInt32BE(4);
  } else
    for (let boxes = 0; boxes < 64 && end + 8 <= source.size; boxes++) {
      const box = boxAt(source, end, source.size);
      if (!box) break;
      end = box.end;
    }
  if (end <= source.size) return;
  throw new NightflowError(
    'bad-input',
    `${source.name} has no whole picture: it reaches to byte ${end} and the file ends at ${source.size}.`,
    { remedy: 'Copy the file again from the camera or its card.' },
  );
}
