/** The worker's side of a fold: copies a block of the frame beside the accumulator, folds it, and later finishes the picture. */
import { type FoldLayout, type FoldMode, type HotPixels, type SampleType, sampleBytes } from './fold-layout.ts';
import { mendDefects } from './mend.ts';
import { type Kernels, kernelsOn } from './wasm.ts';

interface Picture {
  memory: WebAssembly.Memory;
  layout: FoldLayout;
  mode: FoldMode;
  sampleType: SampleType;
  width: number;
  height: number;
  planes: number;
  colourStep: 1 | 2;
  cometTail: number;
}

/** Rows `from` (included) to `to` of all planes taken as one tall picture; `lane` is the scratch area to use. */
interface Share {
  from: number;
  to: number;
  lane: number;
}

export interface FoldedFrame {
  data: SharedArrayBuffer;
  /** The frame before, to bridge its trails to this one's. */
  bridgeFrom: SharedArrayBuffer | undefined;
}

export interface FoldInput extends Picture, Share {
  frames: FoldedFrame[];
  /** Nothing was folded before: start from the neutral element. */
  first: boolean;
  dark: SharedArrayBuffer | undefined;
  hotPixels: HotPixels;
  blackLevel: number;
}

export interface FinishInput extends Picture, Share {
  target: SharedArrayBuffer;
  resultType: SampleType;
  frames: number;
  /** Mends these pixels of the finished picture instead of finishing rows. */
  defects: SharedArrayBuffer | null;
}

export interface ScoreInput {
  memory: WebAssembly.Memory;
  layout: FoldLayout;
  samples: number;
  limit: number;
}

const suffix = { u8: 'U8', u16: 'U16', f32: 'F32' } as const;

/** Fading to a tenth in `frames` frames: the factor of one frame. */
const decayOf = (frames: number): number => 10 ** (-1 / frames);

export function foldRows(input: FoldInput): void {
  const { memory, layout, width, from, to, first, sampleType, hotPixels } = input;
  const kernels = kernelsOn(memory);
  const bytes = Buffer.from(memory.buffer as unknown as ArrayBuffer);
  const rowBytes = width * sampleBytes[sampleType];
  const rowsPerBlock = layout.blockBytes / rowBytes;
  const scratch = layout.scratch + input.lane * layout.scratchBytes;
  const fold = foldKernel(kernels, input);
  const subtractDark = hotPixels === 'dark' ? darkSubtraction(kernels, input, bytes) : null;
  const readers = input.frames.map(({ data }) => {
    const frame = Buffer.from(data as unknown as ArrayBuffer);
    if (hotPixels === 'robust') return hotPixelTest(kernels, input, bytes, frame, scratch);
    return (row: number, rows: number) => {
      frame.copy(bytes, scratch, row * rowBytes, (row + rows) * rowBytes);
      return scratch;
    };
  });
  if (first) clearRows(kernels, input);
  // All frames of a block, then the next block: the accumulator's block stays in the cache.
  for (let row = from; row < to; row += rowsPerBlock) {
    const rows = Math.min(rowsPerBlock, to - row);
    for (const read of readers) {
      const block = read(row, rows);
      subtractDark?.(row, rows, block);
      fold(row * width, block, rows * width);
    }
  }
}

/** Takes the dark out of a block; the first time, the dark is copied into the fold's memory. */
function darkSubtraction(
  kernels: Kernels,
  { layout, dark, width, sampleType, blackLevel }: FoldInput,
  bytes: Buffer,
): (row: number, rows: number, block: number) => void {
  const source = dark ? Buffer.from(dark as unknown as ArrayBuffer) : null;
  const rowBytes = width * sampleBytes[sampleType];
  const subtract = kernels[`subtractDark${suffix[sampleType]}`]!;
  return (row, rows, block) => {
    const at = layout.dark + row * rowBytes;
    source?.copy(bytes, at, row * rowBytes, (row + rows) * rowBytes);
    subtract(block, at, rows * width, blackLevel);
  };
}

