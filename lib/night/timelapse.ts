/** Turns JPEGs into a film with ffmpeg: H.264 that every phone plays, or the JPEGs as they are (MJPEG). */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { feedProgram, runProgram } from '../process/child.ts';
import { partialSuffix, publishDurably } from '../process/durable.ts';
import { asNightflowError, NightflowError } from '../process/errors.ts';

/** What phones decode without stutter; stretched noise at a constant quality alone would take 65 Mbit/s (measured, 12 Mpx night). */
const highestMegabits = 24;

export interface FilmOptions {
  codec: 'h264' | 'mjpeg';
  framesPerSecond: number;
  /** H.264 without a bit rate: constant quality, 0 (best) to 51; 20 is good. */
  quality: number;
  /** Megabits per second; null lets `quality` decide. H.264 only. */
  megabitsPerSecond: number | null;
  /** Evens out brightness that jumps from frame to frame. */
  deflicker: boolean;
  /** Of ffmpeg, when it is not in the path. */
  program?: string;
  signal?: AbortSignal;
  onProgress?: (framesDone: number, frames: number) => void;
}

export const filmExtension = (codec: FilmOptions['codec']): string => (codec === 'h264' ? '.mp4' : '.avi');

/** No phone decodes more in hardware for sure. */
export const largestFilm = { width: 3840, height: 2160 };

/** Width to render a frame at so that its film fits into `largestFilm` and `width`, even, never larger than the frame. */
export function filmWidth(frame: { width: number; height: number }, width: number): number {
  const across = Math.min(width, frame.width, largestFilm.width, (largestFilm.height * frame.width) / frame.height);
  return Math.max(2, Math.floor(across / 2) * 2);
}

/**
 * Makes `path` of the JPEGs, all of one size, in their order; an older file of that name is replaced when the film is whole.
 * @throws missing (ffmpeg is not installed: the remedy is the line to type), disk-full, failed, timeout, aborted, lost
 */
export async function buildFilm(pictures: readonly string[], path: string, options: FilmOptions): Promise<void> {
  const { signal, onProgress, program = 'ffmpeg' } = options;
  if (pictures.length === 0) throw new NightflowError('bad-input', 'A film needs at least one frame.');
  let done = 0;
  await publishing(path, { done: () => done, frames: pictures.length }, async (partial) => {
    const bytes = (await stat(pictures[0]!)).size * pictures.length;
    await feedProgram(program, parameters(options, partial), contents(pictures), {
      ...running(bytes),
      signal,
      onLine: (line) => {
        const frame = /^frame=\s*(\d+)/.exec(line);
        if (!frame) return;
        done = Math.min(pictures.length, Number(frame[1]));
        onProgress?.(done, pictures.length);
      },
    });
  });
}

/**
 * Puts H.264 films of one kind behind each other without encoding them again.
 * @param list A file of ffmpeg's concat format beside the pieces. @param bytes Of all pieces. @throws as buildFilm
 */
export async function joinFilms(
  list: string,
  path: string,
  {
    frames,
    bytes,
    signal,
    program = 'ffmpeg',
  }: { frames: number; bytes: number } & Pick<FilmOptions, 'signal' | 'program'>,
): Promise<void> {
  await publishing(path, { done: () => frames, frames }, async (partial) => {
    const input = ['-f', 'concat', '-safe', '0', '-i', list];
    await runProgram(program, [...quiet, ...input, '-c', 'copy', ...streamable, partial], {
      ...running(bytes),
      signal,
    });
  });
}

/** Writes under another name, so that the film is there whole or not at all, and explains what went wrong. */
async function publishing(
  path: string,
  progress: { done: () => number; frames: number },
  write: (partial: string) => Promise<void>,
): Promise<void> {
  const partial = `${path}.${randomBytes(4).toString('hex')}${partialSuffix}`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await write(partial);
    await publishDurably(partial, path);
  } catch (thrown) {
    await unlink(partial).catch(() => {});
    throw explained(asNightflowError(thrown), progress.done(), progress.frames);
  }
}

/** A Pi needs seconds for a large picture; moving the index to the front copies the whole film once, at 5 MB/s or more. */
const running = (bytes: number) => ({ aptPackage: 'ffmpeg', background: true, silenceSeconds: 60 + bytes / 5e6 });

async function* contents(pictures: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const picture of pictures) yield await readFile(picture);
}

function parameters(options: FilmOptions, output: string): string[] {
  const { codec, framesPerSecond, quality, megabitsPerSecond, deflicker } = options;
  const input = ['-f', 'image2pipe', '-c:v', 'mjpeg', '-framerate', String(framesPerSecond), '-i', 'pipe:0'];
  const flicker = deflicker ? ['deflicker=mode=pm:size=10'] : [];
  const encode =
    codec === 'mjpeg'
      ? deflicker
        ? ['-vf', flicker.join(','), '-c:v', 'mjpeg', '-q:v', '3', '-f', 'avi']
        : ['-c:v', 'copy', '-f', 'avi']
      : [
          ...['-vf', [...flicker, evenSize, videoColours].join(',')],
          ...['-c:v', 'libx264', '-preset', 'veryfast'],
          ...(megabitsPerSecond === null
            ? ['-crf', String(quality), '-maxrate', `${highestMegabits}M`, '-bufsize', `${2 * highestMegabits}M`]
            : ['-b:v', `${Math.round(megabitsPerSecond * 1000)}k`]),
          ...['-pix_fmt', 'yuv420p', '-color_range', 'tv'],
          ...['-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709'],
          ...streamable,
        ];
  return [...quiet, ...input, '-an', ...encode, output];
}

const quiet = ['-hide_banner', '-nostdin', '-y', '-loglevel', 'error', '-progress', 'pipe:1', '-nostats'];
/** The index stands in front; the format is told, as the name of an unfinished file doesn't. */
const streamable = ['-movflags', '+faststart', '-f', 'mp4'];
/** 4:2:0 needs even sides. */
const evenSize = 'crop=trunc(iw/2)*2:trunc(ih/2)*2';
/** JPEG is BT.601 over the full range (JFIF); players take films for BT.709 in the video range. */
const videoColours = 'scale=in_color_matrix=bt601:in_range=full:out_color_matrix=bt709:out_range=tv';

function explained(error: NightflowError, done: number, frames: number): NightflowError {
  if (error.code === 'aborted' || error.code === 'bad-input') return error;
  if (error.code === 'missing')
    return new NightflowError('missing', `The film was not made: ${error.message}`, {
      remedy: error.remedy,
      cause: error,
    });
  const full = /No space left on device/i.test(error.message);
  return new NightflowError(
    full ? 'disk-full' : error.code,
    `The film was not made (${done} of ${frames} frames were in it): ${error.message}`,
    {
      remedy: full
        ? 'Free some space on the disk, then send finish.'
        : 'The frames are kept: send finish to try again.',
      cause: error,
    },
  );
}
