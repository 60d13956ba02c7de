/**
 * Reading a 12 Mpx FITS file of unsigned 16 bit to a Frame, against astropy to a native array; reading and folding files
 * in one pass, against only reading them, each whole into one buffer that was there before.
 *
 * Ours reads as a loop over a night's files does (integration, calibration, ingest): the memory of the frame before is used
 * again (`spare`). So is the peer's: malloc gives numpy the pages of the array before (19 to 330 page faults a file). What
 * a frame in memory of its own costs is printed beside it: a SharedArrayBuffer is always zeroed (0.8 ms where malloc
 * clears pages that it has, 10 where the kernel gives fresh ones, hence scripts/allocator.js), and V8 has to be told of it.
 *
 * Where the time goes (AMD EPYC, 2 cores, Linux 6.18, astropy 5.2.1, numpy 1.24; CPU of a file, minimum to median):
 * astropy 8 to 11 ms, of which 0.3 for opening and the header, then numpy's two passes from the mapped file. Ours: reading
 * into a block that stays in the cache 1.0 to 1.1 ms, with swapping 1.6 to 1.7, with the copy into the frame 2.5 to 2.9.
 */
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FitsMaximum } from '../lib/frame/fits/maximum.ts';
import { readFits } from '../lib/frame/fits/read.ts';
import { writeFits } from '../lib/frame/fits/write.ts';
import { allocatePixels, Frame } from '../lib/frame/frame.ts';
import { closeSharedPool } from '../lib/kernels/pool.ts';
import { type BenchLine, cpu, pairedBench, python3Peer } from './harness.ts';

const [width, height] = [4056, 3040];
const repeat = 8;

const astropy = `
from astropy.io import fits
import numpy as np
def run(task):
    data = fits.getdata(task['path'])
    assert data.dtype == np.uint16 and data.dtype.isnative
    if 'raw' in task: data.tofile(task['raw'])
`;

export default async function fitsRead(): Promise<BenchLine[]> {
  const folder = mkdtempSync(join(tmpdir(), 'nightflow-bench-'));
  const peer = python3Peer(astropy);
  try {
    const paths = await Promise.all([1, 2, 3, 4].map((seed) => writeNoise(join(folder, `${seed}.fits`), seed)));
    let turn = 0;
    const next = () => paths[turn++ % paths.length]!;
    let spare: SharedArrayBuffer | undefined;
    const readAgain = async () => {
      spare = (await readFits(next(), { spare })).data;
    };
    // The compilers' and malloc's steady state, on both sides.
    for (let i = 0; i < 4 * repeat; i++) await readFits(next());
    for (let i = 0; i < 4 * repeat; i++) await readAgain();
    await peer.run({ path: next() }, { repeat: 4 * repeat });
    const read = await pairedBench({
      bench: 'fits-read',
      goal: 0.33,
      pairs: 9,
      ours: () => cpu(readAgain, { repeat }),
      peer: () => peer.run({ path: next() }, { repeat }),
      agree: async () => {
        const raw = join(folder, 'astropy.raw');
        await peer.run({ path: paths[0], raw });
        const frame = await readFits(paths[0]!, { spare });
        return readFileSync(raw).equals(Buffer.from(frame.data as unknown as ArrayBuffer)) || 'the samples differ';
      },
    });

    const own = await cpu(() => readFits(next()), { repeat: 8 * repeat });
    console.log(`fits-read: into memory of its own ${own.cpuMs.toFixed(2)} ms CPU`);

    const maximum = new FitsMaximum();
    for (let i = 0; i < repeat; i++) maximum.add(paths);
    const perFile = async (work: () => void) => {
      const { cpuMs, wallMs } = await cpu(work, { repeat });
      return { cpuMs: cpuMs / paths.length, wallMs: wallMs / paths.length };
    };
    const whole = Buffer.alloc(statSync(paths[0]!).size, 1);
    const fold = await pairedBench({
      bench: 'fits-read',
      part: 'with fold, against a plain read',
      goal: 1.5,
      pairs: 9,
      ours: () => perFile(() => maximum.add(paths)),
      peer: () =>
        perFile(() => {
          for (const path of paths) plainRead(path, whole);
        }),
      agree: async () => {
        const frames = await Promise.all(paths.map((path) => readFits(path)));
        const folded = new Uint16Array(maximum.result().data);
        const views = frames.map(({ data }) => new Uint16Array(data));
        for (let i = 0; i < folded.length; i++)
          if (folded[i] !== Math.max(...views.map((view) => view[i]!))) return `pixel ${i} differs`;
        return true;
      },
    });
    return [read, fold];
  } finally {
    await peer.close();
    await closeSharedPool();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Sensor-like noise around a pedestal. */
async function writeNoise(path: string, seed: number): Promise<string> {
  const data = allocatePixels(width, height, 1, 'u16');
  const pixels = new Uint16Array(data);
  let state = seed;
  for (let i = 0; i < pixels.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    pixels[i] = 256 + (state >>> 19);
  }
  await writeFits(new Frame({ data, width, height, pixelType: 'u16', bayer: 'RGGB' }), path);
  return path;
}

function plainRead(path: string, whole: Buffer): void {
  const file = openSync(path, 'r');
  for (let at = 0; at < whole.length; ) at += readSync(file, whole, at, whole.length - at, at);
  closeSync(file);
}
