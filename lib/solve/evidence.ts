/** What our own catalogue says of a match: which stars it knows, how well they fit, and whether the whole picture is one field of the sky. */
import { job } from '../kernels/pool.ts';
import { solverPool } from './built-in-pool.ts';
import type { Evidence, EvidenceInput } from './evidence.job.ts';
import type { ListedStar } from './star-list.ts';
import { pixelToSky, scaleOf, separation, type Wcs } from './wcs.ts';

const weighJob = job<EvidenceInput, Evidence>(new URL('./evidence.job.ts', import.meta.url), 'weighWcs');

/** More than these tell nothing new. */
const mostStars = 200;
/** A half of the picture that has so many stars, and so few of them in the sky, is asked whether it is another field. */
const [enoughStars, strangeShare, knownShare] = [10, 0.15, 0.3];
/** How far the two places of a half may be apart, as a part of the picture. */
const sameField = 0.1;
const scaleMargin = 1.3;

export interface Weighed extends Evidence {
  /** The stars that were weighed, brightest first. */
  stars: readonly ListedStar[];
}

/** @param list Brightest first. @throws aborted */
export async function weigh(wcs: Wcs, list: readonly ListedStar[], signal?: AbortSignal): Promise<Weighed> {
  const stars = list.slice(0, mostStars);
  const [x, y] = [Float32Array.from(stars, (star) => star.x), Float32Array.from(stars, (star) => star.y)];
  return { ...(await solverPool().run(weighJob, { wcs, x, y }, { signal })), stars };
}

/**
 * Whether the picture is laid together of two fields: a half of it has stars that the match does not know, and they match elsewhere.
 * @param search Finds the field of some stars at a scale; null when it finds none.
 */
export async function isOfTwoFields(
  wcs: Wcs,
  weighed: Weighed,
  search: (stars: readonly ListedStar[], scale: { scaleLow: number; scaleHigh: number }) => Promise<Wcs | null>,
): Promise<boolean> {
  const half = strangeHalf(wcs, weighed);
  if (!half) return false;
  const scale = scaleOf(wcs);
  const other = await search(half.stars, { scaleLow: scale / scaleMargin, scaleHigh: scale * scaleMargin });
  if (!other) return false;
  const apart = separation(pixelToSky(wcs, half.middle), pixelToSky(other, half.middle));
  return apart > (sameField * scale * wcs.width) / 3600;
}

function strangeHalf({ width, height }: Wcs, { stars, matched }: Weighed) {
  const share = (of: readonly number[]) => of.reduce((sum, i) => sum + matched[i]!, 0) / Math.max(1, of.length);
  for (const [dx, dy] of [
    [-1, 0],
    [1, 0],
    [0, -1],
    [0, 1],
  ] as const) {
    const inHalf = (i: number) => dx * (stars[i]!.x - width / 2) + dy * (stars[i]!.y - height / 2) > 0;
    const all = [...stars.keys()];
    const [here, there] = [all.filter(inHalf), all.filter((i) => !inHalf(i))];
    if (here.length < enoughStars || share(here) > strangeShare || share(there) < knownShare) continue;
    return {
      stars: here.filter((i) => !matched[i]).map((i) => stars[i]!),
      middle: { x: (width * (2 + dx)) / 4, y: (height * (2 + dy)) / 4 },
    };
  }
  return null;
}

export const twoFieldsSentence =
  'The picture is laid together of two fields: its parts match different places of the sky.';
