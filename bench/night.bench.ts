/** Eight hours of 5 s frames at 12 Mpx through the star-trail flow: frames lost, memory, event loop, CPU; then 200 frames all kept. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { allocatorEnvironment } from '../scripts/allocator.js';
import { type Bench, type BenchLine, figureLine } from './harness.ts';

interface NightResult {
  frames: number;
  taken: number;
  summary: { frames: number; lost: number; unwritten: number; reason: string };
  stacks: number;
  trailFrames: number;
  filmFrames: number;
  errors: string[];
  hourlyMegabytes: number[];
  cpuSecondsPerFrame: number;
  wallSeconds: number;
  loopMilliseconds: { p50: number; p99: number; maximum: number };
  files: { stacks: number; trails: number; frames: number; films: number };
}

const exposureSeconds = 5;
const hours = Number(process.env.NIGHT_HOURS || 8);

const bench: Bench = async () => {
  const night = await runNight(hours, 'none');
  print(`${hours} h, ${night.frames} frames of 12 Mpx, minute stacks and the trail kept`, night);
  const lines: BenchLine[] = [
    figureLine({ bench: 'night', part: 'frames lost', figure: lostOf(night), goal: 0, unit: 'frames' }),
    figureLine({
      bench: 'night',
      part: 'minute stacks missing',
      figure: Math.abs((night.frames * exposureSeconds) / 60 - night.files.stacks),
      goal: 1,
      unit: 'stacks',
    }),
    figureLine({ bench: 'night', part: 'event loop p99', figure: night.loopMilliseconds.p99, goal: 20, unit: 'ms' }),
    figureLine({
      bench: 'night',
      part: 'CPU of one core',
      figure: (night.cpuSecondsPerFrame / exposureSeconds) * 100,
      goal: Infinity,
      unit: '% (stretch: 5)',
    }),
  ];
  const { hourlyMegabytes } = night;
  if (hourlyMegabytes.length >= 2) {
    const growth = hourlyMegabytes.at(-1)! / hourlyMegabytes[0]!;
    lines.push(figureLine({ bench: 'night', part: 'memory, last hour ÷ first hour', figure: growth, goal: 1.1 }));
  }
  const kept = await runNight((200 * exposureSeconds) / 3600, 'all');
  print('200 frames, all kept durably', kept);
  lines.push(
    figureLine({
      bench: 'night',
      part: 'kept frames missing',
      figure: kept.frames - kept.files.frames + lostOf(kept),
      goal: 0,
      unit: 'frames',
    }),
  );
  return lines;
};
export default bench;

const lostOf = ({ frames, taken, summary, trailFrames, filmFrames }: NightResult) =>
  frames - Math.min(taken, trailFrames, filmFrames) + summary.lost + summary.unwritten;

async function runNight(length: number, keep: 'none' | 'all'): Promise<NightResult> {
  const userDir = await mkdtemp(join(tmpdir(), 'nightflow-night-'));
  try {
    const script = join(import.meta.dirname, 'night', 'run-night.js');
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [script, String(length), String(exposureSeconds), keep, userDir],
      { maxBuffer: 64e6, env: { ...process.env, ...allocatorEnvironment() } },
    );
    return JSON.parse(stdout.trim().split('\n').at(-1)!) as NightResult;
  } finally {
    await rm(userDir, { recursive: true, force: true });
  }
}

function print(
  what: string,
  {
    wallSeconds,
    cpuSecondsPerFrame,
    loopMilliseconds: { p50, p99, maximum },
    hourlyMegabytes,
    files,
    errors,
  }: NightResult,
): void {
  console.log(`${what}: ${wallSeconds.toFixed(0)} s wall, ${(cpuSecondsPerFrame * 1000).toFixed(1)} ms CPU a frame`);
  console.log(
    `  event loop delay p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, maximum ${maximum.toFixed(0)} ms`,
  );
  console.log(`  resident memory by hour: ${hourlyMegabytes.join(', ')} MB`);
  console.log(`  files: ${JSON.stringify(files)}; errors: ${errors.length ? errors.slice(0, 3).join(' | ') : 'none'}`);
}
