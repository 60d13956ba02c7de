/** The binary table behind a tile-compressed picture: one row a tile, its columns and the heap, all within the file's bounds. */
import { NightflowError } from '../../process/errors.ts';
import { damagedRemedy } from '../damaged.ts';
import type { FitsHeader } from './cards.ts';
import { type OpenFile, readExactly } from './file.ts';
import type { FitsHdu } from './hdus.ts';

/** Letters of TFORM: bytes an element takes in the row. P and Q are descriptors of arrays in the heap. */
const elementBytes: Record<string, number> = {
  ...{ L: 1, X: 1 / 8, B: 1, I: 2, J: 4, K: 8, A: 1, E: 4, D: 8, C: 8, M: 16, P: 8, Q: 16 },
};

interface Column {
  offset: number;
  code: string;
  /** Element type of the arrays in the heap. */
  arrayCode: string;
}

export class TileTable {
  readonly rows: number;
  private readonly rowBytes: number;
  private readonly cells: Buffer;
  private readonly heap: Buffer;
  private readonly columns = new Map<string, Column>();
  private readonly path: string;

  /** @throws bad-input when sizes contradict each other; `hdu.truncated` must have been ruled out. */
  constructor(file: OpenFile, hdu: FitsHdu, header: FitsHeader) {
    this.path = file.path;
    this.rowBytes = header.number('NAXIS1') ?? 0;
    this.rows = header.number('NAXIS2') ?? 0;
    const tableBytes = this.rowBytes * this.rows;
    const heapOffset = header.number('THEAP') ?? tableBytes;
    if (tableBytes > hdu.dataBytes || heapOffset < tableBytes || heapOffset > hdu.dataBytes)
      throw this.damaged('its table is larger than its data');
    this.cells = Buffer.allocUnsafe(tableBytes);
    readExactly(file, this.cells, 0, tableBytes, hdu.dataOffset);
    this.heap = Buffer.allocUnsafe(hdu.dataBytes - heapOffset);
    readExactly(file, this.heap, 0, this.heap.length, hdu.dataOffset + heapOffset);
    this.readColumns(header);
  }

  get heapBytes(): number {
    return this.heap.length;
  }

  has(column: string): boolean {
    return this.columns.has(column);
  }

  /** The number in a cell; null without such a column. */
  number(name: string, row: number): number | null {
    const column = this.columns.get(name);
    if (!column) return null;
    const at = row * this.rowBytes + column.offset;
    if (column.code === 'D') return this.cells.readDoubleBE(at);
    if (column.code === 'E') return this.cells.readFloatBE(at);
    if (column.code === 'J') return this.cells.readInt32BE(at);
    if (column.code === 'I') return this.cells.readInt16BE(at);
    if (column.code === 'K') return Number(this.cells.readBigInt64BE(at));
    if (column.code === 'B') return this.cells[at]!;
    throw this.damaged(`its column ${name} is of type ${column.code}`);
  }

  /** The bytes that a cell's descriptor points to; null without such a column or for an empty array. */
  bytes(name: string, row: number): Buffer | null {
    const column = this.columns.get(name);
    if (!column) return null;
    const at = row * this.rowBytes + column.offset;
    const wide = column.code === 'Q';
    if (!wide && column.code !== 'P') throw this.damaged(`its column ${name} is of type ${column.code}`);
    const count = wide ? Number(this.cells.readBigInt64BE(at)) : this.cells.readInt32BE(at);
    const offset = wide ? Number(this.cells.readBigInt64BE(at + 8)) : this.cells.readInt32BE(at + 4);
    const length = count * (elementBytes[column.arrayCode] ?? 1);
    if (count === 0) return null;
    if (count < 0 || offset < 0 || offset + length > this.heap.length)
      throw this.damaged(`tile ${row + 1} lies outside of the data`);
    return this.heap.subarray(offset, offset + length);
  }

  damaged(what: string): NightflowError {
    return new NightflowError('bad-input', `${this.path} is damaged: ${what}.`, { remedy: damagedRemedy });
  }

  private readColumns(header: FitsHeader): void {
    const fields = header.number('TFIELDS') ?? 0;
    let offset = 0;
    for (let field = 1; field <= Math.min(fields, 999); field++) {
      const form = /^(\d*)([A-Z])([A-Z]?)/.exec(header.text(`TFORM${field}`) ?? '');
      const size = form ? elementBytes[form[2]!] : undefined;
      if (!form || size === undefined) throw this.damaged(`column ${field} has no type`);
      const name = (header.text(`TTYPE${field}`) ?? '').toUpperCase();
      this.columns.set(name, { offset, code: form[2]!, arrayCode: form[3]! });
      offset += Math.ceil(Number(form[1] || 1) * size);
      if (offset > this.rowBytes) throw this.damaged('its columns are wider than its rows');
    }
  }
}
