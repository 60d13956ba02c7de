/** What a person and other nodes want to know of a solved all-sky picture: plain data, so that it travels in messages. */
import { horizontalOf, radians } from '../sky/coordinates.ts';
import { type AllSkyCamera, directionOfPixel, pixelOfDirection } from './all-sky-camera.ts';
import type { AllSkyFit } from './all-sky-judge.ts';
import { type GeographicPlace, Overhead } from './all-sky-overhead.ts';
import type { PixelPoint } from './wcs.ts';

/** What it takes to draw on the picture, or to ask what a pixel sees: `projectionOf` makes functions of it. */
export interface AllSkyPlace {
  kind: 'all-sky';
  camera: AllSkyCamera;
  site: GeographicPlace;
  /** Of the middle of the exposure, ISO 8601 UTC. */
  time: string;
}

export interface AllSkySolution extends AllSkyPlace {
  /** What is overhead, J2000 degrees, and where that is in the picture. */
  raDegrees: number;
  decDegrees: number;
  zenith: PixelPoint;
  /** Where the picture's up (towards row 0) points to from the zenith, degrees from north through east. */
  upAzimuthDegrees: number;
  /** `normal`: as the eye sees the sky from below, with north up east is on the left. */
  parity: 'normal' | 'mirrored';
  /** Angle between the picture's left and right, top and bottom edges through the optical centre, at most 200 degrees. */
  widthDegrees: number;
  heightDegrees: number;
  /** Arcsec per pixel in the middle. */
  scale: number;
  matchedStars: number;
  residualPixels: number;
  residualArcsec: number;
  logOdds: number;
  /** Of the brightest stars that the camera must see, the share that it does: small under clouds. */
  share: number;
  /** The stars of this very picture say so; false: the camera is taken to stand as it stood. */
  confirmed: boolean;
  /** ISO 8601 UTC of the picture that the lens was fitted on. */
  fitted: string;
}

export const isAllSky = (value: unknown): value is AllSkyPlace =>
  (value as { kind?: unknown } | null | undefined)?.kind === 'all-sky';

const degrees = 1 / radians;
const widestHalf = 100;

export function allSkySolution(
  { camera, ...evidence }: AllSkyFit,
  { site, milliseconds, fitted }: { site: GeographicPlace; milliseconds: number; fitted: string },
  confirmed = true,
): AllSkySolution {
  const [x, y, z] = new Overhead(site, milliseconds).behind([0, 0, 1]);
  const zenith = pixelOfDirection(camera, [0, 0, 1]) ?? { x: camera.x, y: camera.y };
  const above = directionOfPixel(camera, { x: zenith.x, y: zenith.y - camera.focalLength / 5 });
  const scale = (degrees * 3600) / camera.focalLength;
  const { latitude, longitude, elevation } = site;
  return {
    ...{
      kind: 'all-sky',
      camera,
      site: { latitude, longitude, elevation },
      time: new Date(milliseconds).toISOString(),
    },
    raDegrees: (Math.atan2(y, x) * degrees + 360) % 360,
    decDegrees: Math.asin(Math.max(-1, Math.min(1, z))) * degrees,
    zenith,
    upAzimuthDegrees: above ? horizontalOf(above).azimuthDegrees : 0,
    parity: camera.mirrored ? 'mirrored' : 'normal',
    widthDegrees: across(camera, { x: -0.5, y: camera.y }, { x: camera.width - 0.5, y: camera.y }),
    heightDegrees: across(camera, { x: camera.x, y: -0.5 }, { x: camera.x, y: camera.height - 0.5 }),
    scale,
    matchedStars: evidence.matchedStars,
    residualPixels: evidence.residualPixels,
    residualArcsec: evidence.residualPixels * scale,
    logOdds: evidence.logOdds,
    share: evidence.share,
    confirmed,
    fitted,
  };
}

/** How far a camera was turned against another, degrees. */
export function turnBetween(one: AllSkyCamera, other: AllSkyCamera): number {
  let trace = 0;
  for (let i = 0; i < 9; i++) trace += one.axes[i]! * other.axes[i]!;
  return Math.acos(Math.max(-1, Math.min(1, (trace - 1) / 2))) * degrees;
}

function across(camera: AllSkyCamera, ...edges: [PixelPoint, PixelPoint]): number {
  const { axes } = camera;
  const half = (edge: PixelPoint): number => {
    const direction = directionOfPixel(camera, edge);
    if (!direction) return widestHalf;
    const ahead = axes[6]! * direction[0] + axes[7]! * direction[1] + axes[8]! * direction[2];
    return Math.min(widestHalf, Math.acos(Math.max(-1, Math.min(1, ahead))) * degrees);
  };
  return half(edges[0]) + half(edges[1]);
}
