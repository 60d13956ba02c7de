/** Bytes of a file, or of a block inside one, that can only be read within their bounds. */
import { NightflowError } from '../../process/errors.ts';
import { damagedRemedy } from '../damaged.ts';
import { type OpenFile, readExactly } from '../fits/file.ts';

export interface ByteSource {
  /** The file's path, for messages. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Exactly `length` bytes. @throws bad-input when they are not all inside. */
  read(position: number, length: number): Buffer;
}

export function fileSource(file: OpenFile): ByteSource {
  return bounded(file.path, file.size, (position, length) => {
    const target = Buffer.allocUnsafe(length);
    readExactly(file, target, 0, length, position);
    return target;
  });
}

export function bufferSource(name: string, bytes: Buffer): ByteSource {
  return bounded(name, bytes.length, (position, length) => bytes.subarray(position, position + length));
}

/** A part of a source with positions of its own. @throws bad-input when the part is not inside. */
export function partOf(source: ByteSource, start: number, size: number): ByteSource {
  requireInside(source.name, source.size, start, size);
  return bounded(source.name, size, (position, length) => source.read(start + position, length));
}

function bounded(name: string, size: number, read: (position: number, length: number) => Buffer): ByteSource {
  return {
    name,
    size,
    read(position, length) {
      requireInside(name, size, position, length);
      return read(position, length);
    },
  };
}

function requireInside(name: string, size: number, position: number, length: number): void {
  if (!(position >= 0 && length >= 0 && position + length <= size))
    throw new NightflowError(
      'bad-input',
      `${name} points at bytes ${position} to ${position + length}, but ends at byte ${size}.`,
      { remedy: damagedRemedy },
    );
}
