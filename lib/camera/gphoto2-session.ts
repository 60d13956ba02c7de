/** A session with one body: its entries read and set through the shell, with every value read back. */
import { realSleep } from '../clock/clock.ts';
import { NightflowError } from '../process/errors.ts';
import type { SettingDescription, SettingValue } from './camera.ts';
import {
  type ConfigEntry,
  describeEntry,
  parseEntry,
  setCommand,
  settingNames,
  settingOf,
  tookEffect,
} from './gphoto2-config.ts';
import { Gphoto2Shell, type ShellOptions } from './gphoto2-shell.ts';

/** For anything but an exposure. A body may be writing a picture to its card. */
const answerSeconds = 20;
/** For a command under way and the one that lets go of the shutter. */
const letGoSeconds = 8;
/** Entries that gphoto2 offers as commands to its programmer, not as settings. */
const notSettings = new Set(['opcode']);

export class Gphoto2Session {
  readonly shell: Gphoto2Shell;
  private names: Map<string, string> = new Map();
  private readonly held = new Set<Promise<unknown>>();

  constructor(options: ShellOptions) {
    this.shell = new Gphoto2Shell(options);
  }

  /** @throws missing, lost, busy, timeout, aborted */
  async open(signal?: AbortSignal): Promise<void> {
    await this.shell.start(signal);
    const lines = await this.shell.send('list-config', { timeoutSeconds: answerSeconds, signal });
    this.names = settingNames(lines.filter((line) => line.startsWith('/main/')));
    for (const name of notSettings) this.names.delete(name);
  }

  has(name: string): boolean {
    return this.names.has(name);
  }

  /** The first of these names that the body has. */
  first(...names: string[]): string | null {
    return names.find((name) => this.has(name)) ?? null;
  }

  async describe(): Promise<SettingDescription[]> {
    const described: SettingDescription[] = [];
    for (const name of this.names.keys()) {
      // Some entries are listed and can't be read: a lens that is off, a dial in another place.
      const entry = await this.entry(name).catch((error: NightflowError) => {
        if (error.code === 'lost' || error.code === 'timeout' || error.code === 'missing') throw error;
        return null;
      });
      if (entry) described.push(describeEntry(name, entry));
    }
    return described;
  }

  /** @throws bad-input for an unknown name */
  async entry(name: string): Promise<ConfigEntry> {
    const path = this.names.get(name);
    if (!path) throw new NightflowError('bad-input', `The camera has no setting "${name}".`);
    return parseEntry(path, await this.shell.send(`get-config ${path}`, { timeoutSeconds: answerSeconds }));
  }

  async get(name: string): Promise<SettingValue> {
    return settingOf(await this.entry(name));
  }

  /** @throws bad-input, and rejected when the body took another value than it was given */
  async set(name: string, value: SettingValue): Promise<SettingValue> {
    const entry = await this.entry(name);
    await this.shell.send(setCommand(name, entry, value), { timeoutSeconds: answerSeconds });
    const now = await this.entry(name);
    if (!tookEffect(now, value))
      throw new NightflowError('rejected', `${now.label} (${name}) is ${now.current} and not ${value} as it was set.`, {
        remedy: 'Look at the mode dial and the menus of the camera: in some modes it sets this itself.',
      });
    // A switch that many bodies tell nothing of is where it was put.
    return now.type === 'TOGGLE' ? value : settingOf(now);
  }

  /** For actions, whose value says nothing: a shutter to press. */
  async act(name: string, value: string): Promise<void> {
    const path = this.names.get(name);
    if (!path) throw new NightflowError('unsupported', `The camera has no "${name}".`);
    await this.shell.send(`set-config ${path}=${value}`, { timeoutSeconds: answerSeconds });
  }

  /** While `work` runs, the body's shutter is held: the session is not ended before it lets go. */
  holding<T>(work: Promise<T>): Promise<T> {
    this.held.add(work);
    return work.finally(() => this.held.delete(work));
  }

  /** Ends the session, once the shutter is up. */
  async end(): Promise<void> {
    if (this.held.size > 0) {
      const limit = new AbortController();
      const late = realSleep(letGoSeconds * 1000, limit.signal).catch(() => {});
      await Promise.race([Promise.allSettled([...this.held]), late]);
      limit.abort();
    }
    await this.shell.end();
  }

  /** Sets the first choice that fits; leaves a setting alone that the body has not, or that fits already. @returns what is in force, or null */
  async prefer(name: string, fits: (choice: string) => boolean): Promise<string | null> {
    if (!this.has(name)) return null;
    const entry = await this.entry(name);
    if (fits(entry.current) || entry.readOnly) return entry.current;
    const choice = entry.choices.find(fits);
    return choice === undefined ? entry.current : String(await this.set(name, choice));
  }
}
