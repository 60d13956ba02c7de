/** A night of 5 s frames at 12 Mpx through the rpicam backend and its stand-in, minute stacks kept: frames lost, memory, RAM disk, event loop, CPU. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { rpicamBackend } from '../lib/camera/rpicam.ts';
import { deadSeconds } from '../lib/camera/sensors.ts';
import { realClock } from '../lib/clock/clock.ts';
import { writeFrame } from '../lib/frame/write.ts';
import { frameNight } from '../lib/night/file-name.ts';
import { NightStack, type StackPlan, type StackResult } from '../lib/night/night-stack.ts';
import { Sequence, type SequenceEnd } from '../lib/night/sequence.ts';
import { makeRpicamStandIn } from '../test/camera/stand-in/rpicam-bin.ts';
import { childrenCpuMilliseconds } from './gap/process-tree.ts';
import { type BenchLine, figureLine, median } from './harness.ts';
import { makePictureFiles } from './night/picture-files.ts';

const exposureSeconds = 5;
/** Eight hours. */
const frames = Number(process.env.NIGHT_FRAMES || 5760);
/** Real time from frame to frame; 5000 is the true pace. */
const everyMilliseconds = Number(process.env.NIGHT_EVERY_MS || 200);
/** Everything has run once by then. */
const warmUpFrames = Math.min(120, Math.floor(frames / 10));
/** Of fewer, tenths say nothing of the memory. */
const fewFrames = 1000;
const loopResolution = 5;

const plan: StackPlan = {
  ...{ method: 'max', align: 'none', by: 'duration', seconds: 60, frames: 1 },
  ...{ hotPixels: 'robust', fillGaps: false, cometTail: 0 },
};

