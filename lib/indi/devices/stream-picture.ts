/** A picture of an INDI video as a frame: no header says its size, so the stream's properties have to. */
import { type BayerPattern, Frame } from '../../frame/frame.ts';
import type { PlanesInput } from '../../frame/picture.job.ts';
import { job, sharedPool } from '../../kernels/pool.ts';
import { NightflowError } from '../../process/errors.ts';
import { numberOf, textOf } from '../property.ts';
import type { BlobValue } from '../protocol/message.ts';
import type { PropertyLookup } from './camera-settings.ts';

const planes = job<PlanesInput, SharedArrayBuffer>(new URL('../../frame/picture.job.ts', import.meta.url), 'planes');

export interface Size {
  width: number;
  height: number;
}

/** Sizes that a picture of the stream may have, the likeliest first: drivers give the stream's window binned or not. */
export function streamSizes(find: PropertyLookup): Size[] {
  const bin = (axis: string) => Math.max(1, numberOf(find('CCD_BINNING'), axis) ?? 1);
  const sizes: Size[] = [];
  const add = (width: number | null, height: number | null) => {
    if (width === null || height === null || width < 1 || height < 1) return;
    sizes.push({ width, height });
    sizes.push({ width: Math.floor(width / bin('HOR_BIN')), height: Math.floor(height / bin('VER_BIN')) });
  };
  for (const name of ['CCD_STREAM_FRAME', 'CCD_FRAME'])
    add(numberOf(find(name), 'WIDTH'), numberOf(find(name), 'HEIGHT'));
  add(numberOf(find('CCD_INFO'), 'CCD_MAX_X'), numberOf(find('CCD_INFO'), 'CCD_MAX_Y'));
  return sizes;
}

/**
 * `.stream` holds bare samples: 8 bit, one or three of a pixel (RGB), or 16 bit, little-endian. `.stream_jpg` a JPEG.
 * Samples of one channel are not copied. @throws bad-input for a size that fits nothing; unsupported; aborted
 */
export function streamFrame(blob: BlobValue, find: PropertyLookup, signal?: AbortSignal): Frame | Promise<Frame> {
  const { format, data, byteLength } = blob;
  if (!data) throw new NightflowError('bad-input', blob.error ?? 'The picture of the video holds nothing.');
  if (/jpe?g$/i.test(format)) return jpegFrame(data, byteLength, signal);
  if (format !== '.stream')
    throw new NightflowError('unsupported', `The video comes as ${format.slice(0, 20)}, which can't be read.`, {
      remedy: 'Choose RAW as the encoder of the camera’s stream.',
    });
  const sizes = streamSizes(find);
  const holding = (bytes: number) => sizes.find(({ width, height }) => width * height * bytes === byteLength);
  const pattern = bayerOf(textOf(find('CCD_CFA'), 'CFA_TYPE'));
  const own = data.byteLength === byteLength ? data : data.slice(0, byteLength);
  const mono = holding(1);
  if (mono) return new Frame({ ...mono, data: own, pixelType: 'u8', bayer: pattern });
  const rgb = holding(3);
  if (rgb) return rgbFrame(own, rgb, signal);
  const deep = holding(2);
  if (deep) return new Frame({ ...deep, data: own, pixelType: 'u16', bayer: pattern });
  const told = sizes[0] ? `${sizes[0].width} x ${sizes[0].height}` : 'no size';
  throw new NightflowError('bad-input', `A picture of the video has ${byteLength} bytes, which do not fit ${told}.`);
}

async function rgbFrame(data: SharedArrayBuffer, { width, height }: Size, signal?: AbortSignal): Promise<Frame> {
  const interleaved = data as unknown as ArrayBuffer;
  const input = { interleaved, from: 0, width, height, bands: 3, channels: 3, pixelType: 'u8' } as const;
  const pixels = await sharedPool().run(planes, input, { signal });
  return new Frame({ data: pixels, width, height, channels: 3, pixelType: 'u8' });
}

async function jpegFrame(data: SharedArrayBuffer, byteLength: number, signal?: AbortSignal): Promise<Frame> {
  const { default: sharp } = await import('sharp');
  const picture = sharp(Buffer.from(data as unknown as ArrayBuffer, 0, byteLength), { failOn: 'error' });
  const { data: bytes, info } = await picture
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch((cause) => {
      throw new NightflowError('bad-input', 'A picture of the video is no whole JPEG.', { cause });
    });
  const { width, height, channels: bands } = info;
  const channels = bands === 1 ? 1 : 3;
  const interleaved = bytes.buffer as ArrayBuffer;
  const input = { interleaved, from: bytes.byteOffset, width, height, bands, channels, pixelType: 'u8' } as const;
  const pixels = await sharedPool().run(planes, input, { signal });
  return new Frame({ data: pixels, width, height, channels, pixelType: 'u8', transfer: 'srgb' });
}

function bayerOf(word: string | null): BayerPattern | null {
  const patterns: readonly BayerPattern[] = ['RGGB', 'BGGR', 'GRBG', 'GBRG'];
  return patterns.find((pattern) => pattern === word?.trim().toUpperCase()) ?? null;
}
