import { unlink, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import astroCamera from '../../../nodes/config/astro-camera.ts';
import astroApi from '../../../nodes/field/astro-api.ts';
import type { NodeAPI } from '../../../nodes/types.ts';
import { temporaryFolder } from '../../field/appliance/counting-camera.ts';
import { type FlowNode, type NodeModule, startFlow, stopFlow } from '../harness.ts';
import { type ScriptedCameras, useScriptedCamera } from '../scripted-camera.ts';

const express = (await import('express')).default;
let made: ScriptedCameras;
let closeServer: () => Promise<void>;
let base: string;
let pages: NodeModule;

beforeEach(async () => {
  made = useScriptedCamera();
  const app = express();
  pages = (RED) => {
    (RED as unknown as { httpNode: unknown }).httpNode = app;
  };
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  closeServer = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  };
});
afterEach(async () => {
  await stopFlow();
  made.remove();
  await closeServer();
});

const flowOf = (changes: Record<string, unknown> = {}, more: FlowNode[] = []): FlowNode[] => [
  { id: 'camera', type: 'astro-camera', name: 'Roof', backend: 'scripted' },
  {
    id: 'api',
    type: 'astro-api',
    camera: 'camera',
    path: '/appliance',
    spoolGigabytes: '1',
    whenFull: 'pause',
    ...changes,
    wires: [['frames'], ['events']],
  },
  { id: 'frames', type: 'helper', wires: [] },
  { id: 'events', type: 'helper', wires: [] },
  { id: 'catcher', type: 'catch', scope: null, wires: [['errors']] },
  { id: 'errors', type: 'helper', wires: [] },
  ...more,
];
const start = (changes?: Record<string, unknown>, more?: FlowNode[], settings?: Record<string, unknown>) =>
  startFlow([pages, astroCamera, astroApi], flowOf(changes, more), { settings });
