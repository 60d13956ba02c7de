/**
 * 30 frames of 12 Mpx into one, sigma clipped, from files to a file, against Siril: CPU and peak memory; and registered first.
 * Both sides are processes of their own, started and measured alike (wait4), ours as it is shipped. Registration has 12 frames,
 * for Siril alone takes half a minute for 30: its time and ours grow with the number of frames.
 */
import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readFits } from '../lib/frame/fits/read.ts';
import { closeSharedPool } from '../lib/kernels/pool.ts';
import { buildPackage } from '../test/house/node-red.ts';
import { type BenchLine, figureLine, type Measured, pairedBench, python3Peer, unavailable } from './harness.ts';

const [width, height] = [4056, 3040];
const alignedFrames = 30;
const movedFrames = 12;
/** A whole season of a large sensor: 300 frames (five, each under sixty names) of 24 Mpx. Its peak memory, MB. */
const [manyFrames, manyFiles] = [300, 5];
const [largeWidth, largeHeight] = [6000, 4000];
const memoryGoal = 1000;
/** Root mean square of the stars' distances, pixels. */
const residualGoal = 0.1;

/**
 * Files as a camera writes them: stars, noise of the sky and of the stars' own light, cosmic rays, a satellite in every fifth.
 * With `moved`, each frame drifts and turns: 0.05 degrees and 1.6 px from one to the next.
 */
const makeFrames = `
import sys, numpy as np
folder, count, moved, W, H = sys.argv[1], int(sys.argv[2]), sys.argv[3] == 'moved', int(sys.argv[4]), int(sys.argv[5])
rng = np.random.default_rng(7)
S = 2600
X, Y = rng.uniform(-.1 * W, 1.1 * W, S), rng.uniform(-.1 * H, 1.1 * H, S)
F = 10 ** rng.uniform(3.3, 5.5, S)
gy, gx = np.mgrid[-8:9, -8:9].astype(np.float32)
def stars(x, y):
    a = np.full((H, W), 900, np.float32)
    for u, v, f in zip(x, y, F):
        i, j = int(round(u)), int(round(v))
        if 9 < i < W - 10 and 9 < j < H - 10:
            a[j - 8:j + 9, i - 8:i + 9] += f / (2 * np.pi * 1.96) * np.exp(-((gx + i - u) ** 2 + (gy + j - v) ** 2) / 3.92)
    return a
light = None if moved else stars(X, Y)
for k in range(count):
    if moved:
        c, s, mx, my = np.cos(k * 0.05 * np.pi / 180), np.sin(k * 0.05 * np.pi / 180), (W - 1) / 2, (H - 1) / 2
        u, v = X - mx - 1.37 * k, Y - my + 0.91 * k
        light = stars(c * u + s * v + mx, -s * u + c * v + my)
    a = light + np.sqrt(0.4 * light + 25) * rng.standard_normal((H, W), dtype=np.float32)
    a.reshape(-1)[rng.integers(0, W * H, 2000)] += rng.uniform(200, 30000, 2000)
    if k % 5 == 0:
        xs = np.arange(W); ys = (rng.uniform(0, H) + xs * rng.uniform(-.5, .5)).astype(int)
        for w in range(-2, 3):
            ok = (ys + w >= 0) & (ys + w < H); a[ys[ok] + w, xs[ok]] += 1500
    q = np.clip(np.rint(a), 1, 65535).astype(np.uint16)
    cards = ['SIMPLE  = %20s' % 'T'] + ['%-8s= %20d' % c for c in (('BITPIX', 16), ('NAXIS', 2), ('NAXIS1', W), ('NAXIS2', H), ('BZERO', 32768), ('BSCALE', 1))]
    cards += ['EXPTIME =                 30.0', "ROWORDER= 'TOP-DOWN'", 'END']
    data = (q - np.uint16(32768)).astype('>u2').tobytes()
    head = ''.join(card.ljust(80) for card in cards).ljust(2880).encode()
    open('%s/light_%05d.fits' % (folder, k + 1), 'wb').write(head + data + bytes(-len(data) % 2880))
`;

/** Runs a command and answers with what it alone cost. */
const processMeter = `
import os, subprocess, time
def run(task):
    start = time.perf_counter()
    child = subprocess.Popen(task['command'], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, **task['env']})
    errors = child.stderr.read().decode()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = status
    if status: raise RuntimeError('%s: %s' % (task['command'], errors))
    return {'cpuMs': 1000 * (used.ru_utime + used.ru_stime), 'wallMs': 1000 * (time.perf_counter() - start), 'peakBytes': used.ru_maxrss * 1024}
`;

