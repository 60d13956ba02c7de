/**
 * An all-sky camera over its nights: fitted once, kept on the disk, then confirmed picture by picture. Under clouds it stands as it stood,
 * and that is said; where it no longer fits for long it is fitted anew, since somebody may have turned it.
 */
import type { StarsOfPicture } from './all-sky.job.ts';
import { type AllSkyRequest, type AllSkyResult, fewestStars, solveAllSky, trackAllSky } from './all-sky.ts';
import { type AllSkySolution, allSkySolution, turnBetween } from './all-sky-solution.ts';
import { type CameraKey, type FittedCamera, loadFitted, saveFitted } from './all-sky-store.ts';

export interface TrackedSky extends Omit<AllSkyResult, 'fit' | 'list'> {
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
  /** Stars of pictures that no fit was found on: together they may do. */
  lists: StarsOfPicture[];
  /** Fits in a row that failed, and of which picture the last one was. */
  failed: number;
  tried: number;
}

/** Unconfirmed pictures in a row after which a new fit is tried; then each time that their number has doubled. */
const firstDoubt = 3;
/** Of the pictures' own time. */
const pauseMilliseconds = 60_000;
/** Pictures that are fitted together, besides the newest. */
const [fewestTogether, mostTogether] = [4, 9];

const paused: AllSkyResult = {
  ...{ status: 'no-match', fit: null, stars: 0, list: null, seconds: { detect: 0, search: 0, total: 0 } },
  reason: 'No whole sky fitted the pictures before; the next try is on a picture a minute after the last.',
};

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
    return doubtful && tracked.stars >= fewestStars
      ? this.fit(key, camera, request)
      : resultOf(camera, request, tracked);
  }

  private async fit(key: CameraKey, camera: Camera, request: AllSkyRequest): Promise<TrackedSky> {
    // A search in vain takes ten seconds of a processor: not on each picture of a cloudy night.
    const since = Math.abs(request.milliseconds - camera.tried);
    if (camera.failed >= firstDoubt && since < pauseMilliseconds) return resultOf(camera, request, paused);
    let result = await solveAllSky(request);
    const { list } = result;
    if (!result.fit && list && result.status === 'no-match') {
      if (camera.lists.length >= fewestTogether)
        result = await solveAllSky({ ...request, list, earlier: camera.lists });
      // At other times of the night, or the stars have hardly moved and mistakes have not moved at all.
      const apart = camera.lists.every((each) => Math.abs(each.milliseconds - list.milliseconds) >= pauseMilliseconds);
      if (apart) camera.lists = [...camera.lists, list].slice(-mostTogether);
    }
    const { fit } = result;
    camera.tried = request.milliseconds;
    camera.failed = fit ? 0 : camera.failed + 1;
    if (!fit) return resultOf(camera, request, result);
    camera.lists = [];
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
      camera = loadFitted(this.folder, key).then((known) => ({
        ...{ known, unconfirmed: 0, anew: false, lists: [], failed: 0, tried: 0 },
      }));
      this.cameras.set(id, camera);
      // A file that could not be read may be deleted or mended meanwhile.
      camera.catch(() => this.cameras.delete(id));
    }
    return camera;
  }
}

function resultOf({ known, unconfirmed }: Camera, request: AllSkyRequest, result: AllSkyResult): TrackedSky {
  const { fit, list: _list, ...figures } = result;
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
