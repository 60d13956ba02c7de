/** The focus motor of a camera module, as the stand-in has one; and stills of a Raspberry Pi 5. */
import { afterAll, afterEach, expect, it } from 'vitest';
import type { Camera } from '../../lib/camera/camera.ts';
import { rpicamBackend } from '../../lib/camera/rpicam.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { makeRpicamStandIn, type RpicamStandIn, type RpicamTraps } from './stand-in/rpicam-bin.ts';
import { rampSample } from './stand-in/rpicam-pixels.ts';

let standIn: RpicamStandIn;
let camera: Camera;

async function start(lensPosition?: number, traps: Partial<RpicamTraps> = {}): Promise<void> {
  standIn = await makeRpicamStandIn(traps);
  const { programFolder } = standIn;
  const options = { programFolder, mode: '1640x1232 10-bit', ...(lensPosition === undefined ? {} : { lensPosition }) };
  camera = rpicamBackend.create(options, { clock: realClock, site: null });
  await camera.open();
}
const stills = async () =>
  (await standIn.calls()).filter(([program]) => program === 'rpicam-still').map((words) => words.join(' '));
afterEach(async () => {
  await camera?.close();
  await standIn?.remove();
});
afterAll(() => closeSharedPool());

it('is left alone until it is moved, and then stands where it was told', async () => {
  await start();
  const lens = (await camera.focuser!())!;
  expect(lens.info).toEqual({
    ...{ name: 'Lens', drive: 'absolute', minimum: 0, maximum: 3200, smallestMove: 1, largestMove: null },
  });
  await camera.expose({ exposureSeconds: 0.05 });
  await lens.moveTo(250);
  await lens.moveBy(-40);
  expect(await lens.position()).toBe(210);
  expect(await camera.get('lensPosition')).toBe(2.1);
  await camera.expose({ exposureSeconds: 0.05 });
  const [before, after] = await stills();
  expect(before).not.toContain('--lens-position');
  expect(after).toContain('--autofocus-mode manual --lens-position 2.1');
}, 60_000);

it('stays at infinity when the configuration says so, and refuses what is beyond its scale', async () => {
  await start(0);
  const lens = (await camera.focuser!())!;
  await expect(lens.moveBy(-1)).rejects.toMatchObject({
    code: 'bad-input',
    remedy: expect.stringContaining('0 (far)'),
  });
  await expect(lens.moveTo(3201)).rejects.toMatchObject({ code: 'bad-input' });
  await expect(lens.moveTo(1.5)).rejects.toMatchObject({ code: 'bad-input' });
  await camera.expose({ exposureSeconds: 0.05 });
  expect((await stills())[0]).toContain('--lens-position 0 ');
}, 60_000);

it('a still of a Raspberry Pi 5 has the scale of the sensor, as its sequences have', async () => {
  await start(undefined, { board: 'pi5', pixels: 'ramp' });
  const frame = await camera.expose({ exposureSeconds: 0.05 });
  expect(frame).toMatchObject({ width: 1640, height: 1232, blackLevel: 64, whiteLevel: 1023, bayer: 'RGGB' });
  expect(frame.pixels[7 * 1640 + 9]).toBe(rampSample(9, 7, 0, 10));
}, 60_000);
