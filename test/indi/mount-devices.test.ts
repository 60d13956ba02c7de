/** Tracking rates, the change of the pier's side, and what a mount sees from its site. */
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { realClock } from '../../lib/clock/clock.ts';
import { IndiClient } from '../../lib/indi/client.ts';
import { IndiMount } from '../../lib/indi/devices/mount.ts';
import { requireAbove, sightOf, siteOfMount } from '../../lib/indi/devices/mount-sight.ts';
import { customRateOf, setTrackingRate, trackingRateOf } from '../../lib/indi/devices/mount-tracking.ts';
import { switchOf } from '../../lib/indi/property.ts';
import { IndiParser } from '../../lib/indi/protocol/parser.ts';
import { horizonOf } from '../../lib/sky/horizon.ts';
import { midnight, names, type SimulatedWorld, simulatedWorld, site } from './simulator-world.ts';

const device = names.mount;
const pleiades = { raDegrees: 56.75, decDegrees: 24.1167 };
let world: SimulatedWorld | null = null;
afterEach(async () => {
  await world?.end();
  world = null;
});
const begin = async () => {
  world = await simulatedWorld(['mount']);
  return { ...world, mount: new IndiMount(world.client, device) };
};

describe('the tracking rate', () => {
  it('is what the mount says, and what is chosen; that of the owner with its figures', async () => {
    const { client } = await begin();
    expect(trackingRateOf(client, device)).toBe('sidereal');
    await setTrackingRate(client, device, 'lunar');
    expect(trackingRateOf(client, device)).toBe('lunar');
    await setTrackingRate(client, device, 'custom', { raArcsecondsPerSecond: 14.9, decArcsecondsPerSecond: -0.01 });
    expect(trackingRateOf(client, device)).toBe('custom');
    expect(customRateOf(client, device)).toEqual({ raArcsecondsPerSecond: 14.9, decArcsecondsPerSecond: -0.01 });
  });

  it('is refused where the mount has no such', async () => {
    const { client } = await begin();
    await expect(setTrackingRate(client, 'Nothing', 'solar')).rejects.toMatchObject({ code: 'unsupported' });
    await expect(setTrackingRate(client, 'Nothing', 'sidereal')).resolves.toBeUndefined();
  });
});

describe('what a mount sees', () => {
  it('stands where astropy has it, with the time to the meridian', () => {
    const { altitudeDegrees, azimuthDegrees, hourAngleDegrees, secondsToMeridian } = sightOf(site, pleiades, midnight);
    // astropy 5.2.1, AltAz with 1010 hPa and 10 °C.
    expect(altitudeDegrees).toBeCloseTo(62.4527, 2);
    expect(azimuthDegrees).toBeCloseTo(163.4299, 2);
    expect(hourAngleDegrees).toBeLessThan(0);
    // The hour angle of the true place of date, in sidereal time.
    expect(secondsToMeridian).toBeCloseTo((-hourAngleDegrees * 3600) / 15.04107, 0);
  });

  it('is seen from where the mount was told it stands, east positive', async () => {
    const { client, mount } = await begin();
    await mount.setSite(site);
    expect(siteOfMount(client, device)).toEqual({ ...site, longitude: expect.closeTo(-2.3, 6) });
    expect(siteOfMount(client, 'Nothing')).toBeNull();
  });

  it('is refused below the horizon, and when nobody knows where the mount stands', () => {
    const limits = { minimumAltitudeDegrees: 30, horizon: null };
    expect(() => requireAbove(site, pleiades, midnight, limits)).not.toThrow();
    const hill = horizonOf([
      { azimuthDegrees: 160, altitudeDegrees: 65 },
      { azimuthDegrees: 170, altitudeDegrees: 65 },
    ]);
    expect(() => requireAbove(site, pleiades, midnight, { ...limits, horizon: hill })).toThrow(
      /the target stands at 62\.5°, below the horizon of 65\.0° in the south/,
    );
    expect(() => requireAbove(site, pleiades, midnight, { ...limits, minimumAltitudeDegrees: 70 })).toThrow('70.0°');
    expect(() => requireAbove(null, pleiades, midnight, limits)).toThrow('there is no site');
  });
});

describe('the side of the pier', () => {
  it('can’t be changed where the mount does not offer it', async () => {
    const { mount } = await begin();
    expect(mount.canFlip).toBe(false);
    await expect(mount.flip(pleiades)).rejects.toMatchObject({ code: 'unsupported' });
  });

  it('is changed with FLIP (INDI 2), and the mount is put back to tracking afterwards', async () => {
    const driver = await flippingDriver();
    const client = new IndiClient({ host: '127.0.0.1', port: driver.port, clock: realClock });
    try {
      await client.start();
      const mount = await IndiMount.connect(client, { device: 'Mount' });
      expect(mount.canFlip).toBe(true);
      await mount.flip(pleiades);
      expect(driver.modes).toEqual(['FLIP', 'TRACK']);
      expect(mount.status().decDegrees).toBeCloseTo(pleiades.decDegrees, 3);
      expect(switchOf(client.store.property('Mount', 'ON_COORD_SET'))).toBe('TRACK');
    } finally {
      await client.close();
      await driver.close();
    }
  });
});

/** The least that a mount of INDI 2 says: connected, coordinates, and FLIP among what they are for. */
async function flippingDriver() {
  const modes: string[] = [];
  const choices = ['TRACK', 'SLEW', 'SYNC', 'FLIP'];
  const switches = (name: string, on: string, all: readonly string[]) =>
    `<defSwitchVector device="Mount" name="${name}" state="Ok" perm="rw" rule="OneOfMany">${all
      .map((each) => `<defSwitch name="${each}">${each === on ? 'On' : 'Off'}</defSwitch>`)
      .join('')}</defSwitchVector>`;
  const numbers = '<defNumber name="RA" format="%g" min="0" max="24" step="0">0</defNumber>';
  const definitions =
    switches('CONNECTION', 'CONNECT', ['CONNECT', 'DISCONNECT']) +
    switches('ON_COORD_SET', 'TRACK', choices) +
    `<defNumberVector device="Mount" name="EQUATORIAL_EOD_COORD" state="Idle" perm="rw">${numbers}${numbers
      .replace('RA', 'DEC')
      .replace('min="0" max="24"', 'min="-90" max="90"')}</defNumberVector>`;
  const server = createServer((socket) => {
    const parser = new IndiParser({
      message: (message) => {
        if (message.tag === 'getProperties') socket.write(definitions);
        if (message.tag !== 'new') return;
        const values = message.elements.map(({ name, value }) => ({ name, value }));
        const tag = message.type === 'switch' ? 'Switch' : 'Number';
        const chosen = values.find(({ value }) => value === true)?.name;
        if (message.name === 'ON_COORD_SET') modes.push(chosen!);
        const elements = values
          .map(({ name, value }) => {
            const shown = typeof value === 'boolean' ? (value ? 'On' : 'Off') : value;
            return `<one${tag} name="${name}">${shown}</one${tag}>`;
          })
          .join('');
        for (const state of tag === 'Number' ? ['Busy', 'Ok'] : ['Ok'])
          socket.write(
            `<set${tag}Vector device="Mount" name="${message.name}" state="${state}">${elements}</set${tag}Vector>`,
          );
      },
      fault: () => {},
    });
    socket.on('data', (chunk) => parser.push(chunk));
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return { modes, port, close: () => new Promise<void>((resolve) => server.close(() => resolve())) };
}
