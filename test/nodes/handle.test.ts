import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { allocatePixels, Frame } from '../../lib/frame/frame.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import { backlogBytes } from '../../nodes/backlog.ts';
import { type HandleOptions, handleInput, showStatus, type Work } from '../../nodes/handle.ts';
import type { InputTable, NodeConfig } from '../../nodes/inputs.ts';
import type { Node } from '../../nodes/types.ts';
import { type NodeModule, type RunningFlow, startFlow, stopFlow } from './harness.ts';

const inputs = { seconds: { type: 'number', label: 'seconds', default: 1, minimum: 0 } } as const satisfies InputTable;
type Run = (work: Work<typeof inputs>) => Promise<void>;

afterEach(stopFlow);

const flow = [
  { id: 'n', type: 'worker', wires: [['first'], ['second']] },
  { id: 'first', type: 'helper', wires: [] },
  { id: 'second', type: 'helper', wires: [] },
  { id: 'catcher', type: 'catch', scope: null, wires: [['errors']] },
  { id: 'completer', type: 'complete', scope: ['n'], wires: [['completed']] },
  { id: 'errors', type: 'helper', wires: [] },
  { id: 'completed', type: 'helper', wires: [] },
];

function start(run: Run, more: Partial<HandleOptions<typeof inputs>> = {}): Promise<RunningFlow> {
  const worker: NodeModule = (RED) =>
    RED.nodes.registerType('worker', function (this: Node, config: NodeConfig) {
      RED.nodes.createNode(this, config);
      handleInput(RED, this, { config, inputs, run, ...more });
    });
  return startFlow([worker], flow);
}

const frame = () => new Frame({ data: allocatePixels(4, 2, 1, 'u8'), width: 4, height: 2, pixelType: 'u8' });
/** A promise and the function that resolves it. */
const gate = () => {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
};

describe('work', () => {
  it('gets message and settings, sends to both outputs, and completes', async () => {
    const running = await start(async ({ msg, settings, send, status }) => {
      send({ ...msg, payload: settings.seconds }, { event: 'running', _msgid: '' });
      status('done', 'did it');
    });
    running.send('n', { topic: 't', seconds: 3 });
    expect(await running.sink('first').first()).toMatchObject({ topic: 't', payload: 3 });
    expect(await running.sink('second').first()).toMatchObject({ event: 'running' });
    await running.sink('completed').first();
    expect((await running.status('n', 'green')).text).toBe('did it');
  });

  it('takes what was on a wire when the close came before it closes', async () => {
    const log: unknown[] = [];
    const running = await start(async ({ msg }) => void log.push(msg.payload), {
      drain: true,
      close: () => void log.push('closed'),
    });
    const node = running.node('n');
    setImmediate(() => node.receive({ payload: 'last frame' }));
    await stopFlow();
    expect(log).toEqual(['last frame', 'closed']);
  });

  it('is done in the order of the messages, one after the other', async () => {
    const order: unknown[] = [];
    const slow = gate();
    const running = await start(async ({ msg }) => {
      order.push(`begin ${msg.payload}`);
      if (msg.payload === 1) await slow.opened;
      order.push(`end ${msg.payload}`);
    });
    running.send('n', { payload: 1 });
    running.send('n', { payload: 2 });
    await new Promise((resolve) => setImmediate(resolve));
    slow.open();
    await running.sink('completed').take(2);
    expect(order).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2']);
  });

  it('in parallel lets a command reach what runs', async () => {
    const slow = gate();
    const running = await start(
      async ({ msg }) => {
        if (msg.command === 'stop') slow.open();
        else await slow.opened;
      },
      { parallel: true },
    );
    running.send('n', {});
    running.send('n', { command: 'stop' });
    expect(await running.sink('completed').take(2)).toHaveLength(2);
  });

  it('makes a rehearsal that jumps stand still until it is done', async () => {
    const clock = new RehearsalClock(0, Number.POSITIVE_INFINITY);
    const slow = gate();
    const running = await start(() => slow.opened, { clock });
    running.send('n', {});
    await new Promise((resolve) => setImmediate(resolve));
    let woken = false;
    const sleep = clock.sleep(1000).then(() => {
      woken = true;
    });
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(woken).toBe(false);
    slow.open();
    await sleep;
    expect(clock.now()).toBe(1000);
  });

  it('counts the frames that wait, each once', async () => {
    const slow = gate();
    const running = await start(() => slow.opened);
    const one = frame();
    running.send('n', { frame: one });
    running.send('n', { frame: one });
    running.send('n', { frame: frame() });
    expect(backlogBytes()).toBe(16);
    slow.open();
    await running.sink('completed').take(3);
    expect(backlogBytes()).toBe(0);
  });

  it('gives a frame that lost its class its class back', async () => {
    let seen: unknown;
    const running = await start(async ({ msg }) => {
      seen = msg.frame;
    });
    running.send('n', { frame: { ...frame() } as Frame });
    await running.sink('completed').first();
    expect(seen).toBeInstanceOf(Frame);
  });
});

