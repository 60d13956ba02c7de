/** Master frames: many biases, darks or flats into one, file by file from the disk, with a header that says what it is. */
import { job, sharedPool, type WorkerPool } from '../kernels/pool.ts';
import { NightflowError, throwIfAborted } from '../process/errors.ts';
import { type Matchable, matchMaster, requireMatch } from './calibrate-match.ts';
import type { Frame, FrameKind, Keyword } from './frame.ts';
import type { Inspected } from './integrate.job.ts';
import { type Integrand, integrateFiles } from './integrate.ts';
import type { FlatInput } from './master.job.ts';
import { readHeader } from './master-header.ts';
import { measureFrame } from './statistics.ts';

export type MasterKind = Extract<FrameKind, 'bias' | 'dark' | 'flat'>;

export interface MasterOptions {
  /** `sigma-clip` when absent; `none` averages all. */
  rejection?: 'none' | 'sigma-clip' | 'winsorised';
  /** The mean of what is left, or its median. */
  combine?: 'mean' | 'median';
  /** Sigma; 3 when absent. */
  kappaLow?: number;
  kappaHigh?: number;
  /** Of flats only: what is in them besides light: a dark of their exposure, or a bias. */
  flatDark?: Frame | null;
  /** FITS keywords in which the frames may differ from the first all the same. */
  allow?: readonly string[];
  /** Where files that can't be read by rows are unpacked. */
  scratchFolder?: string;
  pool?: WorkerPool;
  signal?: AbortSignal;
  /** Part that is done, 0…1. */
  onProgress?: (part: number) => void;
}

export interface Master {
  /** 32-bit float, ADU of the frames it is made of. */
  frame: Frame;
  /** Parts of all samples that were rejected, 0…1. */
  rejectedLow: number;
  rejectedHigh: number;
  warnings: string[];
}

/** Light a flat needs at least and may have at most, as part of the way from black to white. */
const darkestFlat = 0.02;
const brightestFlat = 0.95;

/** °C within a set of darks: a cooler's swing. */
const temperatureTogether = 3;

const levelsJob = job<{ source: Inspected['source'] }, { location: number; sigma: number }[]>(
  new URL('./integrate.job.ts', import.meta.url),
  'measureLevels',
);
const flatJob = job<FlatInput, void>(new URL('./master.job.ts', import.meta.url), 'subtractFlatDark');

/**
 * Combines frames (or files) of one kind. Biases and darks are combined as they are: a dark keeps its bias. Flats are brought
 * to the light of the first before (their lamp or sky changes), and `flatDark` is taken out; without it their black level.
 * Memory does not grow with the number of files.
 * @throws bad-input for no frame, another kind, size or setting than the first (naming the FITS keyword), a flat without light or
 * burnt out; as readFrame for a file that can't be read.
 */
export async function buildMaster(
  kind: MasterKind,
  inputs: readonly (string | Frame)[],
  options: MasterOptions = {},
): Promise<Master> {
  const { signal, allow = [], rejection = 'sigma-clip', pool = sharedPool() } = options;
  if (inputs.length === 0)
    throw new NightflowError('bad-input', `There is no frame to make a master ${kind} of.`, {
      remedy: `Take some ${kind}s, or check the folder.`,
    });
  const warnings: string[] = [];
  const looked = await lookAt(kind, inputs, { ...options, allow }, warnings);
  const { rejection: _r, flatDark, allow: _a, pool: _p, ...rest } = options;
  const flat = kind === 'flat' ? looked : null;
  const { frame, rejectedLow, rejectedHigh } = await integrateFiles(looked.inputs, {
    ...rest,
    // Two samples or one have no outliers.
    rejection: inputs.length < 3 ? 'none' : rejection,
    normalisation: flat ? 'additive' : 'none',
    ...(flat ? { scales: flat.scales } : {}),
    pool,
  });
  throwIfAborted(signal);
  if (flat) {
    // The mean of k (flat - dark) + black is k times the dark's own pattern away from the flat alone.
    const scale = flat.scales.reduce((sum, each) => sum + each, 0) / flat.scales.length;
    const { data, width, height, channels } = frame!;
    const dark = flatDark ? { data: flatDark.data, pixelType: flatDark.pixelType } : null;
    const input = { data, samples: width * height * channels, dark, black: flat.black, scale };
    await pool.run(flatJob, input);
  }
  return { frame: masterFrame(kind, frame!, looked, options), rejectedLow, rejectedHigh, warnings };
}

interface Looked {
  first: Matchable;
  inputs: Integrand[];
  /** Factors that bring each flat's light to the first's; empty for other kinds. */
  scales: number[];
  /** ADU of no light in the flats. */
  black: number;
}

