/** Keeps what a camera's clear sky looks like from night to night: one small file, whole or not at all. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '../process/durable.ts';
import { asNightflowError, NightflowError } from '../process/errors.ts';
import type { CloudWatch } from './clouds.ts';

/** Twelve references of the finest grid stay below it. */
const mostBytes = 8_000_000;

/** @param folder The node's work folder. */
export const clearSkyFile = (folder: string): string => join(folder, 'clear-sky.json');

/** Takes up what an earlier run learnt; without a file nothing is known yet. @throws lost, failed, bad-input for a file that can't be used: the watch learns anew. */
export async function recallClearSky(watch: CloudWatch, folder: string): Promise<void> {
  const path = clearSkyFile(folder);
  const refuse = (cause?: unknown) =>
    new NightflowError('bad-input', `${path} is no record of a clear sky: it is learnt anew.`, { cause });
  let text: string;
  try {
    if ((await stat(path)).size > mostBytes) throw refuse();
    text = await readFile(path, 'utf8');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw asNightflowError(thrown, `${path} can't be read`);
  }
  try {
    watch.restore(JSON.parse(text));
  } catch (cause) {
    throw refuse(cause);
  }
}

/** @throws disk-full, failed */
export async function keepClearSky(watch: CloudWatch, folder: string): Promise<void> {
  await writeDurably(clearSkyFile(folder), [Buffer.from(`${JSON.stringify(watch.save())}\n`)]);
}
