/** Node-RED is killed in the middle of a sequence: nobody is there to end rpicam-raw, which must not keep the camera and fill the memory. */
import { spawn } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { rpicamBackend } from '../../lib/camera/rpicam.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { asNightflowError } from '../../lib/process/errors.ts';
import { makeRpicamStandIn } from './stand-in/rpicam-bin.ts';

afterAll(() => closeSharedPool());

const lib = new URL('../../lib/', import.meta.url);
const script = (options: object) => `
import { rpicamBackend } from '${new URL('camera/rpicam.ts', lib).href}';
import { realClock } from '${new URL('clock/clock.ts', lib).href}';
const camera = rpicamBackend.create(${JSON.stringify(options)}, { clock: realClock, site: null });
await camera.open();
for await (const { frame } of camera.exposures({ exposureSeconds: 0.2 })) console.log(frame.start);
`;

it('its next frame’s metadata find no reader: it ends, and the next start clears its memory up', async () => {
  const standIn = await makeRpicamStandIn();
  const options = { programFolder: standIn.programFolder, mode: '1640x1232 10-bit', packing: 'packed' } as const;
  const camera = rpicamBackend.create(options, { clock: realClock, site: null });
  const file = join(standIn.programFolder, 'other.mjs');
  await writeFile(file, script(options));
  const other = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    let told = '';
    other.stdout.on('data', (chunk) => {
      told += chunk;
    });
    await expect.poll(() => told.split('\n').length, { timeout: 60_000 }).toBeGreaterThan(2);
    const gone = new Promise((resolve) => other.once('exit', resolve));
    other.kill('SIGKILL');
    await gone;
    await camera.open();
    const expose = () =>
      camera.expose({ exposureSeconds: 0.1 }).then(
        () => 'free',
        (thrown) => asNightflowError(thrown).code,
      );
    await expect.poll(expose, { timeout: 60_000 }).toBe('free');
    const left = await readdir('/dev/shm');
    expect(left.filter((name) => name.startsWith(`nightflow-camera-${other.pid}-`))).toEqual([]);
  } finally {
    other.kill('SIGKILL');
    await camera.close();
    await standIn.remove();
  }
}, 150_000);
