/** astro-filter on the simulated wheel: by name, by slot, what is in already, what is not there. */
import { afterEach, expect, it } from 'vitest';
import astroFilter from '../../../nodes/mount/astro-filter.ts';
import { startFlow, stopFlow } from '../harness.ts';
import { startDevice } from './device-flow.ts';

afterEach(stopFlow);

const start = (settings: Record<string, unknown> = {}) =>
  startDevice(astroFilter, 'astro-filter', { device: 'Filter Simulator', ...settings });

it('loads with the right defaults: without a device it says so', async () => {
  const flow = await startFlow([astroFilter], [{ id: 'n', type: 'astro-filter', wires: [[], []] }]);
  expect((await flow.status('n', 'yellow')).text).toBe('choose a device');
});

it('turns the named filter in, in any case of letters, and names them all', async () => {
  const flow = await start({ filter: 'h_alpha' });
  flow.send('n', { payload: 1_790_000_000_000, topic: 'go' });
  const [msg] = await flow.done();
  expect(msg).toMatchObject({ payload: 'H_Alpha', filter: 'H_Alpha', filterSlot: 4, topic: 'go' });
  expect(msg!.filters).toEqual(['Red', 'Green', 'Blue', 'H_Alpha', 'SII', 'OIII', 'LPR', 'Luminance']);
  expect((await flow.status('n', 'green')).text).toBe('H_Alpha');
  expect(flow.statuses('n').some(({ text }) => text === 'turning H_Alpha')).toBe(true);
}, 30_000);

it('takes name or slot from the message, and what is in already at once', async () => {
  const flow = await start({ filter: 'Red' });
  flow.send('n', { payload: 3 });
  flow.send('n', { filter: 'Blue' });
  flow.send('n', { payload: 'OIII' });
  flow.send('n', { filter: '1' });
  const names = (await flow.done(4)).map(({ payload }) => payload);
  expect(names).toEqual(['Blue', 'Blue', 'OIII', 'Red']);
}, 30_000);

it('reports what the wheel does, whoever turns it', async () => {
  const flow = await start();
  const client = await flow.indi.device('Filter Simulator');
  await flow.event('status', ({ payload }) => (payload as { slot: number }).slot !== 6);
  await client.command({ device: 'Filter Simulator', property: 'FILTER_SLOT', values: { FILTER_SLOT_VALUE: 6 } });
  const { payload } = await flow.event('status', (msg) => (msg.payload as { slot: number }).slot === 6);
  expect(payload).toMatchObject({ filter: 'OIII', turning: false });
}, 30_000);

it('refuses what the wheel does not have, naming what it has', async () => {
  const flow = await start({ filter: 'Ultraviolet' });
  flow.send('n', {});
  expect(await flow.failure()).toBe(
    'Filter Simulator has no filter "Ultraviolet". It has: 1 Red, 2 Green, 3 Blue, 4 H_Alpha, 5 SII, 6 OIII, 7 LPR, 8 Luminance.',
  );
  expect((await flow.event('failed')).payload).toMatchObject({ command: 'select', code: 'bad-input' });
}, 30_000);
