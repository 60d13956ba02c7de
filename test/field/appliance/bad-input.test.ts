/** What clients do to an appliance over real HTTP: malformed, huge, forged, twice, and against its limits. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { SpoolOptions } from '../../../lib/field/appliance/spool.ts';
import { CountingCamera, exposure } from './counting-camera.ts';
import { serveAppliance } from './serve.ts';

const patience = { timeout: 20_000 };
const json = { 'Content-Type': 'application/json' };

async function serve(spool: Partial<SpoolOptions> = {}, camera = new CountingCamera()) {
  const served = await serveAppliance(camera, spool);
  const post = (path: string, body: unknown, headers: Record<string, string> = json) =>
    fetch(served.base + path, {
      method: 'POST',
      headers,
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const rpc = async (method: string, params: unknown = {}) =>
    (await post('/rpc', { jsonrpc: '2.0', id: 1, method, params })).json();
  const taken = async (count: number) => {
    const { id } = await served.appliance.start(count, exposure);
    await expect.poll(() => served.appliance.batch(id).state, patience).toBe('done');
    return { id, frames: served.appliance.batch(id).frames };
  };
  return { ...served, camera, post, rpc, taken };
}

/** As it is written: fetch would tidy the path up. */
const raw = (port: number, path: string, headers: Record<string, string> = {}, method = 'GET') =>
  new Promise<{ status: number; text: string; headers: IncomingMessage['headers'] }>((resolve, reject) => {
    const sent = httpRequest({ port, path, headers, method, host: '127.0.0.1', agent: false }, async (answer) => {
      let text = '';
      for await (const chunk of answer.setEncoding('latin1')) text += chunk;
      resolve({ status: answer.statusCode ?? 0, text, headers: answer.headers });
    });
    sent.on('error', reject).end();
  });

describe('a malformed call', () => {
  it.each([
    ['no JSON', '{"jsonrpc":', -32700],
    ['bytes that are no text', '\u0000\uffff{', -32700],
    ['an empty array', [], -32600],
    ['a number', 7, -32600],
    ['no version', { id: 1, method: 'status' }, -32600],
    ['a method that is no text', { jsonrpc: '2.0', id: 1, method: 5 }, -32600],
    ['an unknown method', { jsonrpc: '2.0', id: 1, method: 'format-disk' }, -32601],
    ['a name every object has', { jsonrpc: '2.0', id: 1, method: 'constructor' }, -32601],
    ['text for a number', { jsonrpc: '2.0', id: 1, method: 'batch', params: { count: '9', ...exposure } }, -32602],
    ['half a frame', { jsonrpc: '2.0', id: 1, method: 'batch', params: { count: 1.5, ...exposure } }, -32602],
    ['an object for a name', { jsonrpc: '2.0', id: 1, method: 'status', params: { batch: {} } }, -32602],
    ['an unknown parameter', { jsonrpc: '2.0', id: 1, method: 'status', params: { __proto__x: 1 } }, -32602],
    ['what is missing', { jsonrpc: '2.0', id: 1, method: 'batch', params: { count: 1 } }, -32602],
  ])('of %s is answered with its code and a sentence, and the camera rests', async (_what, body, code) => {
    const { post, camera } = await serve();
    const answer = await post('/rpc', body);
    expect(answer.status).toBe(200);
    const { error } = await answer.json();
    expect(error.code).toBe(code);
    expect(error.message).toMatch(/\.$/);
    expect(camera.taken).toBe(0);
  });

  it('among good ones takes nothing from them; notifications stay without an answer', async () => {
    const { post } = await serve();
    const answer = await post('/rpc', [
      { jsonrpc: '2.0', id: 'a', method: 'settings.get', params: ['gain'] },
      { jsonrpc: '2.0', method: 'settings.set', params: { name: 'gain', value: 9 } },
      { jsonrpc: '2.0', id: 2, method: 'nothing' },
      5,
      { jsonrpc: '2.0', id: 3, method: 'settings.get', params: ['gain'] },
    ]);
    expect(await answer.json()).toMatchObject([
      { id: 'a', result: 4 },
      { id: 2, error: { code: -32601 } },
      { id: null, error: { code: -32600 } },
      { id: 3, result: 9 },
    ]);
    const many = Array.from({ length: 33 }, (_, id) => ({ jsonrpc: '2.0', id, method: 'status' }));
    expect(await (await post('/rpc', many)).json()).toMatchObject({ error: { code: -32600 } });
  });

  it('of many megabytes is refused, whether it names its length or not', async () => {
    const { post, port, appliance } = await serve();
    const answer = await post('/rpc', 'x'.repeat(5_000_000));
    expect([answer.status, (await answer.json()).error.message]).toEqual([413, expect.stringContaining('65536 bytes')]);
    const declared = connect(port, '127.0.0.1');
    const said = new Promise<string>((resolve) => declared.once('data', (chunk) => resolve(String(chunk))));
    declared.write(
      'POST /rpc HTTP/1.1\r\nHost: pi\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n',
    );
    expect(await said).toMatch(/^HTTP\/1\.1 413 /);
    declared.destroy();
    // A body without an end: what comes is dropped, and the line is cut.
    const endless = httpRequest({ port, path: '/rpc', method: 'POST', headers: json, agent: false });
    endless.on('error', () => {});
    const closed = new Promise<void>((resolve) => endless.once('close', () => resolve()));
    const feed = () => {
      while (!endless.destroyed && endless.write('x'.repeat(100_000)));
      if (!endless.destroyed) endless.once('drain', feed);
    };
    feed();
    await closed;
    expect((await appliance.status()).batches).toEqual([]);
  });
});

