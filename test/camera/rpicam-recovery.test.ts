/** The way back of a Raspberry Pi camera: a sensor that only restarts, another program at the camera; the sequence goes on by itself. */
import { afterAll, expect, it } from 'vitest';
import type { RecoveryState } from '../../lib/camera/camera.ts';
import { rpicamBackend } from '../../lib/camera/rpicam.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { Sequence } from '../../lib/night/sequence.ts';
import { makeRpicamStandIn } from './stand-in/rpicam-bin.ts';

afterAll(() => closeSharedPool());

it('is told step by step, names who has to do what, and ends with the frames that were asked for', async () => {
  const standIn = await makeRpicamStandIn({ restartsAfter: 2 });
  const options = { programFolder: standIn.programFolder, mode: '1640x1232 10-bit', packing: 'packed' } as const;
  const camera = rpicamBackend.create(options, { clock: realClock, site: null });
  await camera.open();
  const told: (RecoveryState | null)[] = [];
  const warnings: string[] = [];
  const numbers: number[] = [];
  const backOff = { firstSeconds: 0.2, factor: 2, maximumSeconds: 0.5, jitter: 0 };
  const plan = { exposureSeconds: 0.1, frames: 4 };
  const sequence = new Sequence({ camera, clock: realClock, site: null, backOff, plan });
  sequence.on('recovery', (state) => told.push(state));
  sequence.on('frame', ({ n }) => numbers.push(n));
  sequence.on('warning', ({ message, error }) => {
    warnings.push(message);
    // The sensor is mended, and then somebody starts another program, and ends it.
    if (message.includes('3 restarts')) void standIn.set({ restartsAfter: null, busy: true });
    if (error?.code === 'busy') void standIn.set({ busy: false });
  });
  try {
    await sequence.start();
    const end = await sequence.finished;
    expect(end).toMatchObject({ reason: 'count', frames: 4, error: null });
    expect(numbers).toEqual([1, 2, 3, 4]);
    expect(warnings.join('\n')).toContain('The sensor did not come back after 3 restarts.');
    expect(told.slice(0, 2)).toMatchObject([
      { step: 1, of: 2, what: 'the programs at the camera are ended', attempt: 1 },
      { step: 2, of: 2, what: 'the camera is looked for and opened anew', attempt: 1 },
    ]);
    expect(told.at(-1)).toBeNull();
  } finally {
    await camera.close();
    await standIn.remove();
  }
}, 90_000);

it('asks for a person when the camera is gone', async () => {
  const standIn = await makeRpicamStandIn({});
  const camera = rpicamBackend.create({ programFolder: standIn.programFolder }, { clock: realClock, site: null });
  try {
    await camera.open();
    const told: (RecoveryState | null)[] = [];
    camera.onRecovery!((state) => told.push(state));
    await standIn.set({ cameras: 0 });
    await expect(camera.recover()).rejects.toMatchObject({ code: 'lost' });
    expect(told.at(-1)).toMatchObject({ needsPerson: true, what: expect.stringMatching(/ribbon|cable/) });
    await standIn.set({ cameras: 1 });
    await camera.recover();
    expect(told.at(-1)).toBeNull();
  } finally {
    await camera.close();
    await standIn.remove();
  }
}, 90_000);
