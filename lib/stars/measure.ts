/** Finds the stars of a frame and measures them: where, how bright, how sharp. */
import type { Frame } from '../frame/frame.ts';
import { allocateShared } from '../kernels/memory.ts';
import { job, sharedPool } from '../kernels/pool.ts';
import { NightflowError, throwIfAborted } from '../process/errors.ts';
import { type JobRunner, measureOn } from './divide.ts';
import type { Measured } from './measure.job.ts';
import type { StarMeasurement } from './measurement.ts';
import type { PlaneInput } from './plane.job.ts';
import { describePlane, type Plane } from './plane.ts';
import { type StarColumn, StarTable, starColumns } from './star-table.ts';
import { summarise } from './summary.ts';

export interface MeasureOptions {
  /** How far above the background the filtered picture must be, in standard deviations of a background pixel; 5 if not given. */
  thresholdSigma?: number;
  /** Arc seconds of a pixel, for the figures in arc seconds. */
  scaleArcseconds?: number | null;
  /** The table keeps the brightest; 100,000 if not given. */
  maximumStars?: number;
  /** Threads that divide the work, for benches and tests; all of the pool's for large frames if not given. The result is the same. */
  threads?: number;
  /** Where the work runs, the shared pool if not given. A program for a single file may run it in its own thread. */
  pool?: JobRunner;
  signal?: AbortSignal;
}

const makePlaneJob = job<PlaneInput, void>(new URL('./plane.job.ts', import.meta.url), 'makePlane');

/**
 * Stars above `thresholdSigma` of a frame. The half-flux radius of each is that of SEP's `flux_radius(data, x, y, 6 a, 0.5)`:
 * all light within 6 a of the centroid (a: the isophotal rms along the major axis) counts as the star's.
 * Nothing found is an empty table with its reason. @throws bad-input for a threshold or a number of stars that can't be.
 */
export async function measureStars(frame: Frame, options: MeasureOptions = {}): Promise<StarMeasurement> {
  const {
    thresholdSigma = 5,
    scaleArcseconds = null,
    maximumStars = 100_000,
    threads,
    pool = sharedPool(),
    signal,
  } = options;
  throwIfAborted(signal);
  if (!(thresholdSigma >= 1 && thresholdSigma <= 100))
    throw new NightflowError('bad-input', `A threshold of ${thresholdSigma} sigma can't be.`, {
      remedy: 'Set it between 1 and 100; 5 is usual.',
    });
  if (!(maximumStars >= 1)) throw new NightflowError('bad-input', `${maximumStars} stars at the most can't be.`);
  const plane = await planeOf(frame, pool, signal);
  const measured = await measureOn(pool, { plane, thresholdSigma }, { threads, signal });
  const all = tableOf(measured, plane);
  const summary = summarise(all, frame);
  const arcseconds = (value: number | null) =>
    value === null || scaleArcseconds === null ? null : value * scaleArcseconds;
  return {
    stars: firstOf(all, maximumStars),
    count: all.count,
    ...summary,
    hfrArcseconds: arcseconds(summary.hfr),
    fwhmArcseconds: arcseconds(summary.fwhm),
    scaleArcseconds,
    background: measured.background * plane.unit,
    noise: measured.noise * plane.unit * plane.noiseFactor,
    reason: reasonOf(measured, all.count, summary.measured, frame, plane),
  };
}

async function planeOf(frame: Frame, pool: JobRunner, signal: AbortSignal | undefined): Promise<Plane> {
  const plane = describePlane(frame);
  if (plane.width < 8 || plane.height < 8)
    throw new NightflowError('bad-input', `${frame} is too small to look for stars in.`);
  if (plane.data) return { ...plane, data: plane.data };
  const target = allocateShared(plane.width * plane.height * (plane.type === 'u16' ? 2 : 4));
  const { data, width, height, channels, bayer, pixelType, transfer, whiteLevel } = frame;
  const source = { data, width, height, channels, bayer, pixelType, transfer, whiteLevel };
  await pool.run(makePlaneJob, { frame: source, target, from: 0, to: plane.height }, { signal });
  return { ...plane, data: target };
}

/** The columns of a table out of the rows of the kernels, in the frame's coordinates and units. */
function tableOf({ rows, count }: Measured, plane: Plane): StarTable {
  const table = StarTable.of(count);
  const source = new Float32Array(rows);
  // What a row's numbers are in the frame: (value + offset) x unit.
  const conversions: Record<StarColumn, { offset?: number; unit?: number }> = {
    ...{
      x: { offset: plane.offset },
      y: { offset: plane.offset },
      flux: { unit: plane.unit },
      peak: { unit: plane.unit },
    },
    ...{ hfr: {}, fwhm: {}, eccentricity: {}, angleDegrees: { unit: 180 / Math.PI }, snr: {}, flags: {} },
  };
  for (const [i, name] of starColumns.entries()) {
    const column = table.column(name);
    const { offset = 0, unit = 1 } = conversions[name];
    for (let star = 0; star < count; star++) column[star] = (source[star * starColumns.length + i]! + offset) * unit;
  }
  if (plane.widening > 0) narrow(table, plane.widening);
  return table;
}

/** Takes the 2x2 window of a mosaic's plane out of the radii again, in quadrature as for a Gaussian. */
function narrow({ count, hfr, fwhm }: StarTable, widening: number): void {
  for (let star = 0; star < count; star++) {
    hfr[star] = Math.sqrt(Math.max(0.3 * hfr[star]! ** 2, hfr[star]! ** 2 - 1.3863 * widening));
    fwhm[star] = Math.sqrt(Math.max(0.3 * fwhm[star]! ** 2, fwhm[star]! ** 2 - 5.5452 * widening));
  }
}

/** The first rows of a table. */
function firstOf(table: StarTable, most: number): StarTable {
  if (table.count <= most) return table;
  const first = StarTable.of(Math.floor(most));
  for (const name of starColumns) first.column(name).set(table.column(name).subarray(0, first.count));
  return first;
}

function reasonOf(
  measured: Measured,
  count: number,
  usable: number,
  frame: Frame,
  plane: Plane,
): StarMeasurement['reason'] {
  if (measured.incomplete)
    return { code: 'too-many', text: `There is more in ${frame} than can be measured; the rest was left out.` };
  if (count > 0 && usable > 0) return null;
  if (count > 0)
    return {
      code: 'no-stars',
      text: `What stands out in ${frame} is no star to measure: trails, saturated, or cut off by the edge (${count}).`,
    };
  if (Number.isNaN(measured.background)) return { code: 'no-data', text: `No pixel of ${frame} has a value.` };
  if (measured.saturated > 0.5) return { code: 'saturated', text: `${frame} is saturated: no star can stand out.` };
  if (measured.hotPixels > 0)
    return { code: 'hot-pixels', text: `Only hot pixels (${measured.hotPixels}) stand out in ${frame}.` };
  const light = (measured.background - plane.quantum / 2) * plane.unit - frame.blackLevel;
  if (light <= 0.05 * measured.noise * plane.unit)
    return { code: 'all-black', text: `${frame} is black: no light reached the sensor.` };
  return { code: 'noise', text: `Nothing in ${frame} stands out from the noise.` };
}
