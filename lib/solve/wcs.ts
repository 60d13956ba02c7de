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

/** J2000 degrees. */
export interface SkyPoint {
  raDegrees: number;
  decDegrees: number;
}

/** 0-based pixel centres from the top left. */
export interface PixelPoint {
  x: number;
  y: number;
}

const degrees = 180 / Math.PI;

/** Where a pixel looks. Any pixel does, also one outside of the picture. */
export function pixelToSky(wcs: Wcs, { x, y }: PixelPoint): SkyPoint {
  const [u, v] = distort(wcs, x - wcs.x, y - wcs.y);
  const [[a, b], [c, d]] = wcs.cd;
  return fromPlane(wcs, a * u + b * v, c * u + d * v);
}

/** The pixel that sees a point of the sky, or null when it is 90° or more from the reference point: no plane picture shows it. */
export function skyToPixel(wcs: Wcs, point: SkyPoint): PixelPoint | null {
  const plane = toPlane(wcs, point);
  if (!plane) return null;
  const [[a, b], [c, d]] = wcs.cd;
  const determinant = a * d - b * c;
  const u = (d * plane[0] - b * plane[1]) / determinant;
  const v = (a * plane[1] - c * plane[0]) / determinant;
  const [dx, dy] = undistort(wcs, u, v);
  return { x: wcs.x + dx, y: wcs.y + dy };
}

/** A point of the sky on the plane that touches it at `origin`: degrees east and north; null beyond 90°. */
export function toPlane(origin: SkyPoint, { raDegrees, decDegrees }: SkyPoint): [number, number] | null {
  const alpha = (raDegrees - origin.raDegrees) / degrees;
  const [delta, delta0] = [decDegrees / degrees, origin.decDegrees / degrees];
  const cosine = Math.sin(delta) * Math.sin(delta0) + Math.cos(delta) * Math.cos(delta0) * Math.cos(alpha);
  if (!(cosine > 1e-9)) return null;
  const east = (Math.cos(delta) * Math.sin(alpha)) / cosine;
  const north = (Math.sin(delta) * Math.cos(delta0) - Math.cos(delta) * Math.sin(delta0) * Math.cos(alpha)) / cosine;
  return [east * degrees, north * degrees];
}

/** The sky behind a point of the tangent plane, degrees east and north of `origin`. */
export function fromPlane(origin: SkyPoint, east: number, north: number): SkyPoint {
  const [xi, eta] = [east / degrees, north / degrees];
  const delta0 = origin.decDegrees / degrees;
  const alongPole = Math.cos(delta0) - eta * Math.sin(delta0);
  const alpha = Math.atan2(xi, alongPole);
  const delta = Math.atan2(Math.sin(delta0) + eta * Math.cos(delta0), Math.hypot(xi, alongPole));
  return { raDegrees: wrap(origin.raDegrees + alpha * degrees), decDegrees: delta * degrees };
}

/** Degrees between two points of the sky, exact for small ones too (Vincenty). */
export function separation(one: SkyPoint, other: SkyPoint): number {
  const alpha = (other.raDegrees - one.raDegrees) / degrees;
  const [d1, d2] = [one.decDegrees / degrees, other.decDegrees / degrees];
  const across = Math.cos(d2) * Math.sin(alpha);
  const along = Math.cos(d1) * Math.sin(d2) - Math.sin(d1) * Math.cos(d2) * Math.cos(alpha);
  const cosine = Math.sin(d1) * Math.sin(d2) + Math.cos(d1) * Math.cos(d2) * Math.cos(alpha);
  return Math.atan2(Math.hypot(across, along), cosine) * degrees;
}

/** The direction from one point to another, degrees east of north, 0 to 360. */
export function positionAngle(from: SkyPoint, to: SkyPoint): number {
  const alpha = (to.raDegrees - from.raDegrees) / degrees;
  const [d1, d2] = [from.decDegrees / degrees, to.decDegrees / degrees];
  const east = Math.cos(d2) * Math.sin(alpha);
  const north = Math.cos(d1) * Math.sin(d2) - Math.sin(d1) * Math.cos(d2) * Math.cos(alpha);
  return wrap(Math.atan2(east, north) * degrees);
}

export const middlePixel = ({ width, height }: Pick<Wcs, 'width' | 'height'>): PixelPoint => ({
  x: (width - 1) / 2,
  y: (height - 1) / 2,
});

/** Where the middle of the picture looks. */
export const centreOf = (wcs: Wcs): SkyPoint => pixelToSky(wcs, middlePixel(wcs));

/** Arcsec per pixel in the middle: the root of the solid angle of a pixel. */
export function scaleOf(wcs: Wcs): number {
  const [[a, b], [c, d]] = jacobian(wcs);
  return Math.sqrt(Math.abs(a * d - b * c)) * 3600;
}

/** Position angle of the picture's up (towards row 0) in the middle, degrees east of north, 0 to 360. */
export function rotationOf(wcs: Wcs): number {
  const { x, y } = middlePixel(wcs);
  return positionAngle(pixelToSky(wcs, { x, y }), pixelToSky(wcs, { x, y: y - 0.5 }));
}

