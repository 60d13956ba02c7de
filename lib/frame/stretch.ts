/**
 * From light to the brightness of a screen: the automatic stretch, the compression of the dynamic range, and the table
 * that holds both. All values here are 0 (black level) to 1 (white level).
 *
 * The stretch is the midtones transfer of PixInsight's ScreenTransferFunction, with the parameters of its AutoSTF that
 * Siril's autostretch shares: shadows clipped 2.8 sigma (1.4826 MAD) below the median, the median lifted to 0.25.
 * https://pixinsight.com/doc/tools/ScreenTransferFunction/ScreenTransferFunction.html
 */

export type Stretch = 'none' | 'auto';
export type DynamicRangeCompression = 'off' | 'low' | 'medium' | 'high';

/** What the stretch must know of a channel: median and MAD of light between 0 and 1. */
export interface Background {
  median: number;
  mad: number;
}

export interface MidtonesTransfer {
  /** Light that becomes black, 0…1. */
  shadows: number;
  /** Light between shadows and 1 that becomes half bright, 0…1. */
  midtones: number;
}

export const linearTransfer: MidtonesTransfer = { shadows: 0, midtones: 0.5 };

const shadowsSigma = 2.8;
const targetBackground = 0.25;

/** Midtones transfer function: 0, `midtones` and 1 become 0, 0.5 and 1; rational in between. */
export function midtonesTransfer(midtones: number, x: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  return ((midtones - 1) * x) / ((2 * midtones - 1) * x - midtones);
}

/** The transfer that makes a background a quarter bright; where more than half the range is background, nothing is stretched. */
export function autoTransfer({ median, mad }: Background): MidtonesTransfer {
  if (median >= 0.5) return linearTransfer;
  const shadows = Math.max(0, median - shadowsSigma * 1.4826 * mad);
  // A black picture has no background to lift: 1e-4 is 14 stops, more than any noise allows.
  const lifted = Math.max(1e-4, (median - shadows) / Math.max(1e-6, 1 - shadows));
  if (lifted >= targetBackground) return { shadows, midtones: 0.5 };
  return { shadows, midtones: midtonesTransfer(targetBackground, lifted) };
}

/** Strength of the compression: how many times brighter than a mere scaling the faintest light becomes grows with it. */
const compressions = { off: 0, low: 4, medium: 16, high: 64 } as const;

/**
 * Dynamic range compression: log(1 + a x) / log(1 + a), with a = 4, 16, 64. It lifts the faintest light 2.5, 5.6 and 15
 * times against the brightest, like the levels of a camera's DRC. Before an automatic stretch, which holds the
 * background where it is, it brings the highlights (Moon, lamps, bright stars) down.
 */
export function compressRange(level: DynamicRangeCompression, x: number): number {
  const a = compressions[level];
  return a === 0 ? x : Math.log1p(a * Math.max(0, x)) / Math.log1p(a);
}

/** The background after the compression, whose slope at the median scales the MAD. */
export function compressBackground(level: DynamicRangeCompression, { median, mad }: Background): Background {
  const a = compressions[level];
  if (a === 0) return { median, mad };
  return { median: compressRange(level, median), mad: (mad * a) / ((1 + a * Math.max(0, median)) * Math.log1p(a)) };
}

/** Screen value of linear light: IEC 61966-2-1 (sRGB). */
export const srgbFromLinear = (x: number): number =>
  x <= 0.0031308 ? 12.92 * Math.max(0, x) : 1.055 * x ** (1 / 2.4) - 0.055;
