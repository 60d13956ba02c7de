import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { confine, freeBytes, writeDurably } from '../../lib/process/durable.ts';
import { asNightflowError, NightflowError } from '../../lib/process/errors.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-durable-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('writes a file whole, makes its folders, and leaves nothing else behind', async () => {
  const path = join(folder, 'a', 'b.bin');
  await writeDurably(path, [new Uint8Array([1, 2]), new Uint8Array([3])]);
  expect([...(await readFile(path))]).toEqual([1, 2, 3]);
  expect(await readdir(join(folder, 'a'))).toEqual(['b.bin']);
});

it('keeps the older file and removes the part when writing fails', async () => {
  const path = join(folder, 'kept.txt');
  await writeFile(path, 'older');
  const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  const failing = writeDurably(path, async (handle) => {
    await handle.write('half');
    throw full;
  });
  await expect(failing).rejects.toMatchObject({ code: 'disk-full', message: expect.stringContaining(path) });
  expect(await readFile(path, 'utf8')).toBe('older');
  expect(await readdir(folder)).toEqual(['kept.txt']);
});

it.each(['../out.fits', '/etc/passwd', 'a/../../out', '', '.', 'nul\0byte'])('refuses the name %j', (name) => {
  expect(() => confine(folder, name)).toThrow(NightflowError);
});

it('lets names inside through', () => {
  expect(confine(folder, '2026-03-14/..trail.fits')).toBe(join(folder, '2026-03-14/..trail.fits'));
});

it('knows the free space of a folder that is not made yet', async () => {
  expect(await freeBytes(join(folder, 'not', 'yet'))).toBeGreaterThan(0);
});

it('gives whatever was thrown a code', () => {
  expect(asNightflowError('a thrown string')).toMatchObject({ code: 'failed', message: 'a thrown string' });
  expect(asNightflowError(new DOMException('x', 'AbortError'))).toMatchObject({ code: 'aborted' });
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  expect(asNightflowError(full, 'Writing')).toMatchObject({
    code: 'disk-full',
    message: 'Writing: no space left on device.',
  });
});
