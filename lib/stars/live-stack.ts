/** A stack that grows as frames arrive: each is measured, laid on the first good one by its stars, weighted by quality, and added. */
import { isDeepStrictEqual } from 'node:util';
import { debayerFrame } from '../frame/debayer.ts';
import { allocatePixels, Frame } from '../frame/frame.ts';
import { identityMatrix, invertMatrix } from '../frame/matrix.ts';
import { requirePixels } from '../frame/original.ts';
import { requireShape, type StackShape, shapeOf } from '../frame/stack.ts';
import { emptySummary, type StackSummary, summarise, summaryHeader } from '../frame/stack-summary.ts';
import { job, sharedPool } from '../kernels/pool.ts';
import { asNightflowError, NightflowError, throwIfAborted } from '../process/errors.ts';
import { readLiveCheckpoint, writeLiveCheckpoint } from './live-checkpoint.ts';
import type { CosmeticInput } from './live-cosmetic.job.ts';
import { LiveFold, type LiveFoldOptions } from './live-fold.ts';
import { faultOf, type LeftOut, type Typical, typicalWith, weightOf } from './live-quality.ts';
import { measureStars } from './measure.ts';
import { type Registration, registerStars } from './register.ts';
import { StarTable, starColumns } from './star-table.ts';

export interface LiveStackOptions {
  /**
   * `sigma-clip` leaves out what lies more than `lowSigma` below or `highSigma` above a pixel's mean: satellites, aeroplanes, cosmic rays.
   * `winsorised` also keeps such values from widening the scatter that they are tested by. `mean` takes all.
   */
  mode: 'mean' | 'sigma-clip' | 'winsorised';
  /** `stars`: by shift, turn and scale. `none`: the frames lie as they are; a mosaic stays one. */
  align: 'none' | 'stars';
  /** `robust`: each frame's are found by their neighbours and replaced before it is measured and turned. 'off' when absent. */
  hotPixels?: 'off' | 'robust';
  lowSigma?: number;
  highSigma?: number;
}

/** What became of a frame. */
export interface LiveOutcome {
  /** Why it was left out; null when it is in the stack. */
  leftOut: LeftOut | null;
  /** In the stack: relative to the first frame. */
  weight: number;
  /** Part (0 … 1) of its samples that were rejected as outliers. */
  rejectedFraction: number;
  registration: Registration | null;
}

export interface LiveState {
  shape: StackShape;
  summary: StackSummary;
  leftOut: number;
  first: Typical | null;
  typical: Typical | null;
}

/** Of the first frame, kept to align by. */
const registeredStars = 2000;

const takeDefectsOut = job<CosmeticInput, void>(new URL('./live-cosmetic.job.ts', import.meta.url), 'takeDefectsOut');

export class LiveStack {
  readonly options: Required<LiveStackOptions>;
  private fold: LiveFold | null = null;
  private spare: LiveFold | null = null;
  private state: LiveState | null = null;
  /** Stars of the first frame; empty without alignment. */
  private reference: StarTable = StarTable.of(0);
  private tail: Promise<unknown> = Promise.resolve();
  /** Rises at each reset, so that a frame still on its way doesn't count for the next stack. */
  private epoch = 0;

  constructor({ mode, align, hotPixels = 'off', lowSigma = 3, highSigma = 3 }: LiveStackOptions) {
    if (!(lowSigma >= 1 && lowSigma <= 20 && highSigma >= 1 && highSigma <= 20))
      throw new NightflowError('bad-input', `Limits of ${lowSigma} and ${highSigma} sigma can't be.`, {
        remedy: 'Set them between 1 and 20; 3 is usual.',
      });
    this.options = { mode, align, hotPixels, lowSigma, highSigma };
  }

  /** Exposures in the stack: a frame that is itself a stack counts as many as it combined. */
  get count(): number {
    return this.state?.summary.frames ?? 0;
  }

