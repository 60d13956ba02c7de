/** The DNG of a still of the backend `rpicam`, with what the RAW appliance makes of it. */
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { rpicamBackend } from '../../lib/camera/rpicam.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { encodeFrame } from '../../lib/field/appliance/encode.ts';
import { requireFormat } from '../../lib/field/appliance/format.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { makeRpicamStandIn } from './stand-in/rpicam-bin.ts';
import { dngFile } from './stand-in/rpicam-pixels.ts';

afterAll(() => closeSharedPool());

it('stays with its frame, byte for byte; a sequence has none', { timeout: 60_000 }, async () => {
  const standIn = await makeRpicamStandIn({ pixels: 'ramp' });
  const { programFolder } = standIn;
  const camera = rpicamBackend.create({ programFolder, mode: '1640x1232 10-bit' }, { clock: realClock, site: null });
  onTestFinished(async () => {
    await camera.close();
    await standIn.remove();
  });
  await camera.open();
  const frame = await camera.expose({ exposureSeconds: 0.15 });
  const dng = dngFile({ format: 'SRGGB10', width: 1640, height: 1232, bits: 10 }, 0, 'ramp');
  expect(frame.original?.extension).toBe('.dng');
  expect(Buffer.from(frame.original!.data as unknown as ArrayBuffer).equals(dng)).toBe(true);
  expect(await encodeFrame(frame)).toMatchObject({ extension: '.dng', contentType: 'image/x-adobe-dng' });
  expect(() => requireFormat('original', camera, 'single')).not.toThrow();
  expect(() => requireFormat('original', camera, 'sequence')).toThrow('of exposures back to back');
  for await (const { frame: next } of camera.exposures({ exposureSeconds: 0.15 })) {
    expect([next.original, (await encodeFrame(next)).extension]).toEqual([null, '.fits']);
    break;
  }
});
