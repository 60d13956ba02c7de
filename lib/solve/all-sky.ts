/** Fisheyes that see the whole sky: the lens is fitted once for a camera; afterwards it is only confirmed, since the camera stands still. */
import type { Frame } from '../frame/frame.ts';
import { allocateShared } from '../kernels/memory.ts';
import { job, sharedPool } from '../kernels/pool.ts';
import { asNightflowError } from '../process/errors.ts';
import type { AllSkyInput, AllSkyOutput } from './all-sky.job.ts';
import type { AllSkyCamera } from './all-sky-camera.ts';
import type { AllSkyFit } from './all-sky-judge.ts';
import type { GeographicPlace } from './all-sky-overhead.ts';
import type { AllSkyStars, AllSkyStarsInput } from './all-sky-stars.job.ts';
import { planeOf } from './picture-file.ts';
import type { SolveRequest, SolveStatus } from './solver.ts';

export interface AllSkyResult {
  status: SolveStatus;
  /** A sentence for a person. */
  reason: string;
  fit: AllSkyFit | null;
  /** Stars that were found in the picture. */
  stars: number;
  /** Wall seconds. */
  seconds: { detect: number; search: number; total: number };
}

export interface AllSkyRequest extends Pick<SolveRequest, 'frame' | 'timeoutSeconds' | 'signal'> {
  site: GeographicPlace;
  /** UTC since 1970 of the middle of the exposure. */
  milliseconds: number;
}

/** A first fit has eight unknowns; a camera that is known is confirmed by fewer. */
export const fewestStars = { fit: 20, track: 6 } as const;
const mostStars = 900;
const allSkyJob = job<AllSkyInput, AllSkyOutput>(new URL('./all-sky.job.ts', import.meta.url), 'solveWholeSky');
const starsJob = job<AllSkyStarsInput, AllSkyStars>(
  new URL('./all-sky-stars.job.ts', import.meta.url),
  'findAllSkyStars',
);

/** Finds lens and orientation of an all-sky camera from one picture of a clear night. @throws bad-input, failed */
export const solveAllSky = (request: AllSkyRequest): Promise<AllSkyResult> => run(request, null);

/** Where a camera that was fitted before looks now: what it did but for a nudge. `no-match`: clouds, or it was moved. @throws as solveAllSky */
export const trackAllSky = (request: AllSkyRequest, camera: AllSkyCamera): Promise<AllSkyResult> =>
  run(request, camera);

async function run(request: AllSkyRequest, camera: AllSkyCamera | null): Promise<AllSkyResult> {
  const { frame, timeoutSeconds, signal, site, milliseconds } = request;
  const started = performance.now();
  let detected = started;
  const answer = (status: SolveStatus, reason: string, stars: number, fit: AllSkyFit | null = null): AllSkyResult => {
    const now = performance.now();
    const seconds = { detect: detected - started, search: now - detected, total: now - started };
    for (const key of ['detect', 'search', 'total'] as const) seconds[key] /= 1000;
    return { status, reason, fit, stars, seconds };
  };
  const cancel = allocateShared(4);
  const flag = () => void Atomics.store(new Int32Array(cancel), 0, 1);
  if (signal?.aborted) return answer('cancelled', 'Stopped on request.', 0);
  signal?.addEventListener('abort', flag, { once: true });
  try {
    const stars = await starsOf(frame, signal);
    detected = performance.now();
    const fewest = camera ? fewestStars.track : fewestStars.fit;
    if (stars.x.length < fewest) {
      const remedy = camera ? 'Clouds, or daylight?' : 'Wait for a clear night, or expose longer.';
      const wants = camera ? `a known all-sky camera is confirmed by ${fewest}` : `a whole sky takes ${fewest}`;
      return answer(
        'too-few-stars',
        `${stars.x.length} stars were found; ${wants} at the least. ${remedy}`,
        stars.x.length,
      );
    }
    const input: AllSkyInput = {
      ...{ width: frame.width, height: frame.height, cancel, camera, site, milliseconds, stars },
      deadline: performance.timeOrigin + started + timeoutSeconds * 1000,
    };
    const { status, fit } = await sharedPool().run(allSkyJob, input, { signal });
    return answer(status, sentenceOf(status, fit, stars.x.length, camera !== null), stars.x.length, fit);
  } catch (thrown) {
    if (signal?.aborted) return answer('cancelled', 'Stopped on request.', 0);
    throw asNightflowError(thrown);
  } finally {
    signal?.removeEventListener('abort', flag);
  }
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
