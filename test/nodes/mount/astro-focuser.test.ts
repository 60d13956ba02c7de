/** astro-focuser on the simulated focuser: to a position, by steps, its limits, and an abort. */
import { afterEach, expect, it } from 'vitest';
import astroFocuser from '../../../nodes/mount/astro-focuser.ts';
import { startFlow, stopFlow } from '../harness.ts';
import { startDevice } from './device-flow.ts';

afterEach(stopFlow);

const start = (settings: Record<string, unknown> = {}, site: Record<string, unknown> = {}) =>
  startDevice(astroFocuser, 'astro-focuser', { device: 'Focuser Simulator', ...settings }, { site });

it('loads with the right defaults: without a device it says so', async () => {
  const flow = await startFlow([astroFocuser], [{ id: 'n', type: 'astro-focuser', wires: [[], []] }]);
  expect((await flow.status('n', 'yellow')).text).toBe('choose a device');
});

it('moves to a position, and from there by steps', async () => {
  const flow = await start({ position: '30000' });
  flow.send('n', { payload: 1_790_000_000_000, topic: 'go' });
  flow.send('n', { command: 'move-by', steps: -250 });
  flow.send('n', { command: 'move-by', payload: 50 });
  const [first, second, third] = await flow.done(3);
  expect(first).toMatchObject({ payload: 30_000, topic: 'go', focuser: { position: 30_000, drive: 'absolute' } });
  expect(second!.payload).toBe(29_750);
  expect(second!.command).toBeUndefined();
  expect(third!.payload).toBe(29_800);
  expect((await flow.status('n', 'green', 'at 29800')).text).toMatch(/^at 29800( · -?\d+\.\d °C)?$/);
}, 30_000);

it('says where it stands without moving, and its range', async () => {
  const flow = await start({ command: 'status' });
  flow.send('n', {});
  const [msg] = await flow.done();
  expect(msg!.focuser).toMatchObject({ position: msg!.payload, moving: false, minimum: 0, maximum: 100_000 });
}, 30_000);

it('refuses a position out of its range, and a move without a figure', async () => {
  const flow = await start();
  flow.send('n', { position: 1e6 });
  expect(await flow.failure()).toContain('Its range is 0 to 100000.');
  flow.send('n', { command: 'move-by' });
  const [, second] = await flow.sink('failures').take(2);
  expect((second!.error as { message: string }).message).toContain('has no number of steps');
}, 30_000);
