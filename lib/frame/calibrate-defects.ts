/** Defect maps: bad pixels found in a master dark (and flat), kept in a file, mended in every frame. */
import { extname } from 'node:path';
import { job, sharedPool } from '../kernels/pool.ts';
import { writeDurably } from '../process/durable.ts';
import { NightflowError } from '../process/errors.ts';
import type { FindInput, FoundDefects } from './calibrate-defects.job.ts';
import { writeFits } from './fits/write.ts';
import { allocatePixels, Frame } from './frame.ts';
import { readFrame } from './read.ts';

export interface DefectMap {
  width: number;
  height: number;
  /** Indices (u32, ascending) of one plane: y x width + x from the top left; planes of RGB share them. */
  indices: SharedArrayBuffer;
  /** The file it came from, or null. */
  source: string | null;
}

export interface FindDefectsOptions {
  /** A pixel of the dark is hot or cold when it stands this many sigma above or below its neighbours; 8 when absent. */
  hotSigma?: number;
  coldSigma?: number;
  /** A flat shows pixels that answer to light by this part (0...1) more or less than their neighbours; 0.3 when absent. */
  flat?: Frame;
  flatDeviation?: number;
  signal?: AbortSignal;
}

const module = new URL('./calibrate-defects.job.ts', import.meta.url);
const findJob = job<FindInput, FoundDefects>(module, 'find');
const textJob = job<DefectMap, string>(module, 'toText');
const parseJob = job<{ path: string }, Omit<DefectMap, 'source'>>(module, 'parse');
const maskJob = job<{ map: DefectMap; target: SharedArrayBuffer }, void>(module, 'toMask');
const listJob = job<Frame, SharedArrayBuffer>(module, 'listMask');

const usualSigma = 8;
const usualFlatDeviation = 0.3;

/**
 * Compares each pixel with its four neighbours of the same colour, so that the glow of an amplifier is no defect. At most 1 %
 * of the pixels is listed, those that stand out most; `limited` says that there were more.
 * @throws bad-input for colour planes, or a flat of another size.
 */
export async function findDefects(
  dark: Frame,
  {
    hotSigma = usualSigma,
    coldSigma = usualSigma,
    flat,
    flatDeviation = usualFlatDeviation,
    signal,
  }: FindDefectsOptions = {},
): Promise<{ map: DefectMap; hot: number; cold: number; limited: boolean }> {
  const { width, height } = dark;
  if (dark.channels !== 1 || (flat && flat.channels !== 1))
    throw new NightflowError('bad-input', 'Defects are looked for before the colours are made.', {
      remedy: 'Give a mono or Bayer dark.',
    });
  if (flat && (flat.width !== width || flat.height !== height))
    throw new NightflowError(
      'bad-input',
      `A flat of ${flat.width} x ${flat.height} does not fit a dark of ${width} x ${height}.`,
    );
  const { indices, ...found } = await sharedPool().run(
    findJob,
    {
      dark: { data: dark.data, pixelType: dark.pixelType },
      flat: flat ? { data: flat.data, pixelType: flat.pixelType, black: flat.blackLevel } : null,
      width,
      height,
      colourStep: dark.bayer ? 2 : 1,
      hotSigma,
      coldSigma,
      flatDeviation,
    },
    { signal },
  );
  return { map: { width, height, indices, source: null }, ...found };
}

/** `.fits`: a mask of 8 bit, 1 for a defect. Any other name: text, one `point x y` a line, 0-based from the top left. */
export async function writeDefects(map: DefectMap, path: string): Promise<void> {
  const { width, height } = map;
  if (!isFits(path)) return writeDurably(path, [Buffer.from(await sharedPool().run(textJob, map))]);
  const target = allocatePixels(width, height, 1, 'u8');
  await sharedPool().run(maskJob, { map, target });
  await writeFits(new Frame({ data: target, width, height, pixelType: 'u8', whiteLevel: 1 }), path);
}

/**
 * Reads what `writeDefects` writes. Text may also say `column x` and `row y`; # begins a comment. In a mask every pixel that
 * isn't 0 is a defect. @throws bad-input for another format, places outside the picture, or more than 5 % of it.
 */
export async function readDefects(path: string, { signal }: { signal?: AbortSignal } = {}): Promise<DefectMap> {
  if (!isFits(path)) return { ...(await sharedPool().run(parseJob, { path }, { signal })), source: path };
  const mask = await readFrame(path, { signal });
  const { width, height } = mask;
  if (mask.channels !== 1) throw new NightflowError('bad-input', `${path} is no mask of defects: it has three planes.`);
  return { width, height, indices: await sharedPool().run(listJob, mask, { signal }), source: path };
}

/** @throws bad-input when the map is of another size. */
export function requireFit(map: DefectMap, frame: Frame): void {
  if (map.width === frame.width && map.height === frame.height) return;
  throw new NightflowError(
    'bad-input',
    `The defect map ${map.source ?? ''} is for ${map.width} x ${map.height} pixels, ${frame.source ?? 'the frame'} has ${frame.width} x ${frame.height} (NAXIS1, NAXIS2).`,
    { remedy: 'Make one from a dark of this size and binning.' },
  );
}

const isFits = (path: string): boolean => ['.fits', '.fit', '.fts', '.fz'].includes(extname(path).toLowerCase());
