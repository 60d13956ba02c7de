/** A flow that is deployed again and again through a night keeps nothing of the flows before it. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { backlogBytes } from '../../nodes/backlog.ts';
import registerKeogram from '../../nodes/image/astro-keogram.ts';
import registerPreview from '../../nodes/image/astro-preview.ts';
import registerSave from '../../nodes/image/astro-save.ts';
import registerStack from '../../nodes/image/astro-stack.ts';
import registerStats from '../../nodes/image/astro-stats.ts';
import registerTimelapse from '../../nodes/image/astro-timelapse.ts';
import { bench, captureFlow, captureNodes, numbers, useCaptureFlow } from './capture-flow.ts';
import { type FlowNode, startFlow, stopFlow } from './harness.ts';

useCaptureFlow();
afterAll(closeSharedPool);

const rejections: unknown[] = [];
const onRejection = (reason: unknown) => rejections.push(reason);
beforeEach(() => void process.on('unhandledRejection', onRejection));
afterEach(() => void process.off('unhandledRejection', onRejection));

interface Routes {
  _router?: { stack: unknown[] };
  router?: { stack: unknown[] };
}

const users = ['trail', 'keogram', 'film', 'preview', 'save', 'stats'];
const image = (id: string, type: string, settings: Record<string, unknown> = {}): FlowNode => ({
  ...{ id, type, site: 'site', ...settings },
  wires: [[], []],
});
/** Each time another name, so that every node is another. */
const flow = (time: number): FlowNode[] =>
  [
    ...captureFlow({ exposureSeconds: '5', keep: 'all' }, { clockRate: '20', clockStart: '2026-03-14T20:00:00Z' }),
    { ...image('trail', 'astro-stack', { stackBy: 'night' }), wires: [['trails'], []] },
    { id: 'trails', type: 'helper', wires: [] },
    image('keogram', 'astro-keogram', { keogramHeight: '16' }),
    image('film', 'astro-timelapse', { codec: 'mjpeg', runningSeconds: '20' }),
    image('preview', 'astro-preview'),
    image('save', 'astro-save', { format: 'png' }),
    image('stats', 'astro-stats'),
  ].map((node) =>
    node.id === 'capture'
      ? {
          ...node,
          wires: [
            ['frames', ...users],
            ['events', ...users],
          ],
        }
      : node.type.startsWith('astro')
        ? { ...node, label: `deployed ${time}` }
        : node,
  );

it('twenty times: no listener more, no unfinished file, no rejection, every number once', async () => {
  const modules = [registerStack, registerKeogram, registerTimelapse, registerPreview, registerSave, registerStats];
  const running = await startFlow([...captureNodes, ...modules], flow(0), { userDir: bench.userDir });
  const { events, httpNode } = running.RED as unknown as { events: NodeJS.EventEmitter; httpNode: Routes };
  const listeners = () => ({
    flow: Object.fromEntries(events.eventNames().map((name) => [String(name), events.listenerCount(name)])),
    process: Object.fromEntries(process.eventNames().map((name) => [String(name), process.listenerCount(name)])),
    routes: (httpNode._router ?? httpNode.router)?.stack.length,
    timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
  });
  running.send('capture', {});
  await running.sink('frames').take(2);
  // The first deploy brings what is loaded once: the workers, the route of the pictures.
  await running.deploy(flow(1), 'full');
  await running.sink('frames').take(4);
  const before = listeners();
  for (let time = 2; time <= 20; time++) {
    const frames = running.sink('frames').messages.length;
    await running.deploy(flow(time), 'full');
    await running.sink('frames').take(frames + 1);
  }
  await running.sink('frames').take(running.sink('frames').messages.length + 1);
  const after = listeners();
  expect(after.flow).toEqual(before.flow);
  expect(after.process).toEqual(before.process);
  expect(before.routes).toBeGreaterThan(0);
  expect(after.routes).toBe(before.routes);
  // Of a running flow, give or take what happens to wait just then.
  expect(after.timers).toBeLessThan(before.timers + 10);

  // Stopped after its exposure; then the trail has every frame that was taken since the first flow.
  running.send('capture', { command: 'stop' });
  const trail = await running.sink('trails').first();
  const taken = numbers(running.sink('frames').messages);
  expect((trail.stack as { frames: number }).frames).toBe(taken.length);
  const archive = join(bench.userDir, 'archive');
  await stopFlow();
  expect(backlogBytes()).toBe(0);
  expect(rejections).toEqual([]);
  const files = await readdir(archive, { recursive: true });
  expect(files.filter((name) => name.includes('nightflow-part'))).toEqual([]);
  // Each deploy is within ten minutes of the rehearsal's start, so it is one sequence that goes on.
  expect(taken).toEqual([...new Set(taken)].sort((a, b) => a - b));
  const kept = files.filter((name) => name.endsWith('.fits')).map((name) => Number(/_(\d{6})\.fits$/.exec(name)?.[1]));
  for (const number of taken) expect(kept).toContain(number);
}, 60_000);
