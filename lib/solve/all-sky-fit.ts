/** Fits an all-sky camera to the stars of a picture, from its middle outward: Gauss-Newton with numeric derivatives. */
import { type AllSkyCamera, projectWide } from './all-sky-camera.ts';
import type { ReferenceStars } from './all-sky-references.ts';
import { turned } from './built-in-camera.ts';
import { type ImageStars, type Pairs, type Projected, pairsFor, pairUp } from './built-in-refine.ts';

/** What may move: three turns alone, or the lens too. */
type Unknown = 'right' | 'down' | 'forward' | 'focalLength' | 'x' | 'y' | 'cubic' | 'quintic';
const turns: Unknown[] = ['right', 'down', 'forward'];
const inner: Unknown[] = [...turns, 'focalLength'];
const outer: Unknown[] = [...inner, 'x', 'y', 'cubic'];
const wholeCamera: Unknown[] = [...outer, 'quintic'];
const steps: Record<Unknown, number> = {
  right: 1e-4,
  down: 1e-4,
  forward: 1e-4,
  focalLength: 1e-4,
  x: 0.1,
  y: 0.1,
  cubic: 1e-4,
  quintic: 1e-4,
};

const degrees = Math.PI / 180;
const rounds = 4;
const leastPairs = 10;
/** The brightest of the picture; noise has as many peaks as one likes. */
const fittedStars = 400;
/** Lenses with more bend are none that anybody sells; it keeps the fit from running away on few stars. */
const [mostCubic, mostQuintic] = [0.25, 0.08];

/** A picture and the sky over it; a camera that stands still may be fitted on several. */
export interface Epoch {
  sky: ReferenceStars;
  stars: ImageStars;
}

export interface Match {
  seen: Projected;
  pairs: Pairs;
}

/** The lens and where it looks, ring by ring from a camera that is roughly right in the middle. Null when too few stars follow. */
export function fitWhole(epochs: readonly Epoch[], start: AllSkyCamera): AllSkyCamera | null {
  let camera: AllSkyCamera | null = start;
  for (const limit of [45, 52, 60, 68, 76, 84]) {
    const reach = Math.max(2.5, start.focalLength * (limit < 50 ? 0.04 : 0.02));
    const unknowns = limit < 50 ? inner : limit < 76 ? outer : wholeCamera;
    camera = settle(epochs, camera, limit * degrees, reach, unknowns);
    if (!camera) return null;
  }
  return camera;
}

/** Where a known camera looks, a little off from where it is thought to; null when too few stars say. */
export function fitTurn(epochs: readonly Epoch[], start: AllSkyCamera): AllSkyCamera | null {
  let camera: AllSkyCamera | null = start;
  for (const reach of [0.02, 0.01]) {
    camera = settle(epochs, camera, 78 * degrees, Math.max(2, start.focalLength * reach), turns);
    if (!camera) return null;
  }
  return camera;
}

function settle(
  epochs: readonly Epoch[],
  start: AllSkyCamera,
  limit: number,
  reach: number,
  unknowns: Unknown[],
): AllSkyCamera | null {
  let camera = start;
  let within = reach;
  const inside = epochs.map(({ sky, stars }) => ({
    sky,
    stars: starsWithin(stars, start, limit + 0.1, fittedStars),
  }));
  for (let round = 0; round < rounds; round++) {
    const matches = inside.map(({ sky, stars }) => match(sky, stars, camera, limit, within));
    const count = matches.reduce((sum, { pairs }) => sum + pairs.count, 0);
    if (count < Math.max(leastPairs, unknowns.length + 2)) return null;
    const next = improve(camera, inside, matches, unknowns);
    if (!next || !isLens(next)) return null;
    camera = next;
    within = Math.max(1.5, Math.min(within, 3 * scatter(matches.map(({ pairs }) => pairs))));
  }
  return camera;
}

/** The brightest stars of the picture that are near enough to the axis: lettering in the corners is none. */
export function starsWithin(stars: ImageStars, camera: AllSkyCamera, limit: number, most: number): ImageStars {
  const radius = camera.focalLength * limit;
  const kept: ImageStars = { count: 0, x: new Float64Array(most), y: new Float64Array(most) };
  for (let i = 0; i < stars.count && kept.count < most; i++) {
    if (Math.hypot(stars.x[i]! - camera.x, stars.y[i]! - camera.y) > radius) continue;
    kept.x[kept.count] = stars.x[i]!;
    kept.y[kept.count++] = stars.y[i]!;
  }
  return kept;
}

const isLens = ({ cubic, quintic, focalLength, x, y, width, height }: AllSkyCamera): boolean =>
  Math.abs(cubic) < mostCubic &&
  Math.abs(quintic) < mostQuintic &&
  focalLength > 5 &&
  x > 0 &&
  y > 0 &&
  x < width &&
  y < height;

/** Stars of the picture and of the sky within `reach` pixels of one another, within `limit` radians of the axis. */
export function match(
  sky: ReferenceStars,
  stars: ImageStars,
  camera: AllSkyCamera,
  limit: number,
  reach: number,
): Match {
  const { count, directions } = sky;
  const seen: Projected = {
    count: 0,
    stars: new Uint32Array(count),
    x: new Float64Array(count),
    y: new Float64Array(count),
  };
  const place = new Float64Array(2);
  for (let star = 0; star < count; star++) {
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
export function scatter(lists: readonly Pairs[]): number {
  let [sum, all] = [0, 0];
  for (const { count, squares } of lists) {
    for (let p = 0; p < count; p++) sum += squares[p]!;
    all += count;
  }
  return Math.sqrt(sum / Math.max(1, 2 * all));
}

function improve(
  camera: AllSkyCamera,
  epochs: readonly Epoch[],
  matches: readonly Match[],
  unknowns: Unknown[],
): AllSkyCamera | null {
  const moved = unknowns.map((unknown) => changed(camera, unknown, steps[unknown]));
  const n = unknowns.length;
  const matrix = Array.from({ length: n }, () => new Float64Array(n + 1));
  const place = new Float64Array(2);
  const slopes = [new Float64Array(n), new Float64Array(n)];
  for (const [e, { seen, pairs }] of matches.entries()) {
    const { sky, stars } = epochs[e]!;
    for (let p = 0; p < pairs.count; p++) {
      const at = seen.stars[pairs.star[p]!]! * 3;
      const [x, y, z] = [sky.directions[at]!, sky.directions[at + 1]!, sky.directions[at + 2]!];
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
  }
  const answer = eliminate(matrix);
  return answer && unknowns.reduce((next, unknown, i) => changed(next, unknown, answer[i]!), camera);
}

function changed(camera: AllSkyCamera, unknown: Unknown, by: number): AllSkyCamera {
  if (unknown === 'focalLength') return { ...camera, focalLength: camera.focalLength * Math.exp(by) };
  if (unknown !== 'right' && unknown !== 'down' && unknown !== 'forward')
    return { ...camera, [unknown]: camera[unknown] + by };
  const turn = { right: [by, 0, 0], down: [0, by, 0], forward: [0, 0, by] }[unknown] as [number, number, number];
  const axes = turned({ axes: [...camera.axes], focalLength: 1, distortion: 0 }, ...turn);
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
