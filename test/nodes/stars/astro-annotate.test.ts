import { afterAll, afterEach, expect, it } from 'vitest';
import type { Frame } from '../../../lib/frame/frame.ts';
import { closeSharedPool } from '../../../lib/kernels/pool.ts';
import type { AllSkyPlace } from '../../../lib/solve/all-sky-solution.ts';
import type { Annotation } from '../../../lib/solve/annotation.ts';
import { solutionOf } from '../../../lib/solve/solution.ts';
import type { Wcs } from '../../../lib/solve/wcs.ts';
import { withWcs } from '../../../lib/solve/wcs-header.ts';
import registerAnnotate from '../../../nodes/stars/astro-annotate.ts';
import { smallFrame } from '../../night/small-frames.ts';
import { startImageFlow, stopImageFlow } from '../image/image-flow.ts';

afterEach(stopImageFlow);
afterAll(closeSharedPool);

const [width, height] = [320, 240];
const pleiades: Wcs = {
  ...{ width, height, x: 159.5, y: 119.5, raDegrees: 56.75, decDegrees: 24.1, sip: null },
  cd: [
    [-0.01, 0],
    [0, -0.01],
  ],
};

it('loads with its defaults: the address is the payload, what is in the picture is data', async () => {
  const flow = await startImageFlow(registerAnnotate, 'astro-annotate');
  const frame = withWcs(smallFrame(0, { width, height }), pleiades);
  flow.send('n', { frame, target: { name: 'Here', raDegrees: 56.7, decDegrees: 24 } });
  const msg = await flow.sink('one').first();
  expect(msg.payload).toMatch(/\/nightflow\/pictures\/n/);
  expect(msg.preview).toMatchObject({ url: msg.payload, width, height });
  const { points, grid } = msg.annotation as Annotation;
  expect(points[0]).toMatchObject({ kind: 'target', label: 'Here' });
  expect(points.map(({ label }) => label)).toEqual(expect.arrayContaining(['Alcyone', 'Maia', 'M 45 Pleiades']));
  expect(grid).toEqual([]);
  expect((msg.frame as Frame).data).toBe(frame.data);
});

it('takes the coordinates of the message where the frame has none, and shows what it is told to', async () => {
  const flow = await startImageFlow(registerAnnotate, 'astro-annotate', { previewAs: 'jpeg', showObjects: 'false' });
  const frame = smallFrame(0, { width, height });
  flow.send('n', { frame, solution: solutionOf(pleiades), showGrid: true });
  const msg = await flow.sink('one').first();
  expect((msg.payload as Buffer).subarray(0, 2)).toEqual(Buffer.from([0xff, 0xd8]));
  const { points, grid } = msg.annotation as Annotation;
  expect(points.every(({ kind }) => kind === 'star')).toBe(true);
  expect(grid.length).toBeGreaterThan(3);
});

it('says what to do about a frame that was not solved, and does not believe the coordinates of another', async () => {
  const flow = await startImageFlow(registerAnnotate, 'astro-annotate');
  flow.send('n', { frame: smallFrame(0, { width: 64, height: 64 }), solution: solutionOf(pleiades) });
  expect((await flow.status('n', 'red')).text).toBe(
    'Nobody knows where this frame looks. Wire a solve node in front, and its first output to this node.',
  );
  expect(flow.sink('one').messages).toEqual([]);
});

it('knows the horizon of an all-sky solution, which no header can hold, and leaves the drawing to a page', async () => {
  const flow = await startImageFlow(registerAnnotate, 'astro-annotate', { draw: 'false' });
  const solution: AllSkyPlace = {
    ...{ kind: 'all-sky', site: { latitude: 60, longitude: 10, elevation: 0 }, time: '2026-11-21T20:00:00.000Z' },
    camera: {
      ...{ width, height, x: 159.5, y: 119.5, focalLength: 65, cubic: 0, quintic: 0, mirrored: false },
      axes: [-1, 0, 0, 0, -1, 0, 0, 0, 1],
    },
  };
  // A header of before, of a plane that it is not.
  const frame = withWcs(smallFrame(0, { width, height }), pleiades);
  flow.send('n', { frame, solution });
  const msg = await flow.sink('one').first();
  const { points, horizon } = msg.annotation as Annotation;
  expect(horizon!.cardinals.map(({ label }) => label)).toEqual(['N', 'NE', 'E', 'SE', 'S', 'SW', 'W', 'NW']);
  const moon = points.find(({ label }) => label === 'Moon')!;
  // astropy 5.2: 41.28 degrees high, azimuth 170.03.
  expect(moon.altitudeDegrees).toBeCloseTo(41.28, 1);
  expect(moon.azimuthDegrees).toBeCloseTo(170.03, 1);
  expect(points.map(({ label }) => label)).not.toContain('Sirius');
});
