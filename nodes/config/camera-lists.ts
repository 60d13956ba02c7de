/** What the editor's drop-downs ask for: the backends, the cameras each of them finds, and the settings of a deployed camera. */
import type { NodeAPI } from 'node-red';
import type { CameraInfo, SettingDescription } from '../../lib/camera/camera.ts';
import { type ListedSetting, listSettings } from '../../lib/camera/setting-values.ts';
import { realClock } from '../../lib/clock/clock.ts';
import type { IndiDeviceInfo } from '../../lib/indi/devices/list.ts';
import { asNightflowError, NightflowError } from '../../lib/process/errors.ts';
import type { CameraNode } from '../types.ts';
import { cameraBackend, cameraBackends } from './camera-backends.ts';
import { indiOptions } from './indi-options.ts';

/** GET nightflow/camera-backends */
export type BackendList = { name: string; label: string }[];
/** GET nightflow/cameras?backend=NAME; those of an INDI server are among its devices */
export type CameraList = readonly CameraInfo[];
/** GET nightflow/indi-devices?indiHost=…&indiPort=… */
export type IndiDeviceList = readonly IndiDeviceInfo[];
/** GET nightflow/camera-settings?backend=NAME&…, with the dialog's other boxes: what the camera in it can be set to. */
export type OfferedSettings = readonly SettingDescription[];
/** GET nightflow/cameras/ID/settings of a deployed astro-camera */
export interface CameraSettings {
  info: CameraInfo;
  settings: readonly ListedSetting[];
}

const answerMilliseconds = 10_000;
const served = new WeakSet<object>();

export function serveCameraLists(RED: NodeAPI): void {
  const app = RED.httpAdmin;
  if (served.has(app)) return;
  served.add(app);
  const mayRead = RED.auth.needsPermission('astro-camera.read');
  /** What makes us call a server that is named in the question is for those who may also deploy one. */
  const mayWrite = RED.auth.needsPermission('astro-camera.write');

  const answer = (path: string, find: (request: Asked) => unknown, allowed = mayRead) =>
    app.get(`/nightflow/${path}`, allowed, (request, response) => {
      const tooLong = new AbortController();
      const late = realClock.sleep(answerMilliseconds, tooLong.signal).then(() => {
        throw new NightflowError('timeout', 'The camera does not answer.');
      });
      Promise.race([Promise.resolve().then(() => find(request as unknown as Asked)), late])
        .then((value) => response.json(value))
        .catch((thrown) => {
          const { code, message, remedy } = asNightflowError(thrown);
          response.status(code === 'bad-input' ? 400 : 503).json({ error: { code, message, remedy } });
        })
        .finally(() => {
          tooLong.abort();
          late.catch(() => {});
        });
    });

  answer('camera-backends', (): BackendList => cameraBackends().map(({ name, label }) => ({ name, label })));
  answer(
    'cameras',
    async ({ query }): Promise<CameraList> => (await cameraBackend(String(query.backend ?? '')).load()).list(),
  );
  const indiDevices = async ({ query }: Asked): Promise<IndiDeviceList> => {
    const { listIndiDevices } = await import('../../lib/indi/devices/list.ts');
    return listIndiDevices(indiOptions(query), { clock: realClock });
  };
  answer('indi-devices', indiDevices, mayWrite);
  // Opens a camera that is not deployed yet, to ask what it can do.
  const offered = async ({ query }: Asked): Promise<OfferedSettings> => {
    const backend = cameraBackend(String(query.backend ?? ''));
    const options = backend.options(query, { userDir: RED.settings.userDir ?? process.cwd(), indiServer: () => null });
    const camera = (await backend.load()).create(options, { clock: realClock, site: null });
    try {
      await camera.open();
      return await camera.settings();
    } finally {
      await camera.close();
    }
  };
  answer('camera-settings', offered, mayWrite);
  answer('cameras/:id/settings', async ({ params }): Promise<CameraSettings> => {
    const node = RED.nodes.getNode(String(params.id)) as CameraNode | null;
    if (!node || typeof node.ready !== 'function')
      throw new NightflowError('bad-input', 'This camera is not deployed yet.');
    const camera = await node.ready();
    return { info: camera.info, settings: await listSettings(camera) };
  });
}

interface Asked {
  query: Record<string, unknown>;
  params: Record<string, string>;
}
