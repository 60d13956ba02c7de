/**
 * The true sky for Debian's CCD simulator: it asks a program `gsc` for the stars of each picture. Ours (gsc/gsc) answers from the
 * catalogues of the package: to V 9.5, or as deep as Tycho-2 goes where data/deep.bin is there.
 */
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import { packageRoot } from '../../lib/process/package-root.ts';

export interface TrueSky {
  /** For the environment of an indiserver: `startWorld(roles, {}, sky.env)`, or `new IndiServer({ env: sky.env, … })`. */
  env: { PATH: string };
  /** The folder with the program. */
  folder: string;
  end(): Promise<void>;
}

const headerBytes = 24;

export async function trueSky(): Promise<TrueSky> {
  const folder = await mkdtemp(join(tmpdir(), 'nightflow-gsc-'));
  await copyFile(join(packageRoot, 'test', 'real', 'gsc', 'gsc'), join(folder, 'gsc'));
  await writeFile(join(folder, 'stars.bin'), await catalogue());
  return {
    env: { PATH: `${folder}:${process.env.PATH}` },
    folder,
    end: () => rm(folder, { recursive: true, force: true }),
  };
}

/** The deep one is kept compressed behind its header; a program that runs for 10 ms can't inflate it each time. */
async function catalogue(): Promise<Buffer> {
  const bytes = async (name: string) => readFile(join(packageRoot, 'data', name));
  const deep = await bytes('deep.bin').catch(() => null);
  if (deep === null || deep.readUInt16LE(4) !== 2) return bytes('stars.bin');
  const body = await promisify(inflateRaw)(deep.subarray(headerBytes));
  return Buffer.concat([deep.subarray(0, headerBytes), body]);
}
