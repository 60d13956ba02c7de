/** The camera backend `indi` on a real indiserver with the CCD and focuser simulators of Debian's indi-bin. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indiBackend } from '../../lib/camera/indi.ts';
import type { IndiBackendCamera } from '../../lib/camera/indi-camera.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { IndiCamera } from '../../lib/indi/devices/camera.ts';
import { listIndiDevices } from '../../lib/indi/devices/list.ts';
import { isOn, switchOf } from '../../lib/indi/property.ts';
import { devices, startWorld, type World } from './indi-world.ts';

const { device } = devices.camera;
let world: World;
let camera: IndiBackendCamera;
const site = { name: 'Here', latitude: 51, longitude: 7, elevation: 100 };

beforeAll(async () => {
  world = await startWorld(['camera', 'focuser']);
  camera = indiBackend.create(
    { host: '127.0.0.1', port: world.port, device, focuser: devices.focuser.device },
    { clock: realClock, site },
  ) as IndiBackendCamera;
  await camera.open();
});
afterAll(async () => {
  await camera?.close();
  await world?.end();
});

describe('the lists', () => {
  it('have the cameras of a server, and what its devices are', async () => {
    const at = { host: '127.0.0.1', port: world.port };
    expect(await indiBackend.list({ ...at, device: '' })).toEqual([
      { id: device, name: device, backend: 'indi', sensor: null },
    ]);
    const all = await listIndiDevices(at, { clock: realClock });
    expect(all.find(({ name }) => name === devices.focuser.device)?.roles).toEqual(['focuser']);
    expect(all.find(({ name }) => name === device)?.roles).toContain('camera');
  });

  it('say when there is no server', async () => {
    const nowhere = { host: '127.0.0.1', port: 1 };
    await expect(listIndiDevices(nowhere, { clock: realClock, timeoutSeconds: 1 })).rejects.toHaveProperty('code');
  });
});

describe('one exposure', () => {
  it('is a frame with the driver’s times, our site and the target', async () => {
    expect(camera.info.sensor).toMatchObject({ width: 1280, height: 1024, bitsPerSample: 16, bayer: null });
    const target = { name: 'M 13', raDegrees: 250.4, decDegrees: 36.46 };
    const frame = await camera.expose({ exposureSeconds: 0.5, gain: 80, target });
    expect(frame).toMatchObject({ width: 1280, height: 1024, pixelType: 'u16', exposureSeconds: 0.5, gain: 80 });
    expect(frame).toMatchObject({ camera: device, kind: 'light', site, target, timeSource: 'host', source: null });
    expect(Date.parse(frame.end!) - Date.parse(frame.start!)).toBe(500);
    expect(frame.pixels.some((sample) => sample > 0)).toBe(true);
    expect(await camera.get('gain')).toBe(80);
  });

  it('comes compressed, too', async () => {
    await camera.set('compression', true);
    const frame = await camera.expose({ exposureSeconds: 0.2 });
    expect(frame).toMatchObject({ width: 1280, height: 1024, pixelType: 'u16' });
    await camera.set('compression', false);
  });

  it('is refused when the sensor can’t take it', async () => {
    for (const exposureSeconds of [0.001, 7200, Number.NaN])
      await expect(camera.expose({ exposureSeconds })).rejects.toMatchObject({
        code: 'bad-input',
        remedy: /0.01 to 3600/,
      });
  });

  it('stops when it is told to, and the next one is whole', async () => {
    const stop = new AbortController();
    const running = camera.expose({ exposureSeconds: 30 }, stop.signal);
    await realClock.sleep(700);
    stop.abort();
    await expect(running).rejects.toMatchObject({ code: 'aborted' });
    expect((await camera.expose({ exposureSeconds: 0.1, kind: 'dark' })).kind).toBe('dark');
  });
});

describe('the settings', () => {
  it('are described from what the driver has', async () => {
    const described = await camera.settings();
    expect(described.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'gain',
        'offset',
        'binning',
        'subframe',
        'temperatureCelsius',
        'uploadMode',
        'frameType',
        'fastExposure',
      ]),
    );
    expect(described.find(({ name }) => name === 'gain')).toMatchObject({ type: 'number', minimum: 0, maximum: 100 });
    expect(described.find(({ name }) => name === 'binning')).toMatchObject({ minimum: 1, maximum: 4 });
  });

  it('change the picture', async () => {
    expect(await camera.set('subframe', '100, 200, 320, 256')).toBe('100, 200, 320, 256');
    expect(await camera.set('binning', 2)).toBe(2);
    expect(await camera.expose({ exposureSeconds: 0.1 })).toMatchObject({ width: 160, height: 128 });
    await camera.set('binning', 1);
    expect(await camera.set('subframe', '')).toBe('0, 0, 1280, 1024');
  });

  it('refuse what can’t be, with what could', async () => {
    await expect(camera.set('subframe', '1000, 0, 600, 100')).rejects.toMatchObject({ code: 'bad-input' });
    await expect(camera.set('binning', 1.5)).rejects.toMatchObject({ code: 'bad-input' });
    await expect(camera.set('gain', 101)).rejects.toMatchObject({ code: 'bad-input' });
    await expect(camera.set('frameType', 'rainbow')).rejects.toMatchObject({
      code: 'bad-input',
      message: /dark, flat/,
    });
    await expect(camera.get('colour')).rejects.toMatchObject({ code: 'bad-input', remedy: /gain/ });
  });

  it('cool beside an exposure', async () => {
    const running = camera.expose({ exposureSeconds: 1.5 });
    await realClock.sleep(200);
    expect(await camera.set('temperatureCelsius', -5)).toBe(-5);
    await running;
    expect(await camera.get('temperatureCelsius')).toBeLessThan(0);
  });

  it('keep pictures on the server only when nobody waits for them', async () => {
    await camera.set('uploadMode', 'local');
    await expect(camera.expose({ exposureSeconds: 0.1 })).rejects.toMatchObject({
      code: 'unsupported',
      remedy: /both/,
    });
    await camera.set('uploadMode', 'client');
  });
});

describe('a run', () => {
  const run = async (exposureSeconds: number, count: number) => {
    const gaps: (number | null)[] = [];
    const starts: number[] = [];
    for await (const { frame, gapSeconds } of camera.exposures({ exposureSeconds })) {
      gaps.push(gapSeconds);
      starts.push(Date.parse(frame.start!));
      if (gaps.length === count) break;
    }
    return { gaps, starts };
  };

  it('goes on from one to the next, and tells the gap from the driver’s times', async () => {
    await camera.set('fastExposure', false);
    const { gaps, starts } = await run(0.3, 4);
    expect(gaps[0]).toBeNull();
    expect(gaps[3]).toBeCloseTo((starts[3]! - starts[2]!) / 1000 - 0.3, 3);
    expect(camera.warnings()).toEqual([]);
  });

  it('is fast where the driver can, and leaves the camera ready for the next', async () => {
    await camera.set('fastExposure', true);
    await camera.set('subframe', '0, 0, 160, 128');
    const { gaps } = await run(1, 4);
    expect(gaps).toHaveLength(4);
    expect(gaps.slice(1).every((gap) => gap !== null && gap >= 0)).toBe(true);
    await camera.set('subframe', '');
    expect(await camera.expose({ exposureSeconds: 0.1 })).toMatchObject({ width: 1280 });
  });

  it('goes on one by one when its consumer can’t keep up with the driver', async () => {
    const imager = new IndiCamera(world.client, device);
    await imager.open({});
    const told: string[] = [];
    const sizes: number[] = [];
    const options = { fast: true, told: (sentence: string) => told.push(sentence) };
    for await (const { byteLength } of imager.pictures(0.05, options)) {
      sizes.push(byteLength);
      if (sizes.length === 1) await realClock.sleep(1500);
      if (sizes.length === 9) break;
    }
    await imager.close();
    expect(told).toEqual([expect.stringContaining('they go on one by one')]);
    expect(new Set(sizes).size).toBe(1);
    expect(switchOf(world.client.store.property(device, 'CCD_FAST_TOGGLE'))).toBe('INDI_DISABLED');
  });

  it('ends with its signal', async () => {
    const stop = new AbortController();
    const frames = camera.exposures({ exposureSeconds: 20 }, stop.signal)[Symbol.asyncIterator]();
    const next = frames.next();
    await realClock.sleep(500);
    stop.abort();
    await expect(next).rejects.toMatchObject({ code: 'aborted' });
    expect((await camera.expose({ exposureSeconds: 0.1 })).exposureSeconds).toBe(0.1);
  });
});

it('comes back after its driver crashed in the middle of an exposure', async () => {
  const running = expect(camera.expose({ exposureSeconds: 20 })).rejects.toMatchObject({ code: 'lost' });
  const busy = ({ state }: { state: string }) => state === 'Busy';
  await world.client.waitForProperty(device, 'CCD_EXPOSURE', { timeoutSeconds: 30, ready: busy });
  await world.client.commandNow({ device, property: 'CCD_SIMULATE_CRASH', values: { CRASH: true }, timeoutSeconds: 2 });
  await running;
  await expect.poll(() => camera.recover().then(() => 'back', String), { timeout: 60_000 }).toBe('back');
  expect(await camera.expose({ exposureSeconds: 0.1 })).toMatchObject({ width: 1280 });
}, 90_000);

it('stops its exposure when it is closed, and leaves the device connected', async () => {
  const running = expect(camera.expose({ exposureSeconds: 20 })).rejects.toMatchObject({ code: 'aborted' });
  await realClock.sleep(50);
  await camera.close();
  await running;
  const exposing = () => world.client.store.property(device, 'CCD_EXPOSURE')?.state;
  await expect.poll(exposing, { timeout: 30_000 }).not.toBe('Busy');
  expect(isOn(world.client.store.property(device, 'CONNECTION'), 'CONNECT')).toBe(true);
});
