/** The card of libgphoto2's virtual Nikon through the real gphoto2: listed, a picture that was not sent found and fetched, nothing removed. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gphoto2Backend } from '../../lib/camera/gphoto2.ts';
import { fetchFromCard, listCard } from '../../lib/camera/gphoto2-card.ts';
import { LeftPictures } from '../../lib/camera/gphoto2-left.ts';
import { Gphoto2Session } from '../../lib/camera/gphoto2-session.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { virtualCamera } from '../../scripts/virtual-camera.js';

const folder = virtualCamera();
const old = '/store_00010001/DCIM/100NCD75/DSC_0001.JPG';

if (folder)
  describe('the card of the virtual Nikon', { timeout: 120_000 }, () => {
    const environment = { IOLIBS: folder };
    const request = { exposureSeconds: 0.1 };

    it('is listed; a picture that stayed there is the one that is missing, and comes whole', async () => {
      const memory = await mkdtemp(join(tmpdir(), 'nightflow-card-'));
      const session = new Gphoto2Session({ port: null, folder: memory, program: 'gphoto2', environment, keep: true });
      const told: string[] = [];
      try {
        await session.open();
        await session.set('capturetarget', 'Memory card');
        const before = await listCard(session);
        expect([...before]).toContain(old);
        expect(existsSync(await fetchFromCard(session, old, realClock))).toBe(true);

        const left = new LeftPictures(realClock, (sentence) => told.push(sentence));
        await left.begin(session, request, false);
        // Taken and not sent, as when the cable is out.
        await session.shell.send('capture-image', { timeoutSeconds: 60 });
        left.lost();
        const fetched: string[] = [];
        for await (const { path } of left.fetch(session, 0)) fetched.push(path);
        expect(fetched).toHaveLength(1);
        expect(told).toEqual(['A picture on the card was not sent before.']);
        const after = await listCard(session);
        expect(after.size).toBe(before.size + 1);
        expect([...after]).toEqual(expect.arrayContaining([...before]));
      } finally {
        await session.end();
        await rm(memory, { recursive: true, force: true });
      }
    });

    it('keeps what was sent where pictures go to the card: nothing was left behind', async () => {
      const settings = [{ name: 'capturetarget', value: 'Memory card' }];
      const camera = gphoto2Backend.create({ environment, settings }, { clock: realClock, site: null });
      try {
        await camera.open();
        const frame = await camera.expose(request);
        expect(frame.width).toBeGreaterThan(100);
        for await (const _ of camera.leftBehind!(0)) throw new Error('Nothing was left behind.');
      } finally {
        await camera.close();
      }
    });
  });

it('has its virtual camera where the suite builds it', () => {
  expect(folder === null || existsSync(folder)).toBe(true);
});
