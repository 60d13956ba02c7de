import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RecoveryState } from '../../../lib/camera/camera.ts';
import { realClock } from '../../../lib/clock/clock.ts';
import { Appliance } from '../../../lib/field/appliance/appliance.ts';
import { Spool } from '../../../lib/field/appliance/spool.ts';
import { readFrame } from '../../../lib/frame/read.ts';
import { NightflowError } from '../../../lib/process/errors.ts';
import { CountingCamera, exposure, openAppliance, pixelBlocks, temporaryFolder } from './counting-camera.ts';

const patience = { timeout: 20_000 };
const state = (appliance: Appliance, id: string) => expect.poll(() => appliance.batch(id).state, patience);

describe('a batch', () => {
  it('takes its frames in one sequence, and keeps them until they are acknowledged', async () => {
    const camera = new CountingCamera();
    camera.lostBefore = { 3: 2 };
    const appliance = await openAppliance(camera);
    const seen: (number | null)[] = [];
    appliance.events.on('frame', ({ file }) => seen.push(file?.number ?? null));
    const { id } = await appliance.start(5, exposure);
    await state(appliance, id).toBe('done');
    const batch = appliance.batch(id);
    expect(batch).toMatchObject({ taken: 5, kept: 5, lost: 2, acknowledged: 0, message: null });
    expect(batch.frames.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
    expect(seen.toSorted()).toEqual([1, 2, 3, 4, 5]);
    expect(camera.begun).toBe(1);
    const third = await readFrame(appliance.spool.path(id, 3)!);
    expect([third.pixels[0], third.number]).toEqual([3, 3]);
    expect(await appliance.acknowledge(id, 3)).toBe(true);
    expect(appliance.batch(id)).toMatchObject({ acknowledged: 1 });
    expect(await appliance.preview({ batch: id, number: 4 }, 32)).toBeInstanceOf(Buffer);
    expect(await appliance.preview({ batch: id, number: 3 }, 32)).toBeNull();
  });

  it('brings back a camera that was lost, and goes on where it was', async () => {
    const camera = new CountingCamera();
    camera.loseAt = 3;
    const appliance = await openAppliance(camera);
    const { id } = await appliance.start(4, exposure);
    await state(appliance, id).toBe('done');
    expect(camera.recovered).toBe(1);
    expect(appliance.batch(id)).toMatchObject({ taken: 4, kept: 4 });
  });

  it('says how the camera is brought back, for as long as it takes, and takes what lay on its card', async () => {
    const camera = new CountingCamera();
    camera.loseAt = 3;
    let listener: (state: RecoveryState | null) => void = () => {};
    const step: RecoveryState = {
      ...{ step: 2, of: 3, what: 'the USB port is reset', since: 0, attempt: 1, needsPerson: false, problem: null },
    };
    let back = () => {};
    const plugged = new Promise<void>((resolve) => {
      back = resolve;
    });
    const told: (string | null)[] = [];
    Object.assign(camera, {
      onRecovery: (added: typeof listener) => {
        listener = added;
        return () => {};
      },
      recover: async () => {
        listener(step);
        await plugged;
      },
      leftBehind: async function* () {
        yield { frame: await camera.expose(exposure), gapSeconds: null, lostBefore: 0 };
      },
    });
    const appliance = await openAppliance(camera);
    appliance.events.on('progress', ({ message }) => told.push(message));
    const { id } = await appliance.start(4, exposure);
    await expect.poll(() => told, patience).toContain('Recovery, step 2 of 3: the USB port is reset.');
    expect(appliance.batch(id)).toMatchObject({ state: 'recovering', taken: 2 });
    back();
    await expect.poll(() => appliance.batch(id).state, patience).toBe('done');
    expect(appliance.batch(id)).toMatchObject({ taken: 4, kept: 4 });
  });

  it('is stopped by abort; what was taken is there, and the camera is free', async () => {
    const camera = new CountingCamera();
    const appliance = await openAppliance(camera);
    const { id } = await appliance.start(10_000, exposure);
    await expect.poll(() => appliance.batch(id).kept, patience).toBeGreaterThan(2);
    await expect(appliance.shot(exposure)).rejects.toMatchObject({ code: 'busy' });
    expect(await appliance.abort(id)).toEqual([id]);
    const { state: ended, taken, frames } = appliance.batch(id);
    expect(ended).toBe('aborted');
    expect(frames).toHaveLength(taken);
    expect((await appliance.shot(exposure)).bytes.length).toBeGreaterThan(pixelBlocks * 2880);
    await appliance.forget(id);
    expect((await appliance.spool.room()).frames).toBe(0);
  });

  it('is there after a restart: one that ran is interrupted, its frames wait', async () => {
    const folder = await temporaryFolder();
    const appliance = await openAppliance(new CountingCamera(), { folder });
    const { id } = await appliance.start(3, exposure);
    await state(appliance, id).toBe('done');
    const { frames: _frames, ...record } = appliance.batch(id);
    await writeFile(
      join(folder, id, 'batch.json'),
      JSON.stringify({ ...record, count: 9, state: 'running', taken: 0 }),
    );
    const again = await openAppliance(new CountingCamera(), { folder });
    expect(again.batch(id)).toMatchObject({ state: 'interrupted', count: 9, taken: 3, camera: 'main' });
    expect(again.batch(id).frames).toHaveLength(3);
  });
});

describe('an appliance after a crash', () => {
  it('knows how many frames were taken although a client had fetched all of them', async () => {
    const folder = await temporaryFolder();
    const camera = new CountingCamera();
    camera.before = (n, signal) => (n > 5 ? new Promise((_, no) => signal?.addEventListener('abort', no)) : noWait);
    const appliance = await openAppliance(camera, { folder });
    const { id } = await appliance.start(9, exposure);
    await expect.poll(() => appliance.batch(id).kept, patience).toBe(5);
    for (const number of [2, 1, 5]) await appliance.acknowledge(id, number);
    const crashed = await openAppliance(new CountingCamera(), { folder: await copyOf(folder) });
    expect(crashed.batch(id)).toMatchObject({ state: 'interrupted', count: 9, taken: 5, kept: 5, acknowledged: 3 });
    for (const number of [4, 3]) await appliance.acknowledge(id, number);
    const later = await openAppliance(new CountingCamera(), { folder: await copyOf(folder) });
    expect(later.batch(id)).toMatchObject({ taken: 5, kept: 5, acknowledged: 5, frames: [] });
  });

  it('opens on a disk that takes no byte more, so that its frames can be fetched', async () => {
    const folder = await temporaryFolder();
    const appliance = await openAppliance(new CountingCamera(), { folder });
    const { id } = await appliance.start(2, exposure);
    await state(appliance, id).toBe('done');
    const spool = await Spool.open({ folder, maximumBytes: 1e9, reserveBytes: 0 });
    spool.record = async () => {
      throw new NightflowError('disk-full', 'No space left.');
    };
    const again = await Appliance.open({ clock: realClock, cameras: [], spool, whenFull: 'pause' });
    expect(again.batch(id).frames).toHaveLength(2);
  });

  it('is the same when a client was so fast that all was fetched before the batch ended: old ones are forgotten', async () => {
    const appliance = await openAppliance(new CountingCamera());
    appliance.events.on('frame', ({ file }) => file && void appliance.acknowledge(file.batch, file.number));
    for (let n = 0; n < 23; n++) {
      const { id } = await appliance.start(1, exposure);
      await expect.poll(() => appliance.knows(id) && appliance.batch(id).state, patience).toBe('done');
      await expect.poll(async () => (await appliance.status()).cameras[0]!.busy, patience).toBeNull();
    }
    await expect.poll(async () => (await appliance.status()).batches.length, patience).toBeLessThanOrEqual(20);
  });
});

const noWait = Promise.resolve();
/** What a power cut leaves: the files as they are now. */
const copyOf = async (folder: string) => {
  const copy = await temporaryFolder();
  await cp(folder, copy, { recursive: true });
  return copy;
};

describe('the format', () => {
  it('original is refused before anything is exposed where the camera makes no file of its own', async () => {
    const camera = new CountingCamera();
    const appliance = await openAppliance(camera);
    const refusal = {
      code: 'unsupported',
      message: 'Counting makes no file of its own.',
      remedy: 'Ask for the format auto or fits.',
    };
    await expect(appliance.shot(exposure, undefined, undefined, 'original')).rejects.toMatchObject(refusal);
    await expect(appliance.start(3, exposure, undefined, 'pause', 'original')).rejects.toMatchObject(refusal);
    camera.originals = 'single';
    await expect(appliance.start(3, exposure, undefined, 'pause', 'original')).rejects.toMatchObject({
      message: 'Counting makes no file of its own of exposures back to back.',
    });
    expect(camera.taken).toBe(0);
    expect((await appliance.status()).cameras[0]!.busy).toBeNull();
  });

  it('auto is the file of the camera where there is one, fits never is', async () => {
    const camera = new CountingCamera();
    camera.originals = 'single';
    const appliance = await openAppliance(camera);
    const shot = await appliance.shot(exposure);
    expect([shot.bytes.toString(), shot.extension, shot.contentType]).toEqual(['file 1', '.arw', 'image/x-sony-arw']);
    expect(shot.name).toBe('shot_20260314T200001.000Z.arw');
    const fits = await appliance.shot(exposure, undefined, undefined, 'fits');
    expect([fits.bytes.toString('latin1', 0, 6), fits.extension]).toEqual(['SIMPLE', '.fits']);
    const { id } = await appliance.start(2, exposure);
    await state(appliance, id).toBe('done');
    expect(appliance.batch(id)).toMatchObject({
      format: 'auto',
      frames: [{ name: expect.stringMatching(/\.fits$/) }, {}],
    });
  });

  it('outlives a restart with the files', async () => {
    const folder = await temporaryFolder();
    const camera = new CountingCamera();
    camera.originals = 'sequence';
    const appliance = await openAppliance(camera, { folder });
    const { id } = await appliance.start(2, exposure, undefined, 'pause', 'original');
    await state(appliance, id).toBe('done');
    const again = await openAppliance(camera, { folder });
    expect(again.batch(id)).toMatchObject({ format: 'original', frames: [{ bytes: 6 }, { bytes: 6 }] });
    expect(again.batch(id).frames[1]!.name).toMatch(/_000002_\d{8}T\d{6}\.\d{3}Z\.arw$/);
  });
});

describe('an appliance that is closed', () => {
  it('interrupts its batch; what was taken waits', async () => {
    const folder = await temporaryFolder();
    const appliance = await openAppliance(new CountingCamera(), { folder });
    const { id } = await appliance.start(10_000, exposure);
    await expect.poll(() => appliance.batch(id).kept, patience).toBeGreaterThan(2);
    await appliance.close();
    const { kept, frames, state: ended } = appliance.batch(id);
    expect([ended, frames.length]).toEqual(['interrupted', kept]);
    const again = await openAppliance(new CountingCamera(), { folder });
    expect(again.batch(id)).toMatchObject({ state: 'interrupted', kept, message: expect.stringContaining('stopped') });
  });
});

describe('a shot', () => {
  it('never touches the disk, and is kept in memory until the next', async () => {
    const appliance = await openAppliance(new CountingCamera());
    const shot = await appliance.shot(exposure);
    expect(shot.bytes.toString('latin1', 0, 30)).toContain('SIMPLE');
    expect(appliance.recentShot()).toBe(shot);
    expect((await appliance.spool.room()).usedBytes).toBe(0);
    expect(await appliance.preview({}, 32)).toBeInstanceOf(Buffer);
  });

  it('ends with the client that asked for it', async () => {
    const appliance = await openAppliance(new CountingCamera());
    const leaving = new AbortController();
    const shot = appliance.shot({ exposureSeconds: 500 }, undefined, leaving.signal);
    await expect.poll(async () => (await appliance.status()).cameras[0]!.busy, patience).toBe('a shot');
    leaving.abort();
    await expect(shot).rejects.toThrow();
    expect((await appliance.status()).cameras[0]!.busy).toBeNull();
  });
});
