/** The frames of one run of rpicam-raw, until a setting changes. While one is used, the next is unpacked. */
import type { Frame } from '../frame/frame.ts';
import { asNightflowError, throwIfAborted } from '../process/errors.ts';
import { makeRamFolder, removeRamFolder } from './ram-folder.ts';
import type { ShotSettings } from './rpicam-program.ts';
import { type RawShot, RpicamSequence } from './rpicam-sequence.ts';

export interface DevelopedFrame {
  frame: Frame;
  lostBefore: number;
}

export interface Run {
  settings: ShotSettings;
  programFolder: string | null;
  waitingFrames: number;
  develop(shot: RawShot): Promise<Frame>;
  /** Told of the program while it runs, and null after. */
  runs(sequence: RpicamSequence | null): void;
  tell(sentence: string): void;
}

/** Frames in a row that are cut short, or of another exposure than was asked for: then it is no accident. */
const mostDropped = 3;

/** @throws what ended the program; aborted */
export async function* framesOfRun(run: Run, stop: AbortSignal): AsyncGenerator<DevelopedFrame> {
  const { settings, programFolder, waitingFrames, tell } = run;
  const { width, height } = settings.mode;
  const folder = await makeRamFolder(width * height * 2 * (waitingFrames + 2));
  const sequence = new RpicamSequence({ settings, folder, programFolder, waitingFrames, onWarning: tell });
  run.runs(sequence);
  try {
    await sequence.start();
    yield* developed(sequence, run, stop);
  } finally {
    run.runs(null);
    await sequence.stop();
    await removeRamFolder(folder);
  }
}

interface Developing {
  shot: RawShot;
  frame: Promise<Frame>;
}

async function* developed(
  sequence: RpicamSequence,
  { develop, tell }: Run,
  stop: AbortSignal,
): AsyncGenerator<DevelopedFrame> {
  let ahead: Developing | null = null;
  let dropped = 0;
  let droppedInARow = 0;
  for (;;) {
    const shot: RawShot | null = ahead?.shot ?? (await sequence.next(stop));
    if (!shot) return;
    const current: Promise<Frame> = ahead?.frame ?? develop(shot);
    const frame = await current.catch((thrown) => {
      if (++droppedInARow >= mostDropped) throw thrown;
      tell(`A frame was dropped: ${asNightflowError(thrown).message}`);
      return null;
    });
    ahead = null;
    if (sequence.hasShot) {
      const next = (await sequence.next(stop))!;
      ahead = { shot: next, frame: develop(next) };
      ahead.frame.catch(() => {}); // looked at when its turn comes
    }
    throwIfAborted(stop);
    if (!frame) {
      dropped += shot.lostBefore + 1;
      continue;
    }
    yield { frame, lostBefore: shot.lostBefore + dropped };
    dropped = 0;
    droppedInARow = 0;
  }
}
