/** Starts programs of this repository as a user would: a real Node-RED on a free port, in a user directory of its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../lib/process/package-root.ts';

export interface Running {
  url: string;
  port: number;
  pid: number;
  userDir: string;
  /** Everything printed so far. */
  output(): string;
  /** Resolves with what was printed once the pattern appears; rejects when the program ends first. */
  printed(pattern: RegExp): Promise<string>;
  exitCode(): Promise<number | null>;
  stop(): Promise<void>;
}

export interface StartOptions {
  /** The program's arguments after the Node program; receives the port. */
  args: (port: number, userDir: string) => string[];
  env?: Record<string, string>;
  port?: number;
  userDir?: string;
  /** The Node that runs it, this one by default. */
  node?: string;
}

export const inPackage = (...path: string[]): string => join(packageRoot, ...path);
export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'nightflow-'));

/** Builds dist/, examples/ and resources/; a moment when all is up to date. */
export function buildPackage(): void {
  const built = spawnSync(process.execPath, [inPackage('scripts/build.js')], { encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`The build failed:\n${built.stdout}${built.stderr}`);
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

export async function startProgram(options: StartOptions): Promise<Running> {
  const port = options.port ?? (await freePort());
  const userDir = options.userDir ?? temporaryFolder();
  const child = spawn(options.node ?? process.execPath, options.args(port, userDir), {
    cwd: packageRoot,
    env: { ...process.env, NODE_OPTIONS: '', VITEST: '', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      for (const listener of listeners) listener();
    });
  const ended = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)));
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    pid: child.pid ?? 0,
    userDir,
    output: () => text,
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!pattern.test(text)) return;
          listeners.delete(look);
          resolve(text);
        };
        listeners.add(look);
        ended.then((code) => reject(new Error(`It ended with ${code} before it printed ${pattern}:\n${text}`)));
        look();
      }),
    exitCode: () => ended,
    stop: () => stop(child, ended, options.userDir === undefined ? userDir : null),
  };
}

async function stop(child: ChildProcess, ended: Promise<unknown>, remove: string | null): Promise<void> {
  child.kill('SIGTERM');
  await ended;
  if (remove) rmSync(remove, { recursive: true, force: true, maxRetries: 5 });
}

const listening = /Server now running at/;

/** Our settings.js in Node-RED 5; the caller owns the user directory. @param port A free one when absent. */
export async function startOurs(
  userDir: string,
  env: Record<string, string> = {},
  port: number | null = null,
): Promise<Running> {
  return startOursAt(userDir, env, port ?? (await freePort()));
}

async function startOursAt(userDir: string, env: Record<string, string>, port: number): Promise<Running> {
  const running = await startProgram({
    args: () => [inPackage('node_modules/node-red/red.js'), '--settings', inPackage('settings.js')],
    env: { ...env, NIGHTFLOW_HOME: userDir, NIGHTFLOW_PORT: String(port) },
    port,
    userDir,
  });
  await running.printed(listening);
  return running;
}

/** A Node-RED somebody already has, with the settings it comes with, on loopback. `version` is the package in node_modules. */
export async function startPlain(version: 'node-red' | 'node-red-4', userDir: string): Promise<Running> {
  const running = await startProgram({
    args: (port) => [
      inPackage('node_modules', version, 'red.js'),
      ...['--userDir', userDir, '--port', String(port), '-D', 'uiHost=127.0.0.1', '-D', 'telemetry.enabled=false'],
    ],
    userDir,
  });
  await running.printed(listening);
  return running;
}
