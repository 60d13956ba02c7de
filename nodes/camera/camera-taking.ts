/** A camera that a sequence takes, and sets, no earlier than its first exposure: others may use it while this one waits for the night. */
import type { Camera } from '../../lib/camera/camera.ts';

/**
 * @param take Called before each exposure; throws `busy` while another sequence has the camera.
 * @param prepare Called after that before the first exposure, and before the next one after a recovery: the camera may have forgotten what was set.
 */
export function takenAtFirstExposure(
  camera: Camera,
  take: () => void,
  prepare: ((signal?: AbortSignal) => Promise<unknown>) | null = null,
): Camera {
  let prepared = prepare === null;
  const ready = async (signal?: AbortSignal) => {
    if (prepared) return;
    await prepare?.(signal);
    prepared = true;
  };
  const afterwards = async function* (...[request, signal]: Parameters<Camera['exposures']>) {
    await ready(signal);
    yield* camera.exposures(request, signal);
  };
  const { onRecovery, leftBehind } = camera;
  return {
    info: camera.info,
    open: (signal) => camera.open(signal),
    settings: () => camera.settings(),
    get: (name) => camera.get(name),
    set: (name, value) => camera.set(name, value),
    expose: async (request, signal) => {
      take();
      await ready(signal);
      return camera.expose(request, signal);
    },
    exposures: (request, signal) => {
      take();
      return prepared ? camera.exposures(request, signal) : afterwards(request, signal);
    },
    warnings: () => camera.warnings?.() ?? [],
    recover: (signal) => {
      prepared = prepare === null;
      return camera.recover(signal);
    },
    ...(onRecovery ? { onRecovery: (listener) => onRecovery.call(camera, listener) } : {}),
    ...(leftBehind ? { leftBehind: (since, signal) => leftBehind.call(camera, since, signal) } : {}),
    close: () => camera.close(),
  };
}
