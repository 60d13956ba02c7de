/** Fitted all-sky cameras on the disk, a file a camera and picture size, so that a restart needs no clear night. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '../process/durable.ts';
import { asNightflowError, NightflowError } from '../process/errors.ts';
import type { AllSkyCamera } from './all-sky-camera.ts';

export interface FittedCamera {
  camera: AllSkyCamera;
  /** ISO 8601 UTC of the picture that it was fitted on. */
  fitted: string;
  matchedStars: number;
  residualPixels: number;
}

/** Which camera: frames of one name and size share a lens. */
export interface CameraKey {
  name: string;
  width: number;
  height: number;
}

const version = 1;
const maximumBytes = 20_000;

/** Null when this camera was never fitted. @throws bad-input for a file that is none of ours; lost, failed */
export async function loadFitted(folder: string, key: CameraKey): Promise<FittedCamera | null> {
  const path = pathOf(folder, key);
  let text: string;
  try {
    if ((await stat(path)).size > maximumBytes) throw damaged(path);
    text = await readFile(path, 'utf8');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw asNightflowError(thrown, `Reading ${path} failed`);
  }
  const record = parsed(text);
  if (!record || record.camera.width !== key.width || record.camera.height !== key.height) throw damaged(path);
  return record;
}

/** @throws disk-full, lost, failed */
export async function saveFitted(folder: string, key: CameraKey, fitted: FittedCamera): Promise<void> {
  const text = `${JSON.stringify({ version, name: key.name, ...fitted }, null, 2)}\n`;
  await writeDurably(pathOf(folder, key), [Buffer.from(text)]);
}

/** A camera's name may hold anything: what a file's name can't is left out, and a digest keeps two of them apart. */
function pathOf(folder: string, { name, width, height }: CameraKey): string {
  const readable = name.replace(/[^A-Za-z0-9_-]+/g, '-').slice(0, 40);
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return join(folder, `${readable}-${digest}-${width}x${height}.json`);
}

function parsed(text: string): FittedCamera | null {
  try {
    const { version: found, camera, fitted, matchedStars, residualPixels } = JSON.parse(text);
    const { width, height, x, y, focalLength, cubic, quintic, axes, mirrored } = camera;
    const numbers = [width, height, x, y, focalLength, cubic, quintic, matchedStars, residualPixels, ...axes];
    if (found !== version || numbers.some((each) => !Number.isFinite(each)) || axes.length !== 9) return null;
    if (typeof mirrored !== 'boolean' || !(focalLength > 1) || Number.isNaN(Date.parse(fitted))) return null;
    const lens = { width, height, x, y, focalLength, cubic, quintic, axes, mirrored };
    return { camera: lens, fitted, matchedStars, residualPixels };
  } catch {
    return null;
  }
}

const damaged = (path: string): NightflowError =>
  new NightflowError('bad-input', `${path} is no fitted camera of ours.`, {
    remedy: 'Delete the file: the camera is fitted anew on the next clear picture.',
  });
