/** What a frame says of itself, its pixels unread where the file allows that. */
import { job, sharedPool } from '../kernels/pool.ts';
import type { Matchable } from './calibrate-match.ts';
import { Frame, type FrameFields } from './frame.ts';
import type { Inspected } from './integrate.job.ts';
import type { Integrand } from './integrate.ts';
import { readFrame } from './read.ts';

const inspectJob = job<{ path: string }, Inspected | null>(new URL('./integrate.job.ts', import.meta.url), 'inspect');

export interface HeaderOf {
  header: Matchable;
  /** What an integration takes without looking at the file again. */
  integrand: Integrand;
  /** The whole frame, where there was no way around it. */
  frame: Frame | null;
}

/** @throws as readFrame */
export async function readHeader(input: string | Frame, signal?: AbortSignal): Promise<HeaderOf> {
  if (input instanceof Frame) return { header: input, integrand: input, frame: input };
  const inspected = await sharedPool().run(inspectJob, { path: input }, { signal });
  if (inspected) return { header: withoutPixels(inspected.header), integrand: inspected, frame: null };
  const frame = await readFrame(input, { signal });
  const { data: _pixels, ...header } = frame as FrameFields;
  return { header: withoutPixels(header), integrand: input, frame };
}

/** A frame's methods over its header alone. */
const withoutPixels = (header: Omit<FrameFields, 'data'>): Matchable =>
  Object.assign(Object.create(Frame.prototype) as Frame, header);
