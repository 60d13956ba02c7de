/** Shares the areas of an integration among the workers, and puts the result into memory or into a file. */
import { job, type WorkerPool } from '../kernels/pool.ts';
import { writeDurably } from '../process/durable.ts';
import { NightflowError, throwIfAborted } from '../process/errors.ts';
import { addSums } from './fits/checksum.ts';
import { allocatePixels, bytesPerSample, type FrameFields, type Keyword } from './frame.ts';
import type { BandInput, BandOutput, BandTarget, Level, Rules } from './integrate-band.ts';
import { planAreas } from './integrate-plan.ts';
import type { Prepared } from './integrate-prepare.ts';
import { withRejected } from './integrate-result.ts';
import type { Interpolation } from './warp-rows.ts';

export interface RunOptions {
  rules: Rules;
  pool: WorkerPool;
  levels: readonly (readonly Level[])[] | null;
  header: Omit<FrameFields, 'data'>;
  weights?: readonly number[];
  interpolation?: Interpolation;
  rejectionMaps?: boolean;
  countRejected?: boolean;
  outputType?: 'f32' | 'u16';
  output?: string;
  threads?: number;
  signal?: AbortSignal;
  onProgress?: (part: number) => void;
}

export interface RunResult {
  data: SharedArrayBuffer | null;
  output: { path: string; bytes: number } | null;
  keywords: Keyword[];
  lowMap: SharedArrayBuffer | null;
  highMap: SharedArrayBuffer | null;
  /** Numbers of samples. */
  rejectedLow: number;
  rejectedHigh: number;
  perFrame: [low: number, high: number, samples: number][];
}

type Header = Omit<FrameFields, 'data'>;

const module = new URL('./integrate.job.ts', import.meta.url);
const areaJob = job<BandInput, BandOutput>(module, 'integrate');
const headerBytesJob = job<{ frame: Header }, number>(module, 'headerBytes');
const writeHeaderJob = job<
  { frame: Header; descriptor: number; dataSum: number; dataBytes: number; bytes: number },
  void
>(module, 'writeHeader');

export async function runAreas(prepared: Prepared, options: RunOptions): Promise<RunResult> {
  const { width, height, channels, sources } = prepared;
  const { header, output, outputType = 'f32', pool, rejectionMaps = false } = options;
  const maps = rejectionMaps
    ? [allocatePixels(width, height, channels, 'f32'), allocatePixels(width, height, channels, 'f32')]
    : [null, null];
  const samples = width * height * channels;
  const finish = (found: BandOutput) => ({
    keywords: withRejected(
      header.keywords,
      found.rejectedLow / samples / sources.length,
      found.rejectedHigh / samples / sources.length,
    ),
    lowMap: maps[0]!,
    highMap: maps[1]!,
    rejectedLow: found.rejectedLow,
    rejectedHigh: found.rejectedHigh,
    perFrame: found.perFrame,
  });
  const work = (target: BandTarget) => shareAreas(prepared, options, target, maps[0]!, maps[1]!);
  if (output === undefined) {
    const data = allocatePixels(width, height, channels, outputType);
    return { data, output: null, ...finish(await work({ data })) };
  }
  const dataBytes = samples * bytesPerSample[outputType];
  let result: ReturnType<typeof finish> | null = null;
  const bytes = await pool.run(headerBytesJob, { frame: header }, {});
  await writeDurably(output, async ({ fd: descriptor }) => {
    const found = await work({ descriptor, offset: bytes });
    result = finish(found);
    const frame = { ...header, keywords: result.keywords };
    await pool.run(writeHeaderJob, { frame, descriptor, dataSum: found.dataSum, dataBytes, bytes }, {});
  });
  return { data: null, output: { path: output, bytes: bytes + Math.ceil(dataBytes / 2880) * 2880 }, ...result! };
}

/**
 * Workers take the next area when they are free. They are waited for even when it is to stop, for they write into the file.
 */
async function shareAreas(
  { sources, inverses, width, height, channels }: Prepared,
  options: RunOptions,
  target: BandTarget,
  lowMap: SharedArrayBuffer | null,
  highMap: SharedArrayBuffer | null,
): Promise<BandOutput> {
  const { pool, rules, levels, weights = null, signal, onProgress, threads = pool.size } = options;
  const stop = new SharedArrayBuffer(4);
  const input = {
    sources,
    inverses,
    interpolation: options.interpolation ?? 'lanczos3',
    levels,
    weights,
    rules,
    width,
    height,
    target,
    targetType: options.outputType ?? 'f32',
    lowMap,
    highMap,
    countRejected: options.countRejected ?? false,
    stop,
  } as const satisfies Partial<BandInput>;
  const areas = planAreas(input, channels);
  const found: BandOutput = {
    rejectedLow: 0,
    rejectedHigh: 0,
    perFrame: sources.map(() => [0, 0, 0]),
    dataSum: 0,
  };
  const halt = () => Atomics.store(new Int32Array(stop), 0, 1);
  signal?.addEventListener('abort', halt, { once: true });
  let next = 0;
  let done = 0;
  const failures: unknown[] = [];
  const takeAreas = async () => {
    while (next < areas.length && failures.length === 0 && !signal?.aborted)
      try {
        addUp(found, await pool.run(areaJob, { ...input, ...areas[next++]! }, {}));
        done++;
        onProgress?.(done / areas.length);
      } catch (error) {
        failures.push(error);
        halt();
      }
  };
  try {
    const lanes = Math.max(1, Math.min(threads, areas.length));
    await Promise.all(Array.from({ length: lanes }, takeAreas));
  } finally {
    signal?.removeEventListener('abort', halt);
  }
  throwIfAborted(signal);
  if (failures.length > 0) throw failures[0];
  if (done !== areas.length) throw new NightflowError('failed', 'Areas of the picture were left out.');
  return found;
}

function addUp(sum: BandOutput, part: BandOutput): void {
  sum.rejectedLow += part.rejectedLow;
  sum.rejectedHigh += part.rejectedHigh;
  sum.dataSum = addSums(sum.dataSum, part.dataSum);
  for (const [i, counted] of part.perFrame.entries())
    for (const k of [0, 1, 2] as const) sum.perFrame[i]![k] += counted[k];
}
