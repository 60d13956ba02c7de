/** Which cameras the computer has, from rpicam-hello. */
import { NightflowError } from '../process/errors.ts';
import { parseCameraList, type RpicamCamera } from './rpicam-list.ts';
import { runRpicam } from './rpicam-program.ts';

export interface WhereToLook {
  /** libcamera's path of the camera; empty: the only or first one. */
  camera?: string;
  /** Folder of rpicam-apps; empty: those that are installed. */
  programFolder?: string;
}

const answerSeconds = 20;

/** @throws missing without rpicam-apps */
export async function listCameras({ programFolder }: WhereToLook, signal?: AbortSignal): Promise<RpicamCamera[]> {
  const { stdout } = await runRpicam('rpicam-hello', ['--list-cameras', '-v', '2'], {
    programFolder: programFolder || null,
    silenceSeconds: answerSeconds,
    signal,
  });
  return parseCameraList(stdout);
}

/** @throws missing without rpicam-apps, lost without the camera */
export async function findCamera(options: WhereToLook, signal?: AbortSignal): Promise<RpicamCamera> {
  const cameras = await listCameras(options, signal);
  const camera = options.camera ? cameras.find(({ id }) => id === options.camera) : cameras[0];
  if (camera) return camera;
  if (cameras.length === 0)
    throw new NightflowError('lost', 'The computer sees no camera.', {
      remedy:
        'Switch the computer off, push the ribbon cable home at both ends, and look with: rpicam-hello --list-cameras',
    });
  throw new NightflowError('lost', `The camera ${options.camera} is not there.`, {
    remedy: `Choose ${cameras.map(({ id, model }) => `${id} (${model})`).join(' or ')}.`,
  });
}
