/** The background of a plane and its noise: a mesh of 64x64 cells, made smooth, drawn out to every 8th pixel. Runs in a worker. */
import type { Scratch } from '../kernels/wasm.ts';
import { median } from './median.ts';
import type { Plane } from './plane.ts';

/** Side of a mesh cell, pixels: larger than stars, smaller than gradients. */
const cell = 64;
/** One row in four is enough: 1,024 samples a cell. */
const rowStep = 4;
/** The kernels read background and noise at every 8th pixel, straight lines between. */
export const nodeStep = 8;

/** What a few thousand pixels say of a plane, plane units; NaN where none has a value. */
export interface FirstGuess {
  level: number;
  noise: number;
}

/** How samples become u16 for the search: (v - low) x scale, rounded down. Those of u16 planes stay as they are. */
export interface Quantisation {
  low: number;
  scale: number;
  /** What rounding down takes away on average. */
  rounded: number;
}

/** Cells row by row, plane units; NaN where there is no data. In shared memory, so that threads can divide the rows. */
export interface Mesh {
  columns: number;
  rows: number;
  background: Float32Array;
  noise: Float32Array;
}

/** Drawn out to nodes in the scratch: node (i, j) is at pixel (8 i, 8 j). */
export interface Nodes {
  columns: number;
  rows: number;
  background: number;
  noise: number;
}

/** Level and noise from differences between near pixels, which know no gradient. */
export function firstGuess(plane: Plane): FirstGuess {
  const samples = samplesOf(plane);
  const { width, height } = plane;
  const [down, across] = [Math.max(1, Math.floor(height / 40)), Math.max(1, Math.floor(width / 40))];
  const levels = new Float64Array((Math.floor(height / down) + 1) * (Math.floor(width / across) + 1));
  const steps = new Float64Array(levels.length);
  let known = 0;
  for (let y = down >> 1; y < height; y += down)
    for (let x = across >> 1; x < width; x += across) {
      const value = samples[y * width + x]!;
      const other = samples[y * width + (x + 3 < width ? x + 3 : Math.max(0, x - 3))]!;
      if (Number.isNaN(value) || Number.isNaN(other)) continue;
      levels[known] = value;
      steps[known++] = Math.abs(value - other);
    }
  const level = median(levels.subarray(0, known));
  // The median of |a - b| of normal noise is 0.9539 sigma. Floats have no more than 24 bits.
  const least = Math.max(smallestNoise(plane), Math.abs(level) * 2 ** -24);
  return { level, noise: Math.max(median(steps.subarray(0, known)) / 0.9539, least) };
}

/** A view of the plane's samples: for few of them. */
export const samplesOf = ({ type, data }: Plane): Uint16Array | Float32Array =>
  type === 'u16' ? new Uint16Array(data) : new Float32Array(data);

/** The noise of rounding alone (1/sqrt 12 of a step). */
const smallestNoise = (plane: Plane): number => plane.quantum * 0.29;

export function quantisationOf(plane: Plane, { level, noise }: FirstGuess): Quantisation {
  if (plane.type === 'u16') return { low: 0, scale: 1, rounded: 0 };
  const step = Math.max(noise, 1e-30) / 16;
  return { low: level - 8192 * step, scale: 1 / step, rounded: 0.5 };
}

/**
 * The rows of a plane as u16 of the search, in the scratch: `at(y)` brings one there and gives a pointer, good until the next
 * call. Vectors may be read beyond its end.
 * @param pixels Room for all samples of a plane of u16 that is to stay in the scratch: rows are asked for in order and put there
 */
export function rowsOf(
  work: Scratch,
  plane: Plane,
  quantisation: Quantisation,
  pixels: number | null,
): (y: number) => number {
  const rowBytes = plane.width * (plane.type === 'u16' ? 2 : 4);
  const source = Buffer.from(plane.data as unknown as ArrayBuffer);
  if (pixels !== null) {
    let filled = 0;
    return (y) => {
      if (y >= filled) {
        // Some rows at once, still in the cache when their turn comes.
        const end = Math.min(plane.height, y + nodeStep);
        source.copy(work.bytes, pixels + filled * rowBytes, filled * rowBytes, end * rowBytes);
        filled = end;
      }
      return pixels + y * rowBytes;
    };
  }
  const row = work.take(plane.width * 2 + 64);
  const samples = plane.type === 'u16' ? row : work.take(rowBytes + 32);
  return (y) => {
    source.copy(work.bytes, samples, y * rowBytes, (y + 1) * rowBytes);
    if (plane.type === 'f32')
      work.kernels.starsQuantise!(samples, row, plane.width, quantisation.low, quantisation.scale);
    return row;
  };
}

export const meshSize = ({ width, height }: Plane): { columns: number; rows: number } => ({
  columns: Math.ceil(width / cell),
  rows: Math.ceil(height / cell),
});

