/**
 * The world coordinate system of a picture: TAN and TAN-SIP (Calabretta & Greisen 2002, A&A 395, 1077; Shupe et al. 2005, ASP 347, 491).
 * Pixels are ours: 0-based centres from the top left. Only the header's reader and writer know of FITS pixels.
 */
export interface Wcs {
  width: number;
  height: number;
  /** The reference pixel, 0-based from the top left. */
  x: number;
  y: number;
  /** What it points at, J2000 degrees. */
  raDegrees: number;
  decDegrees: number;
  /** Degrees on the tangent plane (east, north) a pixel to the right and down: [[xi_x, xi_y], [eta_x, eta_y]]. */
  cd: readonly [readonly [number, number], readonly [number, number]];
  /** Distortion added to the offset from the reference pixel before `cd`; null: none. Coefficient [p][q] of dx^p dy^q, our pixels. */
  sip: { a: number[][]; b: number[][]; ap: number[][]; bp: number[][] } | null;
}
