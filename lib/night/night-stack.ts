/** Folds a night's frames into stacks by time, by count, by night or on command, and goes on after a crash. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Clock, isoTime } from '../clock/clock.ts';
import type { Frame } from '../frame/frame.ts';
import { FrameStack } from '../frame/stack.ts';
import { endOf, ranBackwards, startOf } from './backwards.ts';
import { readState, writeState } from './night-folder.ts';

export type StackBy = 'duration' | 'count' | 'night' | 'command';

export interface FoldOptions {
  method: 'max' | 'min' | 'mean' | 'sum';
  hotPixels: 'off' | 'robust';
  fillGaps: boolean;
  /** Frames after which a trail has faded to a tenth; 0: it stays. */
  cometTail: number;
}

export interface StackPlan extends FoldOptions {
  by: StackBy;
  /** With `duration`: boundaries at whole multiples since 00:00 UTC 1970, so 60 s starts at each full minute. */
  seconds: number;
  /** With `count`. */
  frames: number;
}

export interface StackSummary {
  method: FoldOptions['method'];
  /** Frames in the stack, and those kept out because of `msg.reject`. */
  frames: number;
  rejected: number;
  /** ISO 8601 UTC of the first start and the last end. */
  start: string | null;
  end: string | null;
  /** Time without light between the frames, seconds: in all and at most at once. */
  gapSeconds: number;
  largestGapSeconds: number;
  night: string;
  /** Which stack of the night, from 1. */
  number: number;
}

export interface StackResult {
  frame: Frame;
  summary: StackSummary;
}

interface State {
  version: 1;
  night: string;
  number: number;
  /** The stack under way; null between stacks. */
  open: { part: string; fold: FoldOptions; file: string | null; summary: StackSummary } | null;
}

const stateName = 'state.json';

export class NightStack {
  private readonly folder: string | null;
  private readonly clock: Clock;
  private fold: FrameStack | null = null;
  private foldOptions: FoldOptions | null = null;
  private summary: StackSummary | null = null;
  /** What the stack is of: a minute, a night; another part closes it. */
  private part = '';
  private night = '';
  private number = 0;
  private generation = 0;
  private changed = false;

  /** @param folder For checkpoints; null keeps none. */
  constructor(folder: string | null, clock: Clock) {
    this.folder = folder;
    this.clock = clock;
  }

  /** Goes on with the stack that a crash or a restart left. @throws lost or failed when its file can't be read. */
  static async open(folder: string | null, clock: Clock): Promise<NightStack> {
    const stack = new NightStack(folder, clock);
    const state = folder ? await readState<State>(join(folder, stateName)) : null;
    if (!folder || state?.version !== 1) return stack;
    stack.night = state.night;
    stack.number = state.number;
    if (state.open?.file) {
      const { fold, file, summary, part } = state.open;
      stack.fold = await FrameStack.restore(join(folder, file), foldStackOptions(fold));
      stack.foldOptions = fold;
      stack.summary = summary;
      stack.part = part;
      stack.generation = Number(/\d+/.exec(file)?.[0] ?? 0);
    }
    return stack;
  }

  /** Frames in the stack under way. */
  get frames(): number {
    return this.summary?.frames ?? 0;
  }

  get rejected(): number {
    return this.summary?.rejected ?? 0;
  }

  /** To call before `add` or `reject`: closes the stack under way when this frame belongs to the next one. */
  async advance(frame: Frame, night: string, plan: StackPlan): Promise<StackResult | null> {
    const part = partOf(frame, night, plan, this.clock);
    const finished = this.summary && (part !== this.part || this.isOver(frame, plan)) ? await this.finish() : null;
    if (night !== this.night) {
      this.night = night;
      this.number = 0;
    }
    if (!this.summary) this.begin(part, plan);
    return finished;
  }