/** Measures mesh rows `from` to `to`, into the mesh. */
export function measureMesh(
  work: Scratch,
  plane: Plane,
  { low, scale, rounded }: Quantisation,
  guess: FirstGuess,
  mesh: Mesh,
  { from, to }: { from: number; to: number },
): void {
  const { width, height } = plane;
  const { columns } = mesh;
  const perRow = Math.ceil(cell / rowStep);
  const rowBytes = width * (plane.type === 'u16' ? 2 : 4);
  const source = Buffer.from(plane.data as unknown as ArrayBuffer);
  const block = work.take(perRow * width * 2 + 32);
  const floats = plane.type === 'f32' ? work.take(rowBytes + 32) : 0;
  const bins = work.take(1024 * 4 + perRow * 4);
  const out = work.take(columns * 12);
  const values = work.f32(out, columns * 3);
  const least = plane.type === 'f32' ? 1 : 0;
  const smallest = Math.max(smallestNoise(plane), plane.type === 'f32' ? Math.abs(guess.level) * 2 ** -24 : 0, 1e-30);
  for (let row = from; row < to; row++) {
    const end = Math.min(height, (row + 1) * cell);
    const first = Math.min(row * cell + (rowStep >> 1), end - 1);
    const count = Math.ceil((end - first) / rowStep);
    for (let i = 0; i < count; i++) {
      const at = (first + i * rowStep) * rowBytes;
      const target = block + i * width * 2;
      source.copy(work.bytes, floats || target, at, at + rowBytes);
      // Written a vector at a time: what goes beyond the row's end, the next one overwrites.
      if (floats) work.kernels.starsQuantise!(floats, target, width, low, scale);
    }
    work.kernels.starsMeshRow!(block, width * 2, count, width, cell, guess.noise * scale, least, bins, out);
    for (let column = 0; column < columns; column++) {
      const known = values[column * 3 + 2]! >= 0.25;
      const at = row * columns + column;
      mesh.background[at] = known ? low + (values[column * 3]! + rounded) / scale : Number.NaN;
      mesh.noise[at] = known ? Math.max(smallest, values[column * 3 + 1]! / scale) : Number.NaN;
    }
  }
}

/** Puts in the mean of the nearest neighbours where a cell has no data. */
export function fillMesh(mesh: Mesh): void {
  for (const values of [mesh.background, mesh.noise])
    for (let round = 0; round < mesh.columns + mesh.rows && values.some(Number.isNaN); round++) {
      const before = Float32Array.from(values);
      for (const [at, value] of before.entries())
        if (Number.isNaN(value)) {
          const known = around(before, mesh, at).filter((near) => !Number.isNaN(near));
          if (known.length > 0) values[at] = known.reduce((a, b) => a + b) / known.length;
        }
    }
}

function around(values: Float32Array, { columns, rows }: Mesh, at: number): number[] {
  const found: number[] = [];
  const [x, y] = [at % columns, Math.floor(at / columns)];
  for (let v = Math.max(0, y - 1); v <= Math.min(rows - 1, y + 1); v++)
    for (let u = Math.max(0, x - 1); u <= Math.min(columns - 1, x + 1); u++) found.push(values[v * columns + u]!);
  return found;
}

/**
 * Medians of each 3x3 cells, since a cell full of star stands out, then splines. Also the medians of the smooth mesh.
 * @param coarse The background's own mesh where that was measured in a plane `scale` times as coarse, by sums of pixels
 */
export function drawNodes(
  work: Scratch,
  plane: Plane,
  mesh: Mesh,
  coarse: Mesh & { scale: number } = { ...mesh, scale: 1 },
): { nodes: Nodes; background: number; noise: number } {
  const columns = Math.ceil(plane.width / nodeStep) + 2;
  const rows = Math.ceil(plane.height / nodeStep) + 2;
  const draw = (values: Float32Array, size: { columns: number; rows: number }, scale: number) => {
    const cells = size.columns * size.rows;
    const [raw, smooth] = [work.take(cells * 4), work.take(cells * 4)];
    const spare = work.take((cells + 2 * size.columns + Math.max(9, size.columns, size.rows)) * 4);
    const nodes = work.take(columns * rows * 4);
    work.f32(raw, cells).set(scale === 1 ? values : values.map((value) => value / scale ** 2));
    work.kernels.starsSmoothMesh!(raw, size.columns, size.rows, smooth, spare);
    work.kernels.starsNodes!(smooth, size.columns, size.rows, cell * scale, nodes, columns, rows, spare);
    return { nodes, median: median(everyNth(work.f32(smooth, cells), 1000)) };
  };
  const background = draw(coarse.background, coarse, coarse.scale);
  const noise = draw(mesh.noise, mesh, 1);
  return {
    nodes: { columns, rows, background: background.nodes, noise: noise.nodes },
    background: background.median,
    noise: noise.median,
  };
}

/** Some `most` values out of many, evenly. */
function everyNth(values: Float32Array, most: number): Float32Array {
  const step = Math.max(1, Math.floor(values.length / most));
  return Float32Array.from({ length: Math.ceil(values.length / step) }, (_, i) => values[i * step]!);
}
