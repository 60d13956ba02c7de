import { createHash } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { SpoolOptions } from '../../../lib/field/appliance/spool.ts';
import { CountingCamera, exposure } from './counting-camera.ts';
import { serveAppliance } from './serve.ts';

const patience = { timeout: 20_000 };

async function serve(camera = new CountingCamera(), spool: Partial<SpoolOptions> = {}) {
  const { appliance, port, base } = await serveAppliance(camera, spool);
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(base + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    fetch(base + path, { method, headers });
  const batchOf = async (count: number) => {
    const { id } = await appliance.start(count, exposure);
    await expect.poll(() => appliance.batch(id).state, patience).toBe('done');
    return { id, frames: appliance.batch(id).frames };
  };
  return { appliance, camera, port, base, post, get, batchOf };
}
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const bytesOf = async (answer: Response) => Buffer.from(await answer.arrayBuffer());

describe('POST shot', () => {
  it('answers with the RAW file, its SHA-256 as ETag, and nothing on the disk; GET has it once more', async () => {
    const { post, get, appliance } = await serve();
    const answer = await post('/shot', exposure);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/fits');
    expect(answer.headers.get('content-disposition')).toMatch(/filename="shot_20260314T200001.000Z.fits"/);
    const bytes = await bytesOf(answer);
    expect(answer.headers.get('etag')).toBe(`"${sha256(bytes)}"`);
    expect((await appliance.spool.room()).usedBytes).toBe(0);
    const tail = await get('/shot', { Range: 'bytes=100-' });
    expect([tail.status, tail.headers.get('content-range')]).toEqual([
      206,
      `bytes 100-${bytes.length - 1}/${bytes.length}`,
    ]);
    expect((await bytesOf(tail)).equals(bytes.subarray(100))).toBe(true);
  });

  it.each([
    ['nothing', '', 400],
    ['broken JSON', '{', 400],
    ['an array', [], 400],
    ['a wrong exposure', { exposureSeconds: -1 }, 400],
    ['an unknown camera', { ...exposure, camera: 'x' }, 400],
    ['what is too large', 'x'.repeat(70_000), 413],
  ])('refuses %s and says why', async (_what, body, status) => {
    const { post, camera } = await serve();
    const answer = await post('/shot', body);
    expect(answer.status).toBe(status);
    expect((await answer.json()).error.message).toBeTruthy();
    expect(camera.taken).toBe(0);
  });

  it('frees the camera when the client leaves in mid-exposure', async () => {
    const { base, appliance, post } = await serve();
    const leaving = new AbortController();
    const long = fetch(`${base}/shot`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ exposureSeconds: 500 }),
      signal: leaving.signal,
    });
    await expect.poll(async () => (await appliance.status()).cameras[0]!.busy, patience).toBe('a shot');
    expect((await post('/shot', exposure)).status).toBe(409);
    leaving.abort();
    await expect(long).rejects.toThrow();
    await expect.poll(async () => (await appliance.status()).cameras[0]!.busy, patience).toBeNull();
    expect((await post('/shot', exposure)).status).toBe(200);
  });
});

