/** A folder in memory (/dev/shm) for pictures on their way from a program to us: no SD card is touched. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freeBytes } from '../process/durable.ts';
import { NightflowError } from '../process/errors.ts';

/** Linux's file system in memory; half of the RAM may be used. */
const memoryFolder = '/dev/shm';
const prefix = 'nightflow-camera-';

/**
 * Makes a folder and takes away those that a killed Node-RED left behind.
 * @param bytes What will be in it at most. @throws disk-full
 */
export async function makeRamFolder(bytes: number): Promise<string> {
  const root = await freeBytes(memoryFolder).then(
    () => memoryFolder,
    () => tmpdir(),
  );
  await sweep(root);
  const free = await freeBytes(root);
  if (free < bytes)
    throw new NightflowError(
      'disk-full',
      `${root} has ${megabytes(free)} MB free, and the camera’s frames need ${megabytes(bytes)} MB.`,
      { remedy: `Remove what fills ${root}, or choose a smaller mode of the camera.` },
    );
  return mkdtemp(join(root, `${prefix}${process.pid}-`));
}

export const removeRamFolder = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true });

const megabytes = (bytes: number): number => Math.round(bytes / 1e6);

async function sweep(root: string): Promise<void> {
  for (const name of await readdir(root).catch(() => [])) {
    const owner = /^nightflow-camera-(\d+)-/.exec(name);
    if (owner && !lives(Number(owner[1]))) await removeRamFolder(join(root, name)).catch(() => {});
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's is alive too.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
