import { afterAll, afterEach, expect, it } from 'vitest';
import { closeSharedPool } from '../../../lib/kernels/pool.ts';
import registerStats from '../../../nodes/image/astro-stats.ts';
import { smallFrame } from '../../night/small-frames.ts';
import { startImageFlow, stopImageFlow } from './image-flow.ts';

afterEach(stopImageFlow);
afterAll(closeSharedPool);

it('loads with its defaults: the median is the payload', async () => {
  const flow = await startImageFlow(registerStats, 'astro-stats');
  flow.send('n', { frame: smallFrame(0, { value: 321, star: 3 }) });
  const msg = await flow.sink('one').first();
  expect(msg.payload).toBe(321);
  expect(msg.stats).toMatchObject({ median: 321, maximum: 60000, minimum: 321, perChannel: [{ channel: 'mono' }] });
  const { histogram } = msg.stats as { histogram: { counts: number[] }[] };
  expect(histogram[0]!.counts.reduce((sum, count) => sum + count)).toBe(32 * 24);
  expect((await flow.status('n', 'green')).text).toBe('median 321 · 0 % saturated');
});

it('gives the figure that is asked for, by message too', async () => {
  const flow = await startImageFlow(registerStats, 'astro-stats', { measure: 'maximum' });
  flow.send('n', { frame: smallFrame(0, { value: 321, star: 3 }) });
  flow.send('n', { frame: smallFrame(0, { value: 321, star: 3 }), measure: 'minimum' });
  flow.send('n', { event: 'end' });
  expect((await flow.sink('one').take(3)).map(({ payload, event }) => payload ?? event)).toEqual([60000, 321, 'end']);
});

it('tells Catch about a message without a frame', async () => {
  const flow = await startImageFlow(registerStats, 'astro-stats');
  flow.send('n', { payload: 'no frame' });
  expect((await flow.sink('failures').first()).error).toMatchObject({
    message: expect.stringContaining('The message has no frame.'),
  });
});
