import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, expect, it } from 'vitest';
import { closeSharedPool } from '../../../lib/kernels/pool.ts';
import registerKeogram from '../../../nodes/image/astro-keogram.ts';
import { smallFrame } from '../../night/small-frames.ts';
import { type ImageFlow, startImageFlow, stopImageFlow } from './image-flow.ts';

afterEach(stopImageFlow);
afterAll(closeSharedPool);
const start = (settings = {}) => startImageFlow(registerKeogram, 'astro-keogram', { keogramHeight: '64', ...settings });
const feed = (flow: ImageFlow, count: number, from = 0, more = {}) => {
  for (let index = 0; index < count; index++)
    flow.send('n', { frame: smallFrame(from + index * 60, { exposureSeconds: 60 }), ...more });
};

it('loads with its defaults, shows the running keogram and saves it at the end', async () => {
  const flow = await start();
  feed(flow, 5, 0, { topic: 'sky' });
  flow.send('n', { event: 'end' });
  const running = await flow.sink('two').first();
  expect(running).toMatchObject({ event: 'running', keogram: { frames: 1, night: '2026-01-12' } });
  expect(running.payload).toMatch(/^\/nightflow\/pictures\/n\?v=/);
  const done = await flow.sink('one').first();
  const path = join(flow.archiveFolder, '2026-01-12', 'keogram_2026-01-12.png');
  expect(done).toMatchObject({
    event: 'end',
    payload: path,
    file: { path, format: 'png', url: '/nightflow/files/site1/2026-01-12/keogram_2026-01-12.png' },
    keogram: { frames: 5, start: '2026-01-12T22:00:00.000Z', end: '2026-01-12T22:05:00.000Z' },
  });
  expect(await sharp(await readFile(path)).metadata()).toMatchObject({ format: 'png', height: 64 + 60 });
});

it('goes on after a restart, and replaces its file when the night goes on after its end', async () => {
  const first = await start();
  feed(first, 3);
  first.send('n', { event: 'end' });
  await first.sink('one').first();
  feed(first, 2, 600);
  await first.status('n', 'blue', '5 frames');
  const second = await start();
  feed(second, 1, 1200);
  second.send('n', { command: 'finish' });
  const done = await second.sink('one').first();
  expect(done).toMatchObject({ keogram: { frames: 6 } });
  expect(done.payload).toBe(join(second.archiveFolder, '2026-01-12', 'keogram_2026-01-12.png'));
});

it('finishes last night when the next one begins', async () => {
  const flow = await start();
  feed(flow, 3);
  feed(flow, 2, 86400);
  expect(await flow.sink('one').first()).toMatchObject({ keogram: { frames: 3, night: '2026-01-12' } });
  flow.send('n', { event: 'end' });
  expect(await flow.sink('one').first(({ event }) => event === 'end')).toMatchObject({ keogram: { frames: 2 } });
  await expect(access(join(flow.archiveFolder, '.nightflow', 'work', 'n', '2026-01-12'))).rejects.toThrow('ENOENT');
});

it('hands the end on when there is nothing to finish, and forgets on reset', async () => {
  const flow = await start();
  feed(flow, 2);
  flow.send('n', { command: 'reset' });
  flow.send('n', { event: 'end', topic: 'dawn' });
  expect(await flow.sink('one').first()).toMatchObject({ event: 'end', payload: null, topic: 'dawn' });
});

it('tells Catch about a template that climbs out, and finishes when it is mended', async () => {
  const flow = await start({ template: '../outside' });
  feed(flow, 2);
  flow.send('n', { event: 'end' });
  expect((await flow.sink('failures').first()).error).toMatchObject({
    message: expect.stringContaining('leads out of the folder'),
  });
  flow.send('n', { event: 'end', template: 'inside' });
  expect((await flow.sink('one').first()).payload).toBe(join(flow.archiveFolder, 'inside.png'));
});

it('needs a site', async () => {
  const flow = await start({ site: '' });
  feed(flow, 1);
  expect((await flow.sink('failures').first()).error).toMatchObject({ message: expect.stringContaining('No site') });
});
