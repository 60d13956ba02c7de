/** The folder of a stack: what it needs to go on after a crash, and finished stacks until those who use them surely have them. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readState, writeState } from './night-folder.ts';
import type { StackSummary } from './night-stack.ts';
import { type FoldOptions, type PictureStack, restoreStack } from './picture-stack.ts';

/** Topic, prefix and the like: what of the messages travels on with a result that is sent after a restart. */
export type Carried = Record<string, string | number | boolean>;

export interface SavedStack {
  part: string;
  fold: FoldOptions;
  /** Of its pixels, in the same folder. */
  file: string;
  /** As it was when the pixels were saved. */
  summary: StackSummary;
}

export interface SentStack extends SavedStack {
  carried: Carried;
}

export interface StackState {
  night: string;
  number: number;
  carried: Carried;
  /** The stack under way; null between stacks, and while nothing of it was saved. */
  open: SavedStack | null;
  /** Finished and sent, but perhaps not yet in the hands of those who save them; oldest first. */
  sent: SentStack[];
}

const stateName = 'state.json';

export class StackFolder {
  private readonly folder: string;
  private generation = 0;
  private tail: Promise<unknown> = Promise.resolve();

  constructor(folder: string) {
    this.folder = folder;
  }

  /** What was noted last; null when nothing was. */
  async read(): Promise<StackState | null> {
    const state = await readState<StackState & { version: number }>(join(this.folder, stateName));
    if (state?.version !== 1) return null;
    const { night, number, carried = {}, sent = [] } = state;
    const open = state.open?.file ? state.open : null;
    for (const { file } of [...sent, ...(open ? [open] : [])])
      this.generation = Math.max(this.generation, Number(/\d+/.exec(file)?.[0] ?? 0));
    return { night, number, carried, open, sent };
  }

  /** One thing on the disk after the other: noting deletes what it does not name. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.tail.then(work);
    this.tail = done.catch(() => {});
    return done;
  }

  /** Saves the pixels under a new name. They count when they are noted. */
  async save(fold: PictureStack): Promise<string> {
    const file = `stack-${++this.generation}.bin`;
    await fold.save(join(this.folder, file));
    return file;
  }

  /** @throws lost or bad-input when its file can't be read. */
  restore({ file, fold }: SavedStack): Promise<PictureStack> {
    return restoreStack(join(this.folder, file), fold);
  }

  /** This small file is what counts: it names the pixels that belong to it, and the ones before stay until it is written. */
  async note(state: StackState): Promise<void> {
    await writeState(join(this.folder, stateName), { version: 1, ...state });
    const named = [...state.sent, ...(state.open ? [state.open] : [])].map(({ file }) => file);
    for (const name of await readdir(this.folder))
      if (/^stack-\d+\.bin/.test(name) && !named.includes(name)) await rm(join(this.folder, name), { force: true });
  }
}
