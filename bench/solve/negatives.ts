/**
 * Star lists that are no field of the sky: half of them random, half the lists of real photographs made impossible. The built-in solver must
 * match none. NIGHTFLOW_NEGATIVES says how many (400 when it does not), each searched for a second and a half at the most.
 */
import { Frame } from '../../lib/frame/frame.ts';
import { readFrame } from '../../lib/frame/read.ts';
import { allocateShared } from '../../lib/kernels/memory.ts';
import { builtInSolver } from '../../lib/solve/built-in.ts';
import { findStars } from '../../lib/solve/find-stars.ts';
import type { SolveHints } from '../../lib/solve/solver.ts';
import type { ListedStar } from '../../lib/solve/star-list.ts';
import { StarTable } from '../../lib/stars/star-table.ts';
import { type BenchLine, figureLine } from '../harness.ts';
import type { KnownPicture } from './pictures.ts';

interface StarList {
  file: string;
  width: number;
  height: number;
  stars: ListedStar[];
}

const secondsEach = 1.5;
const mostStars = 300;

export async function negatives(pictures: readonly KnownPicture[]): Promise<BenchLine> {
  const count = Number(process.env.NIGHTFLOW_NEGATIVES) || 400;
  const lists = await realLists(pictures);
  const random = generator(20_261_121);
  const solver = builtInSolver();
  let matched = 0;
  for (let i = 0; i < count; i++) {
    const { what, list, hints } = i % 2 === 0 ? randomList(random) : impossible(lists, random, i >> 1);
    const { width, height, stars } = list;
    // Its pixels are never looked at: the stars come with it.
    const frame = new Frame({ data: allocateShared(width * height), width, height, pixelType: 'u8' });
    const result = await solver.solve({ frame, stars: tableOf(stars), hints, timeoutSeconds: secondsEach });
    if (result.solution === null) continue;
    matched++;
    console.log(
      `solve negatives: ${what} was matched, log-odds ${result.solution.logOdds?.toFixed(1)}: ${result.reason}`,
    );
  }
  console.log(`solve negatives: ${matched} of ${count} lists matched.`);
  return figureLine({
    bench: 'solve',
    part: `false matches of ${count} negatives, built-in`,
    figure: matched,
    goal: 0,
  });
}

async function realLists(pictures: readonly KnownPicture[]): Promise<StarList[]> {
  const lists: StarList[] = [];
  for (const { file, path } of pictures) {
    const frame = await readFrame(path).catch(() => null);
    const stars = frame && (await findStars({ frame, timeoutSeconds: 60 }));
    if (frame && stars && stars.length >= 12)
      lists.push({ file, width: frame.width, height: frame.height, stars: stars.slice(0, mostStars) });
  }
  return lists;
}

function randomList(random: () => number): { what: string; list: StarList; hints: SolveHints } {
  const [width, height] = [1000 + Math.floor(3000 * random()), 1000 + Math.floor(1500 * random())];
  const count = 8 + Math.floor(250 * random() ** 2);
  const stars = Array.from({ length: count }, (_, i) => ({
    x: random() * width,
    y: random() * height,
    flux: 1e6 / (i + 1),
    hfr: 1 + random(),
  }));
  return {
    what: `${count} random stars`,
    list: { file: 'random', width, height, stars },
    hints: hintsBy(random, width),
  };
}

/** x of one picture with y of another; one axis stretched by a tenth; mirrored, and searched as if it were not. */
function impossible(
  lists: readonly StarList[],
  random: () => number,
  turn: number,
): { what: string; list: StarList; hints: SolveHints } {
  const one = lists[Math.floor(random() * lists.length)]!;
  const other = lists[Math.floor(random() * lists.length)]!;
  const { width, height } = one;
  if (turn % 2 === 0) {
    const stars = one.stars.map((star, i) => ({
      ...star,
      y: (other.stars[(i + 3) % other.stars.length]!.y / other.height) * height,
    }));
    return { what: `${one.file} mixed with ${other.file}`, list: { ...one, stars }, hints: hintsBy(random, width) };
  }
  const stars = one.stars.map((star) => ({ ...star, x: star.x * 1.1 }));
  return {
    what: `${one.file} stretched`,
    list: { ...one, width: Math.round(width * 1.1), stars },
    hints: hintsBy(random, width),
  };
}

/** Nothing, the scale, or the scale and a place. */
function hintsBy(random: () => number, width: number): SolveHints {
  const kind = Math.floor(3 * random());
  if (kind === 0) return {};
  const scale = (3600 * 80 * random() ** 2 + 3600) / width;
  const hints = { scaleLow: scale / 1.15, scaleHigh: scale * 1.15 };
  if (kind === 1) return hints;
  return {
    ...hints,
    raDegrees: 360 * random(),
    decDegrees: (Math.asin(2 * random() - 1) * 180) / Math.PI,
    radiusDegrees: 5,
  };
}

function tableOf(stars: readonly ListedStar[]): StarTable {
  const table = StarTable.of(stars.length);
  table.x.set(stars.map(({ x }) => x));
  table.y.set(stars.map(({ y }) => y));
  table.flux.set(stars.map(({ flux }) => flux));
  table.hfr.set(stars.map(({ hfr = 1 }) => hfr));
  return table;
}

function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
