import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { allocatePixels, Frame } from '../../lib/frame/frame.ts';
import { writeFrame } from '../../lib/frame/write.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import astroCapture from '../../nodes/camera/astro-capture.ts';
import astroCamera from '../../nodes/config/astro-camera.ts';
import astroSite from '../../nodes/config/astro-site.ts';
import type { AstroMessage } from '../../nodes/types.ts';
import { startFlow, stopFlow } from './harness.ts';

afterEach(async () => {
  await stopFlow();
  await closeSharedPool();
});

const start = (camera: Record<string, unknown>, capture: Record<string, unknown>) =>
  startFlow(
    [astroSite, astroCamera, astroCapture],
    [
      {
        id: 'place',
        type: 'astro-site',
        latitude: '69.65',
        longitude: '18.96',
        clock: 'rehearsal',
        clockStart: '2026-03-14T21:00:00Z',
        clockRate: 'max',
      },
      { id: 'roof', type: 'astro-camera', site: 'place', ...camera },
      {
        id: 'capture',
        type: 'astro-capture',
        camera: 'roof',
        keep: 'none',
        freeGigabytes: '0',
        ...capture,
        wires: [['frames'], ['events']],
      },
      { id: 'catcher', type: 'catch', scope: null, wires: [['errors']] },
      ...['frames', 'events', 'errors'].map((id) => ({ id, type: 'helper', wires: [] })),
    ],
  );
const ended = (msg: AstroMessage) => msg.event === 'end';

it('the simulator shows the sky of the site at the time of its clock', async () => {
  const running = await start(
    { backend: 'simulator', sensor: 'demo' },
    { mode: 'count', count: '2', exposureSeconds: '20' },
  );
  running.send('capture', {});
  const [first, second] = await running.sink('frames').take(2);
  expect(first!.frame).toMatchObject({ bayer: 'RGGB', exposureSeconds: 20, night: '2026-03-14', number: 1 });
  expect(Date.parse(first!.frame!.start!) - Date.UTC(2026, 2, 14, 21)).toBeLessThan(1000);
  expect(new Set(first!.frame!.pixels.subarray(0, 10_000)).size).toBeGreaterThan(10);
  expect((second!.payload as { gapSeconds: number }).gapSeconds).toBeLessThan(0.005);
});

it('the simulator refuses an exposure that its sensor can not take', async () => {
  const running = await start({ backend: 'simulator', sensor: 'imx219' }, { mode: 'one', exposureSeconds: '60' });
  running.send('capture', {});
  const { error } = await running.sink('errors').first();
  expect(error).toMatchObject({ message: expect.stringContaining("IMX219 (Camera Module 2) can't expose for 60 s.") });
});

it('the folder replays pictures in the order of their times, and ends with the last', async () => {
  const running = await start({ backend: 'folder', path: 'old night', pace: 'timestamps' }, { mode: 'until' });
  const folder = join(running.userDir, 'old night');
  await mkdir(folder);
  for (const [name, seconds] of [
    ['b', 20],
    ['a', 40],
    ['c', 0],
  ] as const) {
    const start = new Date(Date.UTC(2026, 0, 10, 2, 0, seconds)).toISOString();
    const frame = new Frame({
      data: allocatePixels(6, 4, 1, 'u16'),
      width: 6,
      height: 4,
      pixelType: 'u16',
      start,
      exposureSeconds: 10,
    });
    await writeFrame(frame, join(folder, `${name}.fits`), { format: 'fits' });
  }
  running.send('capture', {});
  const end = await running.sink('events').first(ended);
  expect(end.payload).toMatchObject({ reason: 'no-more-frames', frames: 3, lost: 0 });
  const frames = running.sink('frames').messages.map(({ frame }) => frame!);
  expect(frames.map(({ source }) => source?.split('/').pop())).toEqual(['c.fits', 'b.fits', 'a.fits']);
  expect(frames.map(({ number }) => number)).toEqual([1, 2, 3]);
});

it('a folder that is not there is an error', async () => {
  const running = await start({ backend: 'folder', path: 'nowhere' }, {});
  running.send('capture', {});
  expect((await running.sink('errors').first()).error).toMatchObject({ message: expect.stringContaining('nowhere') });
});
