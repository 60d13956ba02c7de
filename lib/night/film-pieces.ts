/**
 * A long film out of pieces of some frames each that stay on the disk: made anew in the middle of the night only what is new is
 * encoded, and a film whose making was interrupted goes on where it was.
 */
import { createHash } from 'node:crypto';
import { readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '../process/durable.ts';
import { buildFilm, type FilmOptions, joinFilms } from './timelapse.ts';

/** Ten seconds of film at 25 frames a second: the border between two pieces costs one full picture. */
export const framesInPiece = 250;

/** As buildFilm. @param folder Where the pieces stay. @param pictures Those of an earlier call come first, unchanged. */
export async function buildFilmInPieces(
  pictures: readonly string[],
  path: string,
  folder: string,
  options: FilmOptions,
): Promise<void> {
  const { codec, onProgress } = options;
  if (codec !== 'h264' || pictures.length < 2 * framesInPiece) return buildFilm(pictures, path, options);
  const kind = join(folder, kindOf(options));
  const names: string[] = [];
  let bytes = 0;
  for (let from = 0; from < pictures.length; from += framesInPiece) {
    const part = pictures.slice(from, from + framesInPiece);
    const name = `${String(from).padStart(6, '0')}-${part.length}.mp4`;
    const piece = join(kind, name);
    const progress = (done: number) => onProgress?.(from + done, pictures.length);
    if ((await size(piece)) === null) await buildFilm(part, piece, { ...options, onProgress: progress });
    else progress(part.length);
    bytes += (await size(piece)) ?? 0;
    names.push(name);
  }
  // The names are ours and the list lies beside them, so nothing in it needs quoting.
  const list = join(kind, 'pieces.txt');
  await writeDurably(list, [Buffer.from(names.map((name) => `file ${name}\n`).join(''))]);
  await joinFilms(list, path, { ...options, frames: pictures.length, bytes });
  // The short piece at the end of an earlier film is of no more use.
  for (const name of await readdir(kind))
    if (name.endsWith('.mp4') && !names.includes(name)) await unlink(join(kind, name));
}

/** Pieces of other settings don't fit together. */
function kindOf({ framesPerSecond, quality, megabitsPerSecond, deflicker }: FilmOptions): string {
  const settings = JSON.stringify({ framesPerSecond, quality, megabitsPerSecond, deflicker });
  return createHash('sha256').update(settings).digest('hex').slice(0, 12);
}

const size = (path: string): Promise<number | null> =>
  stat(path).then(
    (status) => status.size,
    () => null,
  );
