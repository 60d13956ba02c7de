/** The appliance's cameras: what they are called, who has them, and what they are set to. */
import type { Camera, CameraInfo, RecoveryState, SettingValue } from '../../camera/camera.ts';
import { applySettings, listSettings, readSettingValues } from '../../camera/setting-values.ts';
import { isoTime } from '../../clock/clock.ts';
import { asNightflowError, NightflowError } from '../../process/errors.ts';

export interface ApplianceCamera {
  /** How the clients call it. */
  id: string;
  name: string;
  ready(signal?: AbortSignal): Promise<Camera>;
  /** Takes it for a shot or a batch. @throws busy, naming who has it. */
  reserve(owner: string): () => void;
  /** The latest step towards it when it was lost; null while it is there. */
  recovery?(): RecoveryState | null;
}

/** Who has a camera, and how far bringing it back is where it was lost. */
export interface CameraState {
  id: string;
  name: string;
  busy: string | null;
  /** `since` as ISO 8601 UTC. */
  recovery: (Omit<RecoveryState, 'since'> & { since: string }) | null;
}

export class ApplianceCameras {
  private readonly cameras: readonly ApplianceCamera[];
  private readonly closing: AbortSignal;
  private readonly busy = new Map<string, string>();

  constructor(cameras: readonly ApplianceCamera[], closing: AbortSignal) {
    this.cameras = cameras;
    this.closing = closing;
  }

  async list(): Promise<(CameraInfo & { camera: string; problem: string | null })[]> {
    return Promise.all(
      this.cameras.map(async ({ id, name, ready }) => {
        try {
          return { ...(await ready(this.closing)).info, camera: id, problem: null };
        } catch (thrown) {
          const problem = asNightflowError(thrown).message;
          return { camera: id, id, name, backend: '', sensor: null, problem };
        }
      }),
    );
  }

  states(): CameraState[] {
    return this.cameras.map(({ id, name, recovery }) => {
      const state = recovery?.() ?? null;
      const busy = this.busy.get(id) ?? null;
      return { id, name, busy, recovery: state && { ...state, since: isoTime(state.since) } };
    });
  }

  /** @param id Absent: the first. @throws bad-input */
  find(id?: string): ApplianceCamera {
    const { cameras } = this;
    const camera = id === undefined ? cameras[0] : cameras.find((each) => each.id === id || each.name === id);
    if (camera) return camera;
    if (id === undefined)
      throw new NightflowError('bad-input', 'There is no camera.', { remedy: 'Choose one in the node.' });
    const names = cameras.map((each) => each.id).join(', ');
    throw new NightflowError('bad-input', `There is no camera "${id.slice(0, 60)}".`, {
      remedy: `There are: ${names}.`,
    });
  }

  async settings(id?: string) {
    return listSettings(await this.find(id).ready(this.closing));
  }
  async get(name: string, id?: string): Promise<SettingValue> {
    return (await readSettingValues(await this.find(id).ready(this.closing), [name]))[name]!;
  }
  async set(name: string, value: SettingValue, id?: string): Promise<SettingValue> {
    return (await applySettings(await this.find(id).ready(this.closing), [{ name, value }]))[name]!;
  }

  /** @returns lets go of it. @throws busy, naming what has it */
  take(source: ApplianceCamera, owner: string): () => void {
    const held = this.busy.get(source.id);
    if (held)
      throw new NightflowError('busy', `The camera ${source.id} is busy with ${held}.`, {
        remedy: 'Wait for its end, or abort it.',
      });
    const release = source.reserve(owner);
    this.busy.set(source.id, owner);
    return () => {
      this.busy.delete(source.id);
      release();
    };
  }
}
