import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isInstalled, unsuitable } from '../scripts/install.js';
import { claim } from '../scripts/only-one.js';
import { closingLine } from '../scripts/test.js';
import { buildPackage, freePort, inPackage, type Running, startProgram, temporaryFolder } from './house/node-red.ts';

/** What the machine's owner has: Node 20 where there is one, else this Node. */
const systemNode = ['/usr/bin/node', '/usr/local/bin/node'].find(existsSync) ?? process.execPath;

function start(home: string, port: number, env: Record<string, string> = {}): Promise<Running> {
  return startProgram({
    args: () => [inPackage('scripts/start.js')],
    env: { ...env, NIGHTFLOW_HOME: home, NIGHTFLOW_PORT: String(port) },
    userDir: home,
    port,
    node: systemNode,
  });
}

const up = /Nightflow is up[\s\S]*Ctrl\+C/;

describe('npm start', () => {
  let home: string;
  let running: Running | undefined;
  let other: Server | undefined;

  beforeAll(buildPackage);
  afterEach(async () => {
    await running?.stop();
    await new Promise((resolve) => (other ? other.close(resolve) : resolve(null)));
    running = other = undefined;
    rmSync(home, { recursive: true, force: true });
  });

  it('opens Node-RED 5 under Node 24 and prints the two addresses', async () => {
    home = temporaryFolder();
    running = await start(home, await freePort(), { NIGHTFLOW_LOG: 'info' });
    const text = await running.printed(up);
    expect(text).toMatch(/Node-RED version: v5\./);
    expect(text).toMatch(/Node\.js {2}version: v24\./);
    expect(text).toContain(`Editor:     ${running.url}/\n`);
    expect(text).toMatch(new RegExp(`Dashboard:  ${running.url}/dashboard`));
    expect((await fetch(running.url)).status).toBe(200);
  });

  it('lays the demo into the user directory at the first start and leaves flows/ alone', async () => {
    home = temporaryFolder();
    const demo = readFileSync(inPackage('flows/star-trails.json'), 'utf8');
    running = await start(home, await freePort());
    await running.printed(up);
    expect(readFileSync(join(home, 'flows.json'), 'utf8')).toBe(demo);
    expect(readFileSync(inPackage('flows/star-trails.json'), 'utf8')).toBe(demo);
    expect(existsSync(inPackage('flows/star-trails_cred.json'))).toBe(false);
  });

  it("keeps what the user made of the flow and takes the dashboard's address from it", async () => {
    home = temporaryFolder();
    const mine = JSON.stringify([
      { id: '00000000000000a1', type: 'ui-base', name: 'B', path: '/sky' },
      { id: '00000000000000a2', type: 'ui-page', name: 'P', ui: '00000000000000a1', path: '/mine' },
      { id: '00000000000000a3', type: 'ui-page', name: 'Q', ui: '00000000000000a1', path: '/other' },
    ]);
    writeFileSync(join(home, 'flows.json'), mine);
    running = await start(home, await freePort());
    const text = await running.printed(up);
    expect(text).toContain(`Dashboard:  ${running.url}/sky/mine\n`);
    expect(text).toContain(`${running.url}/sky/other  (Q)\n`);
    expect(readFileSync(join(home, 'flows.json'), 'utf8')).toBe(mine);
  });

  it('says that a port is taken and takes the next free one', async () => {
    home = temporaryFolder();
    const port = await freePort();
    other = createServer().listen(port, '127.0.0.1');
    running = await start(home, port);
    const text = await running.printed(up);
    const used = Number(/Editor: {5}http:\/\/127\.0\.0\.1:(\d+)\//.exec(text)?.[1]);
    expect(text).toContain(`Port ${port} is taken by another program; using ${used}.`);
    expect(used).toBeGreaterThan(port);
  });

  it('is the only one on its user directory', async () => {
    home = temporaryFolder();
    running = await start(home, await freePort());
    await running.printed(up);
    const second = await start(home, await freePort());
    expect(await second.exitCode()).toBe(1);
    expect(second.output()).toContain(`Nightflow runs already with the files of ${home}. Stop it`);
  });

  it('stops Node-RED when it is told to stop', async () => {
    home = temporaryFolder();
    running = await start(home, await freePort());
    await running.printed(up);
    const { url } = running;
    await running.stop();
    running = undefined;
    await expect(fetch(url)).rejects.toThrow();
  });

  it('opens HTTPS with one setting', async () => {
    home = temporaryFolder();
    running = await start(home, await freePort(), { NIGHTFLOW_HTTPS: '1' });
    const text = await running.printed(up);
    expect(text).toContain(`Editor:     https://127.0.0.1:${running.port}/`);
    const asked = `require('https').get('https://localhost:${running.port}/', (r) => process.exit(r.statusCode === 200 ? 0 : 1))`;
    const trusting = { ...process.env, NODE_EXTRA_CA_CERTS: join(home, 'https', 'cert.pem') };
    expect(spawnSync(process.execPath, ['-e', asked], { env: trusting }).status).toBe(0);
  });

  it('refuses the network without a password', async () => {
    home = temporaryFolder();
    running = await start(home, await freePort(), { NIGHTFLOW_HOST: '0.0.0.0' });
    expect(await running.exitCode()).toBe(1);
    expect(running.output()).toMatch(/^NIGHTFLOW_HOST=0\.0\.0\.0 opens .* Set one first: npm run password\n$/);
  });
});

describe('the user directory', () => {
  it('is free again after a process that was killed', async () => {
    const home = temporaryFolder();
    const holding = `import(process.argv[1]).then(({ claim }) => claim(process.argv[2])).then(console.log); setInterval(() => {}, 1000)`;
    const holder = await startProgram({ args: () => ['-e', holding, inPackage('scripts/only-one.js'), home] });
    await holder.printed(/true/);
    expect(await claim(home)).toBe(false);
    process.kill(holder.pid, 'SIGKILL');
    await holder.exitCode();
    expect(await claim(home)).toBe(true);
    rmSync(home, { recursive: true });
  });
});

describe('the machine', () => {
  it('is told which Node it needs', () => {
    expect(unsuitable('18.20.4', 'x64')).toContain('Node.js 20.12.0 or later; this is 18.20.4');
    expect(unsuitable('20.20.2', 'arm64')).toBeNull();
  });
  it('is told when it is a 32-bit one', () => {
    expect(unsuitable('20.20.2', 'arm')).toContain('64-bit');
  });
});

describe('the dependencies', () => {
  const lock = {
    packages: {
      '': { version: '0.1.0' },
      'node_modules/a': { version: '1.0.0' },
      'node_modules/a-mac': { version: '1.0.0', optional: true },
    },
  };
  it('are there when every package has the version of the lock file, those of other systems aside', () => {
    expect(isInstalled(lock, { packages: { 'node_modules/a': { version: '1.0.0' } } })).toBe(true);
  });
  it('are installed when there are none, an older one or the lock has grown', () => {
    expect(isInstalled(lock, null)).toBe(false);
    expect(isInstalled(lock, { packages: { 'node_modules/a': { version: '0.9.0' } } })).toBe(false);
    expect(isInstalled(lock, { packages: {} })).toBe(false);
  });
});

describe('the closing line of npm test', () => {
  const report = { numPassedTests: 5, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] };
  it('counts', () => {
    expect(closingLine(report, 0)).toEqual({ text: '5 passed, 0 failed', code: 0 });
    expect(closingLine({ ...report, numPendingTests: 2 }, 0).text).toBe('5 passed, 0 failed, 2 skipped');
  });
  it('counts a file that does not load as a failure', () => {
    const testResults = [{ status: 'failed', assertionResults: [] }];
    expect(closingLine({ ...report, testResults }, 1)).toEqual({ text: '5 passed, 1 failed', code: 1 });
  });
  it('never says 0 failed when vitest failed or nothing ran', () => {
    expect(closingLine(report, 1)).toEqual({ text: '5 passed, 1 failed', code: 1 });
    expect(closingLine({ ...report, numPassedTests: 0 }, 0)).toEqual({ text: '0 passed, 1 failed', code: 1 });
  });
});
