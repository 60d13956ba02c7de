/**
 * A file that lets work in memory go on after a crash: 8 bytes of magic with the version, the length of a JSON header (u32,
 * little-endian), the header, then the state as it lies in memory. Written durably; read with suspicion.
 */
import { open } from 'node:fs/promises';
import { writeAll, writeDurably } from '../process/durable.ts';
import { asNightflowError, NightflowError } from '../process/errors.ts';

/** Eight characters. */
export type Magic = string;

/** A header with thousands of FITS keywords stays far below. */
const maximumHeaderBytes = 4 * 2 ** 20;

export async function writeStateFile(
  path: string,
  magic: Magic,
  header: object,
  state: readonly Uint8Array[],
): Promise<void> {
  const stateBytes = state.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const text = Buffer.from(JSON.stringify({ ...header, stateBytes }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.byteLength);
  await writeDurably(path, async (handle) => {
    for (const chunk of [Buffer.from(magic, 'latin1'), length, text, ...state]) await writeAll(handle, chunk);
  });
}

/**
 * Reads the header and hands it over with a function that fills views with the state, in the order in which it was written.
 * @param sound Whether the parsed header can be believed. @throws lost, bad-input saying what is wrong.
 */
export async function readStateFile<Header>(
  path: string,
  magic: Magic,
  sound: (header: Partial<Header>) => boolean,
  use: (header: Header, read: (state: readonly Uint8Array[]) => Promise<void>) => Promise<void>,
): Promise<void> {
  const broken = (why: string): never => {
    throw new NightflowError('bad-input', `${path} is not a stack that can go on: ${why}.`, {
      remedy: 'Delete it to start a new stack.',
    });
  };
  const handle = await open(path, 'r').catch((error) => {
    throw asNightflowError(error, `The stack ${path} can't be read`);
  });
  try {
    const { size } = await handle.stat();
    const read = async (into: Uint8Array, position: number): Promise<void> => {
      for (let done = 0; done < into.byteLength; ) {
        const { bytesRead } = await handle.read(into, done, into.byteLength - done, position + done);
        if (bytesRead === 0) broken('it is cut off');
        done += bytesRead;
      }
    };
    if (size < 12) broken('it is cut off');
    const start = Buffer.alloc(12);
    await read(start, 0);
    if (start.toString('latin1', 0, 8) !== magic) broken('it is no stack, or of another version');
    const headerBytes = start.readUInt32LE(8);
    if (headerBytes > maximumHeaderBytes || 12 + headerBytes > size) broken('its header is cut off');
    const text = Buffer.alloc(headerBytes);
    await read(text, 12);
    const header = parse(text) as (Partial<Header> & { stateBytes?: unknown }) | null;
    if (!header || typeof header !== 'object' || !isCount(header.stateBytes) || !sound(header))
      return broken('its header is damaged');
    const stateBytes = header.stateBytes as number;
    if (size !== 12 + headerBytes + stateBytes) broken('its size is not what its header says');
    await use(header as Header, async (state) => {
      if (state.reduce((sum, { byteLength }) => sum + byteLength, 0) !== stateBytes)
        broken('its pixels do not fit its size');
      let position = 12 + headerBytes;
      for (const part of state) {
        await read(part, position);
        position += part.byteLength;
      }
    });
  } finally {
    await handle.close();
  }
}

/** A whole number from 0 on. */
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function parse(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString('utf8'));
  } catch {
    return null;
  }
}
