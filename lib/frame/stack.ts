/** A running stack of frames (brightest, darkest, sum, mean) of one camera setting, with the header of the result. */
import { Fold, type FoldMode, type HotPixels } from '../kernels/fold.ts';
import type { WorkerPool } from '../kernels/pool.ts';
import { NightflowError } from '../process/errors.ts';
import { Frame, type FrameFields, type PixelType } from './frame.ts';
import { requirePixels } from './original.ts';
import { readCheckpoint, writeCheckpoint } from './stack-checkpoint.ts';
import { emptySummary, type StackSummary, summarise, summaryHeader } from './stack-summary.ts';

export interface StackOptions {
  /** `max` for star trails, `min` to lose what moves, `sum` and `mean` for depth (32-bit float results). */
  mode: FoldMode;
  /** `robust` needs nothing else; `dark` needs a matched dark frame; `defect-map` the indices of the bad pixels. */
  hotPixels: HotPixels;
  /** `max` only: comet tails. The number of frames after which the trail has faded to a tenth; 0 or absent: it stays. */
  cometTail?: number;
  /** `max` only: bridges a trail across the short gap between two frames that follow each other. */
  fillGaps?: boolean;
  dark?: Frame;
  /** Indices (u32) of bad pixels, as `FrameStack.defects()` or `findDefects` answer. */
  defects?: SharedArrayBuffer;
  /** Workers to split a frame over; 1 leaves the others to other work. */
  threads?: number;
  pool?: WorkerPool;
}

/** What all frames of a stack must share. */
export type StackShape = Pick<FrameFields, 'width' | 'height' | 'channels' | 'bayer' | 'pixelType' | 'transfer'>;

export class FrameStack {
  readonly options: StackOptions;
  private fold: Fold | null = null;
  private shape: StackShape | null = null;
  private summary: StackSummary = emptySummary();
  private last: Frame | null = null;
  /** Rises at each reset, so that a frame still on its way doesn't count for the next stack. */
  private epoch = 0;

  constructor(options: StackOptions) {
    this.options = options;
    if (options.fillGaps && options.mode !== 'max')
      throw new NightflowError('bad-input', 'Gaps can only be filled in a stack of the brightest pixels (max).');
  }

  /** Exposures in the stack: a frame that is itself a stack counts as many as it combined. */
  get count(): number {
    return this.summary.frames;
  }

  /**
   * Folds a frame in; resolves when it is. The frame's pixels must stay as they are until then.
   * @throws bad-input for another size, Bayer pattern or pixel type than the first frame's, and for a file that could not be decoded: the stack stays as it was.
   */
  async add(frame: Frame, signal?: AbortSignal): Promise<void> {
    requirePixels(frame);
    this.checkShape(frame);
    const epoch = this.epoch;
    this.fold ??= this.makeFold(frame);
    this.shape ??= shapeOf(frame);
    const previous = this.last;
    if (this.options.fillGaps) this.last = frame.withoutOriginal;
    const bridgeFrom = previous && followsClosely(previous, frame) ? previous.data : undefined;
    const onFolded = () => {
      if (epoch === this.epoch) this.summary = summarise(this.summary, frame);
    };
    await this.fold.add(frame.data, { signal, bridgeFrom, onFolded });
  }

  /** The stack so far as a frame of its own; the stack goes on. @throws bad-input when it is empty. */
  async result(): Promise<Frame> {
    const { fold, shape } = this;
    if (!fold || !shape) throw new NightflowError('bad-input', 'A stack without a frame has no picture.');
    let summary = this.summary;
    const data = await fold.snapshot(() => {
      summary = this.summary;
    });
    return new Frame({ ...summaryHeader(summary, this.options.mode), ...shape, pixelType: fold.resultType, data });
  }

  /** Indices (u32) of the pixels that the robust test found hot again and again. */
  async defects(): Promise<SharedArrayBuffer> {
    return this.fold ? this.fold.defects() : new SharedArrayBuffer(0);
  }

  /** Empties the stack; the next frame may have another size. */
  reset(): void {
    this.epoch++;
    this.summary = emptySummary();
    this.last = null;
    this.shape = null;
    this.fold?.reset();
  }

  /** Gives its memory back. A later `add` starts a new stack. */
  close(): void {
    this.reset();
    this.fold?.close();
    this.fold = null;
  }

  /** Writes the state to a file, durably, so that `restore` goes on after a crash. @throws bad-input when empty, disk-full… */
  async save(path: string): Promise<void> {
    const { fold, shape } = this;
    if (!fold || !shape) throw new NightflowError('bad-input', 'A stack without a frame has nothing to save.');
    const { mode, hotPixels, cometTail = 0 } = this.options;
    await fold.withState((state, frames) =>
      writeCheckpoint(path, { mode, hotPixels, cometTail, shape, summary: this.summary, frames }, state),
    );
  }

