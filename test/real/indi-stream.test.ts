/** Films of a real indiserver’s CCD simulator: recorded by its driver, and by ourselves, up to crashes in the middle of it. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indiBackend } from '../../lib/camera/indi.ts';
import type { IndiBackendCamera } from '../../lib/camera/indi-camera.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { readSer, readSerFilm } from '../../lib/frame/ser.ts';
import { isOn } from '../../lib/indi/property.ts';
import { recordEvent } from '../../lib/night/stream-event.ts';
import type { RecordingEnd, RecordingRequest } from '../../lib/night/stream-request.ts';
import { devices, startWorld, type World } from './indi-world.ts';

const { device } = devices.camera;
const site = { name: 'Here', latitude: 51, longitude: 7, elevation: 100 };
const target = { name: 'TYC 1234', raDegrees: 83.6, decDegrees: 22 };
let world: World;
let camera: IndiBackendCamera;
let folder: string;
let films = 0;
/** Frames of the recording under way, as it tells. */
let recorded = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-films-'));
  world = await startWorld(['camera']);
  const options = { host: '127.0.0.1', port: world.port, device };
  camera = indiBackend.create(options, { clock: realClock, site }) as IndiBackendCamera;
  await camera.open();
}, 60_000);
afterAll(async () => {
  await camera?.close();
  await world?.end();
  await rm(folder, { recursive: true, force: true });
});

const find = (name: string) => world.client.store.property(device, name);
const patiently = { timeout: 40_000 };

interface Recorded {
  end: RecordingEnd;
  path: string;
  start: number;
  warnings: string[];
  previews: number;
}

async function record(request: Partial<RecordingRequest> = {}, stop = new AbortController()): Promise<Recorded> {
  const path = join(folder, `film-${++films}.ser`);
  const start = realClock.now() + 2500;
  const warnings: string[] = [];
  let previews = 0;
  recorded = 0;
  const end = await recordEvent(
    {
      startMilliseconds: start,
      durationSeconds: 3,
      exposureSeconds: 0.1,
      gain: 80,
      offset: null,
      target,
      recordBy: 'auto',
      leadSeconds: 2,
      lateSeconds: 30,
      clockLimitSeconds: 0.1,
      ...request,
    },
    { camera, clock: realClock, site, filmPath: async () => path, takeCamera: () => () => {} },
    { stop: stop.signal, abort: new AbortController().signal },
    {
      phase: () => {},
      clock: () => {},
      progress: ({ frames }) => {
        recorded = frames;
      },
      frame: () => previews++,
      warning: ({ message }) => warnings.push(message),
    },
  );
  return { end, path, start, warnings, previews };
}

