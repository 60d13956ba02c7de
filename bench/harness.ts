/** Measures ours and a peer in turn, in the same run, and says whether the goal is met. `npm run bench -- NAME` runs bench/NAME.bench.ts. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** What one run cost: milliseconds of CPU (user + system, all threads, finished child processes) and of the wall clock. */
export interface Measured {
  cpuMs: number;
  wallMs: number;
  peakBytes?: number;
}

/** The verdict on one row of the goals: `ratio` is ours ÷ peer (or a bare figure) and passes at or below `goal` (at or above with `atLeast`). */
export interface BenchLine {
  bench: string;
  part?: string;
  ratio: number | null;
  goal: number | null;
  pass: boolean;
  atLeast?: boolean;
  unit?: string;
  /** Why no figure was taken (the outputs disagree, no data): never a pass. */
  reason?: string;
}

/** The default export of a bench. Its file's first comment line is its description in the list. */
export type Bench = () => Promise<BenchLine | BenchLine[]>;

export interface PairedOptions {
  bench: string;
  part?: string;
  /** Highest ratio ours ÷ peer that passes. */
  goal: number;
  /** Pairs of runs, at least 7. */
  pairs?: number;
  /** What is compared; wall time only where threads are the point. */
  compare?: 'cpuMs' | 'wallMs' | 'peakBytes';
  ours: () => Promise<Measured>;
  peer: () => Promise<Measured>;
  /** Compares the outputs of the warm-up runs: true, or what differs. */
  agree: () => Promise<boolean | string>;
}

/** Runs ours and the peer A B A B after one warm-up each and takes the median of the pairwise ratios. */
export async function pairedBench(options: PairedOptions): Promise<BenchLine> {
  const { bench, part, goal, compare = 'cpuMs' } = options;
  const pairs = Math.max(7, options.pairs ?? 7);
  await options.ours();
  await options.peer();
  const agreed = await options.agree();
  if (agreed !== true) {
    const reason = typeof agreed === 'string' ? agreed : 'the outputs disagree';
    return report({ bench, part, ratio: null, goal, pass: false, reason });
  }
  const ours: number[] = [];
  const peer: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    ours.push(costOf(await options.ours(), compare));
    peer.push(costOf(await options.peer(), compare));
  }
  const ratios = ours.map((cost, i) => cost / peer[i]!);
  const ratio = round(median(ratios));
  const spread = `${round(Math.min(...ratios))} to ${round(Math.max(...ratios))}`;
  const unit = compare === 'peakBytes' ? 'MB' : compare === 'wallMs' ? 'ms wall' : 'ms CPU';
  const scale = compare === 'peakBytes' ? 1e-6 : 1;
  console.log(
    `${nameOf({ bench, part })}: ours ${round(median(ours) * scale)} ${unit}, peer ${round(median(peer) * scale)} ${unit}, ` +
      `ratio ${ratio} (${pairs} pairs: ${spread})`,
  );
  return report({ bench, part, ratio, goal, pass: ratio <= goal });
}

/** A row that is a bare figure (frames lost, milliseconds of gap, a recall) instead of a ratio to a peer. */
export function figureLine(options: {
  bench: string;
  part?: string;
  figure: number;
  goal: number;
  unit?: string;
  atLeast?: boolean;
}): BenchLine {
  const { figure, goal, atLeast = false, ...rest } = options;
  const line: BenchLine = { ...rest, ratio: round(figure), goal, pass: atLeast ? figure >= goal : figure <= goal };
  if (atLeast) line.atLeast = true;
  return report(line);
}

/** A bench that can't run here (no data, no program): says why and does not pass. */
export function unavailable(bench: string, reason: string): BenchLine {
  return report({ bench, ratio: null, goal: null, pass: false, reason });
}

/** Folder of real data named by NIGHTFLOW_DATA, or null. */
export const dataFolder = (): string | null => process.env.NIGHTFLOW_DATA || null;

/** CPU and wall time of `work`, divided by `repeat` when a single run is too short to measure (below some 20 ms). */
export async function cpu(work: () => unknown, { repeat = 1 }: { repeat?: number } = {}): Promise<Measured> {
  const childrenBefore = childrenCpuMs();
  const before = process.cpuUsage();
  const start = performance.now();
  for (let i = 0; i < repeat; i++) await work();
  const wallMs = performance.now() - start;
  const used = process.cpuUsage(before);
  const cpuMs = (used.user + used.system) / 1000 + childrenCpuMs() - childrenBefore;
  return { cpuMs: cpuMs / repeat, wallMs: wallMs / repeat };
}