/** The kernel that folds `samples` samples at `block` into the accumulator's sample `start`. */
function foldKernel(kernels: Kernels, input: FoldInput): (start: number, block: number, samples: number) => void {
  const { layout, mode, sampleType, cometTail, blackLevel } = input;
  const at = (start: number) => layout.accumulator + start * layout.accumulatorBytesPerSample;
  const type = suffix[sampleType];
  if (cometTail > 0) {
    const fade = kernels[`fade${type}`]!;
    const decay = decayOf(cometTail);
    return (start, block, samples) => fade(at(start), block, samples, decay, blackLevel);
  }
  if (mode === 'max' || mode === 'min') {
    const fold = kernels[`${mode}${type}`]!;
    return (start, block, samples) => fold(at(start), block, samples);
  }
  const sum = kernels[`sum${type}`]!;
  return sampleType === 'f32'
    ? (start, block, samples) => sum(at(start), layout.counts + start * 4, block, samples)
    : (start, block, samples) => sum(at(start), block, samples);
}

/** The neutral element of the fold in the share's rows of the accumulator, its counts and its scores. */
function clearRows(kernels: Kernels, input: FoldInput): void {
  const { layout, mode, sampleType, cometTail, width, from, to, hotPixels } = input;
  const float = sampleType === 'f32' || cometTail > 0;
  const neutral = mode === 'max' ? (float ? 0xff80_0000 : 0) : mode === 'min' ? (float ? 0x7f80_0000 : 0xffff_ffff) : 0;
  const clear = (area: number, size: number, value: number) => {
    const start = area + from * width * size;
    const length = (to - from) * width * size;
    const words = length & ~3;
    kernels.fill32!(start, value, words);
    new Uint8Array(input.memory.buffer, start + words, length - words).fill(value & 0xff);
  };
  clear(layout.accumulator, layout.accumulatorBytesPerSample, neutral);
  if (layout.counts) clear(layout.counts, 4, 0);
  if (hotPixels === 'robust') clear(layout.scores, 1, 0);
}

/** Noise of an excess that can't be chance in any of a frame's millions of pixels. */
const hotSigma = 6;

/** Copies a block of rows with two more on each side, within its plane, replaces its hot pixels, and answers where row 0 of it is. */
function hotPixelTest(
  kernels: Kernels,
  { layout, width, height, planes, sampleType, blackLevel }: FoldInput,
  bytes: Buffer,
  frame: Buffer,
  scratch: number,
): (row: number, rows: number) => number {
  const size = sampleBytes[sampleType];
  const rowBytes = width * size;
  const block = scratch + 2 * rowBytes;
  if (width < 5 || height < 5)
    return (row, rows) => {
      frame.copy(bytes, block, row * rowBytes, (row + rows) * rowBytes);
      return block;
    };
  const list = (block + layout.blockBytes + 2 * rowBytes + 63) & ~63;
  const find = kernels[`findHot${suffix[sampleType]}`]!;
  const largest = sampleType === 'u8' ? 255 : sampleType === 'u16' ? 65535 : Number.MAX_VALUE;
  // A sample that is a whole number is uncertain by one even without noise.
  const noise = Math.max(
    frameNoise(kernels, frame, bytes, scratch, rowBytes, width, height * planes, sampleType),
    sampleType === 'f32' ? 0 : 1,
  );
  const threshold = Math.min(largest, sampleType === 'f32' ? hotSigma * noise : Math.ceil(hotSigma * noise));
  const black = Math.max(0, Math.min(largest, Math.round(blackLevel)));
  /** One stretch of rows within one plane: tests need the plane's own edges. */
  const stretch = (row: number, rows: number, target: number) => {
    const plane = Math.floor(row / height) * height;
    const top = Math.max(plane, row - 2);
    const bottom = Math.min(plane + height, row + rows + 2);
    frame.copy(bytes, target - (row - top) * rowBytes, top * rowBytes, bottom * rowBytes);
    for (let y = row - 2; y < top; y++) copyRow(bytes, target + (y - row) * rowBytes, frame, 2 * plane - y, rowBytes);
    for (let y = bottom; y < row + rows + 2; y++)
      copyRow(bytes, target + (y - row) * rowBytes, frame, 2 * (plane + height) - 2 - y, rowBytes);
    const found = find(target, width, rows, threshold, black, list, row * width);
    if (found > 0) kernels.applyHot!(list, found, size, layout.scores);
  };
  return (row, rows) => {
    const nextPlane = (Math.floor(row / height) + 1) * height;
    const here = Math.min(rows, nextPlane - row);
    stretch(row, here, block);
    // The margins of the second stretch overwrite the end of the first, so that one is put back.
    if (here < rows) {
      const keep = Buffer.from(bytes.subarray(block, block + here * rowBytes));
      stretch(nextPlane, rows - here, block + here * rowBytes);
      keep.copy(bytes, block);
    }
    return block;
  };
}