const json = { 'Content-Type': 'application/json' };
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${base}/appliance${path}`, { method: 'POST', headers: { ...json, ...headers }, body: JSON.stringify(body) });

describe('astro-api', () => {
  it('loads with the right defaults, and says where it is', async () => {
    const flow = await start({ path: undefined, spoolGigabytes: undefined, whenFull: undefined });
    await flow.status('api', 'yellow', '/appliance');
    expect((await (await fetch(`${base}/appliance/status`)).json()).spool.maximumBytes).toBe(20e9);
  });

  it('takes a shot, answers with its RAW file, and tells the flow', async () => {
    const flow = await start();
    const answer = await post('/shot', { exposureSeconds: 0.01, camera: 'Roof' });
    expect(answer.status).toBe(200);
    expect(Buffer.from(await answer.arrayBuffer()).toString('latin1', 0, 6)).toBe('SIMPLE');
    const msg = await flow.sink('frames').first();
    expect(msg).toMatchObject({ camera: 'Roof', payload: expect.stringMatching(/^shot_.*\.fits$/) });
    expect(msg.frame).toMatchObject({ width: 16, height: 8 });
  });

  it('takes a batch by message, tells its progress, and serves its frames until they are acknowledged', async () => {
    const flow = await start();
    flow.send('api', { method: 'batch', params: { count: 2, exposureSeconds: 0.01 } });
    const end = await flow.sink('events').first(({ event }) => event === 'end');
    const { id } = end.payload as { id: string };
    expect(end).toMatchObject({ payload: { state: 'done', kept: 2 }, api: { address: '/appliance' } });
    expect((await flow.sink('events').first(({ event }) => event === 'answer')).payload).toMatchObject({
      id,
      count: 2,
    });
    const frames = await flow.sink('frames').take(2);
    expect(frames.map(({ file }) => (file as { number: number }).number).toSorted()).toEqual([1, 2]);
    const { url } = frames[0]!.file as { url: string };
    const fetched = await fetch(base + url);
    expect(fetched.status).toBe(200);
    await fetched.arrayBuffer();
    expect((await fetch(base + url, { method: 'DELETE' })).status).toBe(204);
    await flow.status('api', 'green', '1 to fetch');
    // It has ended once; what is fetched or thrown away afterwards is progress.
    expect((await fetch(`${base}/appliance/batches/${id}`, { method: 'DELETE' })).status).toBe(204);
    await flow.status('api', 'green', '0 to fetch');
    const afterwards = () =>
      flow
        .sink('events')
        .messages.filter(({ payload }) => (payload as { state?: string }).state === 'done')
        .map(({ event }) => event);
    await expect.poll(afterwards, { timeout: 20_000 }).toEqual(['end', 'progress', 'progress']);
  });

  it('keeps others out without the token, and lets them in with it', async () => {
    const withToken: NodeModule = (RED: NodeAPI) => {
      const { createNode } = RED.nodes;
      RED.nodes.createNode = (node, config) => {
        createNode(node, config);
        if (config.type === 'astro-api') (node as unknown as { credentials: object }).credentials = { token: 'sesame' };
      };
    };
    await startFlow([pages, withToken, astroCamera, astroApi], flowOf());
    const elsewhere = { 'X-Forwarded-For': '192.168.1.7' };
    const refused = await fetch(`${base}/appliance/status`, { headers: elsewhere });
    expect([refused.status, (await refused.json()).error.remedy]).toEqual([401, expect.stringContaining('token')]);
    const wrong = await fetch(`${base}/appliance/status`, { headers: { ...elsewhere, Authorization: 'Bearer open' } });
    expect([wrong.status, (await wrong.json()).error.message]).toEqual([401, 'The token is wrong.']);
    const bearer = { ...elsewhere, Authorization: 'Bearer sesame' };
    expect((await fetch(`${base}/appliance/status`, { headers: bearer })).status).toBe(200);
    // The same wrong one once more is no guess; ten others are.
    const answers: number[] = [];
    for (const token of ['open', 'open', 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 'sesame'])
      answers.push(
        (await fetch(`${base}/appliance/status`, { headers: { ...elsewhere, Authorization: `Bearer ${token}` } }))
          .status,
      );
    expect(answers).toEqual([...Array(11).fill(401), 429, 429]);
    const later = await fetch(`${base}/appliance/status?token=sesame`, { headers: elsewhere });
    expect([later.status, later.headers.get('retry-after')]).toEqual([429, '300']);
    expect((await later.json()).error.remedy).toContain('minutes');
    // This machine has no need of one.
    expect((await fetch(`${base}/appliance/status`)).status).toBe(200);
  });

  it('says what is wrong: a path that another has, a method that is none, no camera', async () => {
    const second = { ...flowOf()[1]!, id: 'second', wires: [[], []] };
    const flow = await start({}, [second]);
    await flow.status('second', 'red', 'Another node has the path');
    flow.send('api', { method: 'nosuch' });
    expect((await flow.sink('errors').first()).error).toMatchObject({ message: expect.stringContaining('nosuch') });
    await stopFlow();
    const without = await start({ camera: '' });
    await without.status('api', 'red', 'No camera is chosen');
    expect((await fetch(`${base}/appliance/status`)).status).toBe(503);
  });

  it('refuses a path that lies below that of another, or differs in capitals only: it would never be asked', async () => {
    const others = ['/Appliance', '/appliance/roof'].map((path) => ({
      ...flowOf()[1]!,
      path,
      id: path,
      wires: [[], []],
    }));
    const flow = await start({}, others);
    for (const { id } of others) await flow.status(id, 'red', 'Another node has the path /appliance');
  });

  it('opens its spool as soon as its disk is there', async () => {
    const folder = await temporaryFolder();
    // Where the disk is to be there is a file.
    const card = join(folder, '.nightflow');
    await writeFile(card, '');
    const flow = await startFlow([pages, astroCamera, astroApi], flowOf(), { userDir: folder });
    await flow.status('api', 'red', 'spool');
    expect((await fetch(`${base}/appliance/status`)).status).toBe(503);
    await unlink(card);
    expect((await fetch(`${base}/appliance/status`)).status).toBe(200);
    await flow.status('api', 'yellow', '/appliance');
    expect((await post('/shot', { exposureSeconds: 0.01 })).status).toBe(200);
    expect((await flow.sink('frames').first()).payload).toMatch(/^shot_/);
  });

  it('answers an address that is none', async () => {
    await start();
    const { port } = new URL(base);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      httpRequest({ host: '127.0.0.1', port, path: '/appliance//[?token=%' }, resolve).on('error', reject).end();
    });
    answer.resume();
    expect(answer.statusCode).toBe(404);
  });

  it('is gone from the pages when it is closed', async () => {
    const flow = await start();
    expect((await fetch(`${base}/appliance/status`)).status).toBe(200);
    await flow.deploy(flowOf().filter(({ id }) => id !== 'api'));
    expect((await fetch(`${base}/appliance/status`)).status).toBe(404);
    await flow.deploy(flowOf());
    expect((await fetch(`${base}/appliance/status`)).status).toBe(200);
  });
});
