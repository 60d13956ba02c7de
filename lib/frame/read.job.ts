/** The worker's side of reading pictures: what the file is, its header's facts, and the pixels that need no library. */
import { type ExifFields, exifFields } from './exif.ts';
import { exifBlock } from './exif-block.ts';
import { FitsHeader } from './fits/cards.ts';
import { fieldsOf } from './fits/fields.ts';
import { type OpenFile, withBytes, withFile } from './fits/file.ts';
import { walkHdus } from './fits/hdus.ts';
import type { ReadBytesInput } from './fits/read.job.ts';
import { isoOf } from './fits/values.ts';
import { Frame, type FrameFields, type FrameInit } from './frame.ts';
import { decodeDng, describeDng, rawDirectory } from './raw/dng.ts';
import { isRawTiff, requireJpegBlocks, requireWholeContainer, requireWholeRaw } from './raw/whole.ts';
import { film } from './ser.job.ts';
import { type Signature, signatureOf } from './signature.ts';
import { readTiff, type Tiff } from './tiff/directories.ts';
import { decodePlainTiff } from './tiff/plain.ts';
import type { Area } from './tiff/samples.ts';
import { type ByteSource, bufferSource, fileSource } from './tiff/source.ts';
import { tags } from './tiff/tags.ts';

/** Compression 7 of DNG: lossless JPEG, or baseline for 8 bits. */
const jpegCompression = 7;

/** What the first look at a file found: the picture itself, or who is to read it. */
export type FirstLook =
  | { kind: 'frame'; fields: FrameFields }
  | { kind: 'fits' | 'ser' }
  /** For LibRaw, which may break the worker it runs in. */
  | { kind: 'libraw'; known: Partial<FrameFields>; area: Area | null }
  /** For sharp. */
  | { kind: 'picture'; format: 'jpeg' | 'png' | 'tiff'; known: Partial<FrameFields> };

export const look = ({ path }: { path: string }): FirstLook => withFile(path, (file) => lookAt(fileSource(file), path));

/** A file in memory: what errors call it, and how many of the bytes belong to it. */
export type BytesInput = ReadBytesInput;

export const lookBytes = ({ name, data, byteLength }: BytesInput): FirstLook => {
  const bytes = Buffer.from(data as unknown as ArrayBuffer, 0, byteLength);
  return withBytes(name, bytes, () => lookAt(bufferSource(name, bytes), name));
};

function lookAt(source: ByteSource, path: string): FirstLook {
  const signature = signatureOf(source);
  switch (signature) {
    case 'fits':
    case 'ser':
      return { kind: signature };
    case 'jpeg':
    case 'png':
      return { kind: 'picture', format: signature, known: known(exifBlock(source, signature), path) };
    case 'cr3':
    case 'raf':
      requireWholeContainer(source, signature);
      return { kind: 'libraw', known: known(exifBlock(source, signature), path), area: null };
    case 'raw':
      return { kind: 'libraw', known: known(null, path), area: null };
    case 'tiff':
      return lookAtTiff(source, path);
  }
}

function lookAtTiff(source: ByteSource, path: string): FirstLook {
  // BigTIFF: no camera writes it.
  if (source.read(0, 4).includes('+')) return { kind: 'picture', format: 'tiff', known: known(null, path) };
  const tiff = readTiff(source);
  if (!isRawTiff(tiff)) {
    const plain = decodePlainTiff(tiff);
    if (!plain) return { kind: 'picture', format: 'tiff', known: known(tiff, path) };
    return { kind: 'frame', fields: fieldsOfFrame({ ...known(tiff, path), ...plain }) };
  }
  const directory = tiff.directories.some((candidate) => candidate.has(tags.dngVersion)) ? rawDirectory(tiff) : null;
  if (!directory) {
    requireWholeRaw(tiff);
    return { kind: 'libraw', known: known(tiff, path), area: null };
  }
  const dng = describeDng(tiff, directory);
  const frame = decodeDng(tiff, dng);
  if (frame) return { kind: 'frame', fields: fieldsOfFrame(frame) };
  if (dng.layout.compression === jpegCompression) requireJpegBlocks(tiff, dng.layout);
  return { kind: 'libraw', known: dng.fields, area: dng.area };
}

export interface HeaderTime {
  start: string | null;
  exposureSeconds: number | null;
}

/** Start and length of the exposure; no pixel is read. */
export const time = ({ path }: { path: string }): HeaderTime =>
  withFile(path, (file) => {
    const source = fileSource(file);
    const signature = signatureOf(source);
    if (signature === 'ser') return serTime(path);
    const fields = signature === 'fits' ? fitsFields(file) : exifFieldsOf(source, signature);
    return { start: fields?.start ?? null, exposureSeconds: fields?.exposureSeconds ?? null };
  });

/** Of the first picture: its stamp, else that of the film. */
function serTime(path: string): HeaderTime {
  const { times, start } = film({ path });
  return { start: times[0] ?? (start === null ? null : isoOf(start)), exposureSeconds: null };
}

/** The first unit that says when, or the first that says how long. */
function fitsFields(file: OpenFile): HeaderTime | null {
  let found: HeaderTime | null = null;
  for (const { keywords } of walkHdus(file)) {
    const fields = fieldsOf(new FitsHeader([...keywords]));
    if (fields.start !== null) return fields;
    if (fields.exposureSeconds !== null) found ??= fields;
  }
  return found;
}

function exifFieldsOf(source: ByteSource, signature: Exclude<Signature, 'fits' | 'ser'>): ExifFields | null {
  const tiff = tagsOf(source, signature);
  return tiff && exifFields(tiff);
}

/** The TIFF tags of a picture file that has some. @throws bad-input */
export function tagsOf(source: ByteSource, signature = signatureOf(source)): Tiff | null {
  if (signature === 'fits' || signature === 'ser' || signature === 'raw') return null;
  if (signature !== 'tiff') return exifBlock(source, signature);
  return source.read(0, 4).includes('+') ? null : readTiff(source);
}

const known = (tiff: Tiff | null, path: string): Partial<FrameFields> => ({
  ...(tiff ? exifFields(tiff) : {}),
  source: path,
});

const fieldsOfFrame = (init: FrameInit): FrameFields => ({ ...new Frame(init) });
