/** Calibration of frames: bias, dark and flat, defects, hot and cold pixels, in one pass over each frame. */
import { job, sharedPool, type WorkerPool } from '../kernels/pool.ts';
import { NightflowError, throwIfAborted } from '../process/errors.ts';
import type { CalibrateInput } from './calibrate.job.ts';
import type { OwnDefects } from './calibrate-cosmetic.ts';
import { type DefectMap, requireFit } from './calibrate-defects.ts';
import { type Applied, calibratedHeader, requireUncalibrated } from './calibrate-header.ts';
import { resultType } from './calibrate-maps.ts';
import { type CheckedMasters, checkMasters, type Masters } from './calibrate-masters.ts';
import { PreparedMaps } from './calibrate-prepared.ts';
import { allocatePixels, type Frame, type PixelType } from './frame.ts';

export type { DefectMap, Masters };

export interface CalibrateOptions {
  /**
   * `auto`: a 16-bit frame stays one, others become 32-bit float. `f32`: always float, without rounding and with nothing
   * clipped.
   */
  format?: 'auto' | 'f32';
  /**
   * ADU that the black of the result lies at. Absent: 0 for floats; for 16 bit the frame's own black level or 1/64 of its white
   * level, whichever is more, so that noise below black is not cut off.
   */
  pedestal?: number;
  /**
   * With a bias: `exposure` scales the dark by the exposures; `optimise` by what leaves least of it in the frame (for
   * temperatures that differ). `off`: the dark as it is. Without a bias a dark is never scaled: it holds the bias, too.
   */
  darkScaling?: 'exposure' | 'optimise' | 'off';
  /**
   * `colour` (the default) sets each colour of a flat to its own mean, so that the colour of the flat's lamp does not go into
   * the picture and white balance stays what it was; `all` uses one mean.
   */
  flatScaling?: 'colour' | 'all';
  /** Replace hot and cold pixels that stand out of the frame itself. */
  cosmetic?: boolean;
  /** °C by which a dark may differ; 5 when absent. */
  temperatureTolerance?: number;
  /** FITS keywords in which a master may differ all the same. */
  allow?: readonly string[];
  pool?: WorkerPool;
}

export interface Calibrated {
  frame: Frame;
  applied: Applied;
  /** Of keywords that one side doesn't know, and of what is less than right; the same for frames that are alike. */
  warnings: string[];
}

const calibrateJob = job<CalibrateInput, OwnDefects | null>(
  new URL('./calibrate.job.ts', import.meta.url),
  'calibrate',
);

/** Calibrates many frames with the same masters: the maps are prepared once, and again when exposure or shape change. */
export class Calibrator {
  private readonly masters: Masters;
  private readonly options: CalibrateOptions;
  private readonly pool: WorkerPool;
  private maps: PreparedMaps | null = null;
  private tail: Promise<unknown> = Promise.resolve();

  constructor(masters: Masters, options: CalibrateOptions = {}) {
    this.masters = masters;
    this.options = options;
    this.pool = options.pool ?? sharedPool();
  }

  /**
   * A new frame; the given one stays as it is. Frames are worked on in the order of the calls.
   * @param spare Memory for the result that nobody looks at any more, used when it is of the right size.
   * @throws bad-input when a master does not match (naming the FITS keyword and both values), holds no light or no value, or
   * the frame is calibrated already; unsupported for a frame with a display curve.
   */
  calibrate(
    frame: Frame,
    { signal, spare }: { signal?: AbortSignal; spare?: SharedArrayBuffer } = {},
  ): Promise<Calibrated> {
    const turn = this.tail.then(() => this.next(frame, signal, spare));
    this.tail = turn.catch(() => {});
    return turn;
  }

  /** Gives the memory of the maps back; a later frame prepares them anew. */
  close(): void {
    this.maps = null;
  }

  private async next(frame: Frame, signal?: AbortSignal, spare?: SharedArrayBuffer): Promise<Calibrated> {
    throwIfAborted(signal);
    requireLinear(frame);
    requireUncalibrated(frame, this.options.allow ?? []);
    const checked = checkMasters(this.masters, frame, this.options);
    if (this.masters.defects) requireFit(this.masters.defects, frame);
    const maps = await this.mapsFor(checked, frame);
    const { width, height, channels, bayer, pixelType, data } = frame;
    const targetType = resultType(frame, this.options);
    const pedestal = this.options.pedestal ?? usualPedestal(frame, targetType);
    const white = whiteOf(frame, maps, targetType, pedestal);
    const bytes = width * height * channels * (targetType === 'u16' ? 2 : 4);
    const target =
      spare?.byteLength === bytes && spare !== data ? spare : allocatePixels(width, height, channels, targetType);
    const own = await this.pool.run(
      calibrateJob,
      {
        maps: maps.current,
        frame: { data, width, height, channels, bayer, pixelType },
        target,
        targetType,
        pedestal,
        saturation: frame.whiteLevel,
        white,
        defects: maps.defects,
        cosmetic: this.options.cosmetic === true,
      },
      // Not to be aborted in the middle: the next frame would meet this one in the maps' memory.
    );
    throwIfAborted(signal);
    const applied: Applied = {
      ...maps.applied,
      mended: (maps.defects?.byteLength ?? 0) / 4,
      hot: own?.hot ?? 0,
      cold: own?.cold ?? 0,
    };
    const warnings = [...checked.warnings, ...maps.warnings];
    if (own?.tooMany) warnings.push('More than 1 % of the pixels stand alone: that is noise, and none was corrected.');
    const levels = { blackLevel: pedestal, whiteLevel: white };
    return {
      frame: calibratedHeader(frame, { data: target, pixelType: targetType, ...levels }, applied),
      applied,
      warnings,
    };
  }

  private async mapsFor(checked: CheckedMasters, frame: Frame): Promise<PreparedMaps> {
    if (!this.maps?.fits(frame)) {
      this.maps = new PreparedMaps(this.masters, frame, this.pool, this.options);
    }
    try {
      await this.maps.prepare(frame, checked);
    } catch (thrown) {
      // Half a map must not serve the next frame.
      this.maps = null;
      throw thrown;
    }
    return this.maps;
  }
}

/** One frame. For many with the same masters keep a Calibrator. @throws as Calibrator.calibrate */
export async function calibrateFrame(
  frame: Frame,
  masters: Masters,
  options: CalibrateOptions & { signal?: AbortSignal } = {},
): Promise<Frame> {
  return (await new Calibrator(masters, options).calibrate(frame, { signal: options.signal })).frame;
}

function requireLinear(frame: Frame): void {
  if (frame.transfer !== 'linear')
    throw new NightflowError(
      'unsupported',
      `${frame.source ?? frame} carries a display curve and can't be calibrated.`,
      {
        remedy: 'Calibrate camera data (RAW, FITS), not JPEG.',
      },
    );
}

function usualPedestal({ blackLevel, whiteLevel }: Frame, targetType: PixelType): number {
  return targetType === 'f32' ? 0 : Math.max(Math.round(blackLevel), Math.round(whiteLevel / 64));
}

/**
 * The level that all saturated samples get: what a saturated one becomes where the gain is highest, so that nothing else
 * reaches it (but in a thousandth of the pixels, and where 16 bits are too few).
 */
function whiteOf(frame: Frame, maps: PreparedMaps, targetType: PixelType, pedestal: number): number {
  const white = (frame.whiteLevel - maps.darkMean) * maps.highGain + pedestal;
  return targetType === 'f32' ? white : Math.max(1, Math.min(65535, Math.round(white)));
}