describe('an address', () => {
  it.each([
    '/batches/..%2f..%2fetc/frames/1',
    '/batches/../../etc/passwd',
    '/batches/%2e%2e/frames/1/preview.jpg',
    '/batches/%00/frames/1',
    '//batches/x/frames/1',
    '/batches/x/frames/1e9',
    '/batches/x/frames/-1',
    '/batches/__proto__/frames/1',
    '/batches/%ff',
    '//[',
    '/?wait=%zz&%',
  ])('%s leads nowhere', async (path) => {
    const { port } = await serve();
    const answer = await raw(port, path);
    expect(answer.status).toBe(path.startsWith('/?') ? 200 : 404);
    if (answer.status === 404)
      expect(JSON.parse(answer.text).error.message).toMatch(/There is no batch|Nothing is here/);
    expect((await raw(port, path, {}, 'DELETE')).status).toBeGreaterThanOrEqual(404);
  });

  it('of a frame is deleted once; the second time it says so', async () => {
    const { taken, base } = await serve();
    const { id } = await taken(2);
    const address = `${base}/batches/${id}/frames/2`;
    expect((await fetch(address, { method: 'DELETE' })).status).toBe(204);
    const second = await fetch(address, { method: 'DELETE' });
    expect([second.status, (await second.json()).error.message]).toEqual([
      404,
      expect.stringContaining('acknowledged'),
    ]);
    expect((await (await fetch(`${base}/batches/${id}`)).json()).frames).toHaveLength(1);
  });

  it('is answered in parts only where they are', async () => {
    const { taken, base } = await serve();
    const { id, frames } = await taken(1);
    const { bytes } = frames[0]!;
    const ask = (Range: string, method = 'GET') =>
      fetch(`${base}/batches/${id}/frames/1`, { method, headers: { Range } });
    const cases: [string, number, string | null][] = [
      ['bytes=0-0', 206, `bytes 0-0/${bytes}`],
      [`bytes=${bytes - 1}-${bytes + 99}`, 206, `bytes ${bytes - 1}-${bytes - 1}/${bytes}`],
      [`bytes=-${bytes * 2}`, 200, null],
      [`bytes=${bytes}-`, 416, `bytes */${bytes}`],
      ['bytes=-0', 416, `bytes */${bytes}`],
      ['bytes=99999999999999999999-', 416, `bytes */${bytes}`],
      ['bytes=9-2', 200, null],
      ['bytes=0-1,4-5', 200, null],
      ['lines=1-2', 200, null],
      ['bytes=a-b', 200, null],
    ];
    for (const [range, status, contentRange] of cases) {
      const answer = await ask(range);
      expect([answer.status, answer.headers.get('content-range')], range).toEqual([status, contentRange]);
      const length = (await answer.arrayBuffer()).byteLength;
      expect(length, range).toBe(status === 200 ? bytes : status === 206 ? 1 : 0);
    }
    const head = await ask('bytes=0-0', 'HEAD');
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(bytes)]);
    expect((await fetch(`${base}/status`, { method: 'HEAD' })).status).toBe(200);
    expect((await fetch(`${base}/rpc`, { method: 'HEAD' })).status).toBe(405);
    expect((await fetch(`${base}/rpc`, { method: 'OPTIONS' })).headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('a page elsewhere in the browser', () => {
  const host = 'pi:1880';
  it.each([
    ['of another origin', { Origin: 'http://evil.example' }, 'GET', 403],
    ['of a sandbox', { Origin: 'null' }, 'POST', 403],
    ['of the same host at another port', { Origin: 'http://pi:8080', 'Sec-Fetch-Site': 'same-site' }, 'POST', 403],
    ['without its origin', { 'Sec-Fetch-Site': 'cross-site' }, 'POST', 403],
    ['that deletes', { 'Sec-Fetch-Site': 'same-site' }, 'DELETE', 403],
    ['that posts a form', { 'Content-Type': 'text/plain' }, 'POST', 415],
    ['that posts a form of its own', { 'Content-Type': 'application/x-www-form-urlencoded' }, 'POST', 415],
    ['that posts without a type', {}, 'POST', 415],
  ])('%s can do nothing with what the browser knows', async (_what, headers, method, status) => {
    const { port, camera } = await serve();
    const login = { Authorization: `Basic ${Buffer.from('nightflow:secret').toString('base64')}` };
    const sent = { ...headers, ...login, Host: host } as unknown as Record<string, string>;
    const answer = await raw(port, method === 'DELETE' ? '/batches/x' : '/shot', sent, method);
    expect(answer.status).toBe(status);
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    expect(camera.taken).toBe(0);
  });

  it('of its own may', async () => {
    const { port } = await serve();
    const own = { Origin: `http://${host}`, Host: host, 'Sec-Fetch-Site': 'same-origin' };
    expect((await raw(port, '/status', own)).status).toBe(200);
  });
});

describe('a batch against the limits of the spool', () => {
  it('that is larger than the disk is refused with the figures and the remedy, before anything is exposed', async () => {
    const { rpc, camera } = await serve({ maximumBytes: 10e6 });
    for (const whenFull of ['pause', 'end']) {
      const { error } = await rpc('batch', { count: 100_000, ...exposure, whenFull });
      expect(error).toMatchObject({ code: -32008, data: { code: 'disk-full', remedy: expect.any(String) } });
      expect(error.message).toMatch(/room for 10 MB; 17\d\d MB are needed/);
    }
    expect(camera.taken).toBe(0);
    expect((await rpc('status')).result.batches).toEqual([]);
  });
});
