/** The settings of `astro-mount`, and the target that a message or the dialog gives it. */

import type { Clock } from '../../lib/clock/clock.ts';
import type { IndiClient } from '../../lib/indi/client.ts';
import { requireAbove, siteOfMount } from '../../lib/indi/devices/mount-sight.ts';
import { trackingRates } from '../../lib/indi/devices/mount-tracking.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import type { EquatorialPlace } from '../../lib/sky/coordinates-date.ts';
import { parseHorizon } from '../../lib/sky/horizon.ts';
import type { Site } from '../../lib/sky/site.ts';
import { type Target, targetOf } from '../../lib/sky/target.ts';
import type { InputTable, Settings } from '../inputs.ts';
import { targetOfMessage } from '../night/target-message.ts';
import type { AstroMessage } from '../types.ts';

export const mountCommands = [
  'slew',
  'centre',
  'sync',
  'flip',
  'park',
  'unpark',
  'track',
  'untrack',
  'rate',
  'abort',
  'status',
] as const;

export const mountInputs = {
  targetName: { type: 'text', label: 'target', default: '' },
  coordinates: { type: 'text', label: 'coordinates', default: '' },
  minimumAltitudeDegrees: { type: 'number', label: 'least altitude', default: 0, minimum: -5, maximum: 90, unit: '°' },
  horizon: { type: 'text', label: 'horizon', default: '' },
  allowBelow: { type: 'boolean', label: 'leave to go below the horizon', default: false },
  trackingRate: {
    type: 'choice',
    label: 'tracking rate',
    choices: ['unchanged', ...trackingRates],
    default: 'unchanged',
  },
  raRateArcseconds: {
    type: 'number',
    label: 'rate in RA',
    default: null,
    minimum: -16_384,
    maximum: 16_384,
    unit: '″/s',
  },
  decRateArcseconds: {
    type: 'number',
    label: 'rate in Dec',
    default: null,
    minimum: -16_384,
    maximum: 16_384,
    unit: '″/s',
  },
} as const satisfies InputTable;

export type MountSettings = Settings<typeof mountInputs>;

/**
 * What the message says goes before what is typed in the node: `msg.raDegrees` and `msg.decDegrees`, `msg.coordinates`,
 * `msg.target`, and last a target in the payload. @throws bad-input
 */
export function targetOfMount(msg: AstroMessage, settings: MountSettings): Target {
  const { raDegrees, decDegrees, targetName, target, coordinates } = msg;
  const name = typeof targetName === 'string' ? targetName : settings.targetName;
  if (raDegrees !== undefined || decDegrees !== undefined)
    return targetOf({ name, ra: raDegrees as number, dec: decDegrees as number });
  const inMessage = target !== undefined || (typeof coordinates === 'string' && coordinates.trim() !== '');
  if (inMessage) return targetOfMessage(msg);
  if (settings.coordinates.trim() !== '') return targetOf({ name, coordinates: settings.coordinates });
  const { payload } = msg;
  if (payload !== null && typeof payload === 'object' && !Array.isArray(payload) && !Buffer.isBuffer(payload))
    return targetOfMessage(msg);
  throw new NightflowError('bad-input', 'The mount has no target.', {
    remedy: 'Type coordinates in the node, wire an astro-target in front, or send msg.target.',
  });
}

/** @throws rejected when the target is below the horizon and may not be; bad-input for a horizon that is none */
export function allowTarget(
  settings: MountSettings,
  where: { client: IndiClient; name: string; clock: Clock; site: Site | null },
  target: EquatorialPlace,
): void {
  if (settings.allowBelow) return;
  const limits = {
    minimumAltitudeDegrees: settings.minimumAltitudeDegrees,
    horizon: parseHorizon(settings.horizon),
  };
  requireAbove(where.site ?? siteOfMount(where.client, where.name), target, where.clock.now(), limits);
}
