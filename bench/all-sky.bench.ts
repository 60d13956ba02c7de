/** All-sky cameras: the first fit and the frames after it, on real cameras of NIGHTFLOW_DATA. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allocatePixels, type Frame } from '../lib/frame/frame.ts';
import { readFrame } from '../lib/frame/read.ts';
import { closeSharedPool } from '../lib/kernels/pool.ts';
import { type AllSkyResult, solveAllSky, trackAllSky } from '../lib/solve/all-sky.ts';
import type { AllSkyCamera } from '../lib/solve/all-sky-camera.ts';
import type { AllSkyFit } from '../lib/solve/all-sky-judge.ts';
import type { GeographicPlace } from '../lib/solve/all-sky-overhead.ts';
import { turnBetween } from '../lib/solve/all-sky-solution.ts';
import { AllSkyTracker } from '../lib/solve/all-sky-tracker.ts';
import { type BenchLine, dataFolder, figureLine } from './harness.ts';

interface Camera {
  name: string;
  site: GeographicPlace;
  /** File below the data folder's aurora, and the UTC of the middle of its exposure. */
  frames: readonly (readonly [string, string])[];
}

/** Sites and times as their headers, names and inscriptions say. */
const cameras: readonly Camera[] = [
  {
    name: 'La Palma, moonlight',
    site: { latitude: 28.7619, longitude: -17.8917, elevation: 2200 },
    frames: [
      ['clouds_mono/tudo_magic_images_20180816_2101.jpg', '2018-08-16T21:01:00Z'],
      ['clouds_mono/tudo_magic_images_20180817_0341.jpg', '2018-08-17T03:41:00Z'],
    ],
  },
  {
    name: 'Crimea',
    site: { latitude: 44.727007, longitude: 34.013173, elevation: 600 },
    frames: [
      ['meteors/olegkutkov_2018.06.02T22.16.fits', '2018-06-02T19:16:40Z'],
      ['meteors/olegkutkov_2018.06.02T22.18.fits', '2018-06-02T19:18:41Z'],
    ],
  },
  {
    name: 'Longyearbyen, aurora and clouds',
    site: { latitude: 78.148, longitude: 16.04, elevation: 520 },
    frames: [
      ['images/no_aurora/neg_116_allsky_KHO_dark.jpg', '2014-02-03T23:29:42Z'],
      ['images/aurora/aur_069_allsky_KHO.jpg', '2014-02-21T19:20:40Z'],
      ['images/aurora/aur_074_allsky_KHO.jpg', '2014-02-23T03:06:40Z'],
      ['images/aurora/aur_075_allsky_KHO.jpg', '2014-02-21T23:19:40Z'],
      ['images/aurora/aur_076_allsky_KHO_edge_cloud.jpg', '2014-02-25T22:10:10Z'],
      ['images/aurora/aur_078_allsky_KHO_edge_cloud.jpg', '2014-02-25T22:14:40Z'],
      ['images/aurora/aur_079_allsky_KHO_edge_cloud.jpg', '2014-02-25T22:18:40Z'],
    ],
  },
];
const timeoutSeconds = 120;

export default async function allSky(): Promise<BenchLine[]> {
  const data = dataFolder();
  if (!data) {
    console.log('NIGHTFLOW_DATA is not set: there is nothing to measure on.');
    return [{ bench: 'all-sky', ratio: null, goal: null, pass: false, reason: 'NIGHTFLOW_DATA is not set' }];
  }
  const [first, later, seconds]: [number[], number[], number[]] = [[], [], []];
  let [fitted, tracked, frames] = [0, 0, 0];
  for (const { name, site, frames: list } of cameras) {
    let camera: AllSkyCamera | null = null;
    for (const [file, time] of list) {
      const frame = await readFrame(join(data, 'aurora', file));
      const request = { frame, site, milliseconds: Date.parse(time), timeoutSeconds };
      const result: AllSkyResult = camera ? await trackAllSky(request, camera) : await solveAllSky(request);
      const { fit } = result;
      report(name, file, camera ? 'again' : 'first', fit, camera, result.seconds.total);
      if (camera) frames++;
      if (!fit) continue;
      (camera ? later : first).push(((fit.residualPixels / fit.camera.focalLength) * 180 * 60) / Math.PI);
      if (camera) {
        tracked++;
        seconds.push(result.seconds.total);
      } else fitted++;
      camera ??= fit.camera;
    }
  }
  const video = await kho(data);
  await closeSharedPool();
  const share = (part: string, figure: number, of: number): BenchLine =>
    figureLine({ bench: 'all-sky', part, figure: figure / of, goal: 1, atLeast: true });
  return [
    share('first fits', fitted, cameras.length),
    share('frames found again', tracked, frames),
    figureLine({ bench: 'all-sky', part: 'frames of a small video', figure: video, goal: 0.7, atLeast: true }),
    figureLine({ bench: 'all-sky', part: 'residual, minutes of arc', figure: Math.max(...first, ...later), goal: 10 }),
    figureLine({ bench: 'all-sky', part: 'a frame found again, s', figure: median(seconds), goal: 1 }),
  ];
}

