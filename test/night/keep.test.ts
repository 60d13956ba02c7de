import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { allocatePixels, type Frame } from '../../lib/frame/frame.ts';
import { readFrame } from '../../lib/frame/read.ts';
import { FrameKeeper } from '../../lib/night/keep.ts';
import { deleteOldNights, keptFileName } from '../../lib/night/retention.ts';
import { Sequence } from '../../lib/night/sequence.ts';
import { writeDurably } from '../../lib/process/durable.ts';
import { frameOf, ScriptedCamera } from './scripted-camera.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'nightflow-keep-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const run = '0a1b2c3d';
const evening = Date.parse('2026-03-20T18:01:02.345Z');
const frame = (n: number, night = '2026-03-20'): Frame => frameOf(evening + n * 5000, 5).with({ number: n, night });

describe('the keeper', () => {
  it('writes each frame into its night, whole, under a name that tells it from all others', async () => {
    const keeper = new FrameKeeper({ root, policy: 'all' });
    const paths = await Promise.all([keeper.keep(frame(1), run), keeper.keep(frame(2), run)]);
    expect(await readdir(join(root, '2026-03-20'))).toEqual([
      'light_20260320T180107.345Z_5s_0a1b2c3d_000001.fits',
      'light_20260320T180112.345Z_5s_0a1b2c3d_000002.fits',
    ]);
    expect(await readFrame(paths[1]!)).toMatchObject({
      width: 8,
      height: 8,
      exposureSeconds: 5,
      start: '2026-03-20T18:01:12.345Z',
    });
    expect(await keeper.has(run, 2)).toBe(true);
    expect(await keeper.has(run, 3)).toBe(false);
    expect(await keeper.has('ffffffff', 2)).toBe(false);
    expect(keeper.pending).toBe(0);
  });

  it('keeps nothing when told so, and refuses a policy or a frame that makes no sense', async () => {
    const keeper = new FrameKeeper({ root, policy: 'none' });
    expect(await keeper.keep(frame(1), run)).toBeNull();
    expect(await readdir(root)).toEqual([]);
    expect(() => new FrameKeeper({ root, policy: { nights: 0 } })).toThrow('not a whole number');
    const all = new FrameKeeper({ root, policy: 'all' });
    await expect(all.keep(frame(1, '../../etc'), run)).rejects.toThrow('belongs to no night');
  });

  it('writes one after the other and refuses more than it can hold', async () => {
    let writing = 0;
    let most = 0;
    const write = async () => {
      most = Math.max(most, ++writing);
      await new Promise((resolve) => setTimeout(resolve, 2));
      writing--;
    };
    const keeper = new FrameKeeper({ root, policy: 'all', write });
    const kept = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => keeper.keep(frame(n), run)));
    expect(most).toBe(1);
    expect(kept.filter(({ status }) => status === 'fulfilled')).toHaveLength(16);
    expect(kept.find((result) => result.status === 'rejected')?.reason).toMatchObject({ code: 'busy' });
  });

  it('makes room by deleting the nights before the last N', async () => {
    const keeper = new FrameKeeper({ root, policy: { nights: 2 } });
    for (const night of ['2026-03-18', '2026-03-19', '2026-03-20']) await keeper.keep(frame(1, night), run);
    await keeper.settled();
    expect(await readdir(root)).toEqual(['2026-03-19', '2026-03-20']);
  });
});

