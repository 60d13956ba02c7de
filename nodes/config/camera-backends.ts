/** The camera backends that `astro-camera` offers. Adding one: an entry here, its fields in astro-camera.html, its module in lib/camera. */
import type { CameraBackend } from '../../lib/camera/camera.ts';
import type { SharedIndiServer } from '../../lib/camera/indi.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import { folderOptions } from './folder-options.ts';
import { gphoto2Options } from './gphoto2-options.ts';
import { indiOptions } from './indi-options.ts';
import { rpicamOptions } from './rpicam-options.ts';
import { simulatorOptions } from './simulator-options.ts';

export interface BackendEntry<Options = unknown> {
  name: string;
  /** As the drop-down shows it. */
  label: string;
  /** Loads the driver at first use, so that nobody waits for a backend that is not used. */
  load(): Promise<CameraBackend<Options>>;
  /** The options for `create` from the node's settings. @throws bad-input naming the setting */
  options(config: Readonly<Record<string, unknown>>, context: OptionsContext): Options;
}

export interface OptionsContext {
  /** Relative paths start here. */
  userDir: string;
  /** The deployed `astro-indi` of this id. */
  indiServer(id: string): SharedIndiServer | null;
}

const entries = new Map<string, BackendEntry>();

/** Adds a backend until the returned function is called. */
export function registerCameraBackend<Options>(entry: BackendEntry<Options>): () => void {
  entries.set(entry.name, entry as BackendEntry);
  return () => void entries.delete(entry.name);
}

export const cameraBackends = (): readonly BackendEntry[] => [...entries.values()];

/** @throws bad-input for a name that no backend has. */
export function cameraBackend(name: string): BackendEntry {
  const entry = entries.get(name);
  if (entry) return entry;
  throw new NightflowError('bad-input', `There is no camera backend "${name.slice(0, 40)}".`, {
    remedy: `Choose ${[...entries.keys()].join(' or ')}.`,
  });
}

registerCameraBackend({
  name: 'simulator',
  label: 'Simulator: the real sky, no hardware',
  load: async () => (await import('../../lib/camera/simulator.ts')).simulatorBackend,
  options: simulatorOptions,
});
registerCameraBackend({
  name: 'folder',
  label: 'Folder: replays your own pictures',
  load: async () => (await import('../../lib/camera/folder.ts')).folderBackend,
  options: folderOptions,
});
registerCameraBackend({
  name: 'indi',
  label: 'INDI: cameras of an INDI server',
  load: async () => (await import('../../lib/camera/indi.ts')).indiBackend,
  options: (config, { indiServer }) => indiOptions(config, indiServer),
});
registerCameraBackend({
  name: 'rpicam',
  label: 'Raspberry Pi camera (rpicam-apps)',
  load: async () => (await import('../../lib/camera/rpicam.ts')).rpicamBackend,
  options: rpicamOptions,
});
registerCameraBackend({
  name: 'gphoto2',
  label: 'DSLR or mirrorless camera on USB (gphoto2)',
  load: async () => (await import('../../lib/camera/gphoto2.ts')).gphoto2Backend,
  options: gphoto2Options,
});
