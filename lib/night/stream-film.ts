/** A film that a driver recorded on this computer: read back, mended where a crash cut it off, and brought to its place in the archive. */
import { constants, copyFile, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { realClock } from '../clock/clock.ts';
import { readSerFilm, type SerFilm } from '../frame/ser.ts';
import { parseSerHeader, serFrameBytes, serHeaderBytes } from '../frame/ser-header.ts';
import { partialSuffix, publishDurably, syncFolder } from '../process/durable.ts';
import { asNightflowError, NightflowError } from '../process/errors.ts';

/** Offset of the frame count in the header. */
const countAt = 38;

/**
 * Frames of a film whose recorder crashed are counted from its length and the count is put into its header; their stamps, which are
 * written last, are gone. @returns whether it had to be mended @throws bad-input for what is no SER; lost; failed
 */
export async function mendFilm(path: string): Promise<boolean> {
  const handle = await open(path, 'r+').catch((error) => {
    throw asNightflowError(error, `${path} can't be opened`);
  });
  try {
    const { size } = await handle.stat();
    const bytes = Buffer.alloc(serHeaderBytes);
    const { bytesRead } = await handle.read(bytes, 0, serHeaderBytes, 0);
    const header = parseSerHeader(bytes.subarray(0, bytesRead), path);
    if (header.frames > 0) return false;
    const each = serFrameBytes(header);
    const frames = Math.floor((size - serHeaderBytes) / each);
    if (frames < 1) throw new NightflowError('bad-input', `${path} holds no whole picture.`);
    await handle.truncate(serHeaderBytes + frames * each);
    bytes.writeInt32LE(frames, countAt);
    await handle.write(bytes, countAt, 4, countAt);
    await handle.sync();
    return true;
  } finally {
    await handle.close();
  }
}

export interface BroughtFilm {
  /** Where it is now. */
  path: string;
  film: SerFilm;
  /** It had been cut off. */
  mended: boolean;
  /** The driver's own could not be removed after it was copied. */
  leftBehind: string | null;
}

export interface BringOptions {
  /** The driver ended it properly: a count that is not there yet is still being written. */
  closed: boolean;
}

/** Between two looks at a film that is being closed, and how many. */
const closingMilliseconds = 200;
const closingLooks = 50;

/** @param path Of the archive; nothing may be there. @throws bad-input, lost, disk-full, failed: then the film is where the driver put it */
export async function bringFilm(from: string, path: string, { closed }: BringOptions): Promise<BroughtFilm> {
  if (closed) await closing(from);
  const mended = await mendFilm(from).catch((thrown) => {
    // Another user's file can be read and copied all the same.
    if (isForbidden(thrown)) return false;
    throw thrown;
  });
  const film = await readSerFilm(from);
  let leftBehind: string | null = null;
  try {
    await mkdir(dirname(path), { recursive: true });
    const moved = await moveDurably(from, path);
    if (!moved) {
      const partial = `${path}${partialSuffix}`;
      await copyFile(from, partial, constants.COPYFILE_FICLONE);
      await publishDurably(partial, path);
      await unlink(from).catch(() => {
        leftBehind = from;
      });
    }
  } catch (error) {
    throw asNightflowError(error, `Bringing ${from} into the archive failed`);
  }
  return { path, film, mended, leftBehind };
}

async function closing(path: string): Promise<void> {
  for (let look = 0; look < closingLooks && (await readSerFilm(path)).frames === 0; look++)
    await realClock.sleep(closingMilliseconds);
}

/** @returns false where it lies on another disk, or belongs to another user */
async function moveDurably(from: string, path: string): Promise<boolean> {
  try {
    const handle = await open(from, 'r');
    await handle.sync().finally(() => handle.close());
    await rename(from, path);
  } catch (error) {
    if (['EXDEV', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
  await syncFolder(dirname(path));
  return true;
}

const isForbidden = (thrown: unknown): boolean =>
  ['EACCES', 'EPERM'].includes(
    ((thrown as { cause?: NodeJS.ErrnoException }).cause?.code ?? (thrown as NodeJS.ErrnoException).code) || '',
  );
