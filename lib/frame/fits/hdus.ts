/** The header-data units of a FITS file: their headers and where their data lie, bounded by the file's length. */
import { NightflowError } from '../../process/errors.ts';
import { damagedRemedy } from '../damaged.ts';
import type { Keyword } from '../frame.ts';
import { blockBytes, cardBytes, FitsHeader, isEnd, parseCards } from './cards.ts';
import { type OpenFile, readExactly } from './file.ts';

/** One header-data unit as others see it. `axes` are those of the picture, also of a tile-compressed one. */
export interface FitsHdu {
  /** 0 is the primary. */
  index: number;
  /** 'PRIMARY', or XTENSION: 'IMAGE', 'BINTABLE', 'TABLE', … */
  type: string;
  /** EXTNAME, or null. */
  name: string | null;
  /** NAXIS1, NAXIS2, … */
  axes: number[];
  /** Bits per sample of the picture, negative for floats. */
  bitpix: number;
  /** A picture that is stored as a compressed table (`.fits.fz`). */
  compressed: boolean;
  /** Byte offset and declared length of the data in the file. */
  dataOffset: number;
  dataBytes: number;
  /** The file ends before its data do. */
  truncated: boolean;
  keywords: readonly Keyword[];
}

/** Longest header that is read: 100,000 cards. */
const maximumHeaderBytes = 8_000_000;

/** All units, one after the other, each read when asked for. @throws bad-input for what is no FITS or has a broken header. */
export function* walkHdus(file: OpenFile): Generator<FitsHdu> {
  let offset = 0;
  for (let index = 0; offset < file.size; index++) {
    const read = readHeader(file, offset, index);
    if (read === null) return;
    const hdu = describe(file, read.header, index, offset + read.bytes);
    yield hdu;
    offset = hdu.dataOffset + Math.ceil(hdu.dataBytes / blockBytes) * blockBytes;
  }
}

/** Null when no unit begins here (standard-breaking bytes after the last one are passed over). */
function readHeader(file: OpenFile, offset: number, index: number): { header: FitsHeader; bytes: number } | null {
  const first = index === 0 ? 'SIMPLE' : 'XTENSION';
  let bytes = Buffer.alloc(0);
  for (;;) {
    const at = bytes.length;
    // The first step is small, as most headers are; later ones double.
    const want = Math.min(Math.max(at, 4 * blockBytes), file.size - offset - at, maximumHeaderBytes - at);
    const whole = want - (want % cardBytes);
    if (at === 0) {
      const head = Buffer.alloc(Math.min(want, 9));
      readExactly(file, head, 0, head.length, offset);
      if (!head.toString('latin1').toUpperCase().startsWith(first)) {
        if (index > 0) return null;
        throw notFits(file, head);
      }
    }
    if (whole <= 0) throw withoutEnd(file, index);
    const grown = Buffer.alloc(at + whole);
    bytes.copy(grown);
    readExactly(file, grown, at, whole, offset + at);
    bytes = grown;
    for (let card = at; card < bytes.length; card += cardBytes) {
      if (isEnd(bytes, card)) {
        const header = new FitsHeader(parseCards(bytes.subarray(0, card)));
        return { header, bytes: Math.ceil((card + cardBytes) / blockBytes) * blockBytes };
      }
      // Pixels instead of cards: END is missing. (Text after the name may hold whatever a program wrote.)
      for (let i = card; i < card + 8; i++) if (bytes[i]! < 0x20 || bytes[i] === 0x7f) throw withoutEnd(file, index);
    }
  }
}

function describe(file: OpenFile, header: FitsHeader, index: number, dataOffset: number): FitsHdu {
  const type = index === 0 ? 'PRIMARY' : (header.text('XTENSION') ?? '').toUpperCase();
  const own = readAxes(file, header, 'NAXIS', index);
  const bitpix = readBitpix(file, header, 'BITPIX', index);
  const counted = (name: string, otherwise: number) => {
    const value = header.number(name) ?? otherwise;
    if (!Number.isSafeInteger(value) || value < 0) throw lying(file, index, `${name} = ${header.value(name)}`);
    return value;
  };
  const parameters = type === 'PRIMARY' ? 0 : counted('PCOUNT', 0);
  const groups = type === 'PRIMARY' ? 1 : counted('GCOUNT', 1);
  const samples = own.length === 0 ? 0 : own.reduce((product, axis) => product * axis, 1);
  const dataBytes = (Math.abs(bitpix) / 8) * groups * (parameters + samples);
  if (!Number.isSafeInteger(dataBytes)) throw lying(file, index, `a size of ${own.join(' x ')} samples`);
  const compressed = type === 'BINTABLE' && header.value('ZIMAGE') === true;
  return {
    index,
    type,
    name: header.text('EXTNAME'),
    axes: compressed ? readAxes(file, header, 'ZNAXIS', index) : own,
    bitpix: compressed ? readBitpix(file, header, 'ZBITPIX', index) : bitpix,
    compressed,
    dataOffset,
    dataBytes,
    truncated: dataOffset + dataBytes > file.size,
    keywords: header.keywords,
  };
}

function readAxes(file: OpenFile, header: FitsHeader, name: string, index: number): number[] {
  const count = header.number(name);
  if (count === null || !Number.isInteger(count) || count < 0 || count > 999)
    throw lying(file, index, count === null ? `no ${name}` : `${name} = ${count}`);
  return Array.from({ length: count }, (_, i) => {
    const axis = header.number(`${name}${i + 1}`);
    if (axis === null || !Number.isSafeInteger(axis) || axis < 0)
      throw lying(file, index, axis === null ? `no ${name}${i + 1}` : `${name}${i + 1} = ${axis}`);
    return axis;
  });
}

function readBitpix(file: OpenFile, header: FitsHeader, name: string, index: number): number {
  const bitpix = header.number(name);
  if (bitpix === null || ![8, 16, 32, 64, -32, -64].includes(bitpix))
    throw lying(file, index, `${name} = ${header.value(name)} (8, 16, 32, 64, -32 and -64 exist)`);
  return bitpix;
}

function lying(file: OpenFile, index: number, what: string): NightflowError {
  return new NightflowError('bad-input', `The header of ${place(file, index)} can't be right: it has ${what}.`, {
    remedy: damagedRemedy,
  });
}

function withoutEnd(file: OpenFile, index: number): NightflowError {
  return new NightflowError('bad-input', `The header of ${place(file, index)} has no END.`, { remedy: damagedRemedy });
}

const place = (file: OpenFile, index: number) => (index === 0 ? file.path : `${file.path}, unit ${index},`);

function notFits(file: OpenFile, head: Buffer): NightflowError {
  const gzip = head[0] === 0x1f && head[1] === 0x8b;
  return new NightflowError(
    'bad-input',
    gzip ? `${file.path} is compressed with gzip.` : `${file.path} is not a FITS file: it does not begin with SIMPLE.`,
    { remedy: gzip ? 'Unpack it with gunzip first.' : 'Check that it is the file you meant.' },
  );
}
