/** The settings of `astro-schedule`, and what they mean to a plan. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { FixedOptions } from '../../lib/night/fixed-schedule.ts';
import { confine } from '../../lib/process/durable.ts';
import { asNightflowError, NightflowError } from '../../lib/process/errors.ts';
import { parseHorizon } from '../../lib/sky/horizon.ts';
import type { Site } from '../../lib/sky/site.ts';
import type { InputTable, NodeConfig, Settings } from '../inputs.ts';
import type { AstroMessage } from '../types.ts';

export const scheduleInputs = {
  listFrom: { type: 'choice', label: 'source of the list', choices: ['typed', 'file', 'payload'], default: 'typed' },
  listFile: { type: 'text', label: 'list file', default: 'targets.csv' },
  leadSeconds: { type: 'number', label: 'lead time', default: 300, minimum: 5, maximum: 7200, unit: 's' },
  armSeconds: { type: 'number', label: 'head start', default: 0, minimum: 0, maximum: 120, unit: 's' },
  graceSeconds: { type: 'number', label: 'wait for a report', default: 60, minimum: 0, maximum: 3600, unit: 's' },
  clockLimitSeconds: {
    type: 'number',
    label: 'limit of the clock',
    default: 0.05,
    minimum: 1e-4,
    maximum: 60,
    unit: 's',
  },
  durationSeconds: { type: 'number', label: 'duration', default: null, minimum: 0.01, maximum: 86_400, unit: 's' },
  calibrationMagnitude: {
    type: 'number',
    label: 'magnitude of the calibration',
    default: 11,
    minimum: -5,
    maximum: 25,
  },
  calibrationExposureSeconds: {
    type: 'number',
    label: 'exposure of the calibration',
    default: 0.1,
    minimum: 1e-6,
    maximum: 3600,
    unit: 's',
  },
  shortestExposureSeconds: {
    type: 'number',
    label: 'shortest exposure',
    default: 0.01,
    minimum: 1e-6,
    maximum: 3600,
    unit: 's',
  },
  longestExposureSeconds: {
    type: 'number',
    label: 'longest exposure',
    default: 2,
    minimum: 1e-6,
    maximum: 3600,
    unit: 's',
  },
  minimumAltitudeDegrees: { type: 'number', label: 'least altitude', default: 10, minimum: -5, maximum: 90, unit: '°' },
  horizon: { type: 'text', label: 'horizon', default: '' },
  minimumMoonDegrees: { type: 'number', label: 'Moon distance', default: null, minimum: 0, maximum: 180, unit: '°' },
  maximumSunDegrees: { type: 'number', label: "Sun's altitude", default: null, minimum: -30, maximum: 90, unit: '°' },
} as const satisfies InputTable;

export type ScheduleSettings = Settings<typeof scheduleInputs>;

/** @throws bad-input when the horizon can't be read */
export function fixedOptions(settings: ScheduleSettings, site: Site, known: ReadonlySet<string>): FixedOptions {
  return {
    site,
    limits: {
      minimumAltitudeDegrees: settings.minimumAltitudeDegrees,
      horizon: parseHorizon(settings.horizon),
      maximumAirmass: null,
      minimumMoonDistanceDegrees: settings.minimumMoonDegrees,
      maximumSunAltitudeDegrees: settings.maximumSunDegrees,
    },
    leadSeconds: settings.leadSeconds,
    armSeconds: settings.armSeconds,
    durationSeconds: settings.durationSeconds,
    calibration: {
      magnitude: settings.calibrationMagnitude,
      exposureSeconds: settings.calibrationExposureSeconds,
      shortestSeconds: settings.shortestExposureSeconds,
      longestSeconds: settings.longestExposureSeconds,
    },
    known,
  };
}

/** More is no list of a night's targets. */
const longestFile = 4_000_000;

/** The list of this start: `msg.list`, or what the node says. @throws bad-input, lost */
export async function listOf(
  { listFrom, listFile }: ScheduleSettings,
  config: NodeConfig,
  msg: AstroMessage,
  archiveFolder: string,
): Promise<unknown> {
  if (msg.list !== undefined && msg.list !== null) return checkedList(msg.list, 'msg.list');
  if (listFrom === 'payload') return checkedList(msg.payload, 'msg.payload');
  if (listFrom === 'typed') return String(config.list ?? '');
  const path = confine(archiveFolder, listFile);
  try {
    const { size } = await stat(path);
    if (size > longestFile) throw new NightflowError('bad-input', `${path} is too long for a list of targets.`);
    return await readFile(path, 'utf8');
  } catch (thrown) {
    throw asNightflowError(thrown, `The list ${path} can't be read`);
  }
}

function checkedList(value: unknown, where: string): unknown {
  if (typeof value === 'string' || (value !== null && typeof value === 'object' && !Buffer.isBuffer(value)))
    return value;
  if (Buffer.isBuffer(value)) return value.toString('utf8');
  throw new NightflowError('bad-input', `${where} is no list of targets.`, {
    remedy: 'Send CSV text or an array of targets.',
  });
}

/** Whether a schedule goes on at a redeploy: only when it would be started in the same way again. */
export function fingerprintOf(config: NodeConfig): string {
  const names = ['site', 'list', ...Object.keys(scheduleInputs).flatMap((name) => [name, `${name}Type`])];
  return createHash('sha256')
    .update(JSON.stringify(names.map((name) => config[name] ?? null)))
    .digest('hex')
    .slice(0, 16);
}
