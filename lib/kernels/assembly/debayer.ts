/**
 * Bilinear interpolation of a Bayer mosaic, one row at a time, integers rounded to nearest. In each row two colours
 * alternate: green and the row's own colour (red or blue); the third is the other. Rows have a valid (mirrored) sample
 * before their first and after their last.
 */

// @ts-ignore: decorator
@inline
function average2<T>(a: v128, b: v128): v128 {
  if (sizeof<T>() == 1) return i8x16.avgr_u(a, b);
  if (sizeof<T>() == 2) return i16x8.avgr_u(a, b);
  return f32x4.mul(f32x4.add(a, b), f32x4.splat(0.5));
}

/** (a + b + c + d + 2) >> 2: two rounded averages averaged, less one where both roundings and the last went up. */
// @ts-ignore: decorator
@inline
function average4<T>(a: v128, b: v128, c: v128, d: v128): v128 {
  if (isFloat<T>()) return f32x4.mul(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)), f32x4.splat(0.25));
  const x = average2<T>(a, b);
  const y = average2<T>(c, d);
  const up = v128.and(v128.or(v128.xor(a, b), v128.xor(c, d)), v128.xor(x, y));
  if (sizeof<T>() == 1) return i8x16.sub(i8x16.avgr_u(x, y), v128.and(up, i8x16.splat(1)));
  return i16x8.sub(i16x8.avgr_u(x, y), v128.and(up, i16x8.splat(1)));
}

// @ts-ignore: decorator
@inline
function mean2<T>(a: T, b: T): T {
  if (isFloat<T>()) return <T>(((<f32>a + <f32>b) as f32) * 0.5);
  return <T>((<u32>a + <u32>b + 1) >> 1);
}

// @ts-ignore: decorator
@inline
function mean4<T>(a: T, b: T, c: T, d: T): T {
  if (isFloat<T>()) return <T>(((<f32>a + <f32>b + (<f32>c + <f32>d)) as f32) * 0.25);
  return <T>((<u32>a + <u32>b + <u32>c + <u32>d + 2) >> 2);
}

/**
 * Lanes of even index from `even`, the others from `odd`. Written as a shuffle of 16 and 32 bits, which x86 has as one
 * instruction, where a selection by a mask takes three.
 */
// @ts-ignore: decorator
@inline
function alternate<T>(even: v128, odd: v128): v128 {
  if (sizeof<T>() == 1) return v128.bitselect(even, odd, i16x8.splat(0x00ff));
  if (sizeof<T>() == 2)
    return i8x16.shuffle(even, odd, 0, 1, 18, 19, 4, 5, 22, 23, 8, 9, 26, 27, 12, 13, 30, 31);
  return i8x16.shuffle(even, odd, 0, 1, 2, 3, 20, 21, 22, 23, 8, 9, 10, 11, 28, 29, 30, 31);
}

// @ts-ignore: decorator
@inline
function debayerRow<T>(up: usize, row: usize, down: usize, width: i32, firstIsGreen: bool, own: usize, green: usize, other: usize): void {
  const size = sizeof<T>();
  const step = <i32>(16 / size);
  let x = 0;
  // Pointers at the left neighbours: what is added to them in a load costs nothing.
  let above = up - size;
  let here = row - size;
  let below = down - size;
  let toOwn = own;
  let toGreen = green;
  let toOther = other;
  for (; x + step <= width; x += step) {
    const c = v128.load(here, sizeof<T>());
    const l = v128.load(here);
    const r = v128.load(here, 2 * sizeof<T>());
    const u = v128.load(above, sizeof<T>());
    const d = v128.load(below, sizeof<T>());
    const diagonal = average4<T>(
      v128.load(above),
      v128.load(above, 2 * sizeof<T>()),
      v128.load(below),
      v128.load(below, 2 * sizeof<T>()),
    );
    const horizontal = average2<T>(l, r);
    const vertical = average2<T>(u, d);
    const cross = average4<T>(u, d, l, r);
    v128.store(toOwn, firstIsGreen ? alternate<T>(horizontal, c) : alternate<T>(c, horizontal));
    v128.store(toGreen, firstIsGreen ? alternate<T>(c, cross) : alternate<T>(cross, c));
    v128.store(toOther, firstIsGreen ? alternate<T>(vertical, diagonal) : alternate<T>(diagonal, vertical));
    above += 16;
    here += 16;
    below += 16;
    toOwn += 16;
    toGreen += 16;
    toOther += 16;
  }
  for (; x < width; x++) {
    const at = <usize>x * size;
    const c = load<T>(row + at);
    const l = load<T>(row + at - size);
    const r = load<T>(row + at + size);
    const u = load<T>(up + at);
    const d = load<T>(down + at);
    if (<bool>(x & 1) != firstIsGreen) {
      store<T>(own + at, mean2<T>(l, r));
      store<T>(green + at, c);
      store<T>(other + at, mean2<T>(u, d));
    } else {
      store<T>(own + at, c);
      store<T>(green + at, mean4<T>(u, d, l, r));
      store<T>(
        other + at,
        mean4<T>(
          load<T>(up + at - size),
          load<T>(up + at + size),
          load<T>(down + at - size),
          load<T>(down + at + size),
        ),
      );
    }
  }
}