  /** Folds the frame in. @returns the stack when its count is full. @throws bad-input for another size or Bayer pattern: the stack stays as it was. */
  async add(frame: Frame, plan: StackPlan): Promise<StackResult | null> {
    const summary = this.summary!;
    // Not abortable: a fold takes milliseconds, and one that runs on unseen could change the stack during a checkpoint.
    await this.fold!.add(frame);
    if (summary.end !== null && frame.start !== null) {
      const gap = Math.max(0, (Date.parse(frame.start) - Date.parse(summary.end)) / 1000);
      summary.gapSeconds += gap;
      summary.largestGapSeconds = Math.max(summary.largestGapSeconds, gap);
    }
    summary.frames++;
    summary.start ??= frame.start;
    const end = endOf(frame);
    summary.end = frame.end ?? (end === null ? summary.end : isoTime(end));
    this.changed = true;
    return plan.by === 'count' && summary.frames >= plan.frames ? this.finish() : null;
  }

  /** Counts a frame that is kept out. */
  reject(): void {
    this.summary!.rejected++;
    this.changed = true;
  }

  /** The stack so far; null while it is empty. */
  async running(): Promise<StackResult | null> {
    return this.summary && this.summary.frames > 0 ? this.result() : null;
  }

  /** Ends the stack under way. @returns it, or null when no frame is in it. */
  async finish(): Promise<StackResult | null> {
    const finished = await this.running();
    this.drop();
    return finished;
  }

  /** Forgets the stack under way; the next checkpoint takes it off the disk. */
  drop(): void {
    if (!this.summary) return;
    if (this.summary.frames === 0) this.number--;
    this.summary = null;
    this.fold?.reset();
    this.changed = true;
  }

  /** Puts the stack under way on the disk, whole or not at all; does nothing when it is there already. */
  async checkpoint(): Promise<void> {
    if (!this.folder || !this.changed) return;
    const { summary, fold } = this;
    let file: string | null = null;
    if (fold && summary && summary.frames > 0) {
      file = `stack-${++this.generation}.bin`;
      await fold.save(join(this.folder, file));
    }
    const open = summary && fold ? { part: this.part, fold: this.foldOptions!, file, summary } : null;
    // This small file is what counts: it names the pixels that belong to it, and the ones before stay until it is written.
    await writeState(join(this.folder, stateName), {
      version: 1,
      night: this.night,
      number: this.number,
      open,
    } satisfies State);
    this.changed = false;
    for (const name of await readdir(this.folder))
      if (/^stack-\d+\.bin/.test(name) && name !== file) await rm(join(this.folder, name), { force: true });
  }

  /** Gives the memory back. */
  close(): void {
    this.fold?.close();
    this.fold = null;
    this.summary = null;
  }

  private begin(part: string, plan: StackPlan): void {
    const { method, hotPixels, fillGaps, cometTail } = plan;
    this.part = part;
    const options = { method, hotPixels, fillGaps, cometTail };
    // The memory of the stack before serves again; only other options need a new one.
    if (!this.fold || !isDeepStrictEqual(options, this.foldOptions)) {
      this.fold?.close();
      this.fold = new FrameStack(foldStackOptions(options));
      this.foldOptions = options;
    }
    this.summary = {
      method,
      frames: 0,
      rejected: 0,
      start: null,
      end: null,
      gapSeconds: 0,
      largestGapSeconds: 0,
      night: this.night,
      number: ++this.number,
    };
  }

  /** A rehearsal that began again begins a new trail. Files that are stacked by count or on command may come in any order. */
  private isOver(frame: Frame, { by }: StackPlan): boolean {
    const end = this.summary?.end ?? null;
    if (end === null || (by !== 'night' && by !== 'duration')) return false;
    return ranBackwards(this.clock, Date.parse(end), startOf(frame));
  }

  private async result(): Promise<StackResult> {
    const summary = { ...this.summary! };
    const frame = await this.fold!.result();
    return { frame: frame.with({ night: summary.night, number: summary.number, source: null }), summary };
  }
}

/** Gaps and tails are of trails: they hold for the brightest pixel only. */
const foldStackOptions = ({ method, hotPixels, fillGaps, cometTail }: FoldOptions) => ({
  mode: method,
  hotPixels,
  fillGaps: fillGaps && method === 'max',
  cometTail: method === 'max' ? cometTail : 0,
});

function partOf(frame: Frame, night: string, plan: StackPlan, clock: Clock): string {
  if (plan.by === 'night') return `night ${night}`;
  if (plan.by !== 'duration') return plan.by;
  const start = frame.start === null ? clock.now() : Date.parse(frame.start);
  return `duration ${plan.seconds} ${Math.floor(start / 1000 / plan.seconds)}`;
}
