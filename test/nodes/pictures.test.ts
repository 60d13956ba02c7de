import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { type AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { admit, keepsOthersOut, pictureAccess } from '../../nodes/picture-access.ts';
import { openPictures, type Pictures } from '../../nodes/pictures.ts';
import type { NodeAPI, SiteNode } from '../../nodes/types.ts';

const express = (await import('express')).default;

let archiveFolder: string;
let server: Server;
let port: number;
let RED: NodeAPI;
let opened: Pictures[];

beforeEach(async () => {
  archiveFolder = await mkdtemp(join(tmpdir(), 'nightflow-pictures-'));
  opened = [];
  await serve({});
});
afterEach(async () => {
  for (const pictures of opened) pictures.close();
  await new Promise((resolve) => server.close(resolve));
  await rm(archiveFolder, { recursive: true, force: true });
});

async function serve(settings: Record<string, unknown>): Promise<void> {
  if (server?.listening) await new Promise((resolve) => server.close(resolve));
  const app = express();
  RED = { settings: { httpNodeRoot: '/', ...settings }, httpNode: app } as unknown as NodeAPI;
  server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
}
const site = () => ({ id: 'site1', archiveFolder }) as SiteNode;
const open = (id = 'node1') => {
  const pictures = openPictures(RED, id, site());
  opened.push(pictures);
  return pictures;
};

interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
}
/** A raw path: fetch would tidy `..` away before it is sent. */
const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  new Promise<Answer>((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, headers, method, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('end', () =>
        resolve({ status: answer.statusCode!, headers: answer.headers, body: Buffer.concat(chunks) }),
      );
    });
    sent.on('error', reject);
    sent.end();
  });

describe('the latest picture', () => {
  it('is served at its address, which is new for each picture', async () => {
    const pictures = open();
    const first = pictures.show(Buffer.from('first'))!;
    const second = pictures.show(Buffer.from('second'))!;
    expect(first).toMatch(/^\/nightflow\/pictures\/node1\?v=/);
    expect(second).not.toBe(first);
    const answer = await get(second);
    expect(answer.body.toString()).toBe('second');
    expect(answer.headers).toMatchObject({
      'content-type': 'image/jpeg',
      'cache-control': 'private, max-age=3600, immutable',
      'x-content-type-options': 'nosniff',
    });
    expect((await get(first)).headers['cache-control']).toBe('private, no-cache');
  });

  it('is not sent again to a browser that has it', async () => {
    const address = open().show(Buffer.from('picture'))!;
    const { headers } = await get(address);
    expect((await get(address, { 'If-None-Match': String(headers.etag) })).status).toBe(304);
  });

  it('goes with its node, and the route with the last one', async () => {
    const [one, two] = [open('one'), open('two')];
    const address = one.show(Buffer.from('picture'))!;
    one.close();
    expect(await get(address)).toMatchObject({ status: 404, body: Buffer.from('No picture yet.') });
    const layers = () => (RED.httpNode as unknown as { _router: { stack: unknown[] } })._router.stack.length;
    const before = layers();
    two.close();
    two.close();
    expect(layers()).toBe(before - 1);
    expect((await get(address)).body.toString()).toContain('Cannot GET');
  });

  it('has no address where Node-RED serves no pages', () => {
    expect(
      openPictures({ settings: { httpNodeRoot: false } } as unknown as NodeAPI, 'x').show(Buffer.from('')),
    ).toBeNull();
  });

  it('is below the root that the settings name', async () => {
    await serve({ httpNodeRoot: '/observatory/' });
    expect(open().show(Buffer.from('x'))).toMatch(/^\/observatory\/nightflow\/pictures\/node1\?v=/);
  });
});

