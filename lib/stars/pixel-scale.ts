/** How many seconds of arc a pixel spans: as the frame's header says it, or from focal length and pixel size. */
import type { Frame } from '../frame/frame.ts';

export interface Optics {
  /** Millimetres; null: as the frame's FOCALLEN says. */
  focalLengthMillimetres?: number | null;
  /** Micrometres of a pixel of the frame, binning included; null: as the frame's header says. */
  pixelSizeMicrometres?: number | null;
}

const arcsecondsPerRadian = (180 * 3600) / Math.PI;

/** What no telescope and no all-sky camera is beyond: a header that says so is wrong. */
const [smallest, largest] = [0.01, 3600];

/**
 * Seconds of arc per pixel in the middle of the field; null when it is not known. What the caller knows goes before the header, and a
 * scale in the header (SCALE, PIXSCALE, SECPIX) before one that is worked out.
 */
export function pixelScale(frame: Pick<Frame, 'keyword'>, optics: Optics = {}): number | null {
  const { focalLengthMillimetres: focalLength, pixelSizeMicrometres: pixelSize } = optics;
  const known = (focalLength ?? 0) > 0 || (pixelSize ?? 0) > 0;
  const said = ['SCALE', 'PIXSCALE', 'SECPIX'].map((name) => positive(frame, name)).find((value) => value !== null);
  if (!known && said && isSensible(said)) return said;
  const millimetres = focalLength || positive(frame, 'FOCALLEN');
  const micrometres = pixelSize || headerPixelSize(frame);
  if (!millimetres || !micrometres) return null;
  const scale = (micrometres / 1000 / millimetres) * arcsecondsPerRadian;
  return isSensible(scale) ? scale : null;
}

/** XPIXSZ is of the binned pixel (SBFITSEXT 1.0, as MaxIm, N.I.N.A. and KStars write it), INDI's PIXSIZE1 of the sensor's own. */
function headerPixelSize(frame: Pick<Frame, 'keyword'>): number | null {
  const own = positive(frame, 'PIXSIZE1');
  return positive(frame, 'XPIXSZ') ?? (own === null ? null : own * (positive(frame, 'XBINNING') ?? 1));
}

function positive(frame: Pick<Frame, 'keyword'>, name: string): number | null {
  const value = Number(frame.keyword(name) ?? Number.NaN);
  return Number.isFinite(value) && value > 0 ? value : null;
}

const isSensible = (scale: number): boolean => scale >= smallest && scale <= largest;
