/** `astro-camera`: one camera, opened when it is first used and shared by all nodes that name it. */
import type { NodeAPI } from 'node-red';
import type { Camera, RecoveryState } from '../../lib/camera/camera.ts';
import { readProfiles } from '../../lib/camera/setting-profiles.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { asNightflowError, NightflowError } from '../../lib/process/errors.ts';
import { Events } from '../../lib/process/events.ts';
import { type NodeConfig, nodeLabel } from '../inputs.ts';
import { type CameraNode, indiOf, siteOf } from '../types.ts';
import { cameraBackend } from './camera-backends.ts';
import { serveCameraLists } from './camera-lists.ts';
import { serveLivePictures } from './camera-live.ts';

/** Longest wait at close for a sequence to let go of the camera, real milliseconds. */
const releaseMilliseconds = 5_000;

export default function (RED: NodeAPI): void {
  serveCameraLists(RED);
  serveLivePictures(RED);

  RED.nodes.registerType('astro-camera', function (this: CameraNode, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    const closing = new AbortController();
    let opening: Promise<Camera> | null = null;
    let holder: string | null = null;
    let whenFree: () => void = () => {};

    const events = new Events<{ recovery: RecoveryState | null }>((thrown) =>
      this.warn(asNightflowError(thrown).message),
    );

    this.camera = null;
    this.recovery = null;
    this.onRecovery = (listener) => events.on('recovery', listener);
    this.siteNode = siteOf(RED, config.site);
    this.profiles = () => readProfiles(config.profiles);

    const open = async (): Promise<Camera> => {
      if (this.siteNode?.problem) throw this.siteNode.problem;
      const backend = cameraBackend(String(config.backend ?? ''));
      const userDir = RED.settings.userDir ?? process.cwd();
      const options = backend.options(config, { userDir, indiServer: (id) => indiOf(RED, id) });
      const context = { clock: this.siteNode?.clock ?? realClock, site: this.siteNode?.site ?? null };
      const camera = (await backend.load()).create(options, context);
      camera.onRecovery?.((state) => {
        this.recovery = state;
        events.emit('recovery', state);
      });
      await camera.open(closing.signal);
      this.camera = camera;
      return camera;
    };

    this.ready = (signal) => {
      opening ??= open().catch((thrown) => {
        opening = null;
        throw asNightflowError(thrown, `${nodeLabel(this)} can't be opened`);
      });
      return signal ? unlessAborted(opening, signal) : opening;
    };

    this.reserve = (owner) => {
      if (holder !== null)
        throw new NightflowError('busy', `The camera ${nodeLabel(this)} is taken by ${holder}.`, {
          remedy: 'Stop the sequence there or wait for its end.',
        });
      holder = owner;
      let held = true;
      return () => {
        if (!held) return;
        held = false;
        holder = null;
        whenFree();
      };
    };

    this.on('close', (done: () => void) => {
      const released = holder === null ? Promise.resolve() : new Promise<void>((resolve) => (whenFree = resolve));
      const limit = new AbortController();
      Promise.race([released, realClock.sleep(releaseMilliseconds, limit.signal)])
        .finally(() => limit.abort())
        .then(() => closing.abort())
        .then(() => opening)
        .then((camera) => camera?.close())
        .catch((thrown) => this.warn(asNightflowError(thrown).message))
        .finally(done);
    });
  });
}

/** An open that one caller gives up goes on for the others. */
function unlessAborted<T>(opening: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new NightflowError('aborted', 'stopped'));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    opening.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
