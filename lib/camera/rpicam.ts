/** The camera backend `rpicam`: the cameras of a Raspberry Pi, through the programs of rpicam-apps. */
import type { CameraBackend } from './camera.ts';
import { RpicamCamera, type RpicamOptions } from './rpicam-camera.ts';
import { listCameras } from './rpicam-find.ts';
import { sensorOf } from './rpicam-list.ts';

export type { RpicamOptions } from './rpicam-camera.ts';

export const rpicamBackend: CameraBackend<RpicamOptions> = {
  name: 'rpicam',
  /** @throws missing without rpicam-apps */
  list: async (options = {}) =>
    (await listCameras(options)).map((camera) => ({
      id: camera.id,
      name: camera.model,
      backend: 'rpicam',
      sensor: sensorOf(camera),
    })),
  create: (options, context) => new RpicamCamera(options, context),
};