/** `own`, `green`, `other`: where the row's three colours go; they are written in whole vectors' order, `width` samples each. */
export function debayerRowU16(up: usize, row: usize, down: usize, width: i32, firstIsGreen: bool, own: usize, green: usize, other: usize): void {
  if (firstIsGreen) debayerRow<u16>(up, row, down, width, true, own, green, other);
  else debayerRow<u16>(up, row, down, width, false, own, green, other);
}
/** An edge pixel, whose neighbours beyond the edge are those on the other side: `beside` is the only column next to it. */
// @ts-ignore: decorator
@inline
function edgePixel<T>(up: usize, row: usize, down: usize, x: i32, beside: i32, isGreen: bool, own: usize, green: usize, other: usize): void {
  const at = <usize>x * sizeof<T>();
  const next = <usize>beside * sizeof<T>();
  const c = load<T>(row + at);
  const n = load<T>(row + next);
  const u = load<T>(up + at);
  const d = load<T>(down + at);
  store<T>(green + at, isGreen ? c : mean4<T>(u, d, n, n));
  store<T>(own + at, isGreen ? n : c);
  store<T>(other + at, isGreen ? mean2<T>(u, d) : mean4<T>(load<T>(up + next), load<T>(up + next), load<T>(down + next), load<T>(down + next)));
}

// @ts-ignore: decorator
@inline
function debayerRows<T>(block: usize, width: i32, rows: i32, red: i32, r: usize, g: usize, b: usize): void {
  const stride = <usize>width * sizeof<T>();
  for (let y = 0; y < rows; y++) {
    const row = block + <usize>y * stride;
    const out = <usize>y * stride;
    const ownIsRed = (y & 1) == red >> 1;
    const firstIsGreen = ownIsRed == <bool>(red & 1);
    const own = (ownIsRed ? r : b) + out;
    const other = (ownIsRed ? b : r) + out;
    // Two loops, each of which knows which lanes are green.
    if (firstIsGreen) debayerRow<T>(row - stride, row, row + stride, width, true, own, g + out, other);
    else debayerRow<T>(row - stride, row, row + stride, width, false, own, g + out, other);
    // In a block the sample beside an edge is one of the next row.
    const last = width - 1;
    edgePixel<T>(row - stride, row, row + stride, 0, 1, firstIsGreen, own, g + out, other);
    edgePixel<T>(row - stride, row, row + stride, last, last - 1, firstIsGreen != <bool>(last & 1), own, g + out, other);
  }
}

/**
 * `rows` rows of a mosaic at `block`, with a row above and one below them, to three planes of as many rows. The block begins
 * with an even row of the picture; `red` says where red is in its first 2x2 pixels, as for the superpixels.
 */
export function debayerRowsU8(block: usize, width: i32, rows: i32, red: i32, r: usize, g: usize, b: usize): void {
  debayerRows<u8>(block, width, rows, red, r, g, b);
}
export function debayerRowsU16(block: usize, width: i32, rows: i32, red: i32, r: usize, g: usize, b: usize): void {
  debayerRows<u16>(block, width, rows, red, r, g, b);
}
export function debayerRowsF32(block: usize, width: i32, rows: i32, red: i32, r: usize, g: usize, b: usize): void {
  debayerRows<f32>(block, width, rows, red, r, g, b);
}

// @ts-ignore: decorator
@inline
function superpixelTail<T>(top: usize, bottom: usize, from: i32, cells: i32, red: i32, r: usize, g: usize, b: usize): void {
  const size = sizeof<T>();
  for (let x = from; x < cells; x++) {
    const at = <usize>(2 * x) * size;
    const p0 = load<T>(top + at);
    const p1 = load<T>(top + at + size);
    const p2 = load<T>(bottom + at);
    const p3 = load<T>(bottom + at + size);
    const out = <usize>x * size;
    store<T>(r + out, red == 0 ? p0 : red == 1 ? p1 : red == 2 ? p2 : p3);
    store<T>(b + out, red == 0 ? p3 : red == 1 ? p2 : red == 2 ? p1 : p0);
    store<T>(g + out, red == 0 || red == 3 ? mean2<T>(p1, p2) : mean2<T>(p0, p3));
  }
}

/**
 * 2x2 superpixels: `cells` pixels of R, G (mean of both, rounded) and B out of two rows. `red` says where red is in the cell:
 * 0 top left, 1 top right, 2 bottom left, 3 bottom right; blue is opposite.
 */
export function superpixelU16(top: usize, bottom: usize, cells: i32, red: i32, r: usize, g: usize, b: usize): void {
  let x = 0;
  for (; x + 8 <= cells; x += 8) {
    const at = <usize>x << 2;
    const t0 = v128.load(top + at);
    const t1 = v128.load(top + at, 16);
    const b0 = v128.load(bottom + at);
    const b1 = v128.load(bottom + at, 16);
    const p0 = i8x16.shuffle(t0, t1, 0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29);
    const p1 = i8x16.shuffle(t0, t1, 2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31);
    const p2 = i8x16.shuffle(b0, b1, 0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29);
    const p3 = i8x16.shuffle(b0, b1, 2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31);
    const out = <usize>x << 1;
    if (red == 0 || red == 3) {
      v128.store(r + out, red == 0 ? p0 : p3);
      v128.store(b + out, red == 0 ? p3 : p0);
      v128.store(g + out, i16x8.avgr_u(p1, p2));
    } else {
      v128.store(r + out, red == 1 ? p1 : p2);
      v128.store(b + out, red == 1 ? p2 : p1);
      v128.store(g + out, i16x8.avgr_u(p0, p3));
    }
  }
  superpixelTail<u16>(top, bottom, x, cells, red, r, g, b);
}
export function superpixelU8(top: usize, bottom: usize, cells: i32, red: i32, r: usize, g: usize, b: usize): void {
  superpixelTail<u8>(top, bottom, 0, cells, red, r, g, b);
}
export function superpixelF32(top: usize, bottom: usize, cells: i32, red: i32, r: usize, g: usize, b: usize): void {
  superpixelTail<f32>(top, bottom, 0, cells, red, r, g, b);
}
