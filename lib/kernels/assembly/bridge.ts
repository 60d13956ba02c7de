/**
 * Bridges a trail across the gap between two frames: where a streak of the frame before points at a streak of this one
 * along a line, the pixels between get the fainter of both. A streak is three samples of one colour in a row; the gap is up to five.
 */

// @ts-ignore: decorator
@inline
function least<T>(a: v128, b: v128): v128 {
  if (sizeof<T>() == 1) return i8x16.min_u(a, b);
  if (sizeof<T>() == 2) return i16x8.min_u(a, b);
  return f32x4.min(a, b);
}

// @ts-ignore: decorator
@inline
function most<T>(a: v128, b: v128): v128 {
  if (sizeof<T>() == 1) return i8x16.max_u(a, b);
  if (sizeof<T>() == 2) return i16x8.max_u(a, b);
  return f32x4.pmax(a, b);
}

/** The brightest streak of three samples that begins one, two or three steps away. */
// @ts-ignore: decorator
@inline
function streak<T>(p: usize, o1: isize, o2: isize, o3: isize, o4: isize, o5: isize): v128 {
  const middle = v128.load(p + o3);
  const near = least<T>(v128.load(p + o2), middle);
  const far = least<T>(v128.load(p + o4), middle);
  return most<T>(
    most<T>(least<T>(v128.load(p + o1), near), least<T>(near, v128.load(p + o4))),
    least<T>(far, v128.load(p + o5)),
  );
}

/** Raises `best` to the bridges along one direction: `offsets` holds five byte offsets (i32) away from a pixel, towards this frame's streak. */
// @ts-ignore: decorator
@inline
function bridgeRow<T>(best: usize, before: usize, now: usize, count: i32, offsets: usize): void {
  const o1 = <isize>load<i32>(offsets);
  const o2 = <isize>load<i32>(offsets, 4);
  const o3 = <isize>load<i32>(offsets, 8);
  const o4 = <isize>load<i32>(offsets, 12);
  const o5 = <isize>load<i32>(offsets, 16);
  // The last vector reaches beyond `count`: its surplus is not folded.
  for (const end = best + <usize>count * sizeof<T>(); best < end; best += 16, before += 16, now += 16) {
    const from = streak<T>(before, -o1, -o2, -o3, -o4, -o5);
    const to = streak<T>(now, o1, o2, o3, o4, o5);
    v128.store(best, most<T>(v128.load(best), least<T>(from, to)));
  }
}

/** Keeps what stands more than `threshold` above both frames, and makes the rest neutral for a maximum. */
// @ts-ignore: decorator
@inline
function keepBridges<T>(best: usize, before: usize, now: usize, count: i32, threshold: f32): void {
  for (const end = best + <usize>count * sizeof<T>(); best < end; best += sizeof<T>(), before += sizeof<T>(), now += sizeof<T>()) {
    const own = max<f32>(<f32>load<T>(before), <f32>load<T>(now));
    if (!(<f32>load<T>(best) > own + threshold)) store<T>(best, isFloat<T>() ? <T>-Infinity : <T>0);
  }
}

/**
 * The bridges of `count` samples at `best` (with a vector of slack), from rows of both frames with all that the offsets reach
 * around them. `directions` sets of five offsets.
 */
// @ts-ignore: decorator
@inline
function bridge<T>(best: usize, before: usize, now: usize, count: i32, offsets: usize, directions: i32, threshold: f32): void {
  for (let p = best; p < best + <usize>count * sizeof<T>(); p += 16)
    v128.store(p, isFloat<T>() ? f32x4.splat(-Infinity) : i32x4.splat(0));
  for (let d = 0; d < directions; d++) bridgeRow<T>(best, before, now, count, offsets + <usize>d * 20);
  keepBridges<T>(best, before, now, count, threshold);
}

export function bridgeU8(best: usize, before: usize, now: usize, count: i32, offsets: usize, directions: i32, threshold: f32): void {
  bridge<u8>(best, before, now, count, offsets, directions, threshold);
}
export function bridgeU16(best: usize, before: usize, now: usize, count: i32, offsets: usize, directions: i32, threshold: f32): void {
  bridge<u16>(best, before, now, count, offsets, directions, threshold);
}
export function bridgeF32(best: usize, before: usize, now: usize, count: i32, offsets: usize, directions: i32, threshold: f32): void {
  bridge<f32>(best, before, now, count, offsets, directions, threshold);
}
