/** The observatory as a new user starts it, and a Chromium to look at it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

export const root = join(import.meta.dirname, '..', '..');

export interface Observatory {
  editor: string;
  dashboard: string;
  home: string;
  /** Everything it printed. */
  output(): string;
  stop(): Promise<void>;
}

/** `npm start` in a fresh user directory on a free port, until it prints its two addresses. */
export async function startObservatory(): Promise<Observatory> {
  const home = await mkdtemp(join(tmpdir(), 'nightflow-home-'));
  const child = spawn('npm', ['start'], {
    cwd: root,
    env: { ...process.env, NIGHTFLOW_HOME: home, NIGHTFLOW_PORT: String(await freePort()) },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let printed = '';
  const collect = (chunk: Buffer) => {
    printed += chunk.toString();
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const address = async (name: string) => {
    const found = new RegExp(`${name}:\\s+(http\\S+)`);
    while (!found.test(printed)) {
      if (child.exitCode !== null) throw new Error(`npm start ended with ${child.exitCode}:\n${printed}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return found.exec(printed)![1]!;
  };
  const [editor, dashboard] = await Promise.all([address('Editor'), address('Dashboard')]);
  return { editor, dashboard, home, output: () => printed, stop: () => stop(child, home) };
}

/** Debian's Chromium: it never fetches anything from outside. */
export const openBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

async function stop(child: ChildProcess, home: string): Promise<void> {
  if (child.exitCode === null) {
    const ended = new Promise((resolve) => child.once('close', resolve));
    process.kill(-child.pid!, 'SIGTERM');
    await ended;
  }
  await rm(home, { recursive: true, force: true, maxRetries: 5 });
}
