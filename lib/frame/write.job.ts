/** The worker's side of writing pictures: planes back to interleaved samples, and whole TIFF files. */
import { type FileHandle, stat } from 'node:fs/promises';
import { allocateShared } from '../kernels/memory.ts';
import { writeAll, writeDurably } from '../process/durable.ts';
import { NightflowError } from '../process/errors.ts';
import { exifOf } from './exif-write.ts';
import { bytesPerSample, Frame, type FrameFields, type Pixels } from './frame.ts';
import { buildTiff, type Field } from './tiff/build.ts';
import { tags } from './tiff/tags.ts';

/** Rows of a strip of a TIFF take about so many bytes. */
const stripBytes = 1 << 20;
const maximumTiffBytes = 0xfffffffe;

/** Writes an uncompressed TIFF of the samples as they are (8 or 16 bit or float; a Bayer frame as its mosaic). @throws as writeDurably; unsupported above 4 GB. */
export async function writeTiff({ frame, path }: { frame: FrameFields; path: string }): Promise<number> {
  const { width, height, channels, pixelType } = frame;
  const rowBytes = width * channels * bytesPerSample[pixelType];
  if (rowBytes * height > maximumTiffBytes - 1e6)
    throw new NightflowError('unsupported', `A TIFF can't hold a picture of ${width} x ${height} pixels (4 GB).`, {
      remedy: 'Save it as FITS.',
    });
  const rows = Math.max(1, Math.floor(stripBytes / rowBytes));
  const strips = Math.ceil(height / rows);
  const { main, exif } = exifOf(frame, true);
  const header = (first: number) =>
    buildTiff(
      [
        ...main,
        ...structure(
          frame,
          rows,
          Array.from({ length: strips }, (_, i) => first + i * rows * rowBytes),
          rowBytes,
        ),
      ],
      exif,
    );
  const pixels = new Frame(frame).pixels;
  await writeDurably(path, async (handle: FileHandle) => {
    await writeAll(handle, header(header(0).length));
    for (let y = 0; y < height; y += rows) await writeAll(handle, strip(frame, pixels, y, Math.min(rows, height - y)));
  });
  return (await stat(path)).size;
}

function structure(frame: FrameFields, rows: number, positions: number[], rowBytes: number): Field[] {
  const { width, height, channels, pixelType, bayer, blackLevel, whiteLevel } = frame;
  const perChannel = (value: number) => Array<number>(channels).fill(value);
  return [
    [tags.newSubfileType, 'long', 0],
    [tags.imageWidth, 'long', width],
    [tags.imageLength, 'long', height],
    [tags.bitsPerSample, 'short', perChannel(bytesPerSample[pixelType] * 8)],
    [tags.compression, 'short', 1],
    [tags.photometric, 'short', channels === 3 ? 2 : 1],
    [tags.stripOffsets, 'long', positions],
    [tags.samplesPerPixel, 'short', channels],
    [tags.rowsPerStrip, 'long', rows],
    [tags.stripByteCounts, 'long', positions.map((_, i) => Math.min(rows, height - i * rows) * rowBytes)],
    [tags.planarConfiguration, 'short', 1],
    [tags.sampleFormat, 'short', perChannel(pixelType === 'f32' ? 3 : 1)],
    // DNG's tags, which others pass over: so that we, and who knows them, get levels and pattern back.
    [tags.cfaRepeatPatternDim, 'short', bayer ? [2, 2] : null],
    [tags.cfaPattern, 'byte', bayer ? [...bayer].map((colour) => 'RGB'.indexOf(colour)) : null],
    [tags.blackLevel, 'rational', blackLevel >= 0 ? blackLevel : null],
    [tags.whiteLevel, 'rational', whiteLevel > 0 ? whiteLevel : null],
  ];
}

function strip({ width, height, channels }: FrameFields, pixels: Pixels, y: number, rows: number): Uint8Array {
  const count = width * rows;
  const samples =
    channels === 1
      ? pixels.slice(y * width, y * width + count)
      : interleave(
          pixels,
          new (pixels.constructor as Uint16ArrayConstructor)(count * 3),
          width * height,
          y * width,
          count,
        );
  return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
}

function interleave<Target extends Pixels>(
  planes: Pixels,
  target: Target,
  plane: number,
  from: number,
  count: number,
): Target {
  for (let channel = 0; channel < 3; channel++)
    for (let i = 0, at = channel, start = channel * plane + from; i < count; i++, at += 3)
      target[at] = planes[start + i]!;
  return target;
}

export interface Interleaved {
  data: SharedArrayBuffer;
  bits: 8 | 16;
}

/** Samples for an encoder: 8 and 16 bit as they are, float scaled so that the white level becomes 65535. */
export function encoderSamples(frame: FrameFields): Interleaved {
  const { width, height, channels, pixelType, whiteLevel } = frame;
  const count = width * height;
  let planes = new Frame(frame).pixels;
  if (pixelType === 'f32') {
    const scale = 65535 / whiteLevel;
    planes = new Uint16Array(allocateShared(count * channels * 2));
    const floats = new Frame(frame).pixels;
    for (let i = 0; i < planes.length; i++)
      planes[i] = Math.min(65535, Math.max(0, Math.round(floats[i]! * scale))) || 0;
  }
  const bits = pixelType === 'u8' ? 8 : 16;
  if (channels === 1) return { data: planes.buffer as SharedArrayBuffer, bits };
  const data = allocateShared(planes.byteLength);
  interleave(planes, bits === 8 ? new Uint8Array(data) : new Uint16Array(data), count, 0, count);
  return { data, bits };
}
