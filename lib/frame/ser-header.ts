/** The header of a SER film: 178 bytes, little-endian (SER format description version 3, H. Wilkens). */
import { NightflowError } from '../process/errors.ts';
import type { BayerPattern } from './frame.ts';

export type SerColour = 'mono' | BayerPattern | 'RGB' | 'BGR';

export interface SerHeader {
  colour: SerColour;
  width: number;
  height: number;
  /** Bits per sample, 1 to 16; more than 8 take two bytes. */
  depth: number;
  /** As the header counts them: 0, or more than there are, after a crash. */
  frames: number;
  /** The header's LittleEndian field as it stands. Nearly all programs write 0 and mean little-endian samples. */
  littleEndian: number;
  observer: string;
  instrument: string;
  telescope: string;
  /** UTC of the beginning, microseconds since 1970; null when not given. */
  start: number | null;
}

export const serHeaderBytes = 178;

const colourIds: readonly (readonly [number, SerColour])[] = [
  ...([
    [0, 'mono'],
    [8, 'RGGB'],
    [9, 'GRBG'],
    [10, 'GBRG'],
    [11, 'BGGR'],
    [100, 'RGB'],
    [101, 'BGR'],
  ] as const),
];

export const serPlanes = ({ colour }: Pick<SerHeader, 'colour'>): 1 | 3 =>
  colour === 'RGB' || colour === 'BGR' ? 3 : 1;

/** Bytes of one picture. */
export const serFrameBytes = (header: Pick<SerHeader, 'colour' | 'width' | 'height' | 'depth'>): number =>
  header.width * header.height * serPlanes(header) * (header.depth > 8 ? 2 : 1);

/** @throws bad-input for what is no SER film or lies about its size, unsupported for complementary-colour mosaics. */
export function parseSerHeader(bytes: Buffer, path: string): SerHeader {
  // 'LUCAM-RECORDER' by the book, 'INDI-RECORDER', 'PlayerOne…': programs put in their own names.
  if (bytes.length < serHeaderBytes || !/^[\x20-\x7e]{0,14}RECORDER/.test(bytes.toString('latin1', 0, 14)))
    throw new NightflowError('bad-input', `${path} is not a SER film: its first bytes are not those of one.`, {
      remedy: 'Check that it is the file you meant, and whole.',
    });
  const colourId = bytes.readInt32LE(18);
  const colour = colourIds.find(([id]) => id === colourId)?.[1];
  if (colour === undefined)
    throw new NightflowError('unsupported', `${path} has the colours ${colourId}, which are not known here.`, {
      remedy: 'Mono, Bayer, RGB and BGR films can be read.',
    });
  const [width, height, depth] = [26, 30, 34].map((at) => bytes.readInt32LE(at)) as [number, number, number];
  if (width < 1 || height < 1 || width > 100_000 || height > 100_000 || depth < 1 || depth > 16)
    throw new NightflowError(
      'bad-input',
      `The header of ${path} can't be right: ${width} x ${height}, ${depth} bits.`,
      {
        remedy: 'Copy the file again from where it came.',
      },
    );
  const text = (at: number) =>
    bytes
      .toString('latin1', at, at + 40)
      .replace(/\0.*$/s, '')
      .trim();
  return {
    colour,
    width,
    height,
    depth,
    frames: Math.max(0, bytes.readInt32LE(38)),
    littleEndian: bytes.readInt32LE(22),
    observer: text(42),
    instrument: text(82),
    telescope: text(122),
    start: microsecondsOf(bytes.readBigInt64LE(170)),
  };
}

/** LittleEndian is written 0: the word says the contrary of what programs take it for. Both dates are the UTC one. */
export function formatSerHeader(header: SerHeader): Buffer {
  const bytes = Buffer.alloc(serHeaderBytes);
  bytes.write('LUCAM-RECORDER', 0, 'latin1');
  const id = colourIds.find(([, colour]) => colour === header.colour)![0];
  for (const [at, value] of [
    [18, id],
    [22, 0],
    [26, header.width],
    [30, header.height],
    [34, header.depth],
    [38, header.frames],
  ] as const)
    bytes.writeInt32LE(value, at);
  for (const [at, text] of [
    [42, header.observer],
    [82, header.instrument],
    [122, header.telescope],
  ] as const)
    bytes.write(text.replace(/[^ -~]/g, '?').slice(0, 40), at, 'latin1');
  for (const at of [162, 170]) bytes.writeBigInt64LE(ticksOf(header.start), at);
  return bytes;
}

/** 100 ns ticks from 0001-01-01 to 1970-01-01. */
const epochTicks = 621_355_968_000_000_000n;

export const ticksOf = (microseconds: number | null): bigint =>
  microseconds === null ? 0n : epochTicks + BigInt(microseconds) * 10n;

/** Null for times that no camera recorded (programs leave zeros, or years of a wrong count). */
export function microsecondsOf(ticks: bigint): number | null {
  const microseconds = Number((ticks - epochTicks) / 10n);
  const years = microseconds / 31_556_952e6 + 1970;
  return years > 1990 && years < 2200 ? microseconds : null;
}
