import { execFile } from 'node:child_process';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { closeSharedPool } from '../../../lib/kernels/pool.ts';
import { NightflowError } from '../../../lib/process/errors.ts';
import registerSave from '../../../nodes/image/astro-save.ts';
import { smallFrame } from '../../night/small-frames.ts';
import { startImageFlow, stopImageFlow } from './image-flow.ts';

const call = promisify(execFile);
const disk = vi.hoisted(() => ({ injectedFull: false, mounted: '' }));
/** Where this user may not mount a small disk, the writer refuses as a full one would. */
vi.mock('../../../lib/frame/write.ts', async (original) => {
  const real = await original<typeof import('../../../lib/frame/write.ts')>();
  const writeFrame: typeof real.writeFrame = (...given) =>
    disk.injectedFull
      ? Promise.reject(new NightflowError('disk-full', 'Writing failed: ENOSPC', { remedy: 'Free some space.' }))
      : real.writeFrame(...given);
  return { ...real, writeFrame };
});

afterEach(async () => {
  if (disk.mounted) await call('umount', [disk.mounted]);
  disk.mounted = '';
  await stopImageFlow();
});
afterAll(closeSharedPool);

it('tells Catch about a full disk, leaves no half file, and saves again as soon as there is room', async () => {
  const flow = await startImageFlow(registerSave, 'astro-save', { template: 'small/{n}' });
  const small = join(flow.archiveFolder, 'small');
  await mkdir(small);
  const mounted = await call('mount', ['-t', 'tmpfs', '-o', 'size=200k', 'tmpfs', small]).then(
    () => true,
    () => false,
  );
  if (mounted) disk.mounted = small;
  const big = { width: 256, height: 256 }; // 128 kB
  flow.send('n', { frame: smallFrame(0, { ...big, number: 1 }) });
  await flow.sink('one').first();
  disk.injectedFull = !mounted;
  flow.send('n', { frame: smallFrame(5, { ...big, number: 2 }) });
  const { error } = await flow.sink('failures').first();
  expect(error).toMatchObject({ message: expect.stringMatching(/ENOSPC|space/i) });
  expect((await flow.status('n', 'red')).text).toMatch(/[Ff]ree some space/);
  expect(await readdir(small)).toEqual(['1.fits']);
  await rm(join(small, '1.fits'));
  disk.injectedFull = false;
  flow.send('n', { frame: smallFrame(10, { ...big, number: 3 }) });
  expect((await flow.sink('one').take(2))[1]!.payload).toBe(join(small, '3.fits'));
});
