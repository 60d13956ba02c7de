import { describe, expect, it } from 'vitest';
import { applianceMethods } from '../../../lib/field/appliance/methods.ts';
import { answerRpc } from '../../../lib/field/appliance/rpc.ts';
import { CountingCamera, exposure, openAppliance } from './counting-camera.ts';

async function server(camera = new CountingCamera()) {
  const appliance = await openAppliance(camera);
  const methods = applianceMethods(appliance, '1.2.3');
  const send = async (request: unknown) =>
    // biome-ignore lint/suspicious/noExplicitAny: whatever comes back is looked at
    (await answerRpc(typeof request === 'string' ? request : JSON.stringify(request), methods)) as any;
  return {
    appliance,
    send,
    call: (method: string, params?: unknown) => send({ jsonrpc: '2.0', id: 1, method, params }),
  };
}

describe('JSON-RPC 2.0', () => {
  /** The examples of the specification, section 7, with our methods. */
  it.each([
    ['broken JSON', '{"jsonrpc": "2.0", "method": "foobar, "params": "bar"]', -32700, null],
    ['no method', { jsonrpc: '2.0', method: 1, params: 'bar' }, -32600, null],
    ['an empty array', [], -32600, null],
    ['another version', { jsonrpc: '1.0', method: 'cameras', id: 3 }, -32600, 3],
    ['an id that can not be', { jsonrpc: '2.0', method: 'cameras', id: {} }, -32600, null],
    ['an unknown method', { jsonrpc: '2.0', method: 'foobar', id: '1' }, -32601, '1'],
    ['a method that every object has', { jsonrpc: '2.0', method: 'constructor', id: 1 }, -32601, 1],
    ['params that are none', { jsonrpc: '2.0', method: 'cameras', params: 'bar', id: 1 }, -32602, 1],
    ['too many params', { jsonrpc: '2.0', method: 'cameras', params: [1], id: 1 }, -32602, 1],
    ['an unknown param', { jsonrpc: '2.0', method: 'abort', params: { all: 1 }, id: 1 }, -32602, 1],
    ['a missing param', { jsonrpc: '2.0', method: 'settings.get', id: 1 }, -32602, 1],
    ['a param of another kind', { jsonrpc: '2.0', method: 'batch', params: [1.5, 1], id: 1 }, -32602, 1],
    ['a number beyond all', '{"jsonrpc":"2.0","method":"batch","params":[2,1,"main",1e999],"id":1}', -32602, 1],
    ['more frames than have names', { jsonrpc: '2.0', method: 'batch', params: [1e6, 1], id: 1 }, -32602, 1],
    ['null', null, -32600, null],
  ])('answers %s with the standard’s error', async (_what, request, code, id) => {
    const { send } = await server();
    expect(await send(request as object)).toMatchObject({ jsonrpc: '2.0', id, error: { code } });
  });

  it('answers arrays one by one, without the notifications', async () => {
    const { send } = await server();
    const answers = await send([
      { jsonrpc: '2.0', id: 'a', method: 'settings.get', params: ['gain'] },
      { jsonrpc: '2.0', method: 'settings.set', params: { name: 'gain', value: 7 } },
      1,
      { jsonrpc: '2.0', id: 'b', method: 'settings.get', params: { name: 'gain' } },
    ]);
    expect(answers).toMatchObject([
      { id: 'a', result: 4 },
      { id: null, error: { code: -32600 } },
      { id: 'b', result: 7 },
    ]);
    expect(await send([{ jsonrpc: '2.0', method: 'cameras' }])).toBeNull();
    expect(await send(Array(33).fill({ jsonrpc: '2.0', id: 1, method: 'cameras' }))).toMatchObject({
      error: { code: -32600 },
    });
  });

  it('tells what the camera said, with the remedy', async () => {
    const { call } = await server();
    expect(await call('settings.get', { name: 'nosuch' })).toMatchObject({
      error: { code: -32602, message: 'Counting has no setting "nosuch".', data: { code: 'bad-input' } },
    });
    expect(await call('batch', { count: 2, ...exposure, camera: 'other' })).toMatchObject({
      error: { code: -32602, data: { remedy: 'There are: main.' } },
    });
  });

  it('answers a setting that snapped to another value with an error, not with the value', async () => {
    const camera = new CountingCamera();
    camera.set = async () => 8;
    const { call } = await server(camera);
    const { error, result } = await call('settings.set', { name: 'gain', value: 7 });
    expect(result).toBeUndefined();
    expect(error).toMatchObject({
      message: expect.stringContaining('The setting gain of Counting was asked to be 7'),
      data: { code: 'rejected', remedy: expect.stringContaining('0 to 100') },
    });
  });

  it('controls the appliance', async () => {
    const { call, appliance } = await server();
    expect((await call('cameras')).result).toMatchObject([{ camera: 'main', sensor: { width: 64 }, problem: null }]);
    expect((await call('settings.list')).result).toMatchObject([{ name: 'gain', maximum: 100 }]);
    const { result } = await call('batch', { count: 2, ...exposure });
    await expect.poll(async () => (await call('status', [result.id])).result.state, { timeout: 20_000 }).toBe('done');
    expect((await call('status')).result).toMatchObject({
      cameras: [{ id: 'main', busy: null, recovery: null }],
      spool: { frames: 2, full: false },
      batches: [{ id: result.id, kept: 2 }],
    });
    expect((await call('abort')).result).toEqual([]);
    expect(appliance.batch(result.id).frames).toHaveLength(2);
  });

  it('describes itself as OpenRPC', async () => {
    const { call } = await server();
    const { result } = await call('rpc.discover');
    expect(result).toMatchObject({ openrpc: '1.3.2', info: { version: '1.2.3' } });
    const names = result.methods.map(({ name }: { name: string }) => name);
    expect(names).toEqual(expect.arrayContaining(['cameras', 'settings.set', 'capture', 'batch', 'status', 'abort']));
    const batch = result.methods.find(({ name }: { name: string }) => name === 'batch');
    expect(batch.params[0]).toMatchObject({ name: 'count', required: true, schema: { type: 'integer', minimum: 1 } });
  });
});
