import { cp, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Frame } from '../../../lib/frame/frame.ts';
import { closeSharedPool } from '../../../lib/kernels/pool.ts';
import registerSite from '../../../nodes/config/astro-site.ts';
import registerStack from '../../../nodes/image/astro-stack.ts';
import { smallFrame } from '../../night/small-frames.ts';
import { type FlowNode, type RunningFlow, startFlow, stopFlow } from '../harness.ts';

let archiveFolder: string;
beforeEach(async () => {
  archiveFolder = await mkdtemp(join(tmpdir(), 'nightflow-archive-'));
});
afterEach(async () => {
  await stopFlow();
  await rm(archiveFolder, { recursive: true, force: true });
});
afterAll(closeSharedPool);

const flow = (settings: Record<string, unknown> = {}): FlowNode[] => [
  {
    id: 'site',
    type: 'astro-site',
    archiveFolder,
    clock: 'real',
    latitude: '60',
    longitude: '10',
    timeZone: 'Europe/Oslo',
  },
  { id: 'stack', type: 'astro-stack', site: 'site', hotPixels: 'off', ...settings, wires: [['done'], ['running']] },
  { id: 'done', type: 'helper', wires: [] },
  { id: 'running', type: 'helper', wires: [] },
  { id: 'c', type: 'catch', scope: ['stack'], wires: [['failures']] },
  { id: 'failures', type: 'helper', wires: [] },
];
const start = (settings: Record<string, unknown> = {}) => startFlow([registerSite, registerStack], flow(settings));
const feed = (running: RunningFlow, frames: Frame[], more: object = {}) => {
  for (const frame of frames) running.send('stack', { frame, ...more });
};
const every = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => smallFrame(from + index * 10, { star: index }));

it('loads with its defaults: minutes, the brightest pixel', async () => {
  const running = await start();
  feed(running, every(7), { topic: 'camera', payload: 'a frame', prefix: 'trail' });
  const msg = await running.sink('done').first();
  expect(msg).toMatchObject({ payload: 6, topic: 'camera', prefix: 'trail', stack: { frames: 6, method: 'max' } });
  expect(msg.frame!.combined).toBe(6);
  expect(msg.event).toBeUndefined();
  expect((await running.status('stack', 'green')).text).toBe('stack of 6 frames');
});

it('sends a running result on output 2, no more often than told', async () => {
  const running = await start({ runningSeconds: '0', runningFrames: '2', stackBy: 'night' });
  feed(running, every(5));
  running.send('stack', { command: 'finish' });
  expect((await running.sink('done').first()).payload).toBe(5);
  expect(running.sink('running').messages.map(({ payload, event }) => [payload, event])).toEqual([
    [2, 'running'],
    [4, 'running'],
  ]);
});

it('goes on with the trail when a deploy restarts the camera in the middle of the night', async () => {
  const running = await start({ stackBy: 'night' });
  feed(running, every(3));
  running.send('stack', { event: 'end', payload: { reason: 'suspended', frames: 3 } });
  feed(running, every(2, 60));
  running.send('stack', { event: 'end', payload: { reason: 'time', frames: 5 } });
  expect((await running.sink('done').first()).payload).toBe(5);
  expect(running.sink('done').messages).toHaveLength(1);
});

it('finishes at the end of the night and hands the end on', async () => {
  const running = await start({ stackBy: 'night' });
  feed(running, every(3));
  running.send('stack', { event: 'progress', payload: 'not the end' });
  running.send('stack', { event: 'end', topic: 'night' });
  running.send('stack', { event: 'end', topic: 'again' });
  const [first, second] = await running.sink('done').take(2);
  expect(first).toMatchObject({ payload: 3, event: 'end' });
  expect(second).toMatchObject({ payload: 0, event: 'end', topic: 'again' });
  expect(second!.frame).toBeUndefined();
});

it('keeps frames with msg.reject out and counts them, unless told to use them', async () => {
  const running = await start({ stackBy: 'command' });
  feed(running, every(2), { reject: '' });
  feed(running, every(3, 100), { reject: 'clouds' });
  running.send('stack', { event: 'end' });
  expect((await running.sink('done').first()).stack).toMatchObject({ frames: 2, rejected: 3 });
  expect((await running.status('stack', 'blue', 'kept out')).text).toContain('2 frames, 1 kept out');
  feed(running, every(2, 300), { reject: 'clouds', rejectedFrames: 'use' });
  running.send('stack', { event: 'end' });
  expect((await running.sink('done').take(2))[1]!.stack).toMatchObject({ frames: 2, rejected: 0 });
});

