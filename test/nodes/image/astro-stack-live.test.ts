import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import { closeSharedPool } from '../../../lib/kernels/pool.ts';
import { measureStars } from '../../../lib/stars/measure.ts';
import registerSite from '../../../nodes/config/astro-site.ts';
import registerStack from '../../../nodes/image/astro-stack.ts';
import { randomOf, similarity, sky } from '../../stars/fields.ts';
import { type Rendering, render } from '../../stars/frames.ts';
import { startFlow, stopFlow } from '../harness.ts';

let archiveFolder: string;
beforeEach(async () => {
  archiveFolder = await mkdtemp(join(tmpdir(), 'nightflow-archive-'));
});
afterEach(async () => {
  await stopFlow();
  await rm(archiveFolder, { recursive: true, force: true });
});
afterAll(closeSharedPool);

const size = { width: 320, height: 240 };
const field = sky(randomOf(3), 120, -80, -60, 400, 300).map((star) => ({ ...star, flux: 40 * star.flux + 4000 }));
const evening = Date.parse('2026-01-12T22:00:00Z');
const frame = (i: number, how: Rendering = {}) =>
  render(randomOf(i), field, size, {
    map: similarity(0.2 * i, 1, 1.6 * i, -0.9 * i, size),
    start: new Date(evening + 10_000 * i).toISOString(),
    ...how,
  });

const start = (settings: Record<string, unknown> = {}) =>
  startFlow(
    [registerSite, registerStack],
    [
      {
        id: 'site',
        type: 'astro-site',
        archiveFolder,
        clock: 'real',
        latitude: '60',
        longitude: '10',
        timeZone: 'Europe/Oslo',
      },
      {
        id: 'stack',
        type: 'astro-stack',
        site: 'site',
        hotPixels: 'off',
        stackMode: 'sigma-clip',
        align: 'stars',
        stackBy: 'night',
        ...settings,
        wires: [['done'], ['running']],
      },
      { id: 'done', type: 'helper', wires: [] },
      { id: 'running', type: 'helper', wires: [] },
    ],
  );

it('stacks live: aligned by stars, without the satellite, with a picture after each frame', async () => {
  const running = await start({ runningSeconds: '0', runningFrames: '1' });
  const satellite = (x: number, y: number) => (Math.abs(y - 60 - 0.3 * x) < 1.5 ? 5000 : 0);
  for (const i of [0, 1, 2, 3, 4]) running.send('stack', { frame: frame(i, i === 1 ? { extra: satellite } : {}) });
  running.send('stack', { event: 'end' });
  const finished = await running.sink('done').first();
  expect(finished).toMatchObject({ payload: 5, event: 'end', stack: { method: 'sigma-clip', frames: 5, rejected: 0 } });
  expect(running.sink('running').messages.map(({ payload }) => payload)).toEqual([1, 2, 3, 4, 5]);
  const [single, stacked] = [await measureStars(frame(0)), await measureStars(finished.frame!)];
  expect(Math.abs(stacked.fwhm! / single.fwhm! - 1)).toBeLessThan(0.08);
  expect(stacked.noise).toBeLessThan(0.6 * single.noise);
  const pixels = finished.frame!.pixels;
  expect(Math.max(...[120, 130, 140].map((x) => pixels[Math.round(60 + 0.3 * x) * size.width + x]!))).toBeLessThan(
    1400,
  );
});

it('leaves out what does not fit, shows why, and counts it by reason', async () => {
  const running = await start();
  for (const i of [0, 1]) running.send('stack', { frame: frame(i) });
  running.send('stack', { frame: frame(2, { transparency: 0.05 }) });
  expect((await running.status('stack', 'yellow')).text).toBe('left out: clouds · 2 frames, 1 kept out');
  const told = (await running.sink('running').take(2))[1]!;
  expect(told).toMatchObject({
    event: 'left-out',
    payload: 2,
    leftOut: { code: 'clouds', text: expect.stringContaining('of their usual light') },
    stack: { frames: 2, rejected: 1 },
  });
  expect(told.frame).toBeUndefined();
  running.send('stack', { frame: frame(3) });
  await running.status('stack', 'blue', '3 frames, 1 kept out · sigma-clip');
  running.send('stack', { command: 'finish' });
  expect(await running.sink('done').first()).toMatchObject({
    payload: 3,
    stack: { frames: 3, rejected: 1, leftOut: { clouds: 1 } },
  });
});

it('goes on after a restart, aligned to the same first frame', async () => {
  const first = await start();
  for (const i of [0, 1, 2]) first.send('stack', { frame: frame(i) });
  await first.status('stack', 'blue', '3 frames');
  await stopFlow();
  const second = await start();
  second.send('stack', { frame: frame(3) });
  second.send('stack', { command: 'finish' });
  const { payload, frame: picture } = await second.sink('done').first();
  expect(payload).toBe(4);
  const [single, stacked] = [await measureStars(frame(0)), await measureStars(picture!)];
  const nearest = Math.min(
    ...Array.from({ length: stacked.count }, (_, i) =>
      Math.hypot(stacked.stars.x[i]! - single.stars.x[0]!, stacked.stars.y[i]! - single.stars.y[0]!),
    ),
  );
  expect(nearest).toBeLessThan(0.1);
});

it('takes alignment from the message, and the brightest pixel as it lies', async () => {
  const running = await start({ stackMode: 'mean', align: 'none', stackBy: 'command' });
  running.send('stack', { frame: frame(0), align: 'stars', stackMode: 'winsorised' });
  running.send('stack', { command: 'finish' });
  expect((await running.sink('done').first()).stack).toMatchObject({ method: 'winsorised' });
  running.send('stack', { frame: frame(0, { transparency: 0 }), align: 'stars', stackMode: 'max' });
  running.send('stack', { command: 'finish' });
  expect((await running.sink('done').take(2))[1]!.stack).toMatchObject({ method: 'max', frames: 1 });
});
