/** A picture file open for bounded reading in a worker: nothing is believed or allocated before the length was checked. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { asNightflowError, NightflowError } from '../../process/errors.ts';
import { damagedRemedy } from '../damaged.ts';

export interface OpenFile {
  readonly path: string;
  readonly descriptor: number;
  /** Bytes. */
  readonly size: number;
}

/** Opens, runs `use`, closes. @throws lost when there is no such file, bad-input when it is empty or a folder. */
export function withFile<T>(path: string, use: (file: OpenFile) => T): T {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    throw asNightflowError(error, `${path} can't be opened`);
  }
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw new NightflowError('bad-input', `${path} is not a file.`, { remedy: 'Name a file.' });
    if (status.size === 0)
      throw new NightflowError('bad-input', `${path} is empty (0 bytes).`, { remedy: damagedRemedy });
    return use({ path, descriptor, size: status.size });
  } catch (error) {
    throw asNightflowError(error, `Reading ${path} failed`);
  } finally {
    closeSync(descriptor);
  }
}

/** As withFile, for several at once. */
export function withFiles<T>(paths: readonly string[], use: (files: readonly OpenFile[]) => T): T {
  const next = (open: readonly OpenFile[]): T =>
    open.length === paths.length ? use(open) : withFile(paths[open.length]!, (file) => next([...open, file]));
  return next([]);
}

/** Reads exactly `length` bytes at `position` of the file. @throws bad-input when the file ends before. */
export function readExactly(file: OpenFile, target: Buffer, at: number, length: number, position: number): void {
  let done = 0;
  while (done < length) {
    const got = readSync(file.descriptor, target, at + done, length - done, position + done);
    if (got === 0)
      throw new NightflowError(
        'bad-input',
        `${file.path} ends at byte ${position + done}, in the middle of its data.`,
        {
          remedy: damagedRemedy,
        },
      );
    done += got;
  }
}
