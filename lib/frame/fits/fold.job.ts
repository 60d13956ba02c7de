/** The worker's side of folding FITS files. */
import type { FrameFields } from '../frame.ts';
import { FitsMaximum } from './maximum.ts';

/** One file after the other into one accumulator. */
export function foldMaximum({ paths }: { paths: readonly string[] }): FrameFields {
  const maximum = new FitsMaximum();
  for (const path of paths) maximum.add(path);
  return maximum.result();
}
