/** The two ways to a film of the same span: recorded by the camera's driver, or by us from the video. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { CameraStream, DriverRecording, RecordingProgress, StampedBy } from '../camera/camera-stream.ts';
import type { Clock } from '../clock/clock.ts';
import { readSerFilm, type SerFilm } from '../frame/ser.ts';
import { asNightflowError, NightflowError } from '../process/errors.ts';
import { type FilmFigures, filmFigures, type Latency } from './stream-figures.ts';
import { bringFilm } from './stream-film.ts';
import { protocolPath } from './stream-protocol.ts';
import { type OwnFilm, StreamRecorder } from './stream-recorder.ts';
import { held, type RecordingRequest, type RecordingSignals } from './stream-request.ts';

export interface FilmPlan {
  /** In the archive. */
  path: string;
  /** UTC ms: the frames whose exposure touches this span are wanted. */
  start: number;
  end: number;
  /** What begins so long before has its first frame in time. */
  aheadSeconds: number;
}

export interface RecordedFilm {
  path: string;
  protocolPath: string;
  /** It lies on the computer of the INDI server. */
  onServer: boolean;
  bytes: number | null;
  recordedBy: 'driver' | 'nightflow';
  ended: 'done' | 'stopped' | 'lost' | 'cut-off';
  problem: NightflowError | null;
  stampedBy: StampedBy;
  latency: Latency | null;
  figures: FilmFigures;
  width: number | null;
  height: number | null;
  bits: number | null;
  dropped: number;
  damaged: number;
}

export interface FilmContext {
  clock: Clock;
  request: RecordingRequest;
  signals: RecordingSignals;
  site: { name?: string } | null;
  tell: { progress(progress: RecordingProgress): void; warning(error: NightflowError): void };
}

/** How often the progress of our own film is told, ms of real time. */
const progressMilliseconds = 500;

/** @param untilBegin Resolves when it is time to begin. @throws rejected, timeout, lost, aborted: then there is no film */
export async function recordByDriver(
  stream: CameraStream,
  plan: FilmPlan,
  context: FilmContext,
  untilBegin: () => Promise<void>,
): Promise<RecordedFilm | null> {
  const { clock, signals, tell, request } = context;
  const stop = AbortSignal.any([signals.stop, signals.abort]);
  const durationSeconds = (plan.end - plan.start) / 1000 + plan.aheadSeconds + request.exposureSeconds;
  const name = basename(plan.path).replace(/\.ser$/, '');
  const prepared = await stream.prepareRecording!({ name, durationSeconds }, stop);
  await untilBegin();
  const recording = await prepared.begin({ stop, onProgress: (progress) => tell.progress(progress) });
  if (recording.path === null) {
    const { problem } = recording;
    if (!problem || stop.aborted) return null;
    if (request.recordBy === 'driver' || problem.code === 'lost' || clock.now() >= plan.end) throw problem;
    // The instant does not come again: 8 bits that we stamp are better than nothing.
    tell.warning(new NightflowError(problem.code, `${problem.message} Nightflow records the video itself.`));
    return recordOurselves(stream, plan, context, async () => {});
  }
  if (signals.abort.aborted) {
    tell.warning(new NightflowError('aborted', `The film stays where the driver put it: ${recording.path}.`));
    return null;
  }
  const brought = recording.local ? await bring(recording, plan.path, tell) : null;
  const common = { recordedBy: 'driver', stampedBy: 'driver', latency: null, dropped: 0, damaged: 0 } as const;
  const { problem } = recording;
  if (!brought) {
    const figures = filmFigures(Array.from({ length: recording.frames ?? 0 }, () => null));
    const unread = { onServer: true, bytes: null, width: null, height: null, bits: null, figures };
    const ended = recording.ended;
    return { ...common, ...unread, path: recording.path, protocolPath: protocolPath(plan.path), ended, problem };
  }
  const told = await described(brought.film, brought.path);
  return { ...common, ...told, onServer: false, ended: brought.mended ? 'cut-off' : recording.ended, problem };
}

/** null where the driver's path leads nowhere from here (a container, another user's folder): it stays with the driver. */
async function bring(recording: DriverRecording, path: string, tell: FilmContext['tell']) {
  try {
    const brought = await bringFilm(recording.path!, path, { closed: recording.ended !== 'lost' });
    if (brought.leftBehind)
      tell.warning(new NightflowError('failed', `The driver’s copy ${brought.leftBehind} could not be removed.`));
    return brought;
  } catch (thrown) {
    const { code, message, remedy } = asNightflowError(thrown);
    const text = `The film stays where the driver put it, ${recording.path}: ${message}`;
    tell.warning(new NightflowError(code, text, { remedy, cause: thrown }));
    return null;
  }
}

/** @throws as StreamRecorder.close: then there is no film */
export async function recordOurselves(
  stream: CameraStream,
  plan: FilmPlan,
  context: FilmContext,
  untilBegin: () => Promise<void>,
): Promise<RecordedFilm | null> {
  const { clock, signals, site } = context;
  const { path, start, end } = plan;
  const options = { path, clock, from: start, until: end, observer: site?.name ?? '' };
  const recorder = await held(clock, () => StreamRecorder.open(stream, options));
  const over = new AbortController();
  const stop = AbortSignal.any([signals.stop, signals.abort, over.signal]);
  try {
    await untilBegin();
    void follow(recorder, plan, context, stop);
    await Promise.race([recorder.over, aborted(stop)]);
  } catch (error) {
    await recorder.discard();
    throw error;
  } finally {
    over.abort();
  }
  if (signals.abort.aborted) {
    await recorder.discard();
    return null;
  }
  return held(clock, async () => {
    const film = await recorder.close();
    if (!film) return null;
    const told = await described(await readSerFilm(path), path);
    return { ...told, ...ofOwn(film, signals.stop.aborted), onServer: false };
  });
}

function ofOwn(film: OwnFilm, stopped: boolean) {
  const { stampedBy, latency, dropped, faults, problem } = film;
  const ended = problem ? 'lost' : stopped ? 'stopped' : 'done';
  return { recordedBy: 'nightflow', stampedBy, latency, dropped, damaged: faults, ended, problem } as const;
}

async function follow(
  recorder: StreamRecorder,
  { start }: FilmPlan,
  { clock, tell }: FilmContext,
  over: AbortSignal,
): Promise<void> {
  const pause = progressMilliseconds * Math.min(clock.rate, 1000);
  try {
    for (;;) {
      await clock.sleep(pause, over);
      const elapsedSeconds = Math.max(0, (clock.now() - start) / 1000);
      tell.progress({ elapsedSeconds, frames: recorder.frames, estimated: false });
    }
  } catch {
    // The recording is over.
  }
}

async function described(film: SerFilm, path: string) {
  const { width, height, depth: bits, whole } = film;
  const times = film.times.length > 0 ? film.times.slice(0, whole) : Array.from({ length: whole }, () => null);
  const { size } = await stat(path);
  return { path, protocolPath: protocolPath(path), bytes: size, width, height, bits, figures: filmFigures(times) };
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
