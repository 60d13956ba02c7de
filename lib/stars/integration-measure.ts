/** The first pass over the files of an integration: read, calibrate, measure, and keep what can't be read by rows again. */
import type { Calibrator } from '../frame/calibrate.ts';
import { debayerFrame } from '../frame/debayer.ts';
import type { Frame, FrameFields } from '../frame/frame.ts';
import type { Integrand } from '../frame/integrate.ts';
import type { ScratchFolder } from '../frame/integrate-scratch.ts';
import { readFrame } from '../frame/read.ts';
import { sharedPool } from '../kernels/pool.ts';
import { asNightflowError, throwIfAborted } from '../process/errors.ts';
import type { Reported } from './integration.ts';
import { measureStars } from './measure.ts';
import type { StarMeasurement } from './measurement.ts';

export interface Candidate extends Reported {
  integrand: Integrand;
  header: Pick<FrameFields, 'width' | 'height' | 'channels' | 'bayer'>;
  measurement: StarMeasurement | null;
}

export interface MeasureFilesOptions {
  calibrator: Calibrator | null;
  scratch: ScratchFolder;
  align: 'stars' | 'none';
  signal?: AbortSignal;
  onFile?: (done: number) => void;
}

interface Lane {
  read: SharedArrayBuffer | undefined;
  calibrated: SharedArrayBuffer | undefined;
}

/** The brightest are enough to lay one frame on another. */
const starsKept = 2000;

/** In the files' order. A file that can't be used is refused with its reason; only a full disk and an abort end the job. */
export async function measureFiles(
  files: readonly string[],
  options: MeasureFilesOptions,
): Promise<{ candidates: Candidate[]; refused: Reported[]; warnings: string[] }> {
  const { calibrator, scratch, align, signal, onFile } = options;
  const found: (Candidate | Reported)[] = [];
  const warnings = new Set<string>();
  let next = 0;
  let done = 0;
  const takeFiles = async () => {
    // Nothing keeps a frame once it is measured or unpacked: the next is read into its memory.
    const lane: Lane = { read: undefined, calibrated: undefined };
    while (next < files.length) {
      throwIfAborted(signal);
      const i = next++;
      const file = files[i]!;
      try {
        found[i] = await measure(file, files.length - i - 1, lane);
      } catch (thrown) {
        const error = asNightflowError(thrown);
        if (error.code === 'aborted' || error.code === 'disk-full') throw error;
        found[i] = { file, reason: error.message };
      }
      onFile?.(++done);
    }
  };
  await Promise.all(Array.from({ length: Math.min(files.length, sharedPool().size) }, takeFiles));
  const isCandidate = (each: Candidate | Reported): each is Candidate => 'integrand' in each;
  return {
    candidates: found.filter(isCandidate),
    refused: found.filter((each) => !isCandidate(each)),
    warnings: [...warnings],
  };

  async function measure(file: string, more: number, lane: Lane): Promise<Candidate | Reported> {
    const raw = await readFrame(file, { signal, spare: lane.read });
    lane.read = raw.data;
    const calibrated = calibrator ? await calibrator.calibrate(raw, { signal, spare: lane.calibrated }) : null;
    lane.calibrated = calibrated?.frame.data;
    for (const warning of calibrated?.warnings ?? []) warnings.add(warning);
    const frame = calibrated?.frame ?? raw;
    const measurement = align === 'stars' ? await measureStars(frame, { maximumStars: starsKept, signal }) : null;
    if (measurement && measurement.count === 0)
      return { file, measurement, reason: measurement.reason?.text ?? 'It has no stars.' };
    const toBeMoved = align === 'stars' && frame.bayer !== null;
    const asItIs = frame === raw && !toBeMoved && /\.(fits?|fts)$/i.test(file);
    const final = toBeMoved ? await debayerFrame(frame, { signal }) : frame;
    const { width, height, channels, bayer } = final;
    return {
      file,
      integrand: asItIs ? file : await unpacked(final, file, more),
      header: { width, height, channels, bayer },
      measurement,
    };
  }

  async function unpacked(frame: Frame, file: string, more: number): Promise<Integrand> {
    const { data: _pixels, ...header } = frame as FrameFields;
    return { source: await scratch.add(frame, file, more), header };
  }
}
