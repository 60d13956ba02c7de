/** The picture files of a folder or a glob pattern, and the order in which they were taken. */
import { glob, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { partialSuffix } from '../process/durable.ts';
import { asNightflowError, NightflowError } from '../process/errors.ts';

export interface PictureFile {
  path: string;
  bytes: number;
  modifiedMilliseconds: number;
}

/** Extensions that are read from a folder; a pattern takes whatever it matches. */
const pictureExtension = /\.(fits?|fts|fz|dng|arw|cr2|cr3|nef|tiff?|jpe?g|png|ser)$/i;
const patternSign = /[*?[\]{}]/;

/** More files than this in one folder are not believed. */
const maximumFiles = 1_000_000;

/** The pictures that are there now, in natural order of their names. @throws lost when the folder is gone; bad-input for a path that is a file of no use */
export async function listPictures(path: string): Promise<PictureFile[]> {
  const names = patternSign.test(path) && !(await exists(path)) ? await matching(path) : await inFolder(path);
  const files: PictureFile[] = [];
  for (const name of names) {
    if (name.endsWith(partialSuffix) || basename(name).startsWith('.')) continue;
    // A file that went away since the listing is simply not there.
    const status = await stat(name).catch(() => null);
    if (status?.isFile()) files.push({ path: name, bytes: status.size, modifiedMilliseconds: status.mtimeMs });
  }
  return files.sort((a, b) => naturalOrder(a.path, b.path));
}

/** IMG_9 before IMG_10. */
const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
export const naturalOrder = (a: string, b: string): number => collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);

/**
 * Files in the order of their times. One without a time stays behind the file that its name follows, so a folder without any
 * keeps the order of its names. @param files In natural order. @param timeOf UTC ms, or null.
 */
export function inTimeOrder<File>(files: readonly File[], timeOf: (file: File) => number | null): File[] {
  let last = Number.NEGATIVE_INFINITY;
  const timed = files.map((file) => {
    last = timeOf(file) ?? last;
    return { file, time: last };
  });
  return timed.sort((a, b) => (a.time === b.time ? 0 : a.time - b.time)).map(({ file }) => file);
}

async function inFolder(path: string): Promise<string[]> {
  const folder = resolve(path);
  try {
    const names = await readdir(folder);
    return bounded(
      names.filter((name) => pictureExtension.test(name)).map((name) => join(folder, name)),
      path,
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return [folder];
    throw asNightflowError(error, `The folder ${path} can't be read`);
  }
}

async function matching(pattern: string): Promise<string[]> {
  const fixed = fixedPart(pattern);
  if (!(await exists(fixed)))
    throw new NightflowError('lost', `The folder ${fixed} of the pattern ${pattern} is not there.`, {
      remedy: 'Check the path, and that its disk is connected.',
    });
  const names: string[] = [];
  for await (const name of glob(pattern)) {
    names.push(resolve(name));
    bounded(names, pattern);
  }
  return names;
}

/** The folder of a pattern before its first sign. */
function fixedPart(pattern: string): string {
  let folder = resolve(pattern);
  while (patternSign.test(folder) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

function bounded(names: string[], path: string): string[] {
  if (names.length <= maximumFiles) return names;
  throw new NightflowError('bad-input', `${path} names more than ${maximumFiles} files.`);
}
