/** Frames out to picture files, each whole or not at all. */
import { open, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { job, sharedPool } from '../kernels/pool.ts';
import { type Chunk, writeAll, writeDurably } from '../process/durable.ts';
import { asNightflowError, NightflowError, throwIfAborted } from '../process/errors.ts';
import { debayerFrame } from './debayer.ts';
import { withExifInJpeg, withExifInPng } from './exif-write.ts';
import { writeFits } from './fits/write.ts';
import type { Frame, FrameFields, Original } from './frame.ts';
import { renderPreview, renderRgb } from './preview.ts';
import type { DynamicRangeCompression, Stretch } from './stretch.ts';
import type { Interleaved } from './write.job.ts';

export type PictureFormat = 'fits' | 'tiff' | 'png' | 'jpeg' | 'original';

export interface WriteOptions {
  format: PictureFormat;
  /** For PNG and JPEG. Absent: 'auto' for a JPEG of camera data; none otherwise. */
  stretch?: Stretch;
  /** For PNG and JPEG. */
  drc?: DynamicRangeCompression;
  /** Of a JPEG, 1 to 100; 92 when absent. */
  quality?: number;
  /** For TIFF and a PNG without stretch: colour out of a Bayer frame (bilinear). Absent: its mosaic as it is. */
  debayer?: boolean;
  signal?: AbortSignal;
}

type Saved = Pick<FrameFields, 'original' | 'source'>;

const module = new URL('./write.job.ts', import.meta.url);
const tiffJob = job<{ frame: FrameFields; path: string }, number>(module, 'writeTiff');
const samplesJob = job<FrameFields, Interleaved>(module, 'encoderSamples');

const defaultQuality = 92;
/** Of noise, level 6 costs twice the time for a few percent. */
const pngCompression = 3;
const copyBytes = 1 << 20;

/**
 * Writes a frame; `path` has its extension already (`extensionOf`).
 * - fits: everything the frame knows.
 * - tiff: the samples as they are, 8 or 16 bit or float; a Bayer frame stays its mosaic unless `debayer`.
 * - png: the samples as they are, 8 or 16 bit (float scaled to 16), a Bayer frame as in tiff; stretched or compressed, 8-bit display colours.
 * - jpeg: display colours.
 * - original: the camera's own file, or the file that the frame came from, byte for byte; fits where there is neither.
 * Date, exposure, ISO and camera go into the EXIF data of tiff, png and jpeg.
 * @throws lost for the file of an original that is gone; disk-full, failed, aborted.
 */
export async function writeFrame(
  frame: Frame,
  path: string,
  options: WriteOptions,
): Promise<{ path: string; bytes: number }> {
  throwIfAborted(options.signal);
  return { path, bytes: await write(frame, path, options) };
}

/** What a frame is written as: FITS for an original that there never was (a simulated camera, a stack). */
export const formatFor = (format: PictureFormat, { original, source }: Saved): PictureFormat =>
  format === 'original' && original === null && source === null ? 'fits' : format;

/** The extension of a file in this format, with its dot; an original keeps its own. */
export function extensionOf(format: PictureFormat, frame: Saved): string {
  switch (formatFor(format, frame)) {
    case 'fits':
      return '.fits';
    case 'tiff':
      return '.tif';
    case 'png':
      return '.png';
    case 'jpeg':
      return '.jpg';
    case 'original':
      if (frame.original) return frame.original.extension;
      return /\.fits?\.(fz|gz)$/i.exec(frame.source ?? '')?.[0] ?? extname(frame.source ?? '');
  }
}

async function write(frame: Frame, path: string, options: WriteOptions): Promise<number> {
  const { drc = 'off', quality = defaultQuality, signal } = options;
  const format = formatFor(options.format, frame);
  switch (format) {
    case 'fits':
      return (await writeFits(frame, path, { signal })).bytes;
    case 'tiff':
      return sharedPool().run(
        tiffJob,
        { frame: { ...(await inColour(frame.withoutOriginal, options)) }, path },
        { signal },
      );
    case 'jpeg': {
      const stretch = options.stretch ?? (frame.transfer === 'srgb' ? 'none' : 'auto');
      const { jpeg } = await renderPreview(frame, { stretch, drc, quality, signal });
      return writeChunks(path, withExifInJpeg(jpeg, frame));
    }
    case 'png':
      return writeChunks(path, await png(frame, { ...options, stretch: options.stretch ?? 'none', drc }));
    case 'original':
      return frame.original ? writeChunks(path, [bytesOf(frame.original)]) : copyOriginal(frame.source!, path, signal);
    default:
      throw new NightflowError('bad-input', `The picture format "${format}" is unknown.`, {
        remedy: 'Choose fits, tiff, png, jpeg or original.',
      });
  }
}

async function png(
  given: Frame,
  { stretch, drc, debayer, signal }: WriteOptions & { stretch: Stretch; drc: DynamicRangeCompression },
): Promise<Buffer[]> {
  const asIs = stretch === 'none' && drc === 'off';
  const frame = asIs ? await inColour(given, { debayer, signal }) : given;
  const picture = asIs ? await samples(frame, signal) : await displayed(frame, stretch, drc, signal);
  const { default: sharp } = await import('sharp');
  const { data, bits, channels, width, height } = picture;
  const space = bits === 8 ? (channels === 1 ? 'b-w' : 'srgb') : channels === 1 ? 'grey16' : 'rgb16';
  // sharp reads the shared pixels in place; frames are never changed.
  const view = bits === 8 ? new Uint8Array(data) : new Uint16Array(data);
  const encoded = await sharp(view, { raw: { width, height, channels }, limitInputPixels: false })
    .toColourspace(space)
    .png({ compressionLevel: pngCompression })
    .toBuffer();
  throwIfAborted(signal);
  return withExifInPng(encoded, frame, asIs && frame.pixelType !== 'f32');
}

const inColour = async (frame: Frame, { debayer, signal }: Pick<WriteOptions, 'debayer' | 'signal'>): Promise<Frame> =>
  debayer && frame.bayer ? debayerFrame(frame, { signal }) : frame;

async function samples(frame: Frame, signal?: AbortSignal) {
  const { width, height, channels } = frame;
  return { ...(await sharedPool().run(samplesJob, { ...frame.withoutOriginal }, { signal })), width, height, channels };
}

async function displayed(frame: Frame, stretch: Stretch, drc: DynamicRangeCompression, signal?: AbortSignal) {
  return { ...(await renderRgb(frame, { stretch, drc, signal })), bits: 8 as const };
}

async function writeChunks(path: string, chunks: readonly Chunk[]): Promise<number> {
  await writeDurably(path, chunks);
  return chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
}

const bytesOf = ({ data }: Original): Uint8Array => new Uint8Array(data);

async function copyOriginal(source: string, path: string, signal?: AbortSignal): Promise<number> {
  const original = await open(source, 'r').catch((error) => {
    throw asNightflowError(error, `The original ${source} can't be read`);
  });
  try {
    const chunk = Buffer.allocUnsafe(copyBytes);
    await writeDurably(path, async (handle) => {
      for (;;) {
        throwIfAborted(signal);
        const { bytesRead } = await original.read(chunk, 0, copyBytes, null);
        if (bytesRead === 0) break;
        await writeAll(handle, chunk.subarray(0, bytesRead));
      }
    });
  } finally {
    await original.close();
  }
  return (await stat(path)).size;
}
