import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import { closeSharedPool } from '../../../lib/kernels/pool.ts';
import registerLoad from '../../../nodes/image/astro-load.ts';
import { startImageFlow, stopImageFlow } from './image-flow.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-load-'));
});
afterEach(async () => {
  await stopImageFlow();
  await rm(folder, { recursive: true, force: true });
});
afterAll(closeSharedPool);
const start = (settings = {}) => startImageFlow(registerLoad, 'astro-load', settings);
const png = async (path: string) => {
  await mkdir(join(path, '..'), { recursive: true });
  await sharp({ create: { width: 8, height: 6, channels: 3, background: '#203040' } })
    .png()
    .toFile(path);
  return path;
};

it('reads one file and tells the end', async () => {
  const path = await png(join(folder, 'a.png'));
  const flow = await start({ path });
  flow.send('n', { topic: 'load' });
  const msg = await flow.sink('one').first();
  expect(msg).toMatchObject({ payload: path, topic: 'load', file: { path }, parts: { index: 0, count: 1 } });
  expect(msg.frame).toMatchObject({ width: 8, height: 6, channels: 3 });
  await flow.sink('two').first(({ event }) => event === 'end');
  expect(flow.sink('two').messages.map(({ event }) => event)).toEqual(['progress', 'end']);
  expect((await flow.status('n', 'green')).text).toBe('1 loaded');
});

it('reads a pattern in the natural order of names, and rejects what is no picture', async () => {
  for (const name of ['f10.png', 'f9.png', 'f1.png']) await png(join(folder, name));
  await writeFile(join(folder, 'f2.png'), 'not a picture');
  const flow = await start({ path: join(folder, 'f*.png') });
  flow.send('n');
  const end = await flow.sink('two').first(({ event }) => event === 'end');
  expect(end.payload).toEqual({ loaded: 3, rejected: 1, of: 4 });
  expect(flow.sink('one').messages.map(({ payload }) => String(payload).slice(folder.length + 1))).toEqual([
    'f1.png',
    'f9.png',
    'f10.png',
  ]);
  const rejected = await flow.sink('two').first(({ event }) => event === 'rejected');
  expect(rejected.payload).toMatchObject({ path: join(folder, 'f2.png'), reason: expect.any(String), n: 2, of: 4 });
  expect((await flow.status('n', 'yellow')).text).toBe('3 loaded, 1 rejected');
});

it('tells Catch about a single file that is no picture, a missing one, and a folder without pictures', async () => {
  await writeFile(join(folder, 'bad.fits'), 'SIMPLE  = nonsense');
  await mkdir(join(folder, 'empty'));
  const flow = await start({ path: '', anywhere: true });
  for (const path of [join(folder, 'bad.fits'), join(folder, 'absent.fits'), join(folder, 'empty'), ''])
    flow.send('n', { path });
  const failures = await flow.sink('failures').take(4);
  expect(failures.map(({ error }) => (error as { message: string }).message)).toEqual([
    expect.stringContaining('bad.fits'),
    expect.stringContaining('absent.fits'),
    expect.stringContaining('No picture file fits'),
    expect.stringContaining('No path is given.'),
  ]);
  expect(flow.sink('one').messages).toEqual([]);
});

it('takes a path from a message only inside the archive folder', async () => {
  const outside = await png(join(folder, 'outside.png'));
  const flow = await start({ path: 'payload', pathType: 'msg' });
  const inside = await png(join(flow.archiveFolder, 'night', 'inside.png'));
  for (const payload of [outside, '../../etc/passwd', '{..,night}/*.png']) flow.send('n', { payload });
  flow.send('n', { path: outside });
  const failures = await flow.sink('failures').take(4);
  for (const { error } of failures.slice(0, 2))
    expect(error).toMatchObject({ message: expect.stringContaining('leads out of the folder') });
  flow.send('n', { payload: 'night/*.png' });
  flow.send('n', { payload: inside });
  expect((await flow.sink('one').first()).payload).toBe(inside);
  expect(flow.sink('one').messages.some(({ payload }) => payload === outside)).toBe(false);
});
