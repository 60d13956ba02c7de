/** The nodes of mount, focuser, filter wheel and cooler on a real indiserver with Debian's simulators. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { numberOf } from '../../lib/indi/property.ts';
import astroIndi from '../../nodes/config/astro-indi.ts';
import astroSite from '../../nodes/config/astro-site.ts';
import astroCooler from '../../nodes/mount/astro-cooler.ts';
import astroFilter from '../../nodes/mount/astro-filter.ts';
import astroFocuser from '../../nodes/mount/astro-focuser.ts';
import astroMount from '../../nodes/mount/astro-mount.ts';
import type { AstroMessage } from '../../nodes/types.ts';
import { type FlowNode, type RunningFlow, startFlow, stopFlow } from '../nodes/harness.ts';
import { devices, startWorld, type World } from './indi-world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld(['mount', 'camera', 'focuser', 'wheel']);
}, 60_000);
afterEach(stopFlow);
afterAll(() => world?.end());

const helper = (id: string): FlowNode => ({ id, type: 'helper', wires: [] });
async function start(type: string, settings: Record<string, unknown>): Promise<RunningFlow> {
  return startFlow(
    [astroSite, astroIndi, astroMount, astroFocuser, astroFilter, astroCooler],
    [
      { id: 'site', type: 'astro-site', latitude: '51', longitude: '-2.3', elevation: '100', clock: 'real' },
      { id: 'indi', type: 'astro-indi', mode: 'connect', host: '127.0.0.1', port: String(world.port), site: 'site' },
      { id: 'n', type, indi: 'indi', ...settings, wires: [['one'], ['two']] },
      { id: 'catch', type: 'catch', scope: ['n'], wires: [['failures']] },
      ...['one', 'two', 'failures'].map(helper),
    ],
  );
}
const failure = async (flow: RunningFlow) =>
  ((await flow.sink('failures').first()).error as { message: string }).message;
/** The first messages of output 1; a failure meanwhile says why they don't come. */
const done = (flow: RunningFlow, count = 1): Promise<AstroMessage[]> =>
  Promise.race([flow.sink('one').take(count), failure(flow).then((reason) => Promise.reject(new Error(reason)))]);
const payloadOf = (msg: AstroMessage | undefined) => msg!.payload as Record<string, number | boolean | string>;

describe('the mount node', () => {
  it('unparks, slews, tracks, reports, is stopped in a slew, and parks', async () => {
    const flow = await start('astro-mount', { device: devices.mount.device, allowBelow: true });
    flow.send('n', { command: 'unpark' });
    const [unparked] = await done(flow);
    expect(payloadOf(unparked)).toMatchObject({ command: 'unpark', parked: false });
    // Not far from where it stands, so that the slew lasts seconds.
    const { raDegrees, decDegrees } = payloadOf(unparked) as Record<string, number>;
    const near = { raDegrees: raDegrees!, decDegrees: Math.min(80, decDegrees! - 8) };
    flow.send('n', { command: 'slew', ...near });
    const [, slewed] = await done(flow, 2);
    expect(payloadOf(slewed)).toMatchObject({ command: 'slew', tracking: true, moving: false });
    expect(payloadOf(slewed).decDegrees).toBeCloseTo(near.decDegrees, 2);
    expect(typeof payloadOf(slewed).altitudeDegrees).toBe('number');
    flow.send('n', { command: 'slew', raDegrees: near.raDegrees, decDegrees: near.decDegrees - 70 });
    await flow
      .sink('two')
      .first(({ event, payload }) => event === 'progress' && payloadOf({ payload } as AstroMessage).moving === true);
    flow.send('n', { command: 'abort' });
    const [, , aborted] = await done(flow, 3);
    expect(payloadOf(aborted)).toMatchObject({ command: 'abort' });
    await flow.sink('two').first(({ event }) => event === 'aborted');
    expect(flow.sink('failures').messages).toEqual([]);
  }, 120_000);

  it('refuses to slew while parked, with the remedy', async () => {
    const flow = await start('astro-mount', { device: devices.mount.device, allowBelow: true });
    flow.send('n', { command: 'park' });
    const [parked] = await done(flow);
    expect(payloadOf(parked)).toMatchObject({ parked: true, moving: false });
    flow.send('n', { command: 'slew', raDegrees: 60, decDegrees: 30 });
    expect(await failure(flow)).toContain('is parked. Unpark it');
  }, 180_000);

  it('chooses the tracking rate', async () => {
    const flow = await start('astro-mount', { device: devices.mount.device, trackingRate: 'lunar' });
    flow.send('n', { command: 'unpark' });
    flow.send('n', { command: 'rate' });
    flow.send('n', { command: 'rate', trackingRate: 'sidereal' });
    const rates = (await done(flow, 3)).slice(1).map((msg) => payloadOf(msg).trackingRate);
    expect(rates).toEqual(['lunar', 'sidereal']);
  }, 60_000);
});

it('the focuser node moves to a position and by steps, and refuses what is out of range', async () => {
  const flow = await start('astro-focuser', { device: devices.focuser.device });
  flow.send('n', { command: 'move-to', position: 40_000 });
  flow.send('n', { command: 'move-by', steps: -1500 });
  expect((await done(flow, 2)).map(({ payload }) => payload)).toEqual([40_000, 38_500]);
  flow.send('n', { command: 'abort' });
  expect(await failure(flow)).toContain("can't be stopped");
}, 60_000);

it('the filter node turns a filter in by name, and the same one at once', async () => {
  const flow = await start('astro-filter', { device: devices.wheel.device });
  flow.send('n', { filter: 'h_alpha' });
  flow.send('n', { filter: 'H_Alpha' });
  flow.send('n', { filter: 'Red' });
  expect((await done(flow, 3)).map(({ payload }) => payload)).toEqual(['H_Alpha', 'H_Alpha', 'Red']);
}, 60_000);

it('the cooler node cools in a ramp of its own, although the driver ignores its ramp, and warms up', async () => {
  const flow = await start('astro-cooler', {
    device: devices.camera.device,
    ...{ rampCelsiusPerMinute: '30', toleranceCelsius: '0.3', holdSeconds: '2' },
  });
  const celsius = () =>
    numberOf(world.client.store.property(devices.camera.device, 'CCD_TEMPERATURE'), 'CCD_TEMPERATURE_VALUE')!;
  const from = celsius();
  flow.send('n', { command: 'cool', targetCelsius: from - 3 });
  const [cold] = await done(flow);
  const cooler = cold!.cooler as { outcome: string; seconds: number; on: boolean };
  expect(cooler).toMatchObject({ outcome: 'reached' });
  // Three degrees at thirty a minute take 4 s to the last set point; the driver alone hurries at half a degree a second.
  expect(cooler.seconds).toBeGreaterThan(4);
  expect(celsius()).toBeCloseTo(from - 3, 0);
  flow.send('n', { command: 'warm', warmCelsius: from });
  const [, warm] = await done(flow, 2);
  expect(warm!.cooler).toMatchObject({ outcome: 'reached', on: false });
}, 120_000);