/** `normal`: as the eye sees the sky, east is 90° counter-clockwise from north on the screen. */
export function parityOf({ cd: [[a, b], [c, d]] }: Wcs): 'normal' | 'mirrored' {
  return a * d - b * c > 0 ? 'normal' : 'mirrored';
}

/** The outer corners of the picture: top left, top right, bottom right, bottom left. */
export function cornersOf(wcs: Wcs): SkyPoint[] {
  const [right, bottom] = [wcs.width - 0.5, wcs.height - 0.5];
  return [
    { x: -0.5, y: -0.5 },
    { x: right, y: -0.5 },
    { x: right, y: bottom },
    { x: -0.5, y: bottom },
  ].map((corner) => pixelToSky(wcs, corner));
}

/** The border of the picture on the sky, clockwise on the screen from the top left: a closed line would end where it begins. @param perSide Points a side. */
export function footprintOf(wcs: Wcs, perSide = 8): SkyPoint[] {
  const { width, height } = wcs;
  const sides: ((t: number) => PixelPoint)[] = [
    (t) => ({ x: t * width - 0.5, y: -0.5 }),
    (t) => ({ x: width - 0.5, y: t * height - 0.5 }),
    (t) => ({ x: (1 - t) * width - 0.5, y: height - 0.5 }),
    (t) => ({ x: -0.5, y: (1 - t) * height - 0.5 }),
  ];
  return sides.flatMap((side) => Array.from({ length: perSide }, (_, i) => pixelToSky(wcs, side(i / perSide))));
}

/** Width and height of the picture through its middle, degrees. */
export function extentOf(wcs: Wcs): { widthDegrees: number; heightDegrees: number } {
  const { x, y } = middlePixel(wcs);
  const centre = centreOf(wcs);
  const from = (point: PixelPoint) => separation(pixelToSky(wcs, point), centre);
  return {
    widthDegrees: from({ x: -0.5, y }) + from({ x: wcs.width - 0.5, y }),
    heightDegrees: from({ x, y: -0.5 }) + from({ x, y: wcs.height - 0.5 }),
  };
}

/** Degrees (east, north) that a pixel to the right and a pixel down move on the sky, in the middle of the picture. */
function jacobian(wcs: Wcs): [[number, number], [number, number]] {
  const { x, y } = middlePixel(wcs);
  const centre = pixelToSky(wcs, { x, y });
  const step = (dx: number, dy: number) => {
    const plus = toPlane(centre, pixelToSky(wcs, { x: x + dx, y: y + dy }))!;
    const minus = toPlane(centre, pixelToSky(wcs, { x: x - dx, y: y - dy }))!;
    return [plus[0] - minus[0], plus[1] - minus[1]] as const;
  };
  const [right, down] = [step(0.5, 0), step(0, 0.5)];
  return [
    [right[0], down[0]],
    [right[1], down[1]],
  ];
}

function distort({ sip }: Wcs, dx: number, dy: number): [number, number] {
  return sip ? [dx + polynomial(sip.a, dx, dy), dy + polynomial(sip.b, dx, dy)] : [dx, dy];
}

/** The inverse polynomial is only a start: Newton's steps on the forward one make it exact where the distortion can be undone. */
function undistort(wcs: Wcs, u: number, v: number): [number, number] {
  const { sip } = wcs;
  if (!sip) return [u, v];
  let [dx, dy] = [u + polynomial(sip.ap, u, v), v + polynomial(sip.bp, u, v)];
  // Far outside of the picture a fitted polynomial means nothing: what does not converge there keeps the inverse polynomial's word.
  const start = [dx, dy] as [number, number];
  for (let step = 0; step < 20; step++) {
    const [fu, fv] = distort(wcs, dx, dy);
    const h = 0.5;
    const [ru, rv] = distort(wcs, dx + h, dy);
    const [du, dv] = distort(wcs, dx, dy + h);
    const [a, b, c, d] = [(ru - fu) / h, (du - fu) / h, (rv - fv) / h, (dv - fv) / h];
    const determinant = a * d - b * c;
    const [eu, ev] = [u - fu, v - fv];
    const [sx, sy] = [(d * eu - b * ev) / determinant, (a * ev - c * eu) / determinant];
    if (!Number.isFinite(sx) || !Number.isFinite(sy) || Math.hypot(sx, sy) > wcs.width + wcs.height) return start;
    dx += sx;
    dy += sy;
    if (Math.abs(sx) + Math.abs(sy) < 1e-9) return [dx, dy];
  }
  return Math.hypot(...residual(wcs, dx, dy, u, v)) < 1e-3 ? [dx, dy] : start;
}

function residual(wcs: Wcs, dx: number, dy: number, u: number, v: number): [number, number] {
  const [fu, fv] = distort(wcs, dx, dy);
  return [fu - u, fv - v];
}

/** Sum of coefficient [p][q] times x^p y^q. */
export function polynomial(coefficients: readonly (readonly number[])[], x: number, y: number): number {
  let sum = 0;
  let xp = 1;
  for (const row of coefficients) {
    let term = xp;
    for (const coefficient of row) {
      if (coefficient) sum += coefficient * term;
      term *= y;
    }
    xp *= x;
  }
  return sum;
}

const wrap = (angle: number): number => {
  const turned = angle % 360;
  return turned < 0 ? (turned + 360) % 360 : turned;
};
