/** The film of a night: its frames gather as JPEGs on the disk, each whole, and become a film at the end or in between. */
import { access } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Frame } from '../frame/frame.ts';
import { renderPreview } from '../frame/preview.ts';
import { writeDurably } from '../process/durable.ts';
import { NightflowError } from '../process/errors.ts';
import { endOf } from './backwards.ts';
import { buildFilmInPieces } from './film-pieces.ts';
import { listFolder } from './night-folder.ts';
import { beginProduct, NightProduct, type ProductState, readProductState } from './night-product.ts';
import { type FilmOptions, filmWidth } from './timelapse.ts';

export interface FilmPictureOptions {
  /** Pixels across, at most; that of the night's first frame counts. */
  width: number;
  stretch: 'none' | 'auto';
  drc: 'off' | 'low' | 'medium' | 'high';
  jpegQuality: number;
}

export class Film extends NightProduct {
  private pictures: string[];

  private constructor(folder: string, state: ProductState, pictures: string[]) {
    super(folder, state);
    this.pictures = pictures;
  }

  get frames(): number {
    return this.pictures.length;
  }

  get lastEnd(): number | null {
    return this.pictures.length > 0 ? nameParts(this.pictures.at(-1)!).end : null;
  }

  /** Takes up a night's frames; null when there are none. */
  static async open(folder: string): Promise<Film | null> {
    const state = await readProductState(folder);
    if (!state) return null;
    const names = (await listFolder(join(folder, 'frames'))).filter((name) => pictureName.test(name));
    return new Film(
      folder,
      state,
      names.sort().map((name) => join(folder, 'frames', name)),
    );
  }

  /** Begins a night's film. The first frame fixes its size. */
  static async begin(folder: string, night: string, frame: Frame, { width }: FilmPictureOptions): Promise<Film> {
    const shape = { frameWidth: frame.width, frameHeight: frame.height, width: filmWidth(frame, width) };
    return new Film(folder, await beginProduct(folder, night, frame, shape), []);
  }

  /** Adds a frame; it is on the disk when this resolves. @throws bad-input for another size than the first frame's, disk-full */
  async add(frame: Frame, options: FilmPictureOptions, signal?: AbortSignal): Promise<void> {
    const { frameWidth, frameHeight, width } = this.state.shape;
    if (frame.width !== frameWidth || frame.height !== frameHeight)
      throw new NightflowError(
        'bad-input',
        `A frame of ${frame.width} x ${frame.height} does not fit into a film of ${frameWidth} x ${frameHeight} frames.`,
        { remedy: 'Send frames of one size; after reset a film of another size can begin.' },
      );
    const { stretch, drc, jpegQuality } = options;
    const { jpeg } = await renderPreview(frame, { width, stretch, drc, quality: jpegQuality, signal });
    const last = this.pictures.at(-1);
    const number = last ? nameParts(last).number + 1 : 1;
    const end = endOf(frame);
    const name = `${String(number).padStart(6, '0')}${end === null ? '' : `_${Math.round(end)}`}.jpg`;
    const path = join(this.folder, 'frames', name);
    await writeDurably(path, [jpeg]);
    this.pictures.push(path);
  }

  /**
   * Makes the film of what is there, in place of a shorter one; one that holds all frames stays as it is. The frames stay.
   * @param final The night is over. @throws as buildFilm
   */
  async build(path: string, options: FilmOptions, final: boolean): Promise<void> {
    const pictures = this.pictures.slice();
    const complete = path === this.state.path && pictures.length === this.state.finishedFrames;
    const there = () =>
      access(path).then(
        () => true,
        () => false,
      );
    if (!complete || !(await there())) await buildFilmInPieces(pictures, path, join(this.folder, 'pieces'), options);
    await this.made(path, pictures.length, final);
  }
}

/** 000042_1768255505000.jpg: its number and when its exposure ended, UTC ms, so that both are known after a crash. */
const pictureName = /^(\d{6,})(?:_(\d+))?\.jpg$/;

function nameParts(path: string): { number: number; end: number | null } {
  const [, number, end] = pictureName.exec(basename(path))!;
  return { number: Number(number), end: end === undefined ? null : Number(end) };
}