export interface PythonPeer {
  /** Calls the script's `run(argument)` `repeat` times; the cost of one call and the last return value (JSON). */
  run(argument?: unknown, options?: { repeat?: number }): Promise<Measured & { result: unknown }>;
  close(): Promise<void>;
}

/**
 * A long-lived Python process for `script`, which defines `run(argument)`; imports and set-up stand at its top level and are
 * not measured. CPU time is the process's own, threads and finished children included.
 */
export function python3Peer(script: string, python = '/usr/bin/python3'): PythonPeer {
  const child = spawn(python, ['-u', '-c', peerLoop], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  let ended: Error | null = null;
  const end = (error: Error) => {
    ended = error;
    for (const waiter of waiting.splice(0)) waiter.reject(error);
  };
  lines.on('line', (line) => waiting.shift()?.resolve(line));
  child.on('error', (error) => end(new Error(`${python} can't be started: ${error.message}`)));
  child.on('close', (code) => end(new Error(`The Python peer ended (exit code ${code}).`)));
  child.stdin.on('error', () => {});
  child.stdin.write(`${JSON.stringify(script)}\n`);
  return {
    run: async (argument = null, { repeat = 1 } = {}) => {
      const line = await new Promise<string>((resolve, reject) => {
        if (ended) return reject(ended);
        waiting.push({ resolve, reject });
        child.stdin.write(`${JSON.stringify({ argument, repeat })}\n`);
      });
      return JSON.parse(line) as Measured & { result: unknown };
    },
    close: () =>
      new Promise((resolve) => {
        if (ended) return resolve();
        child.on('close', () => resolve());
        child.stdin.end();
      }),
  };
}

const peerLoop = `
import sys, json, time, resource
def cpu():
    a, b = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (a.ru_utime + a.ru_stime + b.ru_utime + b.ru_stime)
answers, sys.stdout = sys.stdout, sys.stderr
names = {}
exec(compile(json.loads(sys.stdin.readline()), 'peer', 'exec'), names)
for line in sys.stdin:
    task = json.loads(line)
    used, start = cpu(), time.perf_counter()
    for _ in range(task['repeat']): result = names['run'](task['argument'])
    wall, used = 1000 * (time.perf_counter() - start), cpu() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    answers.write(json.dumps({'cpuMs': used / task['repeat'], 'wallMs': wall / task['repeat'], 'peakBytes': peak, 'result': result}) + '\\n')
    answers.flush()
`;

/** The last line of a bench: the row furthest from its goal, passing when every row does. */
export function summary(lines: readonly BenchLine[]): BenchLine & { parts?: BenchLine[] } {
  const distance = ({ ratio, goal, atLeast }: BenchLine) => {
    if (ratio === null || goal === null) return Infinity;
    if (goal === 0) return atLeast ? -ratio : ratio;
    return atLeast ? goal / ratio : ratio / goal;
  };
  const worst = lines.reduce((a, b) => (distance(b) > distance(a) ? b : a));
  if (lines.length === 1) return worst;
  return { ...worst, pass: lines.every((line) => line.pass), parts: [...lines] };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

function report(line: BenchLine): BenchLine {
  const verdict = line.pass ? 'met' : 'MISSED';
  const figure =
    line.ratio === null ? (line.reason ?? 'no figure') : `${line.ratio}${line.unit ? ` ${line.unit}` : ''}`;
  const goal = line.goal === null ? '' : `, goal ${line.atLeast ? 'at least' : 'at most'} ${line.goal}: ${verdict}`;
  console.log(`${nameOf(line)}: ${figure}${goal}`);
  return line;
}

const nameOf = ({ bench, part }: { bench: string; part?: string }) => (part ? `${bench}, ${part}` : bench);
const round = (value: number) => Number(value.toPrecision(4));

function costOf(measured: Measured, compare: 'cpuMs' | 'wallMs' | 'peakBytes'): number {
  const cost = measured[compare];
  if (cost === undefined) throw new Error('A memory bench must measure peakBytes on both sides.');
  return cost;
}

/** CPU of child processes that ended so far (Linux; steps of 10 ms): fields cutime and cstime of proc_pid_stat(5). */
function childrenCpuMs(): number {
  if (process.platform !== 'linux') return 0;
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)!.split(' ');
  return (Number(fields[13]) + Number(fields[14])) * 10;
}
