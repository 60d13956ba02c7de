/** Frames out to FITS files that verify: whole or not at all, with checksums. Runs in a worker. */
import { job, sharedPool } from '../../kernels/pool.ts';
import type { FrameFields } from '../frame.ts';

const writeJob = job<{ frame: FrameFields; path: string }, { bytes: number }>(
  new URL('./write.job.ts', import.meta.url),
  'write',
);

/**
 * Writes 8 bit, unsigned 16 bit (BZERO 32768) or 32-bit float samples, ROWORDER 'TOP-DOWN', Bayer with BAYERPAT, RGB as three
 * planes, with all the frame knows and the keywords it came with. Durable: the name appears when the file is on the disk.
 * @returns the file's length in bytes. @throws disk-full, lost, failed; aborted (an abort while it is written ends the wait only).
 */
export function writeFits(
  frame: FrameFields,
  path: string,
  { signal }: { signal?: AbortSignal } = {},
): Promise<{ bytes: number }> {
  return sharedPool().run(writeJob, { frame: { ...frame, original: null }, path }, { signal });
}
