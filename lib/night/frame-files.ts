/** The files that a path, a folder or a pattern names, in the order of their names or of the times in their headers. */
import { relative } from 'node:path';
import { inTimeOrder, listPictures } from '../camera/folder-files.ts';
import { readFrameTime } from '../frame/read.ts';
import { confine } from '../process/durable.ts';
import { NightflowError, throwIfAborted } from '../process/errors.ts';

export type FileOrder = 'name' | 'time';

/**
 * @param path Absolute: a file, a folder (its pictures) or a glob pattern.
 * @param within When given, no file outside this folder is taken.
 * @throws bad-input when nothing fits or the path leads out of `within`; lost for a folder that is not there.
 */
export async function findFrameFiles(
  path: string,
  { order, within = null, signal }: { order: FileOrder; within?: string | null; signal?: AbortSignal },
): Promise<string[]> {
  if (within !== null) confineOrSelf(within, path);
  const files = (await listPictures(path)).map((file) => file.path);
  if (within !== null) for (const file of files) confine(within, relative(within, file));
  if (files.length === 0)
    throw new NightflowError('bad-input', `No picture file fits ${path}.`, {
      remedy: 'Name a file, a folder or a pattern such as /data/2026-01-12/*.fits.',
    });
  if (order === 'name' || files.length === 1) return files;
  const times = new Map<string, number | null>();
  for (const file of files) {
    throwIfAborted(signal);
    // A file that can't be read is reported when its turn comes; here it only has no time.
    const { start } = await readFrameTime(file).catch(() => ({ start: null }));
    times.set(file, start === null || Number.isNaN(Date.parse(start)) ? null : Date.parse(start));
  }
  return inTimeOrder(files, (file) => times.get(file) ?? null);
}

/** The folder itself may be named too. */
function confineOrSelf(folder: string, path: string): void {
  const inside = relative(folder, path);
  if (inside !== '') confine(folder, inside);
}
