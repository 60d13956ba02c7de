/** The background of a plane and its noise: a mesh of 64x64 cells, made smooth, read at every 8th pixel. Runs in a worker. */
import type { Scratch } from '../kernels/wasm.ts';
import type { Plane } from './plane.ts';

/** Side of a mesh cell, pixels: larger than stars, smaller than gradients. */
const cell = 64;
/** One row in four is enough: 1,024 samples a cell. */
const rowStep = 4;
/** The kernels read the background at every 8th pixel, straight lines between. */
export const nodeStep = 8;

/** How a plane's samples become u16 for the search: (v - low) x scale. Samples of u16 planes stay as they are. */
export interface Quantisation {
  low: number;
  scale: number;
}

/** Background (0, in units of the search) and noise of each cell, row by row. */
export interface Mesh {
  columns: number;
  rows: number;
  background: Float32Array;
  noise: Float32Array;
}

/** Median level and noise of a plane from a few thousand of its pixels: differences between near ones know no gradient. */
export function firstGuess(plane: Plane): { level: number; noise: number } {
  const samples = plane.type === 'u16' ? new Uint16Array(plane.data) : new Float32Array(plane.data);
  const { width, height } = plane;
  const [down, across] = [Math.max(1, Math.floor(height / 64)), Math.max(1, Math.floor(width / 128))];
  const levels: number[] = [];
  const steps: number[] = [];
  for (let y = down >> 1; y < height; y += down)
    for (let x = across >> 1; x < width; x += across) {
      const value = samples[y * width + x]!;
      const other = samples[y * width + (x + 3 < width ? x + 3 : Math.max(0, x - 3))]!;
      if (Number.isNaN(value) || Number.isNaN(other)) continue;
      levels.push(value);
      steps.push(Math.abs(value - other));
    }
  if (levels.length === 0) return { level: Number.NaN, noise: Number.NaN };
  // The median of |a - b| of normal noise is 0.9539 sigma.
  return { level: medianOf(levels), noise: Math.max(medianOf(steps) / 0.9539, smallestNoise(plane)) };
}

/** What rounding alone makes, or for floats next to nothing of their level. */
export const smallestNoise = (plane: Plane): number => plane.quantum * 0.29;

export function quantisationOf(plane: Plane, guess: { level: number; noise: number }): Quantisation {
  if (plane.type === 'u16') return { low: 0, scale: 1 };
  const noise = guess.noise > 0 ? guess.noise : Math.max(1e-30, Math.abs(guess.level) * 1e-6);
  return { low: guess.level - 512 * noise, scale: 16 / noise };
}

/** Rows of the plane in the scratch as u16 of the search. */
export function rowReader(work: Scratch, plane: Plane, quantisation: Quantisation): (y: number, out: number) => void {
  const source = Buffer.from(plane.data as unknown as ArrayBuffer);
  const bytes = plane.type === 'u16' ? 2 : 4;
  const rowBytes = plane.width * bytes;
  if (plane.type === 'u16') return (y, out) => void source.copy(work.bytes, out, y * rowBytes, (y + 1) * rowBytes);
  const floats = work.take(rowBytes + 32);
  return (y, out) => {
    source.copy(work.bytes, floats, y * rowBytes, (y + 1) * rowBytes);
    work.kernels.starsQuantise!(floats, out, plane.width, quantisation.low, quantisation.scale);
  };
}

export function measureMesh(work: Scratch, plane: Plane, quantisation: Quantisation, noise: number): Mesh {
  const { width, height } = plane;
  const columns = Math.ceil(width / cell);
  const rows = Math.ceil(height / cell);
  const mesh: Mesh = {
    columns,
    rows,
    background: new Float32Array(columns * rows),
    noise: new Float32Array(columns * rows),
  };
  const perRow = Math.ceil(cell / rowStep);
  const block = work.take(perRow * width * 2 + 32);
  const bins = work.take(1024 * 4 + perRow * 4);
  const out = work.take(columns * 12);
  const read = rowReader(work, plane, quantisation);
  for (let row = 0; row < rows; row++) {
    let taken = 0;
    // A plane of floats is written a whole vector at a time: rows in order, each over the slack of the one before.
    for (let y = row * cell + (rowStep >> 1); y < Math.min(height, (row + 1) * cell) && taken < perRow; y += rowStep)
      read(y, block + width * 2 * taken++);
    if (taken === 0) read(row * cell, block + width * 2 * taken++);
    work.kernels.starsMeshRow!(
      block,
      taken,
      width,
      cell,
      noise * quantisation.scale,
      plane.type === 'f32' ? 1 : 0,
      bins,
      out,
    );
    const values = work.f32(out, columns * 3);
    for (let column = 0; column < columns; column++) {
      const known = values[column * 3 + 2]! >= 0.25;
      mesh.background[row * columns + column] = known ? values[column * 3]! : Number.NaN;
      mesh.noise[row * columns + column] = known ? values[column * 3 + 1]! : Number.NaN;
    }
  }
  return mesh;
}

/** Fills cells without data from their nearest neighbours and takes the median of each 3x3: a cell full of star stands out. */
export function smoothMesh(mesh: Mesh, smallest: number): Mesh {
  const smooth = (values: Float32Array) => medianFilter(fill(values, mesh), mesh);
  const noise = smooth(mesh.noise).map((value) => Math.max(value, smallest));
  return { ...mesh, background: smooth(mesh.background), noise };
}

function fill(values: Float32Array, { columns, rows }: Mesh): Float32Array {
  let current = values;
  for (let round = 0; round < columns + rows && current.some(Number.isNaN); round++) {
    const next = Float32Array.from(current);
    for (let y = 0; y < rows; y++)
      for (let x = 0; x < columns; x++)
        if (Number.isNaN(current[y * columns + x]!)) {
          const near = around(current, columns, rows, x, y).filter((value) => !Number.isNaN(value));
          if (near.length > 0) next[y * columns + x] = near.reduce((a, b) => a + b) / near.length;
        }
    current = next;
  }
  return current;
}

function medianFilter(values: Float32Array, { columns, rows }: Mesh): Float32Array {
  return values.map((_, at) => medianOf(around(values, columns, rows, at % columns, Math.floor(at / columns))));
}

function around(values: Float32Array, columns: number, rows: number, x: number, y: number): number[] {
  const found: number[] = [];
  for (let v = Math.max(0, y - 1); v <= Math.min(rows - 1, y + 1); v++)
    for (let u = Math.max(0, x - 1); u <= Math.min(columns - 1, x + 1); u++) found.push(values[v * columns + u]!);
  return found;
}

export function medianOf(values: number[] | Float32Array): number {
  if (values.length === 0) return Number.NaN;
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
