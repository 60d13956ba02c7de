import { afterEach, expect, it } from 'vitest';
import { coreNode, startFlow, stopFlow } from './harness.ts';

afterEach(stopFlow);

it('runs a flow with core nodes, sinks, statuses, a Catch node and a redeploy', async () => {
  const flow = (factor: number) => [
    {
      id: 'f',
      type: 'function',
      func: `if (msg.payload < 0) throw new Error('negative'); node.status({fill:'green',text:'ok'}); msg.payload *= ${factor}; return msg;`,
      outputs: 1,
      libs: [],
      wires: [['out']],
    },
    { id: 'c', type: 'catch', scope: ['f'], wires: [['failures']] },
    { id: 'out', type: 'helper', wires: [] },
    { id: 'failures', type: 'helper', wires: [] },
  ];
  const running = await startFlow([coreNode('function/10-function')], flow(2));
  running.send('f', { payload: 21 });
  running.send('f', { payload: -1 });
  expect((await running.sink('out').first()).payload).toBe(42);
  expect((await running.sink('failures').first()).error).toMatchObject({
    message: expect.stringContaining('negative'),
  });
  expect((await running.status('f', 'green')).text).toBe('ok');
  await running.deploy(flow(3));
  running.send('f', { payload: 2 });
  expect((await running.sink('out').first((msg) => msg.payload === 6)).payload).toBe(6);
});
