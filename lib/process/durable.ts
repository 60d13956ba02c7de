/** Files that reach the disk whole or not at all: temporary name, fsync, rename, fsync of the folder. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename, statfs, unlink } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { asNightflowError, NightflowError } from './errors.ts';

export type Chunk = Uint8Array;

/** Suffix of a file that is being written; left over only by a power cut, and safe to delete. */
export const partialSuffix = '.nightflow-part';

/**
 * Writes a file durably. @param produce Receives the open handle (for seeks and streams), or give the chunks themselves.
 * @throws disk-full, lost, failed: nothing of the name is left behind, an older file of that name stays as it was.
 */
export async function writeDurably(
  path: string,
  produce: readonly Chunk[] | ((handle: FileHandle) => Promise<void>),
): Promise<void> {
  const folder = dirname(path);
  const partial = `${path}.${randomBytes(4).toString('hex')}${partialSuffix}`;
  let handle: FileHandle | undefined;
  try {
    await mkdir(folder, { recursive: true });
    handle = await open(partial, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o644);
    if (typeof produce === 'function') await produce(handle);
    else for (const chunk of produce) await writeAll(handle, chunk);
    await handle.sync();
    await handle.close();
    handle = undefined;
    await rename(partial, path);
    await syncFolder(folder);
  } catch (error) {
    await handle?.close().catch(() => {});
    await unlink(partial).catch(() => {});
    throw asNightflowError(error, `Writing ${path} failed`);
  }
}

/**
 * Gives a finished file that another program wrote its name: fsync, rename, fsync of the folder. Both must be on one disk.
 * @throws disk-full, lost, failed
 */
export async function publishDurably(partial: string, path: string): Promise<void> {
  try {
    const handle = await open(partial, constants.O_RDWR);
    await handle.sync().finally(() => handle.close());
    await rename(partial, path);
    await syncFolder(dirname(path));
  } catch (error) {
    throw asNightflowError(error, `Writing ${path} failed`);
  }
}

/** Writes all bytes at the handle's position, however many calls the system needs. */
export async function writeAll(handle: FileHandle, chunk: Chunk): Promise<void> {
  let done = 0;
  while (done < chunk.byteLength) done += (await handle.write(chunk, done, chunk.byteLength - done)).bytesWritten;
}

export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Bytes a normal user may still write on the disk that holds `folder` (or its nearest existing parent). */
export async function freeBytes(folder: string): Promise<number> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    try {
      const disk = await statfs(at);
      return disk.bavail * disk.bsize;
    } catch (error) {
      if (dirname(at) === at) throw asNightflowError(error, `The free space of ${folder} can't be read`);
    }
  }
}

/** The absolute path of `name` inside `folder`. @throws bad-input when it climbs out. */
export function confine(folder: string, name: string): string {
  const root = resolve(folder);
  const path = resolve(root, name);
  const inside = relative(root, path);
  if (inside === '' || inside.startsWith('..') || isAbsolute(inside) || name.includes('\0'))
    throw new NightflowError('bad-input', `The file name "${name}" leads out of the folder ${root}.`, {
      remedy: 'Use a name without .. and without a leading slash.',
    });
  return path;
}
