/** What is known of a batch, while it runs, when it is over, and after a restart. */
import type { CameraInfo, ExposureRequest } from '../../camera/camera.ts';
import { type ApplianceFormat, formats } from './format.ts';
import type { SpooledFrame } from './spool.ts';

/** `pause`: wait for a client to make room, then go on; `end`: stop. */
export type WhenFull = 'pause' | 'end';

export type BatchState =
  | 'running'
  | 'waiting-for-space'
  | 'recovering'
  | 'done'
  | 'spool-full'
  | 'aborted'
  | 'failed'
  /** The program was stopped while it ran; what it had taken is here. */
  | 'interrupted';

export interface BatchRecord {
  id: string;
  camera: string;
  count: number;
  exposure: ExposureRequest;
  /** As what its frames are kept. */
  format: ApplianceFormat;
  whenFull: WhenFull;
  state: BatchState;
  /** What went wrong, with the remedy; null when nothing did. */
  message: string | null;
  /** ISO 8601 UTC. */
  created: string;
  /** Frames that the camera delivered, and those of them that reached the disk. */
  taken: number;
  kept: number;
  /** Frames that the camera is known to have lost; they are not among the count. */
  lost: number;
  acknowledged: number;
}

export const isOver = (state: BatchState): boolean => !['running', 'waiting-for-space', 'recovering'].includes(state);

/** Of a FITS file, rounded up with the padding of its data. */
export const headerBytes = 4 * 2880;

/** 16 bits a pixel and a header, bytes; null when the camera does not know its size. */
export const estimatedBytes = ({ sensor }: CameraInfo): number | null =>
  sensor ? sensor.width * sensor.height * 2 + headerBytes : null;

export const interrupted = { state: 'interrupted', message: 'Nightflow was stopped while this batch ran.' } as const;

/**
 * What a restart finds: the record that was kept (null when damaged), the frames that wait, and the number of the last that was here.
 * The record of a batch that was cut off is that of its beginning: what it took is told by the frames and their numbers.
 */
export function restored(
  id: string,
  kept: Record<string, unknown> | null,
  frames: SpooledFrame[],
  highest: number,
): BatchRecord {
  const whole = (value: unknown, otherwise: number) => (Number.isSafeInteger(value) ? (value as number) : otherwise);
  const state = kept?.state as BatchRecord['state'] | undefined;
  const over = state !== undefined && isOver(state);
  const taken = Math.max(whole(kept?.taken, 0), highest);
  return {
    id,
    camera: String(kept?.camera ?? ''),
    count: whole(kept?.count, highest),
    exposure: (kept?.exposure as ExposureRequest | undefined) ?? { exposureSeconds: 0 },
    format: formats.find((each) => each === kept?.format) ?? 'fits',
    whenFull: kept?.whenFull === 'end' ? 'end' : 'pause',
    state: over ? state : interrupted.state,
    message: over ? ((kept?.message as string | null) ?? null) : interrupted.message,
    created: String(kept?.created ?? ''),
    taken,
    kept: over ? whole(kept?.kept, taken) : taken,
    lost: whole(kept?.lost, 0),
    acknowledged: Math.max(0, (over ? whole(kept?.kept, taken) : taken) - frames.length),
  };
}