describe('the frames of a batch', () => {
  it('come whole, by range, by condition, and go when they are acknowledged', async () => {
    const { get, batchOf, appliance } = await serve();
    const { id, frames } = await batchOf(2);
    const address = `/batches/${id}/frames/1`;
    const whole = await get(address);
    const bytes = await bytesOf(whole);
    const etag = whole.headers.get('etag')!;
    expect(sha256(bytes)).toBe(frames[0]!.sha256);
    expect(etag).toBe(`"${frames[0]!.sha256}"`);
    expect((await get(address, { 'If-None-Match': etag })).status).toBe(304);
    const part = await get(address, { Range: 'bytes=10-19', 'If-Range': etag });
    expect(part.status).toBe(206);
    expect((await bytesOf(part)).equals(bytes.subarray(10, 20))).toBe(true);
    expect((await bytesOf(await get(address, { Range: 'bytes=-5' }))).equals(bytes.subarray(-5))).toBe(true);
    expect((await get(address, { Range: 'bytes=10-19', 'If-Range': '"other"' })).status).toBe(200);
    expect((await get(address, { Range: `bytes=${bytes.length}-` })).status).toBe(416);
    const head = await get(address, {}, 'HEAD');
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(bytes.length)]);
    expect((await get(`${address}/preview.jpg?width=32`)).headers.get('content-type')).toBe('image/jpeg');
    expect((await get(address, { 'If-Match': '"other"' }, 'DELETE')).status).toBe(412);
    expect((await get(address, { 'If-Match': '"other"' })).status).toBe(412);
    expect((await get(address, { 'If-Match': `"other", ${etag}` }, 'DELETE')).status).toBe(204);
    expect((await get(address)).status).toBe(404);
    const gone = await get(address, {}, 'DELETE');
    expect([gone.status, gone.headers.get('etag')]).toEqual([404, null]);
    expect(await (await get(`/batches/${id}`)).json()).toMatchObject({ acknowledged: 1, frames: [{ number: 2 }] });
    expect((await get(`/batches/${id}`, {}, 'DELETE')).status).toBe(204);
    expect((await appliance.spool.room()).frames).toBe(0);
  });

  it('are there while the next are exposed, and the list waits for news', async () => {
    const { post, get, camera } = await serve();
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    camera.before = (n) => (n === 2 ? held : Promise.resolve());
    const rpc = { jsonrpc: '2.0', id: 1, method: 'batch', params: { count: 2, ...exposure } };
    const { result } = await (await post('/rpc', rpc)).json();
    const first = await (await get(`/batches/${result.id}?kept=0&wait=20`)).json();
    expect(first).toMatchObject({ state: 'running', frames: [{ number: 1 }] });
    expect((await get(`/batches/${result.id}/frames/1`)).status).toBe(200);
    release();
    const second = await (await get(`/batches/${result.id}?kept=1&wait=20`)).json();
    expect(second.frames).toHaveLength(2);
  });

  it('survive a client that stops reading and one that leaves in mid-download; the camera goes on', async () => {
    // 6 MB: more than what the sockets of both sides hold.
    const { port, get, post, appliance } = await serve(new CountingCamera(2000, 1500));
    const params = { count: 6, ...exposure };
    const { result } = await (await post('/rpc', { jsonrpc: '2.0', id: 1, method: 'batch', params })).json();
    await get(`/batches/${result.id}?kept=0&wait=20`);
    const download = () =>
      new Promise<IncomingMessage>((resolve, reject) => {
        const sent = httpRequest({ port, path: `/batches/${result.id}/frames/1`, agent: false }, (answer) => {
          answer.on('error', () => {});
          answer.once('data', () => resolve(answer.pause()));
        });
        sent.on('error', reject);
        sent.end();
      });
    const [slow, gone] = [await download(), await download()];
    gone.destroy();
    await expect.poll(() => appliance.batch(result.id).state, patience).toBe('done');
    expect(appliance.batch(result.id)).toMatchObject({ kept: 6, lost: 0 });
    slow.destroy();
    const again = await bytesOf(await get(`/batches/${result.id}/frames/1`));
    expect(sha256(again)).toBe(appliance.batch(result.id).frames[0]!.sha256);
  });
});

describe('the addresses', () => {
  it('describe themselves', async () => {
    const { get } = await serve();
    const openApi = await (await get('/openapi.json')).json();
    expect(openApi).toMatchObject({ openapi: '3.1.0', info: { version: '1.2.3' } });
    expect(openApi.components.schemas.Exposure.required).toEqual(['exposureSeconds']);
    expect(Object.keys(openApi.paths)).toContain('/batches/{batch}/frames/{number}');
    expect(await (await get('/openrpc.json')).json()).toMatchObject({ openrpc: '1.3.2' });
    expect(await (await get('/status')).json()).toMatchObject({ batches: [], spool: { frames: 0 } });
  });

  it('answer what is wrong with what is wrong about it', async () => {
    const { get, post } = await serve();
    expect((await get('/nothing')).status).toBe(404);
    expect((await get('/batches/none')).status).toBe(404);
    expect((await get('/batches/none/frames/1')).status).toBe(404);
    expect((await get('/batches/none/frames/1/preview.jpg')).status).toBe(404);
    expect((await get('/preview.jpg')).status).toBe(404);
    expect((await get('/shot')).status).toBe(404);
    const wrong = await get('/rpc');
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST']);
    expect((await (await post('/rpc', '{"jsonrpc"')).json()).error.code).toBe(-32700);
    expect((await post('/rpc', { jsonrpc: '2.0', method: 'cameras' })).status).toBe(204);
    expect((await post('/rpc', ' '.repeat(70_000))).status).toBe(413);
    const tooLarge = { jsonrpc: '2.0', id: 1, method: 'batch', params: { count: 999_999, ...exposure } };
    expect((await (await post('/rpc', tooLarge)).json()).error).toMatchObject({
      code: -32008,
      data: { code: 'disk-full' },
    });
  });

  it('are closed to pages of other addresses', async () => {
    const { post, get } = await serve();
    const text = { 'Content-Type': 'text/plain' };
    expect((await post('/rpc', { jsonrpc: '2.0', id: 1, method: 'abort' }, text)).status).toBe(415);
    expect((await post('/shot', exposure, { Origin: 'http://evil.example' })).status).toBe(403);
    expect((await get('/status', { Origin: 'null' })).status).toBe(403);
  });
});
