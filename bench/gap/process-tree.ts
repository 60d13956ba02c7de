/** CPU time of the programs that a bench runs through us, told apart from our own (Linux). */
import { readdirSync, readFileSync } from 'node:fs';

/** proc_pid_stat(5) counts in steps of 10 ms. */
const tickMilliseconds = 10;

/** Milliseconds of all processes that descend from this one: those that live, and those that ended and were waited for. */
export function childrenCpuMilliseconds(): number {
  const ours = usageOf(process.pid);
  if (!ours) return 0;
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => usageOf(Number(name)) ?? []);
  const below = new Set([process.pid]);
  // Parents come first only by chance: look until no more are found.
  for (let before = 0; before !== below.size; ) {
    before = below.size;
    for (const { pid, parent } of all) if (below.has(parent)) below.add(pid);
  }
  below.delete(process.pid);
  const living = all.filter(({ pid }) => below.has(pid));
  const ticks = living.reduce((sum, { own, waitedFor }) => sum + own + waitedFor, ours.waitedFor);
  return ticks * tickMilliseconds;
}

interface Usage {
  pid: number;
  parent: number;
  /** Clock ticks, user and system. */
  own: number;
  waitedFor: number;
}

function usageOf(pid: number): Usage | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    const ticks = (from: number) => Number(fields[from]) + Number(fields[from + 1]);
    return { pid, parent: Number(fields[1]), own: ticks(11), waitedFor: ticks(13) };
  } catch {
    return null; // it has ended meanwhile
  }
}
