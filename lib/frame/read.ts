/** Any picture file in: what it is, its first bytes and tags say, not its name. */
import { job, sharedPool } from '../kernels/pool.ts';
import { NightflowError } from '../process/errors.ts';
import { type ReadFitsOptions, readFits, readFitsBytes } from './fits/read.ts';
import { Frame, type FrameFields } from './frame.ts';
import { readPicture } from './picture.ts';
import type { LibRawInput } from './raw/libraw.job.ts';
import type { BytesInput, FirstLook, HeaderTime } from './read.job.ts';
import { readSer } from './ser.ts';

const module = new URL('./read.job.ts', import.meta.url);
const lookJob = job<{ path: string }, FirstLook>(module, 'look');
const lookBytesJob = job<BytesInput, FirstLook>(module, 'lookBytes');
const timeJob = job<{ path: string }, HeaderTime>(module, 'time');
/** LibRaw is left broken by what it throws. */
const rawJob = job<LibRawInput, FrameFields>(new URL('./raw/libraw.job.ts', import.meta.url), 'decode', {
  discardWorkerOnError: true,
});

/**
 * Reads FITS (plain and tile-compressed), DNG and other RAW files (the mosaic untouched), TIFF, JPEG, PNG, and the first
 * frame of a SER. Levels, colour and times come from the file's tags; docs/files.md says which.
 * @param options.spare Memory that a plain FITS picture may use again, as for readFits.
 * @throws bad-input for damage, a header without its picture, or what is no picture; unsupported; lost; aborted.
 */
export async function readFrame(path: string, { spare, signal }: Omit<ReadFitsOptions, 'hdu'> = {}): Promise<Frame> {
  const found = await sharedPool().run(lookJob, { path }, { signal });
  switch (found.kind) {
    case 'frame':
      return new Frame(found.fields);
    case 'fits':
      return readFits(path, { spare, signal });
    case 'libraw':
      return new Frame(await sharedPool().run(rawJob, { path, known: found.known, area: found.area }, { signal }));
    case 'picture':
      return readPicture(path, found.format, found.known, signal);
    case 'ser':
      return readSer(path, { signal });
  }
}

/**
 * A picture file that is in memory already. The bytes are read only; the Frame has memory of its own, and no source.
 * @param bytes As for readFitsBytes. @throws as readFrame; unsupported for a SER, which is a film.
 */
export async function readFrameBytes(bytes: BytesInput, { signal }: { signal?: AbortSignal } = {}): Promise<Frame> {
  const { name, data, byteLength } = bytes;
  const found = await sharedPool().run(lookBytesJob, bytes, { signal });
  switch (found.kind) {
    case 'frame':
      return new Frame({ ...found.fields, source: null });
    case 'fits':
      return readFitsBytes(bytes, { signal });
    case 'libraw': {
      const input = { path: name, bytes: data, byteLength, known: found.known, area: found.area };
      return new Frame({ ...(await sharedPool().run(rawJob, input, { signal })), source: null });
    }
    case 'picture': {
      const file = { name, bytes: Buffer.from(data as unknown as ArrayBuffer, 0, byteLength) };
      return (await readPicture(file, found.format, found.known, signal)).with({ source: null });
    }
    case 'ser':
      throw new NightflowError('unsupported', `${name} is a film (SER), which is read from a disk.`);
  }
}

/** When and how long the file's exposure was, from its header alone. Null for what it doesn't say. @throws as readFrame. */
export function readFrameTime(path: string, { signal }: { signal?: AbortSignal } = {}): Promise<HeaderTime> {
  return sharedPool().run(timeJob, { path }, { signal });
}
