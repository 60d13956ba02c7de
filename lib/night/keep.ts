/** Keeps the frames of a sequence: each in its night's folder, whole and on the disk before it counts; old nights make room. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Frame } from '../frame/frame.ts';
import { extensionOf, writeFrame } from '../frame/write.ts';
import { confine } from '../process/durable.ts';
import { asNightflowError, NightflowError } from '../process/errors.ts';
import { deleteOldNights, keptFileName, nightFolderPattern } from './retention.ts';

export type KeepPolicy = 'all' | 'none' | { nights: number };
export type KeptFormat = 'fits' | 'tiff' | 'original';

export interface FrameKeeperOptions {
  /** The folder below which each night has its own, YYYY-MM-DD. */
  root: string;
  policy: KeepPolicy;
  format?: KeptFormat;
  /** Told when old nights could not be deleted; frames are kept all the same. */
  onWarning?: (error: NightflowError) => void;
  /** For tests: writes one frame durably. */
  write?: (frame: Frame, path: string, format: KeptFormat) => Promise<unknown>;
}

/** Frames that wait for the disk before another is refused: beyond it the machine's memory is at stake. */
const maximumWaiting = 16;

export class FrameKeeper {
  /** Frames that could not be written, oldest first; `retry` writes them. */
  readonly unwritten: { frame: Frame; run: string; error: NightflowError }[] = [];
  private readonly options: Required<Pick<FrameKeeperOptions, 'root' | 'policy' | 'format' | 'write'>> &
    FrameKeeperOptions;
  private tail: Promise<unknown> = Promise.resolve();
  private waiting = 0;
  private cleanedFor: string | null = null;

  constructor(options: FrameKeeperOptions) {
    const { policy } = options;
    if (typeof policy === 'object' && !(Number.isInteger(policy.nights) && policy.nights >= 1))
      throw new NightflowError('bad-input', `The number of nights to keep, ${policy.nights}, is not a whole number.`);
    this.options = {
      ...options,
      format: options.format ?? 'fits',
      write: options.write ?? ((frame, path, format) => writeFrame(frame, path, { format })),
    };
  }

  /** Frames given and not on the disk yet. */
  get pending(): number {
    return this.waiting + this.unwritten.length;
  }

  /**
   * Resolves with the path when the frame is on the disk, or with null under the policy `none`. One is written after the other.
   * @param run Eight hexadecimal digits of its sequence: with the number they make the name unique in the night.
   * @throws disk-full, lost, failed: the frame stays in `unwritten`; busy: too many wait, and the frame is not taken.
   */
  async keep(given: Frame, run: string): Promise<string | null> {
    // The camera's own file is as large as its pixels: in memory it waits only for those who write it.
    const frame = this.options.format === 'original' ? given : given.withoutOriginal;
    if (this.options.policy === 'none') return null;
    if (this.waiting >= maximumWaiting)
      throw new NightflowError('busy', `${this.waiting} frames wait for the disk of ${this.options.root}.`, {
        remedy: 'Use a faster disk or a longer exposure.',
      });
    this.waiting++;
    const written = this.tail.then(() => this.write(frame, run)).finally(() => this.waiting--);
    this.tail = written.catch(() => {});
    return written;
  }

  /** Writes what could not be written before. Resolves with how many are on the disk now. @throws the first failure; the rest stays. */
  async retry(): Promise<number> {
    let done = 0;
    for (const { frame, run } of [...this.unwritten]) {
      await this.keep(frame, run);
      done++;
    }
    return done;
  }

  /** Resolves when nothing is being written any more. */
  async settled(): Promise<void> {
    await this.tail;
  }

  /** Whether a frame of this run and number is on the disk, whatever its night. */
  async has(run: string, n: number): Promise<boolean> {
    for (const night of await readdir(this.options.root).catch(() => []))
      if (nightFolderPattern.test(night)) {
        const names = await readdir(join(this.options.root, night)).catch(() => []);
        if (names.some((name) => keptFileName(name)?.run === run && keptFileName(name)?.n === n)) return true;
      }
    return false;
  }

  /** Deletes the nights that the policy no longer keeps; done by itself with the first frame of each night. @returns the nights deleted. */
  async clean(): Promise<string[]> {
    const { policy, root } = this.options;
    return typeof policy === 'object' ? deleteOldNights(root, policy.nights) : [];
  }

  private async write(frame: Frame, run: string): Promise<string> {
    const { root, format, write } = this.options;
    const night = frame.night ?? frame.start?.slice(0, 10);
    if (!night || !nightFolderPattern.test(night))
      throw new NightflowError('bad-input', `The frame belongs to no night: "${night}".`);
    const path = confine(root, join(night, `${nameOf(frame, run)}.${extensionOf(format, frame).replace(/^\./, '')}`));
    const at = this.unwritten.findIndex((other) => other.frame === frame);
    try {
      await write(frame, path, format);
    } catch (thrown) {
      const error = asNightflowError(thrown);
      if (at >= 0) this.unwritten[at]!.error = error;
      else this.unwritten.push({ frame, run, error });
      throw error;
    }
    if (at >= 0) this.unwritten.splice(at, 1);
    if (night !== this.cleanedFor) {
      this.cleanedFor = night;
      await this.clean().catch((error) => this.options.onWarning?.(asNightflowError(error)));
    }
    return path;
  }
}

/** light_20260320T180102.345Z_5s_0a1b2c3d_000123 */
function nameOf(frame: Frame, run: string): string {
  const time = (frame.start ?? 'no-time').replace(/[-:]/g, '');
  const exposure = frame.exposureSeconds === null ? '' : `_${Number(frame.exposureSeconds.toPrecision(6))}s`;
  return `${frame.kind}_${time}${exposure}_${run}_${String(frame.number ?? 0).padStart(6, '0')}`;
}
