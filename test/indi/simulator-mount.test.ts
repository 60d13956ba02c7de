/** The simulated mount under our client: slews, tracking, sync, park, limits, and where it truly points. */
import { afterEach, describe, expect, it } from 'vitest';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { requireOk } from '../../lib/indi/command.ts';
import { arrived, motionStopped, parked, tracking } from '../../lib/indi/completion-devices.ts';
import { isOn, numberOf } from '../../lib/indi/property.ts';
import { MountMechanics, perfectPointing, siderealDegreesPerSecond } from '../../lib/indi/simulator/mount-mechanics.ts';
import type { IndiSimulatorOptions } from '../../lib/indi/simulator/simulator.ts';
import { vectorOf } from '../../lib/sky/coordinates.ts';
import { placeOfDate, separationDegrees } from '../../lib/sky/coordinates-date.ts';
import { midnight, names, type SimulatedWorld, simulatedWorld, site } from './simulator-world.ts';

const device = names.mount;
let world: SimulatedWorld;
afterEach(() => world?.end());
const begin = async (options: IndiSimulatorOptions = {}, rate = 20) => {
  world = await simulatedWorld(['mount'], options, rate);
};

const coordinates = (raHours: number, decDegrees: number, mode = 'TRACK') =>
  world.client.command({ device, property: 'ON_COORD_SET', values: { [mode]: true } }).then(() =>
    world.client.command({
      device,
      property: 'EQUATORIAL_EOD_COORD',
      values: { RA: raHours, DEC: decDegrees },
      judge: arrived({ raHours, decDegrees }),
      timeoutSeconds: 120,
    }),
  );
const track = (on: boolean) =>
  world.client.command({
    device,
    property: 'TELESCOPE_TRACK_STATE',
    values: { [on ? 'TRACK_ON' : 'TRACK_OFF']: true },
    judge: tracking(on),
    timeoutSeconds: 60,
  });
const property = (name: string) => world.client.store.property(device, name);
/** Between where it truly looks and where it says it looks, arcseconds. */
const errorArcseconds = () => {
  const { mount, reported } = world.simulator.observatory;
  const truth = mount.truthAt(world.clock.now());
  const says = vectorOf(reported!.RA * 15, reported!.DEC);
  return separationDegrees(vectorOf(truth.raNowDegrees, truth.decNowDegrees), says) * 3600;
};

