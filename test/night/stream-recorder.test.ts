/** Our own SER of a video: the span, the queue, damage, a disk that fails, and what a crash leaves. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { readSerFilm, recoverSer } from '../../lib/frame/ser.ts';
import { mendFilm } from '../../lib/night/stream-film.ts';
import { StreamRecorder } from '../../lib/night/stream-recorder.ts';
import { StreamCamera, type StreamScript } from './scripted-stream.ts';

const zero = Date.UTC(2026, 10, 21, 21, 14, 5);
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-stream-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function record(script: StreamScript, more: { queueBytes?: number; path?: string } = {}) {
  const clock = new RehearsalClock(zero, Number.POSITIVE_INFINITY);
  const stream = await new StreamCamera(script, { clock }).stream({ exposureSeconds: 0.1 });
  const path = more.path ?? join(folder, 'film.ser');
  const span = { from: zero + 1000, until: zero + 3000 };
  // The clock jumps; opening a file takes real time.
  const release = clock.hold();
  const options = { path, clock, ...span, queueBytes: more.queueBytes };
  const recorder = await StreamRecorder.open(stream, options).finally(release);
  await recorder.over;
  await stream.close();
  return { path, closed: recorder.close() };
}

describe('our own film', () => {
  it('has every frame whose exposure touches the span, stamped with its end', async () => {
    const { path, closed } = await record({ latencyMilliseconds: 30 });
    const film = (await closed)!;
    expect(film).toMatchObject({
      path,
      frames: 20,
      dropped: 0,
      faults: 0,
      stampedBy: 'arrival',
      bits: 8,
      problem: null,
    });
    const { times, whole, width, height } = await readSerFilm(path);
    expect([whole, width, height]).toEqual([20, 16, 8]);
    expect([times[0], times[19]]).toEqual(['2026-11-21T21:14:06.100Z', '2026-11-21T21:14:08.000Z']);
    expect(film.latency!.highSeconds).toBeGreaterThanOrEqual(0.03);
    expect(await readdir(folder)).toEqual(['film.ser']);
  });

  it('counts damaged pictures', async () => {
    const film = (await (await record({ faultsAt: [12, 15] })).closed)!;
    expect(film).toMatchObject({ frames: 20, faults: 2 });
  });

  it('counts what came while the disk was too slow, and never waits', async () => {
    // One picture fits into the queue: of three that come at once, at least two find it full.
    const film = (await (await record({ burst: 3 }, { queueBytes: 128 })).closed)!;
    expect(film.queuePeakBytes).toBe(128);
    expect(film.frames).toBeGreaterThan(0);
    expect(film.frames + film.dropped).toBe(60);
    expect(film.dropped).toBeGreaterThanOrEqual(40);
    expect((await readSerFilm(film.path)).whole).toBe(film.frames);
  });

  it('keeps what it has when the video ends early', async () => {
    const film = (await (await record({ loseAfter: 15 })).closed)!;
    expect(film.frames).toBe(5);
    expect(film.problem).toMatchObject({ code: 'lost' });
  });

  it('leaves nothing behind when no frame came', async () => {
    expect(await (await record({ loseAfter: 3 })).closed.catch((error) => error.code)).toBe('lost');
    expect(await readdir(folder)).toEqual([]);
  });

  it('says so when the folder can’t be written', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(record({}, { path: join(folder, 'file', 'film.ser') })).rejects.toMatchObject({
      message: expect.stringContaining('film.ser'),
    });
  });
});

it('keeps the whole pictures when the disk is full, and says so', async () => {
  // A limit on the length of files (EFBIG) is what a full disk is to a program that may not mount one.
  const script = `
    import { RehearsalClock } from '${new URL('../../lib/clock/rehearsal.ts', import.meta.url).href}';
    import { StreamRecorder } from '${new URL('../../lib/night/stream-recorder.ts', import.meta.url).href}';
    import { StreamCamera } from '${new URL('./scripted-stream.ts', import.meta.url).href}';
    process.on('SIGXFSZ', () => {});
    const clock = new RehearsalClock(${zero}, Infinity);
    const stream = await new StreamCamera({ width: 1000, height: 1000 }, { clock }).stream({ exposureSeconds: 0.1 });
    const options = { path: process.argv[1], clock, from: ${zero}, until: ${zero + 3000} };
    const release = clock.hold();
    const recorder = await StreamRecorder.open(stream, options).finally(release);
    await recorder.over;
    await stream.close();
    const film = await recorder.close();
    console.log(JSON.stringify({ frames: film.frames, dropped: film.dropped, problem: film.problem?.message }));
    process.exit(0);
  `;
  const path = join(folder, 'full.ser');
  // 10240 blocks of 512 bytes (of 1024 in some shells): five pictures of a megabyte.
  const command = 'ulimit -f 10240 && exec "$0" --input-type=module -e "$1" -- "$2"';
  const out = execFileSync('sh', ['-c', command, process.execPath, script, path], { encoding: 'utf8' });
  const told = JSON.parse(out.trim().split('\n').at(-1)!);
  expect(told.problem).toContain('full.ser');
  expect([5, 10]).toContain(told.frames);
  expect(told.dropped).toBeGreaterThan(0);
  expect((await readSerFilm(path)).whole).toBe(told.frames);
}, 60_000);

it('is finished after its process was killed', async () => {
  const path = join(folder, 'killed.ser');
  const script = `
    import { realClock } from '${new URL('../../lib/clock/clock.ts', import.meta.url).href}';
    import { StreamRecorder } from '${new URL('../../lib/night/stream-recorder.ts', import.meta.url).href}';
    import { StreamCamera } from '${new URL('./scripted-stream.ts', import.meta.url).href}';
    const stream = await new StreamCamera({}, { clock: realClock }).stream({ exposureSeconds: 0.05 });
    const from = realClock.now();
    const recorder = await StreamRecorder.open(stream, { path: process.argv[1], clock: realClock, from, until: from + 600000 });
    stream.onFrame(() => recorder.frames === 12 && console.log('enough'));
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, '--', path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout!, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const recovered = (await recoverSer(path))!;
  expect(recovered.frames).toBeGreaterThan(0);
  const film = await readSerFilm(path);
  expect(film.times.length).toBe(recovered.frames);
  expect(film.times.every((time) => time !== null)).toBe(true);
  expect(await readdir(folder)).toEqual(['killed.ser']);
}, 60_000);

it('a driver’s film that was cut off gets its count back, and no stamps are invented', async () => {
  const { path, closed } = await record({});
  await closed;
  const bytes = await readFile(path);
  // As the recorder of libindi leaves it: no count, no trailer, the last picture not whole.
  bytes.writeInt32LE(0, 38);
  await writeFile(path, bytes.subarray(0, 178 + 7 * 128 + 60));
  expect(await mendFilm(path)).toBe(true);
  expect(await readSerFilm(path)).toMatchObject({ frames: 7, whole: 7, times: [] });
  expect(await mendFilm(path)).toBe(false);
  await writeFile(path, bytes.subarray(0, 178 + 60));
  await expect(mendFilm(path)).rejects.toMatchObject({ code: 'bad-input' });
});