describe('retention', () => {
  it('deletes only what the keeper wrote, only in nights, never through a link', async () => {
    const ours = 'light_20260101T000000.000Z_5s_0a1b2c3d_000001.fits';
    for (const name of ['2026-01-01', '2026-01-02', '2026-01-03', '2026-01-04', 'holidays', '2026-01']) {
      await mkdir(join(root, name));
      await writeFile(join(root, name, ours), '');
    }
    await writeFile(join(root, '2026-01-01', 'my best picture.jpg'), '');
    await writeFile(join(root, '2026-01-02', `${ours}.0a1b2c3d.nightflow-part`), '');
    const elsewhere = await mkdtemp(join(tmpdir(), 'nightflow-elsewhere-'));
    await writeFile(join(elsewhere, ours), '');
    await symlink(elsewhere, join(root, '2025-01-01'));
    expect(await deleteOldNights(root, 2)).toEqual(['2026-01-01', '2026-01-02']);
    expect((await readdir(root)).sort()).toEqual([
      '2025-01-01',
      '2026-01',
      '2026-01-01',
      '2026-01-03',
      '2026-01-04',
      'holidays',
    ]);
    expect(await readdir(join(root, '2026-01-01'))).toEqual(['my best picture.jpg']);
    expect(await readdir(elsewhere)).toEqual([ours]);
    expect(await readdir(join(root, 'holidays'))).toEqual([ours]);
    await rm(elsewhere, { recursive: true });
    await expect(deleteOldNights(root, 0)).rejects.toThrow('above 0');
    expect(await deleteOldNights(join(root, 'absent'), 1)).toEqual([]);
  });

  it('knows its own names', () => {
    expect(keptFileName('dark_20260101T000000.000Z_0a1b2c3d_1234567.fits')).toEqual({ run, n: 1234567 });
    expect(keptFileName('light_1.fits')).toBeNull();
  });
});

describe('a disk that fills', () => {
  const bigFrame = (n: number) => frame(n).with({ data: allocatePixels(200, 100, 1, 'u16'), width: 200, height: 100 });

  /** A real disk of 400 kB where this user may mount one, otherwise a writer that refuses beyond as many bytes. */
  async function smallDisk(): Promise<{
    write?: (frame: Frame, path: string) => Promise<unknown>;
    unmount: () => Promise<void>;
  }> {
    const call = promisify(execFile);
    try {
      await call('mount', ['-t', 'tmpfs', '-o', 'size=400k', 'tmpfs', root]);
      return {
        unmount: async () => {
          await call('umount', [root]);
        },
      };
    } catch {
      const write = async (frame: Frame, path: string) => {
        let used = 0;
        for (const name of await readdir(join(root, '2026-03-20')).catch(() => []))
          used += (await stat(join(root, '2026-03-20', name))).size;
        if (used + frame.data.byteLength > 400_000)
          throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
        await writeDurably(path, [new Uint8Array(frame.data.slice(0) as unknown as ArrayBuffer)]);
      };
      return { write, unmount: async () => {} };
    }
  }

  it('stops the sequence; all frames before are whole, none in memory is lost once there is room', async () => {
    const { write, unmount } = await smallDisk();
    try {
      const clock = new RehearsalClock(evening, Infinity);
      const keeper = new FrameKeeper({ root, policy: 'all', write });
      const sequence = new Sequence({
        camera: new ScriptedCamera({ clock }),
        clock,
        site: null,
        plan: { exposureSeconds: 5 },
        onFrame: async ({ n, frame, run }) => {
          await keeper.keep(bigFrame(n).with({ night: frame.night }), run);
        },
      });
      await sequence.start();
      const end = await sequence.finished;
      expect(end).toMatchObject({ reason: 'error' });
      expect(end.error).toMatchObject({ code: 'disk-full', remedy: expect.stringContaining('space') });
      expect(end.frames).toBeGreaterThan(3);
      expect(end.unaccepted.length + end.frames).toBeGreaterThan(end.frames);
      const folder = join(root, '2026-03-20');
      const names = await readdir(folder);
      expect(names).toHaveLength(end.frames);
      expect(names.every((name) => keptFileName(name) !== null)).toBe(true);
      expect(keeper.unwritten).toHaveLength(1);
      await expect(keeper.retry()).rejects.toMatchObject({ code: 'disk-full' });
      expect(keeper.unwritten).toHaveLength(1);
      for (const name of names) await unlink(join(folder, name));
      expect(await keeper.retry()).toBe(1);
      expect(keeper.unwritten).toHaveLength(0);
      await sequence.retryUnaccepted();
      const numbers = (await readdir(folder)).map((name) => keptFileName(name)!.n);
      expect(new Set(numbers)).toEqual(new Set(end.unaccepted.map(({ n }) => n)));
    } finally {
      await unmount();
    }
  });
});
