/** The keogram: one column of sky per frame, side by side in time, so that a whole night is seen at a glance. It survives a crash. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Frame } from '../frame/frame.ts';
import { renderRgb } from '../frame/preview.ts';
import { job, sharedPool } from '../kernels/pool.ts';
import { writeDurably } from '../process/durable.ts';
import { asNightflowError, NightflowError } from '../process/errors.ts';
import type { Site } from '../sky/site.ts';
import type { ColumnInput, KeogramPicture, PictureInput } from './keogram.job.ts';
import { headerBytes, magic, recordBytes, recordEnd } from './keogram-columns.ts';
import { beginProduct, NightProduct, type ProductState, readProductState } from './night-product.ts';

export interface KeogramOptions {
  /** Turns the column clockwise about the picture's centre, degrees: for a camera whose top is not north. */
  angleDegrees: number;
  /** Where the column stands, as a fraction of the width: 0.5 is the middle. */
  position: number;
  /** Pixels of the frame across the column that are averaged. */
  columnWidth: number;
  /** Pixels; that of the night's first frame counts. */
  height: number;
  stretch: 'none' | 'auto';
  drc: 'off' | 'low' | 'medium' | 'high';
}

const column = job<ColumnInput, Uint8Array>(new URL('./keogram.job.ts', import.meta.url), 'cutColumn');
const picture = job<PictureInput, KeogramPicture>(new URL('./keogram.job.ts', import.meta.url), 'drawKeogram');

export class Keogram extends NightProduct {
  private columns: number;
  private end: number | null;

  private constructor(folder: string, state: ProductState, { columns, end }: Gathered) {
    super(folder, state);
    this.columns = columns;
    this.end = end;
  }

  get frames(): number {
    return this.columns;
  }

  get lastEnd(): number | null {
    return this.end;
  }

  /** Takes up a night's keogram; null when there is none. A column that a power cut left half written doesn't count. */
  static async open(folder: string): Promise<Keogram | null> {
    const state = await readProductState(folder);
    if (!state) return null;
    const height = Number(state.shape.height);
    const gathered = await readColumns(columnFile(folder), height);
    return gathered && new Keogram(folder, state, gathered);
  }

  /** Begins a night's keogram. @throws disk-full, failed */
  static async begin(folder: string, night: string, frame: Frame, options: KeogramOptions): Promise<Keogram> {
    const header = Buffer.alloc(headerBytes);
    header.write(magic, 'latin1');
    header.writeUInt32LE(options.height, 8);
    await writeDurably(columnFile(folder), [header]);
    return new Keogram(folder, await beginProduct(folder, night, frame, { height: options.height }), {
      columns: 0,
      end: null,
    });
  }

  /** Adds a frame's column; it is on the disk when this resolves. @throws bad-input for a frame without a time, disk-full */
  async add(frame: Frame, options: KeogramOptions, signal?: AbortSignal): Promise<void> {
    if (frame.start === null)
      throw new NightflowError('bad-input', 'The frame has no time, so it has no place in a keogram.');
    const height = this.state.shape.height!;
    // Columns need no more pixels than they will have in the keogram.
    const scale = Math.min(1, height / frame.height);
    const width = Math.max(1, Math.round(frame.width * scale));
    const rgb = await renderRgb(frame, { width, stretch: options.stretch, drc: options.drc, signal });
    const { angleDegrees, position } = options;
    const columnWidth = Math.max(1, options.columnWidth * (rgb.width / frame.width));
    const pixels = await sharedPool().run(
      column,
      { ...rgb, angleDegrees, position, columnWidth, samples: height },
      { signal },
    );
    const record = Buffer.alloc(recordBytes(height));
    record.writeDoubleLE(Date.parse(frame.start), 0);
    record.writeDoubleLE(frame.exposureSeconds ?? 0, 8);
    record.set(pixels, 16);
    await this.append(record);
  }

  /** Draws the keogram so far. @param title Stands above it. */
  draw(site: Pick<Site, 'longitude' | 'timeZone'> | null, signal?: AbortSignal): Promise<KeogramPicture> {
    const zone = site === null ? 'UTC' : (site.timeZone ?? 'local solar time');
    const title = `Night of ${this.state.night}   ${zone.replaceAll('_', ' ')}`;
    return sharedPool().run(
      picture,
      {
        path: columnFile(this.folder),
        columns: this.columns,
        title,
        site: site && { longitude: site.longitude, timeZone: site.timeZone },
      },
      { signal },
    );
  }

  /** Written at its own place, so that one that failed half way is overwritten by the next. */
  private async append(record: Buffer): Promise<void> {
    const path = columnFile(this.folder);
    try {
      await using handle = await open(path, 'r+');
      const position = headerBytes + this.columns * record.byteLength;
      for (let done = 0; done < record.byteLength; )
        done += (await handle.write(record, done, record.byteLength - done, position + done)).bytesWritten;
      await handle.datasync();
      this.columns++;
      this.end = recordEnd(record);
    } catch (error) {
      throw asNightflowError(error, `Writing ${path} failed`);
    }
  }
}

const columnFile = (folder: string): string => join(folder, 'columns.bin');

interface Gathered {
  columns: number;
  /** UTC ms when the last one's exposure ended. */
  end: number | null;
}

/** Null for a file that is absent, of another height, or no keogram. */
async function readColumns(path: string, height: number): Promise<Gathered | null> {
  try {
    await using handle = await open(path, 'r');
    const header = Buffer.alloc(headerBytes);
    const { bytesRead } = await handle.read(header, 0, headerBytes, 0);
    if (bytesRead < headerBytes || header.toString('latin1', 0, 8) !== magic || header.readUInt32LE(8) !== height)
      return null;
    const columns = Math.floor(((await handle.stat()).size - headerBytes) / recordBytes(height));
    if (columns === 0) return { columns, end: null };
    const last = Buffer.alloc(recordBytes(height));
    await handle.read(last, 0, last.byteLength, headerBytes + (columns - 1) * last.byteLength);
    const end = recordEnd(last);
    // A power cut may leave a record of zeros.
    return { columns, end: end > 0 ? end : null };
  } catch {
    return null; // nothing to go on with
  }
}
