/** The worker's side of an encoded frame: the FITS file as it would be on the disk, in memory, and its SHA-256. */
import { createHash } from 'node:crypto';
import { fitsEncoding } from '../../frame/fits/encode.ts';
import type { FrameFields } from '../../frame/frame.ts';
import { allocateShared } from '../../kernels/memory.ts';

export interface EncodedFits {
  data: SharedArrayBuffer;
  /** 64 hexadecimal digits. */
  sha256: string;
}

export function encode(frame: FrameFields): EncodedFits {
  const encoding = fitsEncoding(frame);
  const data = allocateShared(encoding.length);
  const file = Buffer.from(data as unknown as ArrayBuffer);
  encoding.encode((bytes, at, length, position) => bytes.copy(file, position, at, at + length));
  return { data, sha256: createHash('sha256').update(file).digest('hex') };
}

/** The SHA-256 of a file in memory, 64 hexadecimal digits. */
export const sum = (data: SharedArrayBuffer): string =>
  createHash('sha256')
    .update(Buffer.from(data as unknown as ArrayBuffer))
    .digest('hex');
