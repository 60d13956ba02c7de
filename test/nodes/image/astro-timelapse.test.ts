import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { closeSharedPool } from '../../../lib/kernels/pool.ts';
import { runProgram } from '../../../lib/process/child.ts';
import registerTimelapse from '../../../nodes/image/astro-timelapse.ts';
import { smallFrame } from '../../night/small-frames.ts';
import { type ImageFlow, startImageFlow, stopImageFlow } from './image-flow.ts';

const { PATH } = process.env;
afterEach(async () => {
  process.env.PATH = PATH;
  await stopImageFlow();
});
afterAll(closeSharedPool);
const start = (settings = {}) => startImageFlow(registerTimelapse, 'astro-timelapse', settings);
const feed = (flow: ImageFlow, count: number, from = 0, more = {}) => {
  for (let index = 0; index < count; index++) flow.send('n', { frame: smallFrame(from + index * 5, more) });
};
async function frameCount(path: unknown): Promise<number> {
  const { stdout } = await runProgram(
    'ffprobe',
    ['-v', 'error', '-count_frames', '-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0', String(path)],
    { silenceSeconds: 60 },
  );
  return Number(stdout);
}

it('loads with its defaults and makes an MP4 at the end, with progress on output 2', async () => {
  const flow = await start();
  feed(flow, 10);
  flow.send('n', { event: 'end', topic: 'dawn' });
  const done = await flow.sink('one').first();
  const path = join(flow.archiveFolder, '2026-01-12', 'film_2026-01-12.mp4');
  expect(done).toMatchObject({
    ...{ event: 'end', topic: 'dawn', payload: path },
    file: {
      path,
      bytes: (await stat(path)).size,
      format: 'mp4',
      url: '/nightflow/files/site1/2026-01-12/film_2026-01-12.mp4',
    },
    film: { night: '2026-01-12', frames: 10, seconds: 0.4, codec: 'h264' },
  });
  expect(await frameCount(path)).toBe(10);
  const progress = flow.sink('two').messages;
  expect(progress.every(({ event }) => event === 'progress')).toBe(true);
  expect(progress.at(-1)!.payload).toEqual({ frames: 10, of: 10, progress: 1 });
  expect((await flow.status('n', 'green')).text).toBe('10 frames · film_2026-01-12.mp4');
});

it('tells the line that installs ffmpeg, keeps the frames, and makes the film once it is there', async () => {
  const flow = await start();
  feed(flow, 4);
  await flow.status('n', 'blue', '4 frames');
  process.env.PATH = '/nightflow-nothing-here';
  flow.send('n', { event: 'end' });
  const failure = await flow.sink('failures').first();
  expect(failure.error).toMatchObject({ message: expect.stringContaining('ffmpeg is not installed') });
  expect((await flow.status('n', 'red')).text).toContain('sudo apt install ffmpeg');
  process.env.PATH = PATH;
  feed(flow, 1, 100);
  flow.send('n', { command: 'finish' });
  expect(await frameCount((await flow.sink('one').first()).payload)).toBe(5);
});

it('says once a night that ffmpeg is missing, and makes the films as soon as it is there', async () => {
  const flow = await start({ runningSeconds: '0.001', codec: 'mjpeg' });
  const tried = () => flow.statuses('n').filter(({ fill }) => fill === 'red').length;
  /** Another attempt at a film, which meets the same. */
  const tryAgain = async (from: number) => {
    const before = tried();
    feed(flow, 1, from);
    await vi.waitUntil(() => tried() > before, { timeout: 5000 });
  };
  process.env.PATH = '/nightflow-nothing-here';
  feed(flow, 2);
  await flow.sink('failures').first();
  for (const from of [100, 200, 300]) await tryAgain(from);
  expect(flow.sink('failures').messages).toHaveLength(1);
  expect(flow.statuses('n').at(-1)).toMatchObject({ fill: 'red', text: expect.stringContaining('apt install ffmpeg') });
  await tryAgain(86_400);
  await flow.sink('failures').take(2);
  await tryAgain(86_500);
  expect(flow.sink('failures').messages).toHaveLength(2);

  process.env.PATH = PATH;
  feed(flow, 1, 86_600);
  const running = await flow.sink('two').first(({ event }) => event === 'running');
  expect(running.film).toMatchObject({ night: '2026-01-13' });
  flow.send('n', { command: 'finish' });
  const [first, second] = await flow.sink('one').take(2);
  expect(first!.film).toMatchObject({ night: '2026-01-12', frames: 5 });
  expect(second!.film).toMatchObject({ night: '2026-01-13', frames: 3 });
  expect((await flow.status('n', 'green', 'film_2026-01-12')).text).toContain('5 frames');
});

it('loses no frame over a restart, and finishes last night when the next begins', async () => {
  const first = await start();
  feed(first, 3);
  await first.status('n', 'blue', '3 frames');
  const second = await start();
  feed(second, 2, 100);
  feed(second, 1, 86400);
  const done = await second.sink('one').first();
  expect(done).toMatchObject({ film: { frames: 5, night: '2026-01-12' } });
  expect(done.event).toBeUndefined();
  await second.status('n', 'blue', '1 frames');
  second.send('n', { event: 'end' });
  expect(await second.sink('one').first(({ event }) => event === 'end')).toMatchObject({
    film: { night: '2026-01-13' },
  });
  expect(await readdir(join(second.archiveFolder, '.nightflow', 'work', 'n'))).toEqual(['2026-01-13']);
});

it('makes a film in between when told, and the whole one at the end, under one name', async () => {
  const flow = await start({ runningSeconds: '0.001', codec: 'mjpeg' });
  feed(flow, 6);
  const running = await flow.sink('two').first(({ event }) => event === 'running');
  expect(running.payload).toBe(join(flow.archiveFolder, '2026-01-12', 'film_2026-01-12.avi'));
  feed(flow, 2, 100);
  flow.send('n', { event: 'end' });
  const done = await flow.sink('one').first();
  expect([done.payload, await frameCount(done.payload)]).toEqual([running.payload, 8]);
});

it('refuses a frame of another size and goes on', async () => {
  const flow = await start();
  feed(flow, 2);
  feed(flow, 1, 50, { width: 64 });
  feed(flow, 2, 60);
  flow.send('n', { event: 'end' });
  expect((await flow.sink('one').first()).film).toMatchObject({ frames: 4 });
  expect((await flow.sink('failures').first()).error).toMatchObject({
    message: expect.stringContaining('does not fit into a film'),
  });
});

it('hands the end on when there is no frame', async () => {
  const flow = await start();
  feed(flow, 2);
  flow.send('n', { command: 'reset' });
  flow.send('n', { event: 'end' });
  expect(await flow.sink('one').first()).toMatchObject({ event: 'end', payload: null });
});
