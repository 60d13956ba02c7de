/** Integrates one area of the picture in a worker: the samples of all frames side by side, then the kernels row by row. */
import { writeSync } from 'node:fs';
import type { Scratch } from '../kernels/wasm.ts';
import { addSums } from './fits/checksum.ts';
import { bytesPerSample, type PixelType } from './frame.ts';
import { floatRows } from './integrate-floats.ts';
import { isExact } from './integrate-plan.ts';
import { isFitsU16, type RowSource, readStored, SourceFiles, unsignedSign } from './integrate-source.ts';
import type { Area, Matrix } from './matrix.ts';
import type { Interpolation } from './warp-rows.ts';

export interface Rules {
  rejection: 'none' | 'sigma-clip' | 'winsorised';
  kappaLow: number;
  kappaHigh: number;
  combine: 'mean' | 'median';
}

/** Where the result goes: shared memory of native samples, or a FITS file's data from byte `offset` on. */
export type BandTarget = { data: SharedArrayBuffer } | { descriptor: number; offset: number };

export interface BandInput {
  sources: readonly RowSource[];
  /** For each source: output pixel to its stored pixel; null where it lies on the output as it is. */
  inverses: readonly (Matrix | null)[];
  interpolation: Interpolation;
  /** For each source and plane: value = sample x scale + offset; null for the samples as they are. */
  levels: readonly (readonly Level[])[] | null;
  weights: readonly number[] | null;
  rules: Rules;
  /** Of the output. */
  width: number;
  height: number;
  plane: number;
  area: Area;
  /** Rows (or, of tiles, the whole area) of all frames that are held at once. */
  rowsAtOnce: number;
  target: BandTarget;
  targetType: 'u16' | 'f32';
  /** Rejected samples below and above of each pixel, f32; null when not wanted. */
  lowMap: SharedArrayBuffer | null;
  highMap: SharedArrayBuffer | null;
  countRejected: boolean;
  /** Not 0: give up. */
  stop: SharedArrayBuffer;
}

export interface Level {
  scale: number;
  offset: number;
}

export interface BandOutput {
  rejectedLow: number;
  rejectedHigh: number;
  /** For each frame: rejected below, above, and how many samples it had (0s when they are not counted). */
  perFrame: [low: number, high: number, samples: number][];
  /** One's complement sum of what was written to a file. */
  dataSum: number;
}

export function integrateArea(work: Scratch, input: BandInput): BandOutput {
  const files = new SourceFiles();
  try {
    return new AreaWork(work, input, files).run();
  } finally {
    files.close();
  }
}

/** One pass over the frames' samples: where each row of each frame lies in the scratch. */
export type LoadRows = (y: number, rows: number) => (frame: number, row: number) => number;

class AreaWork {
  private readonly work: Scratch;
  private readonly input: BandInput;
  private readonly exact: boolean;
  private readonly load: LoadRows;
  private readonly sign: number;
  private readonly pointers: number;
  private readonly temp: number;
  private readonly rules: number;
  private readonly means: number;
  private readonly lows: number;
  private readonly highs: number;
  private readonly counts: number;
  private readonly totals: number;
  private readonly weights: number;
  private readonly out: number;
  private readonly found: BandOutput;

  constructor(work: Scratch, input: BandInput, files: SourceFiles) {
    this.work = work;
    this.input = input;
    const { sources, area, rowsAtOnce, rules, weights, countRejected, lowMap } = input;
    const n = sources.length;
    this.exact = isExact(input);
    const asStored = this.exact && sources.every(isFitsU16);
    this.sign = asStored ? unsignedSign : -1;
    const padded = Math.ceil(n / 8) * 8;
    this.pointers = work.take(n * 4);
    this.temp = work.take((padded + n + 1) * 16);
    this.rules = work.take(24);
    this.totals = work.take(24);
    this.means = work.take(area.width * 4 + 32);
    const bounds = countRejected || weights !== null;
    this.lows = bounds ? work.take(area.width * 4 + 32) : 0;
    this.highs = bounds ? work.take(area.width * 4 + 32) : 0;
    this.counts = lowMap ? work.take(area.width * 4 + 32) : 0;
    this.weights = weights ? work.take(n * 8) : 0;
    if (weights) work.f64(this.weights, n).set(weights);
    this.out = work.take(rowsAtOnce * area.width * 4 + 4);
    work.f64(this.rules, 2).set([rules.kappaLow, rules.kappaHigh]);
    work
      .u32(this.rules + 16, 2)
      .set([{ none: 0, 'sigma-clip': 1, winsorised: 2 }[rules.rejection], rules.combine === 'median' ? 1 : 0]);
    this.load = this.exact ? wordRows(work, input, files, asStored) : floatRows(work, input, files);
    this.found = { rejectedLow: 0, rejectedHigh: 0, perFrame: sources.map(() => [0, 0, 0]), dataSum: 0 };
  }

  run(): BandOutput {
    const { area, rowsAtOnce, stop } = this.input;
    const stopped = new Int32Array(stop);
    for (let y = area.y; y < area.y + area.height && Atomics.load(stopped, 0) === 0; y += rowsAtOnce) {
      const rows = Math.min(rowsAtOnce, area.y + area.height - y);
      const rowAt = this.load(y, rows);
      for (let row = 0; row < rows; row++) this.integrateRow(y + row, (frame) => rowAt(frame, row), row);
      this.write(y, rows);
    }
    return this.found;
  }