function report(
  name: string,
  file: string,
  kind: string,
  fit: AllSkyFit | null,
  camera: AllSkyCamera | null,
  seconds: number,
): void {
  const figures = fit
    ? `${fit.matchedStars} stars, ${fit.residualPixels.toFixed(2)} px = ${(((fit.residualPixels / fit.camera.focalLength) * 10_800) / Math.PI).toFixed(1)}', ${Math.round(100 * fit.share)} % of the brightest, turned by ${camera ? turnBetween(camera, fit.camera).toFixed(2) : '-'} degrees`
    : 'not found';
  console.log(`${name} · ${file.split('/').at(-1)} · ${kind}: ${figures}, ${seconds.toFixed(2)} s`);
}

/**
 * A video of 320 x 240 pixels in which ten stars are to be seen: fitted on stacks of a minute, through the tracker as the node does, and
 * then each single frame confirmed. @returns the share of frames that are
 */
async function kho(data: string): Promise<number> {
  const folder = join(data, 'aurora', 'sequences', 'kho_20131204');
  const rows = (await readFile(join(folder, 'times.csv'), 'utf8')).trim().split(/\r?\n/).slice(1);
  const site = { latitude: 78.148, longitude: 16.0429, elevation: 520 };
  const timeOf = (row: string): number => Date.parse(`2013-12-04T${row.split(',')[1]}Z`);
  const read = (row: string) => readFrame(join(folder, row.split(',')[0]!));
  const keep = await mkdtemp(join(tmpdir(), 'nightflow-bench-'));
  const tracker = new AllSkyTracker(keep);
  let camera: AllSkyCamera | null = null;
  let stacks = 0;
  for (let first = 0; !camera && first + 20 <= rows.length; first += 40) {
    const frame = meanOf(await Promise.all(rows.slice(first, first + 20).map(read)));
    const key = { name: 'KHO', width: frame.width, height: frame.height };
    const milliseconds = (timeOf(rows[first]!) + timeOf(rows[first + 19]!)) / 2;
    const { solution } = await tracker.solve(key, { frame, site, milliseconds, timeoutSeconds });
    camera = solution?.camera ?? null;
    stacks++;
  }
  await rm(keep, { recursive: true, force: true });
  if (!camera) {
    console.log(`KHO video, 320 x 240: no fit on ${stacks} stacks of a minute`);
    return 0;
  }
  let confirmed = 0;
  for (const row of rows) {
    const request = { frame: await read(row), site, milliseconds: timeOf(row), timeoutSeconds };
    if ((await trackAllSky(request, camera)).fit) confirmed++;
  }
  console.log(
    `KHO video, 320 x 240: fitted on ${stacks} stacks of a minute (f ${camera.focalLength.toFixed(1)} px); ${confirmed} of ${rows.length} single frames confirmed`,
  );
  return confirmed / rows.length;
}

function meanOf(frames: readonly Frame[]): Frame {
  const { width, height, channels } = frames[0]!;
  const data = allocatePixels(width, height, channels, 'f32');
  const sum = new Float32Array(data);
  for (const { pixels } of frames) for (let i = 0; i < sum.length; i++) sum[i]! += pixels[i]! / frames.length;
  return frames[0]!.with({ data, pixelType: 'f32' });
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
