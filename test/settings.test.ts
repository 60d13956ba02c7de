import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inPackage, type Running, startOurs, startProgram, temporaryFolder } from './house/node-red.ts';

const password = 'a long enough password';
const authorization = (user: string, secret: string) => `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`;
const socketPath = '/dashboard/socket.io/?EIO=4&transport=polling';

/** The smallest dashboard: without a page Dashboard opens no socket. */
const dashboardFlow = [
  { id: 'f1a0000000000001', type: 'tab', label: 'Flow' },
  { id: 'f1a0000000000002', type: 'ui-base', name: 'Base', path: '/dashboard' },
  { id: 'f1a0000000000003', type: 'ui-theme', name: 'Theme', colors: {}, sizes: {} },
  page('f1a0000000000004'),
  {
    id: 'f1a0000000000005',
    type: 'http in',
    z: 'f1a0000000000001',
    url: '/hello',
    method: 'get',
    wires: [['f1a0000000000006']],
  },
  { id: 'f1a0000000000006', type: 'http response', z: 'f1a0000000000001', statusCode: '', wires: [] },
];
function page(id: string) {
  return {
    id,
    type: 'ui-page',
    name: 'P',
    ui: 'f1a0000000000002',
    path: '/p',
    theme: 'f1a0000000000003',
    layout: 'grid',
  };
}

interface Answer {
  status: number;
  body: string;
  headers: NodeJS.Dict<string | string[]>;
}

/** A raw request: unlike fetch it lets the test forge Host and Origin. */
function ask(url: string, headers: Record<string, string> = {}, { method = 'GET', body = '' } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https') ? secureRequest : request;
    const asked = send(url, { method, headers, rejectUnauthorized: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text, headers: response.headers }));
    });
    asked.on('error', reject).end(body);
  });
}

/** Opens a socket.io session by polling, as Dashboard's page does, and returns what the server says to CONNECT. */
async function connectSocket(running: Running, headers: Record<string, string> = {}): Promise<string> {
  const opened = await ask(running.url + socketPath, headers);
  const { sid } = JSON.parse(opened.body.slice(1)) as { sid: string };
  const session = `${running.url}${socketPath}&sid=${sid}`;
  await ask(session, { ...headers, 'content-type': 'text/plain' }, { method: 'POST', body: '40' });
  return (await ask(session, headers)).body;
}

