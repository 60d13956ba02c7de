/** Fisheyes that see the whole sky: the lens is fitted once for a camera; afterwards it is followed as the sky turns. */
import { allocateShared } from '../kernels/memory.ts';
import { job } from '../kernels/pool.ts';
import { asNightflowError } from '../process/errors.ts';
import type { AllSkyInput, AllSkyOutput } from './all-sky.job.ts';
import { type AllSkyCamera, turnedWithTheSky } from './all-sky-camera.ts';
import type { AllSkyFit } from './all-sky-fit.ts';
import { solverPool } from './built-in-pool.ts';
import { findStars } from './find-stars.ts';
import type { SolveRequest, SolveStatus } from './solver.ts';

export interface AllSkyResult {
  status: SolveStatus;
  /** A sentence for a person. */
  reason: string;
  solution: AllSkyFit | null;
}

export type AllSkyRequest = Pick<SolveRequest, 'frame' | 'stars' | 'timeoutSeconds' | 'signal'>;

const fewestStars = 20;
const mostStars = 900;
const allSkyJob = job<AllSkyInput, AllSkyOutput>(new URL('./all-sky.job.ts', import.meta.url), 'solveWholeSky');

/** Finds lens and orientation of an all-sky camera from one picture of a clear night. */
export const solveAllSky = (request: AllSkyRequest): Promise<AllSkyResult> => run(request, null);

/** Where a camera that was solved looks now. @param seconds Between the middles of the exposure it was solved on and of this one. */
export const trackAllSky = (request: AllSkyRequest, camera: AllSkyCamera, seconds: number): Promise<AllSkyResult> =>
  run(request, turnedWithTheSky(camera, seconds));

async function run(request: AllSkyRequest, camera: AllSkyCamera | null): Promise<AllSkyResult> {
  const { frame, timeoutSeconds, signal } = request;
  const started = performance.now();
  const cancel = allocateShared(4);
  const flag = () => void Atomics.store(new Int32Array(cancel), 0, 1);
  const cancelled: AllSkyResult = { status: 'cancelled', reason: 'Stopped on request.', solution: null };
  if (signal?.aborted) return cancelled;
  signal?.addEventListener('abort', flag, { once: true });
  try {
    const list = (await findStars(request)).slice(0, mostStars);
    if (list.length < fewestStars)
      return {
        status: 'too-few-stars',
        reason: `${list.length} stars were found; a whole sky takes ${fewestStars} at the least. Wait for a clear night, or expose longer.`,
        solution: null,
      };
    const input: AllSkyInput = {
      ...{ width: frame.width, height: frame.height, cancel, camera },
      stars: { x: Float32Array.from(list, ({ x }) => x), y: Float32Array.from(list, ({ y }) => y) },
      deadline: performance.timeOrigin + started + timeoutSeconds * 1000,
    };
    const { status, fit } = await solverPool().run(allSkyJob, input, { signal });
    return { status, reason: sentenceOf(status, fit, list.length), solution: fit };
  } catch (thrown) {
    if (signal?.aborted) return cancelled;
    throw asNightflowError(thrown);
  } finally {
    signal?.removeEventListener('abort', flag);
  }
}

function sentenceOf(status: AllSkyOutput['status'], fit: AllSkyFit | null, stars: number): string {
  if (fit) return `${fit.matchedStars} stars match the catalogue, to ${fit.residualPixels.toFixed(1)} pixels.`;
  if (status === 'timed-out') return 'No match within the time.';
  if (status === 'cancelled') return 'Stopped on request.';
  return `No whole sky fits the ${stars} stars that were found.`;
}
