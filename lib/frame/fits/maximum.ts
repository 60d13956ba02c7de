/** The running maximum of FITS files: a memory of its own holds the accumulator beside the block that is read. Runs in a worker. */
import { Scratch, scratch } from '../../kernels/wasm.ts';
import { fixedMemory, wasmPageBytes } from '../../kernels/wasm-memory.ts';
import { NightflowError } from '../../process/errors.ts';
import { allocatePixels, bytesPerSample, Frame, type FrameFields, type FrameInit } from '../frame.ts';
import { emptySummary, summarise, summaryHeader } from '../stack-summary.ts';
import { decodeImage } from './decode.ts';
import { type OpenFile, withFiles } from './file.ts';
import { findImage, frameHeader, type OpenImage, openImage } from './image.ts';

type Header = Omit<FrameInit, 'data'>;

export class FitsMaximum {
  private accumulator: Accumulator | null = null;
  private summary = emptySummary();

  /** Reads more files. @throws as foldFits; the picture is spoiled when a file fails in the middle of its data. */
  add(paths: readonly string[]): void {
    for (let at = 0; at < paths.length; at += abreast)
      withFiles(paths.slice(at, at + abreast), (files) => this.fold(files));
  }

  /** The picture so far. @throws bad-input without a file. */
  result(): FrameFields {
    if (this.accumulator === null)
      throw new NightflowError('bad-input', 'There is no file to fold.', { remedy: 'Name one or more.' });
    const { shape } = this.accumulator;
    return { ...new Frame({ ...summaryHeader(this.summary, 'max'), ...shape, data: this.accumulator.pixels() }) };
  }

  private fold(files: readonly OpenFile[]): void {
    const raws: OpenImage[] = [];
    for (const file of files) {
      const hdu = findImage(file);
      const image = openImage(file, hdu);
      const decoded = isUnsigned16(image)
        ? { pixelType: 'u16' as const, precisionLost: false, maximum: null }
        : decodeImage(image.raw, image.source, scratch());
      const header = frameHeader(file, hdu, image, decoded);
      this.accumulator ??= new Accumulator(header);
      this.accumulator.check(header, file);
      if ('data' in decoded) this.accumulator.addPixels(decoded.data);
      else raws.push(image);
      this.summary = summarise(this.summary, { ...defaults, ...header } as Frame);
    }
    for (const flip of [false, true]) {
      const same = raws.filter(({ raw }) => raw.flip === flip);
      if (same.length > 0) this.accumulator!.addRaw(same);
    }
  }
}

/** The fields that a header which doesn't say leaves as a Frame has them. */
const { data: _none, ...defaults } = new Frame({
  data: allocatePixels(1, 1, 1, 'u16'),
  width: 1,
  height: 1,
  pixelType: 'u16',
});

const isUnsigned16 = ({ raw }: OpenImage) =>
  raw.bitpix === 16 && raw.zero === 32768 && raw.scale === 1 && raw.blank === null;

/** Files that are read side by side, and the bytes of each at once: together they stay in the second-level cache. */
const abreast = 4;
const foldBlock = 384 * 1024;

class Accumulator {
  readonly shape: Pick<FrameInit, 'width' | 'height' | 'channels' | 'bayer' | 'pixelType'>;
  private readonly memory: Scratch;
  private readonly accumulator: number;
  private readonly blocks: readonly number[];
  private readonly bytes: number;
  private readonly rowBytes: number;
  private readonly blockBytes: number;

  constructor({ width, height, channels, bayer, pixelType }: Header) {
    this.shape = { width, height, channels, bayer, pixelType };
    this.rowBytes = width * bytesPerSample[pixelType];
    this.bytes = this.rowBytes * height * (channels ?? 1);
    this.blockBytes = Math.max(this.rowBytes, foldBlock);
    this.memory = new Scratch(fixedMemory(this.bytes + abreast * (this.blockBytes + 256) + 2 * wasmPageBytes));
    this.accumulator = this.memory.take(this.bytes);
    this.blocks = Array.from({ length: abreast }, () => this.memory.take(this.blockBytes));
    // What any sample raises.
    if (pixelType === 'f32') this.memory.f32(this.accumulator, this.bytes / 4).fill(-Infinity);
    if (pixelType === 'u16') this.memory.u16(this.accumulator, this.bytes / 2).fill(0x8000);
  }

