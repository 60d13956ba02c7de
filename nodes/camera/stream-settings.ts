/** The settings of `astro-stream`, and what they ask of a recording. */
import type { FrameTarget } from '../../lib/frame/frame.ts';
import { claimFileName, renderFileName } from '../../lib/night/file-name.ts';
import type { RecordingRequest } from '../../lib/night/stream-request.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import type { Site } from '../../lib/sky/site.ts';
import type { InputTable, Settings } from '../inputs.ts';
import type { AstroMessage } from '../types.ts';

export const streamInputs = {
  start: { type: 'text', label: 'start', default: '' },
  exposureSeconds: { type: 'number', label: 'exposure', default: 0.1, minimum: 0.000001, maximum: 60, unit: 's' },
  gain: { type: 'number', label: 'gain', default: null, minimum: 0 },
  offset: { type: 'number', label: 'offset', default: null, minimum: 0 },
  durationSeconds: { type: 'number', label: 'duration', default: 60, minimum: 0.001, maximum: 86_400, unit: 's' },
  recordBy: { type: 'choice', label: 'recorder', choices: ['auto', 'driver', 'own'], default: 'auto' },
  template: { type: 'text', label: 'file name', default: 'recordings/{night}/{target|film}_{date}_{time}' },
  leadSeconds: { type: 'number', label: 'time of the video before the start', default: 5, minimum: 0, maximum: 600 },
  lateSeconds: { type: 'number', label: 'lateness', default: 2, minimum: 0, maximum: 3600, unit: 's' },
  previewSeconds: { type: 'number', label: 'preview interval', default: 1, minimum: 0, maximum: 3600, unit: 's' },
  clockLimitSeconds: { type: 'number', label: 'limit of the clock', default: 0.1, minimum: 0, maximum: 60, unit: 's' },
  freeGigabytes: { type: 'number', label: 'space to leave free', default: 2, minimum: 0, maximum: 1e6, unit: 'GB' },
} as const satisfies InputTable;

export type StreamSettings = Settings<typeof streamInputs>;

/** @throws bad-input */
export function requestOf(settings: StreamSettings, msg: AstroMessage): RecordingRequest {
  const { exposureSeconds, gain, offset, durationSeconds, recordBy, leadSeconds, lateSeconds, clockLimitSeconds } =
    settings;
  const startMilliseconds = momentOf(settings.start);
  const target = targetOf(msg.target);
  const how = { exposureSeconds, gain, offset, durationSeconds, recordBy };
  return { startMilliseconds, target, ...how, leadSeconds, lateSeconds, clockLimitSeconds };
}

/** ISO 8601, UTC where it names no zone, or milliseconds since 1970. @throws bad-input */
function momentOf(text: string): number | null {
  const trimmed = text.trim();
  if (trimmed === '') return null;
  const iso = /T[\d:.,]+$/.test(trimmed.replace(' ', 'T')) ? `${trimmed.replace(' ', 'T')}Z` : trimmed;
  const milliseconds = /^\d{11,14}(?:\.\d+)?$/.test(trimmed)
    ? Number(trimmed)
    : /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(trimmed)
      ? Date.parse(iso.replace(',', '.'))
      : Number.NaN;
  if (Number.isFinite(milliseconds)) return milliseconds;
  throw new NightflowError('bad-input', `The start "${trimmed.slice(0, 40)}" is no time.`, {
    remedy: 'Write it in UTC as 2026-11-21T21:14:05.200Z.',
  });
}

export function targetOf(value: unknown): FrameTarget | null {
  const target = value as Partial<FrameTarget> | null | undefined;
  if (typeof target?.name !== 'string' || !Number.isFinite(target.raDegrees) || !Number.isFinite(target.decDegrees))
    return null;
  return { name: target.name, raDegrees: target.raDegrees!, decDegrees: target.decDegrees! };
}

export interface FilmName {
  archiveFolder: string;
  template: string;
  camera: string;
  site: Site | null;
  request: RecordingRequest;
  message: AstroMessage;
}

/** A free path for a film that begins then. @throws bad-input */
export function claimFilm(name: FilmName, startMilliseconds: number) {
  const { archiveFolder, template, camera, site, request, message } = name;
  const { exposureSeconds, gain, offset, target } = request;
  const start = new Date(startMilliseconds).toISOString();
  const frame = {
    width: 0,
    height: 0,
    kind: 'light' as const,
    start,
    exposureSeconds,
    gain,
    offset,
    temperatureCelsius: null,
    camera,
    target,
    night: null,
    number: null,
    combined: 1,
    source: null,
    keywords: [],
  };
  const rendered = renderFileName(template, { frame, site, nowMilliseconds: startMilliseconds, message });
  return claimFileName(archiveFolder, rendered, '.ser');
}
