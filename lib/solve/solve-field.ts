/** astrometry.net's solve-field as an engine: it gets our star list instead of the picture, and its reply is read from its files. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Frame } from '../frame/frame.ts';
import { NightflowError } from '../process/errors.ts';
import { findStars } from './find-stars.ts';
import { formatTable } from './fits-table.ts';
import { soundHints } from './hints.ts';
import { checkMatch } from './match-check.ts';
import { writePicture } from './picture-file.ts';
import { residualsOf, solutionOf } from './solution.ts';
import { type FieldMatch, type FieldRun, runSolveField, solveFieldPackages } from './solve-field-run.ts';
import type { SolveHints, SolveRequest, SolveResult, Solver, SolveStatus } from './solver.ts';
import { type ListedStar, spreadStars } from './star-list.ts';

export interface SolveFieldOptions {
  /** Where the index files are; as the system's own configuration says when not given. */
  indexFolder?: string | null;
}

/** More stars than these bring nothing but time. */
const mostStars = 200;
/** A quad takes four. */
const fewestStars = 4;
/** As many cells as solve-field's own spreading would make. */
const spreadCells = 10;
/** Wider pictures are looked at in half their size when the star list fails. */
const downsampleAbove = 700;

/** What a slow computer needs, ten times over. */
const hintedSeconds = 8;
const scaledSeconds = 25;
/** The rest is for the picture itself. */
const blindShare = 0.4;

export function solveFieldSolver(options: SolveFieldOptions = {}): Solver {
  return { name: 'solve-field', solve: (request) => solve(request, options) };
}

type Attempt = { hints: SolveHints; without: boolean; kind: FieldRun['kind'] };

