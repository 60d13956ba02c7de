/** The processes of a real indiserver, for tests that kill them. */
import { readdirSync, readFileSync } from 'node:fs';

/** The process of that name whose parent is the server on this port, or that server itself. */
export function driverPid(executable: string, port: number): number {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const [args, stat] = ['cmdline', 'stat'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'utf8'));
        return [{ pid: Number(pid), args: args!.split('\0'), parent: Number(stat!.split(') ').at(-1)!.split(' ')[1]) }];
      } catch {
        return []; // it has ended meanwhile
      }
    });
  const server = processes.find(({ args }) => args[0] === 'indiserver' && args[args.indexOf('-p') + 1] === `${port}`)!;
  if (executable === 'indiserver') return server.pid;
  return processes.find(({ parent, args }) => parent === server.pid && args[0] === executable)!.pid;
}

/** Whether a process of this id runs. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
