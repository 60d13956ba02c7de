/** Tile-compressed pictures (FITS Standard 4.0, 10): the tiles unpacked into the raw big-endian image they were made from. */
import { gunzipSync } from 'node:zlib';
import { type Scratch, scratch } from '../../kernels/wasm.ts';
import { NightflowError } from '../../process/errors.ts';
import type { FitsHeader } from './cards.ts';
import type { OpenFile } from './file.ts';
import type { FitsHdu } from './hdus.ts';
import { TileTable } from './table.ts';

interface Compression {
  type: string;
  bitpix: number;
  rice: { bytePix: number; blockSize: number };
  /** Of floats that were stored as integers: 0 without dithering, 1, 2; null when they are stored as they are. */
  dither: 0 | 1 | 2 | null;
  ditherStart: number;
}

/** gzip can't shrink more than 1032-fold, Rice not more than that with the largest block. */
const maximumExpansion = 1100;
const maximumBlock = 256;
/** Rice reads at most 12 bytes a sample of a block beyond the data's end. */
const riceSlack = maximumBlock * 12 + 64;

/** @throws bad-input for damaged tiles, unsupported for PLIO_1, HCOMPRESS_1 and what may come. */
export function readTiles(file: OpenFile, hdu: FitsHdu, header: FitsHeader): Buffer {
  const compression = compressionOf(file, hdu, header);
  const table = new TileTable(file, hdu, header);
  const [width, height, planes = 1] = hdu.axes as [number, number, number?];
  const [tileWidth, tileHeight, tilePlanes] = [width, 1, 1].map((otherwise, i) =>
    Math.min(header.number(`ZTILE${i + 1}`) ?? otherwise, [width, height, planes][i]!),
  ) as [number, number, number];
  if (![tileWidth, tileHeight, tilePlanes].every((size) => Number.isInteger(size) && size > 0))
    throw table.damaged('its tiles have no size');
  const across = Math.ceil(width / tileWidth);
  const down = Math.ceil(height / tileHeight);
  if (across * down * Math.ceil(planes / tilePlanes) !== table.rows)
    throw table.damaged(`a picture of ${hdu.axes.join(' x ')} samples does not have ${table.rows} tiles`);
  const sampleBytes = Math.abs(hdu.bitpix) / 8;
  const bytes = width * height * planes * sampleBytes;
  if (bytes > table.heapBytes * maximumExpansion)
    throw table.damaged(`${table.heapBytes} bytes can't hold ${hdu.axes.join(' x ')} samples`);

  const image = Buffer.alloc(bytes);
  const unpacker = new TileUnpacker(table, compression, tileWidth * tileHeight * tilePlanes);
  for (let tile = 0; tile < table.rows; tile++) {
    const x = (tile % across) * tileWidth;
    const y = (Math.floor(tile / across) % down) * tileHeight;
    const z = Math.floor(tile / (across * down)) * tilePlanes;
    const [w, h, d] = [
      Math.min(tileWidth, width - x),
      Math.min(tileHeight, height - y),
      Math.min(tilePlanes, planes - z),
    ];
    const samples = unpacker.unpack(tile, w * h * d);
    for (let plane = 0; plane < d; plane++)
      for (let row = 0; row < h; row++) {
        const from = (plane * h + row) * w * sampleBytes;
        samples.copy(image, (((z + plane) * height + y + row) * width + x) * sampleBytes, from, from + w * sampleBytes);
      }
  }
  return image;
}

function compressionOf(file: OpenFile, hdu: FitsHdu, header: FitsHeader): Compression {
  const type = header.text('ZCMPTYPE')?.toUpperCase() ?? '';
  if (!['RICE_1', 'RICE_ONE', 'GZIP_1', 'GZIP_2', 'NOCOMPRESS'].includes(type))
    throw new NightflowError('unsupported', `${file.path} is compressed by ${type || 'an unnamed method'}.`, {
      remedy: 'Unpack it with funpack first, or compress with RICE_1.',
    });
  const parameter = (name: string, otherwise: number) => {
    for (let i = 1; header.has(`ZNAME${i}`); i++)
      if (header.text(`ZNAME${i}`)?.toUpperCase() === name) return header.number(`ZVAL${i}`) ?? otherwise;
    return otherwise;
  };
  const rice = { bytePix: parameter('BYTEPIX', 4), blockSize: parameter('BLOCKSIZE', 32) };
  if (![1, 2, 4].includes(rice.bytePix) || !(rice.blockSize >= 1 && rice.blockSize <= maximumBlock))
    throw new NightflowError(
      'unsupported',
      `${file.path} has Rice blocks of ${rice.blockSize} x ${rice.bytePix} bytes.`,
    );
  const method = header.text('ZQUANTIZ')?.toUpperCase() ?? 'NO_DITHER';
  const dither = method === 'SUBTRACTIVE_DITHER_1' ? 1 : method === 'SUBTRACTIVE_DITHER_2' ? 2 : 0;
  return {
    type,
    bitpix: hdu.bitpix,
    rice,
    dither: hdu.bitpix < 0 ? dither : null,
    ditherStart: header.number('ZDITHER0') ?? 1,
  };
}

