/** Frames as the bytes that go to a client or into the spool, made in memory, never on a disk: the camera's own file, or FITS. */
import type { Frame, FrameFields, Original } from '../../frame/frame.ts';
import { isCameraFile, loadOriginal } from '../../frame/original.ts';
import { job, sharedPool } from '../../kernels/pool.ts';
import { asNightflowError } from '../../process/errors.ts';
import type { EncodedFits } from './encode.job.ts';
import { type ApplianceFormat, contentTypeOf, noOriginal } from './format.ts';

export interface EncodedFrame {
  /** The whole file, in shared memory. */
  bytes: Buffer;
  sha256: string;
  /** With its dot. */
  extension: string;
  contentType: string;
  /** ISO 8601 UTC, as the frame's. */
  start: string | null;
}

const module = new URL('./encode.job.ts', import.meta.url);
const encodeJob = job<FrameFields, EncodedFits>(module, 'encode');
const sumJob = job<SharedArrayBuffer, string>(module, 'sum');

/**
 * As `original` the file that the camera made, byte for byte; as `fits` the RAW mosaic untouched, with everything the frame knows, as
 * writeFits would write it. @throws unsupported for an original that there is not, lost for one that is gone; bad-input, aborted
 */
export async function encodeFrame(
  frame: Frame,
  { format = 'auto', signal }: { format?: ApplianceFormat; signal?: AbortSignal } = {},
): Promise<EncodedFrame> {
  const original = format === 'fits' ? null : await originalOf(frame, format);
  const extension = original?.extension ?? '.fits';
  const { data, sha256 } = original
    ? { data: original.data, sha256: await sharedPool().run(sumJob, original.data, { signal }) }
    : await sharedPool().run(encodeJob, { ...frame.withoutOriginal }, { signal });
  const bytes = Buffer.from(data as unknown as ArrayBuffer);
  return { bytes, sha256, extension, contentType: contentTypeOf(extension), start: frame.start };
}

/** Of a camera that is a folder: the picture that another program put there. */
async function originalOf(frame: Frame, format: 'auto' | 'original'): Promise<Original | null> {
  if (frame.original) return frame.original;
  if (frame.source !== null && isCameraFile(frame.source))
    return loadOriginal(frame.source).catch((thrown) => {
      if (format === 'auto') return null;
      throw asNightflowError(thrown);
    });
  if (format === 'auto') return null;
  throw noOriginal('The camera sent this frame without a file of its own.');
}
