/**
 * Frames on the disk until a client has acknowledged them. A frame is one file whose name says everything (number, start, SHA-256), so
 * that there is nothing beside it that a power cut could tear from it; the folder is all that a restart needs.
 */
import { mkdir, open, readdir, readFile, rm, rmdir, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { confine, freeBytes, partialSuffix, writeDurably } from '../../process/durable.ts';
import { asNightflowError, NightflowError } from '../../process/errors.ts';
import { Events } from '../../process/events.ts';

export interface SpooledFrame {
  batch: string;
  /** From 1. */
  number: number;
  /** For a file of the client's. */
  name: string;
  bytes: number;
  sha256: string;
  /** ISO 8601 UTC of the exposure's start; null when unknown. */
  start: string | null;
}

export interface SpoolOptions {
  folder: string;
  /** All frames together, bytes. */
  maximumBytes: number;
  /** Bytes of the disk that are left to others. */
  reserveBytes?: number;
}

export interface SpoolRoom {
  usedBytes: number;
  /** What still fits: the spool's own limit and the disk's free space, whichever is less. */
  roomBytes: number;
  maximumBytes: number;
  frames: number;
  full: boolean;
}

/** What a frame brings: its bytes with their sum. */
type Content = { bytes: Uint8Array; sha256: string; start: string | null; extension: string };

interface Kept {
  frames: Map<number, { frame: SpooledFrame; file: string }>;
  /** The highest number that ever was here. */
  highest: number;
  /** The number of its mark. */
  marked: number | null;
}

const namePattern = /^(\d{6})(?:_(\d{8}T\d{6}(?:\.\d+)?Z))?_([0-9a-f]{64})(\.[a-z0-9]{1,5})$/;
/** Stays empty in the place of the highest frame when that is acknowledged, so that a restart knows how far the batch was. */
const markPattern = /^(\d{6})\.acknowledged$/;
const batchPattern = /^[0-9a-z-]{1,64}$/;
const recordFile = 'batch.json';
const maximumRecordBytes = 65_536;
const defaultReserveBytes = 256e6;

export class Spool {
  readonly events = new Events<{ freed: undefined }>();
  private readonly options: Required<SpoolOptions>;
  private readonly batches = new Map<string, Kept>();
  private used = 0;

  private constructor(options: SpoolOptions) {
    this.options = { reserveBytes: defaultReserveBytes, ...options };
  }

  /** Opens the folder with what an earlier run left in it. @throws failed, disk-full */
  static async open(options: SpoolOptions): Promise<Spool> {
    const spool = new Spool(options);
    try {
      await mkdir(options.folder, { recursive: true });
      for (const entry of await readdir(options.folder, { withFileTypes: true }))
        if (entry.isDirectory() && batchPattern.test(entry.name)) await spool.take(entry.name);
    } catch (thrown) {
      throw asNightflowError(thrown, `The spool ${options.folder} can't be opened`);
    }
    return spool;
  }

  names(): string[] {
    return [...this.batches.keys()].sort();
  }

  /** The frames of a batch that wait for a client, in their order. */
  frames(batch: string): SpooledFrame[] {
    const kept = [...(this.batches.get(batch)?.frames.values() ?? [])];
    return kept.map(({ frame }) => frame).sort((a, b) => a.number - b.number);
  }

  frame(batch: string, number: number): SpooledFrame | null {
    return this.batches.get(batch)?.frames.get(number)?.frame ?? null;
  }

  /** The number of the last frame that was kept, acknowledged or not; 0 when none was. */
  highest(batch: string): number {
    return this.batches.get(batch)?.highest ?? 0;
  }

  /** Where the file is; null when there is none (any more). */
  path(batch: string, number: number): string | null {
    const file = this.batches.get(batch)?.frames.get(number)?.file;
    return file === undefined ? null : join(this.options.folder, batch, file);
  }

  async room(): Promise<SpoolRoom> {
    const { folder, maximumBytes, reserveBytes } = this.options;
    const disk = (await freeBytes(folder)) - reserveBytes;
    const roomBytes = Math.max(0, Math.min(maximumBytes - this.used, disk));
    const frames = [...this.batches.values()].reduce((sum, each) => sum + each.frames.size, 0);
    return { usedBytes: this.used, roomBytes, maximumBytes, frames, full: roomBytes === 0 };
  }

  /** The most that it could hold if nothing else were in it, bytes. */
  async capacity(): Promise<number> {
    const { folder, maximumBytes, reserveBytes } = this.options;
    return Math.max(0, Math.min(maximumBytes, (await freeBytes(folder)) - reserveBytes + this.used));
  }

  /** Resolves when the frame is whole on the disk. @throws disk-full, failed: then nothing of it is there. */
  async add(batch: string, number: number, content: Content): Promise<SpooledFrame> {
    const kept = this.batches.get(batch);
    if (!kept) throw new NightflowError('bad-input', `There is no batch "${batch}".`);
    const { byteLength } = content.bytes;
    const { roomBytes } = await this.room();
    if (byteLength > roomBytes) throw spoolFull(byteLength, roomBytes);
    const time = content.start === null ? '' : `_${content.start.replace(/[-:]/g, '')}`;
    const file = `${String(number).padStart(6, '0')}${time}_${content.sha256}${content.extension}`;
    if (!namePattern.test(file)) throw new NightflowError('bad-input', `The frame ${number} has no name: "${file}".`);
    this.used += byteLength;
    try {
      await writeDurably(confine(this.options.folder, join(batch, file)), [content.bytes]);
    } catch (thrown) {
      this.used -= byteLength;
      throw thrown;
    }
    const frame = frameOf(batch, file, byteLength)!;
    kept.frames.set(number, { frame, file });
    kept.highest = Math.max(kept.highest, number);
    return frame;
  }

  /** The client has it. @returns whether it was there. */
  async acknowledge(batch: string, number: number): Promise<boolean> {
    const kept = this.batches.get(batch);
    const known = kept?.frames.get(number);
    if (!kept || !known) return false;
    const { frames } = kept;
    frames.delete(number);
    const folder = join(this.options.folder, batch);
    // A disk without room even for a name must not keep the frame from going.
    if (number === kept.highest) await this.mark(folder, kept, number).catch(() => {});
    await unlink(join(folder, known.file)).catch((error) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      frames.set(number, known);
      throw asNightflowError(error, `${known.file} can't be deleted`);
    });
    this.used -= known.frame.bytes;
    this.events.emit('freed', undefined);
    return true;
  }

  /** Keeps what there is to know of a batch; the first call makes it. @throws disk-full, failed */
  async record(batch: string, value: object): Promise<void> {
    if (!batchPattern.test(batch)) throw new NightflowError('bad-input', `"${batch}" is no name of a batch.`);
    const text = Buffer.from(`${JSON.stringify(value)}\n`);
    await writeDurably(join(this.options.folder, batch, recordFile), [text]);
    if (!this.batches.has(batch)) this.batches.set(batch, { frames: new Map(), highest: 0, marked: null });
  }

  /** What `record` kept; null when it is not there or damaged. */
  async recorded(batch: string): Promise<Record<string, unknown> | null> {
    if (!this.batches.has(batch)) return null;
    try {
      const path = join(this.options.folder, batch, recordFile);
      if ((await stat(path)).size > maximumRecordBytes) return null;
      const value = JSON.parse(await readFile(path, 'utf8'));
      return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : null;
    } catch {
      return null;
    }
  }

  /** Throws a batch away with the frames that nobody fetched. */
  async forget(batch: string): Promise<void> {
    const kept = this.batches.get(batch);
    if (!kept) return;
    this.batches.delete(batch);
    await rm(join(this.options.folder, batch), { recursive: true, force: true });
    for (const { frame } of kept.frames.values()) this.used -= frame.bytes;
    this.events.emit('freed', undefined);
  }

  /** Opens a frame for reading: a client that is at it keeps it although another acknowledges it. @throws lost */
  async read(batch: string, number: number) {
    const path = this.path(batch, number);
    if (path === null) throw new NightflowError('lost', `The frame ${number} of the batch ${batch} is not here.`);
    return open(path, 'r').catch((error) => {
      throw asNightflowError(error, `The frame ${number} can't be read`);
    });
  }

  /** Not durable by itself: a power cut that undoes it undoes what came after it, too. */
  private async mark(folder: string, kept: Kept, number: number): Promise<void> {
    const { marked } = kept;
    await writeFile(join(folder, markOf(number)), '');
    kept.marked = number;
    if (marked !== null && marked !== number) await unlink(join(folder, markOf(marked)));
  }

  private async take(batch: string): Promise<void> {
    const kept: Kept = { frames: new Map(), highest: 0, marked: null };
    const folder = join(this.options.folder, batch);
    let ours = false;
    for (const file of await readdir(folder)) {
      const path = join(folder, file);
      const mark = markPattern.exec(file)?.[1];
      ours ||= file === recordFile || mark !== undefined;
      if (file.endsWith(partialSuffix)) await unlink(path);
      else if (mark !== undefined) {
        if (kept.marked !== null) await unlink(join(folder, markOf(Math.min(kept.marked, Number(mark)))));
        kept.marked = Math.max(kept.marked ?? 0, Number(mark));
        kept.highest = Math.max(kept.highest, kept.marked);
      } else if (namePattern.test(file)) {
        ours = true;
        const frame = frameOf(batch, file, (await stat(path)).size)!;
        kept.frames.set(frame.number, { frame, file });
        kept.highest = Math.max(kept.highest, frame.number);
        this.used += frame.bytes;
      }
    }
    // Somebody's own folder is no batch: it would be deleted one day.
    if (ours) this.batches.set(batch, kept);
    else await rmdir(folder).catch(() => {});
  }
}

const markOf = (number: number): string => `${String(number).padStart(6, '0')}.acknowledged`;

function frameOf(batch: string, file: string, bytes: number): SpooledFrame | null {
  const [, number, time, sha256, extension] = namePattern.exec(file) ?? [];
  if (number === undefined || sha256 === undefined) return null;
  const start = time?.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)/, '$1-$2-$3T$4:$5:') ?? null;
  const name = `${[batch, number, time].filter(Boolean).join('_')}${extension}`;
  return { batch, number: Number(number), name, bytes, sha256, start };
}

export const spoolFull = (bytes: number, roomBytes: number): NightflowError =>
  new NightflowError(
    'disk-full',
    `The spool has room for ${Math.floor(roomBytes / 1e6)} MB; ${Math.ceil(bytes / 1e6)} MB are needed.`,
    { remedy: 'Fetch frames and delete them (DELETE), or give the spool more space.' },
  );
