/** A picture file, or one that came over the network, open for bounded reading in a worker: nothing is believed or allocated before the length was checked. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { asNightflowError, NightflowError } from '../../process/errors.ts';
import { damagedRemedy } from '../damaged.ts';

export interface OpenFile {
  readonly path: string;
  /** Of a file; or the bytes themselves. */
  readonly source: number | Buffer;
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
    return use({ path, source: descriptor, size: status.size });
  } catch (error) {
    throw asNightflowError(error, `Reading ${path} failed`);
  } finally {
    closeSync(descriptor);
  }
}

/** As withFile, for a file that is in memory. @param name What errors call it. */
export function withBytes<T>(name: string, bytes: Buffer, use: (file: OpenFile) => T): T {
  if (bytes.length === 0) throw new NightflowError('bad-input', `${name} is empty (0 bytes).`);
  try {
    return use({ path: name, source: bytes, size: bytes.length });
  } catch (error) {
    throw asNightflowError(error, `Reading ${name} failed`);
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
  const { source } = file;
  let done = 0;
  while (done < length) {
    const got =
      typeof source === 'number'
        ? readSync(source, target, at + done, length - done, position + done)
        : source.copy(target, at + done, position + done, position + length);
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
