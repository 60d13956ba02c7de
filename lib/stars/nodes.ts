/** The background mesh drawn out to nodes every 8 pixels: natural cubic splines through the cells' centres, as SEP has them. */
import { nodeStep } from './background.ts';

const cell = 64;

export interface Nodes {
  /** Nodes in a row: node i is at pixel 8 i. */
  columns: number;
  rows: number;
  values: Float32Array;
}

/** @param values The mesh, row by row. */
export function drawNodes(
  values: Float32Array,
  mesh: { columns: number; rows: number },
  size: { width: number; height: number },
): Nodes {
  const columns = Math.ceil(size.width / nodeStep) + 2;
  const rows = Math.ceil(size.height / nodeStep) + 2;
  const result = new Float32Array(columns * rows);
  const down = Array.from({ length: mesh.columns }, (_, column) =>
    Float64Array.from({ length: mesh.rows }, (_, row) => values[row * mesh.columns + column]!),
  );
  const curves = down.map(curvatures);
  const line = new Float64Array(mesh.columns);
  const across = Array.from({ length: columns }, (_, i) => placeOf(i, mesh.columns));
  for (let row = 0; row < rows; row++) {
    const place = placeOf(row, mesh.rows);
    for (let column = 0; column < mesh.columns; column++)
      line[column] = splineAt(down[column]!, curves[column]!, place);
    const curve = curvatures(line);
    for (let i = 0; i < columns; i++) result[row * columns + i] = splineAt(line, curve, across[i]!);
  }
  return { columns, rows, values: result };
}

/** A node's place among the cells' centres, in cells. */
const placeOf = (node: number, cells: number): { at: number; t: number } => {
  const position = (node * nodeStep - (cell - 1) / 2) / cell;
  const at = Math.max(0, Math.min(cells - 2, Math.floor(position)));
  return { at, t: position - at };
};

/** Second derivatives of the natural cubic spline through equidistant values: a tridiagonal system. */
function curvatures(values: Float64Array): Float64Array {
  const n = values.length;
  const result = new Float64Array(n);
  const factors = new Float64Array(n);
  for (let i = 1; i < n - 1; i++) {
    const p = 4 - factors[i - 1]!;
    factors[i] = 1 / p;
    result[i] = (6 * (values[i + 1]! - 2 * values[i]! + values[i - 1]!) - result[i - 1]!) / p;
  }
  for (let i = n - 2; i > 0; i--) result[i]! -= factors[i]! * result[i + 1]!;
  return result;
}

/** Beyond the outermost centres the line goes on straight. */
function splineAt(values: Float64Array, curve: Float64Array, { at, t }: { at: number; t: number }): number {
  if (values.length === 1) return values[0]!;
  const a = values[at]!;
  const b = values[at + 1]!;
  const [p, q] = [curve[at]!, curve[at + 1]!];
  if (t < 0) return a + t * (b - a - (2 * p + q) / 6);
  if (t > 1) return b + (t - 1) * (b - a + (p + 2 * q) / 6);
  const u = 1 - t;
  return u * a + t * b + ((u * u * u - u) * p + (t * t * t - t) * q) / 6;
}
