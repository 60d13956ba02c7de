/**
 * Dark and flat, debayering and summing of 12 Mpx u16 frames against cv2 (numpy where there is no cv2) and numpy, one thread each.
 * The masters are prepared beforehand on both sides. Ours works as its loops do, each result in the memory of the one before
 * (`spare`); the peers are called as their manuals show. What both cost the other way is printed beside it: ours in new memory,
 * which a SharedArrayBuffer has zeroed, and cv2 into a picture that was there before.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Calibrator } from '../lib/frame/calibrate.ts';
import { debayerFrame } from '../lib/frame/debayer.ts';
import { Frame } from '../lib/frame/frame.ts';
import { Fold } from '../lib/kernels/fold.ts';
import { allocateShared } from '../lib/kernels/memory.ts';
import { closeSharedPool, WorkerPool } from '../lib/kernels/pool.ts';
import { type BenchLine, cpu, type Measured, median, pairedBench, python3Peer } from './harness.ts';

const [width, height] = [4056, 3040];
const [blackLevel, whiteLevel] = [256, 16383];
const frameCount = 6;
const repeat = 6;
const pairs = 21;

function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Lights with vignetting, a master dark with hot pixels (f32), a master flat (f32), as a night has them. */
function night(): { lights: Frame[]; dark: Frame; flat: Frame } {
  const next = noise(7);
  const common = { width, height, bayer: 'RGGB', blackLevel, whiteLevel, exposureSeconds: 5, gain: 100 } as const;
  const dark = new Float32Array(allocateShared(width * height * 4));
  const flat = new Float32Array(allocateShared(width * height * 4));
  for (let i = 0; i < dark.length; i++) {
    const [x, y] = [(i % width) / width - 0.5, Math.floor(i / width) / height - 0.5];
    dark[i] = blackLevel + next() * 4 + (next() < 1e-3 ? next() * 3000 : 0);
    flat[i] = 20_000 * (1 - 0.7 * (x * x + y * y)) * (0.99 + 0.02 * next());
  }
  const lights = Array.from({ length: frameCount }, () => {
    const data = allocateShared(width * height * 2);
    const samples = new Uint16Array(data);
    for (let i = 0; i < samples.length; i++) samples[i] = dark[i]! + (600 + 400 * next()) * (flat[i]! / 20_000);
    return new Frame({ ...common, data, pixelType: 'u16' });
  });
  const master = (samples: Float32Array, fields: Partial<Frame>) =>
    new Frame({ ...common, ...fields, data: samples.buffer as SharedArrayBuffer, pixelType: 'f32' });
  return { lights, dark: master(dark, { kind: 'dark' }), flat: master(flat, { kind: 'flat', blackLevel: 0 }) };
}

const peerScript = (folder: string, pedestal: number) => `
import numpy as np
try: import cv2; cv2.setNumThreads(1)
except ImportError: cv2 = None
shape = (${height}, ${width})
read = lambda name, dtype: np.fromfile(${JSON.stringify(folder)} + '/' + name, dtype=dtype).reshape(shape)
lights = [read('light%d' % i, np.uint16) for i in range(${frameCount})]
dark, flat = read('dark', np.float32), read('flat', np.float32)
gain = np.empty(shape, np.float32)
for colour in ([(0, 0)], [(0, 1), (1, 0)], [(1, 1)]):
    mean = np.mean([flat[y::2, x::2].mean(dtype=np.float64) for y, x in colour])
    for y, x in colour: gain[y::2, x::2] = mean / flat[y::2, x::2]
colour = np.empty(shape + (3,), np.uint16)
turn = 0
def calibrate(light): return np.clip(np.rint((light - dark) * gain + ${pedestal}), 0, 65535).astype(np.uint16)
def debayer(light, again=False):
    if cv2: return cv2.cvtColor(light, cv2.COLOR_BayerRGGB2RGB, colour if again else None)
    edge = np.pad(light, 1, mode='reflect').astype(np.uint32)
    h, w = shape
    at = lambda dy, dx: edge[1 + dy:1 + dy + h, 1 + dx:1 + dx + w]
    cross = (at(-1, 0) + at(1, 0) + at(0, -1) + at(0, 1) + 2) >> 2
    diagonal = (at(-1, -1) + at(-1, 1) + at(1, -1) + at(1, 1) + 2) >> 2
    beside, above = (at(0, -1) + at(0, 1) + 1) >> 1, (at(-1, 0) + at(1, 0) + 1) >> 1
    rgb = np.empty(shape + (3,), np.uint16)
    for c, (oy, ox) in ((0, (0, 0)), (2, (1, 1))):
        rgb[oy::2, ox::2, c] = light[oy::2, ox::2]
        rgb[oy::2, 1 - ox::2, c] = beside[oy::2, 1 - ox::2]
        rgb[1 - oy::2, ox::2, c] = above[1 - oy::2, ox::2]
        rgb[1 - oy::2, 1 - ox::2, c] = diagonal[1 - oy::2, 1 - ox::2]
    rgb[..., 1] = light
    rgb[0::2, 0::2, 1] = cross[0::2, 0::2]
    rgb[1::2, 1::2, 1] = cross[1::2, 1::2]
    return rgb
total = np.zeros(shape, np.uint32)
def run(task):
    global turn, total
    if task == 'cv2': return cv2.__version__ if cv2 else None
    work, keep = task['work'], task.get('keep')
    light = lights[turn % ${frameCount}]
    turn += 1
    if keep:
        total[:] = 0
        if work == 'sum':
            for each in lights: np.add(total, each, out=total)
        result = total if work == 'sum' else calibrate(lights[0]) if work == 'calibrate' else np.moveaxis(debayer(lights[0]), 2, 0)
        np.ascontiguousarray(result).tofile(keep)
    elif work == 'calibrate': calibrate(light)
    elif work == 'debayer': debayer(light, task.get('again', False))
    else: np.add(total, light, out=total)
`;

