/** A camera that a sequence takes no earlier than its first exposure: others may use it while this one waits for the night. */
import type { Camera } from '../../lib/camera/camera.ts';

/** @param take Called before each exposure; throws `busy` while another sequence has the camera. */
export const takenAtFirstExposure = (camera: Camera, take: () => void): Camera => ({
  info: camera.info,
  open: (signal) => camera.open(signal),
  settings: () => camera.settings(),
  get: (name) => camera.get(name),
  set: (name, value) => camera.set(name, value),
  expose: async (request, signal) => {
    take();
    return camera.expose(request, signal);
  },
  exposures: (request, signal) => {
    take();
    return camera.exposures(request, signal);
  },
  warnings: () => camera.warnings?.() ?? [],
  recover: (signal) => camera.recover(signal),
  close: () => camera.close(),
});
