import { execFile } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { readFits } from '../../lib/frame/fits/read.ts';
import type * as writer from '../../lib/frame/write.ts';
import astroCapture from '../../nodes/camera/astro-capture.ts';
import astroCamera from '../../nodes/config/astro-camera.ts';
import astroSite from '../../nodes/config/astro-site.ts';
import type { AstroMessage } from '../../nodes/types.ts';
import { startFlow, stopFlow } from './harness.ts';
import { type ScriptedCameras, useScriptedCamera } from './scripted-camera.ts';

const call = promisify(execFile);
/** Writes go through until so many files are there; then the disk is full. */
const disk = vi.hoisted(() => ({ room: Number.POSITIVE_INFINITY }));
vi.mock('../../lib/frame/write.ts', async (original) => {
  const real = await original<typeof writer>();
  const writeFrame: typeof writer.writeFrame = async (...all) => {
    if (disk.room <= 0) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    const written = await real.writeFrame(...all);
    disk.room--;
    return written;
  };
  return { ...real, writeFrame };
});

let made: ScriptedCameras;
let userDir: string;
beforeEach(async () => {
  disk.room = Number.POSITIVE_INFINITY;
  made = useScriptedCamera();
  userDir = await mkdtemp(join(tmpdir(), 'nightflow-disk-'));
});
afterEach(async () => {
  await stopFlow();
  made.remove();
  await rm(userDir, { recursive: true, force: true });
});

const flow = [
  {
    id: 'place',
    type: 'astro-site',
    latitude: '52',
    longitude: '5',
    clock: 'rehearsal',
    clockStart: '2026-03-14T20:00:00Z',
    clockRate: '1000',
  },
  { id: 'roof', type: 'astro-camera', backend: 'scripted', site: 'place' },
  {
    id: 'capture',
    type: 'astro-capture',
    camera: 'roof',
    exposureSeconds: '10',
    keep: 'all',
    freeGigabytes: '0',
    wires: [['frames'], ['events']],
  },
  { id: 'catcher', type: 'catch', scope: null, wires: [['errors']] },
  ...['frames', 'events', 'errors'].map((id) => ({ id, type: 'helper', wires: [] })),
];
const start = (settings: object = {}) =>
  startFlow(
    [astroSite, astroCamera, astroCapture],
    flow.map((node) => (node.id === 'capture' ? { ...node, ...settings } : node)),
    { userDir },
  );
const night = () => join(userDir, 'archive', 'frames', 'Scripted', '2026-03-14');
const keptNumbers = async () =>
  (await readdir(night())).map((name) => Number(/_(\d{6})\.fits$/.exec(name)?.[1])).sort((a, b) => a - b);
async function areWhole(): Promise<void> {
  for (const name of await readdir(night()))
    expect((await readFits(join(night(), name))).number).toBe(Number(name.slice(-11, -5)));
}
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);
const ended = (msg: AstroMessage) => msg.event === 'end';

it('stops a sequence when the disk is full, loses no frame, and goes on when there is room', async () => {
  disk.room = 3;
  const running = await start();
  running.send('capture', {});
  const caught = await running.sink('errors').first();
  expect(caught.error).toMatchObject({ message: expect.stringContaining('Free some space on the disk') });
  const end = await running.sink('events').first(ended);
  expect(end.payload).toMatchObject({ reason: 'error', frames: 3, error: { code: 'disk-full' } });
  const { unwritten } = end.payload as { unwritten: number };
  expect(unwritten).toBeGreaterThan(0);
  await running.status('capture', 'red', 'Free some space');
  expect(await keptNumbers()).toEqual(upTo(3));

  disk.room = Number.POSITIVE_INFINITY;
  running.send('capture', { command: 'resume' });
  await running.sink('frames').take(3 + unwritten + 2);
  running.send('capture', { command: 'stop' });
  await running.sink('events').first((msg) => ended(msg) && msg !== end);
  const sent = running.sink('frames').messages.map((msg) => (msg.payload as { n: number }).n);
  expect(sent).toEqual(upTo(sent.length));
  expect(await keptNumbers()).toEqual(sent);
  await areWhole();
});

