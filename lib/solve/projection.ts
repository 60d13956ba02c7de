/** How a solved picture draws the sky, whatever its kind: the one interface for all that marks or measures in it. */
import { anglesOf, type Horizontal, horizontalOf, radians, vectorOf } from '../sky/coordinates.ts';
import { directionOfPixel, pixelOfDirection } from './all-sky-camera.ts';
import { Overhead } from './all-sky-overhead.ts';
import { type AllSkyPlace, isAllSky } from './all-sky-solution.ts';
import type { Solution } from './solver.ts';
import {
  centreOf,
  cornersOf,
  footprintOf,
  type PixelPoint,
  pixelToSky,
  type SkyPoint,
  scaleOf,
  separation,
  skyToPixel,
  type Wcs,
} from './wcs.ts';

export interface SkyProjection {
  readonly kind: 'plane' | 'all-sky';
  readonly width: number;
  readonly height: number;
  /** The middle of what it shows, J2000, and how far from there it shows anything, degrees. */
  readonly centre: SkyPoint;
  readonly radiusDegrees: number;
  /** Arcsec per pixel in the middle. */
  readonly scale: number;
  /** The border of what it shows, once round. @param perSide Points on a quarter of it. */
  footprint(perSide: number): SkyPoint[];
  /** Null where it does not draw a point: behind the camera, below the horizon. The pixel may lie beside the picture. */
  skyToPixel(point: SkyPoint): PixelPoint | null;
  /** Null where a pixel shows no sky. */
  pixelToSky(pixel: PixelPoint): SkyPoint | null;
  /** By altitude (as seen, refraction included) and azimuth; null of a picture that does not know the ground. */
  readonly ground: GroundProjection | null;
}

export interface GroundProjection {
  /** Null where the camera does not look; below the horizon too, for the line of hills and houses. */
  pixelOf(place: Horizontal): PixelPoint | null;
  placeOf(pixel: PixelPoint): Horizontal | null;
}

/** Of a solution, of whatever kind; a WCS alone does too. */
export function projectionOf(solution: Solution | AllSkyPlace | Wcs): SkyProjection {
  if (isAllSky(solution)) return allSkyProjection(solution);
  return planeProjection('wcs' in solution ? solution.wcs : solution);
}

/** Lines reach a little beyond the picture's edge; further out a distortion means nothing. */
const [beyondEdge, widestPlane] = [1.15, 80];

function planeProjection(wcs: Wcs): SkyProjection {
  const centre = centreOf(wcs);
  const radiusDegrees = Math.max(...cornersOf(wcs).map((corner) => separation(centre, corner)));
  const reach = Math.min(widestPlane, radiusDegrees * beyondEdge);
  return {
    ...{ kind: 'plane', width: wcs.width, height: wcs.height, centre, radiusDegrees, scale: scaleOf(wcs) },
    footprint: (perSide) => footprintOf(wcs, perSide),
    skyToPixel: (point) => (separation(centre, point) < reach ? skyToPixel(wcs, point) : null),
    pixelToSky: (pixel) => pixelToSky(wcs, pixel),
    ground: null,
  };
}

/** Exactly on the horizon counts as above it. */
const lowest = Math.sin(-1e-4 * radians);

function allSkyProjection({ camera, site, time }: AllSkyPlace): SkyProjection {
  const overhead = new Overhead(site, Date.parse(time));
  const skyOf = (direction: readonly [number, number, number]): SkyPoint => {
    const { longitudeDegrees, latitudeDegrees } = anglesOf(overhead.behind(direction));
    return { raDegrees: longitudeDegrees, decDegrees: latitudeDegrees };
  };
  return {
    ...{ kind: 'all-sky', width: camera.width, height: camera.height, centre: skyOf([0, 0, 1]), radiusDegrees: 91 },
    scale: (180 * 3600) / Math.PI / camera.focalLength,
    footprint: (perSide) =>
      Array.from({ length: 4 * perSide }, (_, i) => {
        const azimuth = (i * Math.PI) / (2 * perSide);
        return skyOf([Math.sin(azimuth), Math.cos(azimuth), 0]);
      }),
    skyToPixel: ({ raDegrees, decDegrees }) => {
      const direction = overhead.seen(vectorOf(raDegrees, decDegrees));
      return direction[2] < lowest ? null : pixelOfDirection(camera, direction);
    },
    pixelToSky: (pixel) => {
      const direction = directionOfPixel(camera, pixel);
      return direction && direction[2] >= lowest ? skyOf(direction) : null;
    },
    ground: {
      pixelOf: ({ altitudeDegrees, azimuthDegrees }) => {
        const [north, east, up] = vectorOf(azimuthDegrees, altitudeDegrees);
        return pixelOfDirection(camera, [east, north, up]);
      },
      placeOf: (pixel) => {
        const direction = directionOfPixel(camera, pixel);
        return direction && horizontalOf(direction);
      },
    },
  };
}