  check(header: Header, { path }: OpenFile): void {
    for (const name of ['width', 'height', 'channels', 'bayer', 'pixelType'] as const)
      if (header[name] !== this.shape[name])
        throw new NightflowError(
          'bad-input',
          `${path} does not fit to the files before it: its ${name} is ${header[name]}, not ${this.shape[name]}.`,
          { remedy: 'Fold files of one camera and one setting.' },
        );
  }

  /** Up to four big-endian 16-bit images of one row order, swapped and compared in one pass over the blocks just read. */
  addRaw(images: readonly OpenImage[]): void {
    const { bytes } = this.memory;
    const { height, planes, flip } = images[0]!.raw;
    const read = (at: number, length: number) => {
      for (const [i, { source }] of images.entries()) source(bytes, this.blocks[i]!, length, at);
    };
    if (!flip) {
      for (let at = 0; at < this.bytes; at += foldBlock) {
        const length = Math.min(foldBlock, this.bytes - at);
        read(at, length);
        this.foldBlocks(images.length, this.accumulator + at, 0, length);
      }
      return;
    }
    const rowsAtOnce = Math.max(1, Math.min(height, Math.floor(foldBlock / this.rowBytes)));
    for (let row = 0; row < height * planes; ) {
      const y = row % height;
      const rows = Math.min(rowsAtOnce, height - y);
      read(row * this.rowBytes, rows * this.rowBytes);
      for (let i = 0; i < rows; i++) {
        const mirrored = this.accumulator + (row - y + height - 1 - y - i) * this.rowBytes;
        this.foldBlocks(images.length, mirrored, i * this.rowBytes, this.rowBytes);
      }
      row += rows;
    }
  }

  /** Two and three are four with the first again. */
  private foldBlocks(count: number, accumulator: number, offset: number, length: number): void {
    const { kernels } = this.memory;
    const [a, b, c, d] = this.blocks.map((block, i) => (i < count ? block : this.blocks[0]!) + offset);
    if (count === 1) kernels.fitsMaxI16!(accumulator, a!, length / 2);
    else kernels.fitsMax4I16!(accumulator, a!, b!, c!, d!, length / 2);
  }

  addPixels(data: SharedArrayBuffer): void {
    const { bytes, kernels } = this.memory;
    const block = this.blocks[0]!;
    const samples = Buffer.from(data as unknown as ArrayBuffer);
    for (let at = 0; at < this.bytes; at += this.blockBytes) {
      const length = samples.copy(bytes, block, at, Math.min(at + this.blockBytes, this.bytes));
      if (this.shape.pixelType === 'u8') kernels.maxU8!(this.accumulator + at, block, length);
      else if (this.shape.pixelType === 'f32') kernels.maxF32!(this.accumulator + at, block, length / 4);
      else {
        // Back to the file's form, which the accumulator is kept for.
        kernels.fitsU16!(block, block, length / 2, 0x0080);
        kernels.fitsMaxI16!(this.accumulator + at, block, length / 2);
      }
    }
  }

  /** The pixels so far; NaN where no file had a value. */
  pixels(): SharedArrayBuffer {
    const { width, height, channels, pixelType } = this.shape;
    const { bytes, kernels } = this.memory;
    const block = this.blocks[0]!;
    const data = allocatePixels(width, height, channels ?? 1, pixelType);
    const samples = Buffer.from(data as unknown as ArrayBuffer);
    for (let at = 0; at < this.bytes; at += this.blockBytes) {
      const length = Math.min(this.blockBytes, this.bytes - at);
      bytes.copyWithin(block, this.accumulator + at, this.accumulator + at + length);
      if (pixelType === 'f32') kernels.infinityToNaN!(block, block, length / 4);
      if (pixelType === 'u16') {
        // Swapped and swapped back: what remains is the turned sign.
        kernels.fitsU16!(block, block, length / 2, 0);
        kernels.fitsU16!(block, block, length / 2, 0x8000);
      }
      bytes.copy(samples, at, block, block + length);
    }
    return data;
  }
}