/** A disk of a few frames below the archive; where this user may not mount one, the writer refuses as a full one would. */
async function smallDisk(): Promise<{ real: boolean; archive: string; release: () => Promise<void> }> {
  const archive = join(userDir, 'archive');
  await mkdir(archive);
  const mounted = await call('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', archive]).then(
    () => true,
    () => false,
  );
  return { real: mounted, archive, release: async () => void (mounted && (await call('umount', [archive]))) };
}

/** Takes what is left of a disk, to the last byte. */
async function fill(path: string): Promise<void> {
  for (const bytes of [65_536, 512, 1])
    for (;;)
      try {
        await appendFile(path, Buffer.alloc(bytes));
      } catch {
        break;
      }
}

it.each(['its own frames', 'another program'])('survives a disk that is filled to the brim by %s', async (by) => {
  const disk6 = await smallDisk();
  const filler = join(disk6.archive, 'somebody else.bin');
  try {
    made.script = { width: 512, height: 512 }; // 0.5 MB a frame: nine fit beside nothing, five beside the filler
    if (by === 'its own frames') await writeFile(filler, Buffer.alloc(3e6));
    if (!disk6.real) disk.room = 5;
    // By the sixth exposure two frames are written at least: no more than four wait.
    else if (disk6.real) made.script.during = async (exposure) => void (exposure === 6 && (await fill(filler)));
    const running = await start({ mode: 'count', count: '9' });
    running.send('capture', {});
    const end = await running.sink('events').first(ended);
    expect(end.payload).toMatchObject({ reason: 'error', error: { code: 'disk-full' } });
    const { frames } = end.payload as { frames: number };
    expect(frames).toBeGreaterThan(0);
    expect(frames).toBeLessThan(9);
    const caught = await running.sink('errors').first();
    expect(caught.error).toMatchObject({ message: expect.stringMatching(/[Ff]ree some space/) });
    await running.status('capture', 'red', 'ree some space');
    expect(await keptNumbers()).toEqual(upTo(frames));
    await areWhole();

    disk.room = Number.POSITIVE_INFINITY;
    await rm(filler, { force: true });
    running.send('capture', { command: 'resume' });
    const last = await running.sink('events').first((msg) => ended(msg) && msg !== end);
    expect(last.payload).toMatchObject({ reason: 'count', frames: 9, error: null });
    const sent = running.sink('frames').messages.map((msg) => (msg.payload as { n: number }).n);
    expect(sent).toEqual(upTo(9));
    expect(await keptNumbers()).toEqual(upTo(9));
    await areWhole();
    expect(running.sink('errors').messages).toHaveLength(1);
    const all = await readdir(disk6.archive, { recursive: true });
    expect(all.filter((name) => name.endsWith('.nightflow-part'))).toEqual([]);
  } finally {
    await stopFlow();
    await disk6.release();
  }
});

it('refuses to go on while the disk is still full', async () => {
  disk.room = 1;
  const running = await start();
  running.send('capture', {});
  await running.sink('errors').take(1);
  running.send('capture', { command: 'start' });
  const [, second] = await running.sink('errors').take(2);
  expect(second!.error).toMatchObject({ message: expect.stringContaining('no space left') });
  expect(await keptNumbers()).toEqual([1]);
});

it('starts anew without the frames that a person gave up', async () => {
  disk.room = 1;
  const running = await start();
  running.send('capture', {});
  await running.sink('errors').take(1);
  running.send('capture', { command: 'abort' });
  await running.status('capture', 'grey', 'ready');
  disk.room = Number.POSITIVE_INFINITY;
  running.send('capture', { command: 'start' });
  const frames = await running.sink('frames').take(3);
  expect(frames.map((msg) => (msg.payload as { n: number }).n)).toEqual([1, 1, 2]);
});
