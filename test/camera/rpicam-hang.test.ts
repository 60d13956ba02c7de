/** A sensor that falls silent: our watchdog ends the program, not libcamera's, and the sequence can go on. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import { rpicamBackend } from '../../lib/camera/rpicam.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { makeRpicamStandIn, type RpicamTraps } from './stand-in/rpicam-bin.ts';

afterAll(() => closeSharedPool());
const variable = 'LIBCAMERA_RPI_CONFIG_FILE';
const usual = process.env[variable];
afterEach(() => {
  if (usual === undefined) delete process.env[variable];
  else process.env[variable] = usual;
});

async function silent(traps: Partial<RpicamTraps>) {
  const standIn = await makeRpicamStandIn(traps);
  const options = { programFolder: standIn.programFolder, mode: '1640x1232 10-bit', packing: 'packed' } as const;
  const camera = rpicamBackend.create(options, { clock: realClock, site: null });
  await camera.open();
  const frames = camera.exposures({ exposureSeconds: 0.1 })[Symbol.asyncIterator]();
  expect((await frames.next()).done).toBe(false);
  return {
    camera,
    standIn,
    next: () => frames.next(),
    end: async () => {
      await camera.close();
      await standIn.remove();
    },
  };
}

const ours = { code: 'timeout', message: 'The camera sent no frame for 10 s.', remedy: expect.any(String) };

it.each(['pi4', 'pi5'] as const)(
  'without a word (%s): the camera is free again',
  async (board) => {
    const { camera, standIn, next, end } = await silent({ hangAfter: 1, board });
    try {
      await expect(next()).rejects.toMatchObject(ours);
      await standIn.set({ hangAfter: null });
      await camera.recover();
      expect((await camera.expose({ exposureSeconds: 0.1 })).exposureSeconds).toBe(0.1);
    } finally {
      await end();
    }
  },
  90_000,
);

it('and libcamera would give it up after a second: it has our time', async () => {
  delete process.env[variable];
  const { camera, next, end } = await silent({ silentAfter: 1 });
  try {
    await expect(next()).rejects.toMatchObject(ours);
    expect(camera.warnings!()).toEqual([]);
  } finally {
    await end();
  }
}, 90_000);

it('and the user has a configuration: that is what counts', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nightflow-user-'));
  process.env[variable] = join(folder, 'mine.yaml');
  const mine = { version: 1, target: 'bcm2835', pipeline_handler: { camera_timeout_value_ms: 200 } };
  await writeFile(process.env[variable], JSON.stringify(mine));
  const { camera, next, end } = await silent({ silentAfter: 1 });
  try {
    await expect(next()).rejects.toMatchObject({ code: 'lost', message: expect.stringContaining('3 restarts') });
    expect(camera.warnings!()[0]).toContain('stopped sending');
  } finally {
    await end();
    await rm(folder, { recursive: true });
  }
}, 90_000);
