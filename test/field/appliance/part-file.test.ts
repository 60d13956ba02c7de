import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { claimPart, releasePart } from '../../../lib/field/appliance/part-file.ts';
import { temporaryFolder } from './counting-camera.ts';

it('takes over what a process of this machine left, never what another machine writes in the same folder', async () => {
  const path = join(await temporaryFolder(), 'a.fits');
  // No process has this number: Linux counts to 4194304.
  const elsewhere = `${path}.roof-4194999-0123abcd.part`;
  await writeFile(elsewhere, 'theirs');
  const own = await claimPart(path);
  await writeFile(own, 'ours');
  expect(await readFile(elsewhere, 'utf8')).toBe('theirs');
  // One that lives keeps its own; one that died leaves it.
  expect(await claimPart(path)).not.toBe(own);
  expect(await readFile(own, 'utf8')).toBe('ours');
  const dead = own.replace(`-${process.pid}-`, '-4194999-');
  await writeFile(dead, 'left');
  expect(await readFile(await claimPart(path), 'utf8')).toBe('left');
  await releasePart(own, path);
  expect(await readFile(await claimPart(path), 'utf8')).toBe('ours');
  expect(await readdir(join(path, '..'))).toContain('a.fits.roof-4194999-0123abcd.part');
});
