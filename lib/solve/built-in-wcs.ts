/** What the built-in solver's camera means as a WCS, and the stars it stands on. */
import { type Camera, directionOf, type Field } from './built-in-camera.ts';
import { type Plausibility, plausibilityOf, scatterOf } from './built-in-plausible.ts';
import { type ImageStars, type Projected, pairsFor, pairUp, projectStars, step } from './built-in-refine.ts';
import { brightestAround, type Sky } from './built-in-sky.ts';
import { type MatchedStar, residualsOf } from './solution.ts';
import type { SkyPoint, Wcs } from './wcs.ts';
import { fitWcs } from './wcs-fit.ts';

export interface Fit extends Plausibility {
  wcs: Wcs;
  matchedStars: number;
  residualPixels: number;
  residualArcsec: number;
}

/** Stars of the catalogue that are looked for in the picture. */
const mostReferences = 2500;
/** Pairs within this many times their scatter are the same star. */
const keptSigmas = 3.5;
const leastSigma = 0.3;
/** A bend below this at the corner, pixels, is none. */
const bendPixels = 0.2;
/** The polynomial that a radial term is written as. */
const bendOrder = 5;
/** Pairs from which on a polynomial of the stars themselves is tried, and how much better it must fit. */
const [pairsForPolynomial, betterBy] = [60, 0.85];

/** @param image Mirrored already where the picture is. */
export function wcsOf(
  sky: Sky,
  field: Field,
  image: ImageStars,
  found: { camera: Camera; rmsPixels: number; mirrored: boolean },
): Fit {
  const { camera, stars, signs } = matchAll(sky, field, image, found);
  const modelled = modelOf(camera, field, found.mirrored);
  const plain = {
    wcs: modelled,
    matchedStars: stars.length,
    ...signs,
    ...(residualsOf(modelled, stars) as { residualPixels: number; residualArcsec: number }),
  };
  if (stars.length < pairsForPolynomial || !coversPicture(stars, field)) return plain;
  const { wcs, residualPixels, residualArcsec } = fitWcs(stars, field, 3);
  return residualPixels < plain.residualPixels * betterBy
    ? { wcs, matchedStars: stars.length, ...signs, residualPixels, residualArcsec }
    : plain;
}

/** The camera once more on all stars that there are. */
function matchAll(
  sky: Sky,
  field: Field,
  image: ImageStars,
  found: { camera: Camera; rmsPixels: number; mirrored: boolean },
): { camera: Camera; stars: MatchedStar[]; signs: Plausibility } {
  const pairs = pairsFor(image.count);
  const projected: Projected = {
    count: 0,
    stars: new Uint32Array(mostReferences),
    x: new Float64Array(mostReferences),
    y: new Float64Array(mostReferences),
  };
  const { directions } = sky.catalogue;
  const radius = Math.atan(field.halfDiagonal / found.camera.focalLength) * 1.02;
  const stars = brightestAround(
    sky,
    found.camera.axes.slice(6),
    radius,
    Math.min(mostReferences, 6 * image.count + 100),
  );
  let { camera } = found;
  let reach = keptSigmas * Math.max(leastSigma, found.rmsPixels);
  for (let round = 0; round < 3; round++) {
    projectStars(camera, field, directions, stars, projected, 0);
    pairUp(image, image.count, projected, projected.count, reach, pairs);
    const next = pairs.count >= 5 ? step(camera, field, image, projected, pairs) : null;
    if (!next) break;
    camera = next;
    reach = Math.min(reach, keptSigmas * Math.max(leastSigma, scatterOf(pairs)));
  }
  projectStars(camera, field, directions, stars, projected, 0);
  pairUp(image, image.count, projected, projected.count, reach, pairs);
  const sign = found.mirrored ? -1 : 1;
  return {
    camera,
    signs: plausibilityOf(image, projected, pairs),
    stars: Array.from({ length: pairs.count }, (_, i) => ({
      x: sign * image.x[pairs.image[i]!]! + (field.width - 1) / 2,
      y: image.y[pairs.image[i]!]! + (field.height - 1) / 2,
      ...pointAt(directions.subarray(projected.stars[pairs.star[i]!]! * 3)),
    })),
  };
}

/** The camera itself as a WCS: exact without a bend, else through a lattice of its pixels. */
export function modelOf(camera: Camera, field: Field, mirrored: boolean): Wcs {
  const bent = Math.abs(camera.distortion) * field.halfDiagonal > bendPixels;
  const side = bent ? 9 : 3;
  const lattice: MatchedStar[] = [];
  const direction = new Float64Array(3);
  for (let row = 0; row <= side; row++)
    for (let column = 0; column <= side; column++) {
      const x = (column / side - 0.5) * field.width;
      const y = (row / side - 0.5) * field.height;
      directionOf(camera, field, mirrored ? -x : x, y, direction);
      lattice.push({ x: x + (field.width - 1) / 2, y: y + (field.height - 1) / 2, ...pointAt(direction) });
    }
  return fitWcs(lattice, field, bent ? bendOrder : 1).wcs;
}

function pointAt(direction: ArrayLike<number>): SkyPoint {
  const [x, y, z] = [direction[0]!, direction[1]!, direction[2]!];
  const ra = (Math.atan2(y, x) * 180) / Math.PI;
  return { raDegrees: ra < 0 ? ra + 360 : ra, decDegrees: (Math.atan2(z, Math.hypot(x, y)) * 180) / Math.PI };
}

/** A polynomial needs stars in every quarter of the picture: elsewhere it runs away. */
function coversPicture(stars: readonly MatchedStar[], { width, height }: Field): boolean {
  const counts = new Array<number>(9).fill(0);
  for (const { x, y } of stars) {
    const column = Math.max(0, Math.min(2, Math.floor((x / width) * 3)));
    const row = Math.max(0, Math.min(2, Math.floor((y / height) * 3)));
    counts[row * 3 + column]!++;
  }
  return counts.every((count) => count >= 3);
}
