/**
 * The stars of a picture for a solver. Where a lens draws stars a pixel wide, the measurement takes them all for hot pixels: then every
 * sharp peak is a star until the sky's patterns say otherwise.
 */
import type { Frame } from '../frame/frame.ts';
import { job, sharedPool } from '../kernels/pool.ts';
import { measureStars } from '../stars/measure.ts';
import { planeOf } from './picture-file.ts';
import type { SharpStars, SharpStarsInput } from './sharp-stars.job.ts';
import type { SolveRequest } from './solver.ts';
import { type ListedStar, listStars } from './star-list.ts';

/** A measurement with fewer is compared with the sharp peaks. */
const fewStars = 7;
const mostStars = 1000;
/** Nothing smaller has stars to look for. */
const smallestSide = 16;

const findSharpStars = job<SharpStarsInput, SharpStars>(
  new URL('./sharp-stars.job.ts', import.meta.url),
  'findSharpStars',
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
