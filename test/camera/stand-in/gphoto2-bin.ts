/** A program named gphoto2 that behaves as the real one with a body on USB, and a file of switches for what bodies do. */
import { chmod, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Gphoto2Traps {
  body: 'sony' | 'canon' | 'nikon' | 'none';
  /** Changes each time that a body is plugged in. */
  port: string;
  serial: string;
  /** Another body of the same model on this port, with the serial number 'other'. */
  twinPort: string | null;
  /** Milliseconds until the session stands; a real Sony takes three seconds. */
  openMilliseconds: number;
  /** Milliseconds from the end of an exposure to its file. */
  readMilliseconds: number;
  /** Another program has the device: error -53. */
  claimed: boolean;
  /** The cable comes out with the exposure of this number: error -7, and the body is gone until `body` is set again. */
  pulledAt: number | null;
  /** Values that the body takes for others without a word. */
  snaps: Record<string, string>;
  /** The body answers 'busy' to an exposure. */
  busy: boolean;
  cardFull: boolean;
  /** No answer to an exposure. */
  hangs: boolean;
  /** Events of changed properties, over and over, in each wait for events. */
  floodLines: number;
  /** Saves a JPEG with each RAW. */
  withJpeg: boolean;
  /** `--reset` brings a body back that does not answer. */
  needsReset: boolean;
}

const good: Gphoto2Traps = {
  body: 'sony',
  port: 'usb:001,004',
  serial: '00000000000000003282933003678470',
  twinPort: null,
  openMilliseconds: 20,
  readMilliseconds: 30,
  claimed: false,
  pulledAt: null,
  snaps: {},
  busy: false,
  cardFull: false,
  hangs: false,
  floodLines: 0,
  withJpeg: false,
  needsReset: false,
};

export interface Gphoto2StandIn {
  /** For Gphoto2Options.program. */
  program: string;
  set(traps: Partial<Gphoto2Traps>): Promise<void>;
  /** Each command line, and each command that a shell was given. */
  calls(): Promise<string[]>;
  remove(): Promise<void>;
}

export async function makeGphoto2StandIn(traps: Partial<Gphoto2Traps> = {}): Promise<Gphoto2StandIn> {
  const folder = await mkdtemp(join(tmpdir(), 'nightflow-gphoto2-'));
  let now = { ...good, ...traps };
  const save = async () => {
    await writeFile(join(folder, 'traps.part'), JSON.stringify(now));
    await rename(join(folder, 'traps.part'), join(folder, 'traps.json'));
  };
  await save();
  const program = join(folder, 'gphoto2');
  const script = join(import.meta.dirname, 'gphoto2.ts');
  await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${script}' '${folder}' "$@"\n`);
  await chmod(program, 0o755);
  return {
    program,
    set: async (changes) => {
      now = { ...now, ...changes };
      await rm(join(folder, 'unplugged'), { force: true });
      await save();
    },
    calls: async () =>
      (await readFile(join(folder, 'calls.txt'), 'utf8').catch(() => '')).split('\n').filter((line) => line !== ''),
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}