describe('files of the archive', () => {
  beforeEach(async () => {
    await mkdir(join(archiveFolder, '2026-01-12'), { recursive: true });
    await mkdir(join(archiveFolder, '.nightflow'), { recursive: true });
    await writeFile(join(archiveFolder, '2026-01-12', 'film å.mp4'), 'abcdefghij');
    await writeFile(join(archiveFolder, '2026-01-12', 'trail.jpg'), 'jpeg');
    await writeFile(join(archiveFolder, '2026-01-12', 'page.html'), '<script>alert(1)</script>');
    await writeFile(join(archiveFolder, '.nightflow', 'state.json'), 'secret');
    open();
  });

  it('are served with their type, and in ranges as a phone asks for a film', async () => {
    const address = opened[0]!.fileUrl(join(archiveFolder, '2026-01-12', 'film å.mp4'))!;
    expect(address).toBe('/nightflow/files/site1/2026-01-12/film%20%C3%A5.mp4');
    const whole = await get(address);
    expect(whole.headers).toMatchObject({ 'content-type': 'video/mp4', 'accept-ranges': 'bytes' });
    const part = await get(address, { Range: 'bytes=2-4' });
    expect([part.status, part.body.toString(), part.headers['content-range']]).toEqual([206, 'cde', 'bytes 2-4/10']);
    expect((await get(address, { Range: 'bytes=20-' })).status).toBe(416);
    expect((await get(address, {}, 'HEAD')).headers['content-length']).toBe('10');
  });

  it.each([
    '/nightflow/files/site1/../../etc/passwd',
    '/nightflow/files/site1/..%2f..%2fetc%2fpasswd',
    '/nightflow/files/site1/%2e%2e/%2e%2e/etc/passwd',
    '/nightflow/files/site1/2026-01-12/..%5c..%5cetc',
    '/nightflow/files/site1//etc/passwd',
    '/nightflow/files/site1/.nightflow/state.json',
    '/nightflow/files/site1/2026-01-12/x%00.jpg',
    '/nightflow/files/site1/%ff',
    '/nightflow/files/other/2026-01-12/trail.jpg',
    '/nightflow/files/site1/link/secret.txt',
    '/nightflow/pictures/__proto__',
  ])('are confined: %s', async (path) => {
    const outside = await mkdtemp(join(tmpdir(), 'nightflow-outside-'));
    await writeFile(join(outside, 'secret.txt'), 'secret');
    await symlink(outside, join(archiveFolder, 'link'));
    const { status, body } = await get(path);
    await rm(outside, { recursive: true, force: true });
    expect(status).toBe(404);
    expect(body.toString()).not.toMatch(/secret|root:/);
  });

  it('cannot run script in the page of the dashboard', async () => {
    const { headers } = await get('/nightflow/files/site1/2026-01-12/page.html');
    expect(headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-security-policy': "default-src 'none'; sandbox",
      'content-disposition': 'attachment; filename="page.html"',
    });
  });

  it('are listed, newest first, by type', async () => {
    const list = async (query: string) =>
      JSON.parse((await get(`/nightflow/files${query}`)).body.toString()).files as { name: string; url: string }[];
    expect((await list('?type=film')).map(({ name, url }) => [name, url])).toEqual([
      ['2026-01-12/film å.mp4', '/nightflow/files/site1/2026-01-12/film%20%C3%A5.mp4'],
    ]);
    expect((await list('/site1/2026-01-12/')).length).toBe(3);
    expect((await list('/site1/2026-01-12/?limit=1')).length).toBe(1);
    expect((await list('')).some(({ name }) => name.includes('state'))).toBe(false);
    expect(await list('?without=stacks,2026-01-12')).toEqual([]);
  });

  it('are only read', async () => {
    expect((await get('/nightflow/files/site1/2026-01-12/trail.jpg', {}, 'DELETE')).status).toBe(405);
  });
});

