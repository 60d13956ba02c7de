/** The loupe: the sharpest, the median and the worst star of a frame, cut out, stretched alike and enlarged pixel by pixel. */
import type { Frame } from '../frame/frame.ts';
import { renderRgb } from '../frame/preview.ts';
import { job, sharedPool } from '../kernels/pool.ts';
import { throwIfAborted } from '../process/errors.ts';
import type { LoupeInput, LoupePlace, LoupeSquare } from './loupe.job.ts';
import { type StarTable, starFlag } from './star-table.ts';

export const loupeStars = ['sharpest', 'median', 'worst'] as const;
export type LoupeStar = (typeof loupeStars)[number];

export interface LoupePictureOfStar {
  star: LoupeStar;
  /** Its row of the table. */
  index: number;
  /** 0-based pixel centres of the frame. */
  x: number;
  y: number;
  /** Pixels. */
  hfr: number;
  fwhm: number;
  eccentricity: number;
  snr: number;
  /** The frame's pixels across the square, and the picture's pixels across one of them. */
  side: number;
  enlargement: number;
  png: Buffer;
}

export interface LoupeOptions {
  /** Pixels across a picture, at most; squares that are wider are not enlarged. */
  width?: number;
  signal?: AbortSignal;
}

/** A square shows so many half-flux radii of the widest of the three stars; what is much wider than the median is a cloud or a lamp. */
const sideInHfr = 6;
const widestInMedians = 2.5;
/** Fewer pixels show no star, more show its neighbours. */
const [smallestSide, largestSide] = [16, 160];
const usualWidth = 240;
/** Noise would hide the shape of faint stars: a part of them, the brightest, are enough to choose from, if they are not too few. */
const brightPart = 1 / 4;
const enough = 30;
/** Neighbours widen each other: where there are so many without one, those with one are passed by. */
const enoughSingle = 10;
/** An extreme may be a hot pixel or a pair of stars: one in twenty is passed by on either side. */
const passedBy = 0.05;

const cutJob = job<LoupeInput, LoupeSquare[]>(new URL('./loupe.job.ts', import.meta.url), 'cut');

/**
 * Up to three pictures, sharpest first; without a star that can be measured none, with one or two stars as many. All show squares of one
 * size. Black is the square's own background, white the star's own peak, with the sRGB curve between them, so that a wide star
 * is not just fainter than a sharp one. Stars near the edge stand off the middle of their squares.
 */
export async function loupe(
  frame: Frame,
  stars: StarTable,
  { width = usualWidth, signal }: LoupeOptions = {},
): Promise<LoupePictureOfStar[]> {
  throwIfAborted(signal);
  const chosen = choose(stars);
  if (chosen.length === 0) return [];
  const { x, y, hfr } = stars;
  const radii = chosen.map(({ index }) => hfr[index]!);
  const side = squareSide(frame, Math.min(Math.max(...radii), widestInMedians * radii[radii.length >> 1]!));
  const places = chosen.map(({ index }) => placeOf(frame, x[index]!, y[index]!, side));
  const { data, width: across, height, channels, bayer, pixelType, whiteBalance } = frame;
  const picture = { data, width: across, height, channels, bayer, pixelType, whiteBalance };
  const squares = await sharedPool().run(cutJob, { ...picture, places, side }, { signal });
  const enlargement = Math.max(1, Math.floor(width / side));
  return Promise.all(
    chosen.map(async ({ star, index }, at) => {
      const { data: pixels, low, high } = squares[at]!;
      const levels = { blackLevel: low, whiteLevel: high, transfer: 'linear' } as const;
      const shown = frame.with({ data: pixels, width: side, height: side, ...levels });
      const { eccentricity, fwhm, snr } = stars.row(index);
      const figures = { x: x[index]!, y: y[index]!, hfr: hfr[index]!, fwhm, eccentricity, snr };
      return { star, index, ...figures, side, enlargement, png: await enlarged(shown, enlargement, signal) };
    }),
  );
}

/** Rows of the table by HFR: near its lower end, its middle, near its upper end; each star once. */
function choose(stars: StarTable): { star: LoupeStar; index: number }[] {
  const { hfr, flags, snr } = stars;
  const unfit = starFlag.saturated | starFlag.edge | starFlag.elongated;
  const fits = (bits: number) =>
    Array.from(hfr.keys()).filter((index) => hfr[index]! > 0 && (flags[index]! & bits) === 0);
  const single = fits(unfit | starFlag.blended);
  const measurable = single.length >= enoughSingle ? single : fits(unfit);
  const bright = measurable
    .sort((a, b) => snr[b]! - snr[a]!)
    .slice(0, Math.max(enough, measurable.length * brightPart));
  const ranked = bright.sort((a, b) => hfr[a]! - hfr[b]!);
  const last = ranked.length - 1;
  const margin = Math.floor(last * passedBy);
  const places = { sharpest: margin, median: Math.round(last / 2), worst: last - margin };
  // Of one star there is only a median, of two no median.
  const wanted = loupeStars.slice(ranked.length === 1 ? 1 : 0, ranked.length === 1 ? 2 : 3);
  return wanted
    .filter((star) => ranked.length > 0 && !(star === 'median' && ranked.length === 2))
    .map((star) => ({ star, index: ranked[places[star]]! }));
}

/** Even, so that a square of a mosaic begins and ends with whole cells. */
function squareSide(frame: Frame, widestHfr: number): number {
  const wanted = 2 * Math.ceil((sideInHfr * widestHfr) / 2);
  const fits = 2 * Math.floor(Math.min(frame.width, frame.height) / 2) || 1;
  return Math.min(fits, largestSide, Math.max(smallestSide, wanted));
}

/** The square around a star, as far as the frame reaches. */
function placeOf(frame: Frame, x: number, y: number, side: number): LoupePlace {
  const start = (middle: number, size: number) =>
    2 * Math.floor(Math.min(size - side, Math.max(0, middle - side / 2 + 0.5)) / 2);
  const [left, top] = [start(x, frame.width), start(y, frame.height)];
  return { left, top, x: x - left, y: y - top };
}

async function enlarged(square: Frame, enlargement: number, signal: AbortSignal | undefined): Promise<Buffer> {
  const { data, width, height, channels } = await renderRgb(square, { stretch: 'none', drc: 'off', signal });
  const { default: sharp } = await import('sharp');
  const side = { width: width * enlargement, height: height * enlargement };
  const png = await sharp(new Uint8Array(data), { raw: { width, height, channels } })
    .resize({ ...side, kernel: 'nearest' })
    .png({ compressionLevel: 6 })
    .toBuffer();
  throwIfAborted(signal);
  return png;
}
