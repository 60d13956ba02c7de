/** The body behind the stand-in of gphoto2: its settings, its shutter, its files. */
import { createHash } from 'node:crypto';
import { appendFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Gphoto2Traps } from './gphoto2-bin.ts';
import { type BodyEntry, entryText } from './gphoto2-bodies.ts';
import { StandInCard } from './gphoto2-card.ts';
import { dngFile, pictureOf } from './rpicam-pixels.ts';

/** DateTimeOriginal of the golden DNG. */
const stampInPicture = '2026:11:21 06:56:02';
/** Its ExposureTime, one rational: then comes where it stands. */
const exposureEntry = '9a82050001000000';
export const bodyClockSlowMilliseconds = 3_600_000;
const out = (text: string) => writeSync(1, text);
const complain = (text: string) => writeSync(2, text);

export class StandInBody {
  private readonly entries: BodyEntry[];
  private readonly extension: string;
  private readonly pattern: string;
  private readonly keep: boolean;
  private readonly folder: string;
  private readonly card: StandInCard;
  private traps!: Gphoto2Traps;
  private number = 1;
  private shots = 0;
  /** The cable is out: this session never works again. */
  private gone = false;
  private openedAt: number | null = null;
  private heldSince: number | null = null;
  private heldTaken = 0;
  /** Begins of exposures and when their files are ready, both by performance.now(). */
  private ready: { began: number; at: number }[] = [];

  constructor(entries: BodyEntry[], extension: string, folder: string, options: { pattern: string; keep: boolean }) {
    this.folder = folder;
    this.keep = options.keep;
    this.card = new StandInCard(folder, extension);
    this.entries = entries;
    this.extension = extension;
    this.pattern = options.pattern;
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
      case 'ls': {
        const text = traps.cardHidden ? '' : this.card.list(argument, traps.cardFiles);
        if (text === null) this.error(-107, 'Directory not found', '');
        else out(text);
        return;
      }
      case 'get': {
        const bytes = this.card.read(argument);
        if (bytes) this.save(this.extension, bytes);
        else this.error(-108, 'File not found', '');
        return;
      }
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
      this.ready.push({ began: this.openedAt, at: performance.now() + this.traps.readMilliseconds });
      this.openedAt = null;
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
    for (; this.heldTaken < ended; this.heldTaken++) {
      const began = this.heldSince + this.heldTaken * period;
      this.ready.push({ began, at: began + period + this.traps.readMilliseconds });
    }
  }

