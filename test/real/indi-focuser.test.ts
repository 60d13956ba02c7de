/** Our focuser on the focuser simulator of Debian's indi-bin, which says nothing while it moves, and answers nothing meanwhile. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { realClock } from '../../lib/clock/clock.ts';
import { IndiFocuser } from '../../lib/indi/devices/focuser.ts';
import { numberOf } from '../../lib/indi/property.ts';
import { devices, startWorld, type World } from './indi-world.ts';

const { device } = devices.focuser;
let world: World;
let focuser: IndiFocuser;

beforeAll(async () => {
  world = await startWorld(['focuser']);
  focuser = await IndiFocuser.connect(world.client, { device });
});
afterAll(() => world?.end());

const onServer = () => numberOf(world.client.store.property(device, 'ABS_FOCUS_POSITION'), 'FOCUS_ABSOLUTE_POSITION');

describe('a focuser with a scale', () => {
  it('says what it is', async () => {
    expect(focuser.info).toEqual({
      name: device,
      drive: 'absolute',
      minimum: 0,
      maximum: 100_000,
      smallestMove: null,
      largestMove: null,
    });
    expect(await focuser.position()).toBe(50_000);
    expect(await focuser.temperatureCelsius()).toBe(0);
  });

  it('goes to a position and by steps, and stands there when it says so', async () => {
    await focuser.moveTo(48_000);
    expect(onServer()).toBe(48_000);
    await focuser.moveBy(-1500);
    expect(await focuser.position()).toBe(46_500);
    await focuser.moveBy(500);
    expect(onServer()).toBe(47_000);
  });

  it('is there at once when it stands there', async () => {
    await focuser.moveTo(47_000);
    await focuser.moveBy(0);
    expect(onServer()).toBe(47_000);
  });

  it('refuses what is out of its range before anything moves', async () => {
    await expect(focuser.moveTo(100_001)).rejects.toMatchObject({ code: 'bad-input', remedy: /0 to 100000/ });
    await expect(focuser.moveTo(Number.NaN)).rejects.toMatchObject({ code: 'bad-input' });
    await expect(focuser.moveBy(-60_000)).rejects.toMatchObject({ code: 'bad-input' });
    expect(onServer()).toBe(47_000);
  });

  it('waits for a motor that can’t be stopped, and then says that it was told to stop', async () => {
    const stop = new AbortController();
    const moving = focuser.moveTo(57_000, stop.signal);
    await realClock.sleep(200);
    stop.abort();
    await expect(moving).rejects.toMatchObject({ code: 'aborted' });
    expect(onServer()).toBe(57_000);
  });

  it('does not begin when it is told to stop before', async () => {
    await expect(focuser.moveTo(50_000, AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
    expect(onServer()).toBe(57_000);
  });

  it('moves one after the other when two ask', async () => {
    await Promise.all([focuser.moveTo(56_000), focuser.moveTo(55_000)]);
    expect(onServer()).toBe(55_000);
  });
});

describe('a focuser without a scale', () => {
  // The simulator always has one; so our side is made to forget it, and what it then sends is the real driver's.
  beforeAll(() => {
    const name = 'ABS_FOCUS_POSITION';
    world.client.store.take({ tag: 'delProperty', device, name, timestamp: null, message: null });
  });

  it('moves by steps only', async () => {
    expect(focuser.info).toMatchObject({ drive: 'relative', minimum: null, maximum: null, largestMove: 100_000 });
    expect(await focuser.position()).toBeNull();
    const before = numberOf(world.client.store.property(device, 'FWHM'), 'SIM_FWHM')!;
    await focuser.moveBy(-10_000);
    const after = numberOf(world.client.store.property(device, 'FWHM'), 'SIM_FWHM')!;
    expect(Math.abs(after - before)).toBeGreaterThan(0.5);
    await expect(focuser.moveTo(40_000)).rejects.toMatchObject({ code: 'unsupported' });
    await expect(focuser.moveBy(200_000)).rejects.toMatchObject({ code: 'bad-input' });
  });
});

it('is lost with its driver', async () => {
  await world.client.close();
  await expect(focuser.position()).rejects.toMatchObject({ code: 'lost' });
  await expect(focuser.moveBy(5)).rejects.toMatchObject({ code: 'lost' });
});
