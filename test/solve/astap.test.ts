/**
 * ASTAP as an engine, played by a script that leaves what astap_cli 2022.11.11 of Debian left for the same picture (the numbers are its
 * own, of a photograph 27° wide around Vega with a star database of W08's format).
 */
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allocatePixels, Frame } from '../../lib/frame/frame.ts';
import { astapSolver } from '../../lib/solve/astap.ts';
import { closeBuiltInSolver } from '../../lib/solve/built-in.ts';
import type { SolveHints } from '../../lib/solve/solver.ts';
import { StarTable } from '../../lib/stars/star-table.ts';

const [width, height] = [1280, 960];
const frame = new Frame({ data: allocatePixels(width, height, 1, 'u8'), width, height, pixelType: 'u8' });
/** The engine looks at them before it asks the program, and at how they fit its answer; ten tell little. */
const stars = StarTable.of(10);
stars.x.set(stars.x.map((_, i) => 60 + 120 * i));
stars.y.set(stars.y.map((_, i) => 50 + ((i * 389) % 860)));
const solved = `PLTSOLVD=T
CRPIX1= 6.4050000000000000E+002
CRPIX2= 4.8050000000000000E+002
CRVAL1= 2.7620449784387125E+002
CRVAL2= 4.1563701521581535E+001
CDELT1= 2.1565309055392650E-002
CDELT2= 2.1545903536841136E-002
CROTA1= 9.9577479737448371E+001
CROTA2= 9.9577930158598534E+001
CD1_1=-3.5880616843673332E-003
CD1_2=-2.1245557989679233E-002
CD2_1= 2.1264721206819884E-002
CD2_2=-3.5849999896848308E-003
CMDLINE=astap_cli -f picture.fits
`;
const notFound = 'PLTSOLVD=F\nCMDLINE=astap_cli\n';
const noDatabase = 'PLTSOLVD=F\nCMDLINE=astap_cli\nERROR=No star database found.\n';

