import { afterEach, describe, expect, it } from 'vitest';
import { allocatePixels, Frame } from '../../lib/frame/frame.ts';
import { coreNode, type FlowNode, startFlow, stopFlow } from './harness.ts';

afterEach(stopFlow);

const [width, height] = [5000, 5000];
const bigFrame = () =>
  new Frame({ data: allocatePixels(width, height, 1, 'u16'), width, height, pixelType: 'u16', camera: 'Roof' });

describe('cloning', () => {
  it('of a message with a 50 MB frame shares the memory, keeps the class and copies no pixel', async () => {
    const { RED } = await startFlow([], []);
    const msg = { _msgid: 'x', payload: { n: 1 }, frame: bigFrame() };
    const bytes = msg.frame.data.byteLength;
    expect(bytes).toBe(50e6);
    RED.util.cloneMessage(msg);
    const before = process.memoryUsage();
    const clones = Array.from({ length: 20 }, () => RED.util.cloneMessage(msg));
    const after = process.memoryUsage();
    // Twenty copies would take 1 GB; what else the process does in between takes nothing like one.
    for (const name of ['arrayBuffers', 'external', 'heapUsed'] as const)
      expect([name, after[name] - before[name] < bytes / 2]).toEqual([name, true]);
    for (const { frame } of clones) {
      expect(frame).not.toBe(msg.frame);
      expect(frame).toBeInstanceOf(Frame);
      expect(frame.data === msg.frame.data).toBe(true);
      expect(frame.pixels.length).toBe(width * height);
    }
    msg.frame.pixels[12_345] = 4711;
    expect(clones.every(({ frame }) => frame.pixels[12_345] === 4711)).toBe(true);
  });
});

describe('ten wires', () => {
  const sinks = Array.from({ length: 10 }, (_, i) => `s${i}`);
  const flow: FlowNode[] = [
    { id: 'in', type: 'helper', wires: [['f', 'lout', 'lcall', 'ch', 'd', 'ctx', 'thrower', 'dbg', 's0', 's1']] },
    fn('f', 'return msg;', ['s2']),
    { id: 'lout', type: 'link out', links: ['lin'], mode: 'link', wires: [] },
    { id: 'lin', type: 'link in', links: ['lout'], wires: [['s3']] },
    { id: 'lcall', type: 'link call', linkType: 'static', links: ['sub'], timeout: '5', wires: [['s4']] },
    { id: 'sub', type: 'link in', links: [], wires: [['ret']] },
    { id: 'ret', type: 'link out', links: [], mode: 'return', wires: [] },
    {
      id: 'ch',
      type: 'change',
      rules: [{ t: 'set', p: 'copy', pt: 'msg', to: 'frame', tot: 'msg', dc: true }],
      wires: [['s5']],
    },
    {
      id: 'd',
      type: 'delay',
      pauseType: 'delay',
      timeout: '5',
      timeoutUnits: 'milliseconds',
      rate: '1',
      nbRateUnits: '1',
      rateUnits: 'second',
      randomFirst: '1',
      randomLast: '5',
      randomUnits: 'seconds',
      drop: false,
      wires: [['s6']],
    },
    fn('ctx', "flow.set('kept', msg.frame); msg.back = flow.get('kept'); return msg;", ['s7']),
    fn('thrower', "throw new Error('on purpose');", []),
    { id: 'caught', type: 'catch', scope: ['thrower'], wires: [['s8']] },
    {
      id: 'dbg',
      type: 'debug',
      active: true,
      tosidebar: true,
      console: false,
      complete: 'true',
      targetType: 'full',
      wires: [],
    },
    fn('late', 'return msg;', ['s9']),
    ...sinks.map((id) => ({ id, type: 'helper', wires: id === 's0' ? [['late']] : [] })),
  ];
  const core = ['function/10-function', 'function/15-change', 'function/89-delay', 'common/60-link', 'common/21-debug'];

  it('see one memory: function, link, link call, change with deep copy, delay, flow context, catch, debug', async () => {
    const running = await startFlow(core.map(coreNode), flow);
    const frame = bigFrame();
    running.node('in').send({ payload: 1, frame });

    for (const id of sinks.filter((id) => id !== 's9')) {
      const { frame: seen } = await running.sink(id).first();
      expect([id, seen instanceof Frame]).toEqual([id, true]);
      expect([id, seen!.data === frame.data]).toEqual([id, true]);
    }
    const copy = (await running.sink('s5').first()).copy as { data: SharedArrayBuffer };
    expect(copy.data === frame.data).toBe(true);
    expect(((await running.sink('s7').first()).back as Frame).data === frame.data).toBe(true);
    const line = (await running.debugged('dbg')).msg;
    expect(line).toContain('Frame 5000x5000 mono u16 Roof');
    expect(line.length).toBeLessThan(500);
  });
});

function fn(id: string, func: string, wires: string[]): FlowNode {
  return {
    id,
    type: 'function',
    func,
    outputs: 1,
    timeout: 0,
    noerr: 0,
    initialize: '',
    finalize: '',
    libs: [],
    wires: [wires],
  };
}
