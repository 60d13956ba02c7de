/** Files of a body to Frames: as they come in a sequence, and those that lay on its card. The files are gone afterwards. */
import { unlink } from 'node:fs/promises';
import type { Frame } from '../frame/frame.ts';
import { readOriginal } from '../frame/original.ts';
import { asNightflowError, throwIfAborted } from '../process/errors.ts';
import type { CameraContext, CapturedFrame, ExposureRequest } from './camera.ts';
import type { Taken } from './gphoto2-capture.ts';
import type { FetchedPicture, LeftPictures } from './gphoto2-left.ts';
import type { TakenQueue } from './gphoto2-queue.ts';

export interface Development {
  camera: string;
  context: CameraContext;
  left: LeftPictures;
  tell(sentence: string): void;
  /** What was told of files that can't be decoded: a night of them has one reason. */
  undecodable: Set<string>;
  /** Each picture of a sequence or exposure. */
  show(frame: Frame): void;
}

/** Pictures in a row that can't be read: then it is no accident. */
const mostDamaged = 3;

/** @throws what ended the queue; bad-input and the like when several in a row can't be read */
export async function* developQueue(
  queue: TakenQueue,
  request: ExposureRequest,
  development: Development,
  stop: AbortSignal,
): AsyncGenerator<CapturedFrame> {
  let lastEnd: number | null = null;
  let dropped = 0;
  let droppedInARow = 0;
  for (let next = await queue.take(stop); next; next = await queue.take(stop)) {
    const { taken, lostBefore } = next;
    if (lostBefore > 0) development.tell('A picture was lost: its reader is slower than the camera.');
    development.left.missed(lostBefore, taken);
    const frame = await develop(taken, request, development).catch((thrown) => {
      development.left.missed(1, taken);
      if (++droppedInARow >= mostDamaged) throw thrown;
      development.tell(`A picture was dropped: ${asNightflowError(thrown).message}`);
      return null;
    });
    dropped += frame ? lostBefore : lostBefore + 1;
    if (!frame) continue;
    throwIfAborted(stop);
    const gapSeconds = lastEnd === null ? null : (taken.startMilliseconds - lastEnd) / 1000;
    lastEnd = taken.endMilliseconds;
    yield { frame, gapSeconds, lostBefore: dropped };
    dropped = 0;
    droppedInARow = 0;
  }
}

export async function develop(taken: Taken, request: ExposureRequest, development: Development): Promise<Frame> {
  try {
    const read = await readOriginal(taken.path, once(development));
    development.left.arrived(taken, read);
    const frame = dated(read, taken, request, development).with({ timeSource: 'host' });
    development.show(frame.withoutOriginal);
    return frame;
  } finally {
    await unlink(taken.path).catch(() => {});
  }
}

/** @returns null for one that is none of the sequence, and for one that can't be read */
export async function developLeft(
  { path, request, isKnown, timesOf }: FetchedPicture,
  development: Development,
): Promise<Frame | null> {
  try {
    const read = await readOriginal(path, once(development));
    if (isKnown(read)) return null;
    return dated(read, timesOf(read), request, development).with({ timeSource: 'file' });
  } catch (thrown) {
    development.tell(`A picture of the card can't be read: ${asNightflowError(thrown).message}`);
    return null;
  }
}

const once =
  ({ undecodable, tell }: Development) =>
  (problem: string): void => {
    if (undecodable.has(problem)) return;
    undecodable.add(problem);
    tell(problem);
  };

function dated(
  read: Frame,
  { startMilliseconds, endMilliseconds, uncertaintySeconds }: Omit<Taken, 'path' | 'locations'>,
  request: ExposureRequest,
  { camera, context }: Development,
): Frame {
  const middle = (startMilliseconds + endMilliseconds) / 2;
  const [start, mid, end] = [startMilliseconds, middle, endMilliseconds].map((each) =>
    new Date(Math.round(each)).toISOString(),
  ) as [string, string, string];
  return read.with({
    ...{ start, middle: mid, end },
    timeUncertaintySeconds: Math.round(uncertaintySeconds * 1000) / 1000,
    exposureSeconds: (endMilliseconds - startMilliseconds) / 1000,
    camera,
    kind: request.kind ?? 'light',
    site: context.site,
    target: request.target ?? null,
    source: null,
  });
}
