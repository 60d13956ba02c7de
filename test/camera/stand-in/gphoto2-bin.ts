/** A program named gphoto2 that behaves as the real one with a body on USB, and a file of switches for what bodies do. */
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { UsbTools } from '../../../lib/camera/usb-reset.ts';

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
  /** Right then, or in the middle of the picture's way to us. */
  pulledIn: 'exposure' | 'transfer';
  /** Pictures that the body then still saves to its card, if they go there: that one, and those after it. */
  savedAfterPull: number;
  /** Pictures on the card from before. */
  cardFiles: number;
  /** A body that shows no card over USB. */
  cardHidden: boolean;
  /** An exposure is refused for it. */
  batteryEmpty: boolean;
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
  /** Its RAW files are of a kind that nobody can decode yet, with a JPEG in them. */
  newFormat: boolean;
  /** What brings a body back that is on the bus and does not answer after the cable was out. */
  needsReset: 'gphoto2' | 'usbreset' | 'authorized' | 'hub' | null;
  /** Its address after that. */
  portAfterReset: string | null;
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
  pulledIn: 'exposure',
  savedAfterPull: 1,
  cardFiles: 0,
  cardHidden: false,
  batteryEmpty: false,
  snaps: {},
  busy: false,
  cardFull: false,
  hangs: false,
  floodLines: 0,
  withJpeg: false,
  newFormat: false,
  needsReset: null,
  portAfterReset: null,
};

export interface Gphoto2StandIn {
  /** For Gphoto2Options.program. */
  program: string;
  /** For Gphoto2Options.usb. Nothing of this computer's own USB is touched. */
  usb: Required<UsbTools>;
  set(traps: Partial<Gphoto2Traps>): Promise<void>;
  /** Each command line, and each command that a shell was given. */
  calls(): Promise<string[]>;
  /** SHA-256 and extension of each file that it has sent. */
  sent(): Promise<{ sha256: string; extension: string }[]>;
  /** Names on the card. */
  card(): Promise<string[]>;
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
  const script = join(import.meta.dirname, 'gphoto2.ts');
  const install = async (name: string) => {
    const path = join(folder, name);
    await writeFile(path, `#!/bin/sh\nexec '${process.execPath}' '${script}' '${folder}' ${name} "$@"\n`);
    await chmod(path, 0o755);
    return path;
  };
  const [program, usbreset, uhubctl] = await Promise.all(['gphoto2', 'usbreset', 'uhubctl'].map(install));
  const devicesFolder = join(folder, 'devices');
  const [, bus, device] = /^usb:(\d+),(\d+)$/.exec(now.port) ?? [];
  await mkdir(join(devicesFolder, '1-1'), { recursive: true });
  for (const [name, text] of Object.entries({ busnum: Number(bus), devnum: Number(device), authorized: 1 }))
    await writeFile(join(devicesFolder, '1-1', name), `${text}\n`);
  return {
    program: program!,
    usb: { usbreset: usbreset!, uhubctl: uhubctl!, devicesFolder },
    set: async (changes) => {
      now = { ...now, ...changes };
      for (const name of ['unplugged', 'port']) await rm(join(folder, name), { force: true });
      await save();
    },
    calls: () => linesOf(join(folder, 'calls.txt')),
    sent: async () =>
      (await linesOf(join(folder, 'sent.txt'))).map((line) => {
        const [sha256, extension] = line.split(' ') as [string, string];
        return { sha256, extension };
      }),
    card: async () => (await readdir(join(folder, 'card')).catch(() => [])).sort(),
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}

const linesOf = async (path: string): Promise<string[]> =>
  (await readFile(path, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