  private integrateRow(y: number, rowOf: (frame: number) => number, row: number): void {
    const { work, input, pointers, temp, rules, means, lows, highs, counts, totals } = this;
    const { sources, area, weights, countRejected, targetType } = input;
    const { kernels } = work;
    const n = sources.length;
    const table = work.u32(pointers, n);
    for (let frame = 0; frame < n; frame++) table[frame] = rowOf(frame);
    work.u32(totals, 6).fill(0);
    const plainMean = input.rules.rejection === 'none' && input.rules.combine === 'mean';
    if (plainMean) {
      if (lows) {
        work.f32(lows, area.width).fill(-Infinity);
        work.f32(highs, area.width).fill(Infinity);
      }
      if (counts) work.u32(counts, area.width).fill(0);
    } else if (this.exact)
      kernels.integrateU16!(pointers, n, area.width, this.sign, temp, rules, means, lows, highs, counts, totals);
    else kernels.integrateF32!(pointers, n, area.width, temp, rules, means, lows, highs, counts, totals);
    if (!this.exact && input.rules.combine === 'mean' && (weights || plainMean))
      kernels.weightedF32!(pointers, n, area.width, this.weights || this.equalWeights(), lows, highs, means);
    const sums = work.u32(totals, 6);
    this.found.rejectedLow += sums[0]! + sums[1]! * 2 ** 32;
    this.found.rejectedHigh += sums[2]! + sums[3]! * 2 ** 32;
    if (countRejected) this.countRow(rowOf);
    this.keepMaps(y);
    const size = bytesPerSample[targetType];
    const to = this.out + row * area.width * size;
    if (targetType === 'u16') kernels.roundHalfUpU16!(to, means, area.width);
    else work.bytes.copyWithin(to, means, means + area.width * 4);
  }

  private equal = 0;

  private equalWeights(): number {
    if (this.equal === 0) {
      this.equal = this.work.take(this.input.sources.length * 8);
      this.work.f64(this.equal, this.input.sources.length).fill(1);
    }
    return this.equal;
  }

  private countRow(rowOf: (frame: number) => number): void {
    const { work, totals, lows, highs, sign } = this;
    const { width } = this.input.area;
    for (const [frame, counted] of this.found.perFrame.entries()) {
      work.u32(totals, 6).fill(0);
      if (this.exact) work.kernels.countOutsideU16!(rowOf(frame), width, sign, lows, highs, totals);
      else work.kernels.countOutsideF32!(rowOf(frame), width, lows, highs, totals);
      const [low, , high, , samples] = work.u32(totals, 6);
      counted[0] += low!;
      counted[1] += high!;
      counted[2] += this.exact ? width : samples!;
    }
  }

  private keepMaps(y: number): void {
    const { work, counts } = this;
    const { area, width, height, plane, lowMap, highMap } = this.input;
    if (!lowMap || !highMap) return;
    for (const [index, map] of [lowMap, highMap].entries()) {
      const pairs = work.u16(counts, area.width * 2);
      const target = new Float32Array(map, ((plane * height + y) * width + area.x) * 4, area.width);
      for (let x = 0; x < area.width; x++) target[x] = pairs[2 * x + index]!;
    }
  }

  private write(y: number, rows: number): void {
    const { work, out } = this;
    const { area, width, height, plane, target, targetType } = this.input;
    const size = bytesPerSample[targetType];
    const whole = area.width === width;
    const pieces = whole ? 1 : rows;
    const length = (whole ? rows : 1) * area.width * size;
    for (let piece = 0; piece < pieces; piece++) {
      const from = out + piece * length;
      const at = ((plane * height + y + piece) * width + area.x) * size;
      if ('data' in target) {
        work.bytes.copy(Buffer.from(target.data as unknown as ArrayBuffer), at, from, from + length);
        continue;
      }
      this.writeFits(target, from, at, length, targetType);
    }
  }

  private writeFits(
    { descriptor, offset }: { descriptor: number; offset: number },
    from: number,
    at: number,
    length: number,
    type: PixelType,
  ): void {
    const { kernels, bytes } = this.work;
    if (type === 'u16') kernels.fitsU16!(from, from, length / 2, 0x0080);
    else kernels.fitsF32!(from, from, length / 4);
    for (let done = 0; done < length; )
      done += writeSync(descriptor, bytes, from + done, length - done, offset + at + done);
    // Two bytes off a word's beginning, a one's complement sum is turned by half a word.
    const padded = Math.ceil(length / 4) * 4;
    const after = Buffer.from(bytes.subarray(from + length, from + padded));
    bytes.fill(0, from + length, from + padded);
    const sum = kernels.fitsSum!(from, padded) >>> 0;
    after.copy(bytes, from + length);
    this.found.dataSum = addSums(this.found.dataSum, at % 4 === 0 ? sum : ((sum << 16) | (sum >>> 16)) >>> 0);
  }
}

/** Rows of u16: as FITS has them when all frames do, else native. */
function wordRows(work: Scratch, input: BandInput, files: SourceFiles, asStored: boolean): LoadRows {
  const { sources, area, rowsAtOnce, plane } = input;
  const rowBytes = area.width * 2;
  const blocks = sources.map(() => work.take(rowsAtOnce * rowBytes));
  return (y, rows) => {
    for (const [frame, source] of sources.entries()) {
      const storedY = source.fits?.flip ? source.height - y - rows : y;
      const stored = { plane, x: area.x, y: storedY, columns: area.width, rows };
      readStored(work, files, source, stored, blocks[frame]!);
      if (!asStored && source.fits)
        work.kernels.fitsU16!(blocks[frame]!, blocks[frame]!, rows * area.width, unsignedSign);
    }
    return (frame, row) => blocks[frame]! + (sources[frame]!.fits?.flip ? rows - 1 - row : row) * rowBytes;
  };
}
