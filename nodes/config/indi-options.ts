/** The settings of `astro-camera` for the backend `indi`. */
import type { IndiCameraOptions, SharedIndiServer } from '../../lib/camera/indi.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import { type InputTable, readConfiguration } from '../inputs.ts';

const inputs = {
  /** Id of an `astro-indi`. */
  indi: { type: 'text', label: 'INDI server', default: '' },
  indiHost: { type: 'text', label: 'INDI server', default: 'localhost' },
  indiPort: { type: 'number', label: 'port', default: 7624, minimum: 1, maximum: 65_535, integer: true },
  indiDevice: { type: 'text', label: 'INDI camera', default: '' },
  indiFocuser: { type: 'text', label: 'INDI focuser', default: '' },
  indiLoadConfiguration: { type: 'boolean', label: 'load the saved settings', default: false },
  indiFastExposure: { type: 'boolean', label: 'fast exposures', default: true },
} as const satisfies InputTable;

/** @param serverOf The `astro-indi` node that is named; without a name, host and port count. @throws bad-input */
export function indiOptions(
  config: Readonly<Record<string, unknown>>,
  serverOf: (id: string) => SharedIndiServer | null = () => null,
): IndiCameraOptions {
  const settings = readConfiguration(config, inputs);
  const server = settings.indi ? serverOf(settings.indi) : null;
  if (settings.indi && !server)
    throw new NightflowError('bad-input', 'The INDI server of this camera is not deployed.', {
      remedy: 'Choose another one in the camera’s settings, or none to name a host.',
    });
  return {
    host: settings.indiHost.trim() || 'localhost',
    port: settings.indiPort ?? 7624,
    ...(server ? { server } : {}),
    device: settings.indiDevice.trim(),
    focuser: settings.indiFocuser.trim() || null,
    loadConfiguration: settings.indiLoadConfiguration,
    fastExposure: settings.indiFastExposure,
  };
}
