/** astro-mount on the simulated mount: targets in all forms, the horizon, sync, park, tracking, and an abort past everything. */
import { afterEach, describe, expect, it } from 'vitest';
import { vectorOf } from '../../../lib/sky/coordinates.ts';
import { separationDegrees } from '../../../lib/sky/coordinates-date.ts';
import astroMount from '../../../nodes/mount/astro-mount.ts';
import type { AstroMessage } from '../../../nodes/types.ts';
import { startFlow, stopFlow } from '../harness.ts';
import { type DeviceFlow, startDevice } from './device-flow.ts';

afterEach(stopFlow);

const start = (settings: Record<string, unknown> = {}, indi: Record<string, unknown> = {}, rate = '20') =>
  startDevice(
    astroMount,
    'astro-mount',
    { device: 'Telescope Simulator', ...settings },
    { site: { clockRate: rate }, indi },
  );

interface Place {
  raDegrees: number;
  decDegrees: number;
}
const apartArcseconds = (a: Place, b: Place) =>
  separationDegrees(vectorOf(a.raDegrees, a.decDegrees), vectorOf(b.raDegrees, b.decDegrees)) * 3600;
const payloadOf = (msg: AstroMessage | undefined) => msg!.payload as Place & Record<string, number>;
const moving = (msg: AstroMessage) => (msg.payload as { moving: boolean }).moving === true;
const property = async (flow: DeviceFlow, name: string) =>
  (await flow.indi.ready()).store.property('Telescope Simulator', name);

/** High in the south on that midnight. */
const pleiades = { raDegrees: 56.75, decDegrees: 24.1167 };

