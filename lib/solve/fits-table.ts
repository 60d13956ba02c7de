/** Small FITS binary tables in memory: the star list that solve-field reads, and the pairs and odds that it writes. */
import { blockBytes, FitsHeader, isEnd, parseCards } from '../frame/fits/cards.ts';
import { formatHeader } from '../frame/fits/format.ts';
import { NightflowError } from '../process/errors.ts';

/** Larger replies than this are not read. */
export const maximumTableBytes = 64e6;

/** A file with one table of 32-bit float columns of equal length. */
export function formatTable(columns: Readonly<Record<string, readonly number[]>>): Buffer {
  const names = Object.keys(columns);
  const rows = columns[names[0]!]!.length;
  const primary = formatHeader([
    { name: 'SIMPLE', value: true },
    { name: 'BITPIX', value: 8 },
    { name: 'NAXIS', value: 0 },
    { name: 'EXTEND', value: true },
  ]);
  const header = formatHeader([
    { name: 'XTENSION', value: 'BINTABLE' },
    { name: 'BITPIX', value: 8 },
    { name: 'NAXIS', value: 2 },
    { name: 'NAXIS1', value: 4 * names.length },
    { name: 'NAXIS2', value: rows },
    { name: 'PCOUNT', value: 0 },
    { name: 'GCOUNT', value: 1 },
    { name: 'TFIELDS', value: names.length },
    ...names.flatMap((name, i) => [
      { name: `TTYPE${i + 1}`, value: name },
      { name: `TFORM${i + 1}`, value: 'E' },
    ]),
  ]);
  const length = rows * names.length * 4;
  const data = Buffer.alloc(Math.ceil(length / blockBytes) * blockBytes);
  for (let row = 0; row < rows; row++)
    for (const [i, name] of names.entries()) data.writeFloatBE(columns[name]![row]!, (row * names.length + i) * 4);
  return Buffer.concat([primary, header, data]);
}

/** Letters of TFORM: bytes of an element, and how to read one; text and arrays of bits are passed over. */
const kinds: Record<string, { bytes: number; read?: (data: Buffer, at: number) => number }> = {
  L: { bytes: 1, read: (data, at) => (data[at] === 0x54 ? 1 : 0) },
  B: { bytes: 1, read: (data, at) => data[at]! },
  A: { bytes: 1 },
  I: { bytes: 2, read: (data, at) => data.readInt16BE(at) },
  J: { bytes: 4, read: (data, at) => data.readInt32BE(at) },
  K: { bytes: 8, read: (data, at) => Number(data.readBigInt64BE(at)) },
  E: { bytes: 4, read: (data, at) => data.readFloatBE(at) },
  D: { bytes: 8, read: (data, at) => data.readDoubleBE(at) },
};

/** The first table of a file: numbers by column name (upper case), the first element where a column holds arrays. @throws bad-input */
export function parseTable(file: Buffer, name: string): Map<string, number[]> {
  const broken = () => new NightflowError('bad-input', `${name} holds no table that can be read.`);
  const primary = headerAt(file, 0);
  if (!primary) throw broken();
  const table = headerAt(file, primary.end);
  if (table?.header.text('XTENSION') !== 'BINTABLE') throw broken();
  const [rowBytes, rows, fields] = ['NAXIS1', 'NAXIS2', 'TFIELDS'].map((key) => table.header.number(key) ?? -1) as [
    number,
    number,
    number,
  ];
  if (!(rowBytes >= 0 && rows >= 0 && fields >= 0 && fields < 1000) || table.end + rowBytes * rows > file.length)
    throw broken();
  const columns = new Map<string, number[]>();
  let offset = 0;
  for (let field = 1; field <= fields; field++) {
    const form = /^(\d*)([A-Z])/.exec(table.header.text(`TFORM${field}`) ?? '');
    const kind = kinds[form?.[2] ?? ''];
    if (!form || !kind) throw broken();
    const repeat = form[1] ? Number(form[1]) : 1;
    const at = offset;
    offset += repeat * kind.bytes;
    if (offset > rowBytes) throw broken();
    const { read } = kind;
    if (!read || repeat < 1) continue;
    const values = Array.from({ length: rows }, (_, row) => read(file, table.end + row * rowBytes + at));
    columns.set((table.header.text(`TTYPE${field}`) ?? `COL${field}`).toUpperCase(), values);
  }
  return columns;
}

/** The header that begins at a byte, and where its data begins. */
export function headerAt(file: Buffer, start: number): { header: FitsHeader; end: number } | null {
  for (let block = start; block + blockBytes <= file.length; block += blockBytes)
    for (let at = block; at < block + blockBytes; at += 80)
      if (isEnd(file, at))
        return { header: new FitsHeader(parseCards(file.subarray(start, at + 80))), end: block + blockBytes };
  return null;
}
