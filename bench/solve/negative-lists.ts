/** Star lists that are no field of the sky: random ones, and those of real photographs made impossible. Each is told by its number. */
import { allocateShared } from '../../lib/kernels/memory.ts';
import type { SearchInput } from '../../lib/solve/built-in.job.ts';
import type { SolveHints } from '../../lib/solve/solver.ts';
import { bySharpness, type ListedStar } from '../../lib/solve/star-list.ts';

export interface RealList {
  file: string;
  width: number;
  height: number;
  stars: ListedStar[];
  /** Place and scale; null: nobody solved it. */
  hints: SolveHints | null;
  /** As the solver found it; null: it did not. */
  parity: 'normal' | 'mirrored' | null;
}

export interface Negative {
  what: string;
  input: SearchInput;
}

/** As many as the solver takes. */
const mostStars = 300;

/** Even numbers are random lists; the odd ones take turns in the ways to make a real one impossible, each with and without hints. */
export function negative(number: number, lists: readonly RealList[]): Negative {
  const random = generator(number);
  if (number % 2 === 0) return randomList(random);
  const turn = (number - 1) / 2;
  const make = [mixed, stretched, mirrored][turn % 3]!;
  return make(lists, random, Math.floor(turn / 3) % 3);
}

function randomList(random: () => number): Negative {
  const [width, height] = [1000 + Math.floor(3000 * random()), 1000 + Math.floor(1500 * random())];
  const count = 8 + Math.floor(250 * random() ** 2);
  const stars = Array.from({ length: count }, (_, i) => ({
    ...{ x: random() * width, y: random() * height },
    ...{ flux: 1e6 / (i + 1), hfr: 1 + random() },
  }));
  return { what: `${count} random stars`, input: searchInput({ width, height }, stars, anyHints(random, width)) };
}

/** x of one picture, y of another. */
function mixed(lists: readonly RealList[], random: () => number, kind: number): Negative {
  const [one, other] = [oneOf(lists, random), oneOf(lists, random)];
  const stars = one.stars.map((star, i) => ({
    ...star,
    y: (other.stars[(i + 3) % other.stars.length]!.y / other.height) * one.height,
  }));
  return { what: `${one.file} mixed with ${other.file}`, input: searchInput(one, stars, ownHints(one, kind)) };
}

/** One axis a tenth longer. */
function stretched(lists: readonly RealList[], random: () => number, kind: number): Negative {
  const one = oneOf(lists, random);
  const size = { width: Math.round(one.width * 1.1), height: one.height };
  const stars = one.stars.map((star) => ({ ...star, x: star.x * 1.1 }));
  return { what: `${one.file} stretched`, input: searchInput(size, stars, ownHints(one, kind)) };
}

/** Mirrored, and searched as if it were not. Some of its stars are moved, so that no two lists of a picture are the same. */
function mirrored(lists: readonly RealList[], random: () => number, kind: number): Negative {
  const known = lists.filter(({ parity }) => parity !== null);
  const one = oneOf(known, random);
  const stars = one.stars
    .filter(() => random() < 0.8)
    .map((star) => ({ ...star, x: one.width - 1 - star.x, y: star.y + random() - 0.5 }));
  const hints: SolveHints = { ...ownHints(one, kind), parity: one.parity! };
  return { what: `${one.file} mirrored`, input: searchInput(one, stars, hints) };
}

/** What the solver makes of a list. The end of the search is left to who runs it. */
export function searchInput(
  { width, height }: { width: number; height: number },
  stars: readonly ListedStar[],
  hints: SolveHints,
): SearchInput {
  const placesOf = (list: readonly ListedStar[]) => {
    const best = list.slice(0, mostStars);
    return { x: Float32Array.from(best, ({ x }) => x), y: Float32Array.from(best, ({ y }) => y) };
  };
  const places = { flux: placesOf(stars), sharp: placesOf(bySharpness(stars)) };
  return { width, height, ...places, hints, deadline: Infinity, cancel: allocateShared(4) };
}

const oneOf = (lists: readonly RealList[], random: () => number): RealList =>
  lists[Math.floor(random() * lists.length)]!;

/** Nothing, the scale, or the scale and the place: where the real stars are, and a match would be likeliest. */
function ownHints({ hints }: RealList, kind: number): SolveHints {
  if (!hints || kind === 0) return {};
  return kind === 1 ? { scaleLow: hints.scaleLow, scaleHigh: hints.scaleHigh } : hints;
}

function anyHints(random: () => number, width: number): SolveHints {
  const kind = Math.floor(3 * random());
  if (kind === 0) return {};
  const scale = (3600 * 80 * random() ** 2 + 3600) / width;
  const hints = { scaleLow: scale / 1.15, scaleHigh: scale * 1.15 };
  if (kind === 1) return hints;
  const decDegrees = (Math.asin(2 * random() - 1) * 180) / Math.PI;
  return { ...hints, raDegrees: 360 * random(), decDegrees, radiusDegrees: 5 };
}

function generator(seed: number): () => number {
  let state = Math.imul(seed + 1, 2_654_435_761) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
