/** The quality of a clock as a real chronyd tells it, run as a plain user with -x: it leaves the system clock alone. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { realClock } from '../../lib/clock/clock.ts';
import { clockQuality } from '../../lib/process/clock-quality.ts';
import { freePort } from './indi-world.ts';

let folder: string;
const daemons: (() => void)[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-chrony-'));
});
afterAll(async () => {
  for (const end of daemons) end();
  await rm(folder, { recursive: true, force: true });
});

/** @returns the port it answers questions on. */
async function chronyd(name: string, lines: readonly string[]): Promise<number> {
  const port = await freePort();
  const common = [`cmdport ${port}`, 'bindcmdaddress 127.0.0.1', `pidfile ${join(folder, `${name}.pid`)}`];
  await writeFile(join(folder, `${name}.conf`), `${[...lines, ...common].join('\n')}\n`);
  const daemon = spawn('/usr/sbin/chronyd', ['-x', '-d', '-U', '-f', join(folder, `${name}.conf`)], {
    stdio: 'ignore',
  });
  await new Promise((resolve, reject) => daemon.once('spawn', resolve).once('error', reject));
  daemons.push(() => daemon.kill());
  return port;
}
const ask = (chronyPort: number) => clockQuality({ clock: realClock, chronyPort });
const patiently = { timeout: 40_000, interval: 300 };

it('that follows nobody: not synchronised, and what to look at', async () => {
  const port = await chronyd('alone', ['port 0']);
  await expect
    .poll(async () => (await ask(port)).warning?.message, patiently)
    .toBe('The clock is not synchronised yet: chrony has no source.');
  expect(await ask(port)).toMatchObject({ source: 'none', synchronised: false, uncertaintySeconds: null });
}, 60_000);

it('that trusts itself is no source', async () => {
  const port = await chronyd('itself', ['port 0', 'local stratum 10']);
  await expect
    .poll(async () => (await ask(port)).warning?.message, patiently)
    .toBe('The clock trusts itself ("local") and follows nobody.');
}, 60_000);

it('that follows a server: how far off at most', async () => {
  const serves = await freePort();
  await chronyd('server', [`port ${serves}`, 'bindaddress 127.0.0.1', 'local stratum 1', 'allow 127.0.0.1']);
  const port = await chronyd('client', ['port 0', `server 127.0.0.1 port ${serves} iburst minpoll -2 maxpoll 0`]);
  await expect.poll(async () => (await ask(port)).synchronised, patiently).toBe(true);
  const quality = await ask(port);
  expect(quality).toMatchObject({ source: 'chrony', reference: '127.0.0.1', stratum: 2, warning: null });
  expect(quality.uncertaintySeconds).toBeGreaterThan(0);
  expect(quality.uncertaintySeconds).toBeGreaterThanOrEqual(Math.abs(quality.offsetSeconds!));
}, 60_000);
