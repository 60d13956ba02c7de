/** A sequence of the night with a camera that fails in the middle: it goes on by itself, and what was lost is known. */
import { afterEach, expect, it } from 'vitest';
import type { Camera } from '../../lib/camera/camera.ts';
import { gphoto2Backend } from '../../lib/camera/gphoto2.ts';
import { rpicamBackend } from '../../lib/camera/rpicam.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { Sequence, type SequenceFrame } from '../../lib/night/sequence.ts';
import { makeGphoto2StandIn } from './stand-in/gphoto2-bin.ts';
import { makeRpicamStandIn } from './stand-in/rpicam-bin.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  await closeSharedPool();
});
const context = { clock: realClock, site: null };

async function night(camera: Camera, frames: number, onWarning: (message: string) => void = () => {}) {
  const taken: SequenceFrame[] = [];
  const sequence = new Sequence({
    ...{ camera, clock: realClock, site: null, journalPath: null, storage: null },
    plan: { exposureSeconds: 0.1, frames },
    onFrame: async (frame: SequenceFrame) => {
      taken.push(frame);
    },
  });
  sequence.on('warning', ({ message }) => onWarning(message));
  await sequence.start();
  return { end: await sequence.finished, taken };
}

it('a program of rpicam-apps that dies again and again costs a frame each time', async () => {
  const { programFolder, remove } = await makeRpicamStandIn({ dieAfter: 3 });
  ends.push(remove);
  const camera = rpicamBackend.create({ programFolder, mode: '1640x1232 10-bit', packing: 'packed' }, context);
  ends.unshift(() => camera.close());
  await camera.open();
  const { end, taken } = await night(camera, 7);
  expect(end).toMatchObject({ reason: 'count', frames: 7 });
  expect(end.lost).toBeGreaterThanOrEqual(2);
  expect(taken.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5, 6, 7]);
}, 60_000);

it('a body whose cable was out goes on under its new address', async () => {
  const standIn = await makeGphoto2StandIn({ pulledAt: 2 });
  ends.push(standIn.remove);
  const camera = gphoto2Backend.create({ program: standIn.program }, context);
  ends.unshift(() => camera.close());
  await camera.open();
  let plugged = false;
  const { end, taken } = await night(camera, 5, () => {
    if (plugged) return;
    plugged = true;
    void standIn.set({ pulledAt: null, port: 'usb:001,011' });
  });
  expect(end).toMatchObject({ reason: 'count', frames: 5 });
  expect(taken.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5]);
  const sessions = (await standIn.calls()).filter((line) => line.startsWith('--port'));
  expect(sessions.at(0)).toContain('usb:001,004');
  expect(sessions.at(-1)).toContain('usb:001,011');
}, 60_000);
