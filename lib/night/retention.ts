/** Deletes nights older than the last N: only files that the keeper wrote, only in folders named like a night, never through a link. */
import { lstat, readdir, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { partialSuffix } from '../process/durable.ts';
import { NightflowError } from '../process/errors.ts';

export const nightFolderPattern = /^\d{4}-\d{2}-\d{2}$/;
const keptPattern =
  /^(?:light|dark|flat|bias)_(?:\d{8}T[\d.]+Z|no-time)(?:_[\d.e+-]+s)?_([0-9a-f]{8})_(\d{6,})\.(\w+(?:\.fz)?)$/;

/** What the name of a kept frame says; null for any other file. */
export function keptFileName(name: string): { run: string; n: number } | null {
  const match = keptPattern.exec(name);
  return match && { run: match[1]!, n: Number(match[2]) };
}

/**
 * Keeps the newest `nights` folders that hold frames and deletes the frames of the others, and a folder that is empty then.
 * Whatever a person put there stays. @returns the nights whose frames were deleted, oldest first.
 */
export async function deleteOldNights(root: string, nights: number): Promise<string[]> {
  if (!(Number.isInteger(nights) && nights >= 1))
    throw new NightflowError('bad-input', `The number of nights to keep, ${nights}, is not a whole number above 0.`);
  const found: { night: string; files: string[] }[] = [];
  for (const night of (await readdir(root).catch(() => [])).filter((name) => nightFolderPattern.test(name)).sort()) {
    const folder = join(root, night);
    if (!(await lstat(folder)).isDirectory()) continue;
    const files = (await readdir(folder, { withFileTypes: true })).filter(
      (entry) => entry.isFile() && isOurs(entry.name),
    );
    if (files.length > 0) found.push({ night, files: files.map(({ name }) => name) });
  }
  const old = found.slice(0, Math.max(0, found.length - nights));
  for (const { night, files } of old) {
    for (const file of files) await unlink(join(root, night, file)).catch(ignoreAbsent);
    await rmdir(join(root, night)).catch(() => {});
  }
  return old.map(({ night }) => night);
}

/** A kept frame, or the remains of one that a power cut left half written. */
const isOurs = (name: string): boolean =>
  keptFileName(name) !== null ||
  (name.endsWith(partialSuffix) &&
    keptFileName(name.slice(0, -partialSuffix.length).replace(/\.[0-9a-f]{8}$/, '')) !== null);

function ignoreAbsent(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
