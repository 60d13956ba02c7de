/** Fits an all-sky camera to the stars of a picture, from its middle outward: Gauss-Newton with numeric derivatives. */
import { type AllSkyCamera, projectWide } from './all-sky-camera.ts';
import { turned } from './built-in-camera.ts';
import { type ImageStars, type Pairs, type Projected, pairsFor, pairUp } from './built-in-refine.ts';
import type { Sky } from './built-in-sky.ts';
import { brightestAround } from './built-in-sky.ts';

export interface AllSkyFit {
  camera: AllSkyCamera;
  matchedStars: number;
  residualPixels: number;
  /** Of the brightest stars that the camera must see, the share that it does. */
  share: number;
}

/** What may move: three turns alone, or the lens too. */
type Unknown = 'right' | 'down' | 'forward' | 'focalLength' | 'x' | 'y' | 'cubic';
const turns: Unknown[] = ['right', 'down', 'forward'];
const wholeCamera: Unknown[] = [...turns, 'focalLength', 'x', 'y', 'cubic'];
const steps: Record<Unknown, number> = {
  right: 1e-4,
  down: 1e-4,
  forward: 1e-4,
  focalLength: 1e-4,
  x: 0.1,
  y: 0.1,
  cubic: 1e-4,
};

const degrees = Math.PI / 180;
/** Stars of the catalogue that are looked for. */
const references = 500;
/** The brightest of the sky that must be seen; near the horizon there are trees, clouds and haze. */
const [brightest, clearSky] = [40, 60 * degrees];
const rounds = 4;
const leastPairs = 12;

/** The lens and where it looks, ring by ring from a camera that is right in the middle. Null when too few stars follow. */
export function fitWhole(sky: Sky, stars: ImageStars, start: AllSkyCamera): AllSkyFit | null {
  let camera: AllSkyCamera | null = start;
  for (const limit of [30, 38, 46, 54, 62, 70, 78, 84]) {
    const reach = Math.max(3, start.focalLength * 0.02);
    camera = settle(sky, stars, camera, limit * degrees, reach, limit < 40 ? [...turns, 'focalLength'] : wholeCamera);
    if (!camera) return null;
  }
  return judge(sky, stars, camera);
}

/** Where a known camera looks, a little off from where it is thought to. */
export function fitTurn(sky: Sky, stars: ImageStars, start: AllSkyCamera): AllSkyFit | null {
  let camera: AllSkyCamera | null = start;
  for (const reach of [0.02, 0.01]) {
    camera = settle(sky, stars, camera, 75 * degrees, Math.max(2.5, start.focalLength * reach), turns);
    if (!camera) return null;
  }
  return judge(sky, stars, camera);
}

function settle(
  sky: Sky,
  stars: ImageStars,
  start: AllSkyCamera,
  limit: number,
  reach: number,
  unknowns: Unknown[],
): AllSkyCamera | null {
  let camera = start;
  let within = reach;
  for (let round = 0; round < rounds; round++) {
    const { seen, pairs } = match(sky, stars, camera, limit, within);
    if (pairs.count < leastPairs) return null;
    const next = improve(sky, stars, camera, seen, pairs, unknowns);
    if (!next) return null;
    camera = next;
    within = Math.max(2, Math.min(within, 3 * scatter(pairs)));
  }
  return camera;
}

function judge(sky: Sky, stars: ImageStars, camera: AllSkyCamera): AllSkyFit | null {
  const wide = match(sky, stars, camera, 80 * degrees, Math.max(2.5, camera.focalLength * 0.008));
  const clear = match(sky, stars, camera, clearSky, Math.max(2.5, camera.focalLength * 0.008));
  const expected = Math.min(brightest, clear.seen.count);
  let found = 0;
  for (let p = 0; p < clear.pairs.count; p++) if (clear.pairs.star[p]! < expected) found++;
  if (wide.pairs.count < leastPairs) return null;
  return {
    camera,
    matchedStars: wide.pairs.count,
    residualPixels: Math.SQRT2 * scatter(wide.pairs),
    share: found / Math.max(1, expected),
  };
}

