/** A rehearsal that is restarted begins its night again: nothing of the first is lost, and nothing is mixed into it. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import registerKeogram from '../../nodes/image/astro-keogram.ts';
import registerStack from '../../nodes/image/astro-stack.ts';
import registerTimelapse from '../../nodes/image/astro-timelapse.ts';
import { bench, captureFlow, captureNodes, event, numbers, useCaptureFlow } from './capture-flow.ts';
import { type FlowNode, startFlow, stopFlow } from './harness.ts';

useCaptureFlow();
afterAll(closeSharedPool);

const image = (id: string, type: string, settings: Record<string, unknown>): FlowNode[] => [
  { id, type, site: 'site', runningSeconds: '0', ...settings, wires: [[`${id}-done`], []] },
  { id: `${id}-done`, type: 'helper', wires: [] },
];
const night: FlowNode[] = [
  ...captureFlow({ exposureSeconds: '60' }).map((node) =>
    node.id === 'capture'
      ? {
          ...node,
          wires: [
            ['frames', 'trail', 'keogram', 'film'],
            ['events', 'trail', 'keogram', 'film'],
          ],
        }
      : node,
  ),
  ...image('trail', 'astro-stack', { stackBy: 'night', hotPixels: 'off' }),
  ...image('keogram', 'astro-keogram', { keogramHeight: '32' }),
  ...image('film', 'astro-timelapse', { codec: 'mjpeg' }),
];
const start = () =>
  startFlow([...captureNodes, registerStack, registerKeogram, registerTimelapse], night, { userDir: bench.userDir });
const files = async () =>
  (await readdir(join(bench.userDir, 'archive', '2026-03-14'))).filter((name) => !name.startsWith('.')).sort();

it('in the capture, the trail, the keogram and the film', async () => {
  const first = await start();
  first.send('capture', {});
  await first.sink('frames').take(20);
  await stopFlow();
  const taken = first.sink('frames').messages.length;

  const second = await start();
  const started = await second.sink('events').first(event('started'));
  expect(started.payload).toMatchObject({ goesOn: false, frames: 0 });
  expect(numbers(await second.sink('frames').take(3))).toEqual([1, 2, 3]);
  // What the first rehearsal gathered comes out, whole.
  expect((await second.sink('trail-done').first()).stack).toMatchObject({ frames: taken, number: 1 });
  expect((await second.sink('keogram-done').first()).keogram).toMatchObject({ frames: taken });
  expect((await second.sink('film-done').first()).film).toMatchObject({ frames: taken });

  second.send('capture', { command: 'stop' });
  const end = await second.sink('events').first(event('end'));
  const { frames } = end.payload as { frames: number };
  expect((await second.sink('trail-done').first(event('end'))).stack).toMatchObject({ frames, number: 2 });
  expect((await second.sink('keogram-done').first(event('end'))).keogram).toMatchObject({ frames });
  expect((await second.sink('film-done').first(event('end'))).film).toMatchObject({ frames });
  expect(await files()).toEqual([
    'film_2026-03-14.avi',
    'film_2026-03-14_2.avi',
    'keogram_2026-03-14.png',
    'keogram_2026-03-14_2.png',
  ]);
  const work = join(bench.userDir, 'archive', '.nightflow', 'work');
  expect(await readdir(join(work, 'film'))).toEqual(['2026-03-14_2']);
  expect(await readdir(join(work, 'keogram'))).toEqual(['2026-03-14_2']);
});
