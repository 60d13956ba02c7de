/** Our mount on the telescope simulator of Debian's indi-bin: J2000 at our side, of date at the driver's. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { realClock } from '../../lib/clock/clock.ts';
import { IndiMount } from '../../lib/indi/devices/mount.ts';
import { numberOf, switchOf } from '../../lib/indi/property.ts';
import { placeOfDate } from '../../lib/sky/coordinates-date.ts';
import { devices, startWorld, type World } from './indi-world.ts';

const { device } = devices.mount;
let world: World;
let mount: IndiMount;

beforeAll(async () => {
  world = await startWorld(['mount']);
  mount = await IndiMount.connect(world.client, { device });
  await mount.setSite({ latitude: 51, longitude: -2.3, elevation: 100 });
  await mount.unpark();
});
afterAll(() => world?.end());

const property = (name: string) => world.client.store.property(device, name);
/** J2000, some degrees south of where it stands. */
const beside = (degrees: number) => {
  const { raDegrees, decDegrees } = mount.status();
  return { raDegrees: raDegrees!, decDegrees: Math.min(80, decDegrees! - degrees) };
};

describe('the mount', () => {
  it('is told its site in full, east of Greenwich from 0 to 360', () => {
    expect(numberOf(property('GEOGRAPHIC_COORD'), 'LONG')).toBeCloseTo(357.7, 6);
    expect(numberOf(property('GEOGRAPHIC_COORD'), 'LAT')).toBe(51);
  });

  it('refuses a site that is none', async () => {
    for (const latitude of [95, Number.NaN])
      await expect(mount.setSite({ latitude, longitude: 0, elevation: 0 })).rejects.toMatchObject({
        code: 'bad-input',
      });
  });

  it('slews to a place of J2000 by way of its place of date, and tracks', async () => {
    const target = beside(10);
    await mount.slew(target);
    const date = placeOfDate(target, realClock.now());
    expect(numberOf(property('EQUATORIAL_EOD_COORD'), 'RA')! * 15).toBeCloseTo(date.raNowDegrees, 1);
    expect(numberOf(property('EQUATORIAL_EOD_COORD'), 'DEC')).toBeCloseTo(date.decNowDegrees, 2);
    const status = mount.status();
    expect(status.decDegrees).toBeCloseTo(target.decDegrees, 2);
    expect(status).toMatchObject({ moving: false, tracking: true, parked: false });
  });

  it('arrives though its axes do so one after the other, and the sky turns meanwhile', async () => {
    const before = mount.status();
    const target = { raDegrees: before.raDegrees!, decDegrees: before.decDegrees! - 50 };
    await mount.slew(target);
    expect(Math.abs(mount.status().decDegrees! - target.decDegrees)).toBeLessThan(0.1);
  }, 60_000);

  it('takes a sync, and slews afterwards instead of syncing again', async () => {
    const target = beside(0.5);
    await mount.sync(target);
    expect(mount.status().decDegrees).toBeCloseTo(target.decDegrees, 2);
    expect(switchOf(property('ON_COORD_SET'))).toBe('TRACK');
  });

  it('stops at once, and the slew does not pass for done', async () => {
    const running = expect(mount.slew(beside(-60))).rejects.toMatchObject({ code: 'aborted' });
    await realClock.sleep(700);
    expect(mount.status().moving).toBe(true);
    await mount.abort();
    await running;
    expect(mount.status().moving).toBe(false);
  });

  it('stops with its signal before it throws', async () => {
    const stop = new AbortController();
    const running = expect(mount.slew(beside(60), stop.signal)).rejects.toMatchObject({ code: 'aborted' });
    await realClock.sleep(700);
    await expect(mount.slew(beside(5))).rejects.toMatchObject({ code: 'busy' });
    stop.abort();
    await running;
    expect(mount.status().moving).toBe(false);
  });

  it('tracks or not', async () => {
    await mount.setTracking(true);
    expect(mount.status().tracking).toBe(true);
    await mount.setTracking(false);
    expect(mount.status().tracking).toBe(false);
  });

  it('parks, stays parked when asked again, and says so to a slew', async () => {
    await mount.park();
    await mount.park();
    expect(mount.status()).toMatchObject({ parked: true, moving: false });
    await expect(mount.slew(beside(5))).rejects.toMatchObject({ code: 'rejected', remedy: /Unpark/ });
    await mount.unpark();
    expect(mount.status().parked).toBe(false);
  }, 130_000);
});
