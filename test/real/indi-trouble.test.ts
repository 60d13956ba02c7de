/** What goes wrong at night, on a real indiserver: drivers that crash and hang, a server that is killed. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { indiBackend } from '../../lib/camera/indi.ts';
import { realClock } from '../../lib/clock/clock.ts';
import type { IndiClient } from '../../lib/indi/client.ts';
import { requireOk } from '../../lib/indi/command.ts';
import { arrived, exposed, pictureIn } from '../../lib/indi/completion-devices.ts';
import { DeviceKeeper } from '../../lib/indi/device-keeper.ts';
import { IndiCamera } from '../../lib/indi/devices/camera.ts';
import { isOn, numberOf } from '../../lib/indi/property.ts';
import { IndiServer } from '../../lib/indi/server.ts';
import { driverPid, isRunning } from './indi-processes.ts';
import { devices, freePort, startWorld, type World } from './indi-world.ts';

const camera = devices.camera.device;
const mount = devices.mount.device;
let world: World | null = null;

afterEach(async () => {
  await world?.end();
  world = null;
});

const exposure = (seconds: number) => ({
  device: camera,
  property: 'CCD_EXPOSURE',
  values: { CCD_EXPOSURE_VALUE: seconds },
  judge: exposed(),
  timeoutSeconds: seconds + 15,
});
const busy = (client: IndiClient, device: string, property: string) =>
  client.waitForProperty(device, property, { timeoutSeconds: 60, ready: ({ state }) => state === 'Busy' });

describe('a driver', () => {
  it('that crashes in mid-exposure is lost at once, comes back with its settings, and sends pictures again', async () => {
    world = await startWorld(['camera']);
    const { client } = world;
    await client.enableBlobs(camera, 'CCD1');
    const gain = [{ property: 'CCD_GAIN', values: { GAIN: 55 } }];
    const care = new DeviceKeeper(client, [{ device: camera, settings: gain }]);
    care.start();
    await care.whenReady(camera, 60);
    const running = client.command(exposure(20));
    await busy(client, camera, 'CCD_EXPOSURE');
    process.kill(driverPid('indi_simulator_ccd', world.port), 'SIGKILL');
    const result = await running;
    expect(result).toMatchObject({ status: 'device-lost', reason: `The driver of ${camera} ended.` });
    await care.whenReady(camera, 60);
    expect(numberOf(client.store.property(camera, 'CCD_GAIN'), 'GAIN')).toBe(55);
    const again = requireOk(await client.command(exposure(0.2)));
    expect(pictureIn(again.history, 'CCD1')!.error).toBeNull();
    await care.stop();
  }, 60_000);

  it('that crashes by its own switch is lost, too', async () => {
    world = await startWorld(['camera']);
    const values = { CRASH: true };
    const result = await world.client.command({ device: camera, property: 'CCD_SIMULATE_CRASH', values });
    expect(result.status).toBe('device-lost');
    // A new driver of the same name comes, not connected.
    const property = await world.client.waitForProperty(camera, 'CONNECTION', { timeoutSeconds: 60 });
    expect(isOn(property, 'CONNECT')).toBe(false);
  });

  it('that crashes by itself in mid-exposure ends the exposure as lost, and the camera comes back with its settings', async () => {
    world = await startWorld(['camera']);
    const settings = [{ property: 'CCD_GAIN', values: { GAIN: 33 } }];
    const options = { host: '127.0.0.1', port: world.port, device: camera, settings };
    const backend = indiBackend.create(options, { clock: realClock, site: null });
    try {
      await backend.open();
      const running = expect(backend.expose({ exposureSeconds: 30 })).rejects.toMatchObject({ code: 'lost' });
      await busy(world.client, camera, 'CCD_EXPOSURE');
      const crash = { device: camera, property: 'CCD_SIMULATE_CRASH', values: { CRASH: true } };
      expect((await world.client.command(crash)).status).toBe('device-lost');
      await running;
      // The driver is started anew within a moment; whoever runs a sequence tries again until it is there.
      await expect.poll(() => backend.recover().then(() => 'back', String), { timeout: 60_000 }).toBe('back');
      expect(await backend.get('gain')).toBe(33);
      expect((await backend.expose({ exposureSeconds: 0.2 })).width).toBe(1280);
    } finally {
      await backend.close();
    }
  }, 90_000);

  it('that freezes in mid-exposure is noticed by the time limit, which names the remedy', async () => {
    world = await startWorld(['camera']);
    const { client, port, server } = world;
    const ccd = new IndiCamera(client, camera);
    await ccd.open({});
    const running = client.command({ ...exposure(8), timeoutSeconds: 10, ackSeconds: 2 });
    await busy(client, camera, 'CCD_EXPOSURE');
    process.kill(driverPid('indi_simulator_ccd', port), 'SIGSTOP');
    const frozen = await running;
    expect(() => requireOk(frozen)).toThrow(
      expect.objectContaining({
        code: 'timeout',
        message: expect.stringContaining('its driver answers nothing'),
        remedy: expect.stringContaining('Restart the driver'),
      }),
    );
    await server.restartDriver({ executable: devices.camera.executable });
    await expect.poll(() => ccd.open({}).then(() => 'open', String), { timeout: 60_000 }).toBe('open');
    expect((await ccd.expose(0.2)).byteLength).toBeGreaterThan(1e6);
    await ccd.close();
  }, 90_000);

  it('that hangs is noticed by the time limit and a probe, and cured by starting it again', async () => {
    world = await startWorld(['mount']);
    const { client, server, port } = world;
    expect(await client.probe(mount, { timeoutSeconds: 30 })).toBe(true);
    process.kill(driverPid('indi_simulator_telescope', port), 'SIGSTOP');
    const values = { RA: 3, DEC: 30 };
    const judge = arrived({ raHours: 3, decDegrees: 30 });
    const request = {
      device: mount,
      property: 'EQUATORIAL_EOD_COORD',
      values,
      judge,
      timeoutSeconds: 3,
      ackSeconds: 0.5,
    };
    const result = await client.command(request);
    expect(result).toMatchObject({ status: 'timeout', reason: expect.stringContaining('its driver answers nothing') });
    expect(await client.probe(mount, { timeoutSeconds: 1 })).toBe(false);
    await server.restartDriver({ executable: devices.mount.executable });
    await client.waitForProperty(mount, 'CONNECTION', { timeoutSeconds: 60 });
    expect(await client.probe(mount, { timeoutSeconds: 30 })).toBe(true);
  }, 40_000);
});

describe('the server', () => {
  it('that is killed is started again; the client comes back, and repeats no motion', async () => {
    world = await startWorld(['mount', 'camera']);
    const { client, port } = world;
    const lost: string[] = [];
    client.on('disconnected', ({ code }) => lost.push(code));
    await client.enableBlobs(camera, 'CCD1');
    const care = new DeviceKeeper(client, [{ device: mount }, { device: camera }]);
    care.start();
    await care.whenReady(mount, 60);
    const target = { raHours: 3, decDegrees: 20 };
    const values = { RA: target.raHours, DEC: target.decDegrees };
    const slew = client.command({ device: mount, property: 'EQUATORIAL_EOD_COORD', values, judge: arrived(target) });
    await busy(client, mount, 'EQUATORIAL_EOD_COORD');
    process.kill(driverPid('indiserver', port), 'SIGKILL');
    expect(await slew).toMatchObject({ status: 'disconnected' });
    expect(client.store.devices()).toEqual([]);
    expect(await client.command(exposure(1))).toMatchObject({ status: 'disconnected' });
    await care.whenReady(mount, 60);
    await care.whenReady(camera, 60);
    expect(lost).toEqual(['lost']);
    expect(client.store.property(mount, 'EQUATORIAL_EOD_COORD')!.state).toBe('Idle');
    const again = requireOk(await client.command(exposure(0.2)));
    expect(pictureIn(again.history, 'CCD1')!.byteLength).toBeGreaterThan(1e6);
    await care.stop();
  }, 60_000);

  it('that is killed in mid-exposure ends it as lost, since the new driver knows nothing of it; the camera comes back', async () => {
    world = await startWorld(['camera']);
    const options = { host: '127.0.0.1', port: world.port, device: camera };
    const backend = indiBackend.create(options, { clock: realClock, site: null });
    try {
      await backend.open();
      const running = expect(backend.expose({ exposureSeconds: 120 })).rejects.toMatchObject({
        code: 'lost',
        message: expect.stringContaining('started anew'),
      });
      await busy(world.client, camera, 'CCD_EXPOSURE');
      process.kill(driverPid('indiserver', world.port), 'SIGKILL');
      await running;
      await expect.poll(() => backend.recover().then(() => 'back', String), { timeout: 60_000 }).toBe('back');
      expect((await backend.expose({ exposureSeconds: 0.2 })).width).toBe(1280);
    } finally {
      await backend.close();
    }
  }, 120_000);

  it('is refused with the reason when its port is taken or a driver is not there', async () => {
    world = await startWorld([]);
    const second = new IndiServer({ drivers: [], port: world.port });
    await expect(second.start()).rejects.toMatchObject({
      code: 'busy',
      message: expect.stringContaining(`${world.port}`),
    });
    const absent = new IndiServer({ drivers: [{ executable: 'indi_no_such_ccd' }], port: await freePort() });
    await expect(absent.start()).rejects.toMatchObject({
      code: 'missing',
      message: expect.stringContaining('indi_no_such_ccd'),
    });
    const hostile = new IndiServer({ drivers: [{ executable: 'indi_x\nstart sh' }], port: await freePort() });
    await expect(hostile.start()).rejects.toMatchObject({ code: 'bad-input' });
  });
});

it('a driver that only crashes is started again after a pause, and its words are in the log', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nightflow-driver-'));
  const driver = { executable: join(folder, 'indi_crashes') };
  await writeFile(driver.executable, `#!/bin/sh\necho "no hardware" >&2\necho run >> ${folder}/runs\nexit 1\n`);
  await chmod(driver.executable, 0o755);
  const server = new IndiServer({
    drivers: [driver],
    port: await freePort(),
    backOff: { firstSeconds: 0.1, factor: 1, maximumSeconds: 0.1, jitter: 0 },
  });
  const log: string[] = [];
  server.on('log', (line) => log.push(line));
  let gaveUp = 0;
  server.on('driver-gave-up', () => gaveUp++);
  try {
    await server.start();
    await expect.poll(() => gaveUp, { timeout: 60_000 }).toBeGreaterThan(1);
    expect(log.some((line) => line.includes('no hardware'))).toBe(true);
    expect((await readFile(join(folder, 'runs'), 'utf8')).split('\n').length).toBeGreaterThan(12);
  } finally {
    await server.stop();
    await rm(folder, { recursive: true });
  }
}, 40_000);

it('leaves no process behind', async () => {
  const own = await startWorld(['mount', 'camera']);
  const pids = [driverPid('indi_simulator_telescope', own.port), driverPid('indiserver', own.port)];
  process.kill(pids[0]!, 'SIGSTOP');
  await own.end();
  await expect.poll(() => pids.filter(isRunning), { timeout: 30_000 }).toEqual([]);
});
