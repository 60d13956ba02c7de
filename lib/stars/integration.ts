/**
 * From a night's files to one picture: each is calibrated, its stars measured; the best becomes the reference, the others are laid
 * on it; good frames count more than poor ones. What can't be used is reported and passed over.
 */
import { type CalibrateOptions, Calibrator, type Masters } from '../frame/calibrate.ts';
import { writeFits } from '../frame/fits/write.ts';
import { type IntegrateOptions, type Integration, integrateFiles } from '../frame/integrate.ts';
import { ScratchFolder } from '../frame/integrate-scratch.ts';
import { NightflowError, throwIfAborted } from '../process/errors.ts';
import { alignAll } from './integration-align.ts';
import { measureFiles } from './integration-measure.ts';
import { type Weighting, weighFrames } from './integration-weights.ts';

export type { Weighting } from './integration-weights.ts';

export interface IntegrationOptions
  extends Pick<
    IntegrateOptions,
    | 'rejection'
    | 'kappaLow'
    | 'kappaHigh'
    | 'combine'
    | 'interpolation'
    | 'outputType'
    | 'rejectionMaps'
    | 'scratchFolder'
  > {
  /** Where the result goes (FITS); without it, it stays in memory. Rejection maps go beside it (`_low`, `_high`). */
  output?: string;
  masters?: Masters | null;
  calibration?: CalibrateOptions;
  /** 'stars' when absent; 'none' for frames that lie on each other already. */
  align?: 'stars' | 'none';
  /** 'quality' when absent. */
  weighting?: Weighting;
  /**
   * `stars` (when absent, with align 'stars'): the sky's level and the brightness of the stars are made equal; the others as in
   * integrateFiles.
   */
  normalisation?: IntegrateOptions['normalisation'] | 'stars';
  /** File that the others are laid on; the best one when absent. */
  reference?: string;
  signal?: AbortSignal;
  onProgress?: (progress: IntegrationProgress) => void;
}

export interface IntegrationProgress {
  stage: 'measure' | 'register' | 'integrate';
  /** Part of the stage, 0…1. */
  part: number;
  /** Of the whole job, 0…1, about. */
  whole: number;
}

/** What became of one file. */
export interface FileReport {
  file: string;
  used: boolean;
  /** Why not; null when it was. */
  reason: string | null;
  isReference: boolean;
  /** Stars found, median FWHM (px) and noise of the sky (ADU); null when it could not be measured. */
  stars: number | null;
  fwhm: number | null;
  noise: number | null;
  /** Brightness of its stars as part of the reference's; null when unknown. */
  transparency: number | null;
  /** Relative to the reference's. */
  weight: number;
  matched: number | null;
  residualPixels: number | null;
  rotationDegrees: number | null;
  dx: number | null;
  dy: number | null;
  flipped: boolean;
  /** Parts of its samples that were rejected, 0…1. */
  rejectedLow: number | null;
  rejectedHigh: number | null;
}

export interface IntegrationResult extends Omit<Integration, 'frames'> {
  reference: string;
  used: number;
  files: FileReport[];
  /** Of the masters, each once. */
  warnings: string[];
  mapPaths: { low: string; high: string } | null;
}

/** How the time is shared, about. */
const stages = { measure: [0, 0.3], register: [0.3, 0.35], integrate: [0.35, 1] } as const;

/**
 * @throws bad-input when there is no file; rejected when fewer than two can be used, with the first reason; disk-full, aborted.
 */
