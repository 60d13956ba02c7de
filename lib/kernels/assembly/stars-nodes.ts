/** The mesh of the background: medians of 3x3 cells, then natural cubic splines through the cells' centres to finer nodes. */

/** Median of each cell and its neighbours; at the rim of those that there are. */
export function starsSmoothMesh(values: usize, columns: i32, rows: i32, out: usize, work: usize): void {
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++, out += 4) {
      let known = 0;
      for (let v = max<i32>(0, y - 1); v <= min<i32>(rows - 1, y + 1); v++)
        for (let u = max<i32>(0, x - 1); u <= min<i32>(columns - 1, x + 1); u++) {
          const value = load<f32>(values + (<usize>(v * columns + u) << 2));
          let at = work + (<usize>known << 2);
          known++;
          for (; at > work && load<f32>(at - 4) > value; at -= 4) store<f32>(at, load<f32>(at - 4));
          store<f32>(at, value);
        }
      const half = work + (<usize>(known >> 1) << 2);
      store<f32>(out, known & 1 ? load<f32>(half) : (load<f32>(half - 4) + load<f32>(half)) / 2);
    }
}

/** Second derivatives of the natural cubic spline through equidistant values `stride` bytes apart: a tridiagonal system. */
function curvatures(values: usize, count: i32, stride: usize, out: usize, factors: usize): void {
  store<f32>(out, 0);
  store<f32>(factors, 0);
  for (let i = 1; i < count - 1; i++) {
    const at = values + <usize>i * stride;
    const to = out + <usize>i * stride;
    const p: f32 = 4 - load<f32>(factors + (<usize>(i - 1) << 2));
    store<f32>(factors + (<usize>i << 2), 1 / p);
    store<f32>(to, ((load<f32>(at + stride) - 2 * load<f32>(at) + load<f32>(at - stride)) * 6 - load<f32>(to - stride)) / p);
  }
  store<f32>(out + <usize>(count - 1) * stride, 0);
  for (let i = count - 2; i > 0; i--) {
    const to = out + <usize>i * stride;
    store<f32>(to, load<f32>(to) - load<f32>(factors + (<usize>i << 2)) * load<f32>(to + stride));
  }
}

/** The spline between two values a and b with curvatures p and q; beyond them the line goes on straight. */
// @ts-ignore: decorator
@inline
function splineAt(a: f32, b: f32, p: f32, q: f32, t: f32): f32 {
  const sixth: f32 = 1.0 / 6;
  if (t < 0) return a + t * (b - a - (2 * p + q) * sixth);
  if (t > 1) return b + (t - 1) * (b - a + (p + 2 * q) * sixth);
  const u: f32 = <f32>1 - t;
  return u * a + t * b + ((u * u * u - u) * p + (t * t * t - t) * q) * sixth;
}

/**
 * Nodes at every 8th pixel from a mesh of cells of `cell` pixels.
 * @param mesh f32, row by row
 * @param out `nodeColumns` x `nodeRows` f32
 * @param work f32: the size of the mesh, twice its columns, and the larger of its sides
 */
export function starsNodes(
  mesh: usize,
  columns: i32,
  rows: i32,
  cell: i32,
  out: usize,
  nodeColumns: i32,
  nodeRows: i32,
  work: usize,
): void {
  const stride = <usize>columns << 2;
  const down = work;
  const line = down + <usize>rows * stride;
  const across = line + stride;
  const factors = across + stride;
  if (rows > 1)
    for (let column = 0; column < columns; column++)
      curvatures(mesh + (<usize>column << 2), rows, stride, down + (<usize>column << 2), factors);
  const step: f32 = <f32>8 / <f32>cell;
  const start = -(<f32>cell - 1) / 2 / <f32>cell;
  for (let row = 0; row < nodeRows; row++, out += <usize>nodeColumns << 2) {
    let source = mesh;
    if (rows > 1) {
      const place = start + step * <f32>row;
      const at = max<i32>(0, min<i32>(rows - 2, <i32>floor<f32>(place)));
      const t = place - <f32>at;
      const from = <usize>at * stride;
      for (let i: usize = 0; i < stride; i += 4) {
        const a = mesh + from + i;
        const p = down + from + i;
        store<f32>(line + i, splineAt(load<f32>(a), load<f32>(a + stride), load<f32>(p), load<f32>(p + stride), t));
      }
      source = line;
    }
    if (columns == 1) {
      for (let i = 0; i < nodeColumns; i++) store<f32>(out + (<usize>i << 2), load<f32>(source));
      continue;
    }
    curvatures(source, columns, 4, across, factors);
    // Of cells of 64 pixels, eight nodes lie between two centres, from the fourth on.
    const inner = 4 + 8 * (columns - 1);
    for (let i = 0; i < nodeColumns; i++) {
      if (cell == 64 && i == 4 && inner <= nodeColumns) {
        drawCells(source, across, columns - 1, out + 16);
        i = inner;
        if (i >= nodeColumns) break;
      }
      const place = start + step * <f32>i;
      const at = max<i32>(0, min<i32>(columns - 2, <i32>floor<f32>(place)));
      const a = source + (<usize>at << 2);
      const p = across + (<usize>at << 2);
      const value = splineAt(load<f32>(a), load<f32>(a, 4), load<f32>(p), load<f32>(p, 4), place - <f32>at);
      store<f32>(out + (<usize>i << 2), value);
    }
  }
}

