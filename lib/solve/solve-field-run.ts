/** One run of solve-field in a folder of its own: what it is told, and its reply out of the files that it leaves. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../process/child.ts';
import { NightflowError } from '../process/errors.ts';
import { headerAt, maximumTableBytes, parseTable } from './fits-table.ts';
import type { MatchedStar } from './solution.ts';
import type { SolveHints } from './solver.ts';
import type { Wcs } from './wcs.ts';
import { wcsOf } from './wcs-header.ts';

export const solveFieldPackages = 'astrometry.net astrometry-data-tycho2';

export interface FieldRun {
  /** Exists, is empty of earlier replies, and is the caller's to remove. */
  folder: string;
  /** The star list or picture, in `folder`. */
  input: string;
  kind: 'stars' | 'picture';
  width: number;
  height: number;
  hints: SolveHints;
  timeoutSeconds: number;
  /** A configuration file that names the indices; the system's own when not given. */
  configuration?: string;
  /** Every n-th pixel of a picture is enough. */
  downsample?: number;
  signal?: AbortSignal;
}

export interface FieldMatch {
  wcs: Wcs;
  pairs: MatchedStar[];
  logOdds: number | null;
}

/** @returns null when nothing matched. @throws missing, timeout, aborted, failed */
export async function runSolveField(run: FieldRun): Promise<FieldMatch | null> {
  await runProgram('solve-field', parametersOf(run), {
    // It says nothing while it searches.
    silenceSeconds: run.timeoutSeconds,
    timeoutSeconds: run.timeoutSeconds,
    signal: run.signal,
    aptPackage: solveFieldPackages,
    endsItsChildren: true,
    cwd: run.folder,
  });
  return readMatch(run);
}

export function parametersOf(run: FieldRun): string[] {
  const { kind, hints } = run;
  const number = (value: number) => String(Number(value.toFixed(9)));
  const parameters = ['--no-plots', '--overwrite', '--new-fits', 'none', '--index-xyls', 'none', '--rdls', 'none'];
  parameters.push('--dir', run.folder, '--temp-dir', run.folder, '--out', 'field', '--crpix-center');
  // A safety net only: it is overrun up to three times, and our own limit stands.
  parameters.push('--cpulimit', String(Math.ceil(run.timeoutSeconds) + 5));
  if (run.configuration) parameters.push('--config', run.configuration);
  if (kind === 'stars') {
    // These two are helpers in Python that take longer than the search; our list is clean and spread already.
    parameters.push('--no-remove-lines', '--uniformize', '0');
    parameters.push('--width', String(run.width), '--height', String(run.height), '--x-column', 'X', '--y-column', 'Y');
  } else {
    parameters.push('--no-verify');
    if (run.downsample && run.downsample > 1) parameters.push('--downsample', String(run.downsample));
  }
  if (hints.raDegrees !== undefined && hints.decDegrees !== undefined)
    parameters.push(
      ...['--ra', number(hints.raDegrees), `--dec=${number(hints.decDegrees)}`],
      ...['--radius', number(hints.radiusDegrees ?? 10)],
    );
  if (hints.scaleLow !== undefined) parameters.push('--scale-low', number(hints.scaleLow));
  if (hints.scaleHigh !== undefined) parameters.push('--scale-high', number(hints.scaleHigh));
  if (hints.scaleLow !== undefined || hints.scaleHigh !== undefined) parameters.push('--scale-units', 'arcsecperpix');
  // Its words are for a picture with the first row at the bottom; ours is at the top.
  if (hints.parity) parameters.push('--parity', hints.parity === 'normal' ? 'neg' : 'pos');
  return [...parameters, run.input];
}

async function readMatch({ folder, width, height }: FieldRun): Promise<FieldMatch | null> {
  const solved = await bytesOf(join(folder, 'field.solved'));
  if (solved?.[0] !== 1) return null;
  const header = headerAt((await bytesOf(join(folder, 'field.wcs'))) ?? Buffer.alloc(0), 0);
  const wcs = header && wcsOf(header.header.keywords, { width, height });
  if (!wcs)
    throw new NightflowError(
      'failed',
      'solve-field says that it solved the field, but left no coordinates that can be read.',
    );
  return { wcs, pairs: await readPairs(folder), logOdds: await readOdds(folder) };
}

async function readPairs(folder: string): Promise<MatchedStar[]> {
  const bytes = await bytesOf(join(folder, 'field.corr'));
  if (!bytes) return [];
  const table = parseTable(bytes, 'field.corr');
  const [x, y, ra, dec] = ['FIELD_X', 'FIELD_Y', 'INDEX_RA', 'INDEX_DEC'].map((name) => table.get(name) ?? []);
  return x!.map((_, i) => ({ x: x![i]! - 1, y: y![i]! - 1, raDegrees: ra![i]!, decDegrees: dec![i]! }));
}

async function readOdds(folder: string): Promise<number | null> {
  const bytes = await bytesOf(join(folder, 'field.match'));
  const odds = bytes ? parseTable(bytes, 'field.match').get('LOGODDS')?.[0] : undefined;
  return odds !== undefined && Number.isFinite(odds) ? odds : null;
}

/** A reply's file, or null when there is none. */
async function bytesOf(path: string): Promise<Buffer | null> {
  const size = await stat(path).then(
    (status) => status.size,
    () => null,
  );
  if (size === null) return null;
  if (size > maximumTableBytes)
    throw new NightflowError('failed', `solve-field left a reply of ${size} bytes; that can't be.`);
  return readFile(path);
}
