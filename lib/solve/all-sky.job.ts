/** The worker's side of the all-sky solver: votes for the turn, then lens and centre fitted outward; or a known camera followed. */
import { performance } from 'node:perf_hooks';
import type { AllSkyCamera } from './all-sky-camera.ts';
import { fitTurn, fitWhole } from './all-sky-fit.ts';
import { type AllSkyFit, judge } from './all-sky-judge.ts';
import type { GeographicPlace } from './all-sky-overhead.ts';
import { referencesOver } from './all-sky-references.ts';
import { voteForTurn } from './all-sky-vote.ts';
import type { ImageStars } from './built-in-refine.ts';
import type { StarPlaces } from './built-in-stars.ts';
import { spreadStars } from './star-list.ts';

export interface StarsOfPicture {
  /** Brightest first. */
  stars: StarPlaces;
  /** UTC since 1970 of the middle of the exposure. */
  milliseconds: number;
}

export interface AllSkyInput {
  width: number;
  height: number;
  site: GeographicPlace;
  /** The picture, and earlier ones of the same camera. */
  pictures: readonly StarsOfPicture[];
  /** Milliseconds since 1970 of the thread-independent monotonic clock (performance.timeOrigin + performance.now()). */
  deadline: number;
  /** One 32-bit number; not 0: stop. */
  cancel: SharedArrayBuffer;
  /** A camera that should see this already; null: nothing is known. */
  camera: AllSkyCamera | null;
}

export interface AllSkyOutput {
  status: 'matched' | 'no-match' | 'timed-out' | 'cancelled';
  fit: AllSkyFit | null;
  /** Of a known camera that too few stars confirm: what speaks for it nevertheless. */
  unsure: AllSkyFit | null;
}

const references = 700;
/** Natural logarithms of odds: chance has millions of tries where nothing is known, and one where the camera is. */
const [leastOdds, leastOddsTracked] = [35, 12];
/** Nothing better is looked for. */
const beyondDoubt = 60;
/** The camera looks about up; then farther off. Radians. */
const tilts = [0.21, 0.5];
const candidates = 120;
const cells = 40;
const nothing = { fit: null, unsure: null };

export function solveWholeSky(input: AllSkyInput): AllSkyOutput {
  const cancel = new Int32Array(input.cancel);
  const cancelled = () => Atomics.load(cancel, 0) !== 0;
  const late = () => performance.timeOrigin + performance.now() > input.deadline;
  const stop = () => cancelled() || late();
  const epochs = input.pictures.map(({ stars, milliseconds }) => ({
    sky: referencesOver(input.site, milliseconds, references),
    stars: { count: stars.x.length, x: Float64Array.from(stars.x), y: Float64Array.from(stars.y) },
  }));
  if (input.camera) {
    // Where few stars shine through clouds, they may still be where the camera saw them.
    const turned = fitTurn(epochs, input.camera);
    const asItStood = judge(epochs, input.camera);
    const nudged = turned && judge(epochs, turned);
    const fit = nudged && nudged.logOdds >= asItStood.logOdds - 1 ? nudged : asItStood;
    return fit.logOdds >= leastOddsTracked
      ? { status: 'matched', fit, unsure: null }
      : { status: 'no-match', fit: null, unsure: asItStood };
  }
  const { width, height } = input;
  const voters = epochs.map(({ sky, stars }) => ({ sky, stars: spread(stars, { width, height }) }));
  for (const tilt of tilts) {
    let best: AllSkyFit | null = null;
    for (const { camera } of voteForTurn(voters, { width, height, tilt, wanted: candidates, stop })) {
      if (stop()) break;
      const whole = fitWhole(epochs, camera);
      const fit = whole && judge(epochs, whole);
      if (fit && fit.logOdds > (best?.logOdds ?? 0)) best = fit;
      if (best && best.logOdds >= beyondDoubt) break;
    }
    if (cancelled()) return { status: 'cancelled', ...nothing };
    if (best && best.logOdds >= leastOdds) return { status: 'matched', fit: best, unsure: null };
    if (late()) return { status: 'timed-out', ...nothing };
  }
  return { status: 'no-match', ...nothing };
}

/** The brightest of each part of the picture in turn: the Moon's flares and an aurora's edge must not take all the votes. */
function spread({ count, x, y }: ImageStars, { width, height }: { width: number; height: number }): ImageStars {
  const list = Array.from({ length: count }, (_, i) => ({ x: x[i]!, y: y[i]!, flux: 0 }));
  const order = spreadStars(list, { width, height, cells, most: count });
  return { count, x: Float64Array.from(order, (star) => star.x), y: Float64Array.from(order, (star) => star.y) };
}
