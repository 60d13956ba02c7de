/** Cells of the sky of one size, each with its few brightest stars: what quads are made of and candidates are checked on. */
import { locate, type Sky } from './built-in-sky.ts';

export interface SkyGrid {
  rings: number;
  /** Of each ring from the south pole: its first cell, and how many cells it has, eastward from 0 h. */
  ringFirst: Uint32Array;
  ringCells: Uint32Array;
  /** How many stars a cell holds, and which, bright first, `perCell` places each. */
  held: Uint8Array;
  stars: Uint32Array;
}

/** Stars a cell keeps to check candidates on. */
export const perCell = 8;
/** Cells that never fill would make the search for stars go on to the faintest: so many per place are looked at. */
const looksPerPlace = 5;

/**
 * @param cellSize Radians.
 * @param among Bright first; all of the sky's if not given.
 */
export function gridOf(sky: Sky, cellSize: number, among: Uint32Array = sky.order): SkyGrid {
  const rings = Math.max(2, Math.round(Math.PI / cellSize));
  const ringFirst = new Uint32Array(rings + 1);
  const ringCells = new Uint32Array(rings);
  for (let ring = 0; ring < rings; ring++) {
    const middle = ((ring + 0.5) / rings - 0.5) * Math.PI;
    ringCells[ring] = Math.max(1, Math.round(2 * rings * Math.cos(middle)));
    ringFirst[ring + 1] = ringFirst[ring]! + ringCells[ring]!;
  }
  const cells = ringFirst[rings]!;
  const grid = { rings, ringFirst, ringCells, held: new Uint8Array(cells), stars: new Uint32Array(cells * perCell) };
  const looks = among === sky.order ? Math.min(among.length, cells * perCell * looksPerPlace) : among.length;
  const { dec16, ra16 } = sky;
  for (let i = 0; i < looks; i++) {
    const star = among[i]!;
    if (dec16[star] === 0) locate(sky, star);
    const ring = (dec16[star]! * rings) >>> 16;
    const cell = ringFirst[ring]! + ((ra16[star]! * ringCells[ring]!) >>> 16);
    if (grid.held[cell]! < perCell) grid.stars[cell * perCell + grid.held[cell]!++] = star;
  }
  return grid;
}

/** Calls `visit` with the cells that may hold a place within `reach` (radians) of a declination and right ascension (radians, 0 to 2 pi). */
export function cellsNear(grid: SkyGrid, dec: number, ra: number, reach: number, into: Uint32Array): number {
  const { rings, ringFirst, ringCells } = grid;
  const perRadian = rings / Math.PI;
  const from = Math.max(0, Math.floor((dec - reach + Math.PI / 2) * perRadian));
  const to = Math.min(rings - 1, Math.floor((dec + reach + Math.PI / 2) * perRadian));
  // The widest right ascension within the reach: sin(dRA) = sin(reach) / cos(dec); around a pole, all of it.
  const ratio = Math.sin(reach) / Math.cos(dec);
  const wide = ratio >= 1 || Math.abs(dec) + reach >= Math.PI / 2 ? Math.PI : Math.asin(ratio);
  let count = 0;
  for (let ring = from; ring <= to; ring++) {
    const cells = ringCells[ring]!;
    const turn = cells / (2 * Math.PI);
    let west = Math.floor((ra - wide) * turn);
    let east = Math.floor((ra + wide) * turn);
    if (east - west >= cells - 1) [west, east] = [0, cells - 1];
    for (let cell = west; cell <= east && count < into.length; cell++)
      into[count++] = ringFirst[ring]! + (((cell % cells) + cells) % cells);
  }
  return count;
}
