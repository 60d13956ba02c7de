/**
 * What has come of a file so far. A process writes under a name of its own, so that two of them in one folder never share a file, and
 * finds again what a process that died had begun.
 */
import { randomBytes } from 'node:crypto';
import { readdir, rename } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** NAME.part is anybody's; NAME.HOST-PID-RANDOM.part is that process's while it lives. Only its own machine can tell. */
const suffix = '.part';
const ownPattern = /\.([\w-]{1,40})-(\d+)-[0-9a-f]{8}\.part$/;
const host =
  hostname()
    .replace(/[^\w-]/g, '_')
    .slice(0, 40) || '_';

/** Takes over what there is of the file. @returns the path to write to; there need not be anything yet */
export async function claimPart(path: string): Promise<string> {
  const own = `${path}.${host}-${process.pid}-${randomBytes(4).toString('hex')}${suffix}`;
  for (const left of await leftovers(path))
    try {
      await rename(left, own);
      return own;
    } catch {
      // Another was faster.
    }
  return own;
}

/** Leaves it to whoever comes next. */
export const releasePart = (own: string, path: string): Promise<void> => rename(own, path + suffix).catch(() => {});

async function leftovers(path: string): Promise<string[]> {
  const [folder, name] = [dirname(path), basename(path)];
  const names = await readdir(folder).catch(() => []);
  return names.filter((each) => each.startsWith(`${name}.`) && isLeft(each, name)).map((each) => join(folder, each));
}

function isLeft(part: string, name: string): boolean {
  if (part === name + suffix) return true;
  const [, owner, pid] = ownPattern.exec(part.slice(name.length)) ?? [];
  return owner === host && !isAlive(Number(pid));
}

function isAlive(pid: number): boolean {
  try {
    // Signal 0 only asks.
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}