let folder: string;
const systemFolder = process.env.TMPDIR;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-astap-test-'));
  // The engine's private folders go there, so that what it leaves behind can be seen.
  process.env.TMPDIR = folder;
});
afterAll(async () => {
  await closeBuiltInSolver();
  if (systemFolder === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = systemFolder;
  await rm(folder, { recursive: true, force: true });
});

let programs = 0;
/** A program that leaves these answers, one a call and the last one from then on, notes its words, and ends as ASTAP does: 0 when solved, 1 when not. */
async function playing(...answers: string[]) {
  const program = join(folder, `astap${programs++}`);
  for (const [i, answer] of answers.entries()) await writeFile(`${program}.answer${i}`, answer);
  const script = `#!/bin/sh
printf '%s ' "$@" >> ${program}.words
echo >> ${program}.words
n=$(($(wc -l < ${program}.words) - 1))
[ $n -lt ${answers.length} ] || n=${answers.length - 1}
while [ "$1" != "-o" ]; do shift; done
cp ${program}.answer$n "$2.ini"
grep -q PLTSOLVD=T "$2.ini"
`;
  await writeFile(program, script);
  await chmod(program, 0o755);
  const words = async () => (await readFile(`${program}.words`, 'utf8')).trim().split('\n');
  return { solve: (hints: SolveHints = {}) => astapSolver({ program, databaseFolder: '/stars' }).solve({ frame, stars, hints, timeoutSeconds: 60 }), words, program }; // biome-ignore format: one thing
}

describe('ASTAP', () => {
  it('is told position and field in its own units, and its answer is read', async () => {
    const { solve, words } = await playing(solved);
    const hints = { raDegrees: 276, decDegrees: 41.5, radiusDegrees: 30, scaleLow: 70, scaleHigh: 84.7 };
    const result = await solve(hints);
    expect(result).toMatchObject({ status: 'matched', engine: 'astap', withoutHints: false });
    // Centre and scale that solve-field finds for the same photograph: 276.18096 +41.55949, 27.07° wide.
    expect(result.solution!.raDegrees).toBeCloseTo(276.18, 1);
    expect(result.solution!.decDegrees).toBeCloseTo(41.56, 1);
    expect(result.solution!.widthDegrees).toBeCloseTo(27.07, 0);
    expect(result.solution).toMatchObject({ parity: 'normal', wcs: { x: 639.5, y: 479.5 } });
    expect((await words())[0]).toMatch(/ -fov 20\.53\d+ -ra 18\.400000 -spd 131\.500000 -r 30\.00 -d \/stars$/);
  });

  it('is asked without the scale, without the position and without both when it finds nothing', async () => {
    const nothing = Array.from({ length: 9 }, () => notFound);
    const { solve, words } = await playing(...nothing, solved);
    const result = await solve({ raDegrees: 15, decDegrees: -20, scaleLow: 3.75, scaleHigh: 3.75 });
    expect(result).toMatchObject({ status: 'matched', withoutHints: true });
    expect(result.reason).toContain('The hint was wrong');
    const asked = (await words()).map((line) => /-fov (\S+) (-ra|-r)/.exec(line)!.slice(1).join(' '));
    const any = ['62.000000', '40.000000', '24.000000', '0.000000'];
    expect(asked).toEqual([
      '1.000000 -ra',
      ...any.map((field) => `${field} -ra`),
      '1.000000 -r',
      ...any.map((field) => `${field} -r`),
    ]);
  });

  it('does not blame a hint that was right for what it found in a search of its own', async () => {
    const { solve } = await playing(notFound, solved);
    const result = await solve({ raDegrees: 276, decDegrees: 41.5, radiusDegrees: 5, scaleLow: 70, scaleHigh: 84 });
    expect(result).toMatchObject({ status: 'matched', withoutHints: false, reason: 'ASTAP found the field.' });
  });

  it('that finds no stars says so, and what else it says is an error', async () => {
    const few = await playing('PLTSOLVD=F\nERROR=Not enough stars.\n');
    expect(await few.solve({ raDegrees: 10, decDegrees: 0 })).toMatchObject({ status: 'too-few-stars' });
    const broken = await playing('PLTSOLVD=F\nERROR=Error reading image file.\n');
    await expect(broken.solve()).rejects.toMatchObject({
      code: 'failed',
      message: 'ASTAP failed: Error reading image file.',
    });
    const lying = await playing('PLTSOLVD=T\nCRPIX1=nonsense\n');
    await expect(lying.solve()).rejects.toMatchObject({
      message: expect.stringContaining('no coordinates that can be read'),
    });
  });

  it('says no match where it finds none, and leaves no folder behind', async () => {
    const { solve } = await playing(notFound);
    expect(await solve()).toMatchObject({ status: 'no-match', solution: null });
    expect((await readdir(folder)).filter((name) => name.startsWith('nightflow-'))).toEqual([]);
  });

  it('says that a picture without stars has none, without asking the program', async () => {
    const { program } = await playing(solved);
    const result = await astapSolver({ program }).solve({ frame, timeoutSeconds: 10 });
    expect(result).toMatchObject({ status: 'too-few-stars', stars: 0 });
    expect(await readdir(folder)).not.toContain(`${program.split('/').at(-1)}.words`);
  });

  it('without a star database says where to get one', async () => {
    const { solve } = await playing(noDatabase);
    await expect(solve()).rejects.toMatchObject({
      code: 'missing',
      message: 'ASTAP has no star database that it can read in /stars.',
      remedy: expect.stringContaining('https://www.hnsky.org/astap.htm'),
    });
  });

  it('that is not installed names its package', async () => {
    const solver = astapSolver({ program: join(folder, 'no-such-program') });
    await expect(solver.solve({ frame, stars, timeoutSeconds: 10 })).rejects.toMatchObject({
      code: 'missing',
      remedy: 'Install it with: sudo apt install astap-cli',
    });
  });
});
