/**
 * Where the zenith of a picture may be and how it is turned: the stars overhead are known, so each pair of a star of the picture and one
 * of the sky at the same distance from the zenith votes for a turn; many votes for the same one are a start for the fit.
 */
import type { AllSkyCamera } from './all-sky-camera.ts';
import type { Epoch } from './all-sky-fit.ts';
import type { ReferenceStars } from './all-sky-references.ts';
import type { ImageStars } from './built-in-refine.ts';

export interface VoteOptions {
  width: number;
  height: number;
  /** How far from the middle of the picture the zenith may be, radians. */
  tilt: number;
  /** The best so many. */
  wanted: number;
  stop: () => boolean;
}

export interface Candidate {
  camera: AllSkyCamera;
  /** How surprising so many votes for one turn are, natural logarithm. */
  surprise: number;
}

const degrees = Math.PI / 180;
/** Half of the picture's shorter side, degrees: what fisheyes and their crops show. */
const [narrowest, widest] = [40, 128];
const fieldStep = 1.05;
/** Stars that vote, of the picture and of the sky. */
const [imageVoters, skyVoters] = [70, 80];
/** Distances from the zenith between which stars vote: near it they have no direction, near the horizon lenses differ. */
const [nearest, farthest] = [8 * degrees, 68 * degrees];
/** How far apart a pair may be, and the grid of the zenith's places, radians. */
const tolerance = 2.2 * degrees;
const turns = 180;

/** @param epochs Of one camera; the stars of the picture in the order in which they may vote. */
export function voteForTurn(epochs: readonly Epoch[], options: VoteOptions): Candidate[] {
  const { width, height, tilt, wanted, stop } = options;
  const sides = epochs.map(({ sky, stars }) => ({ voters: votersOf(sky), stars }));
  const half = Math.min(width, height) / 2;
  const best: Candidate[] = [];
  const votes = new Float64Array(turns);
  for (let field = narrowest; field <= widest; field *= fieldStep) {
    const focalLength = half / (field * degrees);
    const step = 2.5 * degrees;
    const reach = Math.floor(tilt / step);
    for (let i = -reach; i <= reach; i++)
      for (let j = -reach; j <= reach; j++) {
        if (i * i + j * j > (reach + 0.5) ** 2) continue;
        if (stop()) return best;
        const x = (width - 1) / 2 + i * step * focalLength;
        const y = (height - 1) / 2 + j * step * focalLength;
        for (const mirrored of [false, true]) {
          const { turn, surprise } = mostVoted(sides, { x, y, focalLength, mirrored }, votes);
          const floor = best.length < wanted ? 0 : best.at(-1)!.surprise;
          if (surprise <= floor) continue;
          const lens = { width, height, x, y, focalLength, cubic: 0, quintic: 0, mirrored };
          const [sin, cos] = [Math.sin(turn), Math.cos(turn)];
          insert(best, { surprise, camera: { ...lens, axes: [sin, cos, 0, -cos, sin, 0, 0, 0, 1] } }, wanted);
        }
      }
  }
  return best;
}

interface Voters {
  /** Sorted by distance from the zenith, radians. */
  zenithDistance: Float64Array;
  azimuth: Float64Array;
}

function votersOf({ count, directions }: ReferenceStars): Voters {
  const list: [number, number][] = [];
  for (let i = 0; i < count && list.length < skyVoters; i++) {
    const [east, north, up] = [directions[i * 3]!, directions[i * 3 + 1]!, directions[i * 3 + 2]!];
    const distance = Math.acos(Math.min(1, up));
    if (distance < farthest) list.push([distance, Math.atan2(east, north)]);
  }
  list.sort(([one], [other]) => one - other);
  return {
    zenithDistance: Float64Array.from(list, ([distance]) => distance),
    azimuth: Float64Array.from(list, ([, azimuth]) => azimuth),
  };
}

type View = Pick<AllSkyCamera, 'x' | 'y' | 'focalLength' | 'mirrored'>;

/** The azimuth of the picture's right that most pairs speak for. */
function mostVoted(
  sides: readonly { voters: Voters; stars: ImageStars }[],
  view: View,
  votes: Float64Array,
): { turn: number; surprise: number } {
  votes.fill(0);
  let pairs = 0;
  for (const { voters, stars } of sides) pairs += vote(voters, stars, view, votes);
  let best = 0;
  let at = 0;
  for (let bin = 0; bin < turns; bin++) {
    const sum = votes[bin]! + votes[(bin + 1) % turns]!;
    if (sum > best) [best, at] = [sum, bin];
  }
  // Chance spreads the pairs evenly over the turns: Poisson's tail, nearly.
  const usual = (2 * pairs) / turns;
  const surprise = best > usual && usual > 0 ? best * Math.log(best / usual) - best + usual : 0;
  return { turn: ((at + 1) / turns) * 2 * Math.PI, surprise };
}

/** @returns how many votes were cast */
function vote(
  { zenithDistance, azimuth }: Voters,
  image: ImageStars,
  { x, y, focalLength, mirrored }: View,
  votes: Float64Array,
): number {
  const stars = zenithDistance.length;
  let pairs = 0;
  for (let i = 0, voted = 0; i < image.count && voted < imageVoters; i++) {
    const [right, down] = [(mirrored ? -1 : 1) * (image.x[i]! - x), image.y[i]! - y];
    const distance = Math.hypot(right, down) / focalLength;
    if (distance < nearest || distance > farthest) continue;
    voted++;
    const angle = Math.atan2(down, right);
    let j = firstFrom(zenithDistance, distance - tolerance);
    for (; j < stars && zenithDistance[j]! <= distance + tolerance; j++) {
      pairs++;
      const turn = (azimuth[j]! + angle) / (2 * Math.PI);
      votes[Math.floor((turn - Math.floor(turn)) * turns) % turns]!++;
    }
  }
  return pairs;
}

function firstFrom(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function insert(best: Candidate[], candidate: Candidate, wanted: number): void {
  let at = best.length;
  while (at > 0 && best[at - 1]!.surprise < candidate.surprise) at--;
  best.splice(at, 0, candidate);
  if (best.length > wanted) best.pop();
}
