/** The stars that a star makes quads with: the brightest of its fainter neighbours. The same when a quad is stored and when it is read. */
import { cellOf, cellsNear, type SkyGrid } from './built-in-grid.ts';
import type { Sky } from './built-in-sky.ts';

/** A star makes quads with so many. */
export const mostNeighbours = 7;

export interface Reach {
  /** Longest side of a quad, radians, and its chord squared. */
  size: number;
  chord: number;
  /** The brightest stars of a cell that take part. */
  perCell: number;
}

export class Neighbourhood {
  /** The star itself, then its neighbours, bright first. */
  readonly members = new Uint32Array(mostNeighbours + 1);
  private readonly keys = new Int32Array(mostNeighbours + 1);
  private readonly cells = new Uint32Array(4096);
  private near = 0;
  private lastCell = -1;
  private readonly sky: Sky;
  private readonly grid: SkyGrid;
  private readonly reach: Reach;

  constructor(sky: Sky, grid: SkyGrid, reach: Reach) {
    this.sky = sky;
    this.grid = grid;
    this.reach = reach;
  }

  /** @returns how many neighbours there are */
  of(star: number): number {
    const { grid, keys, members, cells } = this;
    const { directions, magnitudeCodes } = this.sky.catalogue;
    const { chord, perCell } = this.reach;
    this.lookAround(cellOf(grid, this.sky.dec16[star]!, this.sky.ra16[star]!), star);
    const ownKey = keyOf(magnitudeCodes, star);
    const ox = directions[star * 3]!;
    const oy = directions[star * 3 + 1]!;
    const oz = directions[star * 3 + 2]!;
    members[0] = star;
    let found = 0;
    for (let n = 0; n < this.near; n++) {
      const from = grid.first[cells[n]!]!;
      const to = Math.min(grid.first[cells[n]! + 1]!, from + perCell);
      for (let place = from; place < to; place++) {
        const other = grid.stars[place]!;
        const key = keyOf(magnitudeCodes, other);
        if (key <= ownKey) continue;
        if (found === mostNeighbours && key >= keys[mostNeighbours]!) break;
        const dx = directions[other * 3]! - ox;
        const dy = directions[other * 3 + 1]! - oy;
        const dz = directions[other * 3 + 2]! - oz;
        if (dx * dx + dy * dy + dz * dz > chord) continue;
        let at = found < mostNeighbours ? ++found : mostNeighbours;
        for (; at > 1 && keys[at - 1]! > key; at--) {
          keys[at] = keys[at - 1]!;
          members[at] = members[at - 1]!;
        }
        keys[at] = key;
        members[at] = other;
      }
    }
    return found;
  }

  /** Cells within reach of a cell, from its middle to its corners. */
  private lookAround(cell: number, star: number): void {
    if (cell === this.lastCell) return;
    this.lastCell = cell;
    const { grid } = this;
    const ring = ((this.sky.dec16[star]! * grid.rings) >>> 16) - grid.firstRing;
    const dec = ((grid.firstRing + ring + 0.5) / grid.rings - 0.5) * Math.PI;
    const ra = ((cell - grid.ringFirst[ring]! + 0.5) / grid.ringCells[ring]!) * 2 * Math.PI;
    this.near = cellsNear(grid, dec, ra, Math.min(Math.PI / 2, this.reach.size * 1.38), this.cells);
  }
}

/** Brightest first, ties by number: below 2^30 for a catalogue of less than 2^22 stars. */
const keyOf = (magnitudeCodes: Uint8Array, star: number): number => magnitudeCodes[star]! * 2 ** 22 + star;