  /**
   * Goes on with a stack that was saved. The first gap after that is not filled.
   * @throws bad-input when the file is not a checkpoint, is cut off, or was saved with other options; lost when it is not there.
   */
  static async restore(path: string, options: StackOptions): Promise<FrameStack> {
    const stack = new FrameStack(options);
    await readCheckpoint(path, async (saved, read) => {
      for (const name of ['mode', 'hotPixels', 'cometTail'] as const)
        if (saved[name] !== (options[name] ?? 0))
          throw new NightflowError(
            'bad-input',
            `${path} was saved with ${name} ${saved[name]}, not ${options[name] ?? 0}.`,
            { remedy: 'Restore it with the same settings, or delete it to start anew.' },
          );
      stack.shape = saved.shape;
      stack.summary = saved.summary;
      stack.fold = stack.makeFold({ ...saved.shape, blackLevel: saved.summary.first.blackLevel ?? 0 });
      await stack.fold.resume(saved.frames, (state) => read(state));
    });
    return stack;
  }

  private makeFold(frame: StackShape & { blackLevel: number }): Fold {
    const { mode, hotPixels, cometTail, dark, defects, threads, pool } = this.options;
    if (hotPixels === 'dark') checkDark(dark, frame);
    return new Fold({
      mode,
      hotPixels,
      cometTail,
      bridgeGaps: this.options.fillGaps,
      defects,
      threads,
      pool,
      dark: hotPixels === 'dark' ? dark?.data : undefined,
      sampleType: frame.pixelType,
      width: frame.width,
      height: frame.height,
      planes: frame.channels,
      colourStep: frame.bayer ? 2 : 1,
      blackLevel: frame.blackLevel,
    });
  }

  private checkShape(frame: Frame): void {
    const { shape } = this;
    if (!shape) {
      // A stack that was emptied may go on with another size: the old memory does not fit.
      if (this.fold && !foldFits(this.fold, frame)) {
        this.fold.close();
        this.fold = null;
      }
      return;
    }
    requireShape(shape, frame);
  }
}

export const shapeOf = ({ width, height, channels, bayer, pixelType, transfer }: StackShape): StackShape => ({
  width,
  height,
  channels,
  bayer,
  pixelType,
  transfer,
});

/** @throws bad-input naming both, for a frame of another size, colour or pixel type than the stack's. */
export function requireShape(shape: StackShape, frame: Frame): void {
  if ((Object.keys(shape) as (keyof StackShape)[]).some((name) => shape[name] !== frame[name]))
    throw new NightflowError(
      'bad-input',
      `A frame of ${describe(frame)} does not fit into a stack of ${describe(shape)}.`,
      { remedy: 'Stack frames of one camera and one setting; start a new stack for the others.' },
    );
}

const typeNames: Record<PixelType, string> = { u8: '8 bit', u16: '16 bit', f32: '32-bit float' };

const describe = (shape: StackShape): string =>
  `${shape.width} x ${shape.height} ${shape.bayer ?? (shape.channels === 3 ? 'RGB' : 'mono')} ${typeNames[shape.pixelType]}${shape.transfer === 'srgb' ? ' (sRGB)' : ''}`;

const foldFits = ({ options }: Fold, frame: Frame): boolean =>
  options.width === frame.width &&
  options.height === frame.height &&
  options.planes === frame.channels &&
  options.colourStep === (frame.bayer ? 2 : 1) &&
  options.sampleType === frame.pixelType &&
  options.blackLevel === frame.blackLevel;

function checkDark(dark: Frame | undefined, frame: StackShape): void {
  if (!dark) throw new NightflowError('bad-input', 'Taking hot pixels out with a dark needs the dark frame.');
  if (
    dark.width !== frame.width ||
    dark.height !== frame.height ||
    dark.channels !== frame.channels ||
    dark.bayer !== frame.bayer ||
    dark.pixelType !== frame.pixelType
  )
    throw new NightflowError('bad-input', `A dark of ${describe(dark)} does not match frames of ${describe(frame)}.`, {
      remedy: 'Take a dark with the same camera, exposure, gain and temperature.',
    });
}

/** A gap no longer than the exposure itself is bridged; frames without times are taken to follow each other. */
function followsClosely(previous: Frame, next: Frame): boolean {
  if (previous.end === null || next.start === null) return true;
  const gapSeconds = (Date.parse(next.start) - Date.parse(previous.end)) / 1000;
  return gapSeconds <= (next.exposureSeconds ?? 0) && gapSeconds > -(next.exposureSeconds ?? 0);
}
