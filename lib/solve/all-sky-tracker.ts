/**
 * An all-sky camera over its nights: fitted once, kept on the disk, then confirmed picture by picture. Under clouds it stands as it stood,
 * and that is said; where it no longer fits for long it is fitted anew, since somebody may have turned it.
 */
import { type AllSkyRequest, type AllSkyResult, fewestStars, solveAllSky, trackAllSky } from './all-sky.ts';
import { type AllSkySolution, allSkySolution, turnBetween } from './all-sky-solution.ts';
import { type CameraKey, type FittedCamera, loadFitted, saveFitted } from './all-sky-store.ts';

export interface TrackedSky extends Omit<AllSkyResult, 'fit'> {
  /** Where the picture looks; `confirmed` is false where its own stars don't say. Null: the camera was never fitted. */
  solution: AllSkySolution | null;
  /** The lens was fitted on this picture; false: it was known before. */
  first: boolean;
  /** How far the camera was turned since it was fitted before, degrees; null when it was not. */
  turnedDegrees: number | null;
  /** Pictures in a row that did not confirm the camera. */
  unconfirmed: number;
}

interface Camera {
  known: FittedCamera | null;
  unconfirmed: number;
  /** A person asked for a new fit. */
  anew: boolean;
}

/** Unconfirmed pictures in a row after which a new fit is tried; then each time that their number has doubled. */
const firstDoubt = 3;

export class AllSkyTracker {
  private readonly cameras = new Map<string, Promise<Camera>>();
  private readonly folder: string;

  /** @param folder Where fitted cameras are kept. */
  constructor(folder: string) {
    this.folder = folder;
  }

  /** Was this camera fitted before? @throws bad-input for a damaged file; lost, failed */
  async knows(key: CameraKey): Promise<boolean> {
    return (await this.cameraOf(key)).known !== null;
  }

  /** The next picture is taken to fit this camera anew; the old fit is kept until a new one is there. @throws as knows */
  async refit(key: CameraKey): Promise<void> {
    (await this.cameraOf(key)).anew = true;
  }

  /** @throws bad-input for a damaged file; disk-full, lost, failed */
  async solve(key: CameraKey, request: AllSkyRequest): Promise<TrackedSky> {
    const camera = await this.cameraOf(key);
    if (!camera.known || camera.anew) return this.fit(key, camera, request);
    const tracked = await trackAllSky(request, camera.known.camera);
    if (tracked.fit || tracked.status === 'cancelled') {
      if (tracked.fit) camera.unconfirmed = 0;
      return resultOf(camera, request, tracked);
    }
    camera.unconfirmed++;
    const doubtful = camera.unconfirmed >= firstDoubt && Number.isInteger(Math.log2(camera.unconfirmed / firstDoubt));
    return doubtful && tracked.stars >= fewestStars.fit
      ? this.fit(key, camera, request)
      : resultOf(camera, request, tracked);
  }

  private async fit(key: CameraKey, camera: Camera, request: AllSkyRequest): Promise<TrackedSky> {
    const result = await solveAllSky(request);
    const { fit } = result;
    if (!fit) return resultOf(camera, request, result);
    const before = camera.known;
    const fitted = new Date(request.milliseconds).toISOString();
    camera.known = { camera: fit.camera, fitted, matchedStars: fit.matchedStars, residualPixels: fit.residualPixels };
    Object.assign(camera, { unconfirmed: 0, anew: false });
    await saveFitted(this.folder, key, camera.known);
    const turnedDegrees = before && turnBetween(before.camera, fit.camera);
    return { ...resultOf(camera, request, result), first: true, turnedDegrees };
  }

  private cameraOf(key: CameraKey): Promise<Camera> {
    const id = `${key.width}x${key.height} ${key.name}`;
    let camera = this.cameras.get(id);
    if (!camera) {
      camera = loadFitted(this.folder, key).then((known) => ({ known, unconfirmed: 0, anew: false }));
      this.cameras.set(id, camera);
      // A file that could not be read may be deleted or mended meanwhile.
      camera.catch(() => this.cameras.delete(id));
    }
    return camera;
  }
}

function resultOf({ known, unconfirmed }: Camera, request: AllSkyRequest, result: AllSkyResult): TrackedSky {
  const { fit, ...figures } = result;
  const nothing = { matchedStars: 0, residualPixels: 0, logOdds: 0, share: 0 };
  const held = known && { camera: known.camera, ...nothing };
  const shown = fit ?? held;
  const solution = shown && known ? allSkySolution(shown, { ...request, fitted: known.fitted }, fit !== null) : null;
  return {
    ...figures,
    reason: sentence(result, known, unconfirmed),
    solution,
    first: false,
    turnedDegrees: null,
    unconfirmed,
  };
}

function sentence({ fit, status, reason }: AllSkyResult, known: FittedCamera | null, unconfirmed: number): string {
  if (fit || !known || status === 'cancelled' || unconfirmed < firstDoubt) return reason;
  return `${reason} Not confirmed for ${unconfirmed} pictures: a new fit is tried now and then, and the command refit tries it on the next.`;
}
