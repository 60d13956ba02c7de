/** The way to one body: found by model or serial number wherever it is plugged in, opened when it is needed, brought back when it is lost. */
import type { NightflowError } from '../process/errors.ts';
import { asNightflowError, NightflowError as Failure, throwIfAborted } from '../process/errors.ts';
import type { SettingValue } from './camera.ts';
import {
  type Body,
  candidates,
  climb,
  cyclePower,
  detect,
  type RecoveryStep,
  resetDevice,
  resetPort,
} from './gphoto2-find.ts';
import { Gphoto2Session } from './gphoto2-session.ts';
import { makeRamFolder, removeRamFolder } from './ram-folder.ts';

export interface ConnectionOptions {
  camera?: string;
  settings?: readonly { name: string; value: SettingValue }[];
  hub?: string;
  program?: string;
  environment?: Record<string, string>;
}

/** Two RAW files of the largest bodies. */
const memoryBytes = 300e6;
const mostWarnings = 100;

export class Gphoto2Connection {
  /** The body of the last session. */
  body: Body | null = null;
  private readonly options: ConnectionOptions;
  private serial: string | null = null;
  private folder: string | null = null;
  private current: Gphoto2Session | null = null;
  private opening: Promise<Gphoto2Session> | null = null;
  private closed = false;
  private told: string[] = [];

  constructor(options: ConnectionOptions) {
    this.options = options;
  }

  /** The session; opened anew where it has ended. @throws missing, lost, busy, timeout, aborted */
  async session(signal?: AbortSignal): Promise<Gphoto2Session> {
    throwIfAborted(signal);
    if (this.closed) throw new Failure('lost', 'The camera is closed.');
    if (this.current?.shell.alive) return this.current;
    this.opening ??= this.connect(signal)
      .catch(async (thrown) => {
        await this.dropFolder();
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

  async recover(signal?: AbortSignal): Promise<void> {
    const program = this.program();
    const again = async () => {
      await this.leave();
      await this.session(signal);
    };
    const port = async () => (await this.find(signal))[0]?.port ?? this.body?.port ?? '';
    const { hub } = this.options;
    const steps: RecoveryStep[] = [
      { what: 'the session is opened anew, wherever the camera is now', work: again },
      {
        what: 'the USB port is reset by gphoto2',
        work: async () => {
          await this.leave();
          await resetPort(program, await port(), signal);
          await this.session(signal);
        },
      },
      {
        what: 'the USB device is reset by usbreset',
        work: async () => {
          await resetDevice(await port(), signal);
          await this.session(signal);
        },
      },
      ...(hub
        ? [
            {
              what: 'the power of the USB hub is switched off and on',
              work: async () => {
                await cyclePower(hub, signal);
                await this.session(signal);
              },
            },
          ]
        : []),
    ];
    const works = async () => void (await (await this.session(signal)).entry('serialnumber').catch(ignoreMissingEntry));
    await climb(steps, works, (sentence) => this.tell(sentence));
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.opening?.catch(() => {});
    await this.leave();
    await this.dropFolder();
  }

  private async dropFolder(): Promise<void> {
    const { folder } = this;
    this.folder = null;
    if (folder) await removeRamFolder(folder);
  }

  private async leave(): Promise<void> {
    const { current } = this;
    this.current = null;
    await current?.end();
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
      throw new Failure('lost', 'No camera is connected by USB.', {
        remedy: 'Switch it on, set its USB connection to PC Remote (Sony) or PTP, and look at cable and battery.',
      });
    return candidates(bodies, wanted);
  }

  private async connect(signal?: AbortSignal): Promise<Gphoto2Session> {
    await this.leave();
    this.folder ??= await makeRamFolder(memoryBytes);
    const bodies = await this.find(signal);
    let refusal: NightflowError | null = null;
    for (const body of bodies) {
      const session = new Gphoto2Session({ ...this.program(), port: body.port, folder: this.folder });
      try {
        await session.open(signal);
        const serial = await serialOf(session);
        if (this.isOurs(body, serial)) {
          await this.settle(session);
          this.body = body;
          this.serial = serial ?? this.serial;
          this.current = session;
          return session;
        }
      } catch (thrown) {
        refusal = asNightflowError(thrown);
        if (refusal.code === 'aborted' || refusal.code === 'bad-input') {
          await session.end();
          throw refusal;
        }
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
    return new Failure('lost', `The camera ${this.options.camera || this.serial} is not connected.`, {
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
    for (const { name, value } of this.options.settings ?? [])
      await session.set(name, typed(await session.entry(name), value));
  }
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
