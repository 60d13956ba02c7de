/** A sequence with a camera, as astro-capture runs it, and the figures of its gaps. */
import { join } from 'node:path';
import type { Camera } from '../../lib/camera/camera.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { FrameKeeper } from '../../lib/night/keep.ts';
import type { PlanInput } from '../../lib/night/plan.ts';
import { Sequence, type SequenceEnd, type SequenceFrame } from '../../lib/night/sequence.ts';
import { type BenchLine, figureLine } from '../harness.ts';
import { childrenCpuMilliseconds } from './process-tree.ts';

const goalMilliseconds = 5;

export interface Run {
  end: SequenceEnd;
  /** Milliseconds: when each frame reached the flow, by performance.now(). */
  arrivals: number[];
  /** The frames' own times, milliseconds since 1970; null where a frame has none. */
  starts: (number | null)[];
  /** Milliseconds from the end of each exposure to the flow. */
  latencies: number[];
  /** Milliseconds of CPU a frame: this process, and the programs that it runs. */
  ours: number;
  programs: number;
}

/** @param keepIn Frames are kept durably in this folder; null: not at all. Closes the camera. */
export async function run(camera: Camera, plan: PlanInput, keepIn: string | null): Promise<Run> {
  const keeper = keepIn === null ? null : new FrameKeeper({ root: keepIn, policy: 'all' });
  const arrivals: number[] = [];
  const starts: (number | null)[] = [];
  const latencies: number[] = [];
  const sequence = new Sequence({
    camera,
    clock: realClock,
    site: null,
    plan,
    journalPath: keepIn && join(keepIn, 'sequence.jsonl'),
    storage: keepIn === null ? null : { folder: keepIn, minimumFreeBytes: 1e9, bytesPerFrame: null },
    onFrame: async ({ frame, run }: SequenceFrame) => {
      await keeper?.keep(frame, run);
    },
  });
  sequence.on('frame', ({ frame }) => {
    arrivals.push(performance.now());
    starts.push(frame.start === null ? null : Date.parse(frame.start));
    if (frame.end !== null) latencies.push(realClock.now() - Date.parse(frame.end));
  });
  sequence.on('warning', ({ message }) => console.log(message));
  const programsBefore = childrenCpuMilliseconds();
  const before = process.cpuUsage();
  await sequence.start();
  const end = await sequence.finished;
  await camera.close();
  const { user, system } = process.cpuUsage(before);
  const each = (milliseconds: number) => milliseconds / Math.max(1, end.frames);
  const programs = each(childrenCpuMilliseconds() - programsBefore);
  return { end, arrivals, starts, latencies, ours: each((user + system) / 1000), programs };
}

export interface Row {
  part: string;
  /** What the camera needs by itself between two frames, as a person reads it. */
  model: string;
  addedMilliseconds: number;
  lost: number;
}

export function lines({ part, model, addedMilliseconds, lost }: Row, run: Run): BenchLine[] {
  const { gaps, frames, error } = run.end;
  const figure = (seconds: number | null) => (seconds === null ? 'unknown' : `${(seconds * 1000).toFixed(2)} ms`);
  console.log(
    `${part}: ${frames} frames; gaps as the flow sees them ${figure(gaps.minimum)} to ${figure(gaps.maximum)}, median ${figure(gaps.median)}, ` +
      `95th percentile ${figure(gaps.p95)}; ${gaps.usedPercent?.toFixed(2)} % of the time used. The camera's own: ${model}`,
  );
  console.log(`${part}: ${cpuText(run)}`);
  return [
    figureLine({
      bench: 'gap',
      part: `${part}, median added`,
      // To the microsecond.
      figure: error ? Infinity : Math.max(0, Math.round(addedMilliseconds * 1000) / 1000),
      goal: goalMilliseconds,
      unit: 'ms',
    }),
    figureLine({ bench: 'gap', part: `${part}, frames lost`, figure: error ? Infinity : lost, goal: 0 }),
  ];
}

export const cpuText = ({ ours, programs }: Run): string =>
  `CPU a frame: ours ${ours.toFixed(1)} ms${programs > 0 ? `, its programs ${programs.toFixed(1)} ms` : ''}`;
