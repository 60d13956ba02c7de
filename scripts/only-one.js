/** One Nightflow for each user directory: two would write into the same night, and each would clear away the other's work. */
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Longest path of a Unix socket that every system takes, bytes. */
const longestPath = 100;

/** Holds the directory until this process ends, however it ends. @returns false when another one holds it. */
export async function claim(home) {
  const address = socketOf(home);
  for (let attempt = 0; attempt < 2; attempt++) {
    const code = await listen(address);
    // A file system without sockets (FAT, some network ones) can't tell.
    if (code !== 'EADDRINUSE') return true;
    if (await answers(address)) return false;
    rmSync(address, { force: true }); // left by a process that was killed
  }
  return true;
}

function socketOf(home) {
  const name = `nightflow-${createHash('sha256').update(home).digest('hex').slice(0, 16)}`;
  if (process.platform === 'win32') return `\\\\.\\pipe\\${name}`;
  const inside = join(home, 'running.sock');
  return Buffer.byteLength(inside) <= longestPath ? inside : join(tmpdir(), `${name}.sock`);
}

const listen = (address) =>
  new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy()).unref();
    server.on('error', (error) => resolve(error.code));
    server.listen(address, () => resolve(null));
  });

const answers = (address) =>
  new Promise((resolve) => {
    const socket = connect(address, () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.unref();
  });
