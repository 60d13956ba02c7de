/** Three frames of 12 Mpx measured, registered and warped, from files to files, against Siril's register; and a real night behind clouds. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Frame } from '../lib/frame/frame.ts';
import { identityMatrix } from '../lib/frame/matrix.ts';
import { readFrame } from '../lib/frame/read.ts';
import { warpFrame } from '../lib/frame/warp.ts';
import { writeFrame } from '../lib/frame/write.ts';
import { closeSharedPool } from '../lib/kernels/pool.ts';
import { asNightflowError } from '../lib/process/errors.ts';
import { measureStars } from '../lib/stars/measure.ts';
import { registerStars } from '../lib/stars/register.ts';
import { randomOf, similarity, sky } from '../test/stars/fields.ts';
import { render } from '../test/stars/frames.ts';
import { type BenchLine, cpu, dataFolder, figureLine, median, pairedBench, unavailable } from './harness.ts';

const size = { width: 4056, height: 3040 };
const frames = 3;
/** Against Siril: CPU of ours ÷ theirs. */
const cpuGoal = 0.5;
/** Root mean square of the bright stars' distances after the warp, pixels. */
const residualGoal = 0.1;
/** Of the frames behind moving clouds: so many minutes of a turning wide-angle sky, and the part that must be registered. */
const realFrames = 24;
const realGoal = 0.95;

const name = (folder: string, prefix: string, i: number) =>
  join(folder, `${prefix}${String(i + 1).padStart(5, '0')}.fits`);

/** Files of a night that drifts and turns: 0.2 degrees and 12 px from one to the next. */
async function writeNight(folder: string): Promise<void> {
  const field = sky(randomOf(1), 4000, -400, -300, 4456, 3340).map((star) => ({
    ...star,
    flux: 60 * star.flux + 2000,
  }));
  for (let i = 0; i < frames; i++) {
    const map = similarity(0.2 * i, 1, 10.3 * i, -6.7 * i, size);
    await writeFrame(render(randomOf(10 + i), field, size, { map }), name(folder, 'light_', i), { format: 'fits' });
  }
}

async function registerAll(folder: string): Promise<void> {
  const reference = await readFrame(name(folder, 'light_', 0));
  const { stars } = await measureStars(reference);
  // Siril writes the reference once more, too.
  await writeFrame(await warpFrame(reference, identityMatrix), name(folder, 'ours_', 0), { format: 'fits' });
  for (let i = 1; i < frames; i++) {
    const frame = await readFrame(name(folder, 'light_', i));
    const { matrix } = await registerStars((await measureStars(frame)).stars, stars, size);
    await writeFrame(await warpFrame(frame, matrix), name(folder, 'ours_', i), { format: 'fits' });
  }
}

/** Distances of the brightest clean stars of two pictures that should lie on each other, root mean square. */
async function residualOf(reference: Frame, moved: Frame): Promise<number> {
  const [a, b] = [(await measureStars(reference)).stars, (await measureStars(moved)).stars];
  const squares: number[] = [];
  for (let i = 0; i < a.count && squares.length < 300; i++) {
    if (a.flags[i] !== 0) continue;
    let least = Infinity;
    for (let j = 0; j < b.count; j++)
      if (b.flags[j] === 0) least = Math.min(least, (a.x[i]! - b.x[j]!) ** 2 + (a.y[i]! - b.y[j]!) ** 2);
    if (least < 1) squares.push(least);
  }
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length);
}

async function againstSiril(folder: string): Promise<BenchLine[]> {
  await writeNight(folder);
  const script = join(folder, 'register.ssf');
  await writeFile(script, 'requires 1.0.0\nsetext fits\nregister light_ -prefix=theirs_\n');
  const siril = () =>
    execFileSync('siril-cli', ['-d', folder, '-s', script], { env: { ...process.env, HOME: folder }, stdio: 'pipe' });
  const residual = async (prefix: string) => {
    const reference = await readFrame(name(folder, 'light_', 0));
    const values: number[] = [];
    for (let i = 1; i < frames; i++) values.push(await residualOf(reference, await readFrame(name(folder, prefix, i))));
    return Math.max(...values);
  };
  const line = await pairedBench({
    bench: 'register',
    part: `${frames} x 12 Mpx`,
    goal: cpuGoal,
    ours: () => cpu(() => registerAll(folder)),
    peer: () => cpu(async () => siril()),
    agree: async () => {
      const [ours, theirs] = [await residual('ours_'), await residual('theirs_light_')];
      console.log(
        `register: stars lie within ${ours.toFixed(3)} px (Siril ${theirs.toFixed(3)} px) of the reference's, rms`,
      );
      return (ours <= residualGoal && theirs < 1) || `residuals of ${ours.toFixed(3)} and ${theirs.toFixed(3)} px`;
    },
  });
  return [line];
}

/** Frames of a fixed camera, one minute apart: the sky turns behind moving clouds and a lit foreground. */
async function behindClouds(data: string): Promise<BenchLine[]> {
  const folder = join(data, 'aurora', 'sequences', 'gdcodes_moving_clouds_32');
  const files = (await readdir(folder)).filter((file) => file.endsWith('.jpg')).sort();
  const first = await readFrame(join(folder, files[0]!));
  const { stars } = await measureStars(first);
  const residuals: number[] = [];
  for (const file of files.slice(1, realFrames)) {
    const frame = await readFrame(join(folder, file));
    try {
      const found = await registerStars((await measureStars(frame)).stars, stars, first);
      residuals.push(found.residualPixels);
    } catch (thrown) {
      console.log(`register: ${file}: ${asNightflowError(thrown).message}`);
    }
  }
  console.log(`register: behind clouds, median residual ${median(residuals).toFixed(2)} px`);
  const figure = residuals.length / (realFrames - 1);
  return [figureLine({ bench: 'register', part: 'behind clouds', figure, goal: realGoal, atLeast: true })];
}

export default async function register(): Promise<BenchLine[]> {
  const folder = await mkdtemp(join(tmpdir(), 'nightflow-bench-register-'));
  const data = dataFolder();
  try {
    execFileSync('siril-cli', ['--version'], { stdio: 'pipe' });
  } catch {
    return [unavailable('register', 'siril-cli is not installed: apt-get install siril')];
  }
  try {
    const lines = await againstSiril(folder);
    if (data) lines.push(...(await behindClouds(data)));
    else console.log('register: NIGHTFLOW_DATA names no folder of real frames, so the part behind clouds is left out');
    return lines;
  } finally {
    await closeSharedPool();
    await rm(folder, { recursive: true });
  }
}
