/** Any property of Debian's simulators, set by its name: done when the device has done it, refused with the reason. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { realClock } from '../../lib/clock/clock.ts';
import type { IndiClient } from '../../lib/indi/client.ts';
import { requireOk } from '../../lib/indi/command.ts';
import { IndiObservatory } from '../../lib/indi/observatory.ts';
import { isOn, numberOf } from '../../lib/indi/property.ts';
import { setProperty } from '../../lib/indi/property-set.ts';
import { PropertyWatch } from '../../lib/indi/property-watch.ts';
import { freePort } from './indi-world.ts';

const dome = 'Dome Simulator';
const mount = 'Telescope Simulator';
const rotator = 'Rotator Simulator';
const weather = 'Weather Simulator';
let home: string;
let observatory: IndiObservatory;
let client: IndiClient;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'nightflow-indi-home-'));
  const drivers = ['dome', 'telescope', 'rotator', 'weather'].map((each) => ({ executable: `indi_simulator_${each}` }));
  const server = { kind: 'launch', port: await freePort(), drivers, home } as const;
  observatory = new IndiObservatory({ server, clock: realClock, site: null });
  expect(await observatory.connectAll()).toEqual({});
  client = await observatory.ready();
}, 60_000);
afterAll(async () => {
  await observatory?.stop();
  await rm(home, { recursive: true, force: true });
});

const set = (device: string, property: string, element: string, value: unknown) =>
  setProperty(client, { device, property, element, value });
const of = (device: string, property: string) => client.store.property(device, property);

describe('what moves is done when it stands', () => {
  it('a shutter', async () => {
    const result = requireOk(await set(dome, 'DOME_SHUTTER', '', 'SHUTTER_OPEN'));
    expect(isOn(result.property!, 'SHUTTER_OPEN')).toBe(true);
    expect(result.property!.state).toBe('Ok');
  }, 60_000);

  it('a dome that closes its shutter when it parks, which it says too early', async () => {
    requireOk(await set(dome, 'DOME_SHUTTER', 'SHUTTER_OPEN', true));
    requireOk(await set(dome, 'DOME_SHUTTER_PARK_POLICY', 'SHUTTER_CLOSE_ON_PARK', 'On'));
    requireOk(await set(dome, 'DOME_PARK', '', 'PARK'));
    expect(isOn(of(dome, 'DOME_SHUTTER'), 'SHUTTER_CLOSE')).toBe(true);
    expect(of(dome, 'DOME_SHUTTER')!.state).not.toBe('Busy');
    requireOk(await set(dome, 'DOME_PARK', '', 'UNPARK'));
  }, 120_000);

  it('a rotator, a mount, its tracking, and its abort past the queue', async () => {
    const turned = requireOk(await set(rotator, 'ABS_ROTATOR_ANGLE', '', 12.5));
    expect(numberOf(turned.property!, 'ANGLE')).toBeCloseTo(12.5, 1);
    const slewed = requireOk(await set(mount, 'EQUATORIAL_EOD_COORD', '', { RA: '3:00:00', DEC: 70 }));
    expect(numberOf(slewed.property!, 'DEC')).toBeCloseTo(70, 1);
    requireOk(await set(mount, 'TELESCOPE_TRACK_STATE', '', 'TRACK_OFF'));
    const slew = set(mount, 'EQUATORIAL_EOD_COORD', '', { RA: 15, DEC: 0 });
    await expect.poll(() => of(mount, 'EQUATORIAL_EOD_COORD')!.state, { timeout: 20_000 }).toBe('Busy');
    requireOk(await set(mount, 'TELESCOPE_ABORT_MOTION', 'ABORT', true));
    expect((await slew).status).toBe('aborted');
  }, 120_000);
});

describe('what can not be', () => {
  it('is refused here, or with the words of the driver', async () => {
    await expect(set(weather, 'WEATHER_STATUS', 'WEATHER_FORECAST', 'Ok')).rejects.toThrow('can only be read');
    await expect(set(dome, 'ABS_DOME_POSITION', '', 400)).rejects.toThrow('is from 0 to 360, not 400');
    await expect(set(dome, 'DOME_COFFEE', '', 1)).rejects.toThrow(`${dome} has no property DOME_COFFEE.`);
    requireOk(await set(mount, 'TELESCOPE_PARK', '', 'PARK'));
    expect(await set(mount, 'EQUATORIAL_EOD_COORD', '', { RA: 3, DEC: 70 })).toMatchObject({
      status: 'rejected',
      reason: expect.stringContaining('unpark'),
    });
    requireOk(await set(mount, 'TELESCOPE_PARK', '', 'UNPARK'));
  }, 120_000);
});

it('the weather is followed as its period brings it', async () => {
  const watched = { device: weather, property: 'WEATHER_PARAMETERS', element: 'WEATHER_WIND_SPEED' };
  const watch = new PropertyWatch(observatory, realClock, watched);
  const speeds: (number | null)[] = [];
  watch.on('changed', (property) => speeds.push(numberOf(property, 'WEATHER_WIND_SPEED')));
  watch.start();
  requireOk(await set(weather, 'WEATHER_UPDATE', 'PERIOD', 1));
  requireOk(await set(weather, 'WEATHER_CONTROL', 'Wind', 7));
  await expect.poll(() => speeds.at(-1), { timeout: 20_000 }).toBe(7);
  watch.stop();
}, 60_000);
