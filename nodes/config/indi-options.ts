/** The settings of `astro-camera` for the backend `indi`. */
import type { IndiCameraOptions } from '../../lib/camera/indi.ts';
import { type InputTable, readConfiguration } from '../inputs.ts';

const inputs = {
  indiHost: { type: 'text', label: 'INDI server', default: 'localhost' },
  indiPort: { type: 'number', label: 'port', default: 7624, minimum: 1, maximum: 65_535, integer: true },
  indiDevice: { type: 'text', label: 'INDI camera', default: '' },
  indiFocuser: { type: 'text', label: 'INDI focuser', default: '' },
  indiLoadConfiguration: { type: 'boolean', label: 'load the saved settings', default: false },
  indiFastExposure: { type: 'boolean', label: 'fast exposures', default: true },
} as const satisfies InputTable;

export function indiOptions(config: Readonly<Record<string, unknown>>): IndiCameraOptions {
  const settings = readConfiguration(config, inputs);
  return {
    host: settings.indiHost.trim() || 'localhost',
    port: settings.indiPort ?? 7624,
    device: settings.indiDevice.trim(),
    focuser: settings.indiFocuser.trim() || null,
    loadConfiguration: settings.indiLoadConfiguration,
    fastExposure: settings.indiFastExposure,
  };
}
