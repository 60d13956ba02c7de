/** The worker's side of SER films: single pictures out of a file, and RGB planes woven into pixels for one. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { asNightflowError, NightflowError } from '../process/errors.ts';
import { isoOf } from './fits/values.ts';
import { allocatePixels, type BayerPattern, Frame, type FrameFields } from './frame.ts';
import {
  microsecondsOf,
  parseSerHeader,
  type SerHeader,
  serFrameBytes,
  serHeaderBytes,
  serPlanes,
} from './ser-header.ts';

export interface SerFilm extends SerHeader {
  /** Whole pictures that are in the file, whatever its header says. */
  whole: number;
  /** ISO 8601 UTC of each, from the trailer; empty when there is none or it is cut off, null for a time that can't be. */
  times: (string | null)[];
}

const remedy = 'Copy the film again from where it came, or take a picture further to its beginning.';

export const film = ({ path }: { path: string }): SerFilm => withSer(path, (_fd, described) => described);

export function picture({ path, index }: { path: string; index: number }): FrameFields {
  return withSer(path, (fd, header) => {
    if (!Number.isInteger(index) || index < 0 || index >= header.whole)
      throw new NightflowError(
        'bad-input',
        `${path} has no picture ${index}: ${header.whole} of ${header.frames} are whole, counted from 0.`,
        { remedy },
      );
    const planes = serPlanes(header);
    const wide = header.depth > 8;
    const data = allocatePixels(header.width, header.height, planes, wide ? 'u16' : 'u8');
    const bytes = Buffer.from(data as unknown as ArrayBuffer);
    readAll(fd, bytes, serHeaderBytes + index * bytes.length, path);
    const samples = wide ? new Uint16Array(data) : new Uint8Array(data);
    if (wide && isBigEndian(header, samples as Uint16Array)) bytes.swap16();
    if (planes === 3) unweave(samples, header.colour === 'BGR');
    const time = header.times[index] ?? (index === 0 && header.start !== null ? isoOf(header.start) : null);
    const highest = 2 ** header.depth - 1;
    const keywords = [
      { name: 'OBSERVER', value: header.observer },
      { name: 'TELESCOP', value: header.telescope },
    ].filter(({ value }) => value !== '');
    return {
      ...new Frame({
        data,
        width: header.width,
        height: header.height,
        channels: planes,
        bayer: planes === 3 || header.colour === 'mono' ? null : (header.colour as BayerPattern),
        pixelType: wide ? 'u16' : 'u8',
        // Programs that shift 12 bits up to 16 still write 12.
        whiteLevel: exceeds(samples, highest) ? (wide ? 65535 : 255) : highest,
        start: time,
        timeSource: time === null ? null : 'file',
        camera: header.instrument || null,
        number: index + 1,
        source: path,
        keywords,
      }),
    };
  });
}

function exceeds(samples: Uint8Array | Uint16Array, highest: number): boolean {
  for (let i = 0; i < samples.length; i++) if (samples[i]! > highest) return true;
  return false;
}

/** R, G and B planes to pixels of R G B, as SER stores colour. */
export function weave({ data, wide }: { data: SharedArrayBuffer; wide: boolean }): { data: SharedArrayBuffer } {
  const source = wide ? new Uint16Array(data) : new Uint8Array(data);
  const woven = new SharedArrayBuffer(data.byteLength);
  const target = wide ? new Uint16Array(woven) : new Uint8Array(woven);
  const count = source.length / 3;
  for (let i = 0; i < count; i++) {
    target[3 * i] = source[i]!;
    target[3 * i + 1] = source[count + i]!;
    target[3 * i + 2] = source[2 * count + i]!;
  }
  return { data: woven };
}

function unweave(samples: Uint8Array | Uint16Array, blueFirst: boolean): void {
  const woven = samples.slice();
  const count = samples.length / 3;
  for (let plane = 0; plane < 3; plane++) {
    const from = blueFirst ? 2 - plane : plane;
    for (let i = 0; i < count; i++) samples[plane * count + i] = woven[3 * i + from]!;
  }
}

/**
 * Whether the samples, read as little-endian, are the wrong way round. Programs write LittleEndian = 0 and mean little; what
 * a 1 means differs between them, so the picture itself decides: the right order exceeds the depth less and is smoother.
 */
function isBigEndian({ littleEndian, depth, colour }: SerHeader, samples: Uint16Array): boolean {
  if (littleEndian === 0) return false;
  const step = serPlanes({ colour }) === 3 ? 3 : colour === 'mono' ? 1 : 2;
  const highest = 2 ** depth - 1;
  const swap = (value: number) => ((value & 0xff) << 8) | (value >> 8);
  let [little, big] = [0, 0];
  for (let i = 0; i + step < samples.length; i++) {
    const [a, b] = [samples[i]!, samples[i + step]!];
    little += Math.abs(a - b) + (a > highest ? 65536 : 0);
    big += Math.abs(swap(a) - swap(b)) + (swap(a) > highest ? 65536 : 0);
  }
  return big < little;
}

function withSer<T>(path: string, use: (fd: number, film: SerFilm) => T): T {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    throw asNightflowError(error, `${path} can't be opened`);
  }
  try {
    const { size } = fstatSync(fd);
    const bytes = Buffer.alloc(Math.min(serHeaderBytes, size));
    readAll(fd, bytes, 0, path);
    const header = parseSerHeader(bytes, path);
    const each = serFrameBytes(header);
    const there = Math.floor((size - serHeaderBytes) / each);
    // Without a count (a recorder that crashed) the length tells; then no trailer was written.
    const whole = header.frames === 0 ? there : Math.min(header.frames, there);
    return use(fd, { ...header, whole, times: header.frames === 0 ? [] : readTimes(fd, header, each, size, path) });
  } catch (error) {
    throw asNightflowError(error, `Reading ${path} failed`);
  } finally {
    closeSync(fd);
  }
}

function readTimes(fd: number, { frames }: SerHeader, each: number, size: number, path: string): (string | null)[] {
  const at = serHeaderBytes + frames * each;
  if (at + frames * 8 > size) return [];
  const trailer = Buffer.alloc(frames * 8);
  readAll(fd, trailer, at, path);
  return Array.from({ length: frames }, (_, i) => {
    const time = microsecondsOf(trailer.readBigInt64LE(8 * i));
    return time === null ? null : isoOf(time);
  });
}

function readAll(fd: number, target: Buffer, position: number, path: string): void {
  for (let done = 0; done < target.length; ) {
    const got = readSync(fd, target, done, target.length - done, position + done);
    if (got === 0) throw new NightflowError('bad-input', `${path} ends in the middle of a picture.`, { remedy });
    done += got;
  }
}
