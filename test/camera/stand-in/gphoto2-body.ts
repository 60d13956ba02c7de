/** The body behind the stand-in of gphoto2: its settings, its shutter, its files. */
import { writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Gphoto2Traps } from './gphoto2-bin.ts';
import { type BodyEntry, entryText } from './gphoto2-bodies.ts';
import { dngFile, pictureOf } from './rpicam-pixels.ts';

const out = (text: string) => writeSync(1, text);
const complain = (text: string) => writeSync(2, text);

export class StandInBody {
  private readonly entries: BodyEntry[];
  private readonly extension: string;
  private readonly pattern: string;
  private readonly folder: string;
  private traps!: Gphoto2Traps;
  private number = 1;
  private shots = 0;
  /** The cable is out: this session never works again. */
  private gone = false;
  private openedAt: number | null = null;
  private heldSince: number | null = null;
  private heldTaken = 0;
  private ready: number[] = [];

  constructor(entries: BodyEntry[], extension: string, pattern: string, folder: string) {
    this.folder = folder;
    this.entries = entries;
    this.extension = extension;
    this.pattern = pattern;
  }

  async obey(command: string, traps: Gphoto2Traps): Promise<void> {
    this.traps = traps;
    if (this.gone) {
      this.error(-7, 'I/O problem', 'PTP I/O Error');
      return;
    }
    const [verb, ...rest] = command.split(' ');
    const argument = rest.join(' ');
    switch (verb) {
      case 'list-config':
        out(this.entries.map(({ path }) => `${path}\n`).join(''));
        return;
      case 'get-config': {
        const entry = this.find(argument);
        if (entry) out(entryText(entry));
        else this.unknown(argument);
        return;
      }
      case 'set-config':
      case 'set-config-index':
        return this.set(verb, argument);
      case 'capture-image-and-download':
        return this.capture();
      case 'wait-event-and-download':
        return this.waitEvents(argument);
      case 'capture-preview':
        return this.preview();
      default:
        complain('ERROR: Invalid command.\n');
    }
  }

  private find(name: string): BodyEntry | undefined {
    return this.entries.find(({ path }) => path === name || path.endsWith(`/${name}`));
  }

  private error(number: number, words: string, explanation: string): undefined {
    out(`*** Error (${number}: '${words}') ***\n`);
    complain(`\n*** Error ***              \n${explanation}\n`);
  }

  private unknown(name: string): undefined {
    this.error(-1, 'Unspecified error', `${name} not found in configuration tree.`);
  }

  private set(verb: string, argument: string): undefined {
    const [name, value] = argument.split(/=(.*)/s) as [string, string];
    const entry = this.find(name);
    if (!entry) return this.unknown(name);
    if (verb === 'set-config-index') {
      const choice = entry.choices?.[Number(value)];
      if (choice === undefined)
        return this.error(
          -2,
          'Bad parameters',
          `Failed to set new configuration value ${value} for configuration entry ${name}.`,
        );
      entry.value = this.traps.snaps[choice] ?? choice;
    } else if (entry.choices) {
      // A number is the choice of that number; a text that is not in the list becomes something near.
      entry.value = entry.choices.includes(value) ? value : (entry.choices[Number(value)] ?? entry.choices[0]!);
    } else if (entry.type !== 'TOGGLE') entry.value = this.traps.snaps[value] ?? value;
    if (/\/(bulb|capture|eosremoterelease)$/.test(entry.path)) this.shutter(entry.path, value);
  }

  /** '1', or 'Press Full …', opens; '0', or 'Release …', closes. In bulb the time between is the exposure; in a continuous drive frames follow. */
  private shutter(path: string, value: string): void {
    const open = value === '1' || value.startsWith('Press Full');
    const bulb = /bulb/i.test(this.find('shutterspeed')!.value);
    if (path.endsWith('/capture') || !bulb) {
      if (!open) this.catchUp();
      this.heldSince = open ? performance.now() : null;
      this.heldTaken = 0;
    } else if (open) this.openedAt = performance.now();
    else if (this.openedAt !== null) {
      this.openedAt = null;
      this.ready.push(performance.now() + this.traps.readMilliseconds);
    }
  }

