/**
 * A running fold (brightest, darkest, sum, mean) of pictures of one size. The accumulator lives in a shared WebAssembly
 * memory of its own: `add` copies a block of the frame into the cache beside it and folds it there, in a worker.
 */
import { NightflowError, throwIfAborted } from '../process/errors.ts';
import type { FinishInput, FoldedFrame, FoldInput, ScoreInput } from './fold.job.ts';
import {
  checkFoldOptions,
  type FoldLayout,
  type FoldOptions,
  layOutFold,
  type SampleType,
  sampleBytes,
  threadsOf,
} from './fold-layout.ts';
import { allocateShared, trackShared } from './memory.ts';
import { job, sharedPool, type WorkerPool } from './pool.ts';
import { fixedMemory } from './wasm-memory.ts';

export type { FoldMode, FoldOptions, HotPixels, SampleType } from './fold-layout.ts';

const foldRows = job<FoldInput, void>(new URL('./fold.job.ts', import.meta.url), 'foldRows');
const finishRows = job<FinishInput, void>(new URL('./fold.job.ts', import.meta.url), 'finishRows');
const listDefects = job<ScoreInput, SharedArrayBuffer>(new URL('./fold.job.ts', import.meta.url), 'listDefects');
const halveScores = job<ScoreInput, void>(new URL('./fold.job.ts', import.meta.url), 'halveScores');

/**
 * Frames that wait are folded together: the accumulator is read and written once for all of them. Eight save most of that
 * traffic (12 % of the CPU against four); more, or more bytes, would only keep frames longer.
 */
const mostTogether = 8;
const mostBytesTogether = 256 * 2 ** 20;

interface Waiting {
  frame: FoldedFrame;
  signal: AbortSignal | undefined;
  onFolded: (() => void) | undefined;
  folded: boolean;
}

/** Frames after which the scores are halved: they are bytes. */
const scoredFramesLimit = 240;

/** How many frames a fold holds, and over how many of them its hot pixels were counted. */
export interface FoldFrames {
  count: number;
  scoredFrames: number;
}

export interface AddOptions {
  signal?: AbortSignal;
  /** The frame before: trails are bridged from its ends to the starts of this one's. `max` only. */
  bridgeFrom?: SharedArrayBuffer;
  /** Called when it is folded, before anything that was asked later begins: the place to keep a header in step. */
  onFolded?: () => void;
}

export class Fold {
  readonly options: FoldOptions;
  /** Samples of the finished picture: sums and means are f32, the rest as they came. */
  readonly resultType: SampleType;
  /** Frames folded since the start or the last reset. */
  count = 0;
  private readonly layout: FoldLayout;
  private memory: WebAssembly.Memory | null;
  private scoredFrames = 0;
  private darkLoaded = false;
  /** Frames that wait for their turn together; null when the next one must start a new batch. */
  private batch: { waiting: Waiting[]; done: Promise<void> } | null = null;
  private tail: Promise<unknown> = Promise.resolve();

  /** @throws bad-input for a size that can't be or options that don't fit together, unsupported when it needs more than 4 GiB. */
  constructor(options: FoldOptions) {
    this.options = options;
    checkFoldOptions(options);
    this.layout = layOutFold(options);
    this.resultType = options.mode === 'sum' || options.mode === 'mean' ? 'f32' : options.sampleType;
    this.memory = fixedMemory(this.layout.total);
    trackShared(this.memory.buffer as unknown as SharedArrayBuffer, true);
  }

  /** Bytes of a frame's samples. */
  get frameBytes(): number {
    const { width, height, planes, sampleType } = this.options;
    return width * height * planes * sampleBytes[sampleType];
  }

  /**
   * Folds one more frame in. Frames are folded in the order of the calls; those that wait for a worker meanwhile are folded
   * together, which reads the accumulator once for all of them. A signal stops it before it starts, not in the middle, so
   * that the accumulator is never left with half a frame. @throws bad-input when the bytes don't fit.
   */
  add(data: SharedArrayBuffer, { signal, bridgeFrom, onFolded }: AddOptions = {}): Promise<void> {
    if (data.byteLength !== this.frameBytes)
      return Promise.reject(
        new NightflowError(
          'bad-input',
          `A frame of ${data.byteLength} bytes does not fit a stack of ${this.frameBytes}.`,
        ),
      );
    const usable = this.options.bridgeGaps && bridgeFrom?.byteLength === data.byteLength;
    const frame = { data, bridgeFrom: usable ? bridgeFrom : undefined };
    const waiting: Waiting = { frame, signal, onFolded, folded: false };
    let batch = this.batch;
    if (!batch || batch.waiting.length >= this.framesTogether) {
      const waitings: Waiting[] = [];
      const done = this.inTurn((memory) => {
        if (this.batch?.waiting === waitings) this.batch = null;
        return this.foldBatch(memory, waitings);
      });
      batch = { waiting: waitings, done };
      this.batch = batch;
    }
    batch.waiting.push(waiting);
    return batch.done.then(() => {
      if (!waiting.folded) throwIfAborted(signal);
    });
  }

  private get framesTogether(): number {
    return Math.max(1, Math.min(mostTogether, Math.floor(mostBytesTogether / this.frameBytes)));
  }

