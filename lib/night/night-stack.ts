/** Folds a night's frames into stacks by time, by count, by night or on command, and goes on after a crash. */
import { isDeepStrictEqual } from 'node:util';
import { type Clock, isoTime } from '../clock/clock.ts';
import type { Frame } from '../frame/frame.ts';
import { asNightflowError, type NightflowError } from '../process/errors.ts';
import type { LeftOut } from '../stars/live-quality.ts';
import { endOf, ranBackwards, startOf } from './backwards.ts';
import { type FoldOptions, openStack, type PictureStack } from './picture-stack.ts';
import { type Carried, type SavedStack, type SentStack, StackFolder } from './stack-folder.ts';

export type { FoldOptions } from './picture-stack.ts';

export type StackBy = 'duration' | 'count' | 'night' | 'command';

export interface StackPlan extends FoldOptions {
  by: StackBy;
  /** With `duration`: boundaries at whole multiples since 00:00 UTC 1970, so 60 s starts at each full minute. */
  seconds: number;
  /** With `count`. */
  frames: number;
}

export interface StackSummary {
  method: FoldOptions['method'];
  /** Frames in the stack, and those kept out: because of `msg.reject`, or because they did not fit the stars of the others. */
  frames: number;
  rejected: number;
  /** Why frames did not fit (`clouds`, `no-match`, `trailed` …) and how many; only where the stack looks at stars. */
  leftOut?: Record<string, number>;
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

export class NightStack {
  /** To travel with a result that is sent after a restart. */
  carried: Carried = {};
  private readonly folder: StackFolder | null;
  private readonly clock: Clock;
  private fold: PictureStack | null = null;
  /** Why the last frame was left out; null when it is in the stack. */
  lastLeftOut: LeftOut | null = null;
  private foldOptions: FoldOptions | null = null;
  private summary: StackSummary | null = null;
  /** What the stack is of: a minute, a night; another part closes it. */
  private part = '';
  private night = '';
  private number = 0;
  private changed = false;
  private closing = false;
  /** What is on the disk. */
  private saved: SavedStack | null = null;
  private sent: SentStack[] = [];

  /** @param folder For checkpoints; null keeps none. */
  constructor(folder: string | null, clock: Clock) {
    this.folder = folder === null ? null : new StackFolder(folder);
    this.clock = clock;
  }

  /** Goes on with the stack that a crash or a restart left. @param onDamage Told when its file can't be read; a new one begins then. */
  static async open(
    folder: string | null,
    clock: Clock,
    onDamage: (error: NightflowError) => void = () => {},
  ): Promise<NightStack> {
    const stack = new NightStack(folder, clock);
    const state = await stack.folder?.read();
    if (!stack.folder || !state) return stack;
    const { open, ...others } = state;
    Object.assign(stack, others);
    const fold = open && (await stack.folder.restore(open).catch(told(onDamage)));
    if (open && fold) {
      stack.fold = fold;
      // Saved before there was alignment.
      stack.foldOptions = { ...open.fold, align: open.fold.align ?? 'none' };
      stack.summary = { ...open.summary };
      stack.part = open.part;
      stack.saved = open;
    }
    return stack;
  }