/** The largest difference, ADU; the outermost pixels of a debayered picture aside, where cv2 repeats its second row. */
async function compare(
  ours: ArrayLike<number>,
  kept: string,
  type: 'u16' | 'u32',
  edges: boolean,
): Promise<true | string> {
  const bytes = await readFile(kept);
  const copy = new Uint8Array(bytes).buffer;
  const peer = type === 'u16' ? new Uint16Array(copy) : new Uint32Array(copy);
  if (peer.length !== ours.length) return `${ours.length} samples, the peer has ${peer.length}`;
  let largest = 0;
  for (let i = 0; i < peer.length; i++) {
    const [x, y] = [i % width, Math.floor(i / width) % height];
    if (!edges && (x === 0 || y === 0 || x === width - 1 || y === height - 1)) continue;
    largest = Math.max(largest, Math.abs(ours[i]! - peer[i]!));
  }
  return largest <= 1 || `the outputs differ by ${largest} ADU`;
}

export default async function calibrate(): Promise<BenchLine[]> {
  const { lights, dark, flat } = night();
  const pedestal = 256;
  const folder = await mkdtemp(join(tmpdir(), 'nightflow-bench-'));
  for (const [i, light] of lights.entries()) await writeFile(join(folder, `light${i}`), new Uint8Array(light.data));
  await writeFile(join(folder, 'dark'), new Uint8Array(dark.data));
  await writeFile(join(folder, 'flat'), new Uint8Array(flat.data));
  const python = python3Peer(peerScript(folder, pedestal));
  const version = (await python.run('cv2')).result;
  console.log(`debayer's peer: ${version ? `cv2 ${version}` : 'numpy (python3-opencv is not installed)'}`);
  const pool = new WorkerPool(1);
  const calibrator = new Calibrator({ dark, flat }, { pedestal, pool });
  const fold = new Fold({
    mode: 'sum',
    sampleType: 'u16',
    width,
    height,
    planes: 1,
    colourStep: 2,
    blackLevel: 0,
    pool,
  });
  let turn = 0;
  const next = () => lights[turn++ % frameCount]!;
  let colour: SharedArrayBuffer | undefined;
  let calibrated: SharedArrayBuffer | undefined;
  const works = {
    debayer: async () => {
      colour = (await debayerFrame(next(), { spare: colour })).data;
    },
    calibrate: async () => {
      calibrated = (await calibrator.calibrate(next(), { spare: calibrated })).frame.data;
    },
    // A run of frames, as from a fast camera or a folder: those that wait are folded together.
    sum: () => fold.add(next().data),
  };
  const kept = (work: string) => join(folder, `${work}.peer`);
  const agree: Record<keyof typeof works, () => Promise<true | string>> = {
    debayer: async () => compare((await debayerFrame(lights[0]!)).pixels, kept('debayer'), 'u16', false),
    calibrate: async () =>
      compare((await calibrator.calibrate(lights[0]!)).frame.pixels, kept('calibrate'), 'u16', true),
    sum: async () => {
      fold.reset();
      await Promise.all(lights.map(({ data }) => fold.add(data)));
      return compare(new Float32Array(await fold.snapshot()), kept('sum'), 'u32', true);
    },
  };
  const lines: BenchLine[] = [];
  const goals = { debayer: 0.5, calibrate: 0.2, sum: 0.8 };
  for (const work of ['debayer', 'calibrate', 'sum'] as const) {
    // The optimising compiler takes over within the first frames, in a thread of its own.
    for (let i = 0; i < 12; i++) await works[work]();
    const ours = async () => {
      if (work !== 'sum') return cpu(works[work], { repeat });
      const run = await cpu(() => Promise.all(Array.from({ length: repeat }, works.sum)));
      return { cpuMs: run.cpuMs / repeat, wallMs: run.wallMs / repeat };
    };
    lines.push(
      await pairedBench({
        bench: 'calibrate',
        part: work === 'calibrate' ? 'dark + flat' : work,
        goal: goals[work],
        pairs,
        ours,
        peer: () => python.run({ work }, { repeat }),
        agree: async () => {
          await python.run({ work, keep: kept(work) });
          return agree[work]();
        },
      }),
    );
  }
  await alsoMeasured('debayer in new memory', () => cpu(() => debayerFrame(next()), { repeat }));
  await alsoMeasured('dark + flat in new memory', () => cpu(() => calibrator.calibrate(next()), { repeat }));
  if (version)
    await alsoMeasured('cv2 into its old picture', () => python.run({ work: 'debayer', again: true }, { repeat }));
  await python.close();
  calibrator.close();
  await pool.close();
  await closeSharedPool();
  await rm(folder, { recursive: true });
  return lines;
}

async function alsoMeasured(what: string, run: () => Promise<Measured>): Promise<void> {
  const costs: number[] = [];
  for (let i = 0; i < 9; i++) costs.push((await run()).cpuMs);
  console.log(`for comparison, ${what}: ${median(costs).toPrecision(3)} ms CPU`);
}
