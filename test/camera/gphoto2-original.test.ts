/** The files of a body, untouched: on its frames, through the appliance and the client, in the archive. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Gphoto2Options, gphoto2Backend } from '../../lib/camera/gphoto2.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { ApplianceClient } from '../../lib/field/appliance/client.ts';
import { readFrame } from '../../lib/frame/read.ts';
import { writeFrame } from '../../lib/frame/write.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { FrameKeeper } from '../../lib/night/keep.ts';
import { temporaryFolder } from '../field/appliance/counting-camera.ts';
import { serveAppliance } from '../field/appliance/serve.ts';
import { type Gphoto2Traps, makeGphoto2StandIn } from './stand-in/gphoto2-bin.ts';

const limits = { timeout: 60_000 };
const patience = { timeout: 30_000 };
const shot = { exposureSeconds: 0.1 };

async function open(traps: Partial<Gphoto2Traps> = {}, options: Partial<Gphoto2Options> = {}) {
  const standIn = await makeGphoto2StandIn(traps);
  const { program } = standIn;
  const camera = gphoto2Backend.create({ program, ...options }, { clock: realClock, site: null });
  onTestFinished(async () => {
    await camera.close();
    await standIn.remove();
  });
  await camera.open();
  return { camera, standIn };
}
afterAll(() => closeSharedPool());

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const sumOf = (data: SharedArrayBuffer | undefined) => sha256(Buffer.from(data as unknown as ArrayBuffer));
const sumOfFile = async (path: string) => sha256(await readFile(path));

describe('a frame of a body', limits, () => {
  it.each([
    ['sony', '.arw'],
    ['canon', '.cr3'],
    ['nikon', '.nef'],
  ] as const)('%s has its file beside its pixels, until the pixels are others', async (body, extension) => {
    const { camera, standIn } = await open({ body });
    const frame = await camera.expose({ exposureSeconds: body === 'nikon' ? 0.25 : 0.1 });
    const [sent] = await standIn.sent();
    expect(frame.original?.extension).toBe(extension);
    expect(sumOf(frame.original?.data)).toBe(sent!.sha256);
    expect(frame).toMatchObject({ width: 64, height: 48, bayer: 'RGGB', source: null });
    expect(frame.with({ camera: 'other' }).original).toBe(frame.original);
    expect(frame.with({ data: frame.data.slice(0) as SharedArrayBuffer }).original).toBeNull();
    expect(frame.withoutOriginal.original).toBeNull();
  });

  it('that is a JPEG is a file of the camera, too', async () => {
    const { camera, standIn } = await open(
      { body: 'nikon' },
      { settings: [{ name: 'imagequality', value: 'JPEG Fine' }] },
    );
    const frame = await camera.expose({ exposureSeconds: 0.25 });
    expect([frame.original?.extension, frame.transfer]).toEqual(['.jpg', 'srgb']);
    expect(sumOf(frame.original?.data)).toBe((await standIn.sent())[0]!.sha256);
  });

  it('whose file nobody can decode is shown by its preview, says so, and has the file', async () => {
    const { camera, standIn } = await open({ body: 'canon', newFormat: true });
    const frame = await camera.expose(shot);
    expect(frame).toMatchObject({ channels: 3, pixelType: 'u8', transfer: 'srgb', camera: 'Canon EOS R' });
    expect(frame.width).toBeGreaterThan(64);
    expect(Date.parse(frame.start!)).toBeGreaterThan(0);
    expect(sumOf(frame.original?.data)).toBe((await standIn.sent())[0]!.sha256);
    const told = (camera.warnings?.() ?? []).filter((each) => each.includes('CR3'));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(`Its preview of ${frame.width} x ${frame.height} pixels stands in`);
    expect(told[0]).toContain('saved as the camera made it');
    const sums: string[] = [];
    for await (const { frame: next } of camera.exposures(shot)) {
      sums.push(sumOf(next.original?.data));
      if (sums.length === 3) break;
    }
    expect(sums).toEqual((await standIn.sent()).slice(1, 4).map(({ sha256 }) => sha256));
    // A night of them has one reason.
    expect((camera.warnings?.() ?? []).filter((each) => each.includes('CR3'))).toHaveLength(1);
  });

  it('leaves nothing in the memory disk', async () => {
    const { camera } = await open();
    await camera.expose(shot);
    const folders = (await readdir('/dev/shm')).filter((name) => name.startsWith(`nightflow-camera-${process.pid}-`));
    for (const folder of folders)
      expect((await readdir(join('/dev/shm', folder))).filter((name) => /\.arw$/i.test(name))).toEqual([]);
  });
});

describe('the appliance of a body', limits, () => {
  it('answers a shot with its file straight from memory, or with FITS where that is asked for', async () => {
    const { camera, standIn } = await open();
    const { base, appliance } = await serveAppliance(camera);
    const client = new ApplianceClient({ url: base });
    const taken = await client.shot(shot);
    const [sent] = await standIn.sent();
    expect([taken.sha256, sha256(taken.bytes)]).toEqual([sent!.sha256, sent!.sha256]);
    expect(taken.name).toMatch(/^shot_\d{8}T\d{6}\.\d{3}Z\.arw$/);
    expect((await appliance.spool.room()).usedBytes).toBe(0);
    const again = await fetch(`${base}/shot`);
    expect(again.headers.get('content-type')).toBe('image/x-sony-arw');
    expect(again.headers.get('etag')).toBe(`"${sent!.sha256}"`);
    expect(sha256(Buffer.from(await again.arrayBuffer()))).toBe(sent!.sha256);
    const fits = await client.shot(shot, undefined, undefined, 'fits');
    expect([fits.name.endsWith('.fits'), fits.bytes.toString('latin1', 0, 6)]).toEqual([true, 'SIMPLE']);
    const inAddress = await fetch(`${base}/shot?format=fits`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(shot),
    });
    expect(inAddress.headers.get('content-type')).toBe('application/fits');
    expect(await appliance.preview({}, 32)).toBeInstanceOf(Buffer);
  });

  it('keeps the files of a batch: by range and condition, and into a folder by the client', async () => {
    const { camera, standIn } = await open({ body: 'nikon' });
    const { base, appliance } = await serveAppliance(camera);
    const client = new ApplianceClient({ url: base });
    const events: (string | undefined)[] = [];
    appliance.events.on('frame', ({ frame }) => events.push(frame.original?.extension));
    const id = await client.start({ count: 3, exposure: { exposureSeconds: 0.25 }, format: 'original' });
    await expect.poll(() => appliance.batch(id).state, patience).toBe('done');
    const { frames, format } = appliance.batch(id);
    expect([format, frames.length, events]).toEqual(['original', 3, ['.nef', '.nef', '.nef']]);
    const sent = (await standIn.sent()).slice(0, 3).map(({ sha256 }) => sha256);
    expect(frames.map((frame) => frame.sha256)).toEqual(sent);
    expect(frames[0]!.name).toMatch(/_000001_\d{8}T\d{6}\.\d{3}Z\.nef$/);
    const address = `${base}/batches/${id}/frames/1`;
    const part = await fetch(address, { headers: { Range: 'bytes=100-199', 'If-Range': `"${sent[0]}"` } });
    expect([part.status, part.headers.get('content-type')]).toEqual([206, 'image/x-nikon-nef']);
    const whole = await readFile(appliance.spool.path(id, 1)!);
    expect(Buffer.from(await part.arrayBuffer()).equals(whole.subarray(100, 200))).toBe(true);
    expect((await fetch(address, { headers: { 'If-None-Match': `"${sent[0]}"` } })).status).toBe(304);
    expect((await fetch(`${address}/preview.jpg?width=32`)).headers.get('content-type')).toBe('image/jpeg');
    const folder = await temporaryFolder();
    await client.fetchAll(id, { folder });
    const names = (await readdir(folder)).toSorted();
    expect(await Promise.all(names.map((name) => sumOfFile(join(folder, name))))).toEqual(sent);
    // Any other program, and we ourselves, read them.
    expect(await readFrame(join(folder, names[0]!))).toMatchObject({ width: 64, height: 48, bayer: 'RGGB' });
  });

  it('has files that nobody can decode, with a picture of their preview', async () => {
    const { camera, standIn } = await open({ body: 'canon', newFormat: true });
    const { base, appliance } = await serveAppliance(camera);
    const id = await new ApplianceClient({ url: base }).start({ count: 2, exposure: shot });
    await expect.poll(() => appliance.batch(id).state, patience).toBe('done');
    const sums = appliance.batch(id).frames.map(({ sha256 }) => sha256);
    expect(sums).toEqual((await standIn.sent()).slice(0, 2).map(({ sha256 }) => sha256));
    const preview = await fetch(`${base}/batches/${id}/frames/1/preview.jpg?width=32`);
    expect([preview.status, preview.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
  });
});

describe('saved', limits, () => {
  it('as the camera made it, a frame is its file, under a name with its time and number', async () => {
    const { camera, standIn } = await open();
    const folder = await mkdtemp(join(tmpdir(), 'nightflow-original-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const frame = (await camera.expose(shot)).with({ night: '2026-01-12', number: 7 });
    const [sent] = await standIn.sent();
    const path = join(folder, 'a.arw');
    await writeFrame(frame, path, { format: 'original' });
    expect(await sumOfFile(path)).toBe(sent!.sha256);
    const keeper = new FrameKeeper({ root: folder, policy: 'all', format: 'original' });
    const kept = (await keeper.keep(frame, '0a1b2c3d'))!;
    expect(kept).toMatch(/2026-01-12\/light_\d{8}T\d{6}\.\d{3}Z_0\.1s_0a1b2c3d_000007\.arw$/);
    expect(await sumOfFile(kept)).toBe(sent!.sha256);
    expect(await keeper.has('0a1b2c3d', 7)).toBe(true);
    // Without its file it is saved all the same.
    expect(await keeper.keep(frame.withoutOriginal.with({ number: 8 }), '0a1b2c3d')).toMatch(/_000008\.fits$/);
  });
});
