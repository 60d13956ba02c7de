/** astro-cooler on the simulated camera: a ramp down, what can't be reached, warming up, a new target in the middle. */
import { afterEach, expect, it } from 'vitest';
import astroCooler from '../../../nodes/mount/astro-cooler.ts';
import type { AstroMessage } from '../../../nodes/types.ts';
import { startFlow, stopFlow } from '../harness.ts';
import { startDevice } from './device-flow.ts';

afterEach(stopFlow);

const start = (settings: Record<string, unknown> = {}, clockRate = '200') =>
  startDevice(
    astroCooler,
    'astro-cooler',
    { device: 'CCD Simulator', holdSeconds: '5', ...settings },
    { site: { clockRate } },
  );

it('loads with the right defaults: without a device it says so', async () => {
  const flow = await startFlow([astroCooler], [{ id: 'n', type: 'astro-cooler', wires: [[], []] }]);
  expect((await flow.status('n', 'yellow')).text).toBe('choose a device');
});

it('cools in its ramp, and tells the way', async () => {
  const flow = await start({ targetCelsius: '-5', rampCelsiusPerMinute: '5' });
  flow.send('n', { topic: 'dusk' });
  const [msg] = await flow.done();
  expect(Math.abs((msg!.payload as number) + 5)).toBeLessThanOrEqual(0.5);
  const cooler = msg!.cooler as { outcome: string; seconds: number; on: boolean; powerPercent: number };
  expect(cooler).toMatchObject({ outcome: 'reached', on: true, targetCelsius: -5 });
  expect(cooler.powerPercent).toBeGreaterThan(0);
  const cooling = (msg: AstroMessage) => (msg.payload as { phase: string }).phase === 'cooling';
  const { payload } = await flow.event('progress', cooling);
  expect(payload).toMatchObject({ command: 'cool', targetCelsius: -5 });
  expect((await flow.status('n', 'green')).text).toMatch(/^-\d\.\d °C · \d+ %$/);
}, 60_000);

it('lets the night go on when the temperature can’t be reached, and says so', async () => {
  const flow = await start({ targetCelsius: '-48', rampCelsiusPerMinute: '0', patienceMinutes: '3' });
  flow.send('n', {});
  const [msg] = await flow.done();
  expect(msg!.cooler).toMatchObject({ outcome: 'degraded', on: true });
  expect((msg!.cooler as { reason: string }).reason).toMatch(
    /^CCD Simulator is at -\d+\.\d °C instead of -48 °C after 3 min with \d+ % of its power\.$/,
  );
  expect((await flow.status('n', 'yellow')).text).toContain('instead of -48 °C');
  expect(flow.sink('failures').messages).toEqual([]);
}, 60_000);

it('warms up and switches the cooler off; what is off stays off', async () => {
  const flow = await start({ targetCelsius: '0', rampCelsiusPerMinute: '20', warmCelsius: '5' });
  flow.send('n', {});
  await flow.done();
  flow.send('n', { command: 'warm' });
  const [, warmed] = await flow.done(2);
  expect(warmed!.cooler).toMatchObject({ outcome: 'reached', on: false });
  flow.send('n', { command: 'warm' });
  const [, , again] = await flow.done(3);
  expect(again!.cooler).toMatchObject({ outcome: 'reached', on: false, seconds: 0 });
}, 60_000);

it('says when the temperature leaves its tolerance afterwards', async () => {
  const flow = await start({ targetCelsius: '4', rampCelsiusPerMinute: '0' });
  flow.send('n', {});
  await flow.done();
  const client = await flow.indi.ready();
  await client.command({
    device: 'CCD Simulator',
    property: 'CCD_COOLER',
    values: { COOLER_OFF: true },
    lane: 'cooler',
  });
  const warned = (msg: AstroMessage) => (msg.payload as { degraded?: boolean }).degraded === true;
  const { payload } = await flow.event('status', warned);
  expect(payload).toMatchObject({ targetCelsius: 4, on: false });
  expect((payload as { warning: string }).warning).toMatch(/ °C instead of 4 °C$/);
  await flow.status('n', 'yellow', 'instead of 4 °C');
}, 60_000);

it('goes to a new target at once', async () => {
  const flow = await start({ targetCelsius: '-20', rampCelsiusPerMinute: '1' }, '50');
  flow.send('n', { topic: 'first' });
  await flow.event('progress');
  flow.send('n', { topic: 'second', targetCelsius: 4, rampCelsiusPerMinute: 60 });
  const [msg] = await flow.done();
  expect(msg!.topic).toBe('second');
  expect(await flow.event('aborted')).toMatchObject({ topic: 'first', payload: { command: 'cool' } });
}, 60_000);

it('refuses a temperature that is none, and one that the camera does not take', async () => {
  const flow = await start();
  flow.send('n', { targetCelsius: -60 });
  expect(await flow.failure()).toBe("CCD Simulator can't be brought to -60 °C. It takes -50 to 50 °C.");
  flow.send('n', { targetCelsius: 'cold' });
  const [, second] = await flow.sink('failures').take(2);
  expect((second!.error as { message: string }).message).toBe('The temperature must be a number, not "cold".');
}, 30_000);
