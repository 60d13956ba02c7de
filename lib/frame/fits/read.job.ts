/** The worker's side of reading FITS. */
import type { FrameFields } from '../frame.ts';
import { withFile } from './file.ts';
import { type FitsHdu, walkHdus } from './hdus.ts';
import { readImage } from './image.ts';

export const read = ({ path, hdu }: { path: string; hdu?: number }): FrameFields =>
  withFile(path, (file) => readImage(file, hdu));

export const headers = ({ path }: { path: string }): FitsHdu[] => withFile(path, (file) => [...walkHdus(file)]);
