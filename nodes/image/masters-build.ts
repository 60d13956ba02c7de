/** Building masters at a calibrate node: frames are put aside as they arrive, or a folder is named; each setting becomes one file. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findDefects, writeDefects } from '../../lib/frame/calibrate-defects.ts';
import { writeFits } from '../../lib/frame/fits/write.ts';
import type { Frame } from '../../lib/frame/frame.ts';
import type { MasterKind, MasterOptions } from '../../lib/frame/master.ts';
import type { LibraryEntry } from '../../lib/frame/master-library.ts';
import { buildMasters, groupFrames } from '../../lib/frame/master-set.ts';
import { listFolder } from '../../lib/night/night-folder.ts';
import { NightflowError, throwIfAborted } from '../../lib/process/errors.ts';

export interface BuildPlan extends Pick<MasterOptions, 'rejection' | 'combine' | 'kappaLow' | 'kappaHigh' | 'signal'> {
  /** 'auto': as the frames say. */
  kind: MasterKind | 'auto';
  /** Folder that the masters are saved in. */
  folder: string;
  /** Also save a defect map of each dark. */
  defectMap: boolean;
  /** Masters for the flats. */
  library: readonly LibraryEntry[];
  onProgress?: (name: string, part: number) => void;
}

export interface Built {
  frame: Frame;
  path: string;
  kind: MasterKind;
  frames: number;
  rejectedFraction: number;
  warnings: string[];
  defects: { path: string; hot: number; cold: number } | null;
}

/** More frames than this are a mistake in the wiring. */
const mostFrames = 2000;
const kindKeywords = new Set(['IMAGETYP', 'FRAMETYP', 'OBSTYPE', 'FRAME']);

/** Frames put aside on the disk, so that a hundred of them need no memory and a restart loses none. */
export class PutAside {
  private readonly folder: string;
  private next: number | null = null;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Puts a frame aside; answers how many there are. A kind that the user named counts for more than the camera's. */
  async add(frame: Frame, kind: MasterKind | 'auto'): Promise<number> {
    const own =
      kind === 'auto'
        ? frame
        : frame.with({ kind, keywords: frame.keywords.filter(({ name }) => !kindKeywords.has(name)) });
    if (own.kind === 'light')
      throw new NightflowError('bad-input', `${frame} is a light: no master can be made of it.`, {
        remedy: 'Say in the dialog which kind of frames these are.',
      });
    const count = (await this.paths()).length;
    if (count >= mostFrames)
      throw new NightflowError('bad-input', `${count} frames wait already.`, { remedy: 'Send finish first.' });
    this.next ??= 1 + Math.max(0, ...(await this.paths()).map((path) => Number.parseInt(path.slice(-11), 10) || 0));
    await writeFits(own, join(this.folder, `${String(this.next++).padStart(6, '0')}.fits`));
    return count + 1;
  }

  async paths(): Promise<string[]> {
    return (await listFolder(this.folder))
      .filter((name) => /^\d{6}\.fits$/.test(name))
      .sort()
      .map((name) => join(this.folder, name));
  }

  async clear(): Promise<void> {
    this.next = null;
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Builds and saves the masters of some files, one after the other. @throws as buildMasters, writeFits */
export async function* buildFrom(paths: readonly string[], plan: BuildPlan): AsyncGenerator<Built> {
  const { kind, folder, defectMap, library, onProgress, signal, ...rules } = plan;
  const { groups, passedOver } = await groupFrames(paths, { ...(kind === 'auto' ? {} : { only: kind }), signal });
  if (groups.length === 0 && passedOver.length > 0)
    throw new NightflowError('bad-input', `No master can be made: ${passedOver[0]!.path} ${passedOver[0]!.reason}.`, {
      remedy: 'Say in the dialog which kind of frames these are.',
    });
  let current = '';
  const options = { ...rules, signal, onProgress: (part: number) => onProgress?.(current, part) };
  current = groups[0]?.kind ?? '';
  for await (const { frame, group, name, warnings, rejectedLow, rejectedHigh } of buildMasters(
    groups,
    options,
    library,
  )) {
    throwIfAborted(signal);
    const path = join(folder, `master_${name}.fits`);
    await writeFits(frame, path);
    let defects: Built['defects'] = null;
    if (defectMap && group.kind === 'dark' && frame.channels === 1) {
      const { map, hot, cold } = await findDefects(frame, { signal });
      defects = { path: join(folder, `defects_${name}.txt`), hot, cold };
      await writeDefects(map, defects.path);
    }
    yield {
      frame: frame.with({ source: path }),
      path,
      kind: group.kind,
      frames: group.paths.length,
      rejectedFraction: rejectedLow + rejectedHigh,
      warnings,
      defects,
    };
    current = groups[groups.indexOf(group) + 1]?.kind ?? '';
  }
}