it('reports a frame of another size to Catch and goes on', async () => {
  const running = await start({ stackBy: 'night' });
  feed(running, [...every(2), smallFrame(50, { width: 64 }), ...every(2, 60)]);
  running.send('stack', { event: 'end' });
  expect((await running.sink('done').first()).payload).toBe(4);
  const failure = await running.sink('failures').first();
  expect(failure.error).toMatchObject({ message: expect.stringContaining('does not fit into a stack') });
});

it('does not obey a command that travels on with a frame', async () => {
  const running = await start({ stackBy: 'night' });
  feed(running, every(3), { command: 'start' });
  running.send('stack', { command: 'finish' });
  expect((await running.sink('done').first()).payload).toBe(3);
  expect(running.sink('failures').messages).toEqual([]);
});

it('says what is wrong with a message that has no frame, or an unknown command', async () => {
  const running = await start();
  running.send('stack', { payload: 1 });
  running.send('stack', { command: 'explode' });
  const [first, second] = await running.sink('failures').take(2);
  expect(first!.error).toMatchObject({ message: expect.stringContaining('no frame') });
  expect(second!.error).toMatchObject({ message: expect.stringContaining('"explode" is unknown') });
});

it('takes its settings from the message, and refuses bad ones', async () => {
  const running = await start();
  feed(running, every(2), { stackBy: 'count', stackFrames: 2, stackMode: 'sum' });
  expect((await running.sink('done').first()).frame).toMatchObject({ pixelType: 'f32', combined: 2 });
  feed(running, every(1), { stackMode: 'median' });
  expect((await running.sink('failures').first()).error).toMatchObject({
    message: expect.stringContaining('one of max, min, mean, sum'),
  });
});

it('goes on with the trail after a restart', async () => {
  const first = await start({ stackBy: 'night' });
  feed(first, every(4));
  await first.status('stack', 'blue', '4 frames');
  await stopFlow();
  expect(await readdir(join(archiveFolder, '.nightflow', 'work', 'stack'))).toContain('state.json');
  const second = await start({ stackBy: 'night' });
  feed(second, every(2, 100));
  second.send('stack', { event: 'end' });
  expect((await second.sink('done').first()).stack).toMatchObject({ frames: 6, start: '2026-01-12T22:00:00.000Z' });
});

it('sends a finished trail again after a crash that came before it was saved, and only then', async () => {
  const first = await start({ stackBy: 'night', checkpointSeconds: '5' });
  feed(first, every(4), { topic: 'roof', prefix: 'trail' });
  await first.status('stack', 'blue', '4 frames');
  const work = join(archiveFolder, '.nightflow', 'work', 'stack');
  // A restart puts the trail on the disk; a crash later finds it there.
  const second = await start({ stackBy: 'night' });
  feed(second, every(1, 100), { topic: 'roof', prefix: 'trail' });
  second.send('stack', { event: 'end' });
  expect((await second.sink('done').first()).payload).toBe(5);
  await second.status('stack', 'green');
  await vi.waitUntil(async () => (await readFile(join(work, 'state.json'), 'utf8')).includes('"sent":[{'));
  const crashed = join(archiveFolder, 'crashed');
  await cp(work, crashed, { recursive: true });
  await stopFlow();
  await rm(work, { recursive: true });
  await rename(crashed, work);

  const third = await start({ stackBy: 'night' });
  const again = await third.sink('done').first();
  expect(again).toMatchObject({
    payload: 5,
    topic: 'roof',
    prefix: 'trail',
    stack: { frames: 5, night: '2026-01-12' },
  });
  expect([...again.frame!.pixels].filter((value) => value === 60000).length).toBe(4);
  const fourth = await start({ stackBy: 'night' });
  feed(fourth, every(1, 300));
  await fourth.status('stack', 'blue', '1 frames');
  expect(fourth.sink('done').messages).toEqual([]);
  expect((await readdir(work)).filter((name) => name.endsWith('.bin'))).toEqual([]);
});

it('forgets the stack on reset', async () => {
  const running = await start({ stackBy: 'night' });
  feed(running, every(4));
  running.send('stack', { command: 'reset' });
  feed(running, every(1, 100));
  running.send('stack', { event: 'end' });
  expect((await running.sink('done').first()).payload).toBe(1);
});