  private async capture(): Promise<void> {
    if (this.traps.hangs) return new Promise(() => setInterval(() => {}, 1000));
    if (this.traps.busy) return this.error(-110, 'I/O in progress', 'Canon EOS Capture failed: Device Busy');
    if (this.traps.batteryEmpty)
      return this.error(
        -1,
        'Unspecified error',
        'Sony Capture failed: Battery exhausted, perhaps. battery level is 0%',
      );
    if (this.traps.cardFull) return this.error(-1, 'Unspecified error', 'PTP Store Full');
    if (this.exposureMilliseconds > 30_000) return this.error(-1, 'Unspecified error', 'PTP Timeout');
    const began = performance.now();
    await sleep(this.exposureMilliseconds + this.traps.readMilliseconds);
    this.deliver(began);
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
      while (this.ready[0] !== undefined && this.ready[0].at <= performance.now())
        if (!this.deliver(this.ready.shift()!.began)) return;
      await sleep(Math.max(0, Math.min(10, end - performance.now())));
    }
  }

  /** @returns false when the cable is out. */
  private deliver(began: number): boolean {
    const target = this.find('capturetarget')!.value;
    const toCard = /card/i.test(target);
    const pulled = this.shots++ === this.traps.pulledAt;
    const isRaw = /^(RAW|NEF|cRAW)/.test((this.find('imagequality') ?? this.find('imageformat'))!.value);
    const raw = this.picture(began);
    const kinds: [string, Buffer][] = isRaw ? [[this.extension, raw]] : [];
    if (!isRaw || this.traps.withJpeg) kinds.unshift(['JPG', pictureOf('still.jpg')]);
    const locations = kinds.map(([extension, bytes]) => {
      const inMemory = `/capt${String(this.shots).padStart(4, '0')}.${extension.toLowerCase()}`;
      if (!toCard || (pulled && this.traps.savedAfterPull === 0)) return inMemory;
      const onCard = this.card.save(extension, bytes);
      return target === 'card+sdram' ? inMemory : onCard;
    });
    if (pulled) {
      this.pull(began, toCard, this.traps.pulledIn === 'transfer' ? locations[0]! : null);
      return false;
    }
    for (const [i, [extension, bytes]] of kinds.entries()) {
      out(`New file is in location ${locations[i]} on the camera\n`);
      this.save(extension, bytes);
      if (this.keep) out(`Keeping file ${locations[i]} on the camera\n`);
      else {
        this.card.remove(locations[i]!);
        out(`Deleting file ${locations[i]} on the camera\n`);
      }
    }
    return true;
  }

  /** The body goes on with what its shutter is held for, as far as it is told here. */
  private pull(began: number, toCard: boolean, onItsWay: string | null): void {
    if (onItsWay) out(`New file is in location ${onItsWay} on the camera\n`);
    const period = this.exposureMilliseconds + 1;
    for (let i = 1; toCard && i < this.traps.savedAfterPull; i++)
      this.card.save(this.extension, this.picture(began + i * period));
    writeFileSync(join(this.folder, 'unplugged'), '');
    if (this.traps.needsReset) writeFileSync(join(this.folder, 'dead'), '');
    this.gone = true;
    this.error(-7, 'I/O problem', 'PTP I/O Error');
  }

  /** Its pixels are those of its number in the body's life; its stamp that of the body's clock, an hour slow and in whole seconds. */
  private picture(began: number): Buffer {
    if (this.traps.newFormat) return pictureOfNewFormat(this.card.nextNumber());
    const file = dngFile({ format: 'SRGGB12', width: 64, height: 48, bits: 12 }, this.card.nextNumber(), 'ramp');
    const started = Date.now() - (performance.now() - began) - bodyClockSlowMilliseconds;
    const stamp = new Date(started).toISOString().slice(0, 19).replaceAll('-', ':').replace('T', ' ');
    file.write(stamp, file.indexOf(stampInPicture), 'latin1');
    const exposure = file.readUInt32LE(file.indexOf(exposureEntry, 0, 'hex') + 8);
    file.writeUInt32LE(Math.round(this.exposureMilliseconds || 1000), exposure);
    file.writeUInt32LE(1000, exposure + 4);
    return file;
  }

  private save(extension: string, bytes: Buffer): void {
    const path = this.pattern.replace(/%0?3?n/, String(this.number++)).replace('%C', extension);
    writeFileSync(path, bytes);
    appendFileSync(join(this.folder, 'sent.txt'), `${createHash('sha256').update(bytes).digest('hex')} ${extension}\n`);
    out(`Saving file as ${path}\n`);
  }

  private preview(): void {
    const path = this.pattern.replace(/%0?3?n/, 'preview').replace('%C', 'jpg');
    const film = pictureOf('vid.mjpeg');
    writeFileSync(path, film.subarray(0, film.indexOf(Buffer.from([0xff, 0xd9])) + 2));
    out(`Saving file as ${path}\n`);
  }
}

/** Boxes as those of a CR3, of a kind that no decoder knows, around the JPEG for the body's own screen. */
function pictureOfNewFormat(number: number): Buffer {
  const box = (type: string, body: Buffer) => {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(8 + body.length);
    head.write(type, 4, 'latin1');
    return Buffer.concat([head, body]);
  };
  const sensor = Buffer.from(`sensor data of picture ${number}`);
  return Buffer.concat([
    box('ftyp', Buffer.from('crx \0\0\0\u0001', 'latin1')),
    box('mdat', Buffer.concat([pictureOf('still.jpg'), sensor])),
  ]);
}