describe('who is let in', () => {
  const from = (remoteAddress: string, headers: Record<string, string> = {}) => {
    const socket = new Socket();
    Object.defineProperty(socket, 'remoteAddress', { value: remoteAddress });
    return { headers: { host: 'localhost:1880', ...headers }, socket } as unknown as IncomingMessage;
  };
  const nobody = new URLSearchParams();
  const bare = pictureAccess({}, {});

  it('is only this machine without a password or a token', () => {
    expect(admit(from('127.0.0.1'), nobody, bare)).toBe('admitted');
    expect(admit(from('::1', { host: '[::1]:1880' }), nobody, bare)).toBe('admitted');
    expect(admit(from('::ffff:127.0.0.1'), nobody, bare)).toBe('admitted');
    expect(admit(from('192.168.1.7', { host: '192.168.1.5:1880' }), nobody, bare)).toBe('refused');
    expect(admit(from('192.168.1.7'), nobody, bare)).toBe('refused');
  });

  it('is nobody behind a proxy, and no foreign page that was rebound to loopback', () => {
    expect(admit(from('127.0.0.1', { 'x-forwarded-for': '8.8.8.8' }), nobody, bare)).toBe('refused');
    expect(admit(from('127.0.0.1', { forwarded: 'for=8.8.8.8' }), nobody, bare)).toBe('refused');
    expect(admit(from('127.0.0.1', { host: 'evil.example' }), nobody, bare)).toBe('refused');
    expect(admit(from('127.0.0.1', { host: '127.0.0.1.evil.example' }), nobody, bare)).toBe('refused');
  });

  it('is everyone whom Node-RED itself asked for a password', () => {
    const access = pictureAccess({ httpNodeAuth: { user: 'a', pass: 'b' } }, {});
    expect(admit(from('192.168.1.7'), nobody, access)).toBe('admitted');
    expect(keepsOthersOut(access)).toBe(false);
  });

  it('is who has the token: as bearer, as cookie, or once in the address', () => {
    const access = pictureAccess({ nightflow: { token: 'orion nebula' } }, {});
    const phone = (headers: Record<string, string> = {}) => from('192.168.1.7', { host: 'pi.local', ...headers });
    expect(admit(phone(), nobody, access)).toBe('refused');
    expect(admit(phone(), new URLSearchParams({ token: 'orion' }), access)).toBe('refused');
    expect(admit(phone(), new URLSearchParams({ token: 'orion nebula' }), access)).toBe('admitted-by-query');
    expect(admit(phone({ cookie: 'a=b; nightflow_token=orion%20nebula' }), nobody, access)).toBe('admitted');
    expect(admit(phone({ cookie: 'nightflow_token=%ff' }), nobody, access)).toBe('refused');
    const bearer = pictureAccess({}, { NIGHTFLOW_TOKEN: 'abc' });
    expect(admit(phone({ authorization: 'Bearer abc' }), nobody, bearer)).toBe('admitted');
  });

  it('is said in the status only where others could ask at all', () => {
    expect(keepsOthersOut(bare)).toBe(true);
    expect(keepsOthersOut(pictureAccess({ uiHost: '127.0.0.1' }, {}))).toBe(false);
    expect(keepsOthersOut(pictureAccess({ uiHost: '0.0.0.0' }, {}))).toBe(true);
  });

  it('gets 403 over HTTP, with the reason, and a cookie after the token', async () => {
    await serve({ nightflow: { token: 'abc' } });
    const address = open().show(Buffer.from('picture'))!;
    const refused = await get(address, { Host: 'pi.local' });
    expect([refused.status, refused.body.toString()]).toEqual([
      403,
      expect.stringContaining('httpNodeAuth or a token'),
    ]);
    const admitted = await get(`${address}&token=abc`, { Host: 'pi.local' });
    expect(admitted.headers['set-cookie']).toEqual(['nightflow_token=abc; HttpOnly; SameSite=Strict; Path=/']);
    expect((await get(address, { Host: 'pi.local', Cookie: 'nightflow_token=abc' })).status).toBe(200);
  });
});