describe('failures', () => {
  it('reach Catch with their remedy and turn the node red', async () => {
    const running = await start(async () => {
      throw new NightflowError('lost', 'The cable came off.', { remedy: 'Plug it in.' });
    });
    running.send('n', { payload: 1 });
    const caught = await running.sink('errors').first();
    expect(caught).toMatchObject({ payload: 1, error: { message: 'The cable came off. Plug it in.' } });
    expect((await running.status('n', 'red')).text).toBe('The cable came off. Plug it in.');
  });

  it.each([
    [new TypeError('x is not a function'), 'x is not a function'],
    ['a bare string', 'a bare string'],
    [Object.assign(new Error('no space'), { code: 'ENOSPC' }), 'no space. Free some space'],
  ])('of any kind do', async (thrown, text) => {
    const running = await start(async () => {
      throw thrown;
    });
    running.send('n', {});
    expect((await running.sink('errors').first()).error).toMatchObject({ message: expect.stringContaining(text) });
  });

  it('before the work do: a wrong setting, a frame that is none', async () => {
    const running = await start(async () => {});
    running.send('n', { seconds: 'many' });
    expect((await running.sink('errors').take(1))[0]!.error).toMatchObject({
      message: 'The seconds must be a number, not "many".',
    });
    running.send('n', { frame: 'none' as never });
    expect((await running.sink('errors').take(2))[1]!.error).toMatchObject({
      message: expect.stringContaining('msg.frame is a string, not a frame.'),
    });
  });

  it('of one message leave the next alone', async () => {
    const running = await start(async ({ msg, send }) => {
      if (msg.payload === 1) throw new Error('no');
      send(msg);
    });
    running.send('n', { payload: 1 });
    running.send('n', { payload: 2 });
    expect((await running.sink('first').first()).payload).toBe(2);
  });

  it('are not what was stopped on request', async () => {
    const running = await start(async () => {
      throw new NightflowError('aborted', 'stopped');
    });
    running.send('n', {});
    await running.sink('completed').first();
    expect(running.sink('errors').messages).toEqual([]);
    expect(running.statuses('n')).toEqual([]);
  });
});

describe('close', () => {
  it('aborts what runs, drops what waits, then closes', async () => {
    const events: string[] = [];
    const begun = gate();
    const running = await start(
      ({ msg, signal }) => {
        events.push(`run ${msg.payload}`);
        begun.open();
        return new Promise((_, reject) =>
          signal.addEventListener('abort', () => reject(new NightflowError('aborted', 'stopped'))),
        );
      },
      {
        closing: () => events.push('closing'),
        close: (removed) => void events.push(`close, removed: ${removed}`),
      },
    );
    running.send('n', { payload: 1 });
    running.send('n', { payload: 2 });
    await begun.opened;
    await running.deploy(flow.filter(({ id }) => id !== 'n'));
    expect(events).toEqual(['run 1', 'closing', 'close, removed: true']);
    expect(running.sink('errors').messages).toEqual([]);
  });
});

describe('the status line', () => {
  let node: { status: (status: unknown) => void; on: (name: string, then: () => void) => void };
  let shown: { text: string; fill: string }[];
  beforeEach(() => {
    shown = [];
    node = { status: (status) => shown.push(status as (typeof shown)[number]), on: () => {} };
  });

  it('shows each state in its colour', () => {
    for (const state of ['idle', 'working', 'done', 'waiting', 'failed'] as const)
      showStatus(node as unknown as Node, state, state);
    expect(shown.map(({ fill, text }) => `${text} ${fill}`)).toEqual([
      'idle grey',
      'working blue',
      'done green',
      'waiting yellow',
      'failed red',
    ]);
  });

  it('paces a flood, and shows the newest in the end, a failure at once', async () => {
    for (let i = 1; i <= 500; i++) showStatus(node as unknown as Node, 'working', `${i}`);
    expect(shown.length).toBeLessThan(100);
    showStatus(node as unknown as Node, 'failed', 'broken');
    expect(shown.at(-1)!.text).toBe('broken');
    showStatus(node as unknown as Node, 'working', 'again');
    await expect.poll(() => shown.at(-1)!.text).toBe('again');
  });
});
