/** Writes FITS files of hand-made cards, as other programs spell them, with a few pixels behind. */
import { writeFileSync } from 'node:fs';

/** Cards of a picture of width x height 16-bit samples. */
export const imageCards = (width = 4, height = 2, bitpix = 16): string[] => [
  'SIMPLE  =                    T',
  `BITPIX  = ${String(bitpix).padStart(20)}`,
  'NAXIS   =                    2',
  `NAXIS1  = ${String(width).padStart(20)}`,
  `NAXIS2  = ${String(height).padStart(20)}`,
];

/** @param data Bytes behind the header; padded to whole blocks. */
export function writeCards(path: string, cards: readonly string[], data: Buffer = Buffer.alloc(16)): string {
  const text = [...cards, 'END'].map((card) => card.padEnd(80)).join('');
  const header = Buffer.alloc(Math.ceil(text.length / 2880) * 2880, ' ');
  header.write(text, 'latin1');
  writeFileSync(path, Buffer.concat([header, data, Buffer.alloc((2880 - (data.length % 2880)) % 2880)]));
  return path;
}

/** 16-bit samples, big-endian, row after row. */
export function samples16(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, i) => {
    bytes.writeInt16BE(value, 2 * i);
  });
  return bytes;
}