export default async function integrate(): Promise<BenchLine[]> {
  if (process.platform !== 'linux') return [unavailable('integrate', "It measures processes by Linux' wait4.")];
  const { execFileSync } = await import('node:child_process');
  try {
    execFileSync('siril-cli', ['--version'], { stdio: 'pipe' });
  } catch {
    return [unavailable('integrate', 'siril-cli is not installed: apt-get install siril')];
  }
  buildPackage();
  const folder = mkdtempSync(join(tmpdir(), 'nightflow-bench-integrate-'));
  const meter = python3Peer(processMeter);
  const measure = async (command: string[], env: Record<string, string> = {}): Promise<Measured> =>
    (await meter.run({ command, env })).result as Measured;
  const frames = (name: string, count: number, [w, h] = [width, height]): string[] => {
    mkdirSync(join(folder, name));
    execFileSync('/usr/bin/python3', ['-c', makeFrames, join(folder, name), String(count), name, String(w), String(h)]);
    return Array.from({ length: count }, (_, i) => join(folder, name, `light_${String(i + 1).padStart(5, '0')}.fits`));
  };
  /** A process that calls one exported function of the built package. */
  const program = (name: string, module: string, call: string): string[] => {
    const path = join(folder, `${name}.mjs`);
    const built = pathToFileURL(join(import.meta.dirname, '..', 'dist', 'lib', ...module.split('/'))).href;
    writeFileSync(path, `import * as lib from ${JSON.stringify(built)};\nawait lib.${call};\n`);
    return [process.execPath, path];
  };
  const siril = (where: string, commands: string[]): string[] => {
    const script = join(where, 'script.ssf');
    writeFileSync(script, ['requires 1.0.0', 'setext fits', 'set16bits', ...commands].join('\n'));
    return ['siril-cli', '-d', where, '-s', script];
  };
  try {
    const aligned = frames('aligned', alignedFrames);
    const output = join(folder, 'ours.fits');
    const options = { output, outputType: 'u16', rejection: 'sigma-clip', kappaLow: 3, kappaHigh: 3 };
    const ours = program(
      'aligned',
      'frame/integrate.js',
      `integrateFiles(${JSON.stringify(aligned)}, ${JSON.stringify(options)})`,
    );
    const theirs = siril(join(folder, 'aligned'), ['stack light_ rej sigma 3 3 -nonorm -out=result']);
    const samePixels = async (): Promise<boolean | string> => {
      const [a, b] = [await readFits(output), await readFits(join(folder, 'aligned', 'result.fits'))];
      let different = 0;
      for (let i = 0; i < a.pixels.length; i++) if (a.pixels[i] !== b.pixels[i]) different++;
      return different === 0 || `${different} of ${a.pixels.length} pixels differ`;
    };
    const memory = { ours: [] as number[], theirs: [] as number[] };
    const lines: BenchLine[] = [];
    lines.push(
      await pairedBench({
        bench: 'integrate',
        part: `${alignedFrames} x 12 Mpx, CPU`,
        goal: 0.15,
        ours: async () => keep(memory.ours, await measure(ours, oneWorker)),
        peer: async () => keep(memory.theirs, await measure(theirs, { HOME: folder })),
        agree: samePixels,
      }),
    );
    // The peaks of the same runs, in their order.
    let turn = 0;
    const peak = (list: number[]) => async (): Promise<Measured> => ({
      cpuMs: 0,
      wallMs: 0,
      peakBytes: list[turn++ >> 1],
    });
    lines.push(
      await pairedBench({
        bench: 'integrate',
        part: `${alignedFrames} x 12 Mpx, peak memory`,
        goal: 0.15,
        compare: 'peakBytes',
        ours: peak(memory.ours),
        peer: peak(memory.theirs),
        agree: samePixels,
      }),
    );
    rmSync(join(folder, 'aligned'), { recursive: true });

    const moved = frames('moved', movedFrames);
    const report = join(folder, 'report.json');
    const night = { output, outputType: 'u16', rejection: 'sigma-clip', normalisation: 'none', weighting: 'equal' };
    const program2 = program(
      'moved',
      'stars/integration.js',
      `integrateNight(${JSON.stringify(moved)}, ${JSON.stringify(night)}).then(async ({ files }) => (await import('node:fs')).writeFileSync(${JSON.stringify(report)}, JSON.stringify(files)))`,
    );
    lines.push(
      await pairedBench({
        bench: 'integrate',
        part: `${movedFrames} x 12 Mpx with registration, CPU`,
        goal: 0.5,
        ours: () => measure(program2, oneWorker),
        peer: () =>
          measure(
            siril(join(folder, 'moved'), ['register light_', 'stack r_light_ rej sigma 3 3 -nonorm -out=result']),
            { HOME: folder },
          ),
        agree: async () => {
          const files = JSON.parse(readFileSync(report, 'utf8')) as { used: boolean; residualPixels: number | null }[];
          const worst = Math.max(...files.map(({ residualPixels }) => residualPixels ?? 0));
          console.log(`worst residual of the registration: ${worst.toFixed(3)} px`);
          if (!files.every(({ used }) => used)) return 'a frame was left out';
          return worst <= residualGoal || `a residual of ${worst} px`;
        },
      }),
    );
    rmSync(join(folder, 'moved'), { recursive: true });

    const large = frames('large', manyFiles, [largeWidth, largeHeight]);
    const many = Array.from({ length: manyFrames }, (_, i) => {
      const path = join(folder, 'large', `link_${i}.fits`);
      linkSync(large[i % manyFiles]!, path);
      return path;
    });
    const all = program(
      'many',
      'frame/integrate.js',
      `integrateFiles(${JSON.stringify(many)}, ${JSON.stringify(options)})`,
    );
    const { cpuMs, peakBytes = 0 } = await measure(all, { NIGHTFLOW_WORKERS: '2' });
    console.log(`${manyFrames} x 24 Mpx with two workers: ${(cpuMs / 1000).toFixed(1)} s CPU`);
    lines.push(
      figureLine({
        bench: 'integrate',
        part: `${manyFrames} x 24 Mpx, peak memory`,
        figure: peakBytes / 1e6,
        goal: memoryGoal,
        unit: 'MB',
      }),
    );
    return lines;
  } finally {
    await meter.close();
    await closeSharedPool();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One thread of work beside the main one, as on the smallest Pi. */
const oneWorker = { NIGHTFLOW_WORKERS: '1' };

function keep(peaks: number[], measured: Measured): Measured {
  peaks.push(measured.peakBytes ?? 0);
  return measured;
}
