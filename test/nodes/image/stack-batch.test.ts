import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import { readFits } from '../../../lib/frame/fits/read.ts';
import { writeFits } from '../../../lib/frame/fits/write.ts';
import { closeSharedPool } from '../../../lib/kernels/pool.ts';
import registerStack from '../../../nodes/image/astro-stack.ts';
import { expose, starField, turned } from '../../stars/integration-night.ts';
import { type ImageFlow, startImageFlow, stopImageFlow } from './image-flow.ts';

const [width, height] = [320, 240];
const stars = starField(width, height, 90);

let flow: ImageFlow;
beforeEach(async () => {
  flow = await startImageFlow(registerStack, 'astro-stack');
});
afterEach(stopImageFlow);
afterAll(closeSharedPool);

async function night(folder: string, count: number): Promise<string[]> {
  await mkdir(join(flow.archiveFolder, folder), { recursive: true });
  const names = Array.from({ length: count }, (_, i) => `${folder}/light_${i}.fits`);
  for (const [i, name] of names.entries())
    await writeFits(
      expose(stars, width, height, { seed: 700 + i, matrix: turned(width, height, i === 2 ? 180 : 0, 2 * i, -i) }),
      join(flow.archiveFolder, name),
    );
  return names;
}

it('integrates a folder of the archive and tells what became of each file', async () => {
  await night('m13', 5);
  await writeFile(join(flow.archiveFolder, 'm13', 'light_9.fits'), 'SIMPLE  = broken');
  flow.send('n', { files: 'm13', topic: 'M 13', rejectionMaps: true });
  const msg = await flow.sink('one').first();
  expect(msg).toMatchObject({ payload: 5, topic: 'M 13', frame: { combined: 5, width } });
  const { files } = msg.integration as {
    files: { file: string; used: boolean; flipped: boolean; reason: string | null }[];
  };
  expect(files.map(({ used }) => used)).toEqual([true, true, true, true, true, false]);
  expect(files.filter(({ flipped }) => flipped).length).toBeGreaterThan(0);
  expect(files[5]!.reason).toMatch(/light_9\.fits/);
  expect(msg.lowMap).toMatchObject({ pixelType: 'f32' });
  expect(msg.files).toBeUndefined();
  const progress = flow.sink('two').messages;
  expect(progress.length).toBeGreaterThan(3);
  expect(progress.every(({ event, topic }) => event === 'progress' && topic === 'M 13')).toBe(true);
  expect(progress.at(-1)!.payload).toBe(1);
  expect((await flow.status('n', 'green')).text).toBe('stack of 5 frames');
});

it('writes to a file of the archive, with the settings of the message', async () => {
  const files = await night('night', 4);
  flow.send('n', {
    command: 'integrate',
    files: [...files, 'night/gone.fits'],
    output: 'results/all.fits',
    combine: 'median',
    rejection: 'none',
    align: 'none',
  });
  const msg = await flow.sink('one').first();
  expect((msg.integration as { files: object[] }).files[4]).toMatchObject({ used: false });
  expect(msg).toMatchObject({ payload: 4, file: { path: join(flow.archiveFolder, 'results', 'all.fits') } });
  const written = await readFits(join(flow.archiveFolder, 'results', 'all.fits'));
  expect([written.combined, written.keyword('COMBINE')]).toEqual([4, 'median']);
});

it('makes a colour picture of filters', async () => {
  const [red, green, blue] = await night('filters', 3);
  flow.send('n', { files: { red, green, blue } });
  const msg = await flow.sink('one').first();
  expect(msg).toMatchObject({ payload: 3, frame: { channels: 3 }, stretched: { transfer: 'srgb', pixelType: 'u16' } });
});

it('calibrates with the masters of the message', async () => {
  await night('lights', 4);
  const pedestal = expose([], width, height, { seed: 1, sky: 400, noise: 0, kind: 'dark' });
  await writeFits(pedestal, join(flow.archiveFolder, 'masters', 'dark.fits'));
  flow.send('n', { files: 'lights', masters: { dark: 'masters/dark.fits' } });
  const msg = await flow.sink('one').first();
  expect(msg.payload).toBe(4);
  // The sky of 1000 less the dark's 400, on the pedestal that a calibrated frame of 16 bit has.
  const sky = Array.from(msg.frame!.pixels)
    .filter(Number.isFinite)
    .sort((a, b) => a - b)[(width * height) >> 1]!;
  expect(Math.abs(sky - msg.frame!.blackLevel - 600)).toBeLessThan(5);
});

it.each([
  [{ files: ['../../etc/passwd'] }, /leads out of the folder/],
  [{ files: ['m13/none*.fits'] }, /No picture file fits/],
  [{ command: 'integrate' }, /msg\.files names no file/],
  [{ files: { red: 'a', infrared: 'b' } }, /msg\.files has no filter "infrared"/],
  [{ files: 'm13', rejection: 'some' }, /rejection/],
  [{ files: 'm13', masters: { darks: 'dark.fits' } }, /msg\.masters\.darks is not the path of a master/],
  [{ files: 'm13', masters: { dark: '../dark.fits' } }, /leads out of the folder/],
  [{ files: 'm13', output: '../all.fits' }, /leads out of the folder/],
])('%j fails with its reason', async (message, reason) => {
  await night('m13', 2);
  flow.send('n', message);
  const failure = (await flow.sink('failures').first()) as unknown as { error: { message: string } };
  expect(failure.error.message).toMatch(reason);
});

it('stops at a close of the node', async () => {
  await night('long', 6);
  flow.send('n', { files: 'long' });
  await flow.sink('two').first();
  await stopImageFlow();
  expect(flow.sink('one').messages).toEqual([]);
});
