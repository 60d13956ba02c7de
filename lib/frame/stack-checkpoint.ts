/** The file that lets a stack go on after a crash: its settings and header, and the accumulator as it lies in memory. */
import type { FoldFrames, FoldMode, HotPixels } from '../kernels/fold.ts';
import { maximumPixels } from './frame.ts';
import type { StackShape } from './stack.ts';
import { emptySummary, type StackSummary } from './stack-summary.ts';
import { isCount, readStateFile, writeStateFile } from './state-file.ts';

export interface StackCheckpoint {
  mode: FoldMode;
  hotPixels: HotPixels;
  cometTail: number;
  shape: StackShape;
  summary: StackSummary;
  frames: FoldFrames;
}

const magic = 'NFSTACK1';

export const writeCheckpoint = (path: string, checkpoint: StackCheckpoint, state: Uint8Array): Promise<void> =>
  writeStateFile(path, magic, checkpoint, [state]);

/** Reads and checks the header, then hands it over with a function that fills a view with the state. */
export const readCheckpoint = (
  path: string,
  use: (checkpoint: StackCheckpoint, read: (state: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<void> =>
  readStateFile<StackCheckpoint>(path, magic, isSound, (checkpoint, read) => use(checkpoint, (state) => read([state])));

function isSound({ mode, hotPixels, cometTail, shape, summary, frames }: Partial<StackCheckpoint>): boolean {
  return (
    ['max', 'min', 'sum', 'mean'].includes(mode as string) &&
    ['off', 'robust', 'defect-map', 'dark'].includes(hotPixels as string) &&
    Number.isFinite(cometTail) &&
    isSoundShape(shape) &&
    !!frames &&
    isCount(frames.count) &&
    frames.count > 0 &&
    isCount(frames.scoredFrames) &&
    isSoundSummary(summary)
  );
}

export function isSoundShape(shape: StackShape | undefined): boolean {
  return (
    !!shape &&
    isCount(shape.width) &&
    isCount(shape.height) &&
    shape.width * shape.height >= 1 &&
    (shape.channels === 1 || shape.channels === 3) &&
    shape.width * shape.height * shape.channels <= maximumPixels &&
    [null, 'RGGB', 'BGGR', 'GRBG', 'GBRG'].includes(shape.bayer) &&
    ['u8', 'u16', 'f32'].includes(shape.pixelType) &&
    ['linear', 'srgb'].includes(shape.transfer)
  );
}

/** Every field of a summary is there and of the kind that an empty one shows (or null where that may be). */
export function isSoundSummary(summary: StackSummary | undefined): boolean {
  if (!summary || typeof summary !== 'object' || typeof summary.first !== 'object' || !summary.first) return false;
  const text = (value: unknown) => value === null || (typeof value === 'string' && !Number.isNaN(Date.parse(value)));
  const number = (value: unknown) => value === null || Number.isFinite(value);
  const model = emptySummary();
  return (
    text(summary.start) &&
    text(summary.end) &&
    number(summary.exposureSeconds) &&
    number(summary.timeUncertaintySeconds) &&
    number(summary.first.blackLevel ?? null) &&
    (['frames', 'added', 'temperatureSum', 'temperatures', 'whiteLevel', 'precisionLost'] as const).every(
      (name) => typeof summary[name] === typeof model[name],
    )
  );
}
