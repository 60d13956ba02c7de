/** The camera backend `indi`: every camera that has an INDI driver, on this computer or another. */
import { realClock } from '../clock/clock.ts';
import { listIndiDevices } from '../indi/devices/list.ts';
import type { CameraBackend } from './camera.ts';
import { IndiBackendCamera, type IndiCameraOptions } from './indi-camera.ts';

export type { IndiCameraOptions, SharedIndiServer } from './indi-camera.ts';

export const indiBackend: CameraBackend<IndiCameraOptions> = {
  name: 'indi',
  /** The cameras of the server in `options`; none without one. */
  list: async (options) => {
    if (!options) return [];
    const devices = await listIndiDevices(options, { clock: realClock });
    return devices
      .filter(({ roles }) => roles.includes('camera'))
      .map(({ name }) => ({ id: name, name, backend: 'indi', sensor: null }));
  },
  create: (options, context) => new IndiBackendCamera(options, context),
};
