/** Little-endian TIFF directories out: the header of our TIFF files, and the EXIF blocks of JPEG and PNG. */
import { tags } from './tags.ts';

/** Values of one tag. Rationals are given as numbers. Null and empty fields are left out. */
export type Field = readonly [tag: number, type: 'byte' | 'ascii' | 'short' | 'long' | 'rational', values: FieldValues];
type FieldValues = string | number | readonly number[] | null;

const typeNumbers = { byte: 1, ascii: 2, short: 3, long: 4, rational: 5 } as const;
const typeBytes = { byte: 1, ascii: 1, short: 2, long: 4, rational: 8 } as const;

/** The header, the first directory and its EXIF directory, of even length. */
export function buildTiff(main: readonly Field[], exif: readonly Field[]): Buffer {
  const pointer: Field[] = exif.some(isSet) ? [[tags.exifDirectory, 'long', 0]] : [];
  const first = directory([...main, ...pointer], 8);
  if (pointer.length === 0) return Buffer.concat([header, first]);
  const second = 8 + first.length;
  return Buffer.concat([
    header,
    directory([...main, [tags.exifDirectory, 'long', second]], 8),
    directory(exif, second),
  ]);
}

const header = Buffer.from([0x49, 0x49, 42, 0, 8, 0, 0, 0]);

/** Entries in order of their tags, then the values that don't fit into them. */
function directory(fields: readonly Field[], position: number): Buffer {
  const entries = fields.filter(isSet).sort((a, b) => a[0] - b[0]);
  const table = Buffer.alloc(2 + entries.length * 12 + 4);
  table.writeUInt16LE(entries.length, 0);
  const values: Buffer[] = [];
  let free = position + table.length;
  for (const [i, [tag, type, value]] of entries.entries()) {
    const bytes = encode(type, value!);
    const at = 2 + i * 12;
    table.writeUInt16LE(tag, at);
    table.writeUInt16LE(typeNumbers[type], at + 2);
    table.writeUInt32LE(bytes.length / typeBytes[type], at + 4);
    if (bytes.length <= 4) bytes.copy(table, at + 8);
    else {
      table.writeUInt32LE(free, at + 8);
      const even = bytes.length % 2 ? Buffer.concat([bytes, Buffer.alloc(1)]) : bytes;
      values.push(even);
      free += even.length;
    }
  }
  return Buffer.concat([table, ...values]);
}

const isSet = ([, , value]: Field): boolean => value !== null && value !== '';

function encode(type: Field[1], value: string | number | readonly number[]): Buffer {
  if (typeof value === 'string') return Buffer.from(`${value}\0`, 'latin1');
  const numbers = typeof value === 'number' ? [value] : value;
  const bytes = Buffer.alloc(numbers.length * typeBytes[type]);
  for (const [i, number] of numbers.entries()) {
    const at = i * typeBytes[type];
    if (type === 'byte') bytes.writeUInt8(number, at);
    else if (type === 'short') bytes.writeUInt16LE(number, at);
    else if (type === 'long') bytes.writeUInt32LE(number, at);
    else {
      const [numerator, denominator] = rational(number);
      bytes.writeUInt32LE(numerator, at);
      bytes.writeUInt32LE(denominator, at + 4);
    }
  }
  return bytes;
}

/** 1/250 as it is spoken, else microseconds; durations from 4000 s on lose digits, not size. */
function rational(value: number): [number, number] {
  const inverse = Math.round(1 / value);
  if (value < 1 && Math.abs(inverse * value - 1) < 1e-9) return [1, inverse];
  const denominator = Number.isInteger(value) ? 1 : value < 4000 ? 1_000_000 : 1000;
  return [Math.min(0xffffffff, Math.round(value * denominator)), denominator];
}
