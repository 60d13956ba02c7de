/** rpicam-raw that falls silent without a word, as it does on some boards: the watchdog ends it, and the sequence can go on. */
import { afterAll, expect, it } from 'vitest';
import { rpicamBackend } from '../../lib/camera/rpicam.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { makeRpicamStandIn } from './stand-in/rpicam-bin.ts';

afterAll(() => closeSharedPool());

it('is ended by the watchdog, and the camera is free again', async () => {
  const standIn = await makeRpicamStandIn({ hangAfter: 1 });
  const options = { programFolder: standIn.programFolder, mode: '1640x1232 10-bit', packing: 'packed' } as const;
  const camera = rpicamBackend.create(options, { clock: realClock, site: null });
  try {
    await camera.open();
    const frames = camera.exposures({ exposureSeconds: 0.1 })[Symbol.asyncIterator]();
    expect((await frames.next()).done).toBe(false);
    await expect(frames.next()).rejects.toMatchObject({
      code: 'timeout',
      message: 'The camera sent no frame for 10 s.',
      remedy: expect.any(String),
    });
    await standIn.set({ hangAfter: null });
    await camera.recover();
    expect((await camera.expose({ exposureSeconds: 0.1 })).exposureSeconds).toBe(0.1);
  } finally {
    await camera.close();
    await standIn.remove();
  }
}, 90_000);
