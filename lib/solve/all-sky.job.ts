/** The worker's side of the all-sky solver: the middle of the picture as a flat one, then outward. */
import type { AllSkyCamera } from './all-sky-camera.ts';
import { type AllSkyFit, fitTurn, fitWhole } from './all-sky-fit.ts';
import { searchSky } from './built-in.job.ts';
import type { ImageStars } from './built-in-refine.ts';
import { loadSky } from './built-in-sky.ts';
import type { StarPlaces } from './built-in-stars.ts';

export interface AllSkyInput {
  width: number;
  height: number;
  /** Brightest first. */
  stars: StarPlaces;
  /** As in the search of a flat picture. */
  deadline: number;
  cancel: SharedArrayBuffer;
  /** A camera that should see this already; null: nothing is known. */
  camera: AllSkyCamera | null;
}

export interface AllSkyOutput {
  status: 'matched' | 'no-match' | 'timed-out' | 'cancelled';
  fit: AllSkyFit | null;
}

/** Half of the picture's shorter side in degrees: what fisheyes and their crops show. */
const halfFields = [90, 75, 105, 62, 51, 42, 120];
/** The middle that is taken as flat, radians from the axis. */
const middle = 0.6;
/** How wrong the assumed field may be. */
const slack = 1.22;
const arcsecPerRadian = (180 * 3600) / Math.PI;
/** The brightest stars that should be there and are, at least; and less where the lens is known. */
const [leastShare, leastShareTracked] = [0.4, 0.4];
const mostStars = 300;

export function solveWholeSky(input: AllSkyInput): AllSkyOutput {
  const sky = loadSky();
  const stars = placesOf(input.stars);
  if (input.camera) {
    const fit = fitTurn(sky, stars, input.camera);
    return fit && fit.share >= leastShareTracked ? { status: 'matched', fit } : { status: 'no-match', fit: null };
  }
  for (const half of halfFields) {
    const focalLength = Math.min(input.width, input.height) / 2 / ((half * Math.PI) / 180);
    const flat = flattened(input, focalLength);
    if (flat.x.length < 8) continue;
    const size = 2 * Math.ceil(focalLength * Math.tan(middle));
    const { found, status } = searchSky({
      ...{ width: size, height: size, flux: flat, sharp: flat, deadline: input.deadline, cancel: input.cancel },
      hints: { scaleLow: arcsecPerRadian / focalLength / slack, scaleHigh: (arcsecPerRadian / focalLength) * slack },
    });
    if (status === 'cancelled' || status === 'timed-out') return { status, fit: null };
    if (!found) continue;
    const { width, height } = input;
    const centre = { x: (width - 1) / 2, y: (height - 1) / 2 };
    const { camera, mirrored } = found;
    const start: AllSkyCamera = {
      ...{ width, height, ...centre, mirrored },
      // The flat picture was drawn with an assumed focal length; near the axis both cameras are the same.
      ...{ focalLength: camera.focalLength, cubic: 0, axes: camera.axes },
    };
    const fit = fitWhole(sky, stars, start);
    if (fit && fit.share >= leastShare) return { status: 'matched', fit };
  }
  return { status: 'no-match', fit: null };
}

const placesOf = ({ x, y }: StarPlaces): ImageStars => ({
  count: Math.min(mostStars * 3, x.length),
  x: Float64Array.from(x),
  y: Float64Array.from(y),
});

/** The stars of the middle as a camera without a fisheye would see them, in a square picture. */
function flattened({ width, height, stars }: AllSkyInput, focalLength: number): StarPlaces {
  const half = Math.ceil(focalLength * Math.tan(middle));
  const [xs, ys]: [number[], number[]] = [[], []];
  for (let i = 0; i < stars.x.length && xs.length < mostStars; i++) {
    const [x, y] = [stars.x[i]! - (width - 1) / 2, stars.y[i]! - (height - 1) / 2];
    const radius = Math.hypot(x, y);
    const angle = radius / focalLength;
    if (angle > middle) continue;
    const scale = radius > 0 ? (focalLength * Math.tan(angle)) / radius : 1;
    xs.push(x * scale + half - 0.5);
    ys.push(y * scale + half - 0.5);
  }
  return { x: Float32Array.from(xs), y: Float32Array.from(ys) };
}
