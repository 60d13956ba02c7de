/** What every solving engine offers, and what it answers. The picture's own header is read by the caller, who turns it into hints. */
import type { Frame } from '../frame/frame.ts';
import type { StarTable } from '../stars/star-table.ts';
import type { Wcs } from './wcs.ts';

/** What is known before; nothing of it has to be. */
export interface SolveHints {
  /** Where the picture's centre is thought to be, J2000 degrees, both or none. */
  raDegrees?: number;
  decDegrees?: number;
  /** How far from there to look, degrees. */
  radiusDegrees?: number;
  /** The scale lies between these, arcsec per pixel. */
  scaleLow?: number;
  scaleHigh?: number;
  /** Of a picture that is known (a camera once solved); not given: both are tried. */
  parity?: 'normal' | 'mirrored';
}

export interface SolveRequest {
  frame: Frame;
  /** Stars that were measured already; not given: the engine finds its own. */
  stars?: StarTable;
  hints?: SolveHints;
  /** Wall time after which the answer is `timed-out`. */
  timeoutSeconds: number;
  signal?: AbortSignal;
}

export type SolveStatus = 'matched' | 'no-match' | 'too-few-stars' | 'timed-out' | 'cancelled';

export interface Solution {
  wcs: Wcs;
  /** Of the picture's centre, J2000 degrees. */
  raDegrees: number;
  decDegrees: number;
  /** Arcsec per pixel at the centre. */
  scale: number;
  /** Position angle of the picture's up (towards row 0), degrees east of north, 0 to 360. */
  rotationDegrees: number;
  parity: 'normal' | 'mirrored';
  widthDegrees: number;
  heightDegrees: number;
  /** Stars of the picture that are the catalogue's; null when the engine does not say. */
  matchedStars: number | null;
  /** RMS of the matched stars; null when the engine does not say. */
  residualPixels: number | null;
  residualArcsec: number | null;
  /** Natural logarithm of the odds against a chance match; null when the engine does not say. */
  logOdds: number | null;
}

export interface SolveResult {
  status: SolveStatus;
  /** A sentence for a person, with the remedy where there is one. */
  reason: string;
  solution: Solution | null;
  engine: string;
  /** Stars that were found in the picture; null when the engine does not say. */
  stars: number | null;
  /** The hint was wrong: found without it. */
  withoutHints: boolean;
  /** Wall seconds: finding stars, searching, all. */
  seconds: { detect: number; search: number; total: number };
}

export interface Solver {
  readonly name: string;
  /** @throws missing (the program is not installed), bad-input, failed. That nothing matches is a result, not an error. */
  solve(request: SolveRequest): Promise<SolveResult>;
}
