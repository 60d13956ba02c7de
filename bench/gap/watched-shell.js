/** Stands between us and gphoto2's shell and writes down when each command was given and when its prompt came back: `node watched-shell.js LOG PROGRAM PARAMETERS…`. */
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';

const [, , log, program, ...parameters] = process.argv;
const child = spawn(program, parameters, { stdio: ['pipe', 'pipe', 'inherit'] });
const now = () => performance.timeOrigin + performance.now();
let under = null;

process.stdin.on('data', (chunk) => {
  under = { command: String(chunk).trim(), begin: now() };
  child.stdin.write(chunk);
});
process.stdin.on('end', () => child.stdin.end());
child.stdin.on('error', () => {});
child.stdout.on('data', (chunk) => {
  if (under && String(chunk).endsWith('> ')) {
    appendFileSync(log, `${JSON.stringify({ ...under, end: now() })}\n`);
    under = null;
  }
  process.stdout.write(chunk);
});
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => process.exit(code ?? 1));
