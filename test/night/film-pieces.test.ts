import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { buildFilmInPieces, framesInPiece } from '../../lib/night/film-pieces.ts';
import type { FilmOptions } from '../../lib/night/timelapse.ts';
import { runProgram } from '../../lib/process/child.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-pieces-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const options: FilmOptions = {
  codec: 'h264',
  framesPerSecond: 25,
  quality: 20,
  megabitsPerSecond: null,
  deflicker: false,
};

/** One dark picture and one bright one every 50 frames, so that the order can be seen in the film. */
async function pictures(count: number): Promise<string[]> {
  const [dark, bright] = [join(folder, 'dark.jpg'), join(folder, 'bright.jpg')];
  for (const [path, background] of [
    [dark, '#101010'],
    [bright, '#e0e0e0'],
  ] as const)
    await sharp({ create: { width: 64, height: 48, channels: 3, background } })
      .jpeg()
      .toFile(path);
  return Array.from({ length: count }, (_, index) => (index % 50 === 0 ? bright : dark));
}

/** The presentation times and the brightness of all frames. */
async function frames(path: string): Promise<{ time: number; bright: boolean }[]> {
  const { stdout } = await runProgram(
    'ffprobe',
    [
      '-v',
      'error',
      '-f',
      'lavfi',
      '-i',
      `movie=${path},signalstats`,
      '-show_entries',
      'frame=pts_time:frame_tags=lavfi.signalstats.YAVG',
      '-of',
      'csv=p=0',
    ],
    { silenceSeconds: 120 },
  );
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.split(',').map(Number))
    .map(([time, brightness]) => ({ time: time!, bright: brightness! > 100 }));
}

it('has every frame once, in order and evenly spaced over the borders of the pieces', async () => {
  const count = 2 * framesInPiece + 130;
  const path = join(folder, 'film.mp4');
  const progress: number[] = [];
  const all = await pictures(count);
  await buildFilmInPieces(all, path, join(folder, 'pieces'), { ...options, onProgress: (done) => progress.push(done) });
  const shown = await frames(path);
  expect(shown.length).toBe(count);
  shown.forEach(({ time, bright }, index) => {
    expect(Math.abs(time - index / 25)).toBeLessThan(0.002);
    expect(bright).toBe(index % 50 === 0);
  });
  expect(progress.at(-1)).toBe(count);
  expect(progress).toEqual(progress.toSorted((a, b) => a - b));
});

it('encodes only what is new', async () => {
  const path = join(folder, 'film.mp4');
  const work = join(folder, 'pieces');
  const all = await pictures(3 * framesInPiece);
  await buildFilmInPieces(all.slice(0, 2 * framesInPiece + 10), path, work, options);
  const [kind] = await readdir(work);
  const first = join(work, kind!, '000000-250.mp4');
  const before = (await stat(first)).mtimeMs;
  await buildFilmInPieces(all, path, work, options);
  expect((await stat(first)).mtimeMs).toBe(before);
  expect((await readdir(join(work, kind!))).sort()).toEqual([
    '000000-250.mp4',
    '000250-250.mp4',
    '000500-250.mp4',
    'pieces.txt',
  ]);
  expect((await frames(path)).length).toBe(3 * framesInPiece);
  await buildFilmInPieces(all, path, work, { ...options, framesPerSecond: 50 });
  expect((await readdir(work)).length).toBe(2);
});
