/**
 * The stars of a picture for a solver. Where a lens draws stars a pixel wide, the measurement takes them all for hot pixels: then every
 * sharp peak is a star until the sky's patterns say otherwise.
 */
import type { Frame } from '../frame/frame.ts';
import { job, sharedPool } from '../kernels/pool.ts';
import { measureStars } from '../stars/measure.ts';
import type { ContrastStars, ContrastStarsInput } from './contrast-stars.job.ts';
import { planeOf } from './picture-file.ts';
import type { SharpStars, SharpStarsInput } from './sharp-stars.job.ts';
import type { SolveRequest } from './solver.ts';
import { type ListedStar, listStars } from './star-list.ts';

/** A measurement with fewer is compared with the sharp peaks. */
const fewStars = 7;
const mostStars = 1000;
/** Of a second look. */
const mostContrastStars = 300;
/** Nothing smaller has stars to look for. */
const smallestSide = 16;

const findSharpStars = job<SharpStarsInput, SharpStars>(
  new URL('./sharp-stars.job.ts', import.meta.url),
  'findSharpStars',
);

const findContrastStars = job<ContrastStarsInput, ContrastStars>(
  new URL('./contrast-stars.job.ts', import.meta.url),
  'findContrastStars',
);

/** Brightest first; those of the request where it brings some. A picture that is too small has none. */
export async function findStars({ frame, stars, signal }: SolveRequest): Promise<ListedStar[]> {
  if (stars) return listStars(stars);
  if (Math.min(frame.width, frame.height) < smallestSide) return [];
  const measured = await measureStars(frame, { maximumStars: 5000, signal });
  const listed = listStars(measured.stars);
  if (listed.length >= fewStars || !isSharp(measured.reason)) return listed;
  return sharpStars(frame, signal);
}

/**
 * Another list of the same picture, by another measure, for when the first one matched nothing: brightest first. None where the stars
 * were given.
 */
export async function findStarsAgain({ frame, stars, signal }: SolveRequest): Promise<ListedStar[]> {
  if (stars || Math.min(frame.width, frame.height) < smallestSide) return [];
  const { data, width, height, type, offset } = await planeOf(frame, signal);
  const { x, y, flux, radius } = await sharedPool().run(
    findContrastStars,
    { data, width, height, type, most: mostContrastStars },
    { signal },
  );
  return Array.from(x, (_, i) => ({ x: x[i]! + offset, y: y[i]! + offset, flux: flux[i]!, hfr: radius[i]! }));
}

/** Nothing at all, or noise and a cap, have no sharp stars either. */
const isSharp = (reason: { code: string } | null): boolean =>
  reason === null || reason.code === 'hot-pixels' || reason.code === 'no-stars';

async function sharpStars(frame: Frame, signal: AbortSignal | undefined): Promise<ListedStar[]> {
  const { data, width, height, type, offset } = await planeOf(frame, signal);
  const { x, y, flux } = await sharedPool().run(
    findSharpStars,
    { data, width, height, type, most: mostStars },
    { signal },
  );
  return Array.from(x, (_, i) => ({ x: x[i]! + offset, y: y[i]! + offset, flux: flux[i]! }));
}
