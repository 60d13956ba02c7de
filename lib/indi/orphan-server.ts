/**
 * An indiserver of ours that was left behind: a Node-RED that was killed ends no child, and its server would keep the port for ever.
 * Each server's folder carries the number of the process that started it, so an orphan is known. Linux only (/proc).
 */
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../clock/clock.ts';

/** For mkdtemp: the folder of the FIFO of a server that this process starts. */
export const serverFolder = (): string => join(tmpdir(), `nightflow-indi-${process.pid}-`);

const goneSeconds = 5;
const lookMilliseconds = 50;

/** Ends the orphan on this port, if there is one. @returns whether there was, and it is gone */
export async function endOrphan(port: number, clock: Clock, signal: AbortSignal): Promise<boolean> {
  const orphans = (await servers()).filter((each) => each.port === `${port}` && !isAlive(each.startedBy));
  for (const { pid } of orphans) tryKill(pid, 'SIGTERM');
  for (let waited = 0; orphans.some(({ pid }) => isAlive(pid)); waited += lookMilliseconds) {
    if (waited > goneSeconds * 1000) return false;
    await clock.sleep(lookMilliseconds, signal);
  }
  return orphans.length > 0;
}

/** The servers of this user that some process of ours started. */
async function servers(): Promise<{ pid: number; port: string; startedBy: number }[]> {
  const pids = await readdir('/proc').catch(() => []);
  const found = await Promise.all(
    pids
      .filter((name) => /^\d+$/.test(name))
      .map(async (pid) => {
        const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
        const after = (option: string) => words[words.indexOf(option) + 1] ?? '';
        const startedBy = /\/nightflow-indi-(\d+)-\w+\/drivers$/.exec(after('-f'))?.[1];
        const isServer = words[0]?.split('/').at(-1) === 'indiserver';
        return isServer && startedBy ? [{ pid: Number(pid), port: after('-p'), startedBy: Number(startedBy) }] : [];
      }),
  );
  return found.flat();
}

const isAlive = (pid: number): boolean => tryKill(pid, 0);

/** Signal 0 only asks. A process of another user is alive, too. */
function tryKill(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