async function solve(request: SolveRequest, options: SolveFieldOptions): Promise<SolveResult> {
  const started = performance.now();
  const since = (from: number) => (performance.now() - from) / 1000;
  const { frame, signal, timeoutSeconds } = request;
  const hints = soundHints(request.hints);
  let stars: number | null = null;
  let detect = 0;
  let unfinished = false;
  const answer = (status: SolveStatus, reason: string, more: Partial<SolveResult> = {}): SolveResult => {
    const total = since(started);
    const seconds = { detect, search: total - detect, total };
    return { status, reason, solution: null, engine: 'solve-field', stars, withoutHints: false, seconds, ...more };
  };
  const folder = await mkdtemp(join(tmpdir(), 'nightflow-solve-'));
  try {
    const configuration = await configurationIn(folder, options.indexFolder ?? null);
    const list = await findStars(request);
    detect = since(started);
    stars = list.length;
    if (list.length < fewestStars) return answer('too-few-stars', fewSentence(list.length));
    for (const [i, attempt] of attemptsFor(hints).entries()) {
      const { hints, kind, without } = attempt;
      const left = timeoutSeconds - since(started);
      if (left < 0.1) break;
      const own = join(folder, `${i}`);
      await mkdir(own);
      const match = await withinTime(
        { folder: own, kind, hints, configuration, signal, timeoutSeconds: shareOf(left, attempt) },
        frame,
        list,
      );
      // Only the search among all the sky can say that there is no match.
      if (kind === 'stars') unfinished = match === 'late';
      if (!match || match === 'late') continue;
      const { refusal } = await checkMatch(match.wcs, list, { ...request, hasOdds: true });
      if (refusal) return answer('no-match', refusal);
      return answer('matched', sentence(match, without), { solution: solved(match), withoutHints: without });
    }
    if (unfinished || since(started) >= timeoutSeconds)
      return answer(
        'timed-out',
        `No match within ${Math.round(timeoutSeconds)} s. A hint of position and scale makes the search short.`,
      );
    return answer('no-match', `None of the sky's patterns fits the ${list.length} stars that were found.`);
  } catch (error) {
    if (signal?.aborted) return answer('cancelled', 'Stopped on request.');
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** A hint may be wrong: first with all of it, then without the position, then without anything; at last the picture instead of our list. */
function attemptsFor(hints: SolveHints): Attempt[] {
  const { raDegrees, decDegrees, scaleLow, scaleHigh } = hints;
  const hasPosition = raDegrees !== undefined && decDegrees !== undefined;
  const hasScale = scaleLow !== undefined || scaleHigh !== undefined;
  const scale = { ...(scaleLow === undefined ? {} : { scaleLow }), ...(scaleHigh === undefined ? {} : { scaleHigh }) };
  const attempts: Attempt[] = [{ hints, without: false, kind: 'stars' }];
  if (hasPosition && hasScale) attempts.push({ hints: scale, without: true, kind: 'stars' });
  if (hasPosition || hasScale || hints.parity) attempts.push({ hints: {}, without: true, kind: 'stars' });
  attempts.push({ hints, without: false, kind: 'picture' });
  return attempts;
}

/** Seconds that an attempt may take of what is left: with hints it is over in a tenth of a second, or a minute later in vain. */
function shareOf(left: number, { hints, kind }: Attempt): number {
  if (kind === 'picture') return left;
  // A parity alone narrows nothing, and without it comes the same search.
  const isParity = hints.parity !== undefined && hints.scaleLow === undefined && hints.scaleHigh === undefined;
  if (hints.raDegrees !== undefined || isParity) return Math.min(left * 0.4, hintedSeconds);
  return hints.scaleLow !== undefined || hints.scaleHigh !== undefined
    ? Math.min(left * 0.5, scaledSeconds)
    : left * blindShare;
}

async function withinTime(
  run: Omit<FieldRun, 'input' | 'width' | 'height'>,
  frame: Frame,
  list: readonly ListedStar[],
): Promise<FieldMatch | 'late' | null> {
  const { width, height } = frame;
  try {
    if (run.kind === 'stars') {
      const input = join(run.folder, 'stars.xyls');
      const spread = spreadStars(list, { width, height, cells: spreadCells, most: mostStars });
      await writeFile(
        input,
        formatTable({
          X: spread.map(({ x }) => x + 1),
          Y: spread.map(({ y }) => y + 1),
          FLUX: spread.map(({ flux }) => flux),
        }),
      );
      return await runSolveField({ ...run, input, width, height });
    }
    return await solvePicture(run, frame);
  } catch (error) {
    if (error instanceof NightflowError && error.code === 'timeout') return 'late';
    throw error;
  }
}

async function solvePicture(
  run: Omit<FieldRun, 'input' | 'width' | 'height'>,
  frame: Frame,
): Promise<FieldMatch | null> {
  const input = join(run.folder, 'picture.fits');
  const { width, height, offset, ofFrame } = await writePicture(frame, input, run.signal);
  const match = await runSolveField({ ...run, input, width, height, downsample: width > downsampleAbove ? 2 : 1 });
  if (!match) return null;
  const pairs = match.pairs.map((pair) => ({ ...pair, x: pair.x + offset, y: pair.y + offset }));
  return { ...match, pairs, wcs: ofFrame(match.wcs) };
}

function solved({ wcs, pairs, logOdds }: FieldMatch) {
  return solutionOf(wcs, { ...residualsOf(wcs, pairs), matchedStars: pairs.length || null, logOdds });
}

function sentence({ pairs }: FieldMatch, without: boolean): string {
  const found = `${pairs.length} stars match the catalogue.`;
  return without ? `${found} The hint was wrong: found without it.` : found;
}

const fewSentence = (count: number): string =>
  `${count} ${count === 1 ? 'star was' : 'stars were'} found; a match takes ${fewestStars} at the least. Clouds, a cap, or too short an exposure?`;

/** Where Debian's, the makers' and Homebrew's packages look for indices when nothing else is said. */
const systemConfigurations = [
  '/etc/astrometry.cfg',
  '/usr/local/etc/astrometry.cfg',
  '/opt/homebrew/etc/astrometry.cfg',
];

/** @returns the path of a configuration for the given index folder, undefined for the system's own. @throws missing when there are no indices */
async function configurationIn(folder: string, indexFolder: string | null): Promise<string | undefined> {
  const named = indexFolder !== null ? [indexFolder] : await systemFolders();
  // An installation with a configuration that we don't know finds its indices itself.
  if (named === null) return undefined;
  const filled = await Promise.all(named.map(hasIndices));
  if (!filled.includes(true))
    throw new NightflowError(
      'missing',
      `solve-field has no index files in ${named.join(', ') || 'its configuration'}.`,
      {
        remedy: `Install them with: sudo apt install ${solveFieldPackages}`,
      },
    );
  if (indexFolder === null) return undefined;
  if (/[\r\n]/.test(indexFolder))
    throw new NightflowError('bad-input', 'The name of the index folder has a line break.');
  const path = join(folder, 'astrometry.cfg');
  await writeFile(path, `add_path ${indexFolder}\nautoindex\n`);
  return path;
}

async function systemFolders(): Promise<string[] | null> {
  for (const path of systemConfigurations) {
    const text = await readFile(path, 'utf8').catch(() => null);
    if (text !== null) return [...text.matchAll(/^\s*add_path\s+(.+?)\s*$/gm)].map(([, each]) => each!);
  }
  return null;
}

const hasIndices = (folder: string): Promise<boolean> =>
  readdir(folder).then(
    (names) => names.some((name) => /^index-.*\.fits$/.test(name)),
    () => false,
  );
