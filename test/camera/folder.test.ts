import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { folderBackend } from '../../lib/camera/folder.ts';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { writeFits } from '../../lib/frame/fits/write.ts';
import { allocatePixels, Frame } from '../../lib/frame/frame.ts';
import { Sequence, type SequenceFrame } from '../../lib/night/sequence.ts';

const evening = Date.parse('2026-03-20T18:00:00Z');
let folder: string;

function fits(second: number): Frame {
  const frame = new Frame({
    data: allocatePixels(32, 20, 1, 'u16'),
    width: 32,
    height: 20,
    pixelType: 'u16',
    exposureSeconds: 5,
    start: new Date(evening + second * 1000).toISOString(),
  });
  frame.pixels.fill(1000 + second);
  return frame;
}

/** FITS 3 and 1 and 2 by their times, a JPEG with EXIF between them, a PNG without a time (it stays behind the file its name follows), a FITS cut off, and one that is none. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-real-folder-'));
  await writeFits(fits(0), join(folder, 'c.fits'));
  await writeFits(fits(12), join(folder, 'a.fits'));
  await writeFits(fits(6), join(folder, 'b.fits'));
  const grey = { create: { width: 32, height: 20, channels: 3 as const, background: '#808080' } };
  const taken = { DateTimeOriginal: '2026:03:20 18:00:09', OffsetTimeOriginal: '+00:00', ExposureTime: '2/1' };
  await sharp(grey).withExif({ IFD2: taken }).jpeg().toFile(join(folder, 'b2.jpg'));
  await sharp(grey).png().toFile(join(folder, 'd.png'));
  await writeFits(fits(20), join(folder, 'cut.fits'));
  const { length } = await readFile(join(folder, 'cut.fits'));
  await truncate(join(folder, 'cut.fits'), length - 2880);
  await writeFile(join(folder, 'zero.fits'), '');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('runs a sequence over real files: in time order, broken ones passed over and told, the pixels as they are', async () => {
  const clock = new RehearsalClock(evening, Infinity);
  const camera = folderBackend.create(
    { path: folder, pace: 'timestamps', intervalSeconds: 3, watch: false },
    { clock, site: null },
  );
  const frames: SequenceFrame[] = [];
  const warnings: string[] = [];
  const sequence = new Sequence({ camera, clock, site: null, plan: { exposureSeconds: 5 } });
  sequence.on('frame', (frame) => frames.push(frame));
  sequence.on('warning', ({ message }) => warnings.push(message));
  await sequence.start();
  const end = await sequence.finished;
  expect(end).toMatchObject({ reason: 'no-more-frames', frames: 5, error: null });
  expect(frames.map(({ frame }) => basename(frame.source!))).toEqual(['c.fits', 'b.fits', 'b2.jpg', 'a.fits', 'd.png']);
  expect(frames.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5]);
  expect(frames[0]!.frame.pixels[0]).toBe(1000);
  expect(frames[3]!.frame.pixels[639]).toBe(1012);
  expect(frames[2]!.frame).toMatchObject({
    start: '2026-03-20T18:00:09.000Z',
    end: '2026-03-20T18:00:11.000Z',
    channels: 3,
  });
  expect(frames[4]!.frame).toMatchObject({ start: '2026-03-20T18:00:15.000Z', timeSource: 'host' });
  expect(warnings).toHaveLength(2);
  expect(warnings.join()).toMatch(/cut\.fits was passed over: .+/);
  expect(warnings.join()).toMatch(/zero\.fits was passed over: .+/);
  expect(camera.info.sensor).toMatchObject({ width: 32, height: 20 });
});
