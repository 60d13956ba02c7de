/** What a camera sees of a clear sky: stars of each cell by brightness, learnt from its own frames and never from its cloudy ones. */
import { type CellCounts, type CloudGrid, levels, nearestLevel, ratioOfLevels } from './clouds-grid.ts';
import type { Shape } from './clouds-shape.ts';

/** As it lies in a file: levels that hold a star, each with one number per cell. */
export interface SavedReference {
  columns: number;
  rows: number;
  frames: number;
  limit: number;
  /** UTC ms of the last frame that was learnt. */
  used: number;
  depth: number[];
  shape: Shape;
  levels: { level: number; frames: number; counts: number[] }[];
}

/** Seconds in which the reference gives in to what is seen, by two thirds. */
const patience = {
  /** Clear: it follows the sky as it turns. */
  clear: 30 * 60,
  /** Fewer stars than expected, though no cloud: the Milky Way sets, or a haze thickens, which must not become the new clear sky. */
  hazy: 45 * 60,
  /** Cloudy: hardly at all, so that a tree that grew or a lens of another width is accepted after some nights. */
  cloudy: 24 * 3600,
} as const;
/** More stars than ever: what was known before was cloudy. Share of the difference that one frame makes. */
const brighterShare = 0.3;
/** A pause between frames counts no more than this, seconds. */
const longestStep = 120;
export type CellSky = keyof typeof patience | 'brighter';

export class ClearSky {
  readonly cells: number;
  /** Frames learnt. */
  frames = 0;
  used = 0;
  /** What its stars look like. */
  shape: Shape = { hfr: 0, trails: 0, eccentricity: 0 };
  /** Faintest stars that are found, as flux over the noise of a pixel; 0 while unknown. */
  limit = 0;
  private readonly grid: CloudGrid;
  private readonly expected = new Float32Array(0);
  /** Frames that a level was learnt from. */
  private readonly learnt = new Uint32Array(levels);
  /** Lowest level that is known of each cell. */
  private readonly depth: Uint8Array;

  constructor(grid: CloudGrid) {
    this.grid = grid;
    this.cells = grid.columns * grid.rows;
    this.expected = new Float32Array(levels * this.cells);
    this.depth = new Uint8Array(this.cells).fill(levels - 1);
  }

  /** The level of each cell down to which this frame's stars can be compared: both know all of them. @param noise ADU, per cell */
  comparable(noise: readonly number[], limit = this.limit): Uint8Array {
    const result = new Uint8Array(this.cells);
    for (let cell = 0; cell < this.cells; cell++)
      result[cell] = Math.max(this.depth[cell]!, reachable(noise[cell]!, limit));
    return result;
  }

  /** Expected stars of each cell down to its level. */
  at(level: Uint8Array): Float32Array {
    return atLevels(this.expected, level, this.cells);
  }

  /** How fast the number of stars falls with their brightness about these levels: N(>F) ~ F^-slope. */
  slope(level: Uint8Array): number {
    const steps = 4;
    const brighter = level.map((each) => Math.min(levels - 1, each + steps));
    const [all, bright] = [sum(this.at(level)), sum(this.at(brighter))];
    if (!(bright > 0 && all > bright)) return usualSlope;
    return Math.min(2, Math.max(0.8, Math.log(all / bright) / Math.log(ratioOfLevels(steps))));
  }

