/** The worker's side of an integration: looks at the files, measures their levels, integrates areas. */
import { writeSync } from 'node:fs';
import { scratch } from '../kernels/wasm.ts';
import { blockBytes } from './fits/cards.ts';
import { addSums, encodeChecksum, sumOf } from './fits/checksum.ts';
import { type OpenFile, withFile } from './fits/file.ts';
import { type Card, formatHeader } from './fits/format.ts';
import { headerOf } from './fits/header.ts';
import { findImage, frameHeader, openImage } from './fits/image.ts';
import { Frame, type FrameFields, type PixelType } from './frame.ts';
import { type BandInput, type BandOutput, integrateArea } from './integrate-band.ts';
import { isFitsU8, isFitsU16, type RowSource, readDecoded, SourceFiles } from './integrate-source.ts';
import { signatureOf } from './signature.ts';
import { fileSource } from './tiff/source.ts';

export interface Inspected {
  source: RowSource;
  /** What the frame knows of itself. */
  header: Omit<FrameFields, 'data'>;
}

/** Where a file's samples are, its data unread; null when it must be read whole (compressed, or no FITS). @throws as readFits */
export const inspect = ({ path }: { path: string }): Inspected | null =>
  withFile(path, (file) => (signatureOf(fileSource(file)) === 'fits' ? inspectFits(file) : null));

function inspectFits(file: OpenFile): Inspected | null {
  const hdu = findImage(file);
  if (hdu.compressed) return null;
  const image = openImage(file, hdu);
  const { raw } = image;
  const source: RowSource = {
    name: file.path,
    width: raw.width,
    height: raw.height,
    channels: raw.planes,
    pixelType: 'f32',
    place: { path: file.path, offset: hdu.dataOffset },
    fits: { bitpix: raw.bitpix, zero: raw.zero, scale: raw.scale, blank: raw.blank, flip: raw.flip },
  };
  const pixelType: PixelType = isFitsU16(source) ? 'u16' : isFitsU8(source) ? 'u8' : 'f32';
  source.pixelType = pixelType;
  const maximum = pixelType === 'f32' ? sampledMaximum(source) : null;
  const precisionLost = [32, 64, -64].includes(raw.bitpix);
  const { data: _none, ...header } = frameFields(frameHeader(file, hdu, image, { pixelType, precisionLost, maximum }));
  return { source, header };
}

/** Complete fields of a frame whose pixels are elsewhere. */
function frameFields(init: object): FrameFields {
  const one = new Frame({ data: new SharedArrayBuffer(1), width: 1, height: 1, pixelType: 'u8' });
  const { pixelType } = init as FrameFields;
  return { ...one, whiteLevel: pixelType === 'u8' ? 255 : pixelType === 'u16' ? 65535 : 1, ...init } as FrameFields;
}

/** Rows that are looked at for levels and maxima. */
const sampledRows = 64;
/** Samples of a plane that are sorted for its levels: 0.6 % of sigma on the median. */
const sampledPixels = 65_536;

function sampledMaximum(source: RowSource): number {
  let maximum = -Infinity;
  visitSamples(source, (values) => {
    for (const value of values) if (value > maximum) maximum = value;
  });
  return maximum;
}

/** Calls back with rows spread over each plane of the source. */
function visitSamples(
  source: RowSource,
  visit: (values: Float32Array | Uint16Array | Uint8Array, plane: number) => void,
) {
  const work = scratch();
  const files = new SourceFiles();
  const { width, height, channels, pixelType } = source;
  const pointer = work.take(width * 4);
  const spare = work.take(width * 8);
  const step = Math.max(1, Math.floor(height / sampledRows));
  try {
    for (let plane = 0; plane < channels; plane++)
      for (let y = Math.floor(step / 2); y < height; y += step) {
        readDecoded(work, files, source, { plane, x: 0, y, columns: width, rows: 1 }, pointer, spare);
        visit(
          pixelType === 'u8'
            ? work.u8(pointer, width).slice()
            : pixelType === 'u16'
              ? work.u16(pointer, width).slice()
              : work.f32(pointer, width).slice(),
          plane,
        );
      }
  } finally {
    files.close();
  }
}

/** Median and sigma (1.4826 MAD) of each plane, from rows spread over it. NaN and, for 0 of them, sigma 0. */
export function measureLevels({ source }: { source: RowSource }): { location: number; sigma: number }[] {
  const { width, height, channels } = source;
  const rows = Math.min(height, sampledRows + 1);
  const stride = Math.max(1, Math.floor((rows * width) / sampledPixels));
  const seen = Array.from({ length: channels }, () => [] as number[]);
  let turn = 0;
  visitSamples(source, (values, plane) => {
    for (let x = turn++ % stride; x < width; x += stride) if (!Number.isNaN(values[x]!)) seen[plane]!.push(values[x]!);
  });
  return seen.map((values) => {
    if (values.length === 0) return { location: Number.NaN, sigma: 0 };
    const location = middleOf(values);
    return { location, sigma: 1.4826 * middleOf(values.map((value) => Math.abs(value - location))) };
  });
}

const middleOf = (values: number[]): number => {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
};

export const integrate = (input: BandInput): BandOutput => integrateArea(scratch(), input);

/** How many bytes the header of the result takes. Its numbers may change later: each keyword has one card. */
export const headerBytes = ({ frame }: { frame: Omit<FrameFields, 'data'> }): number =>
  header(frame, 0, '0'.repeat(16)).length;

/** The header, once the data are there. */
export function writeHeader(input: {
  frame: Omit<FrameFields, 'data'>;
  descriptor: number;
  dataSum: number;
  dataBytes: number;
  bytes: number;
}): void {
  const { frame, descriptor, dataSum, dataBytes } = input;
  const checksum = encodeChecksum(addSums(sumOf(header(frame, dataSum, '0'.repeat(16))), dataSum));
  const text = header(frame, dataSum, checksum);
  if (text.length !== input.bytes) throw new Error(`The header grew from ${input.bytes} to ${text.length} bytes.`);
  for (let done = 0; done < text.length; ) done += writeSync(descriptor, text, done, text.length - done, done);
  const padding = Buffer.alloc(Math.ceil(dataBytes / blockBytes) * blockBytes - dataBytes);
  if (padding.length > 0) writeSync(descriptor, padding, 0, padding.length, text.length + dataBytes);
}

function header(frame: Omit<FrameFields, 'data'>, dataSum: number, checksum: string): Buffer {
  const cards: Card[] = [
    ...headerOf(frame as FrameFields),
    { name: 'CHECKSUM', value: checksum, comment: 'Of this unit' },
    { name: 'DATASUM', value: String(dataSum), comment: 'Of its data' },
  ];
  return formatHeader(cards);
}