class TileUnpacker {
  private readonly table: TileTable;
  private readonly compression: Compression;
  private readonly scratch: Scratch;
  private readonly input: number;
  private readonly integers: number;
  private readonly output: number;
  private readonly random: number;
  private readonly inputBytes: number;

  constructor(table: TileTable, compression: Compression, largestTile: number) {
    this.table = table;
    this.compression = compression;
    this.scratch = scratch();
    // Rice never takes much more than the samples themselves; more than that is damage.
    this.inputBytes = largestTile * 5 + 4096;
    this.input = this.scratch.take(this.inputBytes + riceSlack);
    this.integers = this.scratch.take(largestTile * 4);
    this.output = this.scratch.take(largestTile * 8);
    this.random = this.scratch.take(randomCount * 4);
    if (compression.dither) this.scratch.f32(this.random, randomCount).set(randomTable());
  }

  /** Big-endian samples of BITPIX; valid until the next call. */
  unpack(tile: number, count: number): Buffer {
    const { type, bitpix } = this.compression;
    const packed = this.table.bytes('COMPRESSED_DATA', tile);
    if (packed && type.startsWith('RICE')) {
      this.rice(packed, count, tile);
      return this.fromIntegers(tile, count);
    }
    if (packed && type.startsWith('GZIP')) {
      const bytes = this.gunzip(packed, count, tile, type === 'GZIP_2');
      if (bitpix > 0 || this.table.number('ZSCALE', tile) === null) return this.sized(bytes, count, tile);
      if (bytes.length !== count * 4) throw this.table.damaged(`tile ${tile + 1} has the wrong length`);
      bytes.copy(this.scratch.bytes, this.integers);
      this.scratch.kernels.fitsPutI32!(this.integers, this.integers, count, 4);
      return this.fromIntegers(tile, count);
    }
    const fallback = this.table.bytes('GZIP_COMPRESSED_DATA', tile);
    if (fallback) return this.sized(this.gunzip(fallback, count, tile, false), count, tile);
    const plain = this.table.bytes('UNCOMPRESSED_DATA', tile);
    if (plain) return this.sized(plain, count, tile);
    throw this.table.damaged(`tile ${tile + 1} is missing`);
  }

  private rice(packed: Buffer, count: number, tile: number): void {
    const { bytePix, blockSize } = this.compression.rice;
    if (packed.length > this.inputBytes) throw this.table.damaged(`tile ${tile + 1} is too long`);
    packed.copy(this.scratch.bytes, this.input);
    const { kernels } = this.scratch;
    if (!kernels.riceDecode!(this.integers, this.input, packed.length, count, blockSize, bytePix))
      throw this.table.damaged(`tile ${tile + 1} can't be unpacked`);
  }

  private fromIntegers(tile: number, count: number): Buffer {
    const { bitpix, dither, ditherStart } = this.compression;
    const { kernels, bytes } = this.scratch;
    if (dither === null) kernels.fitsPutI32!(this.output, this.integers, count, bitpix / 8);
    else {
      const own = (name: string) => this.table.number(name, tile);
      const row = (((tile + ditherStart - 1) % randomCount) + randomCount) % randomCount;
      const [scale, zero, blank] = [own('ZSCALE') ?? 1, own('ZZERO') ?? 0, own('ZBLANK') ?? noValue];
      const wide = bitpix === -64 ? 1 : 0;
      const table: [number, number, number] = [this.random, randomCount, row];
      kernels.fitsUnquantise!(this.output, this.integers, count, wide, scale, zero, blank, dither, ...table);
    }
    return bytes.subarray(this.output, this.output + (count * Math.abs(bitpix)) / 8);
  }

  private gunzip(packed: Buffer, count: number, tile: number, shuffled: boolean): Buffer {
    let bytes: Buffer;
    try {
      bytes = gunzipSync(packed, { maxOutputLength: count * 8 });
    } catch {
      throw this.table.damaged(`tile ${tile + 1} can't be unpacked`);
    }
    return shuffled ? unshuffle(bytes, count) : bytes;
  }

  private sized(bytes: Buffer, count: number, tile: number): Buffer {
    if (bytes.length === (count * Math.abs(this.compression.bitpix)) / 8) return bytes;
    throw this.table.damaged(`tile ${tile + 1} has the wrong length`);
  }
}

/** GZIP_2 stores the most significant bytes of all samples first, then the next ones. */
function unshuffle(bytes: Buffer, count: number): Buffer {
  const size = bytes.length / count;
  const samples = Buffer.allocUnsafe(bytes.length);
  for (let byte = 0; byte < size; byte++)
    for (let i = 0; i < count; i++) samples[i * size + byte] = bytes[byte * count + i]!;
  return samples;
}

/** What packing programs store for a pixel without a value when ZBLANK is not given (cfitsio's NULL_VALUE). */
const noValue = -2147483647;

const randomCount = 10_000;
let randomCache: Float32Array | null = null;

/** The table of FITS Standard appendix I: Park and Miller's minimal generator from seed 1. */
function randomTable(): Float32Array {
  if (randomCache) return randomCache;
  const table = new Float32Array(randomCount);
  let seed = 1;
  for (let i = 0; i < randomCount; i++) {
    seed = (16807 * seed) % 2147483647;
    table[i] = seed / 2147483647;
  }
  randomCache = table;
  return table;
}
