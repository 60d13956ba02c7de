/** Fisheyes that see the whole sky: the lens is fitted once for a camera; afterwards it is only confirmed, since the camera stands still. */
import type { Frame } from '../frame/frame.ts';
import { allocateShared } from '../kernels/memory.ts';
import { job, sharedPool } from '../kernels/pool.ts';
import { asNightflowError } from '../process/errors.ts';
import type { AllSkyInput, AllSkyOutput, StarsOfPicture } from './all-sky.job.ts';
import type { AllSkyCamera } from './all-sky-camera.ts';
import type { AllSkyFit } from './all-sky-judge.ts';
import type { GeographicPlace } from './all-sky-overhead.ts';
import type { AllSkyStars, AllSkyStarsInput } from './all-sky-stars.job.ts';
import type { Weighed, WeighInput } from './all-sky-weigh.job.ts';
import { planeOf } from './picture-file.ts';
import type { SolveRequest, SolveStatus } from './solver.ts';

export interface AllSkyResult {
  status: SolveStatus;
  /** A sentence for a person. */
  reason: string;
  fit: AllSkyFit | null;
  /** Stars that were found in the picture. */
  stars: number;
  /** These stars, for a fit of several pictures together; null: none were looked for. */
  list: StarsOfPicture | null;
  /** Wall seconds. */
  seconds: { detect: number; search: number; total: number };
}

export interface AllSkyRequest extends Pick<SolveRequest, 'frame' | 'timeoutSeconds' | 'signal'> {
  site: GeographicPlace;
  /** UTC since 1970 of the middle of the exposure. */
  milliseconds: number;
  /** Stars of earlier pictures of the same camera at other times, where one alone has too few. */
  earlier?: readonly StarsOfPicture[];
  /** The picture's own, where they were looked for before. */
  list?: StarsOfPicture;
}

/** Standard deviations by which the light at the places of the stars must stand out where hardly one can be told. */
const leastSigmas = 4;
/** A first fit has eight unknowns. */
export const fewestStars = 20;
const mostStars = 900;
const allSkyJob = job<AllSkyInput, AllSkyOutput>(new URL('./all-sky.job.ts', import.meta.url), 'solveWholeSky');
const starsJob = job<AllSkyStarsInput, AllSkyStars>(
  new URL('./all-sky-stars.job.ts', import.meta.url),
  'findAllSkyStars',
);
const weighJob = job<WeighInput, Weighed>(new URL('./all-sky-weigh.job.ts', import.meta.url), 'weighSky');

/** Finds lens and orientation of an all-sky camera from one picture of a clear night. @throws bad-input, failed */
export const solveAllSky = (request: AllSkyRequest): Promise<AllSkyResult> => run(request, null);

/** Where a camera that was fitted before looks now: what it did but for a nudge. `no-match`: clouds, or it was moved. @throws as solveAllSky */
export const trackAllSky = (request: AllSkyRequest, camera: AllSkyCamera): Promise<AllSkyResult> =>
  run(request, camera);

async function run(request: AllSkyRequest, camera: AllSkyCamera | null): Promise<AllSkyResult> {
  const { frame, timeoutSeconds, signal, site, milliseconds } = request;
  const started = performance.now();
  let detected = started;
  let list: StarsOfPicture | null = null;
  const answer = (status: SolveStatus, reason: string, fit: AllSkyFit | null = null): AllSkyResult => {
    const now = performance.now();
    const seconds = { detect: detected - started, search: now - detected, total: now - started };
    for (const key of ['detect', 'search', 'total'] as const) seconds[key] /= 1000;
    return { status, reason, fit, stars: list?.stars.x.length ?? 0, list, seconds };
  };
  const cancel = allocateShared(4);
  const flag = () => void Atomics.store(new Int32Array(cancel), 0, 1);
  if (signal?.aborted) return answer('cancelled', 'Stopped on request.');
  signal?.addEventListener('abort', flag, { once: true });
  try {
    list = request.list ?? { stars: await starsOf(frame, signal), milliseconds };
    detected = performance.now();
    const count = list.stars.x.length;
    if (!camera && count < fewestStars)
      return answer(
        'too-few-stars',
        `${count} stars were found; a whole sky takes ${fewestStars} at the least. Wait for a clear night, or expose longer.`,
      );
    const input: AllSkyInput = {
      ...{ width: frame.width, height: frame.height, cancel, camera, site },
      pictures: [list, ...(request.earlier ?? [])],
      deadline: performance.timeOrigin + started + timeoutSeconds * 1000,
    };
    const { status, fit, unsure } = await sharedPool().run(allSkyJob, input, { signal });
    const weighed = unsure && (await weigh(request, unsure));
    if (weighed) return answer('matched', 'The light of the brightest stars is where it must be.', weighed);
    return answer(status, sentenceOf(status, fit, count, camera !== null), fit);
  } catch (thrown) {
    if (signal?.aborted) return answer('cancelled', 'Stopped on request.');
    throw asNightflowError(thrown);
  } finally {
    signal?.removeEventListener('abort', flag);
  }
}

/** The fit, with the odds of the light at the places of its stars; null where that does not stand out. */
async function weigh({ frame, site, milliseconds, signal }: AllSkyRequest, fit: AllSkyFit): Promise<AllSkyFit | null> {
  const { data, width, height, type, offset } = await planeOf(frame, signal);
  const input: WeighInput = { data, width, height, type, offset, camera: fit.camera, site, milliseconds };
  const { sigmas } = await sharedPool().run(weighJob, input, { signal });
  // The tail of the normal distribution, nearly.
  const logOdds = sigmas ** 2 / 2 + Math.log(Math.max(1, sigmas) * Math.sqrt(2 * Math.PI));
  return sigmas >= leastSigmas ? { ...fit, logOdds } : null;
}

async function starsOf(frame: Frame, signal: AbortSignal | undefined): Promise<AllSkyStars> {
  const { data, width, height, type, offset } = await planeOf(frame, signal);
  const found = await sharedPool().run(starsJob, { data, width, height, type, most: mostStars }, { signal });
  return { ...found, x: found.x.map((x) => x + offset), y: found.y.map((y) => y + offset) };
}

function sentenceOf(status: AllSkyOutput['status'], fit: AllSkyFit | null, stars: number, known: boolean): string {
  if (fit) return `${fit.matchedStars} stars match the catalogue, to ${fit.residualPixels.toFixed(1)} pixels.`;
  if (status === 'timed-out') return 'No match within the time.';
  if (status === 'cancelled') return 'Stopped on request.';
  return known
    ? `Too few of the ${stars} stars are where the camera saw them: clouds, or the camera was moved.`
    : `No whole sky over this site at this time fits the ${stars} stars that were found.`;
}
