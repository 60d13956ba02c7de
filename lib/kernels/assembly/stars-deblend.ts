/**
 * Separates stars whose isophotes touch. The picture is flooded from its peaks down; where two basins meet, both stay if each
 * has its share of the object's light above that saddle: SExtractor's rule (Bertin & Arnouts 1996, section 6) at every level
 * instead of at 32. What lies below a saddle goes to the side that it is connected to by the steeper way.
 */

/** A basin: parent, pixels as i32; sum of its samples as f64; label in the end as i32. */
const basinBytes: usize = 24;

function basinOf(basins: usize, index: i32): i32 {
  let at = index;
  let parent = load<i32>(basins + <usize>at * basinBytes);
  while (parent != at) {
    at = parent;
    parent = load<i32>(basins + <usize>at * basinBytes);
  }
  return at;
}

/**
 * @param filtered f32 picture of `width` columns: positive inside the object, 0 outside; a margin of one pixel all around
 * @param labels i32 picture: -1 at the object's pixels; afterwards 1 … of the star each belongs to
 * @param order u64, one a pixel of the object: sample's bits << 32 | index in the picture, any order
 * @param total Sum of the samples
 * @returns Number of stars
 */
export function starsDeblend(
  filtered: usize,
  labels: usize,
  order: usize,
  count: i32,
  basins: usize,
  width: i32,
  total: f64,
  contrast: f64,
  least: i32,
): i32 {
  sortDown(order, count);
  let made = 0;
  const share = total * contrast;
  for (let i = 0; i < count; i++) {
    const entry = load<u64>(order + (<usize>i << 3));
    const index = <i32>(<u32>entry);
    const level = <f64>load<f32>(filtered + (<usize>index << 2));
    let best = -1;
    let steepest: f32 = -1;
    // The basins around; where they meet, the small one drowns in the large one unless both stand for themselves.
    for (let neighbour = 0; neighbour < 9; neighbour++) {
      if (neighbour == 4) continue;
      const other = index + (neighbour / 3 - 1) * width + (neighbour % 3) - 1;
      const label = load<i32>(labels + (<usize>other << 2));
      if (label < 1) continue;
      const basin = basinOf(basins, label - 1);
      const height = load<f32>(filtered + (<usize>other << 2));
      if (best < 0) {
        best = basin;
        steepest = height;
        continue;
      }
      if (basin == best) {
        if (height > steepest) steepest = height;
        continue;
      }
      const standing = stands(basins, basin, level, share, least);
      const bestStanding = stands(basins, best, level, share, least);
      if (standing && bestStanding) {
        if (height > steepest) {
          steepest = height;
          best = basin;
        }
      } else {
        // The one that stands, or else the older one, which has the higher peak, takes the other in.
        const keep = standing ? basin : bestStanding ? best : min<i32>(basin, best);
        drown(basins, keep == basin ? best : basin, keep);
        best = keep;
        if (height > steepest) steepest = height;
      }
    }
    if (best < 0) {
      best = made++;
      const at = basins + <usize>best * basinBytes;
      store<i32>(at, best);
      store<i32>(at, 0, 4);
      store<f64>(at, 0, 8);
    }
    const at = basins + <usize>best * basinBytes;
    store<i32>(at, load<i32>(at, 4) + 1, 4);
    store<f64>(at, load<f64>(at, 8) + level, 8);
    store<i32>(labels + (<usize>index << 2), best + 1);
  }
  let stars = 0;
  for (let basin = 0; basin < made; basin++)
    if (load<i32>(basins + <usize>basin * basinBytes) == basin)
      store<i32>(basins + <usize>basin * basinBytes, ++stars, 16);
  for (let i = 0; i < count; i++) {
    const at = labels + (<usize>(<u32>load<u64>(order + (<usize>i << 3))) << 2);
    const basin = basinOf(basins, load<i32>(at) - 1);
    store<i32>(at, load<i32>(basins + <usize>basin * basinBytes, 16));
  }
  return stars;
}

/** Whether a basin has light and pixels enough above the level to be a star of its own. */
// @ts-ignore: decorator
@inline
function stands(basins: usize, basin: i32, level: f64, share: f64, least: i32): bool {
  const at = basins + <usize>basin * basinBytes;
  const pixels = load<i32>(at, 4);
  return pixels >= least && load<f64>(at, 8) - level * <f64>pixels > share;
}

// @ts-ignore: decorator
@inline
function drown(basins: usize, basin: i32, into: i32): void {
  const from = basins + <usize>basin * basinBytes;
  const to = basins + <usize>into * basinBytes;
  store<i32>(from, into);
  store<i32>(to, load<i32>(to, 4) + load<i32>(from, 4), 4);
  store<f64>(to, load<f64>(to, 8) + load<f64>(from, 8), 8);
}

/** Heap sort, largest first: no bad case, no memory. The bits of positive floats sort as they do. */
function sortDown(keys: usize, count: i32): void {
  for (let start = (count >> 1) - 1; start >= 0; start--) sift(keys, start, count);
  for (let end = count - 1; end > 0; end--) {
    const first = load<u64>(keys);
    store<u64>(keys, load<u64>(keys + (<usize>end << 3)));
    store<u64>(keys + (<usize>end << 3), first);
    sift(keys, 0, end);
  }
}

function sift(keys: usize, root: i32, count: i32): void {
  const value = load<u64>(keys + (<usize>root << 3));
  for (;;) {
    let child = 2 * root + 1;
    if (child >= count) break;
    if (child + 1 < count && load<u64>(keys + (<usize>(child + 1) << 3)) < load<u64>(keys + (<usize>child << 3))) child++;
    const below = load<u64>(keys + (<usize>child << 3));
    if (value <= below) break;
    store<u64>(keys + (<usize>root << 3), below);
    root = child;
  }
  store<u64>(keys + (<usize>root << 3), value);
}
