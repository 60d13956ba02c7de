/** astro-indi: its settings, the simulated observatory, and what it says without a server. */
import { afterEach, describe, expect, it } from 'vitest';
import { numberOf, textOf } from '../../lib/indi/property.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import astroIndi from '../../nodes/config/astro-indi.ts';
import astroSite from '../../nodes/config/astro-site.ts';
import { readServer } from '../../nodes/config/indi-server-options.ts';
import type { IndiNode } from '../../nodes/types.ts';
import { startFlow, stopFlow } from './harness.ts';

afterEach(async () => {
  await stopFlow();
  await closeSharedPool();
});

const site = {
  id: 'site',
  type: 'astro-site',
  latitude: '69.65',
  longitude: '-18.95',
  elevation: '100',
  timeZone: 'Asia/Kolkata',
};
const start = async (settings: Record<string, unknown>) => {
  const running = await startFlow([astroSite, astroIndi], [site, { id: 'indi', type: 'astro-indi', ...settings }]);
  return { ...running, indi: running.node('indi') as IndiNode };
};

describe('the simulated observatory', () => {
  it('answers, and a mount is told its place and the time with the offset', async () => {
    const { indi } = await start({ mode: 'simulator', site: 'site' });
    const client = await indi.device('Telescope Simulator');
    const place = client.store.property('Telescope Simulator', 'GEOGRAPHIC_COORD');
    expect([numberOf(place, 'LAT'), numberOf(place, 'LONG'), numberOf(place, 'ELEV')]).toEqual([69.65, 341.05, 100]);
    const time = client.store.property('Telescope Simulator', 'TIME_UTC');
    expect(textOf(time, 'OFFSET')).toBe('5.50');
    expect(Math.abs(Date.parse(`${textOf(time, 'UTC')}Z`) - Date.now())).toBeLessThan(60_000);
  }, 30_000);
});

describe('the lists of the editor', () => {
  it('name devices, properties, kinds, ranges and choices, and connect a device', async () => {
    const running = await start({ mode: 'simulator' });
    await running.listen();
    const get = (path: string) => running.admin().get(`/nightflow/indi/${path}`);
    expect((await get('indi/state')).body).toMatchObject({ state: 'idle', devices: [] });
    const devices = (await get('indi/devices')).body;
    expect(devices).toContainEqual({ name: 'Dome Simulator', connected: false, roles: ['dome'] });
    const few = (await get('indi/properties?device=Dome%20Simulator')).body;
    const many = (await running.admin().post('/nightflow/indi/indi/connect?device=Dome%20Simulator')).body;
    expect(many.length).toBeGreaterThan(few.length);
    const shutter = many.find(({ name }: { name: string }) => name === 'DOME_SHUTTER');
    expect(shutter).toMatchObject({ type: 'switch', permission: 'rw', rule: 'OneOfMany' });
    expect(shutter.elements[0]).toMatchObject({ name: 'SHUTTER_OPEN', value: false });
    const position = many.find(({ name }: { name: string }) => name === 'ABS_DOME_POSITION');
    expect(position.elements[0]).toMatchObject({ minimum: 0, maximum: 360, value: expect.any(Number) });
    expect((await get('indi/properties?device=Kettle')).body).toEqual([]);
  }, 30_000);

  it('say why there are none', async () => {
    const running = await start({ mode: 'connect', host: '127.0.0.1', port: '1' });
    await running.listen();
    const gone = await running.admin().get('/nightflow/indi/nobody/devices');
    expect([gone.status, gone.body.error.message]).toEqual([400, 'This INDI server is not deployed yet.']);
    const silent = await running.admin().get('/nightflow/indi/indi/devices');
    expect([silent.status, silent.body.error.message]).toEqual([503, expect.stringContaining('127.0.0.1:1')]);
  }, 30_000);
});

describe('the settings', () => {
  it('are those of the usual server where nothing is given', () => {
    expect(readServer({})).toMatchObject({ server: { kind: 'connect', host: 'localhost', port: 7624 }, connect: [] });
  });

  it('name drivers, and what devices get at each connection', () => {
    const read = readServer({
      ...{ mode: 'launch', autoStart: true },
      drivers: [
        { executable: 'indi_eqmod_telescope', label: '' },
        { executable: 'indi_asi_ccd', label: 'Guider' },
      ],
      devices: [
        {
          device: 'Guider',
          loadConfiguration: true,
          settings: 'DEVICE_PORT.PORT=/dev/ttyUSB0\n\nCCD_COOLER.COOLER_ON=On',
        },
      ],
    });
    expect(read).toMatchObject({
      connect: 'all',
      server: { drivers: [{ executable: 'indi_eqmod_telescope' }, { executable: 'indi_asi_ccd', name: 'Guider' }] },
      settings: [
        {
          device: 'Guider',
          loadConfiguration: true,
          settings: [
            { property: 'DEVICE_PORT', values: { PORT: '/dev/ttyUSB0' } },
            { property: 'CCD_COOLER', values: { COOLER_ON: true } },
          ],
        },
      ],
    });
  });

  it.each([
    [{ mode: 'launch' }, 'The list of INDI drivers is empty.'],
    [{ mode: 'launch', drivers: [{ executable: 'rm -rf' }] }, 'is not the name of an INDI driver'],
    [{ mode: 'launch', drivers: [{ executable: 'indi_a', config: 'x.xml' }] }, '"x.xml" is no absolute path.'],
    [{ port: '70000' }, 'The port must be'],
    [{ devices: [{ device: ' ' }] }, 'has no device'],
    [{ devices: [{ device: 'D', settings: 'CCD_GAIN=90' }] }, '"CCD_GAIN=90" is no setting.'],
    [{ mode: 'simulator', focalLengthMillimetres: '1' }, 'The focal length must be between 10 and 20000 mm'],
  ])('that are wrong are refused with the reason: %j', (settings, reason) => {
    expect(() => readServer(settings)).toThrow(reason);
  });

  it('that are wrong make every use fail with the reason', async () => {
    const { indi } = await start({ mode: 'launch' });
    await expect(indi.ready()).rejects.toThrow('The list of INDI drivers is empty.');
    await expect(indi.device('D')).rejects.toThrow('The list of INDI drivers is empty.');
  });

  it('refuse what moves, when the device is connected', async () => {
    const settings = 'TELESCOPE_PARK.PARK=On';
    const { indi } = await start({ mode: 'simulator', devices: [{ device: 'Telescope Simulator', settings }] });
    await expect(indi.device('Telescope Simulator')).rejects.toThrow('it is no setting');
  }, 30_000);
});

it('one that nobody answers says where, and every wait can be given up', async () => {
  const { indi } = await start({ mode: 'connect', host: '127.0.0.1', port: '1' });
  await expect(indi.ready(AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
  const stop = new AbortController();
  const waiting = indi.device('D', stop.signal);
  stop.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
  await expect(indi.ready()).rejects.toMatchObject({ message: expect.stringContaining('127.0.0.1:1') });
}, 30_000);
