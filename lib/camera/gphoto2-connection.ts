/** The way to one body: found by model or serial number wherever it is plugged in, opened when it is needed, brought back when it is lost. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock/clock.ts';
import { asNightflowError, NightflowError, throwIfAborted } from '../process/errors.ts';
import type { SettingValue } from './camera.ts';
import { unlessAborted } from './gphoto2-capture.ts';
import { isCard } from './gphoto2-card.ts';
import { type Body, candidates, detect, resetPort } from './gphoto2-find.ts';
import { type HubPower, stepsOf } from './gphoto2-recovery.ts';
import { Gphoto2Session } from './gphoto2-session.ts';
import { makeRamFolder, removeRamFolder } from './ram-folder.ts';
import { climb, RecoveryReport } from './recovery.ts';
import type { UsbTools } from './usb-reset.ts';

export interface ConnectionOptions {
  camera?: string;
  settings?: readonly { name: string; value: SettingValue }[];
  hub?: string;
  usb?: UsbTools;
  program?: string;
  environment?: Record<string, string>;
}

/** Two RAW files of the largest bodies. */
const memoryBytes = 300e6;
const mostWarnings = 100;
const target = 'capturetarget';
const askFor = 'Switch the camera off and on; look at its battery, its cable and its USB setting.';

/** Which connection has which port, so that nobody resets another's camera. */
const inUse = new Map<string, Gphoto2Connection>();

export class Gphoto2Connection {
  /** The body of the last session. */
  body: Body | null = null;
  readonly recovery: RecoveryReport;
  private readonly options: ConnectionOptions;
  private readonly clock: Clock;
  private readonly power: HubPower;
  private readonly closing = new AbortController();
  private serial: string | null = null;
  private folder: string | null = null;
  private current: Gphoto2Session | null = null;
  private opening: Promise<Gphoto2Session> | null = null;
  private leaving: Promise<void> = Promise.resolve();
  /** Where pictures go, when that was set after the opening: it outlives a session. */
  private captureTarget: string | null = null;
  private told: string[] = [];

  constructor(options: ConnectionOptions, clock: Clock) {
    this.options = options;
    this.clock = clock;
    this.recovery = new RecoveryReport(clock);
    this.power = { hub: options.hub || null, cycledAt: null, cycling: Promise.resolve() };
  }

  /** The session; opened anew where it has ended. @throws missing, lost, busy, timeout, aborted */
  async session(signal?: AbortSignal): Promise<Gphoto2Session> {
    while (this.opening) {
      // Begun by somebody else, who may give it up.
      const opened = await unlessAborted(this.opening, signal).catch(asNightflowError);
      if (opened instanceof Gphoto2Session) return opened;
      throwIfAborted(signal);
      if (opened.code !== 'aborted' || this.closing.signal.aborted) throw opened;
    }
    throwIfAborted(signal);
    if (this.closing.signal.aborted) throw new NightflowError('lost', 'The camera is closed.');
    if (this.current?.shell.alive) return this.current;
    const stop = signal ? AbortSignal.any([signal, this.closing.signal]) : this.closing.signal;
    this.opening = this.connect(stop)
      .catch(async (thrown) => {
        // Once there was a session, pictures may wait there.
        if (this.body === null) await this.dropFolder();
        throw thrown;
      })
      .finally(() => {
        this.opening = null;
      });
    return this.opening;
  }

  tell(sentence: string): void {
    this.told = [...this.told, sentence].slice(-mostWarnings);
  }

  warnings(): readonly string[] {
    const told = this.told;
    this.told = [];
    return told;
  }

  /** Sets a value. Whether pictures are to stay on the card is said when the session begins: it is begun anew where that changes. */
  async set(name: string, value: SettingValue): Promise<SettingValue> {
    const session = await this.session();
    if (name !== target) return session.set(name, value);
    const before = this.savesToCard;
    const now = String(await session.set(name, value));
    this.captureTarget = now;
    if (this.savesToCard === before) return now;
    await this.leave();
    return (await this.session()).get(name);
  }

  /** Ends the session at once. */
  drop(): void {
    this.current?.shell.drop();
  }

  /** @throws what is wrong with the body, with what a person can do; aborted */
  async recover(signal?: AbortSignal): Promise<void> {
    const stop = signal ? AbortSignal.any([signal, this.closing.signal]) : this.closing.signal;
    const body = {
      leave: () => this.leave(),
      open: async (stop: AbortSignal) => void (await serialOf(await this.session(stop))),
      port: (stop: AbortSignal) => this.ownPort(stop),
      reset: (port: string, stop: AbortSignal) => resetPort(this.program(), port, stop),
    };
    const steps = stepsOf(body, this.options.usb ?? {}, this.power, this.clock);
    await climb(steps, this.recovery, { askFor, signal: stop });
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.opening?.catch(() => {});
    await this.leave();
    await this.power.cycling;
    await this.dropFolder();
  }

  private get savesToCard(): boolean {
    const set = this.options.settings?.findLast(({ name }) => name === target)?.value;
    return isCard(this.captureTarget ?? String(set ?? ''));
  }

  private async dropFolder(): Promise<void> {
    const { folder } = this;
    this.folder = null;
    if (folder) await removeRamFolder(folder);
  }

