/** Cells of the sky of one size, each with its few brightest stars: what quads are made of and candidates are checked on. */
import { locate, type Sky } from './built-in-sky.ts';

export interface SkyGrid {
  /** Rings of the whole sky from the south pole, and the one before which the grid begins. */
  rings: number;
  firstRing: number;
  /** Of each ring of the grid: its first cell, and how many cells it has, eastward from 0 h. One more stands for the end. */
  ringFirst: Uint32Array;
  ringCells: Uint32Array;
  /** Stars of cell i, bright first: stars[first[i]] … stars[first[i + 1] − 1]. */
  first: Uint32Array;
  stars: Uint32Array;
}

/** Stars a cell keeps to check candidates on. */
const perCell = 8;
/** Cells that never fill would make the search for stars go on to the faintest: so many per place are looked at. */
const looksPerPlace = 5;

/**
 * @param cellSize Radians.
 * @param among Bright first; all of the sky's if not given.
 */
export function gridOf(sky: Sky, cellSize: number, among: Uint32Array = sky.order): SkyGrid {
  const { dec16, ra16, order } = sky;
  const rings = Math.max(2, Math.round(Math.PI / cellSize));
  const whole = among === order;
  if (!whole) for (const star of among) if (dec16[star] === 0) locate(sky, star);
  const { firstRing, count: ringCount } = whole ? { firstRing: 0, count: rings } : ringsOf(among, dec16, rings);
  const ringFirst = new Uint32Array(ringCount + 1);
  const ringCells = new Uint32Array(ringCount);
  for (let ring = 0; ring < ringCount; ring++) {
    const middle = ((firstRing + ring + 0.5) / rings - 0.5) * Math.PI;
    ringCells[ring] = Math.max(1, Math.round(2 * rings * Math.cos(middle)));
    ringFirst[ring + 1] = ringFirst[ring]! + ringCells[ring]!;
  }
  const cells = ringFirst[ringCount]!;
  const grid = { rings, firstRing, ringFirst, ringCells, first: new Uint32Array(cells + 1), stars: new Uint32Array(0) };
  const looks = whole ? Math.min(among.length, cells * perCell * looksPerPlace) : among.length;
  const held = new Uint8Array(cells);
  for (let i = 0; i < looks; i++) {
    const star = among[i]!;
    if (dec16[star] === 0) locate(sky, star);
    const cell = cellOf(grid, dec16[star]!, ra16[star]!);
    if (held[cell]! < perCell) held[cell]!++;
  }
  for (let cell = 0; cell < cells; cell++) grid.first[cell + 1] = grid.first[cell]! + held[cell]!;
  grid.stars = new Uint32Array(grid.first[cells]!);
  held.fill(0);
  for (let i = 0; i < looks; i++) {
    const star = among[i]!;
    const cell = cellOf(grid, dec16[star]!, ra16[star]!);
    if (held[cell]! < perCell) grid.stars[grid.first[cell]! + held[cell]!++] = star;
  }
  return grid;
}

/** The cell of a place in the units of the sky's `dec16` and `ra16`; it must lie in the grid. */
export function cellOf({ rings, firstRing, ringFirst, ringCells }: SkyGrid, dec16: number, ra16: number): number {
  const ring = ((dec16 * rings) >>> 16) - firstRing;
  return ringFirst[ring]! + ((ra16 * ringCells[ring]!) >>> 16);
}

function ringsOf(stars: Uint32Array, dec16: Uint16Array, rings: number): { firstRing: number; count: number } {
  let [least, most] = [65535, 0];
  for (const star of stars) {
    least = Math.min(least, dec16[star]!);
    most = Math.max(most, dec16[star]!);
  }
  const firstRing = (Math.min(least, most) * rings) >>> 16;
  return { firstRing, count: ((most * rings) >>> 16) - firstRing + 1 };
}

/**
 * The cells that may hold a place within `reach` of a declination and right ascension (radians, 0 to 2 pi).
 * @returns how many went into `into`
 */
export function cellsNear(grid: SkyGrid, dec: number, ra: number, reach: number, into: Uint32Array): number {
  const { rings, firstRing, ringFirst, ringCells } = grid;
  const perRadian = rings / Math.PI;
  const from = Math.max(0, Math.floor((dec - reach + Math.PI / 2) * perRadian) - firstRing);
  const to = Math.min(ringCells.length - 1, Math.floor((dec + reach + Math.PI / 2) * perRadian) - firstRing);
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