function match(
  sky: Sky,
  stars: ImageStars,
  camera: AllSkyCamera,
  limit: number,
  reach: number,
): { seen: Projected; pairs: Pairs } {
  const { directions } = sky.catalogue;
  const around = brightestAround(sky, camera.axes.slice(6), limit, references);
  const seen: Projected = {
    count: 0,
    stars: new Uint32Array(around.length),
    x: new Float64Array(around.length),
    y: new Float64Array(around.length),
  };
  const place = new Float64Array(2);
  for (const star of around) {
    const at = star * 3;
    if (!projectWide(camera, directions[at]!, directions[at + 1]!, directions[at + 2]!, limit, place)) continue;
    if (place[0]! < 0 || place[0]! > camera.width - 1 || place[1]! < 0 || place[1]! > camera.height - 1) continue;
    seen.stars[seen.count] = star;
    seen.x[seen.count] = place[0]!;
    seen.y[seen.count++] = place[1]!;
  }
  const pairs = pairsFor(stars.count);
  pairUp(stars, stars.count, seen, seen.count, reach, pairs);
  return { seen, pairs };
}

/** Standard deviation along an axis, pixels. */
function scatter({ count, squares }: Pairs): number {
  let sum = 0;
  for (let p = 0; p < count; p++) sum += squares[p]!;
  return Math.sqrt(sum / Math.max(1, 2 * count));
}

function improve(
  sky: Sky,
  stars: ImageStars,
  camera: AllSkyCamera,
  seen: Projected,
  pairs: Pairs,
  unknowns: Unknown[],
): AllSkyCamera | null {
  const { directions } = sky.catalogue;
  const moved = unknowns.map((unknown) => changed(camera, unknown, steps[unknown]));
  const n = unknowns.length;
  const matrix = Array.from({ length: n }, () => new Float64Array(n + 1));
  const place = new Float64Array(2);
  const slopes = [new Float64Array(n), new Float64Array(n)];
  for (let p = 0; p < pairs.count; p++) {
    const at = seen.stars[pairs.star[p]!]! * 3;
    const [x, y, z] = [directions[at]!, directions[at + 1]!, directions[at + 2]!];
    const [px, py] = [seen.x[pairs.star[p]!]!, seen.y[pairs.star[p]!]!];
    const off = [stars.x[pairs.image[p]!]! - px, stars.y[pairs.image[p]!]! - py];
    for (let i = 0; i < n; i++) {
      projectWide(moved[i]!, x, y, z, 3, place);
      slopes[0]![i] = (place[0]! - px) / steps[unknowns[i]!];
      slopes[1]![i] = (place[1]! - py) / steps[unknowns[i]!];
    }
    for (let axis = 0; axis < 2; axis++)
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) matrix[i]![j]! += slopes[axis]![i]! * slopes[axis]![j]!;
        matrix[i]![n]! += slopes[axis]![i]! * off[axis]!;
      }
  }
  const answer = eliminate(matrix);
  return answer && unknowns.reduce((next, unknown, i) => changed(next, unknown, answer[i]!), camera);
}

function changed(camera: AllSkyCamera, unknown: Unknown, by: number): AllSkyCamera {
  if (unknown === 'focalLength') return { ...camera, focalLength: camera.focalLength * Math.exp(by) };
  if (unknown === 'x' || unknown === 'y' || unknown === 'cubic') return { ...camera, [unknown]: camera[unknown] + by };
  const turn = { right: [by, 0, 0], down: [0, by, 0], forward: [0, 0, by] }[unknown] as [number, number, number];
  const axes = turned({ axes: camera.axes, focalLength: 1, distortion: 0 }, ...turn);
  return { ...camera, axes };
}

/** Gauss's elimination with pivots; null when nothing holds an unknown. */
function eliminate(matrix: Float64Array[]): number[] | null {
  const n = matrix.length;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(matrix[i]![k]!) > Math.abs(matrix[pivot]![k]!)) pivot = i;
    if (!(Math.abs(matrix[pivot]![k]!) > 1e-9)) return null;
    [matrix[k], matrix[pivot]] = [matrix[pivot]!, matrix[k]!];
    for (let i = 0; i < n; i++) {
      if (i === k) continue;
      const factor = matrix[i]![k]! / matrix[k]![k]!;
      for (let j = k; j <= n; j++) matrix[i]![j]! -= factor * matrix[k]![j]!;
    }
  }
  return matrix.map((row, i) => row[n]! / row[i]!);
}
