/** Frames as the bytes that go to a client or into the spool: a FITS file made in memory, never on a disk. */
import type { Frame, FrameFields } from '../../frame/frame.ts';
import { job, sharedPool } from '../../kernels/pool.ts';
import type { EncodedFits } from './encode.job.ts';

export interface EncodedFrame {
  /** The whole file, in shared memory. */
  bytes: Buffer;
  sha256: string;
  extension: '.fits';
  contentType: 'application/fits';
  /** ISO 8601 UTC, as the frame's. */
  start: string | null;
}

const encodeJob = job<FrameFields, EncodedFits>(new URL('./encode.job.ts', import.meta.url), 'encode');

/** The RAW mosaic untouched, with everything the frame knows, as writeFits would write it. @throws bad-input, aborted */
export async function encodeFrame(frame: Frame, signal?: AbortSignal): Promise<EncodedFrame> {
  const { data, sha256 } = await sharedPool().run(encodeJob, { ...frame }, { signal });
  const bytes = Buffer.from(data as unknown as ArrayBuffer);
  return { bytes, sha256, extension: '.fits', contentType: 'application/fits', start: frame.start };
}
