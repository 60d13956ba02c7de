/** An observatory on a real indiserver that it launches itself: crashes of drivers and of the server, and the end of it all. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { realClock } from '../../lib/clock/clock.ts';
import type { IndiClient } from '../../lib/indi/client.ts';
import { requireOk } from '../../lib/indi/command.ts';
import { arrived } from '../../lib/indi/completion-devices.ts';
import { IndiObservatory, type IndiObservatoryOptions } from '../../lib/indi/observatory.ts';
import type { ObservatoryEvent } from '../../lib/indi/observatory-report.ts';
import { isOn, numberOf, textOf } from '../../lib/indi/property.ts';
import { SafetyWatch } from '../../lib/indi/safety-watch.ts';
import astroIndi from '../../nodes/config/astro-indi.ts';
import astroIndiServer from '../../nodes/mount/astro-indi-server.ts';
import type { IndiNode } from '../../nodes/types.ts';
import { type FlowNode, startFlow, stopFlow } from '../nodes/harness.ts';
import { driverPid, isRunning } from './indi-processes.ts';
import { devices, freePort } from './indi-world.ts';

const camera = devices.camera.device;
const mount = devices.mount.device;
const site = { latitude: 69.65, longitude: -18.95, elevation: 100, timeZone: 'Asia/Kolkata' };
const settings = [{ device: camera, settings: [{ property: 'CCD_GAIN', values: { GAIN: 55 } }] }];

let home: string;
let observatory: IndiObservatory | null = null;
const events: ObservatoryEvent[] = [];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'nightflow-indi-home-'));
  events.length = 0;
});
afterEach(async () => {
  await observatory?.stop();
  observatory = null;
  await rm(home, { recursive: true, force: true });
});

async function launch(options: Partial<IndiObservatoryOptions> = {}): Promise<{ port: number; made: IndiObservatory }> {
  const port = await freePort();
  const drivers = [{ executable: devices.camera.executable }, { executable: devices.mount.executable }];
  const made = new IndiObservatory({
    server: { kind: 'launch', port, drivers, home },
    ...{ clock: realClock, site, settings, tellPlace: true, tellTime: true },
    ...options,
  });
  made.on('event', (event) => events.push(event));
  observatory = made;
  return { port, made };
}

const gain = (client: IndiClient) => numberOf(client.store.property(camera, 'CCD_GAIN'), 'GAIN');
const happened = (what: ObservatoryEvent['what'], device?: string) =>
  events.filter((each) => each.what === what && (!device || ('device' in each && each.device === device))).length;
const patient = { timeout: 30_000 };
const answers = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => resolve(false));
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });

describe('a launched server', () => {
  it('connects a device with its settings when it is first needed, and tells a mount its place and time', async () => {
    const { made } = await launch();
    const client = await made.device(camera);
    expect(gain(client)).toBe(55);
    expect(isOn(client.store.property(mount, 'CONNECTION'), 'CONNECT')).toBe(false);
    expect(await made.device(mount)).toBe(client);
    const place = client.store.property(mount, 'GEOGRAPHIC_COORD');
    const [latitude, longitude, elevation] = ['LAT', 'LONG', 'ELEV'].map((element) => numberOf(place, element));
    expect(latitude).toBeCloseTo(69.65, 6);
    expect(longitude).toBeCloseTo(341.05, 6);
    expect(elevation).toBe(100);
    const time = client.store.property(mount, 'TIME_UTC');
    expect(textOf(time, 'OFFSET')).toBe('5.50');
    expect(Math.abs(Date.parse(`${textOf(time, 'UTC')}Z`) - Date.now())).toBeLessThan(60_000);
    await expect(made.device('Coffee')).rejects.toMatchObject({ code: 'lost', remedy: expect.stringContaining(mount) });
  }, 60_000);

  it('gives a driver that was killed its settings again', async () => {
    const { made, port } = await launch();
    const client = await made.device(camera);
    process.kill(driverPid(devices.camera.executable, port), 'SIGKILL');
    await expect.poll(() => happened('device-lost', camera), patient).toBe(1);
    await expect.poll(() => happened('device-connected', camera), patient).toBeGreaterThanOrEqual(2);
    expect(gain(client)).toBe(55);
  }, 60_000);

  it('gives a driver that crashed by itself its settings again', async () => {
    const { made } = await launch();
    const client = await made.device(camera);
    const result = await client.command({ device: camera, property: 'CCD_SIMULATE_CRASH', values: { CRASH: true } });
    expect(result.status).toBe('device-lost');
    await made.device(camera);
    expect(gain(client)).toBe(55);
  }, 60_000);

  it('is started again when it is killed: all devices come back by themselves, and no motion is repeated', async () => {
    const { made, port } = await launch({ connect: 'all' });
    const client = await made.device(mount);
    await made.device(camera);
    const target = { raHours: 3, decDegrees: 20 };
    const slew = client.command({
      device: mount,
      property: 'EQUATORIAL_EOD_COORD',
      values: { RA: 3, DEC: 20 },
      judge: arrived(target),
    });
    const moving = ({ state }: { state: string }) => state === 'Busy';
    await client.waitForProperty(mount, 'EQUATORIAL_EOD_COORD', { timeoutSeconds: 10, ready: moving });
    process.kill(driverPid('indiserver', port), 'SIGKILL');
    expect((await slew).status).toBe('disconnected');
    await expect.poll(() => happened('device-connected', mount), patient).toBeGreaterThanOrEqual(2);
    await expect.poll(() => happened('device-connected', camera), patient).toBeGreaterThanOrEqual(2);
    expect(made.report()).toMatchObject({ state: 'running', address: `127.0.0.1:${port}` });
    expect(gain(client)).toBe(55);
    expect(client.store.property(mount, 'EQUATORIAL_EOD_COORD')!.state).toBe('Idle');
    expect(happened('server-failed')).toBeGreaterThanOrEqual(1);
  }, 90_000);

  it('restarts a driver that hangs', async () => {
    const { made, port } = await launch();
    const client = await made.device(camera);
    process.kill(driverPid(devices.camera.executable, port), 'SIGSTOP');
    expect(await client.probe(camera, { timeoutSeconds: 1 })).toBe(false);
    await made.restartDriver(camera);
    await expect.poll(() => happened('device-connected', camera), patient).toBeGreaterThanOrEqual(2);
    expect(gain(client)).toBe(55);
    expect(await client.probe(camera)).toBe(true);
  }, 60_000);

  it('starts and stops a driver while it runs', async () => {
    const { made } = await launch();
    const client = await made.described();
    await made.startDriver({ executable: devices.focuser.executable });
    await made.device(devices.focuser.device);
    await made.stopDriver(devices.focuser.device);
    await expect.poll(() => client.store.devices(), patient).not.toContain(devices.focuser.device);
    await expect(made.stopDriver('Coffee')).rejects.toThrow('The INDI server has no driver for "Coffee".');
  }, 60_000);

  it('runs a driver of another place under another name', async () => {
    const prefix = join(home, 'own');
    await mkdir(join(prefix, 'bin'), { recursive: true });
    await symlink('/usr/bin/indi_simulator_focus', join(prefix, 'bin', 'indi_simulator_focus'));
    const { made } = await launch();
    await made.described();
    const driver = { executable: devices.focuser.executable, name: 'My focuser', prefix, config: join(home, 'f.xml') };
    await made.startDriver(driver);
    await made.device('My focuser');
    await made.stopDriver('My focuser');
    await expect(made.startDriver({ ...driver, prefix: home })).rejects.toMatchObject({ code: 'missing' });
  }, 60_000);

  it('ends a server that a killed Node-RED left on its port, and no other', async () => {
    const port = await freePort();
    const left = async (startedBy: number) => {
      const folder = await mkdtemp(join(tmpdir(), `nightflow-indi-${startedBy}-`));
      const fifo = join(folder, 'drivers');
      execFileSync('mkfifo', [fifo]);
      const socket = join(folder, 'socket');
      const child = spawn('indiserver', ['-p', `${port}`, '-u', socket, '-f', fifo], {
        env: { ...process.env, HOME: home },
      });
      const ended = new Promise((resolve) => child.on('exit', resolve));
      await expect.poll(() => answers(port), patient).toBe(true);
      return { child, ended, folder };
    };
    const server = { kind: 'launch', port, drivers: [{ executable: devices.camera.executable }], home } as const;
    // One whose Node-RED lives, as this process does, is nobody's orphan.
    const foreign = await left(process.pid);
    const { made } = await launch({ server });
    await expect(made.ready()).rejects.toMatchObject({ code: 'busy' });
    foreign.child.kill();
    await foreign.ended;
    const orphan = await left(2 ** 22 + 1);
    await made.device(camera);
    await orphan.ended;
    for (const { folder } of [foreign, orphan]) await rm(folder, { recursive: true, force: true });
  }, 60_000);

  it('says what is to be installed', async () => {
    const server = { kind: 'launch', port: 1, drivers: [{ executable: 'indi_simulator_ccd' }] } as const;
    const { made } = await launch({ server: { ...server, env: { PATH: home } } });
    await expect(made.ready()).rejects.toMatchObject({
      code: 'missing',
      message: 'indiserver is not installed.',
      remedy: 'Install it with: sudo apt install indi-bin',
    });
    expect(made.report()).toMatchObject({ state: 'waiting', reason: 'indiserver is not installed.' });
  });

  it('leaves a device alone that somebody disconnected on purpose, until it is needed again', async () => {
    const { made } = await launch({ connect: 'all' });
    const client = await made.device(camera);
    requireOk(await client.command({ device: camera, property: 'CONNECTION', values: { DISCONNECT: true } }));
    await expect.poll(() => happened('device-disconnected', camera), patient).toBe(1);
    expect(isOn(client.store.property(camera, 'CONNECTION'), 'CONNECT')).toBe(false);
    await made.device(camera);
    expect(gain(client)).toBe(55);
  }, 60_000);

  it('ends with all its drivers', async () => {
    const { made, port } = await launch({ connect: 'all' });
    await made.device(camera);
    const pids = ['indiserver', devices.camera.executable, devices.mount.executable].map((name) =>
      driverPid(name, port),
    );
    await made.stop();
    await expect.poll(() => pids.filter(isRunning), patient).toEqual([]);
    await expect(made.ready()).rejects.toMatchObject({ code: 'lost', message: 'The INDI server was stopped.' });
  }, 60_000);
});

describe('what is safe', () => {
  const weather = 'Weather Simulator';

  it('follows the weather station, and a driver that hangs is not safe', async () => {
    const port = await freePort();
    const server = { kind: 'launch', port, drivers: [{ executable: 'indi_simulator_weather' }], home } as const;
    const { made } = await launch({ server });
    const rules = [
      { device: weather, property: 'WEATHER_STATUS', element: '', test: 'ok', low: null, high: null },
    ] as const;
    const limits = { goodSeconds: 1, staleSeconds: null, busyIsSafe: false, askSeconds: 0.5, answerSeconds: 3 };
    const watch = new SafetyWatch(made, realClock, { rules, ...limits });
    watch.start();
    try {
      const client = await made.device(weather);
      const set = async (property: string, values: Record<string, number>) =>
        requireOk(await client.command({ device: weather, property, values }));
      await set('WEATHER_UPDATE', { PERIOD: 1 });
      await expect.poll(() => watch.verdict().safe, patient).toBe(true);
      await set('WEATHER_CONTROL', { Wind: 30 });
      await expect.poll(() => watch.verdict().troubles[0]?.kind, patient).toBe('alert');
      expect(watch.verdict().reasons[0]).toContain('Wind');
      await set('WEATHER_CONTROL', { Wind: 0 });
      await expect.poll(() => watch.verdict().safe, patient).toBe(true);
      process.kill(driverPid('indi_simulator_weather', port), 'SIGSTOP');
      await expect.poll(() => watch.verdict().troubles[0]?.kind, patient).toBe('stale');
    } finally {
      watch.stop();
    }
  }, 90_000);
});

describe('in Node-RED', () => {
  it('a launched server answers the lists of the editor, logs to the flow, and ends with it', async () => {
    process.env.HOME = home;
    const port = await freePort();
    const drivers = [{ executable: devices.mount.executable, label: 'My Mount' }];
    const flow: FlowNode[] = [
      { id: 'indi', type: 'astro-indi', mode: 'launch', port, drivers },
      { id: 'node', type: 'astro-indi-server', indi: 'indi', wires: [['out'], ['events']] },
      ...['out', 'events'].map((id) => ({ id, type: 'helper', wires: [] })),
    ];
    const running = await startFlow([astroIndi, astroIndiServer], flow);
    await running.listen();
    const list = await running.admin().get('/nightflow/indi/indi/devices');
    expect([list.status, list.body]).toMatchObject([200, [{ name: 'My Mount', connected: false }]]);
    expect(list.body[0].roles).toContain('mount');
    const connected = await running.admin().post('/nightflow/indi/indi/connect?device=My%20Mount');
    const site = connected.body.find(({ name }: { name: string }) => name === 'GEOGRAPHIC_COORD');
    expect(site).toMatchObject({ type: 'number', permission: 'rw', label: 'Scope Location' });
    expect(site.elements[0]).toMatchObject({ name: 'LAT', minimum: -90, maximum: 90, value: expect.any(Number) });
    const pid = driverPid('indiserver', port);
    const driver = driverPid(devices.mount.executable, port);
    process.kill(driver, 'SIGKILL');
    await running.sink('events').first(({ event }) => event === 'device-lost');
    await running.sink('events').first(({ event, payload }) => event === 'log' && String(payload).includes('indi'));
    await (running.node('indi') as IndiNode).device('My Mount');
    // Deployed anew, it takes the same port again at once.
    const [indi, ...others] = flow;
    await running.deploy([{ ...indi!, name: 'Roof' }, ...others], 'full');
    await (running.node('indi') as IndiNode).device('My Mount');
    expect(isRunning(pid)).toBe(false);
    const second = driverPid('indiserver', port);
    await stopFlow();
    await expect.poll(() => isRunning(second), patient).toBe(false);
  }, 90_000);
});
