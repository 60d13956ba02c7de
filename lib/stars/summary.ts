/** What a table of stars says of its frame: medians, tilt, and why there is nothing. */
import type { StarMeasurement, TiltCell } from './measurement.ts';
import { median } from './median.ts';
import { type StarTable, starFlag } from './star-table.ts';

/** Stars fainter than this are left out of the medians where there are enough brighter ones. */
const leastSnr = 10;
const enoughStars = 10;
const leastTrailed = 3;

type Summary = Pick<StarMeasurement, 'hfr' | 'fwhm' | 'eccentricity' | 'measured' | 'tilt' | 'tiltPercent'>;

export function summarise(stars: StarTable, frame: { width: number; height: number }): Summary {
  const chosen = measurable(stars);
  // Each is a new view: taken once.
  const { x, y, hfr } = stars;
  const medianIn = (column: Float32Array) => medianOf(chosen.map((i) => column[i]!));
  const cells: number[][] = Array.from({ length: 9 }, () => []);
  const third = (at: number, size: number) => Math.max(0, Math.min(2, Math.floor(((at + 0.5) * 3) / size)));
  for (const i of chosen) cells[3 * third(y[i]!, frame.height) + third(x[i]!, frame.width)]!.push(hfr[i]!);
  const tilt: TiltCell[] = cells.map((inside) => ({
    hfr: inside.length < 3 ? null : medianOf(inside),
    stars: inside.length,
  }));
  const all = medianIn(hfr);
  const corners = [0, 2, 6, 8].map((cell) => tilt[cell]!.hfr).filter((value) => value !== null);
  const tiltPercent = corners.length < 3 || !all ? null : (100 * (Math.max(...corners) - Math.min(...corners))) / all;
  return {
    hfr: all,
    fwhm: medianIn(stars.fwhm),
    eccentricity: medianIn(stars.eccentricity),
    measured: chosen.length,
    tilt,
    tiltPercent,
  };
}

/** Indices of the stars that measure well; with few of them, the faint and then the flawed ones too. */
function measurable(stars: StarTable): number[] {
  const { flags, snr } = stars;
  const flaws = starFlag.saturated | starFlag.edge | starFlag.elongated;
  const clean: number[] = [];
  const bright: number[] = [];
  for (let i = 0; i < stars.count; i++) {
    if (flags[i]! & flaws) continue;
    clean.push(i);
    if (snr[i]! > leastSnr && !(flags[i]! & starFlag.blended)) bright.push(i);
  }
  if (bright.length >= enoughStars) return bright;
  if (clean.length > 0) return clean;
  // A frame that trailed has nothing but trails; a satellite leaves one.
  const trailed = Array.from({ length: stars.count }, (_, i) => i).filter(
    (i) => (flags[i]! & flaws) === starFlag.elongated,
  );
  return trailed.length >= leastTrailed ? trailed : [];
}

const medianOf = (values: number[]): number | null => (values.length === 0 ? null : median(values));
