/** solve-field as its users run it: on the image itself. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../../lib/process/child.ts';
import { asNightflowError } from '../../lib/process/errors.ts';
import { headerAt } from '../../lib/solve/fits-table.ts';
import type { SolveHints } from '../../lib/solve/solver.ts';
import { pixelToSky, type SkyPoint } from '../../lib/solve/wcs.ts';
import { wcsOf } from '../../lib/solve/wcs-header.ts';

/** @returns where the middle of the image looks, or null when it was not found in time. */
export async function solveFieldOn(
  path: string,
  hints: SolveHints | null,
  timeoutSeconds: number,
): Promise<SkyPoint | null> {
  const folder = await mkdtemp(join(tmpdir(), 'nightflow-bench-solve-'));
  try {
    const words = [
      '--no-plots',
      '--dir',
      folder,
      '--temp-dir',
      folder,
      '--out',
      'field',
      '--cpulimit',
      String(timeoutSeconds),
    ];
    if (!hints) words.push('--downsample', '2');
    else
      words.push(
        ...['--ra', String(hints.raDegrees), `--dec=${hints.decDegrees}`, '--radius', String(hints.radiusDegrees)],
        ...[
          '--scale-low',
          String(hints.scaleLow),
          '--scale-high',
          String(hints.scaleHigh),
          '--scale-units',
          'arcsecperpix',
        ],
      );
    const limits = { silenceSeconds: timeoutSeconds, timeoutSeconds, endsItsChildren: true };
    await runProgram('solve-field', [...words, path], limits);
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
