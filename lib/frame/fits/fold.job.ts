/** The worker's side of folding FITS files. */
import type { FrameFields } from '../frame.ts';
import { FitsMaximum } from './maximum.ts';

export function foldMaximum({ paths }: { paths: readonly string[] }): FrameFields {
  const maximum = new FitsMaximum();
  maximum.add(paths);
  return maximum.result();
}
