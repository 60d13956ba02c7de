/** Where the tools of this repository are, for the scripts: plain JavaScript for any Node from 20 on, no dependency. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..');

/** Node 24 from the dev dependency `node`; this very Node when it is new enough and the dependency isn't there. */
export function nodeProgram() {
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  const own = join(root, 'node_modules', 'node', 'bin', name);
  if (existsSync(own)) return own;
  if (isAtLeast(process.versions.node, '22.13.0')) return process.execPath;
  throw new Error('Node 24 is missing in node_modules. Type: npm ci');
}

/** The JavaScript file that starts a package's command, e.g. entry('vitest', 'vitest.mjs'). */
export const entry = (...parts) => join(root, 'node_modules', ...parts);

export function isAtLeast(version, wanted) {
  const [a, b] = [version, wanted].map((text) => text.split('.').map(Number));
  for (let i = 0; i < 3; i++) if (a[i] !== b[i]) return a[i] > b[i];
  return true;
}

/** Runs a program to its end in the repository with our output. Resolves to its exit code. */
export function run(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, stdio: 'inherit', ...options });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(signal ? 1 : (code ?? 1)));
  });
}
