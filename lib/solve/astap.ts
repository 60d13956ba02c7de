/** ASTAP's command line as an engine. It takes the picture itself; its answer is read from the .ini file that it leaves. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Keyword } from '../frame/frame.ts';
import { runProgram } from '../process/child.ts';
import { NightflowError } from '../process/errors.ts';
import { type PictureFile, writePicture } from './picture-file.ts';
import { solutionOf } from './solution.ts';
import type { SolveHints, SolveRequest, SolveResult, Solver, SolveStatus } from './solver.ts';
import type { Wcs } from './wcs.ts';
import { wcsOf } from './wcs-header.ts';

export interface AstapOptions {
  /** Where its star database is; where ASTAP itself looks when not given. */
  databaseFolder?: string | null;
  /** `astap_cli`, unless it is called otherwise. */
  program?: string;
}

const databaseRemedy =
  'Debian has none: download one (D50, or W08 and G05 for wide fields) from https://www.hnsky.org/astap.htm, or choose the engine solve-field';
/** Seconds: with a right hint it is done in one. */
const hintedSeconds = 15;
const hintedShare = 0.4;

export function astapSolver(options: AstapOptions = {}): Solver {
  return { name: 'astap', solve: (request) => solve(request, options) };
}

async function solve(request: SolveRequest, options: AstapOptions): Promise<SolveResult> {
  const started = performance.now();
  const since = () => (performance.now() - started) / 1000;
  const { frame, signal, hints = {}, timeoutSeconds } = request;
  let detect = 0;
  const answer = (status: SolveStatus, reason: string, more: Partial<SolveResult> = {}): SolveResult => {
    const seconds = { detect, search: since() - detect, total: since() };
    return { status, reason, solution: null, engine: 'astap', stars: null, withoutHints: false, seconds, ...more };
  };
  if (frame.width < 9 || frame.height < 9) return answer('too-few-stars', 'The picture is too small to hold stars.');
  const folder = await mkdtemp(join(tmpdir(), 'nightflow-astap-'));
  try {
    const path = join(folder, 'picture.fits');
    const picture = await writePicture(frame, path, signal);
    detect = since();
    const hasPosition = hints.raDegrees !== undefined && hints.decDegrees !== undefined;
    const { raDegrees: _ra, decDegrees: _dec, radiusDegrees: _radius, ...anywhere } = hints;
    for (const [i, attempt] of (hasPosition ? [hints, anywhere] : [hints]).entries()) {
      const left = timeoutSeconds - since();
      if (left < 0.1) break;
      const first = hasPosition && i === 0;
      const wcs = await run(path, picture, attempt, {
        ...options,
        signal,
        timeoutSeconds: first ? Math.min(left * hintedShare, hintedSeconds) : left,
        output: join(folder, `answer${i}`),
      });
      if (!wcs) continue;
      const withoutHints = i > 0;
      const reason = withoutHints ? 'Matched. The hint was wrong: found without it.' : 'Matched.';
      return answer('matched', reason, { solution: solutionOf(picture.ofFrame(wcs)), withoutHints });
    }
    if (since() >= timeoutSeconds)
      return answer('timed-out', `No match within ${Math.round(timeoutSeconds)} s. ASTAP needs the scale to be quick.`);
    return answer('no-match', 'ASTAP found no match: too few stars, or the scale is another one.');
  } catch (error) {
    if (signal?.aborted) return answer('cancelled', 'Stopped on request.');
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

interface Run extends AstapOptions {
  /** Of the answer, without its extension. */
  output: string;
  timeoutSeconds: number;
  signal?: AbortSignal;
}

async function run(path: string, picture: PictureFile, hints: SolveHints, options: Run): Promise<Wcs | null> {
  const { output, timeoutSeconds, signal, program = 'astap_cli' } = options;
  const parameters = ['-f', path, '-o', output, ...wordsOf(hints, picture)];
  if (options.databaseFolder) parameters.push('-d', options.databaseFolder);
  try {
    await runProgram(program, parameters, {
      ...{ silenceSeconds: timeoutSeconds, timeoutSeconds, signal },
      ...{ aptPackage: 'astap-cli', endsItsChildren: true },
    });
  } catch (error) {
    if (!(error instanceof NightflowError)) throw error;
    if (error.code === 'timeout') return null;
    // That it found nothing is an exit code too: its answer tells them apart.
    if (error.code !== 'failed') throw error;
    const said = await readAnswer(output);
    if (!said) throw error;
    return wcsIn(said, picture);
  }
  const said = await readAnswer(output);
  if (!said) throw new NightflowError('failed', 'ASTAP left no answer.');
  return wcsIn(said, picture);
}

/** The height of the field is the scale that it asks for; 0: it tries from 0.3° to 12°. */
export function wordsOf(hints: SolveHints, { height }: { height: number }): string[] {
  const { raDegrees, decDegrees, radiusDegrees = 10, scaleLow, scaleHigh } = hints;
  const scale = scaleLow && scaleHigh ? Math.sqrt(scaleLow * scaleHigh) : (scaleLow ?? scaleHigh ?? 0);
  const words = ['-fov', ((scale * height) / 3600).toFixed(6)];
  if (raDegrees === undefined || decDegrees === undefined) return [...words, '-r', '180'];
  return [
    ...words,
    ...['-ra', (raDegrees / 15).toFixed(6), '-spd', (decDegrees + 90).toFixed(6), '-r', radiusDegrees.toFixed(2)],
  ];
}

/** Its `KEY=value` lines; null when there is no file. */
async function readAnswer(output: string): Promise<Map<string, string> | null> {
  const text = await readFile(`${output}.ini`, 'utf8').catch(() => null);
  if (text === null) return null;
  const lines = text.slice(0, 100_000).split(/\r?\n/);
  return new Map(lines.map((line) => line.split('=', 2).map((part) => part.trim()) as [string, string]));
}

/** @throws missing without a star database, failed with what ASTAP says */
function wcsIn(said: Map<string, string>, { width, height }: PictureFile): Wcs | null {
  if (said.get('PLTSOLVD') === 'T') {
    const numbers: Keyword[] = [...said].map(([name, value]) => ({ name, value: Number(value) }));
    const axes: Keyword[] = [
      { name: 'CTYPE1', value: 'RA---TAN' },
      { name: 'CTYPE2', value: 'DEC--TAN' },
    ];
    const wcs = wcsOf([...axes, ...numbers.filter(({ value }) => Number.isFinite(value))], { width, height });
    if (wcs) return wcs;
    throw new NightflowError(
      'failed',
      'ASTAP says that it solved the picture, but left no coordinates that can be read.',
    );
  }
  const error = said.get('ERROR');
  if (error && /database/i.test(error))
    throw new NightflowError('missing', 'ASTAP has no star database that fits this field.', { remedy: databaseRemedy });
  if (error) throw new NightflowError('failed', `ASTAP failed: ${error}`);
  return null;
}
