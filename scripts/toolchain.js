/** Where the tools of this repository are, for the scripts: plain JavaScript for any Node from 20 on, no dependency. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Not import.meta.dirname: an old Node must get as far as its remedy. */
export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '');

/** Node 24 from the dev dependency `node`, or null when npm did not run its install script. */
export function ownNode() {
  const program = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  return existsSync(program) ? program : null;
}

/** The Node that runs everything but these scripts: ours, or this very one when it is new enough. */
export function nodeProgram() {
  const program = ownNode() ?? (isAtLeast(process.versions.node, '22.13.0') ? process.execPath : null);
  if (program === null) throw new Error('Node 24 is missing in node_modules. Type: npm ci');
  return program;
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
