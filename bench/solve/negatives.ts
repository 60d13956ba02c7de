/**
 * Star lists that are no field of the sky: the built-in solver must match none. NIGHTFLOW_NEGATIVES says how many (400 when it does not), and
 * NIGHTFLOW_NEGATIVE_SECONDS how much CPU time each may take (2); a search of the whole sky to its end takes 3 to 6 s.
 */
import { availableParallelism } from 'node:os';
import { readFrame } from '../../lib/frame/read.ts';
import { job, WorkerPool } from '../../lib/kernels/pool.ts';
import type { SearchInput, SearchOutput } from '../../lib/solve/built-in.job.ts';
import { findStars } from '../../lib/solve/find-stars.ts';
import { type BenchLine, figureLine } from '../harness.ts';
import { negative, type RealList, searchInput } from './negative-lists.ts';
import { hintsOf, type KnownPicture } from './pictures.ts';

const searchFor = job<{ input: SearchInput; cpuSeconds: number }, SearchOutput>(
  new URL('./negatives.job.ts', import.meta.url),
  'searchFor',
);
/** A worker builds its index in the first search. */
const warmSeconds = 60;
const fewestStars = 12;

export async function negatives(pictures: readonly KnownPicture[]): Promise<BenchLine> {
  const count = Number(process.env.NIGHTFLOW_NEGATIVES) || 400;
  const cpuSeconds = Number(process.env.NIGHTFLOW_NEGATIVE_SECONDS) || 2;
  const workers = availableParallelism();
  const pool = new WorkerPool(workers);
  try {
    const search = (input: SearchInput, seconds: number) => pool.run(searchFor, { input, cpuSeconds: seconds });
    const blind = { ...negative(0, []).input, hints: {} };
    await Promise.all(Array.from({ length: workers }, () => search(blind, warmSeconds)));
    const lists = await realLists(pictures, search);
    const tally = { done: 0, matched: 0, toTheEnd: 0, cut: 0 };
    const say = () =>
      console.log(
        `solve negatives: ${tally.done} of ${count} lists, ${tally.matched} matched, ${tally.toTheEnd} searched to the end, ${tally.cut} cut after ${cpuSeconds} s of CPU.`,
      );
    let next = 0;
    const work = async () => {
      while (next < count) {
        const number = next++;
        const { what, input } = negative(number, lists);
        const { fit, status, tested } = await search(input, cpuSeconds);
        tally.done++;
        if (status === 'no-match') tally.toTheEnd++;
        if (status === 'timed-out') tally.cut++;
        if (fit) {
          tally.matched++;
          const { logOdds, matchedStars, share, stretch } = fit;
          console.log(
            `solve negatives: number ${number}, ${what}, was matched: log-odds ${logOdds.toFixed(1)}, ${matchedStars} stars, ` +
              `share ${share.toFixed(2)}, stretch ${stretch.toFixed(3)}, ${tested} tested, hints ${JSON.stringify(input.hints)}`,
          );
        }
        if (tally.done % 100 === 0) say();
      }
    };
    await Promise.all(Array.from({ length: workers }, work));
    say();
    const part = `false matches of ${count} negatives, built-in`;
    return figureLine({ bench: 'solve', part, figure: tally.matched, goal: 0 });
  } finally {
    await pool.close();
  }
}

/** Their parity is that of the solver's own match. */
async function realLists(
  pictures: readonly KnownPicture[],
  search: (input: SearchInput, seconds: number) => Promise<SearchOutput>,
): Promise<RealList[]> {
  const lists: RealList[] = [];
  for (const picture of pictures) {
    const frame = await readFrame(picture.path).catch(() => null);
    const stars = frame && (await findStars({ frame, timeoutSeconds: 60 }));
    if (!frame || !stars || stars.length < fewestStars) continue;
    const { width, height } = frame;
    const hints = picture.truth ? hintsOf(picture) : null;
    const { found } = hints ? await search(searchInput(frame, stars, hints), 10) : { found: null };
    const parity = found ? (found.mirrored ? 'mirrored' : 'normal') : null;
    lists.push({ file: picture.file, width, height, stars, hints, parity });
  }
  return lists;
}
