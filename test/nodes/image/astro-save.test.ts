import { access, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, expect, it } from 'vitest';
import { readFrame } from '../../../lib/frame/read.ts';
import { allocateShared } from '../../../lib/kernels/memory.ts';
import { closeSharedPool } from '../../../lib/kernels/pool.ts';
import registerSave from '../../../nodes/image/astro-save.ts';
import { smallFrame } from '../../night/small-frames.ts';
import { startImageFlow, stopImageFlow } from './image-flow.ts';

afterEach(stopImageFlow);
afterAll(closeSharedPool);
const start = (settings = {}) => startImageFlow(registerSave, 'astro-save', settings);

it('loads with its defaults and writes FITS below the archive folder', async () => {
  const flow = await start();
  const frame = smallFrame(3, { star: 7, number: 12, camera: 'Pi HQ' });
  flow.send('n', { frame, topic: 'camera' });
  const msg = await flow.sink('one').first();
  const path = join(flow.archiveFolder, '2026-01-12', 'Pi HQ_2026-01-12_220003_5s_00012.fits');
  expect(msg).toMatchObject({
    ...{ payload: path, topic: 'camera' },
    file: {
      path,
      bytes: (await stat(path)).size,
      format: 'fits',
      url: expect.stringContaining('/files/site1/2026-01-12/Pi%20HQ_'),
    },
  });
  expect(msg.frame!.data).toBe(frame.data);
  expect([...(await readFrame(path)).pixels]).toEqual([...frame.pixels]);
  expect((await flow.status('n', 'green')).text).toBe('1 saved · Pi HQ_2026-01-12_220003_5s_00012.fits');
});

it.each([
  ['tiff', 'tiff'],
  ['png', 'png'],
  ['jpeg', 'jpeg'],
])('writes %s', async (format, type) => {
  const flow = await start({ format, template: 'picture', stretch: 'auto' });
  flow.send('n', { frame: smallFrame(0, { star: 3 }) });
  const { payload } = await flow.sink('one').first();
  expect(await sharp(String(payload)).metadata()).toMatchObject({ format: type, width: 32, height: 24 });
});

it('writes the file that the camera made, and FITS where it made none', async () => {
  const flow = await start({ format: 'original', template: '{time}_{n:3}' });
  const bytes = Buffer.from('a RAW file of some megabytes');
  const data = allocateShared(bytes.length);
  bytes.copy(new Uint8Array(data));
  flow.send('n', { frame: smallFrame(0, { number: 7, original: { data, extension: '.arw' } }) });
  flow.send('n', { frame: smallFrame(1, { number: 8 }) });
  const [raw, fits] = await flow.sink('one').take(2);
  expect(raw).toMatchObject({ payload: join(flow.archiveFolder, '220000_007.arw'), file: { format: 'original' } });
  expect((await readFile(String(raw!.payload))).equals(bytes)).toBe(true);
  expect(raw!.frame!.original?.extension).toBe('.arw');
  expect(fits).toMatchObject({ payload: expect.stringMatching(/_008\.fits$/), file: { format: 'fits' } });
});

it('never overwrites: a taken name gets _2', async () => {
  const flow = await start({ template: 'same' });
  for (let index = 0; index < 3; index++) flow.send('n', { frame: smallFrame(index) });
  const messages = await flow.sink('one').take(3);
  expect(messages.map(({ payload }) => String(payload).slice(flow.archiveFolder.length + 1))).toEqual([
    'same.fits',
    'same_2.fits',
    'same_3.fits',
  ]);
});

it('takes the template, and what it asks for, from the message', async () => {
  const flow = await start();
  flow.send('n', { frame: smallFrame(0), template: '{night}/{prefix}_{time}', prefix: 'trail' });
  expect((await flow.sink('one').first()).payload).toBe(join(flow.archiveFolder, '2026-01-12', 'trail_220000.fits'));
});

it('tells Catch about a template that climbs out, and saves the next frame', async () => {
  const flow = await start();
  flow.send('n', { frame: smallFrame(0), template: '../../{time}' });
  flow.send('n', { frame: smallFrame(1), template: 'good' });
  expect((await flow.sink('one').first()).payload).toBe(join(flow.archiveFolder, 'good.fits'));
  expect((await flow.sink('failures').first()).error).toMatchObject({
    message: expect.stringContaining('leads out of the folder'),
  });
  await expect(access(join(flow.archiveFolder, '..', '220000.fits'))).rejects.toThrow('ENOENT');
});

it('hands the end of the night on', async () => {
  const flow = await start();
  flow.send('n', { event: 'end' });
  expect((await flow.sink('one').first()).event).toBe('end');
});

it('leaves nothing half written behind when a file can not be written', async () => {
  const flow = await start();
  const frame = smallFrame(0);
  flow.send('n', { frame, template: 'folder/{n}' });
  const { payload } = await flow.sink('one').first();
  // A file stands where the folder would have to be.
  flow.send('n', { frame, template: 'folder/1.fits/below' });
  expect((await flow.sink('failures').first()).error).toMatchObject({
    message: expect.stringMatching(/failed|ENOTDIR/),
  });
  expect(await readdir(join(flow.archiveFolder, 'folder'))).toEqual([String(payload).split('/').at(-1)]);
  flow.send('n', { frame, template: 'after' });
  expect((await flow.sink('one').take(2))[1]!.payload).toBe(join(flow.archiveFolder, 'after.fits'));
});

it('writes what still waits when the flow is deployed anew', async () => {
  const flow = await start({ template: '{n}' });
  for (let number = 1; number <= 5; number++) flow.send('n', { frame: smallFrame(number, { number }) });
  await new Promise((resolve) => setImmediate(resolve));
  await start({ template: '{n}' });
  expect((await readdir(flow.archiveFolder)).sort()).toEqual(['1.fits', '2.fits', '3.fits', '4.fits', '5.fits']);
});
