/** The solver of our own: nothing to install, no network. The star catalogue of the package, an index built in a worker at first use. */
import type { Frame } from '../frame/frame.ts';
import { allocateShared } from '../kernels/memory.ts';
import { job } from '../kernels/pool.ts';
import { asNightflowError } from '../process/errors.ts';
import type { SearchInput, SearchOutput } from './built-in.job.ts';
import { solverPool } from './built-in-pool.ts';
import type { StarPlaces } from './built-in-stars.ts';
import { isOfTwoFields, twoFieldsSentence, weigh } from './evidence.ts';
import { findStars, findStarsAgain } from './find-stars.ts';
import { solutionOf } from './solution.ts';
import type { SolveHints, SolveRequest, SolveResult, Solver, SolveStatus } from './solver.ts';
import { bySharpness, type ListedStar } from './star-list.ts';

/** Four make a candidate, two more bear it out where a hint narrows the search; without one, three. */
const fewestStars = 6;
/** More than these tell nothing new. */
const mostStars = 300;
/** Of the time that is left, what an attempt with hints may take while the one without waits; seconds, when they hardly narrow it. */
const hintedShare = 0.3;
const narrowlyHintedSeconds = 3;
/** Of the time of a search without hints, what the stars of the first look get before those of the second. */
const firstLookShare = 0.6;
/** With fewer there is no telling whether a picture is of two fields; seconds to find the other one. */
const [starsForTwo, secondSearchSeconds] = [20, 2];
/** How far from a hint without a radius to look, degrees. */
const usualRadius = 5;

const searchJob = job<SearchInput, SearchOutput>(new URL('./built-in.job.ts', import.meta.url), 'searchSky');

export { closeBuiltInSolver } from './built-in-pool.ts';

export function builtInSolver(): Solver {
  return { name: 'built-in', solve };
}

async function solve(request: SolveRequest): Promise<SolveResult> {
  const started = performance.now();
  const since = () => (performance.now() - started) / 1000;
  const { frame, hints = {}, timeoutSeconds, signal } = request;
  let stars: number | null = null;
  let detect = 0;
  const answer = (status: SolveStatus, reason: string, more: Partial<SolveResult> = {}): SolveResult => {
    const total = since();
    const seconds = { detect, search: total - detect, total };
    return { status, reason, solution: null, engine: 'built-in', stars, withoutHints: false, seconds, ...more };
  };
  try {
    if (signal?.aborted) return answer('cancelled', 'Stopped on request.');
    let list = await findStars(request);
    const found = list.length;
    detect = since();
    stars = found;
    const elsewhere = async (part: readonly ListedStar[], scale: SolveHints) => {
      const one = placesOf(part);
      const { fit } = await search(frame, { flux: one, sharp: one }, scale, secondSearchSeconds, signal);
      return fit?.wcs ?? null;
    };
    const lists = [list];
    let crowded = true;
    for (const { again, ...attempt } of attemptsFor(hints, request.stars === undefined)) {
      if (again && lists.length === 1) {
        const before = since();
        lists.push(await findStarsAgain(request));
        detect += since() - before;
      }
      list = lists[again ? 1 : 0]!;
      const left = timeoutSeconds - since();
      if (left <= 0) break;
      if (list.length < fewestStars) continue;
      const places = { flux: placesOf(list), sharp: placesOf(bySharpness(list)) };
      const seconds = Math.min(left * attempt.share, attempt.mostSeconds);
      const output = await search(frame, places, attempt.hints, seconds, signal);
      if (output.fit) {
        stars = list.length;
        const { wcs, matchedStars, residualPixels, residualArcsec, logOdds } = output.fit;
        if (stars >= starsForTwo && (await isOfTwoFields(wcs, await weigh(wcs, list, signal), elsewhere)))
          return answer('no-match', twoFieldsSentence);
        const solution = solutionOf(wcs, { matchedStars, residualPixels, residualArcsec, logOdds });
        return answer('matched', matchSentence(matchedStars, attempt.without), {
          solution,
          withoutHints: attempt.without,
        });
      }
      if (output.status === 'cancelled') return answer('cancelled', 'Stopped on request.');
      crowded &&= output.catalogueStars === null || output.catalogueStars >= fewestStars;
    }
    if (found < fewestStars) return answer('too-few-stars', fewSentence(found));
    if (!crowded) return answer('too-few-stars', smallSentence);
    if (since() >= timeoutSeconds) return answer('timed-out', lateSentence(timeoutSeconds));
    return answer('no-match', `None of the sky's patterns fits the ${found} stars that were found.`);
  } catch (thrown) {
    if (signal?.aborted) return answer('cancelled', 'Stopped on request.');
    throw asNightflowError(thrown);
  }
}

function placesOf(list: readonly ListedStar[]): StarPlaces {
  const best = list.slice(0, mostStars);
  return { x: Float32Array.from(best, ({ x }) => x), y: Float32Array.from(best, ({ y }) => y) };
}

interface Attempt {
  hints: SolveHints;
  /** The hint is not used. */
  without: boolean;
  /** With the stars of the second look. */
  again: boolean;
  /** Of the time that is left. */
  share: number;
  mostSeconds: number;
}

/** @param twice There is a picture to look at a second time. */
function attemptsFor(hints: SolveHints, twice: boolean): Attempt[] {
  const any = Object.values(hints).some((value) => value !== undefined);
  const blind = { hints: {}, without: any, mostSeconds: Infinity };
  const attempts: Attempt[] = [{ ...blind, again: false, share: twice ? firstLookShare : 1 }];
  if (twice) attempts.push({ ...blind, again: true, share: 1 });
  if (!any) return attempts;
  const narrows = hints.raDegrees !== undefined || hints.scaleLow !== undefined || hints.scaleHigh !== undefined;
  const hinted = { hints, without: false, share: hintedShare, mostSeconds: narrows ? Infinity : narrowlyHintedSeconds };
  if (twice) attempts.unshift({ ...hinted, again: true });
  return [{ ...hinted, again: false }, ...attempts];
}

async function search(
  { width, height }: Frame,
  places: Pick<SearchInput, 'flux' | 'sharp'>,
  hints: SolveHints,
  seconds: number,
  signal: AbortSignal | undefined,
): Promise<SearchOutput> {
  const cancel = allocateShared(4);
  const flag = () => void Atomics.store(new Int32Array(cancel), 0, 1);
  const input: SearchInput = {
    width,
    height,
    ...places,
    hints: hints.raDegrees === undefined ? hints : { ...hints, radiusDegrees: hints.radiusDegrees ?? usualRadius },
    // Both threads count from an origin of their own.
    deadline: performance.timeOrigin + performance.now() + seconds * 1000,
    cancel,
  };
  signal?.addEventListener('abort', flag, { once: true });
  try {
    return await solverPool().run(searchJob, input, { signal });
  } finally {
    signal?.removeEventListener('abort', flag);
  }
}

const fewSentence = (count: number): string =>
  `${count === 0 ? 'No star was' : count === 1 ? 'Only one star was' : `Only ${count} stars were`} found; a match takes ${fewestStars} at the least. Expose longer, focus, or take off the cap.`;
const smallSentence =
  'The field is too small for the stars of the built-in catalogue. Use solve-field with index files for small fields.';
const lateSentence = (seconds: number): string =>
  `No match within ${Math.round(seconds)} s. A hint of position and scale makes the search short.`;
const matchSentence = (count: number, without: boolean): string =>
  `${count} stars match the catalogue${without ? ', without the hint: it was wrong' : ''}.`;