  private async foldBatch(memory: WebAssembly.Memory, waiting: Waiting[]): Promise<void> {
    const wanted = waiting.filter(({ signal }) => !signal?.aborted);
    if (wanted.length === 0) return;
    const { mode, cometTail = 0, dark, pool = sharedPool(), ...options } = this.options;
    const common = { memory, layout: this.layout, first: this.count === 0, frames: wanted.map(({ frame }) => frame) };
    const { sampleType, width, height, planes, colourStep, blackLevel, hotPixels = 'off' } = options;
    const picture = { mode, cometTail, sampleType, width, height, planes, colourStep, blackLevel, hotPixels };
    const input = { ...common, ...picture, dark: this.darkLoaded ? undefined : dark };
    const shares = this.shares();
    // The first time each thread clears its own rows before it folds into them.
    const nextBlock = shares.length > 1 && this.count > 0 ? new SharedArrayBuffer(4) : undefined;
    await Promise.all(shares.map((share) => pool.run(foldRows, { ...input, ...share, nextBlock })));
    this.count += wanted.length;
    for (const each of wanted) {
      each.folded = true;
      each.onFolded?.();
    }
    this.darkLoaded = true;
    this.scoredFrames += wanted.length;
    if (hotPixels === 'robust' && this.scoredFrames >= scoredFramesLimit) {
      await pool.run(halveScores, this.scoreInput(memory));
      this.scoredFrames = Math.floor(this.scoredFrames / 2);
    }
  }

  /**
   * The picture so far, in memory of its own; the fold goes on. @param onTurn Called when all frames asked before, and none
   * asked after, are in. @throws bad-input when nothing was added.
   */
  snapshot(onTurn?: () => void): Promise<SharedArrayBuffer> {
    return this.inTurn(async (memory) => {
      onTurn?.();
      if (this.count === 0) throw new NightflowError('bad-input', 'A stack without a frame has no picture.');
      const { mode, width, height, planes, sampleType, colourStep, cometTail = 0, pool = sharedPool() } = this.options;
      const target = allocateShared(width * height * planes * sampleBytes[this.resultType]);
      const picture = { memory, layout: this.layout, target, mode, width, height, planes, sampleType, colourStep };
      const input = { ...picture, resultType: this.resultType, cometTail, frames: this.count };
      const defects = await this.defectsToMend(memory, pool);
      await Promise.all(this.shares().map((share) => pool.run(finishRows, { ...input, ...share, defects: null })));
      if (defects) await pool.run(finishRows, { ...input, from: 0, to: 0, lane: 0, defects });
      return target;
    });
  }

  /** The pixels that the robust test found hot in a fair part of the frames: indices, u32, ascending. */
  defects(): Promise<SharedArrayBuffer> {
    return this.inTurn(
      async (memory) => (await this.defectsToMend(memory, this.options.pool ?? sharedPool())) ?? allocateShared(0),
    );
  }

  /** Forgets all frames; the memory stays for the next stack. */
  reset(): void {
    void this.inTurn(async () => {
      this.count = 0;
      this.scoredFrames = 0;
    });
  }

  /** Gives the memory back. @throws bad-input at any use after that. */
  close(): void {
    this.memory = null;
  }

  /** Bytes of the state that a checkpoint holds. */
  get stateBytes(): number {
    return this.layout.stateEnd - this.layout.accumulator;
  }

  /**
   * Hands out the raw state for a checkpoint while nothing else touches the fold. The view is of its WebAssembly memory:
   * never to be sent in a message, nor kept.
   */
  withState<T>(use: (state: Uint8Array, frames: FoldFrames) => Promise<T>): Promise<T> {
    return this.inTurn((memory) => use(this.stateView(memory), { count: this.count, scoredFrames: this.scoredFrames }));
  }

  /** Takes up the state of a checkpoint: `fill` writes `stateBytes` bytes into the view. */
  resume(frames: FoldFrames, fill: (state: Uint8Array) => Promise<void>): Promise<void> {
    return this.inTurn(async (memory) => {
      await fill(this.stateView(memory));
      this.count = frames.count;
      this.scoredFrames = frames.scoredFrames;
    });
  }

  private stateView(memory: WebAssembly.Memory): Uint8Array {
    return new Uint8Array(memory.buffer, this.layout.accumulator, this.stateBytes);
  }

  private open(): WebAssembly.Memory {
    if (!this.memory) throw new NightflowError('bad-input', 'This stack is closed.');
    return this.memory;
  }

  private inTurn<T>(work: (memory: WebAssembly.Memory) => Promise<T>): Promise<T> {
    // What is asked after this must not slip into the batch before it.
    this.batch = null;
    const turn = this.tail.then(() => work(this.open()));
    this.tail = turn.catch(() => {});
    return turn;
  }

  /** The rows of all planes, taken as one tall picture, in one even share a thread. */
  private shares(): { from: number; to: number; lane: number }[] {
    const { height, planes } = this.options;
    const threads = threadsOf(this.options);
    const rows = height * planes;
    return Array.from({ length: threads }, (_, lane) => ({
      from: Math.floor((rows * lane) / threads),
      to: Math.floor((rows * (lane + 1)) / threads),
      lane,
    }));
  }

  private scoreInput(memory: WebAssembly.Memory): ScoreInput {
    const { width, height, planes } = this.options;
    // A quarter of the frames, but never a single coincidence.
    const limit = Math.max(3, Math.ceil(this.scoredFrames / 4));
    return { memory, layout: this.layout, samples: width * height * planes, limit };
  }

  private async defectsToMend(memory: WebAssembly.Memory, pool: WorkerPool): Promise<SharedArrayBuffer | null> {
    const { hotPixels = 'off', defects } = this.options;
    if (hotPixels === 'defect-map') return defects!;
    return hotPixels === 'robust' ? pool.run(listDefects, this.scoreInput(memory)) : null;
  }
}
