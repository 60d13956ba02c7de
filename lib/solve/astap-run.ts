/** One run of ASTAP's command line: what it is told, and its answer out of the .ini file that it leaves. */
import { readFile } from 'node:fs/promises';
import type { Keyword } from '../frame/frame.ts';
import { runProgram } from '../process/child.ts';
import { NightflowError } from '../process/errors.ts';
import type { Wcs } from './wcs.ts';
import { wcsOf } from './wcs-header.ts';

export interface AstapRun {
  /** The picture's file and its size. */
  path: string;
  width: number;
  height: number;
  /** Of the answer, without its extension; nothing is there yet. */
  output: string;
  /** Height of the field, degrees; 0: it tries from 9.5° down to 0.4°. */
  fieldDegrees: number;
  /** Around where to look; null: everywhere. J2000 degrees. */
  place: { raDegrees: number; decDegrees: number; radiusDegrees: number } | null;
  timeoutSeconds: number;
  program: string;
  /** Where ASTAP itself looks when null. */
  databaseFolder: string | null;
  signal?: AbortSignal;
}

export type AstapAnswer = { is: 'matched'; wcs: Wcs } | { is: 'no-match' | 'too-few-stars' | 'late' };

/** Where Debian's program looks. */
const systemDatabase = '/usr/share/astap/data';
const databaseRemedy = `Debian has none: download one (D50, or W08 and G05 for wide fields) from https://www.hnsky.org/astap.htm and unpack it into ${systemDatabase}, or choose the engine built-in or solve-field`;
/** Its answer is a dozen lines. */
const maximumAnswer = 100_000;

/** @throws missing (the program or its star database), aborted, failed */
export async function runAstap(run: AstapRun): Promise<AstapAnswer> {
  const { output, program, timeoutSeconds, signal } = run;
  try {
    await runProgram(program, wordsOf(run), {
      // It says nothing that counts while it searches.
      silenceSeconds: timeoutSeconds,
      timeoutSeconds,
      signal,
      aptPackage: 'astap-cli',
      endsItsChildren: true,
    });
  } catch (error) {
    if (!(error instanceof NightflowError)) throw error;
    if (error.code === 'timeout') return { is: 'late' };
    // That it found nothing is an exit code too: its answer tells them apart.
    if (error.code !== 'failed') throw error;
    const said = await readAnswer(output);
    if (!said) throw error;
    return answerOf(said, run);
  }
  const said = await readAnswer(output);
  if (!said) throw new NightflowError('failed', 'ASTAP left no answer.');
  return answerOf(said, run);
}

export function wordsOf({ path, output, fieldDegrees, place, databaseFolder }: AstapRun): string[] {
  const words = ['-f', path, '-o', output, '-fov', fieldDegrees.toFixed(6)];
  if (place) {
    const { raDegrees, decDegrees, radiusDegrees } = place;
    words.push(
      '-ra',
      (raDegrees / 15).toFixed(6),
      '-spd',
      (decDegrees + 90).toFixed(6),
      '-r',
      radiusDegrees.toFixed(2),
    );
  } else words.push('-r', '180');
  return databaseFolder ? [...words, '-d', databaseFolder] : words;
}

/** Its `KEY=value` lines; null when there is no file. */
async function readAnswer(output: string): Promise<Map<string, string> | null> {
  const text = await readFile(`${output}.ini`, 'utf8').catch(() => null);
  if (text === null) return null;
  const lines = text.slice(0, maximumAnswer).split(/\r?\n/);
  return new Map(lines.map((line) => line.split('=', 2).map((part) => part.trim()) as [string, string]));
}

/** @throws missing without a star database, failed with what ASTAP says */
function answerOf(said: Map<string, string>, { width, height, databaseFolder }: AstapRun): AstapAnswer {
  if (said.get('PLTSOLVD') === 'T') {
    const wcs = wcsOf([...axes, ...numbersIn(said)], { width, height });
    if (wcs) return { is: 'matched', wcs };
    throw new NightflowError(
      'failed',
      'ASTAP says that it solved the picture, but left no coordinates that can be read.',
    );
  }
  const error = said.get('ERROR');
  if (!error) return { is: 'no-match' };
  if (/not enough stars/i.test(error)) return { is: 'too-few-stars' };
  if (/database/i.test(error))
    throw new NightflowError(
      'missing',
      `ASTAP has no star database that it can read in ${databaseFolder ?? systemDatabase}.`,
      { remedy: databaseRemedy },
    );
  throw new NightflowError('failed', `ASTAP failed: ${error}`);
}

const axes: Keyword[] = [
  { name: 'CTYPE1', value: 'RA---TAN' },
  { name: 'CTYPE2', value: 'DEC--TAN' },
];

const numbersIn = (said: Map<string, string>): Keyword[] =>
  [...said].map(([name, value]) => ({ name, value: Number(value) })).filter(({ value }) => Number.isFinite(value));
