/** Light within a circle around a star, and the circle that holds half of it. */

/** Sum of the stamp within `limit` of the centre. A pixel on the rim counts by its part inside. */
export function lightOf(stamp: usize, side: i32, cx: f32, cy: f32, limit: f32): f32 {
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  const rim = f32x4.splat(limit + 0.5);
  const lanes = f32x4(0, 1, 2, 3);
  let light: f32 = 0;
  for (let y = 0; y < side; y++) {
    const dy = <f32>y - cy;
    const half = limit * limit + limit + 0.25 - dy * dy;
    if (half <= 0) continue;
    const reach = sqrt<f32>(half);
    const from = max<i32>(0, <i32>ceil<f32>(cx - reach));
    const to = min<i32>(side - 1, <i32>floor<f32>(cx + reach));
    const squares = f32x4.splat(dy * dy);
    let dx = f32x4.add(f32x4.splat(<f32>from - cx), lanes);
    let sum = zero;
    let at = stamp + (<usize>(y * side + from) << 2);
    let x = from;
    for (; x <= to; x += 4, at += 16) {
      const distance = f32x4.sqrt(f32x4.add(squares, f32x4.mul(dx, dx)));
      const part = f32x4.max(zero, f32x4.min(one, f32x4.sub(rim, distance)));
      // Lanes beyond the row are outside of the rim, unless the stamp ends first.
      sum = f32x4.add(sum, f32x4.mul(part, v128.load(at)));
      dx = f32x4.add(dx, f32x4.splat(4));
    }
    light +=
      f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1) + (f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3));
  }
  return light;
}

/**
 * The radius around the centre that holds half of the total, SEP's flux_radius(…, 0.5) with the light within `limit` as all.
 * @param guess Where to start
 */
export function halfFluxRadius(stamp: usize, side: i32, cx: f32, cy: f32, limit: f32, total: f32, guess: f32): f32 {
  const half = total / 2;
  if (!(half > 0)) return NaN;
  let radius = guess;
  let low: f32 = 0;
  let high = limit;
  let lastRadius: f32 = 0;
  let lastLight: f32 = -half;
  for (let round = 0; round < 20; round++) {
    const light = lightWithin(stamp, side, cx, cy, radius) - half;
    if (light > 0) high = radius;
    else low = radius;
    const slope = (light - lastLight) / (radius - lastRadius);
    lastRadius = radius;
    lastLight = light;
    // Between 0 and the guess the light grows faster than along the chord.
    let next = radius - (round == 0 ? 0.8 * (light / slope) : light / slope);
    if (!(next > low && next < high)) next = (low + high) / 2;
    const moved = abs<f32>(next - radius);
    radius = next;
    if (moved < 5e-4 * radius) break;
  }
  return radius;
}

/** Light within a circle: each pixel by its part inside, from four chords through it. */
function lightWithin(stamp: usize, side: i32, cx: f32, cy: f32, radius: f32): f32 {
  const left = max<i32>(0, <i32>floor<f32>(cx - radius));
  const right = min<i32>(side - 1, <i32>ceil<f32>(cx + radius));
  const top = max<i32>(0, <i32>floor<f32>(cy - radius));
  const bottom = min<i32>(side - 1, <i32>ceil<f32>(cy + radius));
  const square = radius * radius;
  const first = f32x4.add(f32x4.splat(<f32>left - cx), f32x4(0, 1, 2, 3));
  const zero = f32x4.splat(0);
  let light = zero;
  for (let y = top; y <= bottom; y++) {
    const dy = <f32>y - cy;
    const lines = f32x4.add(f32x4.splat(dy), f32x4(-0.375, -0.125, 0.125, 0.375));
    const chords = f32x4.sqrt(f32x4.max(zero, f32x4.sub(f32x4.splat(square), f32x4.mul(lines, lines))));
    const a = i8x16.shuffle(chords, chords, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3);
    const b = i8x16.shuffle(chords, chords, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7);
    const c = i8x16.shuffle(chords, chords, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11);
    const d = i8x16.shuffle(chords, chords, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15);
    let dx = first;
    let at = stamp + (<usize>(y * side + left) << 2);
    // Pixels beyond the circle have no part in it, those of the next row among them.
    for (let x = left; x <= right; x += 4, at += 16) {
      const from = f32x4.sub(dx, f32x4.splat(0.5));
      const to = f32x4.add(dx, f32x4.splat(0.5));
      const part = f32x4.add(f32x4.add(onChord(from, to, a), onChord(from, to, b)), f32x4.add(onChord(from, to, c), onChord(from, to, d)));
      light = f32x4.add(light, f32x4.mul(v128.load(at), part));
      dx = f32x4.add(dx, f32x4.splat(4));
    }
  }
  const sum =
    f32x4.extract_lane(light, 0) + f32x4.extract_lane(light, 1) + (f32x4.extract_lane(light, 2) + f32x4.extract_lane(light, 3));
  return sum * 0.25;
}

/** How much of the line between two places is within a half chord of 0. */
// @ts-ignore: decorator
@inline
function onChord(from: v128, to: v128, half: v128): v128 {
  return f32x4.max(f32x4.splat(0), f32x4.sub(f32x4.min(to, half), f32x4.max(from, f32x4.neg(half))));
}