  /** Frames that were left out. */
  get leftOut(): number {
    return this.state?.leftOut ?? 0;
  }

  /**
   * Adds a frame, or leaves it out and says why. One after the other, in the order of the calls.
   * @throws bad-input for another size, Bayer pattern or pixel type than the first frame's, and for a file that could not be decoded: the stack stays as it was.
   */
  add(frame: Frame, signal?: AbortSignal): Promise<LiveOutcome> {
    const epoch = this.epoch;
    return this.inTurn(async () => {
      throwIfAborted(signal);
      requirePixels(frame);
      this.requireShape(frame);
      const { align, hotPixels } = this.options;
      const clean = hotPixels === 'robust' ? await withoutHotPixels(frame) : frame;
      return align === 'stars' ? this.addByStars(frame, clean, epoch, signal) : this.addAsItLies(frame, clean, epoch);
    });
  }

  /** The stack so far as a frame of its own, 32-bit float; the stack goes on. @throws bad-input when it is empty. */
  result(): Promise<Frame> {
    return this.inTurn(async () => {
      const { fold, state } = this;
      if (!fold || !state || state.summary.added === 0)
        throw new NightflowError('bad-input', 'A stack without a frame has no picture.');
      const { channels } = fold.options;
      const bayer = channels === 1 && this.options.align === 'none' ? state.shape.bayer : null;
      const data = await fold.result();
      return new Frame({
        ...summaryHeader(state.summary, 'mean'),
        ...state.shape,
        channels,
        bayer,
        pixelType: 'f32',
        data,
      });
    });
  }

  /** Empties the stack; the next frame may have another size, and is the one to align by. */
  reset(): void {
    this.epoch++;
    this.state = null;
    this.spare = this.fold ?? this.spare;
    this.fold = null;
    this.reference = StarTable.of(0);
  }

  /** Gives its memory back. A later `add` starts a new stack. */
  close(): void {
    this.reset();
    this.spare = null;
  }

  /** Writes the state to a file, durably, so that `restore` goes on after a crash. @throws bad-input when empty, disk-full… */
  save(path: string): Promise<void> {
    return this.inTurn(async () => {
      const { fold, state } = this;
      if (!fold || !state || state.summary.added === 0)
        throw new NightflowError('bad-input', 'A stack without a frame has nothing to save.');
      await writeLiveCheckpoint(path, { options: this.options, live: state, fold: fold.state }, this.reference, fold);
    });
  }

  /**
   * Goes on with a stack that was saved.
   * @throws bad-input when the file is not a checkpoint, is cut off, or was saved with other options; lost when it is not there.
   */
  static async restore(path: string, options: LiveStackOptions): Promise<LiveStack> {
    const stack = new LiveStack(options);
    await readLiveCheckpoint(path, stack.options, async ({ live, fold }, reference, read) => {
      stack.state = live;
      stack.reference = reference;
      stack.fold = new LiveFold(stack.foldOptions(live.shape));
      await read(stack.fold);
      stack.fold.state = fold;
    });
    return stack;
  }

  private async addByStars(
    frame: Frame,
    clean: Frame,
    epoch: number,
    signal: AbortSignal | undefined,
  ): Promise<LiveOutcome> {
    const measurement = await measureStars(clean, { signal });
    const { state } = this;
    const fault = faultOf(measurement, state?.typical ?? null);
    if (fault) return this.leaveOut(frame, fault, epoch);
    let registration: Registration | null = null;
    if (state?.typical) {
      const { width, height } = frame;
      try {
        registration = await registerStars(measurement.stars, this.reference, { width, height, signal });
      } catch (thrown) {
        const error = asNightflowError(thrown);
        if (error.code !== 'rejected') throw error;
        return this.leaveOut(frame, { code: 'no-match', text: error.message }, epoch);
      }
    }
    const weight = state?.first ? weightOf(measurement, state.first) : 1;
    const source = clean.bayer ? await debayerFrame(clean, { signal }) : clean;
    const matrix = registration?.matrix ?? identityMatrix;
    const rejectedFraction = await this.put(frame, source, invertMatrix(matrix), weight, epoch);
    if (epoch === this.epoch && this.state) {
      if (!this.state.first) this.reference = brightestOf(measurement.stars);
      const typical = typicalWith(this.state.typical, measurement, this.state.summary.added - 1);
      this.state = { ...this.state, first: this.state.first ?? typical, typical };
    }
    return { leftOut: null, weight, rejectedFraction, registration };
  }

