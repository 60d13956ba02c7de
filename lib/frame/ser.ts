/** SER films: pictures out of them. Recording and rescue are beside (ser-writer.ts, ser-recover.ts). */
import { job, sharedPool } from '../kernels/pool.ts';
import { Frame, type FrameFields } from './frame.ts';
import type { SerFilm } from './ser.job.ts';

export type { SerFilm } from './ser.job.ts';
export type { SerColour, SerHeader } from './ser-header.ts';
export { recoverSer } from './ser-recover.ts';
export { type SerOptions, SerWriter } from './ser-writer.ts';

const module = new URL('./ser.job.ts', import.meta.url);
const pictureJob = job<{ path: string; index: number }, FrameFields>(module, 'picture');
const filmJob = job<{ path: string }, SerFilm>(module, 'film');

/**
 * One picture of a film, 0 the first. Its time stamp becomes `start`; the format does not say which moment of the exposure
 * a program stamps. @throws bad-input for what is no SER film, or is cut off before the picture; unsupported; lost; aborted.
 */
export async function readSer(
  path: string,
  { index = 0, signal }: { index?: number; signal?: AbortSignal } = {},
): Promise<Frame> {
  return new Frame(await sharedPool().run(pictureJob, { path, index }, { signal }));
}

/** What a film holds: header, number of whole pictures, their times. @throws as readSer. */
export function readSerFilm(path: string, { signal }: { signal?: AbortSignal } = {}): Promise<SerFilm> {
  return sharedPool().run(filmJob, { path }, { signal });
}