export async function integrateNight(
  files: readonly string[],
  options: IntegrationOptions = {},
): Promise<IntegrationResult> {
  const { signal, align = 'stars', weighting = 'quality', masters = null, calibration } = options;
  if (files.length === 0)
    throw new NightflowError('bad-input', 'There is no file to integrate.', { remedy: 'Name two or more.' });
  const progress = (stage: IntegrationProgress['stage'], part: number) => {
    const [from, to] = stages[stage];
    options.onProgress?.({ stage, part, whole: from + (to - from) * part });
  };
  const scratch = new ScratchFolder(options.scratchFolder);
  const calibrator = masters ? new Calibrator(masters, calibration) : null;
  try {
    const measured = await measureFiles([...files], {
      calibrator,
      scratch,
      align,
      signal,
      onFile: (done) => progress('measure', done / files.length),
    });
    const aligned = await alignAll(measured.candidates, {
      align,
      reference: options.reference,
      signal,
      onFile: (part) => progress('register', part),
    });
    throwIfAborted(signal);
    const refused = [...measured.refused, ...aligned.refused];
    const { used } = aligned;
    if (used.length < 2)
      throw new NightflowError(
        'rejected',
        `Of ${files.length} files only ${used.length} can be integrated. ${refused[0] ? `${refused[0].file}: ${refused[0].reason}` : ''}`.trim(),
        { remedy: 'Choose frames of one field, with stars in them.' },
      );
    const weights = weighFrames(used, weighting);
    const { normalisation = align === 'stars' ? 'stars' : 'additive' } = options;
    const byStars = normalisation === 'stars';
    const integration = await integrateFiles(
      used.map(({ integrand }) => integrand),
      {
        ...pick(options),
        matrices: align === 'stars' ? used.map(({ registration }) => registration?.matrix ?? null) : undefined,
        reference: aligned.reference,
        weights: weighting === 'equal' ? undefined : weights,
        normalisation: byStars ? 'additive' : normalisation,
        scales: byStars ? used.map(({ transparency }) => 1 / (transparency ?? 1)) : undefined,
        countRejected: true,
        signal,
        onProgress: (part) => progress('integrate', part),
      },
    );
    const reports = new Map<string, FileReport>();
    for (const each of refused) reports.set(each.file, reportOf(each));
    for (const [i, each] of used.entries()) {
      const { rejectedLow, rejectedHigh } = integration.frames[i]!;
      const own = { used: true, isReference: i === aligned.reference, weight: weights[i]!, rejectedLow, rejectedHigh };
      reports.set(each.file, { ...reportOf(each), ...own });
    }
    const { frames: _frames, ...result } = integration;
    return {
      ...result,
      reference: used[aligned.reference]!.file,
      used: used.length,
      files: files.map((file) => reports.get(file)!),
      warnings: measured.warnings,
      mapPaths: await writeMaps(integration, options),
    };
  } finally {
    calibrator?.close();
    await scratch.close();
  }
}

const pick = (options: IntegrationOptions): IntegrateOptions => {
  // Plain sigma clipping finds no satellite among fewer than ten frames: at 3 sigma, one of n samples can't be beyond sqrt(n) sigma.
  const {
    rejection = 'winsorised',
    kappaLow,
    kappaHigh,
    combine,
    interpolation,
    outputType,
    rejectionMaps,
    scratchFolder,
    output,
  } = options;
  return { rejection, kappaLow, kappaHigh, combine, interpolation, outputType, rejectionMaps, scratchFolder, output };
};

async function writeMaps(
  { lowMap, highMap }: Integration,
  { output, signal }: IntegrationOptions,
): Promise<{ low: string; high: string } | null> {
  if (!lowMap || !highMap || output === undefined) return null;
  const beside = (suffix: string) => output.replace(/(\.[^./\\]*)?$/, `_${suffix}$1`);
  const paths = { low: beside('low'), high: beside('high') };
  await writeFits(lowMap, paths.low, { signal });
  await writeFits(highMap, paths.high, { signal });
  return paths;
}

/** What is known of a file at any stage. */
export interface Reported {
  file: string;
  reason?: string | null;
  measurement?: { count: number; fwhm: number | null; noise: number } | null;
  transparency?: number | null;
  registration?: {
    matched: number;
    residualPixels: number;
    rotationDegrees: number;
    dx: number;
    dy: number;
    flipped: boolean;
  } | null;
}

function reportOf({ file, reason = null, measurement, transparency = null, registration }: Reported): FileReport {
  return {
    file,
    used: false,
    reason,
    isReference: false,
    stars: measurement?.count ?? null,
    fwhm: measurement?.fwhm ?? null,
    noise: measurement?.noise ?? null,
    transparency,
    weight: 0,
    matched: registration?.matched ?? null,
    residualPixels: registration?.residualPixels ?? null,
    rotationDegrees: registration?.rotationDegrees ?? null,
    dx: registration?.dx ?? null,
    dy: registration?.dy ?? null,
    flipped: registration?.flipped ?? false,
    rejectedLow: null,
    rejectedHigh: null,
  };
}