describe('recorded by the driver', () => {
  it('is 16 bit, stamped by it to the microsecond, covers the instant, and lies in the archive', async () => {
    const { end, path, start, warnings, previews } = await record();
    expect(end).toMatchObject({ reason: 'done', error: null });
    expect(warnings).toEqual([]);
    const { film, figures, stamps, instrument, asked } = end.protocol!;
    expect(film).toMatchObject({ path, recordedBy: 'driver', onServer: false, ended: 'done' });
    expect(stamps).toMatchObject({ by: 'driver', latency: null });
    expect(instrument).toMatchObject({ camera: device, width: 1280, height: 1024, bits: 16 });
    expect(Date.parse(asked.start)).toBe(start);
    // Read back from the file: count, stamps, cadence.
    const read = await readSerFilm(path);
    expect(read).toMatchObject({ whole: figures.frames, depth: 16, colour: 'mono' });
    expect(read.times).toHaveLength(figures.frames);
    expect(figures.first).toMatch(/\.\d{6}Z$/);
    expect(figures.frames).toBeGreaterThan(3);
    expect(figures.cadenceSeconds).toBeGreaterThan(0.05);
    // How late the first is depends on how busy this computer is; that the last is after the span does not.
    expect(Date.parse(figures.last!)).toBeGreaterThan(start + 2900);
    expect(Date.parse(figures.first!)).toBeGreaterThan(start - 1000);
    const frame = await readSer(path, { index: 2 });
    expect(frame).toMatchObject({ width: 1280, height: 1024, pixelType: 'u16', start: read.times[2] });
    // Nothing is left where the driver had put it.
    const left = (await readdir(world.home, { recursive: true })).filter((name) => name.endsWith('.ser'));
    expect(left).toEqual([]);
    expect(JSON.parse(await readFile(path.replace('.ser', '.json'), 'utf8'))).toEqual(end.protocol);
    expect(previews).toBeGreaterThan(0);
    expect(isOn(find('CCD_VIDEO_STREAM'), 'STREAM_OFF')).toBe(true);
  }, 120_000);

  it('ends early at a stop, and is kept', async () => {
    const stop = new AbortController();
    const recording = record({ durationSeconds: 600 }, stop);
    await expect.poll(() => recorded, patiently).toBeGreaterThan(3);
    stop.abort();
    const { end, path } = await recording;
    expect(end).toMatchObject({ reason: 'stopped', protocol: { film: { ended: 'stopped', path } } });
    expect((await readSerFilm(path)).times.length).toBeGreaterThan(0);
    await expect.poll(() => find('RECORD_STREAM')?.state, patiently).not.toBe('Busy');
  }, 120_000);

  it('cut off by a crash of the driver keeps its pictures, and no stamps are invented', async () => {
    const recording = record({ durationSeconds: 600 });
    await expect.poll(() => recorded, patiently).toBeGreaterThan(3);
    const crash = { device, property: 'CCD_SIMULATE_CRASH', values: { CRASH: true }, timeoutSeconds: 5 };
    await world.client.commandNow(crash);
    const { end, path } = await recording;
    expect(end).toMatchObject({ reason: 'error', error: { code: 'lost' } });
    expect(end.protocol).toMatchObject({ film: { ended: 'cut-off', path }, figures: { first: null } });
    const film = await readSerFilm(path);
    // libindi writes the count and the stamps when it closes the film: the count is mended, stamps are not invented.
    expect(film.whole).toBe(end.protocol!.figures.frames);
    expect(film.whole).toBeGreaterThan(0);
    expect(film.frames).toBe(film.whole);
    expect((await readSer(path, { index: film.whole - 1 })).width).toBe(1280);
    await expect
      .poll(
        () =>
          camera.recover().then(
            () => true,
            () => false,
          ),
        patiently,
      )
      .toBe(true);
  }, 120_000);

  it('is recorded by ourselves when the driver can’t write where it wants to, and that is said', async () => {
    const blocked = join(folder, 'blocked');
    await writeFile(blocked, '');
    const before = find('RECORD_FILE')?.elements.get('RECORD_FILE_DIR')?.value as string;
    const set = (RECORD_FILE_DIR: string) =>
      world.client.command({ device, property: 'RECORD_FILE', values: { RECORD_FILE_DIR } });
    await set(join(blocked, 'inside'));
    const instead = await record();
    const refused = await record({ recordBy: 'driver' });
    await set(before);
    expect(instead.end).toMatchObject({ reason: 'done', protocol: { film: { recordedBy: 'nightflow' } } });
    expect(instead.warnings.join()).toContain('Nightflow records the video itself');
    expect(instead.end.protocol!.figures.frames).toBeGreaterThan(0);
    expect(refused.end).toMatchObject({ reason: 'error', protocol: null, error: { code: 'rejected' } });
    expect(refused.end.error!.message).toContain('did not record');
    expect(refused.end.error!.message).not.toContain('no stars');
  }, 120_000);
});

it('a driver that crashes in the wait is connected again in time', async () => {
  const recording = record();
  const crash = { device, property: 'CCD_SIMULATE_CRASH', values: { CRASH: true }, timeoutSeconds: 5 };
  await world.client.commandNow(crash);
  const { end, path } = await recording;
  expect(end).toMatchObject({ reason: 'done', error: null });
  expect((await readSerFilm(path)).whole).toBeGreaterThan(0);
}, 120_000);

describe('recorded by ourselves', () => {
  it('is 8 bit, stamped on arrival, and says how well', async () => {
    const { end, path, start } = await record({ recordBy: 'own' });
    expect(end).toMatchObject({ reason: 'done', error: null });
    const { stamps, figures, lost, instrument, film } = end.protocol!;
    expect(film).toMatchObject({ recordedBy: 'nightflow', path, onServer: false });
    expect(instrument.bits).toBe(8);
    expect(lost).toMatchObject({ dropped: 0, damaged: 0 });
    expect(stamps).toMatchObject({ by: 'arrival', meaning: expect.stringContaining('arrived') });
    expect(stamps.latency!.frames).toBe(figures.frames);
    // Server and we share a clock here, so that the way can't take less than nothing.
    expect(stamps.latency!.highSeconds).toBeGreaterThanOrEqual(0);
    expect(figures.jitterSeconds).not.toBeNull();
    const read = await readSerFilm(path);
    expect(read).toMatchObject({ whole: figures.frames, depth: 8, instrument: device, observer: 'Here' });
    expect(read.times.every((time) => time !== null && Date.parse(time) > start)).toBe(true);
  }, 120_000);

  it('keeps its frames when the driver crashes', async () => {
    const recording = record({ recordBy: 'own', durationSeconds: 600 });
    await expect.poll(() => recorded, patiently).toBeGreaterThan(3);
    await world.client.commandNow({
      device,
      property: 'CCD_SIMULATE_CRASH',
      values: { CRASH: true },
      timeoutSeconds: 5,
    });
    const { end, path } = await recording;
    expect(end).toMatchObject({ reason: 'error', error: { code: 'lost' }, protocol: { film: { ended: 'lost' } } });
    const film = await readSerFilm(path);
    expect(film.whole).toBeGreaterThan(0);
    expect(film.times).toHaveLength(film.whole);
    await expect
      .poll(
        () =>
          camera.recover().then(
            () => true,
            () => false,
          ),
        patiently,
      )
      .toBe(true);
  }, 120_000);
});
