/** A folder with programs named rpicam-hello, -raw, -still and -vid that behave as rpicam-apps do, and a file of switches for their traps. */
import { chmod, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PixelKind } from './rpicam-pixels.ts';

export interface RpicamTraps {
  /** 0: none is connected. */
  cameras: number;
  /** Samples left-aligned in 16 bits, and packed means compressed. */
  board: 'pi4' | 'pi5';
  pixels: PixelKind;
  /** Frames that the sensor gives before the first one that is kept, each as long as the others. */
  hiddenFrames: number;
  /** Milliseconds from the start of the program to the first exposure. */
  startMilliseconds: number;
  /** Microseconds between two exposures of a sequence. 50, as the virtual camera's; an IMX477 has 2517 at 5 s. */
  deadMicroseconds: number;
  /** Frames come so often, whatever their stamps claim: a night in half an hour. null: at the pace of their exposure. */
  everyMilliseconds: number | null;
  /** So many files at most lie unread before the next is written, as they never would at the true pace; null: no limit. */
  mostUnread: number | null;
  /** Files that are sent in turn in the place of `pixels`, as they are. */
  pictureFiles: string[];
  /** Numbers of frames that are lost in the camera, without a word. */
  lose: number[];
  /** Numbers of frames whose metadata come without a time. */
  timeless: number[];
  /** So many frames come, then nothing more; null: no end. */
  hangAfter: number | null;
  /** The same, until libcamera's own watchdog finds it and the program begins anew, in vain. */
  silentAfter: number | null;
  /** The same, and a message about a restart again and again. */
  restartsAfter: number | null;
  /** The process dies after so many frames. */
  dieAfter: number | null;
  /** Another program has the camera. */
  busy: boolean;
  noMemory: boolean;
  /** As rpicam-apps before 1.8: no wall clock in the metadata. */
  noWallClock: boolean;
  /** The sensor takes another exposure than it was told, seconds. */
  snapsToSeconds: number | null;
  /** The frame of this number is cut short. */
  shortFrame: number | null;
  /** Ignores SIGTERM. */
  deaf: boolean;
}

const good: RpicamTraps = {
  cameras: 1,
  board: 'pi4',
  pixels: 'golden',
  hiddenFrames: 0,
  startMilliseconds: 20,
  deadMicroseconds: 50,
  everyMilliseconds: null,
  mostUnread: null,
  pictureFiles: [],
  lose: [],
  timeless: [],
  hangAfter: null,
  silentAfter: null,
  restartsAfter: null,
  dieAfter: null,
  busy: false,
  noMemory: false,
  noWallClock: false,
  snapsToSeconds: null,
  shortFrame: null,
  deaf: false,
};

export interface RpicamStandIn {
  /** For RpicamOptions.programFolder. */
  programFolder: string;
  set(traps: Partial<RpicamTraps>): Promise<void>;
  /** Each command line so far: the program's name and its parameters. */
  calls(): Promise<string[][]>;
  remove(): Promise<void>;
}

export async function makeRpicamStandIn(traps: Partial<RpicamTraps> = {}): Promise<RpicamStandIn> {
  const folder = await mkdtemp(join(tmpdir(), 'nightflow-rpicam-'));
  let now = { ...good, ...traps };
  const save = async () => {
    await writeFile(join(folder, 'traps.part'), JSON.stringify(now));
    await rename(join(folder, 'traps.part'), join(folder, 'traps.json'));
  };
  await save();
  const program = join(import.meta.dirname, 'rpicam.ts');
  for (const name of ['hello', 'raw', 'still', 'vid']) {
    const path = join(folder, `rpicam-${name}`);
    // `exec`: signals reach the program itself, as they would the real one.
    await writeFile(path, `#!/bin/sh\nexec '${process.execPath}' '${program}' '${folder}' rpicam-${name} "$@"\n`);
    await chmod(path, 0o755);
  }
  return {
    programFolder: folder,
    set: async (changes) => {
      now = { ...now, ...changes };
      await save();
    },
    calls: async () => {
      const text = await readFile(join(folder, 'calls.jsonl'), 'utf8').catch(() => '');
      return text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as string[]);
    },
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}
