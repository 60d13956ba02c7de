/** A folder for the samples of frames that can't be read row by row (RAW, compressed, a mosaic to be resampled): gone when closed. */
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freeBytes, writeAll } from '../process/durable.ts';
import { asNightflowError, NightflowError } from '../process/errors.ts';
import type { Frame } from './frame.ts';
import type { RowSource } from './integrate-source.ts';

/** Left free on the disk for everyone else. */
const sparedBytes = 256 * 2 ** 20;
const chunkBytes = 4 * 2 ** 20;

export class ScratchFolder {
  private readonly parent: string;
  private folder: string | null = null;
  private files = 0;

  /** @param parent Where the folder is made when first needed; the system's temporary folder when absent. */
  constructor(parent: string = tmpdir()) {
    this.parent = parent;
  }

  /**
   * Writes the frame's samples as they are. @param more How many frames of its size will follow at most: the space for them is asked
   * for at once. @throws disk-full with what is needed.
   */
  async add(frame: Frame, name: string, more = 0): Promise<RowSource> {
    const needed = frame.data.byteLength * (1 + more) + sparedBytes;
    const free = await freeBytes(this.parent);
    if (free < needed)
      throw new NightflowError(
        'disk-full',
        `Integrating these files takes ${Math.ceil(needed / 2 ** 20)} MB in ${this.parent}, where ${Math.floor(free / 2 ** 20)} MB are free.`,
        { remedy: 'Free some space, or integrate uncompressed FITS files, which need none.' },
      );
    try {
      await mkdir(this.parent, { recursive: true });
      this.folder ??= await mkdtemp(join(this.parent, 'nightflow-integrate-'));
      const path = join(this.folder, `${this.files++}.raw`);
      const handle = await open(path, 'wx');
      try {
        const bytes = Buffer.from(frame.data as unknown as ArrayBuffer);
        for (let at = 0; at < bytes.length; at += chunkBytes)
          await writeAll(handle, bytes.subarray(at, at + chunkBytes));
      } finally {
        await handle.close();
      }
      const { width, height, channels, pixelType } = frame;
      return { name, width, height, channels, pixelType, place: { path, offset: 0 }, fits: null };
    } catch (error) {
      throw asNightflowError(error, `The samples of ${name} can't be kept in ${this.parent}`);
    }
  }

  async close(): Promise<void> {
    if (this.folder !== null) await rm(this.folder, { recursive: true, force: true });
    this.folder = null;
  }
}
