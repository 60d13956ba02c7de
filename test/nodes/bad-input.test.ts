/** What a night throws at the nodes: damaged files and a folder that vanishes. Each is one clear error at the node, and the work goes on. */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeFits } from '../../lib/frame/fits/write.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import astroCapture from '../../nodes/camera/astro-capture.ts';
import astroCamera from '../../nodes/config/astro-camera.ts';
import astroSite from '../../nodes/config/astro-site.ts';
import registerLoad from '../../nodes/image/astro-load.ts';
import { tinyDng } from '../frame/read/tiny-dng.ts';
import { smallFrame } from '../night/small-frames.ts';
import { startFlow, stopFlow } from './harness.ts';
import { startImageFlow, stopImageFlow } from './image/image-flow.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-bad-'));
});
afterEach(async () => {
  await stopImageFlow();
  await stopFlow();
  await rm(folder, { recursive: true, force: true });
});
afterAll(closeSharedPool);

const card = (name: string, value: string | number) => `${name.padEnd(8)}= ${String(value).padStart(20)}`.padEnd(80);
const header = (...cards: string[]) =>
  Buffer.from(
    [...cards, 'END']
      .map((text) => text.padEnd(80))
      .join('')
      .padEnd(2880),
    'latin1',
  );

/** A DNG whose strip is said to lie beyond the end of the file. */
function brokenDng(): Buffer {
  const whole = tinyDng();
  return whole.subarray(0, whole.length - 900);
}

describe('a damaged file', () => {
  it.each([
    [
      'a FITS that claims 10^9 columns',
      'lying.fits',
      header(card('SIMPLE', 'T'), card('BITPIX', 16), card('NAXIS', 2), card('NAXIS1', 1e9), card('NAXIS2', 1e9)),
    ],
    [
      'a FITS cut off in its pixels',
      'cut.fits',
      header(card('SIMPLE', 'T'), card('BITPIX', 16), card('NAXIS', 2), card('NAXIS1', 4000), card('NAXIS2', 3000)),
    ],
    ['a FITS cut off in its header', 'half.fits', Buffer.from(card('SIMPLE', 'T') + card('BITPIX', 16), 'latin1')],
    ['a RAW whose pixels are missing', 'broken.dng', brokenDng()],
    ['an empty file', 'empty.fits', Buffer.alloc(0)],
  ])('%s is one error that names it and says what to do, and the next file is read', async (_what, name, bytes) => {
    await writeFile(join(folder, name), bytes);
    await writeFits(smallFrame(1), join(folder, 'good.fits'));
    const flow = await startImageFlow(registerLoad, 'astro-load', { path: '', anywhere: true });
    flow.send('n', { path: join(folder, name) });
    flow.send('n', { path: join(folder, 'good.fits') });
    expect((await flow.sink('one').first()).payload).toBe(join(folder, 'good.fits'));
    expect(flow.sink('failures').messages.map(({ error }) => (error as { message: string }).message)).toEqual([
      expect.stringContaining(name),
    ]);
  });
});

it('a folder that vanishes in the middle of a sequence is told, and the sequence goes on when it is back', async () => {
  const pictures = join(folder, 'pictures');
  const away = join(folder, 'away');
  for (const n of [1, 2, 3]) await writeFits(smallFrame(n), join(pictures, `f${n}.fits`));
  const flow = await startFlow(
    [astroSite, astroCamera, astroCapture],
    [
      { id: 'place', type: 'astro-site', latitude: '52', longitude: '5', archiveFolder: join(folder, 'archive') },
      {
        id: 'files',
        type: 'astro-camera',
        backend: 'folder',
        path: pictures,
        pace: 'fastest',
        files: 'watch',
        site: 'place',
      },
      {
        id: 'capture',
        type: 'astro-capture',
        camera: 'files',
        mode: 'count',
        count: '4',
        exposureSeconds: '1',
        keep: 'none',
        freeGigabytes: '0',
        wires: [['frames'], ['events']],
      },
      { id: 'frames', type: 'helper' },
      { id: 'events', type: 'helper' },
    ],
  );
  flow.send('capture', { command: 'start' });
  await flow.sink('frames').take(3);
  await rename(pictures, away);
  const told = await flow.sink('events').first((msg) => msg.event === 'lost' || msg.event === 'warning');
  expect((told.payload as { message: string }).message).toContain('pictures');
  await writeFits(smallFrame(4), join(away, 'f4.fits'));
  await rename(away, pictures);
  await flow.sink('events').first((msg) => msg.event === 'end');
  expect(flow.sink('frames').messages.map(({ frame }) => frame!.number)).toEqual([1, 2, 3, 4]);
});
