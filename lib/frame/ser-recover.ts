/** Finishes a SER film that a crash or a power cut left in the middle. */
import { open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { partialSuffix, syncFolder } from '../process/durable.ts';
import { asNightflowError } from '../process/errors.ts';
import { parseSerHeader, serFrameBytes, serHeaderBytes } from './ser-header.ts';
import { timesPath } from './ser-writer.ts';

/**
 * Finishes a film that a crash left under its partial name: whole pictures counted from the length, times from beside it.
 * @returns how many pictures it saved; null when nothing was left of that name. @throws failed, disk-full.
 */
export async function recoverSer(path: string): Promise<{ path: string; frames: number } | null> {
  const folder = dirname(path);
  const names = await readdir(folder).catch((): string[] => []);
  const lead = `${basename(path)}.`;
  const left = names.find(
    (name) => name.startsWith(lead) && name.endsWith(partialSuffix) && join(folder, name) !== timesPath(path),
  );
  if (left === undefined || names.includes(basename(path))) return null;
  const partial = join(folder, left);
  const handle = await open(partial, 'r+').catch((error) => {
    throw asNightflowError(error, `${partial} can't be opened`);
  });
  let frames = 0;
  try {
    const { size } = await handle.stat();
    const bytes = Buffer.alloc(serHeaderBytes);
    const { bytesRead } = await handle.read(bytes, 0, serHeaderBytes, 0);
    const header = parseSerHeader(bytes.subarray(0, bytesRead), partial);
    const each = serFrameBytes(header);
    const ticks = await readFile(timesPath(path)).catch(() => Buffer.alloc(0));
    // A picture whose time was written is whole; without times the length alone counts.
    const there = Math.floor((size - serHeaderBytes) / each);
    frames = ticks.length >= 8 ? Math.min(there, Math.floor(ticks.length / 8)) : there;
    if (frames < 1) return null;
    await handle.truncate(serHeaderBytes + frames * each);
    if (ticks.length >= 8) {
      const end = serHeaderBytes + frames * each;
      await handle.write(ticks, 0, frames * 8, end);
      ticks.copy(bytes, 170, 0, 8);
      ticks.copy(bytes, 162, 0, 8);
    }
    bytes.writeInt32LE(frames, 38);
    await handle.write(bytes, 0, serHeaderBytes, 0);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(partial, path);
  await syncFolder(folder);
  await unlink(timesPath(path)).catch(() => {});
  return { path, frames };
}
