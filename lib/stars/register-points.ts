/** The stars that a registration works with, and the quick answer to which of them is nearest to a place. */
import { type StarTable, starFlag } from './star-table.ts';

export interface Points {
  count: number;
  x: Float64Array;
  y: Float64Array;
  /** Uncertainty of the centroid in each axis, pixels. */
  sigma: Float64Array;
}

export interface Size {
  width: number;
  height: number;
}

/** Cells a side in which stars are counted, so that a cluster does not take all places. */
const cells = 6;
/** A cell may hold this many times its fair share. */
const crowding = 2.5;
/** Objects this many times wider than the usual star are clouds, lights of the foreground, galaxies. */
const wide = 2;
/** No centroid is better than this, pixels, however bright the star: the air moves each one by itself. A saturated one is far worse. */
const bestSigma = 0.1;
const saturatedSigma = 0.5;

/**
 * The brightest usable stars, spread over the frame: not cut off by the edge, and no trails unless all stars are trailed.
 * @param limit How many at most.
 */
export function choosePoints(table: StarTable, { width, height }: Size, limit: number): Points {
  // Copies: views of shared memory are slow in V8, and these are read many times.
  const [x, y, flux, hfr, snr, fwhm, flags] = (['x', 'y', 'flux', 'hfr', 'snr', 'fwhm', 'flags'] as const).map((name) =>
    Float64Array.from(table.column(name)),
  ) as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];
  const usable = (i: number, unwanted: number) =>
    Number.isFinite(x[i]) && Number.isFinite(y[i]) && flux[i]! > 0 && (flags[i]! & unwanted) === 0;
  const strict = starFlag.edge | starFlag.elongated;
  let round = 0;
  for (let i = 0; i < table.count; i++) if (usable(i, strict)) round++;
  const unwanted = round >= table.count / 3 ? strict : starFlag.edge;

  const chosen: number[] = [];
  const share = Math.ceil((crowding * limit) / cells ** 2);
  const held = new Int32Array(cells ** 2);
  const cellOf = (at: number, size: number) => Math.max(0, Math.min(cells - 1, Math.floor((at / size) * cells)));
  for (const i of concentratedFirst(flux, hfr)) {
    if (chosen.length >= limit) break;
    if (!usable(i, unwanted)) continue;
    const cell = cells * cellOf(y[i]!, height) + cellOf(x[i]!, width);
    if (held[cell]! >= share) continue;
    held[cell]!++;
    chosen.push(i);
  }
  const sigmaOf = (i: number) =>
    (flags[i]! & starFlag.saturated) !== 0
      ? saturatedSigma
      : Math.hypot(bestSigma, snr[i]! > 0 && fwhm[i]! > 0 ? fwhm[i]! / 2.355 / snr[i]! : bestSigma);
  return {
    count: chosen.length,
    x: Float64Array.from(chosen, (i) => x[i]!),
    y: Float64Array.from(chosen, (i) => y[i]!),
    sigma: Float64Array.from(chosen, sigmaOf),
  };
}

/** By the light within the half-flux radius over its area: brightest stars first, and clouds that are lit from below not at all. */
function concentratedFirst(flux: Float64Array, hfr: Float64Array): Uint32Array {
  const known = hfr.filter((radius) => radius > 0).sort();
  const usual = known.length > 0 ? known[known.length >> 1]! : 0;
  const order = Uint32Array.from(flux, (_, i) => i).filter((i) => !(hfr[i]! > wide * usual));
  const areaOf = (radius: number) => Math.max(radius > 0 ? radius : usual, 0.5 * usual) ** 2;
  const concentration = flux.map((light, i) => (light > 0 ? (usual > 0 ? light / areaOf(hfr[i]!) : light) : 0));
  return order.sort((i, j) => concentration[j]! - concentration[i]!);
}

/** The first (brightest) `count` of them. */
export function brightest(points: Points, count: number): Points {
  const n = Math.min(count, points.count);
  return { count: n, x: points.x.subarray(0, n), y: points.y.subarray(0, n), sigma: points.sigma.subarray(0, n) };
}

/** Points in square cells. */
export class PointGrid {
  readonly points: Points;
  private readonly side: number;
  private readonly columns: number;
  private readonly rows: number;
  /** First point of a cell and the next of the same cell, plus one; 0 ends. */
  private readonly heads: Int32Array;
  private readonly next: Int32Array;
  private readonly left: number;
  private readonly top: number;

  /** @param reach The largest radius that will be asked for, pixels. */
  constructor(points: Points, reach: number) {
    this.points = points;
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < points.count; i++) {
      left = Math.min(left, points.x[i]!);
      right = Math.max(right, points.x[i]!);
      top = Math.min(top, points.y[i]!);
      bottom = Math.max(bottom, points.y[i]!);
    }
    if (points.count === 0) [left, top, right, bottom] = [0, 0, 0, 0];
    this.side = Math.max(2 * reach, Math.sqrt(((right - left + 1) * (bottom - top + 1)) / (points.count + 1)) / 2);
    this.left = left;
    this.top = top;
    this.columns = Math.floor((right - left) / this.side) + 1;
    this.rows = Math.floor((bottom - top) / this.side) + 1;
    this.heads = new Int32Array(this.columns * this.rows);
    this.next = new Int32Array(points.count);
    for (let i = 0; i < points.count; i++) {
      const cell =
        Math.floor((points.y[i]! - top) / this.side) * this.columns + Math.floor((points.x[i]! - left) / this.side);
      this.next[i] = this.heads[cell]!;
      this.heads[cell] = i + 1;
    }
  }

  /** The nearest point within `radius` (at most the grid's reach), or −1. */
  nearest(x: number, y: number, radius: number): number {
    const { points, side, columns, rows } = this;
    const [u, v] = [x - this.left, y - this.top];
    const firstColumn = Math.max(0, Math.floor((u - radius) / side));
    const lastColumn = Math.min(columns - 1, Math.floor((u + radius) / side));
    const firstRow = Math.max(0, Math.floor((v - radius) / side));
    const lastRow = Math.min(rows - 1, Math.floor((v + radius) / side));
    let best = -1;
    let least = radius * radius;
    for (let row = firstRow; row <= lastRow; row++)
      for (let column = firstColumn; column <= lastColumn; column++)
        for (let at = this.heads[row * columns + column]!; at > 0; at = this.next[at - 1]!) {
          const dx = points.x[at - 1]! - x;
          const dy = points.y[at - 1]! - y;
          const square = dx * dx + dy * dy;
          if (square <= least) {
            least = square;
            best = at - 1;
          }
        }
    return best;
  }
}