function copyRow(bytes: Buffer, target: number, frame: Buffer, row: number, rowBytes: number): void {
  frame.copy(bytes, target, row * rowBytes, (row + 1) * rowBytes);
}

/** Median noise of 15 rows spread over the frame, ADU. */
function frameNoise(
  kernels: Kernels,
  frame: Buffer,
  bytes: Buffer,
  scratch: number,
  rowBytes: number,
  width: number,
  rows: number,
  sampleType: SampleType,
): number {
  const noise = Array.from({ length: 15 }, (_, i) => {
    copyRow(bytes, scratch, frame, Math.floor(((i + 0.5) * rows) / 15), rowBytes);
    return kernels[`noise${suffix[sampleType]}`]!(scratch, width);
  });
  return noise.sort((a, b) => a - b)[7]!;
}

export function finishRows(input: FinishInput): void {
  const { memory, layout, target, width, height, planes, from, to, resultType, defects } = input;
  if (defects) {
    mendDefects(target, resultType, { width, height, planes, colourStep: input.colourStep }, defects);
    return;
  }
  const kernels = kernelsOn(memory);
  const bytes = Buffer.from(memory.buffer as unknown as ArrayBuffer);
  const picture = Buffer.from(target as unknown as ArrayBuffer);
  const scratch = layout.scratch + input.lane * layout.scratchBytes;
  const finish = finishKernel(kernels, input, scratch);
  const rowSamples = width;
  const size = sampleBytes[resultType];
  const rowsPerBlock = Math.max(1, layout.blockBytes / (width * sampleBytes[input.sampleType]));
  for (let row = from; row < to; row += rowsPerBlock) {
    const samples = Math.min(rowsPerBlock, to - row) * rowSamples;
    const start = row * rowSamples;
    const source = finish(start, samples);
    bytes.copy(picture, start * size, source, source + samples * size);
  }
}

/** Makes `samples` finished samples from the accumulator's sample `start`; answers where they are. */
function finishKernel(
  kernels: Kernels,
  { layout, mode, sampleType, cometTail, frames, resultType }: FinishInput,
  scratch: number,
): (start: number, samples: number) => number {
  const at = (start: number) => layout.accumulator + start * layout.accumulatorBytesPerSample;
  const into = (run: (start: number, samples: number) => void) => (start: number, samples: number) => {
    run(start, samples);
    return scratch;
  };
  if (mode === 'sum' || mode === 'mean') {
    const mean = mode === 'mean';
    return sampleType === 'f32'
      ? into((start, n) => kernels.finishF64!(scratch, at(start), layout.counts + start * 4, n, mean ? 1 : 0))
      : into((start, n) => kernels.scaleU32!(scratch, at(start), n, mean ? 1 / frames : 1));
  }
  if (resultType === 'f32') return into((start, n) => kernels.infinityToNaN!(scratch, at(start), n));
  if (cometTail > 0)
    return into((start, n) => kernels[resultType === 'u8' ? 'roundToU8' : 'roundToU16']!(scratch, at(start), n));
  return at;
}

export function listDefects({ memory, layout, samples, limit }: ScoreInput): SharedArrayBuffer {
  const kernels = kernelsOn(memory);
  // The list goes where the blocks of the threads are: nothing else runs on the fold meanwhile.
  const capacity = Math.floor((layout.accumulator - layout.scratch) / 4);
  const found = kernels.listScores!(layout.scores, samples, limit, layout.scratch, capacity);
  // More than the list holds is no sensor but a wrong test: a picture full of "hot" pixels is left as it is.
  const listed = found > capacity ? 0 : found;
  const list = new SharedArrayBuffer(listed * 4);
  new Uint32Array(list).set(new Uint32Array(memory.buffer, layout.scratch, listed));
  return list;
}

export function halveScores({ memory, layout, samples }: ScoreInput): void {
  kernelsOn(memory).halveScores!(layout.scores, samples);
}
