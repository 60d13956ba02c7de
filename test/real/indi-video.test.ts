/** The video of a real indiserver's CCD simulator: raw and JPEG, its limits, and what it keeps away. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indiBackend } from '../../lib/camera/indi.ts';
import type { IndiBackendCamera } from '../../lib/camera/indi-camera.ts';
import { isThisComputer } from '../../lib/camera/indi-stream.ts';
import { realClock } from '../../lib/clock/clock.ts';
import type { Frame } from '../../lib/frame/frame.ts';
import { pressed, switched } from '../../lib/indi/completion.ts';
import { streamFrame } from '../../lib/indi/devices/stream-picture.ts';
import { isOn, numberOf } from '../../lib/indi/property.ts';
import type { BlobValue } from '../../lib/indi/protocol/message.ts';
import { devices, startWorld, type World } from './indi-world.ts';

const { device } = devices.camera;
const site = { name: 'Here', latitude: 51, longitude: 7, elevation: 100 };
const patiently = { timeout: 20_000 };
let world: World;
let camera: IndiBackendCamera;
const find = (name: string) => world.client.store.property(device, name);

beforeAll(async () => {
  world = await startWorld(['camera']);
  const options = { host: '127.0.0.1', port: world.port, device };
  camera = indiBackend.create(options, { clock: realClock, site }) as IndiBackendCamera;
  await camera.open();
}, 60_000);
afterAll(async () => {
  await camera?.close();
  await world?.end();
});

describe('the video', () => {
  it('is thinned out by the driver unless told otherwise, and the limit is put back', async () => {
    const before = numberOf(find('LIMITS'), 'LIMITS_PREVIEW_FPS');
    const stream = await camera.stream({ exposureSeconds: 0.01 });
    await expect.poll(() => numberOf(find('LIMITS'), 'LIMITS_PREVIEW_FPS'), patiently).toBe(120);
    let frames = 0;
    const first = new Promise<void>((resolve) => {
      stream.onFrame(({ frame, arrivedAt, sentAt }) => {
        frames++;
        expect(frame).toMatchObject({ width: 1280, height: 1024, pixelType: 'u8', camera: device, site });
        expect(Math.abs(arrivedAt - sentAt!)).toBeLessThan(60_000);
        resolve();
      });
    });
    await first;
    await expect.poll(() => frames, patiently).toBeGreaterThan(3);
    await expect.poll(() => stream.framesPerSecond(), patiently).toBeGreaterThan(0);
    await stream.close();
    await expect.poll(() => numberOf(find('LIMITS'), 'LIMITS_PREVIEW_FPS'), patiently).toBe(before);
  }, 60_000);

  it('that somebody turns off has failed; a JPEG of it can be read; ours is raw again', async () => {
    const stream = await camera.stream({ exposureSeconds: 0.1 });
    await world.client.command({ device, property: 'CCD_VIDEO_STREAM', values: { STREAM_OFF: true } });
    expect((await stream.failed).message).toBeTruthy();
    await stream.close();
    const set = (property: string, element: string) =>
      world.client.command({ device, property, values: { [element]: true }, judge: pressed(property) });
    await set('CCD_STREAM_ENCODER', 'MJPEG');
    const disable = await world.client.enableBlobs(device, 'CCD1');
    const arrived = new Promise<BlobValue>((resolve) => {
      world.client.onBlob(({ elements }) => {
        for (const { blob } of elements) if (/jpe?g$/.test(blob.format)) resolve(blob);
      });
    });
    const on = { device, property: 'CCD_VIDEO_STREAM', timeoutSeconds: 20 };
    const judge = switched('CCD_VIDEO_STREAM', 'STREAM_ON', { busyIsDone: true });
    await world.client.command({ ...on, values: { STREAM_ON: true }, judge });
    const frame = await streamFrame(await arrived, find);
    expect(frame).toMatchObject({ pixelType: 'u8', transfer: 'srgb' });
    // libindi halves pictures for its JPEG stream until they are small enough; the shape stays.
    expect(frame.width / frame.height).toBeCloseTo(1280 / 1024, 1);
    await world.client.command({ ...on, values: { STREAM_OFF: true } });
    disable();
    const again = await camera.stream({ exposureSeconds: 0.1 });
    const raw = await new Promise<Frame>((resolve) => again.onFrame((streamed) => resolve(streamed.frame)));
    expect(raw).toMatchObject({ width: 1280, height: 1024, pixelType: 'u8', channels: 1 });
    await again.close();
    expect(isOn(find('CCD_STREAM_ENCODER'), 'RAW')).toBe(true);
  }, 60_000);

  it('keeps exposures away, and exposures the video', async () => {
    const stream = await camera.stream({ exposureSeconds: 0.1 });
    await expect(camera.expose({ exposureSeconds: 0.1 })).rejects.toMatchObject({ code: 'busy', message: /streaming/ });
    await expect(camera.stream({ exposureSeconds: 0.1 })).rejects.toMatchObject({ code: 'busy' });
    await stream.close();
    const running = camera.expose({ exposureSeconds: 2 });
    await expect.poll(() => find('CCD_EXPOSURE')?.state, patiently).toBe('Busy');
    const video = camera.stream({ exposureSeconds: 0.1 });
    // It waits for its turn on the device, or says that it is exposing.
    const outcome = await video.then(
      (opened) => opened.close().then(() => 'opened'),
      (error) => error.code,
    );
    expect(['opened', 'busy']).toContain(outcome);
    expect((await running).width).toBe(1280);
  }, 60_000);
});

it('knows which servers are on this computer', () => {
  expect(['localhost', '127.0.0.1', '::1', '', '[::1]'].map(isThisComputer)).toEqual([true, true, true, true, true]);
  expect(isThisComputer('pi.example')).toBe(false);
});
