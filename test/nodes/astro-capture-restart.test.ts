import { appendFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import astroCapture from '../../nodes/camera/astro-capture.ts';
import astroCamera from '../../nodes/config/astro-camera.ts';
import astroSite from '../../nodes/config/astro-site.ts';
import type { AstroMessage } from '../../nodes/types.ts';
import { type FlowNode, startFlow, stopFlow } from './harness.ts';
import { type ScriptedCameras, useScriptedCamera } from './scripted-camera.ts';

const nodes = [astroSite, astroCamera, astroCapture];
const capture = (id: string, camera: string, changes: Record<string, unknown> = {}): FlowNode => ({
  id,
  type: 'astro-capture',
  camera,
  exposureSeconds: '10',
  mode: 'until',
  keep: 'none',
  freeGigabytes: '0',
  wires: [[`${id}-frames`], [`${id}-events`]],
  ...changes,
});
const flow = (first: Record<string, unknown> = {}): FlowNode[] => [
  {
    id: 'site',
    type: 'astro-site',
    latitude: '52',
    longitude: '5',
    clock: 'rehearsal',
    clockStart: '2026-03-14T20:00:00Z',
    clockRate: '500',
  },
  { id: 'camera', type: 'astro-camera', backend: 'scripted', site: 'site' },
  { id: 'camera2', type: 'astro-camera', backend: 'scripted', site: 'site' },
  capture('one', 'camera', first),
  capture('two', 'camera2'),
  ...['one-frames', 'one-events', 'two-frames', 'two-events'].map((id) => ({ id, type: 'helper', wires: [] })),
];
const event = (name: string) => (msg: AstroMessage) => msg.event === name;
const numbers = (messages: AstroMessage[]) => messages.map((msg) => (msg.payload as { n: number }).n);

let made: ScriptedCameras;
let userDir: string;
beforeEach(async () => {
  made = useScriptedCamera();
  userDir = await mkdtemp(join(tmpdir(), 'nightflow-restart-'));
});
afterEach(async () => {
  await stopFlow();
  made.remove();
  await rm(userDir, { recursive: true, force: true });
});

it('goes on with the next number after Node-RED was stopped and started', async () => {
  const first = await startFlow(nodes, flow(), { userDir });
  first.send('one', { topic: 'Lyra' });
  await first.sink('one-frames').take(3);
  await stopFlow();
  const received = first.sink('one-frames').messages.length;

  const second = await startFlow(nodes, flow(), { userDir });
  const started = await second.sink('one-events').first(event('started'));
  const { goesOn, frames } = started.payload as { goesOn: boolean; frames: number };
  expect(goesOn).toBe(true);
  expect(frames).toBeGreaterThanOrEqual(received);
  const [next] = await second.sink('one-frames').take(1);
  expect(next!.payload).toMatchObject({ n: frames + 1 });
  expect(next!.topic).toBe('Lyra');
  second.send('one', { payload: 'stop' });
  await second.sink('one-events').first(event('end'));

  const third = await startFlow(nodes, flow(), { userDir });
  await third.status('one', 'grey');
  expect(third.sink('one-events').messages).toEqual([]);
});

it('goes on after a power cut in the middle of a journal line', async () => {
  const first = await startFlow(nodes, flow(), { userDir });
  first.send('one', {});
  await first.sink('one-frames').take(2);
  await stopFlow();
  const work = join(userDir, 'archive', '.nightflow', 'work', 'one');
  const journal = (await readdir(work)).find((name) => name.endsWith('.journal'))!;
  await appendFile(join(work, journal), '{"type":"frame","run":"dea');

  const second = await startFlow(nodes, flow(), { userDir });
  const started = await second.sink('one-events').first(event('started'));
  const { frames } = started.payload as { frames: number };
  expect(frames).toBeGreaterThanOrEqual(2);
  expect(numbers(await second.sink('one-frames').take(2))).toEqual([frames + 1, frames + 2]);
});

it('ends the old sequence when its settings were changed', async () => {
  const running = await startFlow(nodes, flow(), { userDir });
  running.send('one', {});
  await running.sink('one-frames').take(1);
  await running.deploy(flow({ exposureSeconds: '20' }));
  running.send('one', {});
  const started = await running.sink('one-events').first((msg) => msg.event === 'started' && at(msg) === 20);
  expect(started.payload).toMatchObject({ goesOn: false, frames: 0 });
});

it('leaves the sequences of other nodes alone when one is deployed', async () => {
  const running = await startFlow(nodes, flow(), { userDir });
  running.send('one', {});
  running.send('two', {});
  await running.sink('one-frames').take(1);
  await running.sink('two-frames').take(1);
  const [cameraOfA, cameraOfB] = made.cameras;
  await running.deploy(flow({ name: 'renamed', exposureSeconds: '5' }));
  expect((await running.sink('one-events').first(event('end'))).payload).toMatchObject({ reason: 'suspended' });
  const soFar = running.sink('two-frames').messages.length;
  const frames = numbers(await running.sink('two-frames').take(soFar + 3));
  expect(frames).toEqual(frames.map((_, i) => i + 1));
  expect(running.sink('two-events').messages.filter(event('end'))).toEqual([]);
  expect(cameraOfA!.calls).toEqual(['open']);
  expect(cameraOfB!.calls).toEqual(['open']);
  // The camera was let go of: the node that took its place can start.
  running.send('one', {});
  await running.sink('one-events').first((msg) => msg.event === 'started' && at(msg) === 5);
});

it('stops within seconds in the middle of a long exposure, and closes the camera', async () => {
  const slow = flow({ exposureSeconds: '86400' });
  const running = await startFlow(nodes, slow, { userDir });
  running.send('one', {});
  await running.sink('one-events').first(event('progress'));
  await stopFlow();
  expect(made.cameras[0]!.calls).toEqual(['open', 'close']);
});

it('forgets the sequence of a node that was deleted', async () => {
  const running = await startFlow(nodes, flow(), { userDir });
  running.send('one', {});
  await running.sink('one-frames').take(1);
  await running.deploy(flow().filter(({ id }) => id !== 'one'));
  expect(await readdir(join(userDir, 'archive', '.nightflow', 'work'))).toEqual([]);
});

const at = (msg: AstroMessage) => (msg.payload as { exposureSeconds: number }).exposureSeconds;
