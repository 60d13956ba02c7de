/** astro-mount centres a target by its stars: the simulated mount points beside it, its camera shows the true sky, an engine of ours solves. */
import { afterAll, afterEach, expect, it } from 'vitest';
import { closeSharedPool } from '../../../lib/kernels/pool.ts';
import { vectorOf } from '../../../lib/sky/coordinates.ts';
import { separationDegrees } from '../../../lib/sky/coordinates-date.ts';
import astroCapture from '../../../nodes/camera/astro-capture.ts';
import astroCamera from '../../../nodes/config/astro-camera.ts';
import astroMount from '../../../nodes/mount/astro-mount.ts';
import type { AstroMessage } from '../../../nodes/types.ts';
import { stopFlow } from '../harness.ts';
import { startDevice } from './device-flow.ts';

afterEach(stopFlow);
afterAll(closeSharedPool);

const target = { name: 'M 45', raDegrees: 56.75, decDegrees: 24.1167 };
const start = (settings: Record<string, unknown> = {}) =>
  startDevice(
    astroMount,
    'astro-mount',
    { device: 'Telescope Simulator', command: 'centre', camera: 'camera', exposureSeconds: '4', ...settings },
    {
      indi: { errorRaArcminutes: '12', errorDecArcminutes: '-9' },
      modules: [astroCamera, astroCapture],
      more: [
        {
          id: 'camera',
          type: 'astro-camera',
          backend: 'indi',
          site: 'site',
          indi: 'indi',
          indiDevice: 'CCD Simulator',
        },
        {
          ...{ id: 'capture', type: 'astro-capture', camera: 'camera', mode: 'until', exposureSeconds: '5' },
          ...{ keep: 'none', freeGigabytes: '0', wires: [['frames'], []] },
        },
        { id: 'frames', type: 'helper', wires: [] },
      ],
    },
  );
const phase = (wanted: string) => (msg: AstroMessage) => (msg.payload as { phase?: string }).phase === wanted;

it('brings it into the middle of the picture, and gives picture and solution along', async () => {
  const flow = await start();
  flow.send('n', { target, topic: 'first' });
  await flow.event('progress', phase('measured'));
  const [msg] = await flow.done();
  const payload = msg!.payload as { errorArcsec: number; measured: { errorArcsec: number }[] };
  expect(payload).toMatchObject({
    command: 'centre',
    outcome: 'centred',
    target: 'M 45',
    tracking: true,
    moving: false,
  });
  // 12' of right ascension at 24° are 11' on the sky.
  expect(payload.measured[0]!.errorArcsec).toBeCloseTo(Math.hypot(12 * Math.cos((24.1 * Math.PI) / 180), 9) * 60, -2);
  expect(payload.errorArcsec).toBeLessThan(60);
  expect(msg!.frame).toMatchObject({ width: 1280, height: 1024 });
  const { raDegrees, decDegrees } = msg!.solution as { raDegrees: number; decDegrees: number };
  const apart = separationDegrees(vectorOf(raDegrees, decDegrees), vectorOf(target.raDegrees, target.decDegrees));
  expect(apart * 3600).toBeLessThan(60);
  expect((await flow.status('n', 'green', 'Centred')).text).toMatch(/^Centred to \d/);
}, 180_000);

it('goes on without, and says so, when the stars are not recognised', async () => {
  // Too short for a single star.
  const flow = await start({ solveTimeoutSeconds: '5', exposureSeconds: '0.001', tries: '1' });
  flow.send('n', { target });
  const [msg] = await flow.done();
  expect(msg!.payload).toMatchObject({ outcome: 'uncalibrated', tracking: true, errorArcsec: null });
  expect((msg!.payload as { reason: string }).reason).toContain('The stars were not recognised');
  await flow.status('n', 'yellow', 'not recognised');
}, 120_000);

it('does not break into a sequence that has the camera', async () => {
  const flow = await start();
  flow.send('capture', { command: 'start' });
  await flow.sink('frames').first();
  flow.send('n', { target });
  expect(await flow.failure()).toContain('is taken by');
}, 120_000);

it('is stopped by an abort in the middle', async () => {
  const flow = await start({ exposureSeconds: '600' });
  flow.send('n', { target });
  await flow.event('progress', phase('exposing'));
  flow.send('n', { command: 'abort' });
  expect((await flow.event('aborted')).payload).toMatchObject({ command: 'centre' });
  const [msg] = await flow.done();
  expect(msg!.payload).toMatchObject({ command: 'abort' });
  expect(flow.sink('failures').messages).toEqual([]);
}, 120_000);
