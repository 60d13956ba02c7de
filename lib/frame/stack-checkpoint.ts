/**
 * The file that lets a stack go on after a crash: 8 bytes of magic with the version, the length of a JSON header (u32,
 * little-endian), the header, then the accumulator as it lies in memory. Written durably; read with suspicion.
 */
import { open } from 'node:fs/promises';
import type { FoldFrames, FoldMode, HotPixels } from '../kernels/fold.ts';
import { writeAll, writeDurably } from '../process/durable.ts';
import { asNightflowError, NightflowError } from '../process/errors.ts';
import { maximumPixels } from './frame.ts';
import type { StackShape } from './stack.ts';
import { emptySummary, type StackSummary } from './stack-summary.ts';

export interface StackCheckpoint {
  mode: FoldMode;
  hotPixels: HotPixels;
  cometTail: number;
  shape: StackShape;
  summary: StackSummary;
  frames: FoldFrames;
}

const magic = 'NFSTACK1';
/** A header with thousands of FITS keywords stays far below. */
const maximumHeaderBytes = 4 * 2 ** 20;

export async function writeCheckpoint(path: string, checkpoint: StackCheckpoint, state: Uint8Array): Promise<void> {
  const header = Buffer.from(JSON.stringify({ ...checkpoint, stateBytes: state.byteLength }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.byteLength);
  await writeDurably(path, async (handle) => {
    for (const chunk of [Buffer.from(magic), length, header, state]) await writeAll(handle, chunk);
  });
}

/** Reads and checks the header, then hands it over with a function that fills a view with the state. */
export async function readCheckpoint(
  path: string,
  use: (checkpoint: StackCheckpoint, read: (state: Uint8Array) => Promise<void>) => Promise<void>,
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
    const header = Buffer.alloc(headerBytes);
    await read(header, 12);
    const { checkpoint, stateBytes } = parseHeader(header, broken);
    if (size !== 12 + headerBytes + stateBytes) broken('its size is not what its header says');
    await use(checkpoint, async (state) => {
      if (state.byteLength !== stateBytes) broken('its pixels do not fit its size');
      await read(state, 12 + headerBytes);
    });
  } finally {
    await handle.close();
  }
}

function parseHeader(
  header: Buffer,
  broken: (why: string) => never,
): { checkpoint: StackCheckpoint; stateBytes: number } {
  let parsed: Partial<StackCheckpoint> & { stateBytes?: number };
  try {
    parsed = JSON.parse(header.toString('utf8'));
  } catch {
    return broken('its header is damaged');
  }
  const { mode, hotPixels, cometTail, shape, summary, frames, stateBytes } = parsed ?? {};
  const whole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  const sound =
    ['max', 'min', 'sum', 'mean'].includes(mode as string) &&
    ['off', 'robust', 'defect-map', 'dark'].includes(hotPixels as string) &&
    Number.isFinite(cometTail) &&
    shape &&
    whole(shape.width) &&
    whole(shape.height) &&
    shape.width * shape.height >= 1 &&
    (shape.channels === 1 || shape.channels === 3) &&
    shape.width * shape.height * shape.channels <= maximumPixels &&
    [null, 'RGGB', 'BGGR', 'GRBG', 'GBRG'].includes(shape.bayer) &&
    ['u8', 'u16', 'f32'].includes(shape.pixelType) &&
    ['linear', 'srgb'].includes(shape.transfer) &&
    frames &&
    whole(frames.count) &&
    frames.count > 0 &&
    whole(frames.scoredFrames) &&
    whole(stateBytes) &&
    soundSummary(summary);
  if (!sound) return broken('its header is damaged');
  return { checkpoint: parsed as StackCheckpoint, stateBytes: stateBytes! };
}

/** Every field of a summary is there and of the kind that an empty one shows (or null where that may be). */
function soundSummary(summary: StackSummary | undefined): boolean {
  if (!summary || typeof summary !== 'object' || typeof summary.first !== 'object' || !summary.first) return false;
  const text = (value: unknown) => value === null || (typeof value === 'string' && !Number.isNaN(Date.parse(value)));
  const number = (value: unknown) => value === null || Number.isFinite(value);
  const model = emptySummary();
  return (
    text(summary.start) &&
    text(summary.end) &&
    number(summary.exposureSeconds) &&
    number(summary.timeUncertaintySeconds) &&
    number(summary.first.blackLevel ?? null) &&
    (['frames', 'added', 'temperatureSum', 'temperatures', 'whiteLevel', 'precisionLost'] as const).every(
      (name) => typeof summary[name] === typeof model[name],
    )
  );
}
