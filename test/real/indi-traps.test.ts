/**
 * What real drivers take although it is dangerous, measured on Debian's simulators: a NaN makes the mount spin for ever, a time without
 * its zone makes it crash, a binning in mid-exposure mixes two pictures. None of it gets through our client.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indiBackend } from '../../lib/camera/indi.ts';
import type { IndiBackendCamera } from '../../lib/camera/indi-camera.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { requireOk } from '../../lib/indi/command.ts';
import { streaming } from '../../lib/indi/completion-devices.ts';
import { IndiCamera } from '../../lib/indi/devices/camera.ts';
import { writeCameraSetting } from '../../lib/indi/devices/camera-settings.ts';
import { numberOf } from '../../lib/indi/property.ts';
import type { WantedValues } from '../../lib/indi/validate.ts';
import { devices, startWorld, type World } from './indi-world.ts';

const mount = devices.mount.device;
const camera = devices.camera.device;
let world: World;
let ccd: IndiBackendCamera;

beforeAll(async () => {
  world = await startWorld(['mount', 'camera', 'focuser', 'wheel']);
  const options = { host: '127.0.0.1', port: world.port, device: camera };
  ccd = indiBackend.create(options, { clock: realClock, site: null }) as IndiBackendCamera;
  await ccd.open();
});
afterAll(async () => {
  await ccd?.close();
  await world?.end();
});

const command = (device: string, property: string, values: WantedValues) =>
  world.client.command({ device, property, values, timeoutSeconds: 30 });
const waitFor = (device: string, property: string, state: string) =>
  world.client.waitForProperty(device, property, { timeoutSeconds: 30, ready: (now) => now.state === state });

describe('what a driver would take', () => {
  it('of a site goes out whole, and nothing that is no number or on no globe', async () => {
    requireOk(await command(mount, 'GEOGRAPHIC_COORD', { LAT: 51, LONG: 357.7, ELEV: 72 }));
    const part = requireOk(await command(mount, 'GEOGRAPHIC_COORD', { LAT: 48.5 })).property!;
    expect(['LAT', 'LONG', 'ELEV'].map((element) => numberOf(part, element))).toEqual([48.5, 357.7, 72]);
    for (const LAT of [95, Number.NaN, Number.POSITIVE_INFINITY, 'nan', 'inf', '5 90 0'])
      await expect(command(mount, 'GEOGRAPHIC_COORD', { LAT })).rejects.toMatchObject({ code: 'bad-input' });
    await expect(command(mount, 'GEOGRAPHIC_COORD', { LONG: -2.3 })).rejects.toThrow(/from 0 to 360/);
    const sexagesimal = requireOk(await command(mount, 'GEOGRAPHIC_COORD', { LAT: '5 30 15' })).property!;
    expect(numberOf(sexagesimal, 'LAT')).toBeCloseTo(5 + 30 / 60 + 15 / 3600, 5);
    expect(await world.client.probe(mount, { timeoutSeconds: 20 })).toBe(true);
  }, 60_000);

  it('of coordinates is a place on the sky', async () => {
    for (const values of [
      { RA: Number.NaN, DEC: 0 },
      { RA: 1, DEC: 'nan' },
      { RA: 25, DEC: 0 },
      { RA: 1, DEC: -91 },
    ])
      await expect(command(mount, 'EQUATORIAL_EOD_COORD', values)).rejects.toMatchObject({ code: 'bad-input' });
    expect(await world.client.probe(mount, { timeoutSeconds: 20 })).toBe(true);
  });

  it('of the time is taken with its zone only', async () => {
    const UTC = '2026-11-21T20:00:00';
    await expect(command(mount, 'TIME_UTC', { UTC })).rejects.toThrow(/UTC and OFFSET/);
    requireOk(await command(mount, 'TIME_UTC', { UTC, OFFSET: '1.00' }));
    expect(await world.client.probe(mount, { timeoutSeconds: 20 })).toBe(true);
  });

  it('is not what its own limits forbid, nor for a device that is not there', async () => {
    await expect(command('No such device', 'CONNECTION', { CONNECT: true })).rejects.toThrow(/No such device/);
    await expect(command(devices.wheel.device, 'FILTER_SLOT', { FILTER_SLOT_VALUE: 99 })).rejects.toThrow(/not 99/);
    const far = { FOCUS_ABSOLUTE_POSITION: 100_001 };
    await expect(command(devices.focuser.device, 'ABS_FOCUS_POSITION', far)).rejects.toThrow(/not 100001/);
    await expect(command(camera, 'CCD_TEMPERATURE', { CCD_TEMPERATURE_VALUE: -200 })).rejects.toThrow(/not -200/);
  });
});

describe('while a camera exposes', () => {
  it('nothing that would spoil the picture is changed; gain may be', async () => {
    const running = ccd.expose({ exposureSeconds: 4 });
    await waitFor(camera, 'CCD_EXPOSURE', 'Busy');
    for (const [name, value] of [
      ['binning', 2],
      ['subframe', '0, 0, 100, 100'],
      ['frameType', 'dark'],
    ] as const)
      await expect(writeCameraSetting(world.client, camera, name, value)).rejects.toMatchObject({
        code: 'busy',
        remedy: expect.stringContaining('Wait for the end'),
      });
    await writeCameraSetting(world.client, camera, 'gain', 50);
    expect(await running).toMatchObject({ width: 1280, height: 1024, kind: 'light' });
  }, 60_000);

  it('a dark that waits for its turn leaves the light before it a light', async () => {
    const light = ccd.expose({ exposureSeconds: 2, kind: 'light' });
    const dark = ccd.expose({ exposureSeconds: 0.2, kind: 'dark' });
    // The driver's own word.
    expect((await light).keyword('FRAME')).toBe('Light');
    expect((await dark).keyword('FRAME')).toBe('Dark');
  }, 60_000);

  it('one beside a video is refused', async () => {
    const beside = new IndiCamera(world.client, camera);
    await beside.open({});
    requireOk(await command(camera, 'STREAMING_EXPOSURE', { STREAMING_EXPOSURE_VALUE: 0.1 }));
    const stream = (on: boolean) =>
      world.client.command({
        ...{ device: camera, property: 'CCD_VIDEO_STREAM', judge: streaming(on), timeoutSeconds: 30 },
        values: { [on ? 'STREAM_ON' : 'STREAM_OFF']: true },
      });
    requireOk(await stream(true));
    await expect(beside.expose(1)).rejects.toMatchObject({ code: 'busy', remedy: expect.stringContaining('Stop') });
    requireOk(await stream(false));
    expect((await beside.expose(0.2)).byteLength).toBeGreaterThan(2 * 1280 * 1024);
    await beside.close();
  }, 60_000);
});

it('a folder that can’t be written is told by the driver, in its words', async () => {
  const { client } = world;
  const disable = await client.enableBlobs(camera, 'CCD1');
  requireOk(await command(camera, 'UPLOAD_SETTINGS', { UPLOAD_DIR: '/proc/nowhere', UPLOAD_PREFIX: 'x_XXX' }));
  requireOk(await command(camera, 'UPLOAD_MODE', { UPLOAD_BOTH: true }));
  const failed = await ccd.expose({ exposureSeconds: 0.2 }).then(
    () => null,
    (error) => error,
  );
  expect(failed).toMatchObject({ code: 'rejected', message: expect.stringContaining('/proc/nowhere') });
  requireOk(await command(camera, 'UPLOAD_MODE', { UPLOAD_CLIENT: true }));
  disable();
}, 60_000);

it('a driver that crashes over a change of format ends as lost, and is there again', async () => {
  const { client } = world;
  const exposure = (values: WantedValues) =>
    client.command({ device: camera, property: 'CCD_EXPOSURE', values, timeoutSeconds: 20 });
  requireOk(await command(camera, 'CCD_TRANSFER_FORMAT', { FORMAT_NATIVE: true }));
  await exposure({ CCD_EXPOSURE_VALUE: 0.1 });
  requireOk(await command(camera, 'CCD_TRANSFER_FORMAT', { FORMAT_FITS: true }));
  expect((await exposure({ CCD_EXPOSURE_VALUE: 0.1 })).status).toBe('device-lost');
  const again = async () => {
    await ccd.recover();
    return ccd.expose({ exposureSeconds: 0.2 });
  };
  await expect.poll(() => again().then(({ width }) => width, String), { timeout: 60_000 }).toBe(1280);
}, 90_000);
