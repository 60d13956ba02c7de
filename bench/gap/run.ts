/** A sequence with a camera, as astro-capture runs it, and the figures of its gaps. */
import { join } from 'node:path';
import type { Camera } from '../../lib/camera/camera.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { FrameKeeper } from '../../lib/night/keep.ts';
import type { PlanInput } from '../../lib/night/plan.ts';
import { Sequence, type SequenceEnd, type SequenceFrame } from '../../lib/night/sequence.ts';
import { type BenchLine, figureLine } from '../harness.ts';

const goalMilliseconds = 5;

export async function run(
  camera: Camera,
  plan: PlanInput,
  keepIn: string | null,
): Promise<{ end: SequenceEnd; arrivals: number[] }> {
  const keeper = keepIn === null ? null : new FrameKeeper({ root: keepIn, policy: 'all' });
  const arrivals: number[] = [];
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
  sequence.on('frame', () => arrivals.push(performance.now()));
  sequence.on('warning', ({ message }) => console.log(message));
  await sequence.start();
  const end = await sequence.finished;
  await camera.close();
  return { end, arrivals };
}

export function lines(part: string, addedMilliseconds: number, end: SequenceEnd): BenchLine[] {
  const { gaps, frames, lost } = end;
  const figure = (seconds: number | null) => `${((seconds ?? 0) * 1000).toFixed(2)} ms`;
  console.log(
    `${part}: ${frames} frames, gaps as the flow sees them ${figure(gaps.minimum)} to ${figure(gaps.maximum)}, ` +
      `median ${figure(gaps.median)}, 95th percentile ${figure(gaps.p95)}, ${gaps.usedPercent?.toFixed(2)} % of the time used`,
  );
  return [
    figureLine({
      bench: 'gap',
      part: `${part}, median added`,
      figure: addedMilliseconds,
      goal: goalMilliseconds,
      unit: 'ms',
    }),
    figureLine({ bench: 'gap', part: `${part}, frames lost`, figure: end.error ? Infinity : lost, goal: 0 }),
  ];
}
