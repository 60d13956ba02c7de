/** Connected components of runs, 8 neighbours: union-find over the runs of adjacent rows, then the runs of each together. */

// @ts-ignore: decorator
@inline
function parentOf(parents: usize, index: i32): i32 {
  return load<i32>(parents + (<usize>index << 2));
}

/** The root of a run; halves the path on its way. */
function rootOf(parents: usize, index: i32): i32 {
  let parent = parentOf(parents, index);
  while (parent != index) {
    const above = parentOf(parents, parent);
    store<i32>(parents + (<usize>index << 2), above);
    index = above;
    parent = parentOf(parents, index);
  }
  return index;
}

/**
 * Joins runs (y, first x, last x as i32, in the order of the picture) that touch, by an edge or a corner.
 * @param parents `count` i32: afterwards each run's root, the first run of its object
 */
export function starsJoinRuns(runs: usize, count: i32, parents: usize): void {
  let above = 0;
  for (let index = 0; index < count; index++) {
    store<i32>(parents + (<usize>index << 2), index);
    const run = runs + <usize>index * 12;
    const y = load<i32>(run);
    const first = load<i32>(run, 4) - 1;
    const last = load<i32>(run, 8) + 1;
    // Runs of the row above that end before this one starts can't touch any later one of this row either.
    while (above < index) {
      const other = runs + <usize>above * 12;
      const row = load<i32>(other);
      if (row < y - 1 || (row == y - 1 && load<i32>(other, 8) < first)) above++;
      else break;
    }
    for (let other = above; other < index; other++) {
      const at = runs + <usize>other * 12;
      if (load<i32>(at) != y - 1 || load<i32>(at, 4) > last) break;
      const a = rootOf(parents, index);
      const b = rootOf(parents, other);
      if (a < b) store<i32>(parents + (<usize>b << 2), a);
      else store<i32>(parents + (<usize>a << 2), b);
    }
  }
  for (let index = 0; index < count; index++)
    store<i32>(parents + (<usize>index << 2), rootOf(parents, index));
}

/**
 * Puts the runs of each object of `least` pixels or more together, objects and runs in the order of the picture.
 * @param parents Of starsJoinRuns
 * @param work 2 x `count` i32
 * @param grouped Room for `count` runs
 * @param starts i32: index of each object's first run in `grouped`, and the end behind the last; room for `most` + 1
 * @returns Number of objects; what is above `most` was left out
 */
export function starsGroupRuns(
  runs: usize,
  count: i32,
  parents: usize,
  least: i32,
  work: usize,
  grouped: usize,
  starts: usize,
  most: i32,
): i32 {
  const areas = work;
  const places = work + (<usize>count << 2);
  memory.fill(work, 0, <usize>count << 3);
  for (let index = 0; index < count; index++) {
    const run = runs + <usize>index * 12;
    const root = <usize>parentOf(parents, index) << 2;
    store<i32>(areas + root, load<i32>(areas + root) + load<i32>(run, 8) - load<i32>(run, 4) + 1);
    store<i32>(places + root, load<i32>(places + root) + 1);
  }
  let objects = 0;
  let place = 0;
  for (let index = 0; index < count; index++) {
    if (parentOf(parents, index) != index) continue;
    const own = <usize>index << 2;
    const number = load<i32>(places + own);
    if (load<i32>(areas + own) < least) {
      store<i32>(places + own, -1);
      continue;
    }
    if (objects < most) {
      store<i32>(starts + (<usize>objects << 2), place);
      store<i32>(places + own, place);
      place += number;
    } else store<i32>(places + own, -1);
    objects++;
  }
  store<i32>(starts + (<usize>min<i32>(objects, most) << 2), place);
  for (let index = 0; index < count; index++) {
    const root = <usize>parentOf(parents, index) << 2;
    const at = load<i32>(places + root);
    if (at < 0) continue;
    memory.copy(grouped + <usize>at * 12, runs + <usize>index * 12, 12);
    store<i32>(places + root, at + 1);
  }
  return objects;
}