describe('astro-mount', () => {
  it('loads with the right defaults: without a device it says so', async () => {
    const flow = await startFlow([astroMount], [{ id: 'n', type: 'astro-mount', wires: [[], []] }]);
    expect((await flow.status('n', 'yellow')).text).toBe('choose a device');
  });

  it('slews to the typed target, J2000 in and out, and says where that stands', async () => {
    const flow = await start({ targetName: 'Pleiades', coordinates: '3h47m00s +24d07m00s' });
    flow.send('n', { payload: 1_790_000_000_000, topic: 'go' });
    const [msg] = await flow.done();
    const at = payloadOf(msg);
    expect(msg).toMatchObject({ topic: 'go', target: { name: 'Pleiades', raDegrees: 56.75 } });
    expect(apartArcseconds(at, pleiades)).toBeLessThan(20);
    // Of date is 26 years of precession away: a third of a degree.
    expect(at.raNowDegrees! - at.raDegrees).toBeCloseTo(0.4, 1);
    expect(at).toMatchObject({
      command: 'slew',
      tracking: true,
      moving: false,
      parked: false,
      trackingRate: 'sidereal',
    });
    // astropy 5.2.1, AltAz with 1010 hPa and 10 °C: altitude 62.453°, azimuth 163.43° at 00:00 UTC; it culminates 0.7° higher.
    expect(at.altitudeDegrees!).toBeGreaterThan(62.44);
    expect(at.altitudeDegrees!).toBeLessThan(63.2);
    expect(at.azimuthDegrees!).toBeGreaterThan(163.4);
    expect(at.azimuthDegrees!).toBeLessThan(185);
    expect(Math.abs(at.secondsToMeridian! + at.hourAngleDegrees! * 239.34)).toBeLessThan(1);
    expect((await flow.status('n', 'green', 'tracking')).text).toMatch(/^tracking · 6\d° south/);
  }, 30_000);

  it('takes msg.target with its proper motion, degrees, and coordinates of the message', async () => {
    const flow = await start({ coordinates: '10h +50d' });
    // A tenth of a degree a century to the north.
    const target = { name: 'Runner', ...pleiades, properMotionDecMas: 3600, epochYear: 2000 };
    flow.send('n', { target });
    const [first] = await flow.done();
    expect((payloadOf(first).decDegrees - pleiades.decDegrees) * 3600).toBeCloseTo(3.6 * 26.86, -1);
    flow.send('n', { raDegrees: 60, decDegrees: 30 });
    const [, second] = await flow.done(2);
    expect(apartArcseconds(payloadOf(second), { raDegrees: 60, decDegrees: 30 })).toBeLessThan(20);
    flow.send('n', { coordinates: '4h 20d', targetName: 'Hyades' });
    const [, , third] = await flow.done(3);
    expect(third!.target).toMatchObject({ name: 'Hyades', raDegrees: 60, decDegrees: 20 });
  }, 60_000);

  it('refuses what is below the horizon, the user’s own too, unless it may', async () => {
    const flow = await start({ horizon: '0 70' });
    flow.send('n', { target: { name: 'Low', raDegrees: 250, decDegrees: -20 } });
    expect(await flow.failure()).toMatch(
      /^The mount stays where it is: the target stands at -\d+\.\d°, below the horizon of 70\.0° in the north/,
    );
    expect((await flow.event('failed')).payload).toMatchObject({ command: 'slew', code: 'rejected' });
    flow.send('n', { target: pleiades });
    await flow.sink('failures').take(2);
    flow.send('n', { target: pleiades, allowBelow: true });
    expect(apartArcseconds(payloadOf((await flow.done())[0]), pleiades)).toBeLessThan(20);
  }, 60_000);

  it('says what is missing', async () => {
    const flow = await start();
    flow.send('n', { payload: 5 });
    expect(await flow.failure()).toContain('The mount has no target.');
    flow.send('n', { command: 'dance' });
    const [, second] = await flow.sink('failures').take(2);
    expect((second!.error as { message: string }).message).toContain('The command must be one of slew, ');
  }, 30_000);

  it('syncs, and slews afterwards instead of syncing again', async () => {
    const flow = await start({ coordinates: '3h47m00s +24d07m00s' }, { errorRaArcminutes: '20' });
    flow.send('n', {});
    flow.send('n', { command: 'sync', raDegrees: 56.5, decDegrees: 24 });
    const [, synced] = await flow.done(2);
    expect(apartArcseconds(payloadOf(synced), { raDegrees: 56.5, decDegrees: 24 })).toBeLessThan(20);
    flow.send('n', {});
    const [, , third] = await flow.done(3);
    expect(apartArcseconds(payloadOf(third), pleiades)).toBeLessThan(20);
  }, 60_000);

  it('parks, stays parked until it is unparked, and tracks at the rate that is asked for', async () => {
    const flow = await start({ coordinates: '3h47m00s +24d07m00s' });
    for (const command of ['park', 'slew', 'unpark', 'track']) flow.send('n', { command, trackingRate: 'lunar' });
    const results = (await flow.done(3)).map(payloadOf);
    expect(results.map(({ command, parked }) => [command, parked])).toEqual([
      ['park', true],
      ['unpark', false],
      ['track', false],
    ]);
    expect(results[2]).toMatchObject({ tracking: true, trackingRate: 'lunar' });
    expect(await flow.failure()).toBe('Telescope Simulator is parked. Unpark it before it is to move.');
    flow.send('n', { command: 'rate', trackingRate: 'custom', raRateArcseconds: 14.9, decRateArcseconds: 0.02 });
    expect(payloadOf((await flow.done(4))[3])).toMatchObject({ trackingRate: 'custom' });
    expect((await property(flow, 'TELESCOPE_TRACK_RATE'))!.elements.get('TRACK_RATE_RA')!.value).toBeCloseTo(14.9, 4);
    flow.send('n', { command: 'untrack' });
    expect(payloadOf((await flow.done(5))[4])).toMatchObject({ tracking: false });
  }, 60_000);

  it('stops at once, past what waits, and nothing of it is done later', async () => {
    const flow = await start({ coordinates: '3h47m00s +24d07m00s' }, {}, '1');
    flow.send('n', { topic: 'first' });
    flow.send('n', { topic: 'second', raDegrees: 100, decDegrees: 50 });
    await flow.event('progress', moving);
    flow.send('n', { command: 'abort', topic: 'stop' });
    const [msg] = await flow.done();
    expect(msg).toMatchObject({ topic: 'stop', payload: { command: 'abort', moving: false } });
    const stopped = new Set([
      (await flow.event('aborted', ({ topic }) => topic === 'first')).topic,
      (await flow.event('aborted', ({ topic }) => topic === 'second')).topic,
    ]);
    expect(stopped).toEqual(new Set(['first', 'second']));
    expect(apartArcseconds(payloadOf(msg), pleiades)).toBeGreaterThan(3600);
    expect(flow.sink('failures').messages).toEqual([]);
    // The mutex is free.
    flow.send('n', { command: 'track' });
    expect(payloadOf((await flow.done(2))[1])).toMatchObject({ tracking: true });
  }, 60_000);

  it('stops the mount when it is closed in the middle of a slew', async () => {
    const flow = await start({}, {}, '1');
    flow.send('n', pleiades);
    await flow.event('progress', moving);
    await flow.node('n').close(false);
    const still = async () => (await property(flow, 'EQUATORIAL_EOD_COORD'))!.state;
    await expect.poll(still, { timeout: 10_000 }).not.toBe('Busy');
    const at = (await property(flow, 'EQUATORIAL_EOD_COORD'))!.elements.get('DEC')!.value as number;
    expect(at).toBeGreaterThan(pleiades.decDegrees + 1);
  }, 60_000);

  it('says that the driver ended in the middle of a slew, does not slew again by itself, and goes on when told to', async () => {
    const flow = await start({ reportSeconds: '1' }, {}, '1');
    flow.send('n', { ...pleiades, topic: 'first' });
    await flow.event('progress', moving);
    await flow.indi.observatory!.restartDriver('Telescope Simulator');
    expect(await flow.failure()).toContain('Telescope Simulator');
    expect((await flow.event('failed')).payload).toMatchObject({ command: 'slew', code: 'lost' });
    flow.send('n', { command: 'status', topic: 'second' });
    const [msg] = await flow.done();
    expect(msg).toMatchObject({ topic: 'second', payload: { command: 'status', moving: false, tracking: false } });
  }, 90_000);

  it('reports what others do with the mount, and that it is gone', async () => {
    const flow = await start({ reportSeconds: '1' });
    const client = await flow.indi.device('Telescope Simulator');
    await flow.event('status');
    const values = { TRACK_ON: true };
    await client.command({ device: 'Telescope Simulator', property: 'TELESCOPE_TRACK_STATE', values });
    await flow.event('status', (msg) => payloadOf(msg).tracking as unknown as boolean);
    client.send({
      ...{ tag: 'new', type: 'switch', device: 'Telescope Simulator', name: 'CONNECTION', timestamp: null },
      elements: [
        { name: 'CONNECT', value: false },
        { name: 'DISCONNECT', value: true },
      ],
    });
    expect((await flow.event('lost')).payload).toEqual({ message: 'Telescope Simulator is not connected' });
    await flow.status('n', 'yellow', 'not connected');
  }, 60_000);

  it('says that it can’t change its side of the pier, with what to do', async () => {
    const flow = await start();
    flow.send('n', { command: 'flip', target: pleiades });
    expect(await flow.failure()).toContain('Slew to the target again once it is past the meridian');
  }, 30_000);
});
