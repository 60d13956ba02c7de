/** The protocol of a recording: the JSON beside its film, with all that a timing is judged by. */

import type { CameraInfo } from '../camera/camera.ts';
import type { StampedBy } from '../camera/camera-stream.ts';
import { isoTime } from '../clock/clock.ts';
import type { FrameSite, FrameTarget } from '../frame/frame.ts';
import type { ClockQuality } from '../process/clock-quality.ts';
import { writeDurably } from '../process/durable.ts';
import type { FilmFigures, Latency } from './stream-figures.ts';
import type { RecordedFilm } from './stream-films.ts';
import type { RecordingRequest } from './stream-request.ts';

export interface RecordingProtocol {
  format: 'nightflow-recording';
  version: 1;
  target: FrameTarget | null;
  site: FrameSite | null;
  instrument: {
    camera: string;
    backend: string;
    /** Of the frames as recorded; null when the film could not be read. */
    width: number | null;
    height: number | null;
    bits: number | null;
    pixelSizeMicrometres: number | null;
  };
  exposureSeconds: number;
  gain: number | null;
  offset: number | null;
  /** What was asked for. */
  asked: { start: string; durationSeconds: number };
  film: {
    path: string;
    /** It lies on the computer of the INDI server. */
    onServer: boolean;
    bytes: number | null;
    recordedBy: 'driver' | 'nightflow';
    ended: 'done' | 'stopped' | 'lost' | 'cut-off';
    problem: string | null;
  };
  stamps: {
    by: StampedBy;
    /** In words: which moment a stamp is, and by whose clock. */
    meaning: string;
    /** Only for films stamped on arrival. */
    latency: Latency | null;
  };
  figures: FilmFigures;
  lost: {
    /** Frames that came while the disk was too slow. */
    dropped: number;
    /** Frames that came damaged. */
    damaged: number;
    /** Holes in the cadence, as frames. */
    missing: number;
  };
  clock: { before: ClockQuality | null; after: ClockQuality | null };
  software: string;
}

const software = 'Nightflow (@nightflow/node-red)';

export const meanings: Readonly<Record<StampedBy, string>> = {
  driver:
    'The driver stamped each frame when it got it from the camera: end of the exposure and read-out, by the clock of its computer.',
  arrival:
    'Nightflow stamped each frame when it arrived: end of the exposure, read-out, and the way through driver, server and network.',
  simulator: 'The end of each simulated exposure, by the clock of the site.',
};

/** Of a film `x.ser`: `x.json`. */
export const protocolPath = (filmPath: string): string => filmPath.replace(/\.ser$/i, '').concat('.json');

export function protocolOf(
  request: RecordingRequest,
  { camera, site }: { camera: { info: CameraInfo }; site: FrameSite | null },
  film: RecordedFilm,
  clock: RecordingProtocol['clock'],
  start: number,
): RecordingProtocol {
  const { width, height, bits, path, onServer, bytes, recordedBy, ended, problem, figures, dropped, damaged } = film;
  const { name, backend, sensor } = camera.info;
  const pixelSizeMicrometres = sensor?.pixelSizeMicrometres ?? null;
  return {
    format: 'nightflow-recording',
    version: 1,
    target: request.target,
    site,
    instrument: { camera: name, backend, width, height, bits, pixelSizeMicrometres },
    exposureSeconds: request.exposureSeconds,
    gain: request.gain,
    offset: request.offset,
    asked: { start: isoTime(start), durationSeconds: request.durationSeconds },
    film: { path, onServer, bytes, recordedBy, ended, problem: problem?.message ?? null },
    stamps: { by: film.stampedBy, meaning: meanings[film.stampedBy], latency: film.latency },
    figures,
    lost: { dropped, damaged, missing: figures.missing },
    clock,
    software,
  };
}

/** @throws disk-full, failed */
export const writeProtocol = (path: string, protocol: RecordingProtocol): Promise<void> =>
  writeDurably(path, [Buffer.from(`${JSON.stringify(protocol, null, 2)}\n`)]);

/** One line for the log. */
export function protocolLine(protocol: RecordingProtocol): string {
  const { figures, film, stamps, clock, target, lost } = protocol;
  const seconds = (value: number | null, digits: number) => (value === null ? '?' : value.toFixed(digits));
  const quality = ({ source, offsetSeconds, uncertaintySeconds, synchronised }: ClockQuality) =>
    synchronised
      ? `${source} offset ${seconds(offsetSeconds, 6)} s ± ${seconds(uncertaintySeconds, 6)} s`
      : `${source}, not synchronised`;
  return [
    `Recorded ${target?.name ?? 'a film'}: ${figures.frames} frames, ${figures.first ?? 'no stamps'} to ${figures.last ?? '-'}`,
    `cadence ${seconds(figures.cadenceSeconds, 4)} s, jitter ${seconds(figures.jitterSeconds, 4)} s`,
    `lost ${lost.dropped + lost.damaged + lost.missing}`,
    `stamped by ${stamps.by}`,
    `clock before ${clock.before ? quality(clock.before) : '?'}, after ${clock.after ? quality(clock.after) : '?'}`,
    `${film.path}${film.onServer ? ' on the server' : ''}`,
  ].join('; ');
}
