/** Clouds told from a clear sky: nights of the simulator with their truth, and real pictures of NIGHTFLOW_DATA. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SimulatedCamera } from '../lib/camera/simulator.ts';
import { RehearsalClock } from '../lib/clock/rehearsal.ts';
import { readFrame } from '../lib/frame/read.ts';
import { closeSharedPool } from '../lib/kernels/pool.ts';
import { CloudGate } from '../lib/watch/cloud-gate.ts';
import type { CloudOptions, CloudVerdict } from '../lib/watch/clouds-verdict.ts';
import { type BenchLine, dataFolder, figureLine } from './harness.ts';

const usual: CloudOptions = { sensitivity: 'normal', minimumStars: 0 };
const site = { latitude: 28.7606, longitude: -17.8816, elevation: 2326 };

/** Each on a seed of its own: forty minutes to learn, then clouds and clear sky in turn. */
const nights = [
  { part: 'dark', start: '2026-03-14T21:00:00Z', settings: {} },
  { part: 'aurora', start: '2026-09-10T22:00:00Z', settings: { auroraLevel: 1 } },
  { part: 'suburb', start: '2026-11-10T22:00:00Z', settings: { zenithMagnitude: 19.5 } },
] as const;
const covers = [0, 0.6, 0, 0.9, 0, 1, 0] as const;

export default async function clouds(): Promise<BenchLine[]> {
  const lines: BenchLine[] = [];
  const [cloudy, clear]: number[][] = [[], []];
  for (const [seed, night] of nights.entries()) {
    const { wrongClear, wrongCloudy } = await simulated(night, seed + 11, cloudy!, clear!);
    console.log(`${night.part}: clear frames called cloudy ${wrongClear}, cloudy ones called clear ${wrongCloudy}`);
  }
  lines.push(
    figureLine({ bench: 'clouds', part: 'simulated, AUC', figure: auc(cloudy!, clear!), goal: 0.95, atLeast: true }),
  );
  const data = dataFolder();
  if (data) lines.push(...(await real(data)));
  else console.log('NIGHTFLOW_DATA is not set: the real pictures are left out.');
  await closeSharedPool();
  return lines;
}

async function simulated(
  { start, settings }: { start: string; settings: object },
  seed: number,
  cloudy: number[],
  clear: number[],
) {
  const clock = new RehearsalClock(Date.parse(start), Number.POSITIVE_INFINITY);
  const camera = new SimulatedCamera({ sensor: 'demo', seed, ...settings }, { clock, site });
  const gate = newGate(clock);
  const look = async () => {
    const frame = await camera.expose({ exposureSeconds: 30 });
    await clock.sleep(30_000);
    return (await gate.judge(frame, usual, site)).verdict;
  };
  for (let frame = 0; frame < 40; frame++) await look();
  let [wrongClear, wrongCloudy] = [0, 0];
  for (const cover of covers) {
    await camera.set('cloudCover', cover);
    for (let frame = 0; frame < 8; frame++) {
      const { state, cloudFraction } = await look();
      // Real clouds come and go by degrees; the state may take its three frames.
      if (cloudFraction === null || frame < 2) continue;
      (cover > 0 ? cloudy : clear).push(cloudFraction);
      if (cover === 0 && state === 'cloudy') wrongClear++;
      if (cover > 0 && state === 'clear') wrongCloudy++;
    }
  }
  await camera.close();
  return { wrongClear, wrongCloudy };
}

async function real(data: string): Promise<BenchLine[]> {
  const sequences = join(data, 'aurora', 'sequences');
  const aurora = await sequence(join(sequences, 'kho_20131204'), 3.08, 8);
  const called = aurora.filter(({ state }) => state === 'cloudy').length;
  console.log(`kho_20131204 (clear, aurora): ${summaryOf(aurora)}`);
  const moving = await sequence(join(sequences, 'gdcodes_moving_clouds_32'), 60, 1);
  console.log(`gdcodes_moving_clouds_32 (a cloud at the lower edge grows): ${summaryOf(moving)}`);
  for (const [index, { cloudFraction, reason }] of moving.entries())
    console.log(`  f_${String(index + 1).padStart(4, '0')} ${cloudFraction ?? '–'} ${reason}`);
  await monoFrames(join(data, 'aurora', 'clouds_mono'));
  return [figureLine({ bench: 'clouds', part: 'kho, frames falsely cloudy', figure: called, goal: 0 })];
}

/** Every `step`th picture of a folder, as a camera without a name would send them. */
async function sequence(folder: string, periodSeconds: number, step: number): Promise<CloudVerdict[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.jpg')).sort();
  const gate = newGate(new RehearsalClock(0, Number.POSITIVE_INFINITY));
  const verdicts: CloudVerdict[] = [];
  const begun = Date.parse('2026-01-01T00:00:00Z');
  for (let index = 0; index < files.length; index += step) {
    const frame = await readFrame(join(folder, files[index]!));
    const middle = new Date(begun + index * periodSeconds * 1000).toISOString();
    verdicts.push((await gate.judge(frame.with({ middle, start: middle }), usual, null)).verdict);
  }
  return verdicts;
}

/**
 * Single frames without a history, which the gate calls unknown: for the record, what the bare number of stars says about them.
 * Labels: 33 regions each, 1 cloudy; a frame is cloudy when half of its regions are.
 */
async function monoFrames(folder: string): Promise<void> {
  const labels = (await readFile(join(folder, 'y_train.dat'), 'utf8')).trim().split('\n');
  const [cloudy, clear]: number[][] = [[], []];
  for (const line of labels) {
    const [number, ...regions] = line.trim().split(/\s+/);
    const frame = await readFrame(join(folder, `cloudynight_${number}.jpg`)).catch(() => null);
    if (!frame) continue;
    const { stars } = await newGate(new RehearsalClock(0, Number.POSITIVE_INFINITY)).judge(frame, usual, null);
    const share = regions.filter((region) => region === '1').length / regions.length;
    console.log(
      `cloudynight_${number}: ${stars!.count} stars, ${Math.round(share * 100)} % of its regions labelled cloudy`,
    );
    (share >= 0.5 ? cloudy : clear)!.push(-stars!.count);
  }
  console.log(`clouds_mono: AUC of the bare star count ${auc(cloudy!, clear!).toFixed(2)}`);
}

const newGate = (clock: RehearsalClock) =>
  new CloudGate(null, clock, (error) => {
    throw error;
  });

function summaryOf(verdicts: CloudVerdict[]): string {
  const count = (state: string) => verdicts.filter((verdict) => verdict.state === state).length;
  return `${verdicts.length} frames: ${count('clear')} clear, ${count('cloudy')} cloudy, ${count('unknown')} unknown`;
}

/** How often a cloudy frame has the larger fraction than a clear one. */
function auc(cloudy: readonly number[], clear: readonly number[]): number {
  let wins = 0;
  for (const one of cloudy) for (const other of clear) wins += one > other ? 1 : one === other ? 0.5 : 0;
  return wins / Math.max(1, cloudy.length * clear.length);
}