export default async function nightRpicam(): Promise<BenchLine[]> {
  const folder = await mkdtemp(join(tmpdir(), 'nightflow-night-rpicam-'));
  const standIn = await makeRpicamStandIn({
    ...{ everyMilliseconds, mostUnread: 4 },
    deadMicroseconds: Math.round(deadSeconds('imx477', exposureSeconds) * 1e6),
    pictureFiles: await makePictureFiles(folder, 4),
  });
  const loop = monitorEventLoopDelay({ resolution: loopResolution });
  const idle = fork(join(import.meta.dirname, 'night', 'loop-probe.js'), [String(loopResolution)]);
  const minutes = new Set<number>();
  const megabytes: number[] = [];
  let stacks = 0;
  const keep = async ({ frame, summary }: StackResult) => {
    stacks++;
    await writeFrame(frame, join(folder, 'stacks', `${summary.start?.replaceAll(':', '')}.jpg`), { format: 'jpeg' });
  };
  try {
    await mkdir(join(folder, 'stacks'));
    const camera = rpicamBackend.create({ programFolder: standIn.programFolder }, { clock: realClock, site: null });
    await camera.open();
    const stack = await NightStack.open(join(folder, 'work'), realClock);
    let cpu = process.cpuUsage();
    let programsCpu = childrenCpuMilliseconds();
    const start = performance.now();
    const sequence = new Sequence({
      ...{ camera, clock: realClock, site: null, plan: { exposureSeconds, frames } },
      journalPath: join(folder, 'sequence.jsonl'),
      onFrame: async ({ frame, n }) => {
        if (n === 1) {
          loop.enable();
          idle.send('begin');
        }
        minutes.add(Math.floor(Date.parse(frame.start!) / 60_000));
        const night = frameNight({ frame, site: null, nowMilliseconds: realClock.now() });
        const finished = await stack.advance(frame, night, plan);
        if (finished) await keep(finished);
        await stack.add(frame, plan);
        if (n % 5 === 0) megabytes.push(process.memoryUsage.rss() / 1e6);
        if (n % 500 === 0) console.log(`${n} frames, ${Math.round(megabytes.at(-1)!)} MB`);
      },
    });
    sequence.on('warning', ({ message }) => console.log(message));
    await sequence.start();
    const end = await sequence.finished;
    loop.disable();
    const last = await stack.finish();
    if (last) await keep(last);
    stack.close();
    const seconds = (performance.now() - start) / 1000;
    await camera.close();
    cpu = process.cpuUsage(cpu);
    programsCpu = childrenCpuMilliseconds() - programsCpu;
    const ours = (cpu.user + cpu.system) / 1000 / Math.max(1, end.frames);
    console.log(
      `${end.frames} frames of 12 Mpx that claim ${exposureSeconds} s, one every ${((seconds / end.frames) * 1000).toFixed(0)} ms; ${stacks} minute stacks. ` +
        `CPU a frame: ours ${ours.toFixed(1)} ms, the program's stand-in ${(programsCpu / end.frames).toFixed(1)} ms`,
    );
    const missing = minutes.size - stacks;
    return lines(end, { missing, ours, megabytes, loop, idle: await delayOf(idle), left: await leftInMemory() });
  } finally {
    idle.kill();
    await standIn.remove();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Seen {
  /** Minutes without their stack. */
  missing: number;
  /** Milliseconds of CPU a frame. */
  ours: number;
  /** Resident memory after every fifth frame. */
  megabytes: readonly number[];
  loop: { percentile(percent: number): number; readonly max: number };
  /** Of a process that did nothing meanwhile, nanoseconds. */
  idle: { p99: number; maximum: number };
  left: readonly string[];
}

function lines(end: SequenceEnd, { missing, ours, megabytes, loop, idle, left }: Seen): BenchLine[] {
  if (end.error) console.log(`The sequence ended: ${end.error.message}`);
  const bench = 'night-rpicam';
  const warm = megabytes.slice(Math.floor(warmUpFrames / 5));
  const tenth = Math.max(1, Math.floor(warm.length / 10));
  const tenths = Array.from({ length: 10 }, (_, i) => Math.round(median(warm.slice(i * tenth, (i + 1) * tenth))));
  console.log(
    `resident memory by tenths of the night: ${tenths.join(', ')} MB; at most ${Math.round(Math.max(...megabytes))} MB`,
  );
  const delay = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - loopResolution);
  const [p99, idleP99] = [delay(loop.percentile(99)), delay(idle.p99)];
  console.log(
    `event loop delay p99 ${p99.toFixed(1)} ms, at most ${delay(loop.max).toFixed(0)} ms; ` +
      `of a process that did nothing meanwhile ${idleP99.toFixed(1)} ms and ${delay(idle.maximum).toFixed(0)} ms`,
  );
  const growth = tenths.at(-1)! / tenths[0]!;
  const memory = () => figureLine({ bench, part: 'memory, last tenth ÷ first tenth', figure: growth, goal: 1.1 });
  return [
    figureLine({ bench, part: 'frames lost', figure: end.error ? Infinity : frames - end.frames + end.lost, goal: 0 }),
    figureLine({ bench, part: 'minute stacks missing', figure: missing, goal: 0, unit: 'stacks' }),
    ...(frames >= fewFrames ? [memory()] : []),
    figureLine({ bench, part: 'left in /dev/shm', figure: left.length, goal: 0, unit: 'folders' }),
    figureLine({
      bench,
      part: 'event loop p99 beyond an idle process',
      figure: Math.max(0, p99 - idleP99),
      goal: 20,
      unit: 'ms',
    }),
    figureLine({ bench, part: 'CPU of one core at 5 s', figure: ours / exposureSeconds / 10, goal: 5, unit: '%' }),
  ];
}

const delayOf = (idle: ChildProcess): Promise<Seen['idle']> =>
  new Promise((resolve) => {
    idle.once('message', resolve as (message: unknown) => void);
    idle.send('end');
  });

const leftInMemory = async (): Promise<string[]> =>
  (await readdir('/dev/shm').catch(() => [])).filter((name) => name.startsWith(`nightflow-camera-${process.pid}-`));