  private async addAsItLies(frame: Frame, clean: Frame, epoch: number): Promise<LiveOutcome> {
    const rejectedFraction = await this.put(frame, clean, null, 1, epoch);
    return { leftOut: null, weight: 1, rejectedFraction, registration: null };
  }

  /** Adds the frame's pixels and its header. @param source The same, in colour where it was a mosaic. */
  private async put(
    frame: Frame,
    source: Frame,
    inverse: number[] | null,
    weight: number,
    epoch: number,
  ): Promise<number> {
    if (epoch !== this.epoch) return 0;
    this.state ??= emptyState(frame);
    const shape: StackShape = { ...this.state.shape, channels: source.channels };
    const fold = this.fold ?? (await this.emptyFold(shape));
    this.fold = fold;
    const rejectedFraction = await fold.add(source, inverse, 'lanczos3', weight);
    if (epoch === this.epoch) this.state = { ...this.state, summary: summarise(this.state.summary, frame) };
    return rejectedFraction;
  }

  private leaveOut(frame: Frame, leftOut: LeftOut, epoch: number): LiveOutcome {
    if (epoch === this.epoch) {
      this.state ??= emptyState(frame);
      this.state = { ...this.state, leftOut: this.state.leftOut + 1 };
    }
    return { leftOut, weight: 0, rejectedFraction: 0, registration: null };
  }

  /** The memory of the stack before serves again where it fits. */
  private async emptyFold(shape: StackShape): Promise<LiveFold> {
    const { spare } = this;
    this.spare = null;
    if (!spare || !isDeepStrictEqual(spare.options, this.foldOptions(shape)))
      return new LiveFold(this.foldOptions(shape));
    await spare.clear();
    return spare;
  }

  private foldOptions({ width, height, channels, bayer }: StackShape): LiveFoldOptions {
    const { mode, align, lowSigma, highSigma } = this.options;
    const rejection = mode === 'mean' ? 'none' : mode;
    const colour = align === 'stars' && bayer ? 3 : channels;
    return { width, height, channels: colour, rejection, lowSigma, highSigma };
  }

  private requireShape(frame: Frame): void {
    const { state } = this;
    if (!state || state.summary.added === 0) {
      // Frames that were left out do not say what the stack is of.
      if (state) this.state = { ...emptyState(frame), leftOut: state.leftOut };
      return;
    }
    requireShape(state.shape, frame);
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.tail.then(work);
    this.tail = done.catch(() => {});
    return done;
  }
}

const emptyState = (frame: Frame): LiveState => ({
  shape: shapeOf(frame),
  summary: emptySummary(),
  leftOut: 0,
  first: null,
  typical: null,
});

async function withoutHotPixels(frame: Frame): Promise<Frame> {
  const { data, width, height, channels, bayer, pixelType } = frame;
  const type = pixelType === 'f32' ? 'f32' : 'u16';
  const target = allocatePixels(width, height, channels, type);
  await sharedPool().run(takeDefectsOut, { data, width, height, channels, bayer, pixelType, target });
  return frame.with({ data: target, pixelType: type });
}

/** The brightest stars only: what a registration looks at, and a checkpoint holds. */
function brightestOf(stars: StarTable): StarTable {
  const count = Math.min(registeredStars, stars.count);
  const table = StarTable.of(count);
  for (const name of starColumns) table.column(name).set(stars.column(name).subarray(0, count));
  return table;
}