/** Holds each frame against the first; of flats it measures the light. */
async function lookAt(
  kind: MasterKind,
  inputs: readonly (string | Frame)[],
  { flatDark, allow, signal, pool = sharedPool() }: MasterOptions,
  warnings: string[],
): Promise<Looked> {
  let first: Matchable | null = null;
  let black = 0;
  const lights: number[] = [];
  const found: Integrand[] = [];
  const seen = new Set<string>();
  for (const input of inputs) {
    throwIfAborted(signal);
    const { header, integrand, frame } = await readHeader(input, signal);
    found.push(integrand);
    requireRaw(kind, header);
    if (first) {
      const match = matchMaster(kind, header, first, { allow, temperatureTolerance: temperatureTogether });
      requireMatch(kind, header, first, match);
      for (const warning of match.warnings) seen.add(warning);
    } else {
      first = header;
      if (flatDark) checkFlatDark(flatDark, header, allow ?? [], warnings);
      if (kind === 'flat') black = flatDark ? (await measureFrame(flatDark, { signal })).median : header.blackLevel;
    }
    if (kind === 'flat') {
      const level = frame
        ? (await measureFrame(frame, { signal })).median
        : (await pool.run(levelsJob, { source: (integrand as Inspected).source }, { signal }))[0]!.location;
      requireLight(header, level - black, black);
      lights.push(level - black);
    }
  }
  warnings.push(...seen);
  return { first: first!, inputs: found, scales: lights.map((light) => lights[0]! / light), black };
}

function requireRaw(kind: MasterKind, frame: Matchable): void {
  const name = frame.source ?? 'A frame';
  if (frame.transfer !== 'linear')
    throw new NightflowError('bad-input', `${name} carries a display curve.`, { remedy: 'Use RAW or FITS files.' });
  if (frame.kind !== kind && (frame.kind !== 'light' || frame.keyword('IMAGETYP') !== undefined))
    throw new NightflowError(
      'bad-input',
      `${name} is no ${kind}: IMAGETYP says ${frame.keyword('IMAGETYP') ?? frame.kind}.`,
      { remedy: `Give ${kind}s only.` },
    );
  if (frame.keyword('CALSTAT'))
    throw new NightflowError('bad-input', `${name} is calibrated already (CALSTAT = '${frame.keyword('CALSTAT')}').`, {
      remedy: 'Use frames as the camera sent them.',
    });
}

function checkFlatDark(flatDark: Frame, flat: Matchable, allow: readonly string[], warnings: string[]): void {
  const match = matchMaster('flat dark', flatDark, flat, { allow });
  requireMatch('flat dark', flatDark, flat, match);
  warnings.push(...match.warnings);
}

function requireLight(frame: Matchable, light: number, black: number): void {
  const name = frame.source ?? 'of the list';
  const range = frame.whiteLevel - black;
  if (!(light > darkestFlat * range))
    throw new NightflowError(
      'bad-input',
      `The flat ${name} holds hardly any light: its median is ${round(light)} ADU above black.`,
      {
        remedy: 'Expose flats to a third or half of saturation.',
      },
    );
  if (light > brightestFlat * range)
    throw new NightflowError(
      'bad-input',
      `The flat ${name} is burnt out: its median is ${round(light + black)} ADU of ${frame.whiteLevel}.`,
      {
        remedy: 'Expose flats to a third or half of saturation.',
      },
    );
}

const round = (value: number): number => Number(value.toPrecision(4));

const imageTypes: Record<MasterKind, string> = { bias: 'Master Bias', dark: 'Master Dark', flat: 'Master Flat' };

/** A flat's letters say what was taken out of it; a dark keeps its bias and has none. */
function masterFrame(kind: MasterKind, frame: Frame, { first }: Looked, { flatDark }: MasterOptions): Frame {
  const status = kind !== 'flat' ? '' : flatDark ? (flatDark.kind === 'bias' ? 'B' : 'BD') : '';
  const keywords: Keyword[] = [
    { name: 'IMAGETYP', value: imageTypes[kind], comment: 'Kind of master' },
    ...(status ? [{ name: 'CALSTAT', value: status, comment: 'Taken out: bias, dark' }] : []),
    ...frame.keywords.filter(({ name }) => !['IMAGETYP', 'FRAME', 'CALSTAT', 'OBJECT', 'BLACKLEV'].includes(name)),
  ];
  const level = kind === 'flat' ? { blackLevel: 0, whiteLevel: first.whiteLevel - first.blackLevel } : {};
  return frame.with({ ...level, kind, target: null, keywords });
}
