/** Where files that are no TIFF keep their EXIF block: JPEG (APP1), PNG (eXIf), RAF (in its JPEG), CR3 (CMT boxes). */
import { readTiff, type Tiff } from './tiff/directories.ts';
import { type ByteSource, partOf } from './tiff/source.ts';

/** EXIF data of a JPEG stand in its first segments. */
const maximumSegments = 64;
const maximumChunks = 256;
const maximumBoxes = 64;
/** moov, uuid, CMT. */
const maximumDepth = 3;

/** @returns the EXIF data as one TIFF; null when there are none. Damage counts as none: it costs the facts, not the picture. */
export function exifBlock(source: ByteSource, format: 'jpeg' | 'png' | 'raf' | 'cr3'): Tiff | null {
  try {
    if (format === 'cr3') return joined(inBoxes(source, 0, source.size));
    const block = format === 'jpeg' ? inJpeg(source) : format === 'png' ? inPng(source) : inJpeg(jpegOfRaf(source));
    return block && readTiff(block);
  } catch {
    return null;
  }
}

/** RAF says at byte 84 where its JPEG is. */
function jpegOfRaf(source: ByteSource): ByteSource {
  const header = source.read(84, 8);
  return partOf(source, header.readUInt32BE(0), header.readUInt32BE(4));
}

function inJpeg(source: ByteSource): ByteSource | null {
  let at = 2;
  for (let i = 0; i < maximumSegments; i++) {
    const head = source.read(at, 4);
    const length = head.readUInt16BE(2);
    // SOS: the picture begins.
    if (head[0] !== 0xff || head[1] === 0xda || length < 2) break;
    if (head[1] === 0xe1 && length > 16 && source.read(at + 4, 6).toString('latin1') === 'Exif\0\0')
      return partOf(source, at + 10, length - 8);
    at += 2 + length;
  }
  return null;
}

function inPng(source: ByteSource): ByteSource | null {
  let at = 8;
  for (let i = 0; i < maximumChunks && at + 12 <= source.size; i++) {
    const head = source.read(at, 8);
    const length = head.readUInt32BE(0);
    const type = head.toString('latin1', 4);
    if (type === 'eXIf') return partOf(source, at + 8, length);
    if (type === 'IEND') break;
    at += 12 + length;
  }
  return null;
}

/** Canon's uuid box in moov (ISO 14496-12 boxes) holds CMT1 (camera), CMT2 (EXIF), CMT4 (GPS), each a TIFF of its own. */
function inBoxes(source: ByteSource, start: number, end: number, depth = 1): Map<string, ByteSource> {
  const found = new Map<string, ByteSource>();
  let at = start;
  for (let i = 0; i < maximumBoxes && at + 8 <= end; i++) {
    const box = boxAt(source, at, end);
    if (!box) break;
    if (/^CMT[124]$/.test(box.type)) found.set(box.type, partOf(source, box.body, box.end - box.body));
    const inner = box.type === 'moov' ? box.body : box.type === 'uuid' ? box.body + 16 : box.end;
    if (depth < maximumDepth && inner < box.end && box.end <= end)
      for (const [type, block] of inBoxes(source, inner, box.end, depth + 1)) found.set(type, block);
    at = box.end;
  }
  return found;
}

function joined(blocks: Map<string, ByteSource>): Tiff | null {
  const camera = blocks.get('CMT1');
  if (!camera) return null;
  const exif = blocks.get('CMT2');
  const gps = blocks.get('CMT4');
  const tiff = readTiff(camera);
  return {
    ...tiff,
    exif: exif ? readTiff(exif).directories[0]! : tiff.exif,
    gps: gps ? readTiff(gps).directories[0]! : tiff.gps,
  };
}

export interface Box {
  type: string;
  /** Positions in the file of what it holds. */
  body: number;
  end: number;
}

/** The box at a position, its end not checked against the file; null when its size can't be. */
export function boxAt(source: ByteSource, at: number, end: number): Box | null {
  const head = source.read(at, 8);
  const type = head.toString('latin1', 4);
  const size = head.readUInt32BE(0);
  if (size === 0) return { type, body: at + 8, end };
  if (size !== 1) return size < 8 ? null : { type, body: at + 8, end: at + size };
  const large = Number(source.read(at + 8, 8).readBigUInt64BE());
  return large < 16 ? null : { type, body: at + 16, end: at + large };
}
