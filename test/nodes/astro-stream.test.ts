/** `astro-stream` in a running flow, with the simulated camera and with a video that follows a script. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CameraContext } from '../../lib/camera/camera.ts';
import { Frame } from '../../lib/frame/frame.ts';
import { readSerFilm, SerWriter } from '../../lib/frame/ser.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { workFolder, writeState } from '../../lib/night/night-folder.ts';
import astroStream from '../../nodes/camera/astro-stream.ts';
import astroCamera from '../../nodes/config/astro-camera.ts';
import astroSite from '../../nodes/config/astro-site.ts';
import { registerCameraBackend } from '../../nodes/config/camera-backends.ts';
import type { AstroMessage } from '../../nodes/types.ts';
import { StreamCamera, type StreamScript } from '../night/scripted-stream.ts';
import { type FlowNode, type RunningFlow, startFlow, stopFlow } from './harness.ts';

const target = { name: 'TYC 1234', raDegrees: 83.6, decDegrees: 22 };
let userDir: string;
let script: StreamScript;
let camera: StreamCamera | undefined;
let unregister: () => void;

beforeEach(async () => {
  userDir = await mkdtemp(join(tmpdir(), 'nightflow-stream-node-'));
  script = {};
  unregister = registerCameraBackend({
    name: 'video',
    label: 'Video',
    options: () => ({}),
    load: async () => ({
      name: 'video',
      list: async () => [],
      create: (_: unknown, context: CameraContext) => {
        camera = new StreamCamera(script, context);
        return camera;
      },
    }),
  });
});
afterEach(async () => {
  await stopFlow();
  unregister();
  await closeSharedPool();
  await rm(userDir, { recursive: true, force: true });
});

const flow = (
  stream: Record<string, unknown> = {},
  site: Record<string, unknown> = {},
  backend = 'video',
): FlowNode[] => [
  {
    id: 'site',
    type: 'astro-site',
    latitude: '51.2',
    longitude: '7.1',
    timeZone: 'Europe/Berlin',
    clock: 'rehearsal',
    clockStart: '2026-11-21T21:14:05Z',
    clockRate: 'max',
    ...site,
  },
  { id: 'camera', type: 'astro-camera', name: 'Roof', backend, site: 'site', sensor: 'imx290' },
  {
    id: 'stream',
    type: 'astro-stream',
    name: 'Film',
    camera: 'camera',
    freeGigabytes: '0',
    ...stream,
    wires: [['film'], ['events']],
  },
  { id: 'film', type: 'helper', wires: [] },
  { id: 'events', type: 'helper', wires: [] },
  { id: 'catcher', type: 'catch', scope: null, wires: [['errors']] },
  { id: 'errors', type: 'helper', wires: [] },
];
const start = (...parameters: Parameters<typeof flow>): Promise<RunningFlow> =>
  startFlow([astroSite, astroCamera, astroStream], flow(...parameters), { userDir });
const event = (name: string) => (msg: AstroMessage) => msg.event === name;
const slowly = { clockRate: '50' };

it('loads with the right defaults', async () => {
  const running = await startFlow([astroStream], [{ id: 'stream', type: 'astro-stream', wires: [[], []] }]);
  expect(running.node('stream').type).toBe('astro-stream');
  expect(running.statuses('stream')).toEqual([{ fill: 'grey', shape: 'ring', text: 'ready' }]);
});

describe('a recording', () => {
  it('waits for the instant, and brings film and figures', async () => {
    const running = await start();
    running.send('stream', {
      topic: 'night',
      target,
      start: '2026-11-21T21:20:00.500Z',
      durationSeconds: 4,
      exposureSeconds: 0.2,
      mine: 'stays',
    });
    const film = await running.sink('film').first();
    const path = join(userDir, 'archive/recordings/2026-11-21/TYC 1234_2026-11-21_212000.ser');
    expect(film).toMatchObject({ topic: 'night', mine: 'stays', target });
    expect(film.payload).toMatchObject({
      path,
      sidecar: path.replace('.ser', '.json'),
      onServer: false,
      frames: 20,
      lost: 0,
      cadenceSeconds: 0.2,
      durationSeconds: 4,
      bits: 8,
      stampedBy: 'arrival',
      clock: { source: 'rehearsal', synchronised: true, uncertaintySeconds: 0 },
    });
    expect(film.file).toMatchObject({ path, format: 'ser' });
    expect((await readSerFilm(path)).whole).toBe(20);
    expect(film.recording).toEqual(JSON.parse(await readFile(path.replace('.ser', '.json'), 'utf8')));
    const end = await running.sink('events').first(event('end'));
    expect(end).toMatchObject({
      topic: 'night',
      target,
      payload: { reason: 'done', frames: 20, path, target: 'TYC 1234', start: '2026-11-21T21:20:00.500Z' },
    });
    const events = new Set(running.sink('events').messages.map((msg) => msg.event));
    for (const each of ['armed', 'waiting', 'clock', 'recording', 'preview', 'end']) expect(events).toContain(each);
    expect((await running.status('stream', 'green')).text).toBe('20 frames · rehearsal');
    expect((await running.sink('events').first(event('preview'))).frame).toBeInstanceOf(Frame);
    expect(running.sink('errors').messages).toEqual([]);
  }, 30_000);

  it('is made of the simulated sky, and the camera can be used afterwards', async () => {
    const running = await start({}, {}, 'simulator');
    running.send('stream', { start: '2026-11-21T21:20:00Z', durationSeconds: 0.5, exposureSeconds: 0.1 });
    const film = await running.sink('film').first();
    expect(film.payload).toMatchObject({ stampedBy: 'simulator', bits: 16, lost: 0 });
    expect((film.payload as { frames: number }).frames).toBeGreaterThanOrEqual(5);
    const again = running.sink('film').take(2);
    running.send('stream', { durationSeconds: 0.3, exposureSeconds: 0.1 });
    const paths = (await again).map((msg) => (msg.payload as { path: string }).path);
    expect(new Set(paths).size).toBe(2);
  }, 60_000);

  it('takes milliseconds, and a date without a zone for UTC', async () => {
    const running = await start();
    running.send('stream', { start: Date.UTC(2026, 10, 21, 21, 20), durationSeconds: 1 });
    const first = (await running.sink('film').first()).payload as { first: string };
    expect(first.first).toBe('2026-11-21T21:20:00.100Z');
    const second = running.sink('film').take(2);
    running.send('stream', { start: '2026-11-21 21:30:00', durationSeconds: 1 });
    expect(((await second)[1]!.payload as { first: string }).first).toBe('2026-11-21T21:30:00.100Z');
  }, 30_000);

  it('by a driver on another computer says where the film is', async () => {
    const folder = join(userDir, 'driver');
    script = { driver: { folder, local: false, frames: 30 } };
    const running = await start();
    running.send('stream', { target, start: '2026-11-21T21:20:00Z', durationSeconds: 3 });
    const film = await running.sink('film').first();
    expect(film.payload).toMatchObject({ onServer: true, frames: 30, stampedBy: 'driver' });
    expect((film.payload as { path: string }).path).toContain(folder);
    expect(film.file).toBeUndefined();
  }, 30_000);
});

describe('a start', () => {
  it('that was missed is reported, and never run late', async () => {
    const running = await start();
    running.send('stream', { target, start: '2026-11-21T21:14:00Z' });
    const missed = await running.sink('events').first(event('missed'));
    expect(missed.payload).toMatchObject({
      target: 'TYC 1234',
      message: expect.stringContaining('TYC 1234 was missed'),
    });
    const error = (await running.sink('errors').first()).error as { message: string };
    expect(error.message).toContain('Send the message before the start');
    expect((await running.status('stream', 'red')).text).toContain('missed');
    expect(camera?.calls ?? []).not.toContain('stream');
    expect(running.sink('film').messages).toEqual([]);
  }, 30_000);

  it.each([
    [{ start: 'tomorrow' }, 'The start "tomorrow" is no time.'],
    [{ exposureSeconds: 'long' }, 'The exposure must be a number'],
    [{ durationSeconds: -1 }, 'The duration must be'],
    [{ recordBy: 'magic' }, 'The recorder must be one of'],
    [{ command: 'jump' }, 'The command "jump" is unknown.'],
    [{ template: '../../etc/x', start: '2026-11-21T21:20:00Z' }, 'leads out of the folder'],
    [{ freeGigabytes: 1e6 }, 'to stay free'],
  ])('with %j is refused', async (msg, reason) => {
    const running = await start();
    running.send('stream', msg as Partial<AstroMessage>);
    expect(((await running.sink('errors').first()).error as { message: string }).message).toContain(reason);
  });

  it('while another waits is answered with busy; stop ends the wait', async () => {
    const running = await start({}, slowly);
    running.send('stream', { start: '2026-11-21T23:00:00Z' });
    await running.sink('events').first(event('waiting'));
    running.send('stream', { start: '2026-11-21T23:10:00Z' });
    expect(((await running.sink('errors').first()).error as { message: string }).message).toContain(
      'Send stop or abort first',
    );
    running.send('stream', { payload: 'stop' });
    expect((await running.sink('events').first(event('end'))).payload).toMatchObject({ reason: 'stopped', frames: 0 });
    expect(running.sink('film').messages).toEqual([]);
  }, 30_000);

  it('with a camera that has no video says so', async () => {
    const pictures = await mkdtemp(join(userDir, 'pictures'));
    await writeFile(join(pictures, 'one.fits'), '');
    const changed = flow({}, {}, 'folder').map((node) => (node.id === 'camera' ? { ...node, path: pictures } : node));
    const running = await startFlow([astroSite, astroCamera, astroStream], changed, { userDir });
    running.send('stream', { durationSeconds: 1 });
    const error = (await running.sink('errors').first()).error as { message: string };
    expect(error.message).toContain('has no video');
  }, 30_000);
});

describe('a command', () => {
  it('preview shows the video until stop, and leaves no file', async () => {
    const running = await start({ previewSeconds: '0.01', exposureSeconds: '1' }, slowly);
    running.send('stream', { command: 'preview' });
    const shown = await running.sink('events').first(event('preview'));
    expect(shown.frame).toMatchObject({ width: 16, height: 8 });
    await running.status('stream', 'blue', 'video');
    running.send('stream', { command: 'stop' });
    await expect.poll(() => camera!.calls, { timeout: 10_000 }).toContain('stream off');
    expect(running.node('camera').reserve('somebody')).toBeTypeOf('function');
    expect(await readdir(join(userDir, 'archive')).catch(() => [])).not.toContain('recordings');
  }, 30_000);

  it('abort throws the film away', async () => {
    const running = await start({ exposureSeconds: '1' }, slowly);
    running.send('stream', { durationSeconds: 3600 });
    await running.sink('events').first(event('recording'));
    running.send('stream', { command: 'abort' });
    expect((await running.sink('events').first(event('end'))).payload).toMatchObject({ reason: 'aborted' });
    const files = await readdir(join(userDir, 'archive/recordings'), { recursive: true });
    expect(files.filter((name) => name.includes('.ser'))).toEqual([]);
    expect(running.sink('errors').messages).toEqual([]);
  }, 30_000);

  it('and a deploy keep what was recorded', async () => {
    const running = await start({ exposureSeconds: '1' }, slowly);
    running.send('stream', { durationSeconds: 3600 });
    await running.sink('events').first(event('progress'));
    await running.deploy(flow({ exposureSeconds: '2' }, slowly));
    const files = await readdir(join(userDir, 'archive/recordings'), { recursive: true });
    expect(files.filter((name) => name.endsWith('.ser'))).toHaveLength(1);
    expect(files.filter((name) => name.endsWith('.json'))).toHaveLength(1);
  }, 30_000);
});

it('a film that a crash cut off is finished at the next start', async () => {
  // What a crash leaves: the partial film, the stamps beside it, and the note of what was under way.
  const archive = join(userDir, 'archive');
  const path = join(archive, 'recordings', 'cut.ser');
  const writer = await SerWriter.open(path);
  const data = new SharedArrayBuffer(128);
  for (const second of [1, 2, 3])
    await writer.add(
      new Frame({ data, width: 16, height: 8, pixelType: 'u8', start: `2026-11-21T21:20:0${second}.000Z` }),
    );
  await writeState(join(workFolder(archive, 'stream'), 'recording.json'), {
    path,
    byDriver: false,
    request: { target, durationSeconds: 60, exposureSeconds: 1, gain: null, offset: null },
    camera: { id: 'video', name: 'Video', backend: 'indi', sensor: null },
    site: null,
    start: Date.UTC(2026, 10, 21, 21, 20),
    before: null,
  });
  const running = await start();
  const warning = await running.sink('events').first(event('warning'));
  expect((warning.payload as { message: string }).message).toContain('TYC 1234 was cut off; 3 frames are saved in');
  expect((await readSerFilm(path)).times).toHaveLength(3);
  const protocol = JSON.parse(await readFile(path.replace('.ser', '.json'), 'utf8'));
  expect(protocol).toMatchObject({ film: { ended: 'cut-off' }, stamps: { by: 'arrival' }, figures: { frames: 3 } });
  await writer.discard();
}, 30_000);

it('the video that ends by itself leaves its film, and an error', async () => {
  script = { loseAfter: 60 };
  const running = await start();
  running.send('stream', { start: '2026-11-21T21:20:00Z', durationSeconds: 30 });
  const film = await running.sink('film').first();
  expect(film.recording).toMatchObject({ film: { ended: 'lost', problem: 'The driver of Video ended.' } });
  expect((await running.sink('events').first(event('end'))).payload).toMatchObject({ reason: 'error' });
  expect(((await running.sink('errors').first()).error as { message: string }).message).toContain('ended');
}, 30_000);
