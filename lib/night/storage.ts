/** Room on the disk: a forecast before the first exposure and a limit that is looked at after each. */
import type { Camera } from '../camera/camera.ts';
import { freeBytes } from '../process/durable.ts';
import { NightflowError } from '../process/errors.ts';

export interface StorageLimit {
  /** Any folder on the disk that fills. */
  folder: string;
  /** The sequence stops when less than this is free, bytes. */
  minimumFreeBytes: number;
  /** Bytes that one frame takes on the disk; 0 when frames are not kept, null when not known before the first. */
  bytesPerFrame: number | null;
  /** For tests: how much is free. */
  measure?: (folder: string) => Promise<number>;
}

export interface StorageForecast {
  freeBytes: number;
  /** Frames until the limit is reached; null when frames take no room or their size is not known. */
  framesThatFit: number | null;
  hoursThatFit: number | null;
  framesExpected: number | null;
  /** false when the disk will be full before the plan is done. */
  fits: boolean;
  /** One sentence for a person. */
  message: string;
}

/** @throws disk-full when less than the limit is free already. */
export async function forecastStorage(
  limit: StorageLimit,
  { framesExpected, cadenceSeconds }: { framesExpected: number | null; cadenceSeconds: number },
): Promise<StorageForecast> {
  const free = await measure(limit);
  refuseBelow(limit, free);
  const { bytesPerFrame } = limit;
  const where = `${gigabytes(free)} free on the disk of ${limit.folder}`;
  if (!bytesPerFrame)
    return {
      freeBytes: free,
      framesThatFit: null,
      hoursThatFit: null,
      framesExpected,
      fits: true,
      message: `${where}.`,
    };
  const framesThatFit = Math.floor((free - limit.minimumFreeBytes) / bytesPerFrame);
  const hoursThatFit = (framesThatFit * cadenceSeconds) / 3600;
  const fits = framesExpected === null || framesExpected <= framesThatFit;
  const room = `${where}: room for ${framesThatFit} frames of ${(bytesPerFrame / 1e6).toFixed(1)} MB, ${hoursThatFit.toFixed(1)} h`;
  const message = fits
    ? `${room}.`
    : `${room}, but the plan makes ${framesExpected} in ${((framesExpected * cadenceSeconds) / 3600).toFixed(1)} h.`;
  return { freeBytes: free, framesThatFit, hoursThatFit, framesExpected, fits, message };
}

/** @param pendingBytes Of frames taken but not yet written. @throws disk-full as soon as the next frame would go below the limit. */
export async function checkStorage(limit: StorageLimit, pendingBytes: number): Promise<void> {
  refuseBelow(limit, (await measure(limit)) - pendingBytes - (limit.bytesPerFrame ?? 0));
}

/** Bytes of a raw frame as its sensor is described; null when that is not known before the first. */
export function rawFrameBytes({ info: { sensor } }: Pick<Camera, 'info'>): number | null {
  return sensor && sensor.width * sensor.height * Math.ceil(sensor.bitsPerSample / 8);
}

const measure = (limit: StorageLimit): Promise<number> => (limit.measure ?? freeBytes)(limit.folder);

function refuseBelow(limit: StorageLimit, free: number): void {
  if (free >= limit.minimumFreeBytes) return;
  throw new NightflowError(
    'disk-full',
    `The disk of ${limit.folder} has ${gigabytes(Math.max(0, free))} left for frames, and ${gigabytes(limit.minimumFreeBytes)} are to stay free.`,
    { remedy: 'Free some space, keep fewer nights or lower the limit.' },
  );
}

const gigabytes = (bytes: number): string =>
  bytes >= 1e8 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
