/** FITS files in: pictures become Frames, headers can be had alone. All of it runs in a worker. */
import { job, sharedPool } from '../../kernels/pool.ts';
import { NightflowError } from '../../process/errors.ts';
import { Frame, type FrameFields } from '../frame.ts';
import type { FitsHdu } from './hdus.ts';
import type { ReadBytesInput, ReadInput } from './read.job.ts';

export type { FitsHdu } from './hdus.ts';

export interface ReadFitsOptions {
  /** Which header-data unit, 0 for the primary; without it the first that holds a picture. */
  hdu?: number;
  /**
   * Pixels of a frame that nobody will look at again, this loop's last one for instance: where they are of the right size
   * the new frame lies there, which saves half of the time.
   */
  spare?: SharedArrayBuffer;
  signal?: AbortSignal;
}

const module = new URL('./read.job.ts', import.meta.url);
const readJob = job<ReadInput, FrameFields | Omit<FrameFields, 'data'>>(module, 'read');
const readBytesJob = job<ReadBytesInput, FrameFields>(module, 'readBytes');
const headersJob = job<{ path: string }, FitsHdu[]>(module, 'headers');

/**
 * Reads a picture: plain or tile-compressed (`.fits.fz`: RICE_1, GZIP_1, GZIP_2), mono, Bayer, or three planes of RGB.
 * Row 0 of the Frame is the top: files without ROWORDER = 'TOP-DOWN' are turned, with their Bayer pattern and WCS.
 * 8-bit samples become u8; 16-bit ones u16 where they fit; all others f32, with `precisionLost` for 32 and 64 bit integers
 * and 64-bit floats; BLANK becomes NaN.
 * @throws bad-input for what is no FITS, cut off, lying or without a picture; unsupported for other compressions; lost; aborted.
 */
export async function readFits(path: string, { hdu, spare, signal }: ReadFitsOptions = {}): Promise<Frame> {
  const read = await sharedPool().run(readJob, { path, hdu, spare }, { signal });
  return new Frame('data' in read ? read : { ...read, data: spare! });
}

/**
 * A picture that is in memory already, as a camera on the network sends it. The bytes are read only; the Frame has memory of its own.
 * @param bytes `name`: what errors call it; `byteLength`: how many of `data` belong to the file.
 * @throws as readFits
 */
export async function readFitsBytes(
  bytes: { name: string; data: SharedArrayBuffer; byteLength: number },
  { signal }: { signal?: AbortSignal } = {},
): Promise<Frame> {
  if (!(bytes.byteLength >= 0 && bytes.byteLength <= bytes.data.byteLength))
    throw new NightflowError('bad-input', `${bytes.name} has ${bytes.data.byteLength} bytes, not ${bytes.byteLength}.`);
  return new Frame({ ...(await sharedPool().run(readBytesJob, bytes, { signal })), source: null });
}

/** The headers of all units, their data unread. @throws as readFits, but a file cut off in its data is only marked. */
export function readFitsHeaders(path: string, { signal }: { signal?: AbortSignal } = {}): Promise<FitsHdu[]> {
  return sharedPool().run(headersJob, { path }, { signal });
}
