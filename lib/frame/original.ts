/** A camera's own file in memory: read once, decoded from there, and kept beside the pixels. One that can't be decoded is not lost. */
import { open } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { allocateShared } from '../kernels/memory.ts';
import { job, sharedPool } from '../kernels/pool.ts';
import { asNightflowError, NightflowError } from '../process/errors.ts';
import { allocatePixels, Frame, type Original } from './frame.ts';
import type { Preview } from './original.job.ts';
import { readPicture } from './picture.ts';
import type { BytesInput } from './read.job.ts';
import { readFrameBytes } from './read.ts';

/** No camera writes larger ones. */
const maximumBytes = 600e6;

const previewJob = job<BytesInput, Preview>(new URL('./original.job.ts', import.meta.url), 'preview');

/** FITS and films are made by programs; of other files a camera may have made this one itself. */
export const isCameraFile = (path: string): boolean => !/\.(fits?|fts|fz|gz|ser)$/i.test(path);

/** The bytes of a file. @throws lost, bad-input for one that is empty or too large to be a picture */
export async function loadOriginal(path: string): Promise<Original> {
  const fault = (why: string) => new NightflowError('bad-input', `${basename(path)} ${why}.`);
  const file = await open(path, 'r').catch((thrown) => {
    throw asNightflowError(thrown, `${path} can't be opened`);
  });
  try {
    const { size } = await file.stat();
    if (size === 0) throw fault('is empty (0 bytes)');
    if (size > maximumBytes) throw fault(`is too large for a picture (${size} bytes)`);
    const data = allocateShared(size);
    const bytes = Buffer.from(data as unknown as ArrayBuffer);
    for (let at = 0; at < size; ) {
      const { bytesRead } = await file.read(bytes, at, size - at, at);
      if (bytesRead === 0) throw fault(`ended at byte ${at} of ${size} while it was read`);
      at += bytesRead;
    }
    return { data, extension: extensionOfFile(path) };
  } finally {
    await file.close();
  }
}

export interface Developed {
  /** With its original. */
  frame: Frame;
  /** Why the pixels are not the sensor's, and what they are instead; null when they are. */
  problem: string | null;
}

/**
 * The frame of a camera's own file. Where the file can't be decoded (a format too new, damage), its largest embedded preview stands in
 * for the sensor's pixels, or one black pixel: the exposure and its file are there all the same.
 * @throws aborted
 */
export async function developOriginal(original: Original, signal?: AbortSignal): Promise<Developed> {
  const name = `the camera's ${original.extension.slice(1).toUpperCase()} file`;
  const bytes = { name, data: original.data, byteLength: original.data.byteLength };
  try {
    return { frame: (await readFrameBytes(bytes, { signal })).with({ original }), problem: null };
  } catch (thrown) {
    const error = asNightflowError(thrown);
    if (error.code === 'aborted') throw error;
    const { fields, jpeg } = await sharedPool().run(previewJob, bytes, { signal });
    const shown = jpeg && (await preview(original, jpeg, signal));
    const instead = shown
      ? `Its preview of ${shown.width} x ${shown.height} pixels stands in for the sensor's`
      : 'One black pixel stands in for them, since it has no preview';
    const frame = (shown ?? blackPixel()).with({ ...fields, source: null, original });
    const problem = `The pixels of ${name} can't be read: ${error.message} ${instead}; the file itself is delivered and saved as the camera made it.`;
    return { frame, problem };
  }
}

/** A file as `developOriginal` has it. @param tell Gets its problem. @throws as loadOriginal; aborted */
export async function readOriginal(
  path: string,
  tell: (problem: string) => void,
  signal?: AbortSignal,
): Promise<Frame> {
  const { frame, problem } = await developOriginal(await loadOriginal(path), signal);
  if (problem) tell(problem);
  return frame;
}

/** One pixel that stands in for a file must not decide the size of a stack or a film. @throws bad-input */
export function requirePixels({ original, width, height }: Frame): void {
  if (original === null || width * height > 1) return;
  throw new NightflowError('bad-input', 'The frame has no pixels: its file could not be decoded. It is left out.', {
    remedy: 'The file itself is saved with the format original.',
  });
}

async function preview(
  { data }: Original,
  { position, length }: NonNullable<Preview['jpeg']>,
  signal?: AbortSignal,
): Promise<Frame | null> {
  try {
    const bytes = Buffer.from(data as unknown as ArrayBuffer, position, length);
    return await readPicture({ name: 'the preview', bytes }, 'jpeg', {}, signal);
  } catch (thrown) {
    if (asNightflowError(thrown).code === 'aborted') throw thrown;
    return null;
  }
}

const blackPixel = (): Frame =>
  new Frame({ data: allocatePixels(1, 1, 1, 'u8'), width: 1, height: 1, pixelType: 'u8' });

/** Of a name that says nothing: a file of unknown kind. */
function extensionOfFile(path: string): string {
  const extension = extname(path).toLowerCase();
  return /^\.[a-z0-9]{1,5}$/.test(extension) ? extension : '.raw';
}
