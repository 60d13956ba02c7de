/**
 * solve-field as its users run it: on the picture itself. Each reply is kept below the system's folder for temporary files; with
 * NIGHTFLOW_SOLVE_PEER=kept a later run takes it from there instead of computing for an hour, and says so.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../../lib/process/child.ts';
import { asNightflowError } from '../../lib/process/errors.ts';
import { headerAt } from '../../lib/solve/fits-table.ts';
import { solveFieldPackages } from '../../lib/solve/solve-field-run.ts';
import type { SolveHints } from '../../lib/solve/solver.ts';
import { pixelToSky, type SkyPoint } from '../../lib/solve/wcs.ts';
import { wcsOf } from '../../lib/solve/wcs-header.ts';
import { cpu } from '../harness.ts';

export interface PeerReply {
  /** Where the middle of the picture looks; null: not found in time. */
  place: SkyPoint | null;
  cpuSeconds: number;
  /** When it ran, ISO. */
  measured: string;
  /** Not of this run. */
  kept: boolean;
}

export interface PeerQuestion {
  path: string;
  /** null: nothing is known, and half of the picture's pixels are enough. */
  hints: SolveHints | null;
  /** CPU time of its search. Its own --cpulimit is overrun up to 2.6 times, so the kernel keeps it. */
  cpuLimitSeconds: number;
  /** Repetitions are kept apart. */
  turn?: number;
}

const keptFolder = join(tmpdir(), 'nightflow-bench-solve');
const useKept = process.env.NIGHTFLOW_SOLVE_PEER === 'kept';
/** Wall over CPU limit, for a busy machine. */
const patience = 12;

/** @throws missing, when solve-field is not installed */
export async function solveFieldOn(question: PeerQuestion): Promise<PeerReply> {
  const words = wordsOf(question);
  // Says so when it is not installed.
  const file = join(keptFolder, `${await keyOf(question, words)}.json`);
  const kept = useKept ? await readKept(file) : null;
  if (kept) return kept;
  let place: SkyPoint | null = null;
  const { cpuMs } = await cpu(async () => {
    place = await run(question, words);
  });
  const reply = { place, cpuSeconds: cpuMs / 1000, measured: new Date().toISOString() };
  await mkdir(keptFolder, { recursive: true });
  await writeFile(file, JSON.stringify(reply));
  return { ...reply, kept: false };
}

function wordsOf({ hints, cpuLimitSeconds }: PeerQuestion): string[] {
  const words = ['--no-plots', '--cpulimit', String(cpuLimitSeconds)];
  if (!hints) return [...words, '--downsample', '2'];
  const { raDegrees, decDegrees, radiusDegrees, scaleLow, scaleHigh } = hints;
  words.push('--ra', String(raDegrees), `--dec=${decDegrees}`, '--radius', String(radiusDegrees));
  words.push('--scale-low', String(scaleLow), '--scale-high', String(scaleHigh), '--scale-units', 'arcsecperpix');
  return words;
}

async function run({ path, cpuLimitSeconds }: PeerQuestion, words: readonly string[]): Promise<SkyPoint | null> {
  const folder = await mkdtemp(join(tmpdir(), 'nightflow-bench-solve-field-'));
  try {
    const timeoutSeconds = cpuLimitSeconds * patience;
    const limits = { silenceSeconds: timeoutSeconds, timeoutSeconds, endsItsChildren: true };
    const own = ['--dir', folder, '--temp-dir', folder, '--out', 'field'];
    const limited = [`--cpu=${cpuLimitSeconds}`, 'solve-field', ...words, ...own, path];
    await runProgram('prlimit', limited, { ...limits, aptPackage: 'util-linux' });
    const header = headerAt(await readFile(join(folder, 'field.wcs')), 0)?.header;
    const [width, height] = [header?.number('IMAGEW') ?? 0, header?.number('IMAGEH') ?? 0];
    const wcs = header && wcsOf(header.keywords, { width, height });
    return wcs ? pixelToSky(wcs, { x: (width - 1) / 2, y: (height - 1) / 2 }) : null;
  } catch (thrown) {
    if (asNightflowError(thrown).code === 'missing') throw thrown;
    return null;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function keyOf({ path, turn = 0 }: PeerQuestion, words: readonly string[]): Promise<string> {
  const hash = createHash('sha256').update(await readFile(path));
  return hash.update(JSON.stringify([await version(), words, turn])).digest('hex');
}

let known: Promise<string> | null = null;
function version(): Promise<string> {
  const limits = { silenceSeconds: 60, timeoutSeconds: 60, aptPackage: solveFieldPackages };
  known ??= runProgram('solve-field', ['--version'], limits).then(({ stdout }) => stdout.trim());
  return known;
}

async function readKept(file: string): Promise<PeerReply | null> {
  const text = await readFile(file, 'utf8').catch(() => null);
  return text === null ? null : { ...JSON.parse(text), kept: true };
}
