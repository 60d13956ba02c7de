/** The settings of `astro-capture`, and what they mean to a sequence. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { KeepPolicy } from '../../lib/night/keep.ts';
import type { MomentInput } from '../../lib/night/moment.ts';
import type { PlanInput } from '../../lib/night/plan.ts';
import { confine } from '../../lib/process/durable.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import type { InputTable, NodeConfig, Settings } from '../inputs.ts';

export const captureInputs = {
  exposureSeconds: { type: 'number', label: 'exposure', default: 10, minimum: 0, maximum: 86_400, unit: 's' },
  gain: { type: 'number', label: 'gain', default: null, minimum: 0 },
  offset: { type: 'number', label: 'offset', default: null, minimum: 0 },
  profile: { type: 'text', label: 'profile of the camera', default: '' },
  kind: { type: 'choice', label: 'kind of frame', choices: ['light', 'dark', 'flat', 'bias'], default: 'light' },
  mode: { type: 'choice', label: 'mode', choices: ['one', 'count', 'duration', 'until'], default: 'until' },
  count: { type: 'number', label: 'number of frames', default: 20, minimum: 1, integer: true },
  durationSeconds: { type: 'number', label: 'duration', default: 3600, minimum: 0, unit: 's' },
  intervalSeconds: { type: 'number', label: 'interval', default: 0, minimum: 0, maximum: 86_400, unit: 's' },
  startAt: { type: 'choice', label: 'start', choices: ['command', 'deploy', 'sun', 'time'], default: 'command' },
  startSunDegrees: { type: 'number', label: "Sun's height at the start", default: -6, minimum: -90, maximum: 90 },
  startTime: { type: 'text', label: 'start time', default: '' },
  stopAt: { type: 'choice', label: 'stop', choices: ['never', 'sun', 'time'], default: 'never' },
  stopSunDegrees: { type: 'number', label: "Sun's height at the stop", default: -6, minimum: -90, maximum: 90 },
  stopTime: { type: 'text', label: 'stop time', default: '' },
  everyNight: { type: 'boolean', label: 'every night', default: true },
  keep: { type: 'choice', label: 'frames to keep', choices: ['all', 'nights', 'none'], default: 'all' },
  keepNights: { type: 'number', label: 'nights to keep', default: 7, minimum: 1, maximum: 10_000, integer: true },
  folder: { type: 'text', label: 'folder', default: 'frames/{camera}' },
  format: { type: 'choice', label: 'format', choices: ['fits', 'tiff', 'original'], default: 'fits' },
  freeGigabytes: { type: 'number', label: 'space to leave free', default: 2, minimum: 0, maximum: 1e6, unit: 'GB' },
} as const satisfies InputTable;

export type CaptureSettings = Settings<typeof captureInputs>;

/** What the sequence is to do. It checks the values against each other itself. */
export function planOf(settings: CaptureSettings, target: unknown): PlanInput {
  const { mode } = settings;
  return {
    exposureSeconds: settings.exposureSeconds,
    gain: settings.gain,
    offset: settings.offset,
    kind: settings.kind,
    target: isTarget(target) ? target : null,
    frames: mode === 'one' ? 1 : mode === 'count' ? settings.count : null,
    durationSeconds: mode === 'duration' ? settings.durationSeconds : null,
    intervalSeconds: settings.intervalSeconds,
    start: moment(settings.startAt, settings.startSunDegrees, settings.startTime),
    stop: moment(settings.stopAt, settings.stopSunDegrees, settings.stopTime),
  };
}

/** A start on command and one at deploy are both "now" once they come. */
function moment(at: CaptureSettings['startAt'] | 'never', altitudeDegrees: number, time: string): MomentInput {
  if (at === 'sun') return { type: 'sun', altitudeDegrees };
  return at === 'time' ? { type: 'time', time } : undefined;
}

export const policyOf = ({ keep, keepNights }: CaptureSettings): KeepPolicy =>
  keep === 'nights' ? { nights: keepNights } : keep;

/** The folder of the kept frames. @throws bad-input when it leads out of the archive or asks for what it does not know */
export function framesFolder(settings: CaptureSettings, archiveFolder: string, cameraName: string): string {
  const safe = cameraName.replace(/[^\p{L}\p{N} _-]/gu, '-').trim() || 'camera';
  const unknown = /\{(?!camera\})[^{}]*\}?/.exec(settings.folder);
  if (unknown)
    throw new NightflowError('bad-input', `The folder "${settings.folder}" asks for ${unknown[0]}, which is unknown.`, {
      remedy:
        'It knows {camera}; a folder for each night is made in it. For other names keep none and wire a save node.',
    });
  const folder = settings.folder.replaceAll('{camera}', safe);
  return /^[./]*$/.test(folder) ? archiveFolder : confine(archiveFolder, folder);
}

/** Whether a sequence goes on at a redeploy: only when it would be started in the same way again. */
export function fingerprintOf(config: NodeConfig): string {
  const names = ['camera', ...Object.keys(captureInputs).flatMap((name) => [name, `${name}Type`])];
  const values = names.map((name) => config[name] ?? null);
  return createHash('sha256').update(JSON.stringify(values)).digest('hex').slice(0, 16);
}

export const journalIn = (folder: string): string => join(folder, 'sequence.journal');
export const settingsIn = (folder: string): string => join(folder, 'capture.json');

const isTarget = (value: unknown): value is NonNullable<PlanInput['target']> => {
  const target = value as Record<string, unknown> | null | undefined;
  return typeof target?.name === 'string' && Number.isFinite(target.raDegrees) && Number.isFinite(target.decDegrees);
};
