/** The video of the embedded observatory through the camera backend: its driver records nothing, so the film is ours. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Camera } from '../../lib/camera/camera.ts';
import { indiBackend } from '../../lib/camera/indi.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { readSerFilm } from '../../lib/frame/ser.ts';
import { IndiSimulator } from '../../lib/indi/simulator/simulator.ts';
import { recordEvent } from '../../lib/night/stream-event.ts';
import { site } from './simulator-world.ts';

let folder: string;
let simulator: IndiSimulator;
let camera: Camera;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-simulated-stream-'));
  const sensor = { width: 320, height: 256 };
  simulator = new IndiSimulator({ devices: ['mount', 'camera'], camera: sensor }, { clock: realClock, site });
  const port = await simulator.listen(0);
  camera = indiBackend.create({ host: '127.0.0.1', port, device: 'CCD Simulator' }, { clock: realClock, site });
  await camera.open();
});
afterEach(async () => {
  await camera.close();
  await simulator.close();
  await rm(folder, { recursive: true, force: true });
});

it('is recorded by ourselves, and its protocol says so', async () => {
  const path = join(folder, 'film.ser');
  const quiet = { phase: () => {}, clock: () => {}, progress: () => {}, frame: () => {}, warning: () => {} };
  const never = new AbortController().signal;
  const end = await recordEvent(
    {
      startMilliseconds: realClock.now() + 1500,
      durationSeconds: 4,
      exposureSeconds: 0.1,
      gain: 10,
      offset: null,
      target: null,
      recordBy: 'auto',
      leadSeconds: 1.5,
      lateSeconds: 30,
      clockLimitSeconds: 1,
    },
    { camera, clock: realClock, site, filmPath: async () => path, takeCamera: () => () => {} },
    { stop: never, abort: never },
    quiet,
  );
  expect(end.error).toBeNull();
  expect(end).toMatchObject({
    reason: 'done',
    protocol: { film: { recordedBy: 'nightflow' }, stamps: { by: 'arrival' } },
  });
  const film = await readSerFilm(path);
  expect(film).toMatchObject({ width: 320, height: 256, depth: 8, whole: end.protocol!.figures.frames });
  expect(film.whole).toBeGreaterThan(0);
  // The camera exposes again.
  expect(await camera.expose({ exposureSeconds: 0.1 })).toMatchObject({ width: 320, height: 256 });
}, 60_000);

it('that a driver’s crash ends keeps what came', async () => {
  const stream = await camera.stream!({ exposureSeconds: 0.05 });
  await new Promise<void>((resolve) => stream.onFrame(() => resolve()));
  simulator.crash('CCD Simulator');
  expect(await stream.failed).toMatchObject({ code: 'lost' });
  await stream.close();
}, 60_000);
