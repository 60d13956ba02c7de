/**
 * Folding 12 Mpx u16 frames into the running maximum, against a plain copy of the same bytes; two threads against one.
 * The frames come in a run, as from a folder or a fast camera: those that wait are folded together. What a lone frame costs is printed too.
 */
import { Fold } from '../lib/kernels/fold.ts';
import { allocateShared } from '../lib/kernels/memory.ts';
import { WorkerPool } from '../lib/kernels/pool.ts';
import { type BenchLine, cpu, median, pairedBench, python3Peer } from './harness.ts';

const [width, height] = [4056, 3040];
const repeat = 12;
/** As many different frames as a run has, so that none is in the cache because it came before. */
const frameCount = repeat;

/** Sensor-like noise around a pedestal, 12 bit. */
function frames(): SharedArrayBuffer[] {
  let state = 20260101;
  return Array.from({ length: frameCount }, () => {
    const data = allocateShared(width * height * 2);
    const samples = new Uint16Array(data);
    for (let i = 0; i < samples.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      samples[i] = 256 + (state >>> 22) + ((state >>> 12) & 0x3ff);
    }
    return data;
  });
}

const numpyPeer = `
import numpy as np
rng = np.random.default_rng(1)
frames = [rng.integers(256, 2304, (${height}, ${width}), dtype=np.uint16) for _ in range(${frameCount})]
stack = frames[0].copy()
turn = 0
def run(work):
    global turn
    turn += 1
    frame = frames[turn % ${frameCount}]
    if work == 'maximum': np.maximum(stack, frame, out=stack)
    else: np.copyto(stack, frame)
`;

export default async function stackMax(): Promise<BenchLine[]> {
  const pictures = frames();
  const pools = [new WorkerPool(1), new WorkerPool(2)];
  const folds = pools.map(
    (pool, i) =>
      new Fold({
        mode: 'max',
        sampleType: 'u16',
        width,
        height,
        planes: 1,
        colourStep: 2,
        blackLevel: 256,
        threads: i + 1,
        pool,
      }),
  );
  const target = allocateShared(width * height * 2);
  const into = Buffer.from(target as unknown as ArrayBuffer);
  const sources = pictures.map((picture) => Buffer.from(picture as unknown as ArrayBuffer));
  let turn = 0;
  const copy = () => cpu(() => sources[turn++ % frameCount]!.copy(into), { repeat });
  const next = () => pictures[turn++ % frameCount]!;
  const alone = () => cpu(() => folds[0]!.add(next()), { repeat });
  const inARun = (threads: number) => async () => {
    const fold = folds[threads - 1]!;
    const run = await cpu(() => Promise.all(Array.from({ length: repeat }, () => fold.add(next()))));
    return { cpuMs: run.cpuMs / repeat, wallMs: run.wallMs / repeat };
  };
  // The optimising compiler takes over from the baseline one within the first frames, in a thread of its own.
  for (const each of folds) for (let i = 0; i < 2 * repeat; i++) await each.add(pictures[i % frameCount]!);
  const agree = async () => {
    for (const each of folds) {
      for (const picture of pictures) await each.add(picture);
      const result = new Uint16Array(await each.snapshot());
      const inputs = pictures.map((picture) => new Uint16Array(picture));
      for (let i = 0; i < result.length; i++) {
        let brightest = 0;
        for (const input of inputs) if (input[i]! > brightest) brightest = input[i]!;
        if (result[i] !== brightest) return `pixel ${i} is ${result[i]}, not ${brightest}`;
      }
    }
    return true;
  };
  const lines = [
    await pairedBench({
      bench: 'stack-max',
      part: 'one thread',
      goal: 1.2,
      pairs: 21,
      ours: inARun(1),
      peer: copy,
      agree,
    }),
    await pairedBench({
      bench: 'stack-max',
      part: 'two threads',
      goal: 0.62,
      pairs: 21,
      compare: 'wallMs',
      ours: inARun(2),
      peer: inARun(1),
      agree,
    }),
  ];
  const lone: number[] = [];
  for (let i = 0; i < 9; i++) lone.push((await alone()).cpuMs / (await copy()).cpuMs);
  console.log(`for comparison, a frame that comes alone: ${median(lone).toPrecision(3)} of a copy`);
  const numpy = python3Peer(numpyPeer);
  for (const work of ['copyto', 'maximum']) {
    const runs: number[] = [];
    for (let i = 0; i < 9; i++) runs.push((await numpy.run(work, { repeat })).cpuMs);
    console.log(`for comparison, numpy.${work}: ${median(runs).toPrecision(3)} ms CPU`);
  }
  await numpy.close();
  for (const pool of pools) await pool.close();
  return lines;
}
