/** The running maximum of FITS files: a memory of its own holds the accumulator beside the block that is read. Runs in a worker. */
import { Scratch, scratch } from '../../kernels/wasm.ts';
import { fixedMemory, wasmPageBytes } from '../../kernels/wasm-memory.ts';
import { NightflowError } from '../../process/errors.ts';
import { allocatePixels, bytesPerSample, Frame, type FrameFields, type FrameInit } from '../frame.ts';
import { emptySummary, summarise, summaryHeader } from '../stack-summary.ts';
import { decodeImage } from './decode.ts';
import { type OpenFile, withFile } from './file.ts';
import { findImage, frameHeader, type OpenImage, openImage } from './image.ts';

type Header = Omit<FrameInit, 'data'>;

export class FitsMaximum {
  private accumulator: Accumulator | null = null;
  private summary = emptySummary();

  /** Reads one more file. @throws as foldFits; what was added before stays. */
  add(path: string): void {
    const header = withFile(path, (file) => this.fold(file));
    this.summary = summarise(this.summary, { ...defaults, ...header } as Frame);
  }

  /** The picture so far. @throws bad-input without a file. */
  result(): FrameFields {
    if (this.accumulator === null)
      throw new NightflowError('bad-input', 'There is no file to fold.', { remedy: 'Name one or more.' });
    const { shape } = this.accumulator;
    return { ...new Frame({ ...summaryHeader(this.summary, 'max'), ...shape, data: this.accumulator.pixels() }) };
  }

  private fold(file: OpenFile): Header {
    const hdu = findImage(file);
    const image = openImage(file, hdu);
    const decoded = isUnsigned16(image)
      ? { pixelType: 'u16' as const, precisionLost: false, maximum: null }
      : decodeImage(image.raw, image.source, scratch());
    const header = frameHeader(file, hdu, image, decoded);
    this.accumulator ??= new Accumulator(header);
    this.accumulator.check(header, file);
    if ('data' in decoded) this.accumulator.addPixels(decoded.data);
    else this.accumulator.addRaw(image);
    return header;
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

/** Bytes read at once; larger blocks than decoding's, as they are passed over only once (measured). */
const foldBlock = 2 ** 20;

class Accumulator {
  readonly shape: Pick<FrameInit, 'width' | 'height' | 'channels' | 'bayer' | 'pixelType'>;
  private readonly memory: Scratch;
  private readonly accumulator: number;
  private readonly block: number;
  private readonly bytes: number;
  private readonly rowBytes: number;
  private readonly blockBytes: number;

  constructor({ width, height, channels, bayer, pixelType }: Header) {
    this.shape = { width, height, channels, bayer, pixelType };
    this.rowBytes = width * bytesPerSample[pixelType];
    this.bytes = this.rowBytes * height * (channels ?? 1);
    this.blockBytes = Math.max(this.rowBytes, foldBlock);
    this.memory = new Scratch(fixedMemory(this.bytes + this.blockBytes + 2 * wasmPageBytes));
    this.accumulator = this.memory.take(this.bytes);
    this.block = this.memory.take(this.blockBytes);
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

  /** Big-endian 16 bit, swapped and compared in one pass over the block that was just read. */
  addRaw({ raw, source }: OpenImage): void {
    const { bytes, kernels } = this.memory;
    if (!raw.flip) {
      for (let at = 0; at < this.bytes; at += foldBlock) {
        const length = Math.min(foldBlock, this.bytes - at);
        source(bytes, this.block, length, at);
        kernels.fitsMaxI16!(this.accumulator + at, this.block, length / 2);
      }
      return;
    }
    const rowsAtOnce = Math.max(1, Math.min(raw.height, Math.floor(foldBlock / this.rowBytes)));
    for (let row = 0; row < raw.height * raw.planes; ) {
      const y = row % raw.height;
      const rows = Math.min(rowsAtOnce, raw.height - y);
      source(bytes, this.block, rows * this.rowBytes, row * this.rowBytes);
      for (let i = 0; i < rows; i++) {
        const mirrored = this.accumulator + (row - y + raw.height - 1 - y - i) * this.rowBytes;
        kernels.fitsMaxI16!(mirrored, this.block + i * this.rowBytes, raw.width);
      }
      row += rows;
    }
  }

  addPixels(data: SharedArrayBuffer): void {
    const { bytes, kernels } = this.memory;
    const samples = Buffer.from(data as unknown as ArrayBuffer);
    for (let at = 0; at < this.bytes; at += this.blockBytes) {
      const length = samples.copy(bytes, this.block, at, Math.min(at + this.blockBytes, this.bytes));
      if (this.shape.pixelType === 'u8') kernels.maxU8!(this.accumulator + at, this.block, length);
      else if (this.shape.pixelType === 'f32') kernels.maxF32!(this.accumulator + at, this.block, length / 4);
      else {
        // Back to the file's form, which the accumulator is kept for.
        kernels.fitsU16!(this.block, this.block, length / 2, 0x0080);
        kernels.fitsMaxI16!(this.accumulator + at, this.block, length / 2);
      }
    }
  }

  /** The pixels so far; NaN where no file had a value. */
  pixels(): SharedArrayBuffer {
    const { width, height, channels, pixelType } = this.shape;
    const { bytes, kernels } = this.memory;
    const data = allocatePixels(width, height, channels ?? 1, pixelType);
    const samples = Buffer.from(data as unknown as ArrayBuffer);
    for (let at = 0; at < this.bytes; at += this.blockBytes) {
      const length = Math.min(this.blockBytes, this.bytes - at);
      bytes.copyWithin(this.block, this.accumulator + at, this.accumulator + at + length);
      if (pixelType === 'f32') kernels.infinityToNaN!(this.block, this.block, length / 4);
      if (pixelType === 'u16') {
        // Swapped and swapped back: what remains is the turned sign.
        kernels.fitsU16!(this.block, this.block, length / 2, 0);
        kernels.fitsU16!(this.block, this.block, length / 2, 0x8000);
      }
      bytes.copy(samples, at, this.block, this.block + length);
    }
    return data;
  }
}
