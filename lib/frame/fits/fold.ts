/** The brightest-pixel picture of many FITS files, read and folded in one pass: no Frame is made of any of them. */
import { job, sharedPool } from '../../kernels/pool.ts';
import { Frame, type FrameFields } from '../frame.ts';

const foldJob = job<{ paths: readonly string[] }, FrameFields>(
  new URL('./fold.job.ts', import.meta.url),
  'foldMaximum',
);

/**
 * The maximum of each pixel over the files, as FrameStack's `max` without hot-pixel removal makes it: for calibrated files.
 * @throws bad-input when the list is empty, or a file differs from the first in size, Bayer pattern or sample type; as readFits.
 */
export async function foldFits(paths: readonly string[], { signal }: { signal?: AbortSignal } = {}): Promise<Frame> {
  return new Frame(await sharedPool().run(foldJob, { paths }, { signal }));
}