  private get exposureMilliseconds(): number {
    const [over, under = '1'] = this.find('shutterspeed')!.value.replace(/s$/, '').split('/') as [string, string?];
    return (Number(over) / Number(under)) * 1000;
  }

  /** Frames of a held shutter follow each other with a millisecond between them. */
  private catchUp(): void {
    if (this.heldSince === null) return;
    const period = this.exposureMilliseconds + 1;
    const ended = Math.floor((performance.now() - this.heldSince) / period);
    for (; this.heldTaken < ended; this.heldTaken++)
      this.ready.push(this.heldSince + (this.heldTaken + 1) * period + this.traps.readMilliseconds);
  }

  private async capture(): Promise<void> {
    if (this.traps.hangs) return new Promise(() => setInterval(() => {}, 1000));
    if (this.traps.busy) return this.error(-110, 'I/O in progress', 'Canon EOS Capture failed: Device Busy');
    if (this.traps.cardFull) return this.error(-1, 'Unspecified error', 'PTP Store Full');
    if (this.exposureMilliseconds > 30_000) return this.error(-1, 'Unspecified error', 'PTP Timeout');
    await sleep(this.exposureMilliseconds + this.traps.readMilliseconds);
    this.deliver();
  }

  /** Files that are there, until the time is over. */
  private async waitEvents(time: string): Promise<void> {
    const milliseconds = time.endsWith('ms') ? Number.parseFloat(time) : Number.parseFloat(time) * 1000;
    out(`Waiting for ${milliseconds} milliseconds for events from camera. Press Ctrl-C to abort.\n`);
    const flood = 'UNKNOWN PTP Property d215 changed, "objectinmemory" to "32769"\n'.repeat(
      Math.min(100, this.traps.floodLines),
    );
    for (let lines = 0; lines < this.traps.floodLines; lines += 100) out(flood);
    for (const end = performance.now() + milliseconds; performance.now() < end; ) {
      this.catchUp();
      while (this.ready[0] !== undefined && this.ready[0] <= performance.now()) {
        this.ready.shift();
        if (!this.deliver()) return;
      }
      await sleep(Math.max(0, Math.min(10, end - performance.now())));
    }
  }

  /** @returns false when the cable is out. */
  private deliver(): boolean {
    if (this.shots++ === this.traps.pulledAt) {
      writeFileSync(join(this.folder, 'unplugged'), '');
      if (this.traps.needsReset) writeFileSync(join(this.folder, 'dead'), '');
      this.gone = true;
      this.error(-7, 'I/O problem', 'PTP I/O Error');
      return false;
    }
    const raw = dngFile({ format: 'SRGGB12', width: 64, height: 48, bits: 12 }, this.shots, 'ramp');
    const isRaw = /^(RAW|NEF|cRAW)/.test((this.find('imagequality') ?? this.find('imageformat'))!.value);
    const kinds: [string, Buffer][] = isRaw ? [[this.extension, raw]] : [];
    if (!isRaw || this.traps.withJpeg) kinds.unshift(['JPG', pictureOf('still.jpg')]);
    for (const [extension, bytes] of kinds) {
      const onBody = `capt000${this.shots}.${extension.toLowerCase()}`;
      const path = this.pattern.replace(/%0?3?n/, String(this.number++)).replace('%C', extension);
      out(`New file is in location /${onBody} on the camera\n`);
      out(`Saving file as ${path}\n`);
      writeFileSync(path, bytes);
      out(`Deleting file /${onBody} on the camera\n`);
    }
    return true;
  }

  private preview(): void {
    const path = this.pattern.replace(/%0?3?n/, 'preview').replace('%C', 'jpg');
    const film = pictureOf('vid.mjpeg');
    writeFileSync(path, film.subarray(0, film.indexOf(Buffer.from([0xff, 0xd9])) + 2));
    out(`Saving file as ${path}\n`);
  }
}