  /** @param sky How each cell looked; null for cells that say nothing. @param milliseconds UTC of the frame. */
  learn(
    counts: CellCounts,
    noise: readonly number[],
    frameLimit: number,
    sky: readonly (CellSky | null)[],
    milliseconds: number,
  ): void {
    const seconds = this.secondsTo(milliseconds);
    this.used = milliseconds;
    const shares = {
      clear: 1 - Math.exp(-seconds / patience.clear),
      hazy: 1 - Math.exp(-seconds / patience.hazy),
      cloudy: 1 - Math.exp(-seconds / patience.cloudy),
      brighter: brighterShare,
    };
    const first = this.frames === 0;
    this.frames++;
    if (frameLimit > 0) {
      const known = this.limit > 0 ? this.limit : frameLimit;
      this.limit = known + Math.max(1 / this.frames, shares.clear) * (frameLimit - known);
    }
    const touched = new Uint8Array(levels);
    for (let cell = 0; cell < this.cells; cell++) {
      const how = first ? 'clear' : sky[cell];
      if (!how) continue;
      const reach = reachable(noise[cell]!, this.limit);
      for (let level = reach; level < levels; level++) {
        const at = level * this.cells + cell;
        const known = level >= this.depth[cell]!;
        if (!known && how === 'cloudy') continue;
        const share = how === 'clear' ? Math.max(shares.clear, 1 / (this.learnt[level]! + 1)) : shares[how];
        const before = this.expected[at]!;
        this.expected[at] = known ? before + share * (counts[at]! - before) : counts[at]!;
        if (how !== 'cloudy') touched[level] = 1;
      }
      if (how !== 'cloudy') this.depth[cell] = Math.min(this.depth[cell]!, reach);
    }
    for (let level = 0; level < levels; level++) this.learnt[level] = this.learnt[level]! + touched[level]!;
  }

  /** Since the frame before, a pause shortened. */
  secondsTo(milliseconds: number): number {
    return Math.min(longestStep, Math.max(0, (milliseconds - this.used) / 1000));
  }

  save(): SavedReference {
    const saved: SavedReference['levels'] = [];
    for (let level = 0; level < levels; level++) {
      const counts = Array.from(this.expected.subarray(level * this.cells, (level + 1) * this.cells), rounded);
      if (this.learnt[level]! > 0 && counts.some((count) => count > 0))
        saved.push({ level, frames: this.learnt[level]!, counts });
    }
    const { columns, rows } = this.grid;
    const { frames, limit, used, shape } = this;
    return { columns, rows, frames, limit, used, shape, depth: [...this.depth], levels: saved };
  }

  /** null for what is no reference of this grid: the file may have been edited. */
  static restore(grid: CloudGrid, saved: unknown): ClearSky | null {
    const from = saved as Partial<SavedReference> | null;
    const sky = new ClearSky(grid);
    const { cells } = sky;
    if (from?.columns !== grid.columns || from.rows !== grid.rows) return null;
    if (!isCount(from.frames) || !isCount(from.used) || !(isCount(from.limit) && from.limit < 1e9)) return null;
    if (!isCounts(from.depth, cells) || !Array.isArray(from.levels) || from.levels.length > levels) return null;
    for (const each of from.levels) {
      if (!each || !Number.isInteger(each.level) || each.level < 0 || each.level >= levels) return null;
      if (!isCount(each.frames) || !isCounts(each.counts, cells)) return null;
      sky.expected.set(each.counts, each.level * cells);
      sky.learnt[each.level] = each.frames;
    }
    const { hfr, trails, eccentricity } = from.shape ?? {};
    if (!isCount(hfr) || !isCount(trails) || !isCount(eccentricity)) return null;
    sky.shape = { hfr, trails, eccentricity };
    sky.depth.set(from.depth.map((level) => Math.min(levels - 1, level)));
    Object.assign(sky, { frames: from.frames, limit: from.limit, used: from.used });
    return sky;
  }
}

/** Values of each cell down to its level. */
export function atLevels(counts: CellCounts, level: Uint8Array, cells: number): Float32Array {
  return Float32Array.from({ length: cells }, (_, cell) => counts[level[cell]! * cells + cell]!);
}

export const sum = (values: ArrayLike<number>): number => {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
};

/** Of the sky around magnitude 6. */
const usualSlope = 1.2;

const reachable = (noise: number, limit: number): number => nearestLevel(Math.max(1e-4, noise * limit));
const rounded = (value: number): number => Math.round(value * 100) / 100;
const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isCounts = (value: unknown, length: number): value is number[] =>
  Array.isArray(value) && value.length === length && value.every(isCount);
