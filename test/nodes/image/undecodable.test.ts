/** A camera's file that nobody can decode, first of the night and in its middle: it is said, and the others come together. */
import { afterAll, afterEach, expect, it } from 'vitest';
import { developOriginal } from '../../../lib/frame/original.ts';
import { allocateShared } from '../../../lib/kernels/memory.ts';
import { closeSharedPool } from '../../../lib/kernels/pool.ts';
import registerKeogram from '../../../nodes/image/astro-keogram.ts';
import registerPreview from '../../../nodes/image/astro-preview.ts';
import registerStack from '../../../nodes/image/astro-stack.ts';
import registerTimelapse from '../../../nodes/image/astro-timelapse.ts';
import registerHfr from '../../../nodes/stars/astro-hfr.ts';
import { smallFrame } from '../../night/small-frames.ts';
import { startImageFlow, stopImageFlow } from './image-flow.ts';

afterEach(stopImageFlow);
afterAll(closeSharedPool);

async function damaged(seconds: number) {
  const { start, end } = smallFrame(seconds);
  const { frame } = await developOriginal({ data: allocateShared(4096), extension: '.arw' });
  expect([frame.width, frame.height]).toEqual([1, 1]);
  return frame.with({ start, end, exposureSeconds: 5 });
}
const night = async () => [
  await damaged(0),
  smallFrame(5),
  smallFrame(10),
  await damaged(15),
  smallFrame(20),
  smallFrame(25),
];

const stackBy = { stackBy: 'night', hotPixels: 'off' };
it.each([
  ['astro-stack', registerStack, { ...stackBy, stackMode: 'max' }, { payload: 4 }],
  ['astro-stack', registerStack, { ...stackBy, stackMode: 'sigma-clip' }, { payload: 4 }],
  ['astro-timelapse', registerTimelapse, {}, { film: { frames: 4 } }],
  ['astro-keogram', registerKeogram, {}, { keogram: { frames: 4 } }],
] as const)(
  '%s leaves it out',
  async (type, register, settings, expected) => {
    const flow = await startImageFlow(register, type, settings);
    for (const frame of await night()) flow.send('n', { frame });
    flow.send('n', { event: 'end' });
    expect(await flow.sink('one').first()).toMatchObject(expected);
    const failures = () => flow.sink('failures').messages.map(({ error }) => (error as Error).message);
    const failure = expect.stringContaining('its file could not be decoded');
    await expect.poll(failures, { timeout: 30_000 }).toEqual([failure, failure]);
  },
  60_000,
);

it.each([
  ['astro-hfr', registerHfr],
  ['astro-preview', registerPreview],
] as const)(
  '%s goes on after it',
  async (type, register) => {
    const flow = await startImageFlow(register, type);
    flow.send('n', { frame: await damaged(0) });
    flow.send('n', { frame: smallFrame(5), topic: 'next' });
    const came = () => flow.sink('one').messages.some(({ topic }) => topic === 'next');
    await expect.poll(came, { timeout: 30_000 }).toBe(true);
  },
  60_000,
);
