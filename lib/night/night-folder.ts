/** Where the unfinished work of a node (its stack, its keogram, the frames of its film) waits for the end of the night or for a restart. */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '../process/durable.ts';
import { asNightflowError } from '../process/errors.ts';

/** The folder of a node's unfinished work; its leading dot keeps it out of listings. */
export const workFolder = (archiveFolder: string, nodeId: string): string =>
  join(archiveFolder, '.nightflow', 'work', nodeId.replace(/[^\w-]/g, '_'));

export interface WaitingNight {
  /** Of its folder: 2026-01-12, or 2026-01-12_2 for a night that a rehearsal began a second time. */
  name: string;
  night: string;
  number: number;
}

/** The nights that wait in a work folder, oldest first. */
export async function waitingNights(folder: string): Promise<WaitingNight[]> {
  const waiting: WaitingNight[] = [];
  for (const name of await listFolder(folder)) {
    const [, night, number = '1'] = /^(\d{4}-\d\d-\d\d)(?:_(\d+))?$/.exec(name) ?? [];
    if (night) waiting.push({ name, night, number: Number(number) });
  }
  return waiting.sort((a, b) => (a.night === b.night ? a.number - b.number : a.night < b.night ? -1 : 1));
}

/** Names in a folder; none when it is not there. @throws lost, failed for one that can't be read: it must not pass for an empty one. */
export async function listFolder(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw asNightflowError(error, `The folder ${folder} can't be read`);
  });
}

/** A small JSON file, or null when it is absent or not whole JSON (then it never was complete). */
export async function readState<State>(path: string): Promise<State | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as State;
  } catch {
    return null;
  }
}

export const writeState = (path: string, state: unknown): Promise<void> =>
  writeDurably(path, [Buffer.from(`${JSON.stringify(state)}\n`)]);

export const removeWork = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true });