/** Eight nodes between each two centres, at (0.5 + 8 i) / 64 of the way: the weights are the same for all. */
// @ts-ignore: decorator
@inline
function drawCells(values: usize, curves: usize, count: i32, out: usize): void {
  const one = f32x4.splat(1);
  const sixth = f32x4.splat(1.0 / 6);
  const t0 = f32x4(0.0078125, 0.1328125, 0.2578125, 0.3828125);
  const t1 = f32x4.add(t0, f32x4.splat(0.5));
  const u0 = f32x4.sub(one, t0);
  const u1 = f32x4.sub(one, t1);
  const p0 = f32x4.mul(f32x4.mul(f32x4.sub(f32x4.mul(u0, u0), one), u0), sixth);
  const p1 = f32x4.mul(f32x4.mul(f32x4.sub(f32x4.mul(u1, u1), one), u1), sixth);
  const q0 = f32x4.mul(f32x4.mul(f32x4.sub(f32x4.mul(t0, t0), one), t0), sixth);
  const q1 = f32x4.mul(f32x4.mul(f32x4.sub(f32x4.mul(t1, t1), one), t1), sixth);
  for (let cell = 0; cell < count; cell++, values += 4, curves += 4, out += 32) {
    const a = v128.load32_splat(values);
    const b = v128.load32_splat(values, 4);
    const p = v128.load32_splat(curves);
    const q = v128.load32_splat(curves, 4);
    const straight = f32x4.add(f32x4.mul(a, u0), f32x4.mul(b, t0));
    v128.store(out, f32x4.add(straight, f32x4.add(f32x4.mul(p, p0), f32x4.mul(q, q0))));
    const further = f32x4.add(f32x4.mul(a, u1), f32x4.mul(b, t1));
    v128.store(out, f32x4.add(further, f32x4.add(f32x4.mul(p, p1), f32x4.mul(q, q1))), 16);
  }
}

/**
 * What the search needs of eight rows: their background at each pixel, and the threshold for every eight pixels.
 * @param background, noise Node rows above and, `nodeColumns` further, below; plane units
 * @param low, scale Search units = (plane - low) x scale - `rounded`
 * @param depth How far below the background samples are cut off, search units
 * @param shift The search counts in units of 2^-shift
 * @param whole, part, thresholds As for starsOffRow and starsRuns; whole vectors of `width` pixels
 */
export function starsStrip(
  background: usize,
  noise: usize,
  nodeColumns: i32,
  width: i32,
  low: f32,
  scale: f32,
  rounded: f32,
  depth: f32,
  sigmas: f32,
  shift: i32,
  whole: usize,
  part: usize,
  thresholds: usize,
): void {
  const below = <usize>nodeColumns << 2;
  const fine = shift > 0 ? shift : 0;
  const units = f32x4.splat(<f32>(1 << fine));
  const unit: f32 = shift >= 0 ? <f32>(1 << shift) : <f32>1 / <f32>(1 << -shift);
  const lanes = f32x4(0, 1, 2, 3);
  const mask = i32x4.splat((1 << fine) - 1);
  // The middle of the eight rows, 3.5, in eighths.
  const middle: f32 = 0.4375;
  let here = (load<f32>(background) + middle * (load<f32>(background + below) - load<f32>(background)) - low) * scale - rounded;
  for (let x = 0; x < width; x += 8, whole += 16, part += 16, thresholds += 2) {
    background += 4;
    const next = (load<f32>(background) + middle * (load<f32>(background + below) - load<f32>(background)) - low) * scale - rounded;
    const sigma = (load<f32>(noise) + middle * (load<f32>(noise + below) - load<f32>(noise))) * scale;
    noise += 4;
    const limit = (sigmas * sigma + min<f32>(depth, here)) * 16 * unit + 0.5;
    store<u16>(thresholds, <u16>max<f32>(0, min<f32>(65535, limit)));
    const step = (next - here) * 0.125;
    const a = f32x4.add(f32x4.splat(here - depth), f32x4.mul(f32x4.splat(step), lanes));
    const b = f32x4.add(a, f32x4.splat(4 * step));
    const p = i32x4.trunc_sat_f32x4_u(f32x4.mul(a, units));
    const q = i32x4.trunc_sat_f32x4_u(f32x4.mul(b, units));
    v128.store(whole, i16x8.narrow_i32x4_u(i32x4.shr_u(p, fine), i32x4.shr_u(q, fine)));
    v128.store(part, i16x8.narrow_i32x4_u(v128.and(p, mask), v128.and(q, mask)));
    here = next;
  }
}