describe('without a password', () => {
  const home = temporaryFolder();
  let running: Running;

  beforeAll(async () => {
    writeFileSync(join(home, 'flows.json'), JSON.stringify(dashboardFlow));
    running = await startOurs(home);
  });
  afterAll(async () => {
    await running?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  it('listens on this computer only', async () => {
    expect(running.output()).toContain(`Server now running at http://127.0.0.1:${running.port}/`);
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((address) => address && !address.internal && address.family === 'IPv4');
    if (outside) await expect(ask(`http://${outside.address}:${running.port}/`)).rejects.toThrow('ECONNREFUSED');
  });

  it('opens editor, pages and the dashboard socket to this computer', async () => {
    expect((await ask(`${running.url}/settings`)).status).toBe(200);
    expect((await ask(`${running.url}/hello`)).status).toBe(200);
    expect((await ask(`${running.url}/dashboard/p`)).status).toBe(200);
    expect(await connectSocket(running, { origin: running.url })).toMatch(/^40\{"sid"/);
  });

  it('names itself and sends no usage data', async () => {
    expect((await ask(running.url)).body).toContain('<title>Nightflow</title>');
    const settings = JSON.parse((await ask(`${running.url}/settings`)).body);
    expect(settings.telemetryEnabled).toBe(false);
  });

  it('refuses a foreign host name (DNS rebinding) everywhere', async () => {
    const host = `evil.example:${running.port}`;
    for (const path of ['/settings', '/flows', '/hello', '/dashboard'])
      expect((await ask(running.url + path, { host })).status, path).toBe(403);
    expect(await connectSocket(running, { host, origin: `http://${host}` })).toContain('unauthorized');
  });

  it("refuses the dashboard's socket to a page of another origin", async () => {
    expect(await connectSocket(running, { origin: 'http://evil.example' })).toContain('unauthorized');
  });

  it('keeps the key of the credentials in the user directory, for the owner only', () => {
    const file = join(home, 'credential-secret');
    expect(readFileSync(file, 'utf8')).toMatch(/^[0-9a-f]{64}$/);
    expect(statSync(file).mode & 0o077).toBe(0);
  });

  it('loads our nodes from the repository and keeps the flow file in the user directory', async () => {
    expect(running.output()).toContain(join(home, 'flows.json'));
    const sets = JSON.parse((await ask(`${running.url}/nodes`, { accept: 'application/json' })).body);
    expect(sets.filter((set: { module: string }) => set.module === '@nightflow/node-red').length).toBeGreaterThan(0);
  });
});

describe('with a password', () => {
  const home = temporaryFolder();
  let running: Running;
  const right = { authorization: authorization('nightflow', password) };

  beforeAll(async () => {
    writeFileSync(join(home, 'flows.json'), JSON.stringify(dashboardFlow));
    const set = setPassword(home, password);
    expect(set.status, set.stderr).toBe(0);
    running = await startOurs(home, { NIGHTFLOW_HOST: '127.0.0.1' });
  });
  afterAll(async () => {
    await running?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  it('stores a hash that only the owner can read', () => {
    const file = join(home, 'password.json');
    expect(readFileSync(file, 'utf8')).not.toContain(password);
    expect(readFileSync(file, 'utf8')).toMatch(/\$2[aby]\$10\$/);
    expect(statSync(file).mode & 0o077).toBe(0);
  });

  it('asks for it at the editor', async () => {
    expect((await ask(`${running.url}/flows`)).status).toBe(401);
    const body = JSON.stringify({
      ...{ client_id: 'node-red-editor', grant_type: 'password', scope: '*' },
      ...{ username: 'nightflow', password },
    });
    const token = await ask(
      `${running.url}/auth/token`,
      { 'content-type': 'application/json' },
      { method: 'POST', body },
    );
    const bearer = `Bearer ${JSON.parse(token.body).access_token}`;
    expect((await ask(`${running.url}/flows`, { authorization: bearer })).status).toBe(200);
  });

  it('asks for it at pages and the dashboard', async () => {
    for (const path of ['/hello', '/dashboard/p', '/dashboard/_setup']) {
      const refused = await ask(running.url + path);
      expect(refused.status, path).toBe(401);
      expect(refused.headers['www-authenticate']).toContain('Basic');
      expect((await ask(running.url + path, right)).status, path).toBe(200);
    }
    const wrong = { authorization: authorization('nightflow', 'wrong') };
    expect((await ask(`${running.url}/hello`, wrong)).status).toBe(401);
  });

  it("asks for it at the dashboard's socket, which else gives away the whole configuration", async () => {
    const refused = await connectSocket(running);
    expect(refused).toContain('unauthorized');
    expect(refused).not.toContain('ui-config');
    expect(await connectSocket(running, right)).toMatch(/^40\{"sid"/);
  });

  it('stops guessing after ten wrong passwords, but not the owner who is in', async () => {
    const wrong = { authorization: authorization('nightflow', 'guess') };
    const answers: number[] = [];
    for (let i = 0; i < 12; i++) answers.push((await ask(`${running.url}/hello`, wrong)).status);
    expect(answers).toContain(429);
    expect((await ask(`${running.url}/hello`, right)).status).toBe(200);
  });
});

it('does not open to the network without a password and says how to set one', async () => {
  const home = temporaryFolder();
  const running = await startProgram({
    args: () => [inPackage('node_modules/node-red/red.js'), '--settings', inPackage('settings.js')],
    env: { NIGHTFLOW_HOME: home, NIGHTFLOW_HOST: '0.0.0.0' },
    userDir: home,
  });
  expect(await running.exitCode()).toBe(1);
  expect(running.output()).toContain('there is no password yet. Set one first: npm run password');
  rmSync(home, { recursive: true, force: true });
});

describe('npm run password', () => {
  it.each([
    ['short', 'short', 'at least 8 characters'],
    ['long enough', 'not the same', 'not the same'],
    ['x'.repeat(73), 'x'.repeat(73), 'at most 72 bytes'],
  ])('refuses %s', (first, second, complaint) => {
    const home = temporaryFolder();
    const set = setPassword(home, first, second);
    expect(set.status).toBe(1);
    expect(set.stderr).toContain(complaint);
    rmSync(home, { recursive: true, force: true });
  });
});

function setPassword(home: string, first: string, second = first) {
  return spawnSync(process.execPath, [inPackage('scripts/password.js')], {
    input: `\n${first}\n${second}\n`,
    env: { ...process.env, NIGHTFLOW_HOME: home },
    encoding: 'utf8',
  });
}
