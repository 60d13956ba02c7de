/**
 * Many frames into one: pixel by pixel the mean or median of all of them, without the samples that don't belong (satellites,
 * cosmic rays, hot pixels). Areas of all files are read side by side, so that memory does not grow with their number.
 */
import { sharedPool, type WorkerPool } from '../kernels/pool.ts';
import { NightflowError, throwIfAborted } from '../process/errors.ts';
import { Frame, type FrameFields } from './frame.ts';
import type { Rules } from './integrate-band.ts';
import { levelFrames, type Normalisation } from './integrate-levels.ts';
import { type Integrand, prepareSources } from './integrate-prepare.ts';
import { resultHeader } from './integrate-result.ts';
import { runAreas } from './integrate-run.ts';
import { ScratchFolder } from './integrate-scratch.ts';
import type { Matrix } from './matrix.ts';
import type { Interpolation } from './warp-rows.ts';

export type { Normalisation } from './integrate-levels.ts';
export type { Integrand } from './integrate-prepare.ts';

export interface IntegrateOptions extends Partial<Rules> {
  /**
   * For each frame where its pixels lie on the result's (3x3 row-major, frame to result, 0-based pixel centres: a registration's
   * `matrix`); null for one that lies as it is. Mosaics become RGB when there is any. Absent: all lie on each other.
   */
  matrices?: readonly (Matrix | null)[];
  /** Size of the result; the reference's when absent. Only with matrices. */
  width?: number;
  height?: number;
  interpolation?: Interpolation;
  /** Of the mean, one for each frame, above 0; equal when absent. A median has none. */
  weights?: readonly number[];
  /** How levels are made equal before samples are compared; 'none' when absent. */
  normalisation?: Normalisation;
  /** For `additive`: what each frame is multiplied by before (the stars of a hazy one fit then too). */
  scales?: readonly number[];
  /** Number of the frame whose levels, header and size the result has; 0 when absent. */
  reference?: number;
  /** Also makes pictures of how many samples were rejected below and above. */
  rejectionMaps?: boolean;
  /** Counts for each frame what was rejected of it: a twentieth more time. */
  countRejected?: boolean;
  /** 'f32' when absent; 'u16' rounds halves up. */
  outputType?: 'f32' | 'u16';
  /** Writes the result to this FITS file, area by area, instead of keeping it in memory. */
  output?: string;
  /** Header fields of the result that its makers know better. */
  header?: Partial<FrameFields>;
  /** Where files that can't be read by rows are unpacked; the system's temporary folder when absent. */
  scratchFolder?: string;
  pool?: WorkerPool;
  /** How many workers share the areas; all of the pool's when absent. */
  threads?: number;
  signal?: AbortSignal;
  /** Part that is done, 0…1. */
  onProgress?: (part: number) => void;
}

export interface IntegratedFrame {
  /** File, or number of the frame in the list. */
  name: string;
  weight: number;
  /** Parts of its own samples, 0…1; null when they were not counted. */
  rejectedLow: number | null;
  rejectedHigh: number | null;
}

export interface Integration {
  /** The result; null when it went to a file. */
  frame: Frame | null;
  output: { path: string; bytes: number } | null;
  /** Rejected samples of each pixel (f32); null when not asked for. */
  lowMap: Frame | null;
  highMap: Frame | null;
  /** Parts of all samples, 0…1. */
  rejectedLow: number;
  rejectedHigh: number;
  frames: IntegratedFrame[];
}

/** Sorting them takes so much of the scratch memory. */
const mostFrames = 8192;

/**
 * Integrates files (FITS row by row; RAW, TIFF and compressed ones through a scratch file) and frames.
 *
 * Sigma clipping and winsorised sigma clipping (kappa 3 when absent) are those of Siril: aligned unsigned 16-bit frames without
 * normalisation and weights give its `rej sigma` / `rej winsorized` `-nonorm` to the last bit, but that a sample of 0 counts here
 * (Siril takes it for a missing one). NaN counts as missing; where nothing is left, the result is NaN.
 * @throws bad-input for frames that don't fit each other, with the name of the one; as readFrame for those that can't be read.
 */
export async function integrateFiles(
  inputs: readonly Integrand[],
  options: IntegrateOptions = {},
): Promise<Integration> {
  const {
    signal,
    pool = sharedPool(),
    rejection = 'sigma-clip',
    kappaLow = 3,
    kappaHigh = 3,
    combine = 'mean',
  } = options;
  checkOptions(inputs, options);
  const rules: Rules = { rejection, kappaLow, kappaHigh, combine };
  const scratch = new ScratchFolder(options.scratchFolder);
  try {
    const prepared = await prepareSources(inputs, { ...options, pool, scratch });
    throwIfAborted(signal);
    const levels = await levelFrames(prepared.sources, options, pool);
    const header = resultHeader(prepared, { ...options, rules });
    const run = await runAreas(prepared, { ...options, rules, pool, levels, header });
    const samples = inputs.length * prepared.width * prepared.height * prepared.channels;
    const map = (data: SharedArrayBuffer | null) =>
      data &&
      new Frame({ ...header, ...{ bayer: null }, data, pixelType: 'f32', whiteLevel: inputs.length, blackLevel: 0 });
    return {
      frame: run.data && new Frame({ ...header, data: run.data, keywords: run.keywords }),
      output: run.output,
      lowMap: map(run.lowMap),
      highMap: map(run.highMap),
      rejectedLow: run.rejectedLow / samples,
      rejectedHigh: run.rejectedHigh / samples,
      frames: prepared.sources.map(({ name }, i) => {
        const [low, high, own] = run.perFrame[i]!;
        const part = (count: number) => (options.countRejected ? (own > 0 ? count / own : 0) : null);
        return { name, weight: options.weights?.[i] ?? 1, rejectedLow: part(low), rejectedHigh: part(high) };
      }),
    };
  } finally {
    await scratch.close();
  }
}

function checkOptions(inputs: readonly Integrand[], options: IntegrateOptions): void {
  const { matrices, weights, scales, reference = 0, kappaLow = 3, kappaHigh = 3 } = options;
  const refuse = (message: string, remedy: string) => {
    throw new NightflowError('bad-input', message, { remedy });
  };
  if (inputs.length === 0) refuse('There is no frame to integrate.', 'Name two or more.');
  if (inputs.length > mostFrames)
    refuse(`${inputs.length} frames can't be integrated at once: ${mostFrames} can.`, 'Integrate them in parts.');
  for (const [what, list] of Object.entries({ matrices, weights, scales }))
    if (list && list.length !== inputs.length)
      refuse(`There are ${list.length} ${what} for ${inputs.length} frames.`, 'Give one for each frame.');
  if (weights?.some((weight) => !(weight > 0 && Number.isFinite(weight))))
    refuse('A weight is not a number above 0.', 'Leave out the frames that are not to count.');
  if (!(kappaLow > 0 && kappaHigh > 0))
    refuse(`Rejection at ${kappaLow} and ${kappaHigh} sigma can't be.`, 'Give kappa above 0; 3 is usual.');
  if (!Number.isInteger(reference) || reference < 0 || reference >= inputs.length)
    refuse(`There is no frame ${reference} for a reference.`, `Name one from 0 to ${inputs.length - 1}.`);
}
