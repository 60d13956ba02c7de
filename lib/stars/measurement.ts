/** What the stars say of one frame. */
import type { StarTable } from './star-table.ts';

export interface TiltCell {
  /** Median HFR of the cell's stars, pixels; null where there are fewer than three. */
  hfr: number | null;
  stars: number;
}

export interface StarMeasurement {
  stars: StarTable;
  /** All that were found; the table may keep fewer. */
  count: number;
  /** Medians over the stars that measure well (unsaturated, off the edge, not elongated, SNR above 10 where there are enough); null without one. */
  hfr: number | null;
  fwhm: number | null;
  eccentricity: number | null;
  /** How many stars these medians stand on. */
  measured: number;
  /** Of `hfr` and `fwhm`; null when the scale is not known. */
  hfrArcseconds: number | null;
  fwhmArcseconds: number | null;
  scaleArcseconds: number | null;
  /** Median of the background mesh and the standard deviation of a background pixel, ADU. */
  background: number;
  noise: number;
  /** 3 x 3 cells, row by row from the top left. */
  tilt: readonly TiltCell[];
  /** Largest less smallest HFR of the corners over the median HFR, per cent; null without three corners. */
  tiltPercent: number | null;
  /**
   * Why there are none (`all-black`, `saturated`, `noise`, `hot-pixels`, `no-data`, `no-stars`), or not all of them (`too-many`), with a
   * sentence; null when all is well.
   */
  reason: { code: string; text: string } | null;
}
