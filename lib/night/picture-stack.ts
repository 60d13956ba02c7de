/** Which of the stacks does what a plan asks for: a plain fold of pixels, or one that aligns by stars and rejects outliers. */
import type { Frame } from '../frame/frame.ts';
import { FrameStack } from '../frame/stack.ts';
import type { LeftOut } from '../stars/live-quality.ts';
import { LiveStack, type LiveStackOptions } from '../stars/live-stack.ts';

export interface FoldOptions {
  method: 'max' | 'min' | 'mean' | 'sum' | 'sigma-clip' | 'winsorised';
  /** Lays each frame on the first one by its stars; for means only. */
  align: 'none' | 'stars';
  hotPixels: 'off' | 'robust';
  fillGaps: boolean;
  /** Frames after which a trail has faded to a tenth; 0: it stays. */
  cometTail: number;
}

export interface PictureStack {
  /** Resolves to why the frame was left out; null when it is in. @throws bad-input for another size or Bayer pattern. */
  add(frame: Frame): Promise<LeftOut | null>;
  result(): Promise<Frame>;
  save(path: string): Promise<void>;
  reset(): void;
  close(): void;
}

export const openStack = (options: FoldOptions): PictureStack => {
  const live = liveOptions(options);
  return live ? ofLive(new LiveStack(live)) : ofFold(new FrameStack(plainOptions(options)));
};

/** @throws lost or bad-input when the file can't be read. */
export async function restoreStack(path: string, options: FoldOptions): Promise<PictureStack> {
  const live = liveOptions(options);
  return live
    ? ofLive(await LiveStack.restore(path, live))
    : ofFold(await FrameStack.restore(path, plainOptions(options)));
}

function ofFold(stack: FrameStack): PictureStack {
  return {
    add: (frame) => stack.add(frame).then(() => null),
    result: () => stack.result(),
    save: (path) => stack.save(path),
    reset: () => stack.reset(),
    close: () => stack.close(),
  };
}

function ofLive(stack: LiveStack): PictureStack {
  return {
    add: async (frame) => (await stack.add(frame)).leftOut,
    result: () => stack.result(),
    save: (path) => stack.save(path),
    reset: () => stack.reset(),
    close: () => stack.close(),
  };
}

/** Null for what a plain fold does. Brightest, darkest and sum take the pixels as they lie. */
function liveOptions({ method, align, hotPixels }: FoldOptions): LiveStackOptions | null {
  if (method === 'sigma-clip' || method === 'winsorised') return { mode: method, align, hotPixels };
  return method === 'mean' && align === 'stars' ? { mode: 'mean', align, hotPixels } : null;
}

/** Gaps and tails are of trails: they hold for the brightest pixel only. */
function plainOptions({ method, hotPixels, fillGaps, cometTail }: FoldOptions) {
  return {
    mode: method as 'max' | 'min' | 'mean' | 'sum',
    hotPixels,
    fillGaps: fillGaps && method === 'max',
    cometTail: method === 'max' ? cometTail : 0,
  };
}
