/**
 * The directories (IFDs) of a TIFF file and of all that is built like one: DNG, NEF, ARW, CR2, ORF, RW2, EXIF blocks.
 * Every count and offset is checked against the file's length before it is used; loops and floods of directories are refused.
 */
import { NightflowError } from '../../process/errors.ts';
import { damagedRemedy } from '../damaged.ts';
import type { ByteSource } from './source.ts';
import { tags } from './tags.ts';

export interface Tiff {
  readonly source: ByteSource;
  readonly littleEndian: boolean;
  /** All that may hold a picture: the chain from the first directory, each followed by its SubIFDs. Never empty. */
  readonly directories: readonly TiffDirectory[];
  readonly exif: TiffDirectory | null;
  readonly gps: TiffDirectory | null;
}

const maximumDirectories = 64;
const maximumEntries = 4096;
/** Values of one tag: the offsets of a thousand Mpx in small tiles. */
const maximumValues = 1 << 20;
/** Bytes per value of the types 1 to 13 of TIFF 6.0 and its supplement. */
const typeBytes = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4];

/** 42 of TIFF; ORF says 'RO' or 'RS', RW2 says 0x55. */
const magics = new Set([42, 0x4f52, 0x5352, 0x55]);

interface Entry {
  type: number;
  count: number;
  /** Where its values stand, from the start of the source. */
  position: number;
}

/** @throws bad-input for what is no TIFF, points outside the file, runs in a loop or has absurdly many directories. */
export function readTiff(source: ByteSource): Tiff {
  const head = source.read(0, Math.min(8, source.size));
  const order = head.toString('latin1', 0, 2);
  const littleEndian = order === 'II';
  if (head.length < 8 || (!littleEndian && order !== 'MM') || !magics.has(unsigned(head, 2, 2, littleEndian)))
    throw new NightflowError('bad-input', `${source.name} is no TIFF file: it doesn't begin like one.`, {
      remedy: damagedRemedy,
    });

  const seen = new Set<number>();
  const open = (position: number): TiffDirectory => {
    if (seen.has(position)) throw damaged(source, `its directories run in a loop (at byte ${position})`);
    if (seen.size >= maximumDirectories) throw damaged(source, `it has more than ${maximumDirectories} directories`);
    seen.add(position);
    return new TiffDirectory(source, littleEndian, position);
  };

  const directories: TiffDirectory[] = [];
  for (let at = unsigned(head, 4, 4, littleEndian); at !== 0; ) {
    const directory = open(at);
    directories.push(directory);
    for (const child of directory.numbers(tags.subDirectories) ?? []) directories.push(open(child));
    at = directory.next;
  }
  if (directories.length === 0) throw damaged(source, 'it has no directory');
  // A damaged EXIF or GPS directory costs its facts, not the picture.
  const pointed = (tag: number): TiffDirectory | null => {
    try {
      const position = directories.find((directory) => directory.has(tag))?.number(tag);
      return position ? open(position) : null;
    } catch {
      return null;
    }
  };
  return { source, littleEndian, directories, exif: pointed(tags.exifDirectory), gps: pointed(tags.gpsDirectory) };
}

export class TiffDirectory {
  /** Position of the next directory of the chain, 0 for none. */
  readonly next: number;
  private readonly entries = new Map<number, Entry>();
  private readonly source: ByteSource;
  private readonly littleEndian: boolean;

  constructor(source: ByteSource, littleEndian: boolean, position: number) {
    this.source = source;
    this.littleEndian = littleEndian;
    const count = unsigned(source.read(position, 2), 0, 2, littleEndian);
    if (count === 0 || count > maximumEntries)
      throw damaged(source, `its directory at byte ${position} claims ${count} entries`);
    const table = source.read(position + 2, count * 12);
    for (let at = 0; at < table.length; at += 12) {
      const type = unsigned(table, at + 2, 2, littleEndian);
      const values = unsigned(table, at + 4, 4, littleEndian);
      const inside = (typeBytes[type] ?? 0) * values <= 4;
      this.entries.set(unsigned(table, at, 2, littleEndian), {
        type,
        count: values,
        position: inside ? position + 2 + at + 8 : unsigned(table, at + 8, 4, littleEndian),
      });
    }
    const after = position + 2 + count * 12;
    // Some writers leave the last pointer out when the directory ends the file.
    this.next = after + 4 <= source.size ? unsigned(source.read(after, 4), 0, 4, littleEndian) : 0;
  }

  has(tag: number): boolean {
    return this.entries.has(tag);
  }

  /** The values of a tag, rationals as quotients (0/0 is NaN); null when it is absent. @throws bad-input when they lie outside the file. */
  numbers(tag: number): number[] | null {
    const entry = this.entries.get(tag);
    if (!entry) return null;
    const bytes = this.valueBytes(tag, entry);
    const size = typeBytes[entry.type]!;
    return Array.from({ length: entry.count }, (_, i) => valueAt(bytes, i * size, entry.type, this.littleEndian));
  }

  /** The first value of a tag, or null. */
  number(tag: number): number | null {
    return this.numbers(tag)?.[0] ?? null;
  }

  /** The text of a tag up to its first NUL, trimmed; null when absent or empty. */
  text(tag: number): string | null {
    const entry = this.entries.get(tag);
    if (!entry || (entry.type !== 2 && entry.type !== 7 && entry.type !== 1)) return null;
    const text = this.valueBytes(tag, entry).toString('utf8').split('\0', 1)[0]!.trim();
    return text === '' ? null : text;
  }

  /** The bytes of a tag as they stand; null when it is absent. */
  bytes(tag: number): Buffer | null {
    const entry = this.entries.get(tag);
    return entry ? this.valueBytes(tag, entry) : null;
  }

  private valueBytes(tag: number, { type, count, position }: Entry): Buffer {
    const size = typeBytes[type] ?? 0;
    if (size === 0) throw damaged(this.source, `its tag ${tag} has the unknown type ${type}`);
    if (count > maximumValues) throw damaged(this.source, `its tag ${tag} claims ${count} values`);
    if (position + count * size > this.source.size)
      throw damaged(this.source, `its tag ${tag} points at byte ${position}, behind the end of the file`);
    return this.source.read(position, count * size);
  }
}

function valueAt(bytes: Buffer, at: number, type: number, littleEndian: boolean): number {
  const integer = (size: number, offset = 0) => unsigned(bytes, at + offset, size, littleEndian);
  switch (type) {
    case 1:
    case 2:
    case 7:
      return bytes[at]!;
    case 6:
      return bytes.readInt8(at);
    case 3:
      return integer(2);
    case 8:
      return (integer(2) << 16) >> 16;
    case 5:
      return integer(4) / integer(4, 4);
    case 9:
      return integer(4) | 0;
    case 10:
      return (integer(4) | 0) / (integer(4, 4) | 0);
    case 11:
      return littleEndian ? bytes.readFloatLE(at) : bytes.readFloatBE(at);
    case 12:
      return littleEndian ? bytes.readDoubleLE(at) : bytes.readDoubleBE(at);
    default:
      return integer(4);
  }
}

function unsigned(bytes: Buffer, at: number, size: 2 | 4 | number, littleEndian: boolean): number {
  return littleEndian ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size);
}

const damaged = (source: ByteSource, why: string): NightflowError =>
  new NightflowError('bad-input', `${source.name} can't be read as TIFF: ${why}.`, { remedy: damagedRemedy });
