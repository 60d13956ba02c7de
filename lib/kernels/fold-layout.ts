/** What a fold is asked to do, and where its accumulator and scratch lie in its memory. */
import { NightflowError } from '../process/errors.ts';
import type { WorkerPool } from './pool.ts';
import { wasmPageBytes } from './wasm-memory.ts';

export type SampleType = 'u8' | 'u16' | 'f32';
export type FoldMode = 'max' | 'min' | 'sum' | 'mean';

/**
 * What is done about hot pixels: `robust` tests each against its neighbours in every frame and, in the result, mends
 * those that failed often; `defect-map` mends the pixels of a given list in the result; `dark` takes a matched dark out of every frame.
 */
export type HotPixels = 'off' | 'robust' | 'defect-map' | 'dark';

export interface FoldOptions {
  mode: FoldMode;
  sampleType: SampleType;
  width: number;
  height: number;
  /** Planes, one after the other. */
  planes: 1 | 3;
  /** Distance of the next pixel of the same colour: 2 for a Bayer mosaic, else 1. */
  colourStep: 1 | 2;
  /** ADU of no light: what a comet's tail fades to, and the pedestal that a dark keeps. */
  blackLevel: number;
  hotPixels?: HotPixels;
  /** Indices (u32) of the pixels to mend, for `defect-map`. */
  defects?: SharedArrayBuffer;
  /** Samples of the matched dark, same size and type, for `dark`. */
  dark?: SharedArrayBuffer;
  /** `max` only: the number of frames after which a trail has faded to a tenth. 0 = it stays. */
  cometTail?: number;
  /** `max` only: room to bridge trails between frames (`bridgeFrom` of `add`). */
  bridgeGaps?: boolean;
  /** Splits the rows over this many workers. */
  threads?: number;
  pool?: WorkerPool;
}

/** Where things are in the fold's memory, bytes from its start; 0 for what this fold does not need. */
export interface FoldLayout {
  /** One scratch area for each thread. */
  scratch: number;
  scratchBytes: number;
  /** Bytes of a block of frame rows within the scratch. */
  blockBytes: number;
  /** Where in a scratch area the bridging of gaps has its room; 0 without. */
  bridgeScratch: number;
  accumulator: number;
  accumulatorBytesPerSample: number;
  counts: number;
  scores: number;
  /** End of what a checkpoint holds: accumulator, counts, scores. */
  stateEnd: number;
  dark: number;
  total: number;
}

export const sampleBytes = { u8: 1, u16: 2, f32: 4 } as const;

/** @throws bad-input for a size that can't be or options that don't fit together. */
export function checkFoldOptions(options: FoldOptions): void {
  const { width, height, planes, sampleType, mode, hotPixels = 'off', defects, dark, cometTail = 0 } = options;
  const refuse = (why: string): never => {
    throw new NightflowError('bad-input', why);
  };
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1)
    refuse(`A stack of ${width} x ${height} pixels can't be.`);
  if (hotPixels === 'defect-map' && !(defects && defects.byteLength % 4 === 0))
    refuse('Hot pixels by a defect map need the map.');
  if (hotPixels === 'dark' && dark?.byteLength !== width * height * planes * sampleBytes[sampleType])
    refuse('Hot pixels by a dark need a dark of the same size and pixel type.');
  if (!(cometTail >= 0 && Number.isFinite(cometTail))) refuse(`A comet tail of ${cometTail} frames can't be.`);
  if (options.bridgeGaps && mode !== 'max') refuse('Gaps can only be filled in a stack of the brightest pixels (max).');
  if (cometTail > 0 && mode !== 'max') refuse('A comet tail needs a stack of the brightest pixels (max).');
}

/** Rows and columns around a pixel that a bridge looks at: five steps of its colour. */
export const bridgeMargin = (colourStep: 1 | 2): number => 5 * colourStep;

export const threadsOf = ({ threads = 1, height }: FoldOptions): number =>
  Math.max(1, Math.min(Math.floor(threads), height));

/**
 * Small enough for a level 2 cache beside the accumulator's own block, large enough that calls don't count. Whole pages
 * are copied 5 % faster than rows; blocks of rows are the next smaller number of them, and fit the same scratch.
 */
export const foldBlockBytes = 128 * 1024;

export function layOutFold(options: FoldOptions): FoldLayout {
  const { width, height, planes, sampleType, mode, hotPixels = 'off', cometTail = 0, bridgeGaps, colourStep } = options;
  const samples = width * height * planes;
  const rowBytes = width * sampleBytes[sampleType];
  const rows = Math.max(1, Math.min(height, Math.floor(foldBlockBytes / rowBytes)));
  const accumulatorBytesPerSample =
    cometTail > 0 ? 4 : mode === 'max' || mode === 'min' ? sampleBytes[sampleType] : sampleType === 'f32' ? 8 : 4;
  const blockBytes = rows * rowBytes;
  // A block has two more rows on each side for the hot pixel test, whose list may name every pixel; finished samples take up to 4 bytes.
  const list = hotPixels === 'robust' ? rows * width * 12 : 0;
  const foldScratch = round64(Math.max(blockBytes + 4 * rowBytes, rows * width * 4) + list + 256);
  // Blocks of both frames with their margins, a row of bridges, the table of offsets.
  const bridge = 2 * (blockBytes + 2 * bridgeMargin(colourStep) * rowBytes + 64) + rowBytes + 1024;
  const scratchBytes = foldScratch + (bridgeGaps ? round64(bridge) : 0);
  let next = wasmPageBytes;
  const take = (bytes: number, wanted = true): number => {
    const at = next;
    if (wanted) next = round64(next + bytes);
    return wanted ? at : 0;
  };
  const scratch = take(scratchBytes * threadsOf(options));
  const accumulator = take(samples * accumulatorBytesPerSample);
  const counts = take(samples * 4, sampleType === 'f32' && (mode === 'sum' || mode === 'mean'));
  const scores = take(samples, hotPixels === 'robust');
  const stateEnd = next;
  const dark = take(rowBytes * height * planes, hotPixels === 'dark');
  return {
    scratch,
    scratchBytes,
    blockBytes,
    bridgeScratch: bridgeGaps ? foldScratch : 0,
    accumulator,
    accumulatorBytesPerSample,
    counts,
    scores,
    stateEnd,
    dark,
    total: next,
  };
}

const round64 = (bytes: number): number => Math.ceil(bytes / 64) * 64;
