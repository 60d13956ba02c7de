/** Pictures to look at: a frame debayered, reduced, stretched, in 8 bits, as pixels or as a JPEG. */
import { allocateShared } from '../kernels/memory.ts';
import { job, sharedPool } from '../kernels/pool.ts';
import { NightflowError, throwIfAborted } from '../process/errors.ts';
import type { Frame } from './frame.ts';
import type { PreviewInput } from './preview.job.ts';
import type { DynamicRangeCompression, Stretch } from './stretch.ts';

export interface RenderOptions {
  /** Pixels across; the height follows. A frame is never enlarged. Absent: as wide as the frame. */
  width?: number;
  /**
   * 'auto': the background becomes a quarter bright (stretch.ts). Pictures that carry a display gamma already (JPEG) are
   * left alone, unless they are nearly black. 'none': white balance where known, and the sRGB curve, as a camera does.
   */
  stretch: Stretch;
  drc: DynamicRangeCompression;
  signal?: AbortSignal;
}

export interface RenderedPixels {
  /** 8 bit, rows from the top, R G B interleaved; one byte a pixel for a mono frame. */
  data: SharedArrayBuffer;
  width: number;
  height: number;
  channels: 1 | 3;
}

export interface RenderedJpeg {
  jpeg: Buffer;
  width: number;
  height: number;
}

const render = job<PreviewInput, void>(new URL('./preview.job.ts', import.meta.url), 'render');

/** Display pixels of a frame, for films, keograms and picture files. @throws bad-input for a width that can't be. */
export const renderRgb = (frame: Frame, options: RenderOptions): Promise<RenderedPixels> =>
  renderInto(allocateShared, frame, options);

async function renderInto(
  allocate: (bytes: number) => SharedArrayBuffer,
  frame: Frame,
  options: RenderOptions,
): Promise<RenderedPixels> {
  const { signal, stretch, drc } = options;
  throwIfAborted(signal);
  const { width, height } = previewSize(frame, options.width);
  const channels = frame.bayer || frame.channels === 3 ? 3 : 1;
  const target = allocate(width * height * channels);
  const { data, bayer, pixelType, transfer, blackLevel, whiteLevel, whiteBalance } = frame;
  const picture = { data, width: frame.width, height: frame.height, channels: frame.channels, bayer, pixelType };
  const levels = { transfer, blackLevel, whiteLevel, whiteBalance };
  const output = { target, outputWidth: width, outputHeight: height, stretch, drc };
  await sharedPool().run(render, { ...picture, ...levels, ...output }, { signal });
  return { data: target, width, height, channels };
}

const defaultQuality = 85;

/** A JPEG of a frame. @param options.quality 1…100, 85 when absent. @throws bad-input for a width or quality that can't be. */
export async function renderPreview(
  frame: Frame,
  { quality = defaultQuality, ...options }: RenderOptions & { quality?: number },
): Promise<RenderedJpeg> {
  if (!Number.isInteger(quality) || quality < 1 || quality > 100)
    throw new NightflowError('bad-input', `A JPEG quality of ${quality} can't be.`, { remedy: 'Choose 1 to 100.' });
  const { data, width, height, channels } = await renderInto(takeSpare, frame, options);
  const { default: sharp } = await import('sharp');
  // sharp reads the shared pixels in place; nobody else has them. Optimised Huffman tables cost three times the CPU for 5 % of the bytes.
  const picture = sharp(new Uint8Array(data), { raw: { width, height, channels }, limitInputPixels: false });
  const jpeg = await (channels === 1 ? picture.toColourspace('b-w') : picture)
    .jpeg({ quality, optimiseCoding: false })
    .toBuffer();
  spare = data;
  throwIfAborted(options.signal);
  return { jpeg, width, height };
}

/** The pixels of the last JPEG, for the next of that size: to have new memory zeroed costs 2 ms for 1600 x 1200. */
let spare: SharedArrayBuffer | null = null;

/** Comes back only when its JPEG is made: an abandoned job may still write. */
function takeSpare(bytes: number): SharedArrayBuffer {
  const fits = spare?.byteLength === bytes ? spare : null;
  if (fits) spare = null;
  return fits ?? allocateShared(bytes);
}

/** Size of a preview: at most the frame's own, at least one pixel. */
export function previewSize(
  frame: { width: number; height: number },
  width?: number,
): { width: number; height: number } {
  if (width !== undefined && !(Number.isFinite(width) && width >= 1))
    throw new NightflowError('bad-input', `A preview ${width} pixels wide can't be.`, {
      remedy: 'Give the width in pixels, or leave it out for the full size.',
    });
  const across = Math.min(frame.width, Math.round(width ?? frame.width));
  return { width: across, height: Math.max(1, Math.round((frame.height * across) / frame.width)) };
}
