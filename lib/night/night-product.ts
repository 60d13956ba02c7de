/**
 * What keogram and film have in common: material of one night that gathers on the disk, and one file made of it at the end,
 * again when more came later that night, and after a crash. A folder per night below the node's work folder.
 */
import { join } from 'node:path';
import type { Frame } from '../frame/frame.ts';
import type { NamedFrame } from './file-name.ts';
import { readState, removeWork, waitingNights, writeState } from './night-folder.ts';

export interface ProductState {
  version: 1;
  night: string;
  /** Header of the first frame: names the file even when nobody remembers the frame. */
  first: NamedFrame;
  /** The finished file, absolute; null before the first time. It is replaced when the night goes on. */
  path: string | null;
  /** How many frames that file holds. */
  finishedFrames: number;
  /** False while it is one that was made in between. */
  final: boolean;
  /** What the material needs (its size), fixed by the first frame. */
  shape: Record<string, number>;
}

export abstract class NightProduct {
  readonly folder: string;
  state: ProductState;

  constructor(folder: string, state: ProductState) {
    this.folder = folder;
    this.state = state;
  }

  /** Frames gathered so far. */
  abstract readonly frames: number;
  /** UTC ms when the last of them ended, also after a restart; null when none is there. */
  abstract readonly lastEnd: number | null;

  /** The night's file is still to be made, or more was gathered than it holds. */
  get unfinished(): boolean {
    return this.frames > 0 && (this.frames > this.state.finishedFrames || !this.state.final);
  }

  /** Remembers the file that was made. @param final It is not just one in between. */
  async made(path: string, frames: number, final: boolean): Promise<void> {
    this.state = { ...this.state, path, finishedFrames: frames, final };
    await writeState(join(this.folder, stateName), this.state);
  }

  /** Deletes the material, not the finished file. */
  remove(): Promise<void> {
    return removeWork(this.folder);
  }
}

const stateName = 'state.json';

/** The material of a night that is already there, or null. */
export async function readProductState(folder: string): Promise<ProductState | null> {
  const state = await readState<ProductState>(join(folder, stateName));
  return state?.version === 1 && typeof state.finishedFrames === 'number' && state.shape ? state : null;
}

export async function beginProduct(
  folder: string,
  night: string,
  frame: Frame,
  shape: Record<string, number>,
): Promise<ProductState> {
  const state: ProductState = {
    version: 1,
    night,
    first: header(frame),
    path: null,
    finishedFrames: 0,
    final: false,
    shape,
  };
  await writeState(join(folder, stateName), state);
  return state;
}

/** The nights of one node: the one under way, and those that a crash left unfinished. */
export class NightProducts<Product extends NightProduct> {
  private readonly folder: string;
  private readonly open: (folder: string) => Promise<Product | null>;
  current: Product | null = null;

  /** @param open Takes up what a night's folder holds; null when that is nothing useful. */
  constructor(folder: string, open: (folder: string) => Promise<Product | null>) {
    this.folder = folder;
    this.open = open;
  }

  /** Takes up the newest waiting night, if none is under way: after a restart. */
  async resume(): Promise<Product | null> {
    if (this.current) return this.current;
    const newest = (await waitingNights(this.folder)).at(-1);
    this.current = newest ? await this.open(join(this.folder, newest.name)) : null;
    return this.current;
  }

  /** Makes `night` the one under way, if it has begun. */
  async enter(night: string): Promise<Product | null> {
    if (this.current?.state.night === night) return this.current;
    const newest = (await waitingNights(this.folder)).findLast((waiting) => waiting.night === night);
    this.current = newest ? await this.open(join(this.folder, newest.name)) : null;
    return this.current;
  }

  /** A folder for a night that begins; one that begins again gets another, as its first still waits to be finished. */
  async newFolder(night: string): Promise<string> {
    const last = (await waitingNights(this.folder)).findLast((waiting) => waiting.night === night);
    return join(this.folder, last ? `${night}_${last.number + 1}` : night);
  }

  /**
   * All nights but the one under way, oldest first: to be finished if they are not, and removed.
   * @param known Those at hand, whose file may be in the making: they are not opened a second time.
   */
  async others(known: readonly Product[] = []): Promise<Product[]> {
    const others: Product[] = [];
    for (const { name } of await waitingNights(this.folder)) {
      const folder = join(this.folder, name);
      if (folder === this.current?.folder) continue;
      const product = known.find((other) => other.folder === folder) ?? (await this.open(folder));
      if (product) others.push(product);
      else await removeWork(folder);
    }
    return others;
  }
}

function header(frame: Frame): NamedFrame {
  const { width, height, kind, start, exposureSeconds, gain, offset, temperatureCelsius } = frame;
  const { camera, target, night, number, combined, source } = frame;
  const keywords = frame.keywords.slice(0, 500);
  return {
    ...{ width, height, kind, start, exposureSeconds, gain, offset, temperatureCelsius },
    ...{ camera, target, night, number, combined, source, keywords },
  };
}
