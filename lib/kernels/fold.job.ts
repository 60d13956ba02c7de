/** The worker's side of a fold: copies a block of the frame beside the accumulator, folds it, and later finishes the picture. */

import { gapBridge } from './fold-bridge.ts';
import { hotPixelTest, kernelSuffix } from './fold-hot.ts';
import {
  type FoldLayout,
  type FoldMode,
  foldBlockBytes,
  type HotPixels,
  type SampleType,
  sampleBytes,
} from './fold-layout.ts';
import { trackShared } from './memory.ts';
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
  /** Counts the blocks that were taken, for threads that share a frame: one that is held up leaves more to the other. */
  nextBlock: SharedArrayBuffer | undefined;
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

/** Fading to a tenth in `frames` frames: the factor of one frame (1 for infinitely many). */
const decayOf = (frames: number): number => 10 ** (-1 / frames);

export function foldRows(input: FoldInput): void {
  const { memory, first, hotPixels } = input;
  const kernels = kernelsOn(memory);
  const bytes = Buffer.from(memory.buffer as unknown as ArrayBuffer);
  const fold = foldKernel(kernels, input);
  if (first) {
    // A new fold in this worker: when it is forgotten, only a whole collection lets go of its memory here.
    trackShared(memory.buffer as unknown as SharedArrayBuffer, true);
    clearRows(kernels, input);
  }
  const asTheyAre =
    hotPixels !== 'robust' && hotPixels !== 'dark' && !input.frames.some(({ bridgeFrom }) => bridgeFrom);
  if (asTheyAre) foldSamples(input, bytes, fold);
  else foldMendedRows(kernels, input, bytes, fold);
}

/** Folds `samples` samples at `block` into the accumulator's sample `start`. */
type FoldBlock = (start: number, block: number, samples: number) => void;

/** All frames of a block, then the next block: the accumulator's block stays in the cache. */
function foldSamples(input: FoldInput, bytes: Buffer, fold: FoldBlock) {
  const { layout, frames, lane, width, height, planes, from, to, sampleType, nextBlock } = input;
  const scratch = layout.scratch + lane * layout.scratchBytes;
  const size = sampleBytes[sampleType];
  const step = foldBlockBytes / size;
  const sources = frames.map(({ data }) => Buffer.from(data as unknown as ArrayBuffer));
  const foldFrom = (start: number, end: number) => {
    const samples = Math.min(step, end - start);
    for (const source of sources) {
      source.copy(bytes, scratch, start * size, (start + samples) * size);
      fold(start, scratch, samples);
    }
  };
  if (!nextBlock) {
    for (let start = from * width; start < to * width; start += step) foldFrom(start, to * width);
    return;
  }
  const turn = new Int32Array(nextBlock);
  const end = width * height * planes;
  const take = () => Atomics.add(turn, 0, 1) * step;
  for (let start = take(); start < end; start = take()) foldFrom(start, end);
}

/** The same in whole rows, which are mended first or bridged to the frame before. */
function foldMendedRows(kernels: Kernels, input: FoldInput, bytes: Buffer, fold: FoldBlock) {
  const { layout, width, from, to, sampleType, hotPixels } = input;
  const rowBytes = width * sampleBytes[sampleType];
  const rowsPerBlock = layout.blockBytes / rowBytes;
  const scratch = layout.scratch + input.lane * layout.scratchBytes;
  const subtractDark = hotPixels === 'dark' ? darkSubtraction(kernels, input, bytes) : null;
  const overlay = foldKernel(kernels, { ...input, cometTail: input.cometTail > 0 ? Number.POSITIVE_INFINITY : 0 });
  const frames = input.frames.map(({ data, bridgeFrom }) => {
    const frame = Buffer.from(data as unknown as ArrayBuffer);
    const copyBlock = (row: number, rows: number) => {
      frame.copy(bytes, scratch, row * rowBytes, (row + rows) * rowBytes);
      return scratch;
    };
    const previous = bridgeFrom ? Buffer.from(bridgeFrom as unknown as ArrayBuffer) : null;
    return {
      read: hotPixels === 'robust' ? hotPixelTest(kernels, input, bytes, frame, scratch) : copyBlock,
      bridge: previous ? gapBridge(kernels, input, bytes, previous, frame, scratch) : null,
    };
  });
  for (let row = from; row < to; row += rowsPerBlock) {
    const rows = Math.min(rowsPerBlock, to - row);
    for (const { read, bridge } of frames) {
      const block = read(row, rows);
      subtractDark?.(row, rows, block);
      fold(row * width, block, rows * width);
      bridge?.(row, rows, overlay);
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
  const subtract = kernels[`subtractDark${kernelSuffix[sampleType]}`]!;
  return (row, rows, block) => {
    const at = layout.dark + row * rowBytes;
    source?.copy(bytes, at, row * rowBytes, (row + rows) * rowBytes);
    subtract(block, at, rows * width, blackLevel);
  };
}

/** The kernel that folds `samples` samples at `block` into the accumulator's sample `start`. */
function foldKernel(kernels: Kernels, input: FoldInput): FoldBlock {
  const { layout, mode, sampleType, cometTail, blackLevel } = input;
  const at = (start: number) => layout.accumulator + start * layout.accumulatorBytesPerSample;
  const type = kernelSuffix[sampleType];
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