  /** What is in the stack under way; null when none is. */
  get soFar(): StackSummary | null {
    return this.summary && { ...this.summary };
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

  /** Folds the frame in, or leaves it out (`lastLeftOut`). @returns the stack when its count is full. @throws bad-input for another size or Bayer pattern: the stack stays as it was. */
  async add(frame: Frame, plan: StackPlan): Promise<StackResult | null> {
    const summary = this.summary!;
    // Not abortable: a fold takes milliseconds, and one that runs on unseen could change the stack during a checkpoint.
    this.lastLeftOut = await this.fold!.add(frame);
    this.changed = true;
    if (this.lastLeftOut) {
      const { code } = this.lastLeftOut;
      summary.rejected++;
      summary.leftOut = { ...summary.leftOut, [code]: (summary.leftOut?.[code] ?? 0) + 1 };
      return null;
    }
    if (summary.end !== null && frame.start !== null) {
      const gap = Math.max(0, (Date.parse(frame.start) - Date.parse(summary.end)) / 1000);
      summary.gapSeconds += gap;
      summary.largestGapSeconds = Math.max(summary.largestGapSeconds, gap);
    }
    summary.frames++;
    summary.start ??= frame.start;
    const end = endOf(frame);
    summary.end = frame.end ?? (end === null ? summary.end : isoTime(end));
    return plan.by === 'count' && summary.frames >= plan.frames ? this.finish() : null;
  }

  /** Counts a frame that is kept out. */
  reject(): void {
    this.summary!.rejected++;
    this.lastLeftOut = null;
    this.changed = true;
  }

  /** The stack so far; null while it is empty. */
  async running(): Promise<StackResult | null> {
    return this.summary && this.summary.frames > 0 ? this.result() : null;
  }

  /**
   * Ends the stack under way. One that was on the disk stays there, with its last frames, until `handled`: a crash before those who save
   * it have done so costs no night. @returns it, or null when no frame is in it.
   */
  async finish(): Promise<StackResult | null> {
    const finished = await this.running();
    if (finished && this.folder)
      // A disk that is full must not keep the result from being sent; `checkpoint` tries again and says so.
      await this.folder.alone(() => this.keepFinished()).catch(() => {});
    this.drop();
    return finished;
  }

  /** Finished stacks that a crash may have kept from being saved, to be sent again. @param onDamage Told of each that can't be read. */
  async *unhandled(onDamage: (error: NightflowError) => void): AsyncGenerator<StackResult & { carried: Carried }> {
    for (const sent of this.sent.slice()) {
      const fold = await this.folder!.restore(sent).catch(told(onDamage));
      if (!fold) continue;
      const frame = await fold.result().finally(() => fold.close());
      yield { ...resultOf(frame, sent.summary), carried: sent.carried };
    }
  }

  /** Finished stacks that still lie on the disk. */
  get pending(): readonly SentStack[] {
    return this.sent;
  }

  /** Those who use them have these finished stacks now. @throws disk-full, failed */
  async handled(stacks: readonly SentStack[]): Promise<void> {
    await this.folder?.alone(() => {
      this.sent = this.sent.filter((sent) => !stacks.includes(sent));
      return this.note();
    });
  }

  /** From now on nobody takes a result: what is finished yet waits on the disk for the next start. @param sent What became of those before. */
  outputsClose(sent: 'delivered' | 'lost'): void {
    this.closing = true;
    if (sent === 'lost' || this.sent.length === 0) return;
    this.sent = [];
    this.changed = true;
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
    await this.folder?.alone(async () => {
      if (!this.changed) return;
      this.saved = this.frames > 0 ? await this.save() : null;
      await this.note();
      this.changed = false;
    });
  }

  /** Gives the memory back. */
  close(): void {
    this.fold?.close();
    this.fold = null;
    this.summary = null;
  }

  private begin(part: string, plan: StackPlan): void {
    const { method, align, hotPixels, fillGaps, cometTail } = plan;
    this.part = part;
    const options = { method, align, hotPixels, fillGaps, cometTail };
    // The memory of the stack before serves again; only other options need a new one.
    if (!this.fold || !isDeepStrictEqual(options, this.foldOptions)) {
      this.fold?.close();
      this.fold = openStack(options);
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
    return resultOf(await this.fold!.result(), this.summary!);
  }

  /** A stack of less than a checkpoint's time is not worth a write of its size: a crash costs as much of any. */
  private async keepFinished(): Promise<void> {
    if (this.saved || this.closing) {
      const saved = await this.save().catch(() => this.saved);
      if (saved) this.sent.push({ ...saved, carried: this.carried });
    }
    this.saved = null;
    await this.note();
  }

  private async save(): Promise<SavedStack> {
    const summary = { ...this.summary! };
    return { part: this.part, fold: this.foldOptions!, file: await this.folder!.save(this.fold!), summary };
  }

  private note(): Promise<void> {
    const { night, number, carried, saved, sent } = this;
    return this.folder!.note({ night, number, carried, open: saved, sent });
  }
}

const told = (onDamage: (error: NightflowError) => void) => (thrown: unknown) => {
  onDamage(asNightflowError(thrown));
  return null;
};

const resultOf = (frame: Frame, summary: StackSummary): StackResult => ({
  frame: frame.with({ night: summary.night, number: summary.number, source: null }),
  summary: { ...summary },
});

function partOf(frame: Frame, night: string, plan: StackPlan, clock: Clock): string {
  if (plan.by === 'night') return `night ${night}`;
  if (plan.by !== 'duration') return plan.by;
  const start = frame.start === null ? clock.now() : Date.parse(frame.start);
  return `duration ${plan.seconds} ${Math.floor(start / 1000 / plan.seconds)}`;
}
