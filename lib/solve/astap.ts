/** ASTAP's command line as an engine. It takes the picture itself; its answer is read from the .ini file that it leaves. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AstapAnswer, type AstapRun, runAstap } from './astap-run.ts';
import { findStars } from './find-stars.ts';
import { contradict, soundHints } from './hints.ts';
import { checkMatch } from './match-check.ts';
import { writePicture } from './picture-file.ts';
import { solutionOf } from './solution.ts';
import type { SolveHints, SolveRequest, SolveResult, Solver, SolveStatus } from './solver.ts';

export interface AstapOptions {
  /** Where its star database is; where ASTAP itself looks when not given. */
  databaseFolder?: string | null;
  /** `astap_cli`, unless it is called otherwise. */
  program?: string;
}

/** Nothing smaller has stars to look for; ASTAP crashes on some. */
const smallestSide = 16;
/** How far from a hint without a radius to look, degrees. */
const usualRadius = 10;
/** Heights of fields to try when nothing is known: wide ones take its wide database a second each, 0 is its own row from 9.5° to 0.4°. */
const anyField = [62, 40, 24, 0];
/** Of the time that is left, what a search around a hint and one of the whole sky with others behind it may take; seconds. */
const [hintedShare, hintedSeconds] = [0.4, 15];
const skyShare = 0.5;

export function astapSolver(options: AstapOptions = {}): Solver {
  return { name: 'astap', solve: (request) => solve(request, options) };
}

async function solve(request: SolveRequest, options: AstapOptions): Promise<SolveResult> {
  const started = performance.now();
  const since = () => (performance.now() - started) / 1000;
  const { frame, signal, timeoutSeconds } = request;
  const hints = soundHints(request.hints);
  let stars: number | null = null;
  let detect = 0;
  const answer = (status: SolveStatus, reason: string, more: Partial<SolveResult> = {}): SolveResult => {
    const seconds = { detect, search: since() - detect, total: since() };
    return { status, reason, solution: null, engine: 'astap', stars, withoutHints: false, seconds, ...more };
  };
  if (signal?.aborted) return answer('cancelled', 'Stopped on request.');
  if (Math.min(frame.width, frame.height) < smallestSide)
    return answer('too-few-stars', 'The picture is too small to hold stars.');
  const folder = await mkdtemp(join(tmpdir(), 'nightflow-astap-'));
  const said: AstapAnswer['is'][] = [];
  const refusals: string[] = [];
  try {
    const list = await findStars(request);
    stars = list.length;
    if (stars === 0) return answer('too-few-stars', fewSentence);
    const path = join(folder, 'picture.fits');
    const { width, height, ofFrame } = await writePicture(frame, path, signal);
    detect = since();
    const attempts = attemptsFor(hints, height);
    for (const [i, { place, fieldDegrees }] of attempts.entries()) {
      const left = timeoutSeconds - since();
      if (left < 0.1) break;
      const isLast = i === attempts.length - 1;
      const share = place ? Math.min(left * hintedShare, hintedSeconds) : left * skyShare;
      const reply = await runAstap({
        ...{ path, width, height, place, fieldDegrees, signal, output: join(folder, `answer${i}`) },
        ...{ program: options.program ?? 'astap_cli', databaseFolder: options.databaseFolder ?? null },
        timeoutSeconds: isLast ? left : share,
      });
      said.push(reply.is);
      if (reply.is !== 'matched') continue;
      const wcs = ofFrame(reply.wcs);
      const { refusal, evidence } = await checkMatch(wcs, list, { ...request, hasOdds: false });
      if (refusal) {
        refusals.push(refusal);
        continue;
      }
      const solution = solutionOf(wcs, evidence);
      // It misses some fields at their true scale and place and finds them in a search of its own: such a hint was right.
      const withoutHints = contradict(hints, solution, usualRadius);
      return answer('matched', matchSentence(withoutHints), { solution, withoutHints });
    }
    if (refusals[0]) return answer('no-match', refusals[0]);
    if (since() >= timeoutSeconds || said.includes('late'))
      return answer(
        'timed-out',
        `No match within ${Math.round(timeoutSeconds)} s. ASTAP needs the position or the scale to be quick.`,
      );
    if (said.every((each) => each === 'too-few-stars')) return answer('too-few-stars', fewSentence);
    return answer(
      'no-match',
      'ASTAP found no match in its star database: another scale, too few stars, or a field that its database is not made for.',
    );
  } catch (error) {
    if (signal?.aborted) return answer('cancelled', 'Stopped on request.');
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

type Attempt = Pick<AstapRun, 'place' | 'fieldDegrees'>;

/** A hint may be wrong: first with all of it, then without the scale, then without the position, then without either. */
function attemptsFor(hints: SolveHints, height: number): Attempt[] {
  const { raDegrees, decDegrees, radiusDegrees = usualRadius, scaleLow, scaleHigh } = hints;
  const place = raDegrees === undefined || decDegrees === undefined ? null : { raDegrees, decDegrees, radiusDegrees };
  const scale = scaleLow && scaleHigh ? Math.sqrt(scaleLow * scaleHigh) : (scaleLow ?? scaleHigh);
  const known = scale ? (scale * height) / 3600 : null;
  const at = (where: Attempt['place'], fields: number[]): Attempt[] =>
    fields.map((fieldDegrees) => ({ place: where, fieldDegrees }));
  return [
    ...(place && known ? at(place, [known]) : []),
    ...(place ? at(place, anyField) : []),
    ...(known ? at(null, [known]) : []),
    ...at(null, anyField),
  ];
}

const fewSentence = 'Too few stars were found. Expose longer, focus, or take off the cap.';
const matchSentence = (withoutHints: boolean): string =>
  withoutHints ? 'ASTAP found the field. The hint was wrong: found without it.' : 'ASTAP found the field.';