describe('the simulated mount', () => {
  it('slews in the time of its speed, then tracks; it looks where it says', async () => {
    await begin();
    const before = world.clock.now();
    requireOk(await coordinates(4, 30));
    // 60° of declination at 6° a second.
    expect(world.clock.now() - before).toBeGreaterThan(9_000);
    expect(isOn(property('TELESCOPE_TRACK_STATE'), 'TRACK_ON')).toBe(true);
    expect(property('TELESCOPE_TRACK_STATE')!.state).toBe('Busy');
    expect(numberOf(property('EQUATORIAL_EOD_COORD'), 'RA')).toBeCloseTo(4, 4);
    expect(errorArcseconds()).toBeLessThan(0.5);
    await world.clock.sleep(600_000 / 20);
    expect(errorArcseconds()).toBeLessThan(0.5);
  });

  it('tells J2000 of the truth as the coordinates of date have it', async () => {
    await begin();
    requireOk(await coordinates(4, 30));
    const now = world.clock.now();
    const truth = world.simulator.observatory.mount.truthAt(now);
    const again = placeOfDate(truth, now);
    expect(again.raNowDegrees).toBeCloseTo(truth.raNowDegrees, 6);
    expect(again.decNowDegrees).toBeCloseTo(truth.decNowDegrees, 6);
  });

  it('is off by its pointing error until it is synced to the truth', async () => {
    await begin({ pointing: { raArcminutes: 12, decArcminutes: -9 } });
    requireOk(await coordinates(4, 30));
    // 12' of right ascension at 30° are 10.4' on the sky.
    expect(errorArcseconds()).toBeCloseTo(Math.hypot(12 * Math.cos((29.9 * Math.PI) / 180), 9) * 60, -1);
    const truth = world.simulator.observatory.mount.truthAt(world.clock.now());
    requireOk(await coordinates(truth.raNowDegrees / 15, truth.decNowDegrees, 'SYNC'));
    expect(errorArcseconds()).toBeLessThan(1);
    requireOk(await coordinates(4, 30));
    expect(errorArcseconds()).toBeLessThan(1);
  });

  it('has its tracking state and a picture of Ok after an abort, as the real one; and stands still without tracking', async () => {
    await begin();
    requireOk(await track(true));
    const slew = coordinates(4, -10);
    await world.client.waitForProperty(device, 'EQUATORIAL_EOD_COORD', {
      timeoutSeconds: 30,
      ready: ({ state }) => state === 'Busy',
    });
    const stop = await world.client.commandNow({
      device,
      property: 'TELESCOPE_ABORT_MOTION',
      values: { ABORT: true },
      judge: motionStopped(),
      timeoutSeconds: 30,
    });
    expect(stop.status).toBe('ok');
    expect((await slew).status).not.toBe('ok');
    requireOk(await track(false));
    const first = numberOf(property('EQUATORIAL_EOD_COORD'), 'RA')!;
    const from = world.clock.now();
    await world.clock.sleep(10_000);
    const passed = (world.clock.now() - from) / 3_600_000;
    expect(world.simulator.observatory.reported!.RA - first).toBeCloseTo(passed, 2);
  });

  it('parks, refuses to slew when parked, and goes again when unparked', async () => {
    await begin();
    const park = (element: 'PARK' | 'UNPARK') =>
      world.client.command({
        device,
        property: 'TELESCOPE_PARK',
        values: { [element]: true },
        judge: parked(element),
        timeoutSeconds: 120,
      });
    requireOk(await park('PARK'));
    expect(world.simulator.observatory.mount.axesAt(world.clock.now())).toMatchObject({ hourAngleDegrees: -90 });
    const refused = await coordinates(4, 30);
    expect(refused.status).toBe('rejected');
    expect(refused.reason).toContain('unpark');
    requireOk(await park('UNPARK'));
    requireOk(await coordinates(4, 30));
  });

  it('stops at its limits: below the altitude nothing is taken, past the meridian tracking ends', async () => {
    await begin({ mount: { minimumAltitudeDegrees: 10, meridianLimitDegrees: 1 } }, 100);
    const { mount } = world.simulator.observatory;
    const lst = (mount.siderealDegrees(world.clock.now()) / 15) % 24;
    const low = await coordinates((lst + 12 + 24) % 24, 0);
    expect(low.status).toBe('rejected');
    expect(low.reason).toContain('altitude limit');
    requireOk(await coordinates((lst + 0.05 + 24) % 24, 20));
    expect(mount.pierSide).toBe('west');
    await world.client.waitForProperty(device, 'TELESCOPE_TRACK_STATE', {
      timeoutSeconds: 30,
      ready: (state) => isOn(state, 'TRACK_OFF'),
    });
    expect(mount.axesAt(world.clock.now()).hourAngleDegrees).toBeCloseTo(1, 0);
    // The next slew to the west hangs the tube on the other side.
    requireOk(await coordinates((lst - 1 + 24) % 24, 20));
    expect(mount.pierSide).toBe('east');
  });

  it('takes pulses of the guider, on both axes at a time', async () => {
    await begin();
    requireOk(await coordinates(4, 30));
    const before = world.simulator.observatory.reported!;
    world.client.send({
      ...{ tag: 'new', type: 'number', device, name: 'TELESCOPE_TIMED_GUIDE_WE', timestamp: null },
      elements: [
        { name: 'TIMED_GUIDE_W', value: 10_000 },
        { name: 'TIMED_GUIDE_E', value: 0 },
      ],
    });
    await world.client.command({
      device,
      property: 'TELESCOPE_TIMED_GUIDE_NS',
      values: { TIMED_GUIDE_N: 20_000, TIMED_GUIDE_S: 0 },
      judge: (history, current) => {
        const began = history.some(
          (each) => each.what === 'updated' && each.property.name.endsWith('_NS') && each.property.state === 'Busy',
        );
        const over = began && current('TELESCOPE_TIMED_GUIDE_NS')?.state === 'Idle';
        return over ? { done: true, settleSeconds: 0 } : 'waiting';
      },
      timeoutSeconds: 60,
    });
    await world.clock.sleep(1000);
    // 20 s at half the sidereal rate.
    const { RA, DEC } = world.simulator.observatory.reported!;
    expect((DEC - before.DEC) * 3600).toBeCloseTo(150.4, 0);
    // 10 s to the west, in hours of right ascension.
    expect((before.RA - RA) * 54_000).toBeCloseTo(75.2, 0);
  });

  it('drops a target that can’t be without a word', async () => {
    await begin();
    const revision = property('EQUATORIAL_EOD_COORD')!.state;
    world.client.send({
      ...{ tag: 'new', type: 'number', device, name: 'EQUATORIAL_EOD_COORD', timestamp: null },
      elements: [
        { name: 'RA', value: 4 },
        { name: 'DEC', value: 95 },
      ],
    });
    await world.clock.sleep(2000);
    expect(property('EQUATORIAL_EOD_COORD')!.state).toBe(revision);
  });
});

describe('the errors of the axes', () => {
  const clock = new RehearsalClock(midnight, Infinity);
  const truths = (
    errors: Partial<typeof perfectPointing>,
    axes = { hourAngleDegrees: 0, decDegrees: 0 },
    seconds = 0,
  ) => {
    const mount = new MountMechanics(clock, site, { ...perfectPointing, ...errors });
    mount.moveFrom(midnight, axes, siderealDegreesPerSecond, 0);
    const { raNowDegrees, decNowDegrees } = mount.truthAt(midnight + seconds * 1000);
    return { ra: raNowDegrees, dec: decNowDegrees };
  };

  it('of a pole too high are errors of declination on the meridian', () => {
    // The whole frame is tilted to the north there by what the pole is too high.
    expect(truths({ polarAltitudeArcminutes: 30 }).dec).toBeCloseTo(-0.5, 6);
    expect(truths({ polarAltitudeArcminutes: 30 }, { hourAngleDegrees: 90, decDegrees: 0 }).dec).toBeCloseTo(0, 6);
  });

  it('of a pole too far east make stars drift through the meridian in declination', () => {
    const drift =
      truths({ polarAzimuthArcminutes: 30 }, undefined, 3600).dec - truths({ polarAzimuthArcminutes: 30 }).dec;
    // sin 15° of the error on the equator times the cosine of the latitude (King 1931 to first order).
    expect(Math.abs(drift)).toBeCloseTo(0.5 * Math.cos((51 * Math.PI) / 180) * Math.sin((15 * Math.PI) / 180), 3);
  });

  it('of the worm swing by their amplitude and return after a turn', () => {
    const errors = { periodicArcseconds: 20, periodicSeconds: 600 };
    const ra = (seconds: number) => truths(errors, undefined, seconds).ra;
    expect((ra(0) - ra(150)) * 3600).toBeCloseTo(20, 0);
    expect((ra(450) - ra(0)) * 3600).toBeCloseTo(20, 0);
    expect((ra(600) - ra(0)) * 3600).toBeCloseTo(0, 1);
  });
});