  /** Two programs at one body refuse each other: the next session begins when the last has let go. */
  private leave(): Promise<void> {
    const { current } = this;
    this.current = null;
    if (current) {
      for (const [port, connection] of inUse) if (connection === this) inUse.delete(port);
      this.leaving = this.leaving.then(() => current.end());
    }
    return this.leaving;
  }

  private program() {
    const { program, environment } = this.options;
    return { program: program || 'gphoto2', ...(environment ? { environment } : {}) };
  }

  /** The bodies that may be ours. @throws lost when there is none */
  private async find(signal?: AbortSignal): Promise<Body[]> {
    const bodies = await detect(this.program(), signal);
    const wanted = this.options.camera || this.body?.model || '';
    if (bodies.length === 0)
      throw new NightflowError('lost', 'No camera is connected by USB.', {
        remedy: 'Switch it on, set its USB connection to PC Remote (Sony) or PTP, and look at cable and battery.',
      });
    const free = bodies.filter(({ port }) => (inUse.get(port) ?? this) === this);
    return candidates(free.length > 0 ? free : bodies, wanted);
  }

  /** Where it was last, if it is there still; else the only one that it can be. */
  private async ownPort(signal?: AbortSignal): Promise<string> {
    const bodies = await this.find(signal);
    const same = bodies.find(({ port, model }) => port === this.body?.port && model === this.body.model);
    const own = same ?? (bodies.length === 1 ? bodies[0] : undefined);
    if (own && (inUse.get(own.port) ?? this) === this) return own.port;
    throw new NightflowError('busy', `${bodies.length} cameras may be it, and the others are not to be disturbed.`, {
      remedy: 'Unplug the camera and plug it in again.',
    });
  }

  private async connect(signal: AbortSignal): Promise<Gphoto2Session> {
    await this.leave();
    this.folder ??= await makeRamFolder(memoryBytes);
    await sweep(this.folder);
    const bodies = await this.find(signal);
    let refusal: NightflowError | null = null;
    for (const body of bodies) {
      const { folder } = this;
      const session = new Gphoto2Session({ ...this.program(), port: body.port, folder, keep: this.savesToCard });
      const drop = () => session.shell.drop();
      signal.addEventListener('abort', drop, { once: true });
      try {
        await session.open(signal);
        const serial = await serialOf(session);
        if (this.isOurs(body, serial)) {
          await this.settle(session);
          throwIfAborted(signal);
          this.body = body;
          this.serial = serial ?? this.serial;
          this.current = session;
          inUse.set(body.port, this);
          return session;
        }
      } catch (thrown) {
        refusal = asNightflowError(thrown);
        if (signal.aborted || refusal.code === 'bad-input') {
          await session.end();
          throwIfAborted(signal);
          throw refusal;
        }
      } finally {
        signal.removeEventListener('abort', drop);
      }
      await session.end();
    }
    throw refusal ?? this.notThere(bodies);
  }

  /** The same serial number as before; at first, the model or the number that was chosen. */
  private isOurs({ model, port }: Body, serial: string | null): boolean {
    if (this.serial !== null) return serial === this.serial;
    const wanted = this.options.camera ?? '';
    return wanted === '' || wanted === model || wanted === port || wanted === serial;
  }

  private notThere(bodies: readonly Body[]): NightflowError {
    return new NightflowError('lost', `The camera ${this.options.camera || this.serial} is not connected.`, {
      remedy: `Connected: ${bodies.map(({ model, port }) => `${model} (${port})`).join(', ')}.`,
    });
  }

  /** RAW, into the computer's memory rather than onto the card, unless the settings say otherwise. */
  private async settle(session: Gphoto2Session): Promise<void> {
    const quality = session.first('imagequality', 'imageformat');
    const wishes: [string | null, RegExp][] = [
      ['capturetarget', /^(sdram|internal ram)$/i],
      [quality, /^(c?raw|nef \(raw\)|raw \(?(un)?compressed\)?)$/i],
    ];
    for (const [name, fits] of wishes)
      if (name)
        await session
          .prefer(name, (choice) => fits.test(choice))
          .catch((thrown) => {
            const error = asNightflowError(thrown);
            if (error.code === 'lost' || error.code === 'timeout') throw error;
            this.tell(`${name} stays as it is: ${error.message}`);
          });
    const later = this.captureTarget === null ? [] : [{ name: target, value: this.captureTarget }];
    for (const { name, value } of [...(this.options.settings ?? []), ...later])
      await session.set(name, typed(await session.entry(name), value));
  }
}

/** What a download that was cut off left. */
async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder))
    if (name.startsWith('tmpfile')) await rm(join(folder, name), { force: true });
}

/** Settings of the dialog are text; a range wants a number and a switch true or false. */
function typed({ type }: { type: string }, value: SettingValue): SettingValue {
  if (typeof value !== 'string') return value;
  if (type === 'RANGE') return Number(value);
  if (type === 'TOGGLE') return /^(1|true|on)$/i.test(value);
  return value;
}

async function serialOf(session: Gphoto2Session): Promise<string | null> {
  const entry = await session.entry('serialnumber').catch(ignoreMissingEntry);
  return entry?.current || null;
}

/** Not every body tells its number; that the session is dead is another matter. */
function ignoreMissingEntry(thrown: unknown): null {
  const error = asNightflowError(thrown);
  if (error.code === 'lost' || error.code === 'timeout') throw error;
  return null;
}
