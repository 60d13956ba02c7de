/** The worker's side of reading FITS. */
import type { FrameFields } from '../frame.ts';
import { withBytes, withFile } from './file.ts';
import { type FitsHdu, walkHdus } from './hdus.ts';
import { readImage } from './image.ts';

export interface ReadInput {
  path: string;
  hdu?: number;
  spare?: SharedArrayBuffer;
}

/** Without `data` where the pixels went into the spare memory, which the caller has. */
export function read({ path, hdu, spare }: ReadInput): FrameFields | Omit<FrameFields, 'data'> {
  const fields = withFile(path, (file) => readImage(file, hdu, spare));
  if (fields.data !== spare) return fields;
  const { data: _spare, ...header } = fields;
  return header;
}

export interface ReadBytesInput {
  name: string;
  data: SharedArrayBuffer;
  byteLength: number;
}

export const readBytes = ({ name, data, byteLength }: ReadBytesInput): FrameFields =>
  withBytes(name, Buffer.from(data, 0, byteLength), (file) => readImage(file));

export const headers = ({ path }: { path: string }): FitsHdu[] => withFile(path, (file) => [...walkHdus(file)]);
