/**
 * An append-only file of JSON lines that survives a power cut: what `append` acknowledged is on the disk. A last line that
 * was cut off was never acknowledged and is taken away when the journal is opened again.
 */
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeAll, writeDurably } from './durable.ts';
import { asNightflowError, NightflowError } from './errors.ts';

/** Longest line that is believed, bytes; a longer one is damage. */
const maximumLineBytes = 1_000_000;
const chunkBytes = 65_536;

export interface JournalOptions<Entry> {
  /** Rewrites the journal as `entries()` once it has grown beyond `aboveBytes`. They may say what a waiting `append` says again after them. */
  compact?: { aboveBytes: number; entries: () => readonly Entry[] };
}

export class Journal<Entry extends object> {
  readonly path: string;
  private readonly options: JournalOptions<Entry>;
  private handle: FileHandle;
  private bytes: number;
  private waiting: { line: Buffer; resolve: () => void; reject: (error: Error) => void }[] = [];
  private writing: Promise<void> | null = null;
  private closed = false;

  private constructor(path: string, handle: FileHandle, bytes: number, options: JournalOptions<Entry>) {
    this.path = path;
    this.handle = handle;
    this.bytes = bytes;
    this.options = options;
  }

  /** Opens or makes the journal, without a cut-off last line. @throws disk-full, failed */
  static async open<Entry extends object>(path: string, options: JournalOptions<Entry> = {}): Promise<Journal<Entry>> {
    try {
      await mkdir(dirname(path), { recursive: true });
      const handle = await open(path, 'a+', 0o600);
      const bytes = await endOfLastLine(handle);
      await handle.truncate(bytes);
      return new Journal<Entry>(path, handle, bytes, options);
    } catch (error) {
      throw asNightflowError(error, `The journal ${path} can't be opened`);
    }
  }

  /** Resolves when the entry is on the disk. Entries given while a write is under way share the next flush. @throws disk-full, failed */
  append(entry: Entry): Promise<void> {
    const line = Buffer.from(`${JSON.stringify(entry)}\n`);
    if (this.closed) return Promise.reject(new NightflowError('aborted', `The journal ${this.path} is closed.`));
    if (line.byteLength > maximumLineBytes)
      return Promise.reject(new NightflowError('bad-input', `An entry of ${line.byteLength} bytes is too long.`));
    return new Promise((resolve, reject) => {
      this.waiting.push({ line, resolve, reject });
      this.writing ??= this.flush();
    });
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.writing;
    await this.handle.close();
  }

  private async flush(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0);
      const block = Buffer.concat(batch.map(({ line }) => line));
      try {
        await writeAll(this.handle, block);
        await this.handle.datasync();
        this.bytes += block.byteLength;
        for (const { resolve } of batch) resolve();
      } catch (error) {
        await this.handle.truncate(this.bytes).catch(() => {});
        const failure = asNightflowError(error, `Writing the journal ${this.path} failed`);
        for (const { reject } of batch) reject(failure);
        continue;
      }
      await this.compactIfLong();
    }
    this.writing = null;
  }

  /** Failing to shorten the journal (a full disk) loses nothing: the long one stays. */
  private async compactIfLong(): Promise<void> {
    const { compact } = this.options;
    if (!compact || this.bytes <= compact.aboveBytes) return;
    await this.rewrite(compact.entries()).catch(() => {});
  }

  /** Replaces all entries by these, at once or not at all. */
  private async rewrite(entries: readonly Entry[]): Promise<void> {
    const text = Buffer.from(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    await writeDurably(this.path, [text]);
    await this.handle.close();
    this.handle = await open(this.path, 'a+', 0o600);
    this.bytes = text.byteLength;
  }
}

/**
 * The entries of a journal in their order, in constant memory; nothing when there is no such file. Lines that are no JSON object
 * (damage) are passed over and reported to `onDamage`; the unfinished last line is left out silently.
 */
export async function* journalEntries<Entry extends object>(
  path: string,
  onDamage: (lineNumber: number) => void = () => {},
): AsyncGenerator<Entry> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw asNightflowError(error, `The journal ${path} can't be read`);
  }
  try {
    let rest = Buffer.alloc(0);
    let tooLong = false;
    let lineNumber = 0;
    const chunk = Buffer.alloc(chunkBytes);
    for (;;) {
      const { bytesRead } = await handle.read(chunk, 0, chunkBytes, null);
      if (bytesRead === 0) return;
      rest = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        const entry = tooLong ? null : parseEntry<Entry>(rest.subarray(0, end));
        rest = rest.subarray(end + 1);
        tooLong = false;
        lineNumber++;
        if (entry) yield entry;
        else onDamage(lineNumber);
      }
      if (rest.byteLength > maximumLineBytes) {
        tooLong = true;
        rest = Buffer.alloc(0);
      }
    }
  } finally {
    await handle.close();
  }
}

function parseEntry<Entry extends object>(line: Buffer): Entry | null {
  try {
    const value: unknown = JSON.parse(line.toString('utf8'));
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Entry) : null;
  } catch {
    return null;
  }
}

/** The length up to and with the last newline. */
async function endOfLastLine(handle: FileHandle): Promise<number> {
  const { size } = await handle.stat();
  const chunk = Buffer.alloc(chunkBytes);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - chunkBytes);
    const { bytesRead } = await handle.read(chunk, 0, end - start, start);
    const newline = chunk.subarray(0, bytesRead).lastIndexOf(10);
    if (newline >= 0) return start + newline + 1;
    end = start;
  }
  return 0;
}
