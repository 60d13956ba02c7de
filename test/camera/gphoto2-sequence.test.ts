/** The cable is pulled in the middle of a burst with frames on the card: the sequence goes on by itself, and has every picture once. */
import { afterAll, afterEach, expect, it } from 'vitest';
import { gphoto2Backend } from '../../lib/camera/gphoto2.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { Sequence, type SequenceFrame } from '../../lib/night/sequence.ts';
import { type Gphoto2StandIn, type Gphoto2Traps, makeGphoto2StandIn } from './stand-in/gphoto2-bin.ts';
import { pictureNumber } from './stand-in/gphoto2-numbers.ts';

let standIn: Gphoto2StandIn;
let sequence: Sequence;
let frames: SequenceFrame[] = [];
let warnings: string[] = [];

async function begin(traps: Partial<Gphoto2Traps>, plan: { frames: number; intervalSeconds?: number }) {
  standIn = await makeGphoto2StandIn(traps);
  const settings = [{ name: 'capturetarget', value: traps.body === 'nikon' ? 'Memory card' : 'card' }];
  const camera = gphoto2Backend.create(
    { program: standIn.program, usb: standIn.usb, settings },
    { clock: realClock, site: null },
  );
  await camera.open();
  frames = [];
  warnings = [];
  const backOff = { firstSeconds: 0.1, factor: 2, maximumSeconds: 0.4, jitter: 0 };
  sequence = new Sequence({ camera, clock: realClock, site: null, backOff, plan: { exposureSeconds: 0.25, ...plan } });
  sequence.on('frame', (frame) => frames.push(frame));
  sequence.on('warning', ({ message }) => warnings.push(message));
  await sequence.start();
  return camera;
}
afterEach(() => standIn?.remove());
afterAll(() => closeSharedPool());

const all = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

it('of a burst, under another address', async () => {
  const camera = await begin({ pulledAt: 2, savedAfterPull: 3, cardFiles: 50 }, { frames: 8 });
  // Every step has failed once, and a person is asked.
  const asked = new Promise<string>((resolve) => {
    sequence.on('recovery', (state) => state?.needsPerson && resolve(state.what));
  });
  expect(await asked).toContain('battery');
  await standIn.set({ pulledAt: null, port: 'usb:002,031' });
  const end = await sequence.finished;
  await camera.close();
  expect(end).toMatchObject({ reason: 'count', frames: 8, lost: 0, failures: 1, error: null });
  expect(frames.map(({ frame }) => pictureNumber(frame))).toEqual(all(8));
  expect(frames.map(({ n }) => n)).toEqual(all(8));
  expect(frames.map(({ recovered }) => recovered)).toEqual([false, false, true, true, true, false, false, false]);
  expect(warnings).toContain('3 pictures on the card were not sent before.');
  expect((await standIn.calls()).findLast((line) => line.includes('--shell'))).toContain('usb:002,031');
}, 90_000);

it('of frames at an interval, one by one', async () => {
  const camera = await begin({ body: 'nikon', pulledAt: 1, pulledIn: 'transfer' }, { frames: 4, intervalSeconds: 0.5 });
  await expect.poll(() => warnings.join(), { timeout: 60_000 }).toContain('Trying again');
  await standIn.set({ pulledAt: null, port: 'usb:002,032' });
  const end = await sequence.finished;
  await camera.close();
  expect(end).toMatchObject({ reason: 'count', frames: 4, lost: 0, failures: 1, error: null });
  expect(frames.map(({ frame }) => pictureNumber(frame))).toEqual(all(4));
}, 90_000);
