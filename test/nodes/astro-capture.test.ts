import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Frame } from '../../lib/frame/frame.ts';
import { backlogLimitBytes, enterBacklog } from '../../nodes/backlog.ts';
import astroCapture from '../../nodes/camera/astro-capture.ts';
import { bench, errorOf, event, numbers, slowly, startCapture, useCaptureFlow } from './capture-flow.ts';
import { startFlow } from './harness.ts';

useCaptureFlow();

const kept = async (folder: string): Promise<string[]> =>
  (await readdir(join(bench.userDir, folder), { recursive: true, withFileTypes: true }).catch(() => []))
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('.nightflow'))
    .map(({ name }) => name)
    .sort();

it('loads with the right defaults', async () => {
  const running = await startFlow([astroCapture], [{ id: 'capture', type: 'astro-capture', wires: [[], []] }]);
  expect(running.node('capture').type).toBe('astro-capture');
  expect(running.statuses('capture')).toEqual([{ fill: 'grey', shape: 'ring', text: 'ready' }]);
});

describe('frames', () => {
  it('takes the number that is asked for, numbered, timed and dated to the night', async () => {
    const running = await startCapture({ mode: 'count', count: '3', gain: '5' });
    running.send('capture', { payload: 'start' });
    const frames = await running.sink('frames').take(3);
    expect(frames[0]!.payload).toEqual({
      n: 1,
      exposureSeconds: 10,
      start: '2026-03-14T16:00:00.000Z',
      gapSeconds: null,
    });
    expect(frames[1]!.frame).toBeInstanceOf(Frame);
    expect(frames[1]!.frame).toMatchObject({ number: 2, night: '2026-03-14', gain: 5, site: { latitude: 69.6492 } });
    expect(frames[2]!.exposure).toMatchObject({ n: 3, gapSeconds: 0, camera: 'Scripted', night: '2026-03-14' });
    const end = await running.sink('events').first(event('end'));
    expect(end.payload).toMatchObject({
      reason: 'count',
      message: 'all frames are taken',
      frames: 3,
      lost: 0,
      night: '2026-03-14',
      error: null,
    });
    expect(running.sink('frames').messages).toHaveLength(3);
    expect((await running.status('capture', 'green')).text).toBe('3 frames · gap 0 ms');
  });

  it('takes one', async () => {
    const running = await startCapture({ mode: 'one' });
    running.send('capture', {});
    expect((await running.sink('events').first(event('end'))).payload).toMatchObject({ reason: 'count', frames: 1 });
  });

  it('goes on for a duration', async () => {
    const running = await startCapture({ mode: 'duration', durationSeconds: '60' });
    running.send('capture', {});
    expect((await running.sink('events').first(event('end'))).payload).toMatchObject({ reason: 'time', frames: 6 });
  });

  it('keeps the interval from start to start', async () => {
    const running = await startCapture({ mode: 'count', count: '3', intervalSeconds: '60' });
    running.send('capture', {});
    const starts = (await running.sink('frames').take(3)).map((msg) => msg.frame!.start);
    expect(starts).toEqual(['2026-03-14T16:00:00.000Z', '2026-03-14T16:01:00.000Z', '2026-03-14T16:02:00.000Z']);
  });

  it('lets the message override settings, and a topic travel on', async () => {
    const running = await startCapture({ mode: 'count', count: '1' });
    const target = { name: 'M31', raDegrees: 10.68, decDegrees: 41.27 };
    running.send('capture', { command: 'start', exposureSeconds: 2.5, count: 2, topic: 'M31', target });
    const [first] = await running.sink('frames').take(2);
    expect(bench.made.cameras[0]!.requests[0]).toMatchObject({ exposureSeconds: 2.5 });
    expect(first!.topic).toBe('M31');
    expect(first!.frame!.target).toEqual(target);
  });

  it('ends when the camera has no more', async () => {
    bench.made.script = { frames: 2 };
    const running = await startCapture();
    running.send('capture', {});
    const end = await running.sink('events').first(event('end'));
    expect(end.payload).toMatchObject({ reason: 'no-more-frames', frames: 2 });
  });
});

describe('from dusk to dawn', () => {
  it('waits for the Sun, ends by the Sun, and waits for the next night', async () => {
    const running = await startCapture({ startAt: 'sun', stopAt: 'sun', exposureSeconds: '600' });
    const waiting = await running.sink('events').first(event('waiting'));
    expect((waiting.payload as { next: string }).next).toMatch(/^2026-03-14T17:37:2[0-3]/);
    const [first] = await running.sink('frames').take(1);
    expect(first!.frame!.start).toMatch(/^2026-03-14T17:37:2[0-3]/);
    const end = await running.sink('events').first(event('end'));
    // 10 h 30 min less 12 s of 10 min exposures, the last one begun before dawn.
    expect(end.payload).toMatchObject({ reason: 'time', frames: 63, night: '2026-03-14' });
    const next = await running.sink('frames').first((msg) => msg.frame!.night === '2026-03-15');
    expect(next.payload).toMatchObject({ n: 1 });
  });

  it('starts at a time of day of the site', async () => {
    const running = await startCapture({
      startAt: 'time',
      startTime: '18:30',
      mode: 'count',
      count: '1',
      everyNight: false,
    });
    const [frame] = await running.sink('frames').take(1);
    expect(frame!.frame!.start).toBe('2026-03-14T17:30:00.000Z');
    await running.status('capture', 'green');
  });

  it('starts at deploy', async () => {
    const running = await startCapture({ startAt: 'deploy', mode: 'count', count: '2' });
    expect(numbers(await running.sink('frames').take(2))).toEqual([1, 2]);
  });

  // The Sun is below -6° from 17:37:21 to 04:07:09 the next morning.
  it.each([
    ['in the evening', '2026-03-14T20:00:00Z', /^2026-03-14T20:00:00/],
    ['before dawn', '2026-03-14T03:30:00Z', /^2026-03-14T03:30:00/],
    ['and waits by day for the next dusk', '2026-03-15T05:00:00Z', /^2026-03-15T17:4[0-9]/],
  ])('starts at once when it is dark already: %s', async (_, clockStart, first) => {
    const running = await startCapture({ startAt: 'sun', stopAt: 'sun', exposureSeconds: '600' }, { clockStart });
    const [frame] = await running.sink('frames').take(1);
    expect(frame!.frame!.start).toMatch(first);
    const waited = running.sink('events').messages.some(event('waiting'));
    expect(waited).toBe(clockStart.includes('T05'));
  });

  // The first night in which the Sun sinks below -6° is that of 14 August, from 22:14:02 UTC (astropy 5.2.1, no refraction).
  it('waits through the summer of Tromsø with one look a day, and begins in the first dark night', async () => {
    const summer = { clockStart: '2026-06-20T18:00:00Z' };
    const running = await startCapture({ startAt: 'sun', stopAt: 'sun', exposureSeconds: '600' }, summer);
    const [frame] = await running.sink('frames').take(1);
    expect(frame!.frame!.start).toMatch(/^2026-08-14T22:1[34]/);
    const waiting = running.sink('events').messages.filter(event('waiting')).slice(0, -1);
    const looks = waiting.map((msg) => (msg.payload as { next: string }).next);
    expect(looks[0]).toBe('2026-06-21T10:00:00.000Z');
    expect(looks.every((look, i) => i === 0 || Date.parse(look) - Date.parse(looks[i - 1]!) === 86_400_000)).toBe(true);
    expect((waiting[0]!.payload as { waitingFor: string }).waitingFor).toContain('does not sink below -6°');
    expect((await running.status('capture', 'yellow', 'does not sink')).text).toContain('2026-06-21 10:00');
    expect(running.sink('errors').messages).toEqual([]);
  });

  it('does not wait for a height that the Sun never has', async () => {
    const running = await startCapture({ startAt: 'sun', startSunDegrees: '-50' });
    expect((await errorOf(running)).message).toContain('never sinks below -50°');
    await running.status('capture', 'red');
    expect(running.statuses('capture').at(-1)).toMatchObject({ fill: 'red' });
  });

  it('says when the Sun does not sink that low', async () => {
    const midsummer = { clockStart: '2026-06-20T18:00:00Z', clockRate: '1000' };
    const running = await startCapture({ startAt: 'sun', everyNight: false }, midsummer);
    expect((await errorOf(running)).message).toContain('does not sink below -6°');
  });
});

describe('the camera', () => {
  it('is brought back when it is lost, and the lost frame is counted', async () => {
    bench.made.script = { loseAt: [3] };
    const running = await startCapture({ mode: 'count', count: '4' });
    running.send('capture', {});
    const lost = await running.sink('events').first(event('lost'));
    expect((lost.payload as { message: string }).message).toContain('The cable came off.');
    const end = await running.sink('events').first(event('end'));
    expect(end.payload).toMatchObject({ reason: 'count', frames: 4, lost: 1, failures: 1 });
    expect(bench.made.cameras[0]!.calls).toContain('recover');
    expect((await running.status('capture', 'yellow', '1 lost')).text).toContain('4 frames');
  });

  it('reports a long gap', async () => {
    bench.made.script = { gapSeconds: 3 };
    const running = await startCapture({ mode: 'count', count: '3' });
    running.send('capture', {});
    const gap = await running.sink('events').first(event('gap'));
    expect(gap.payload).toMatchObject({ n: 2, gapSeconds: 3 });
    const end = await running.sink('events').first(event('end'));
    expect((end.payload as { gaps: object }).gaps).toMatchObject({ count: 2, maximumSeconds: 3, totalSeconds: 6 });
  });

  it('that can not be opened is an error', async () => {
    bench.made.script = { openFails: 'Nothing is plugged in.' };
    const running = await startCapture();
    running.send('capture', {});
    expect((await errorOf(running)).message).toBe('Nothing is plugged in.');
  });
});

describe('the disk', () => {
  it('keeps each frame before the flow sees it', async () => {
    const running = await startCapture({ mode: 'count', count: '2', keep: 'all' });
    running.send('capture', {});
    const [first] = await running.sink('frames').take(2);
    const { path } = first!.exposure as { path: string };
    expect(path.startsWith(join(bench.userDir, 'archive', 'frames', 'Scripted', '2026-03-14'))).toBe(true);
    expect((await readFile(path)).byteLength).toBeGreaterThan(16 * 8 * 2);
    await running.sink('events').first(event('end'));
    expect(await kept('archive/frames')).toHaveLength(2);
  });

  it('makes a folder for each night in the folder of the camera, and names a frame by start, exposure, sequence and number', async () => {
    const evening = { clockStart: '2026-03-15T10:59:50Z' }; // local noon is the border of two nights
    const running = await startCapture({ mode: 'count', count: '2', keep: 'all', folder: 'raw/{camera}' }, evening);
    running.send('capture', {});
    await running.sink('events').first(event('end'));
    for (const [night, time, n] of [
      ['2026-03-14', '105950.000', 1],
      ['2026-03-15', '110000.000', 2],
    ]) {
      const [name, ...others] = await kept(`archive/raw/Scripted/${night}`);
      expect(name).toMatch(new RegExp(`^light_20260315T${time}Z_10s_[0-9a-f]{8}_00000${n}\\.fits$`));
      expect(others).toEqual([]);
    }
  });

  it('says what the name of the folder may ask for', async () => {
    const running = await startCapture({ mode: 'one', keep: 'all', folder: '{night}/{camera}' });
    running.send('capture', {});
    expect((await errorOf(running)).message).toContain('asks for {night}, which is unknown');
    expect(running.statuses('capture').at(-1)!.text).toContain('a folder for each night is made in it');
  });

  it('keeps none when the flow is to use them', async () => {
    const running = await startCapture({ mode: 'count', count: '2', keep: 'none' });
    running.send('capture', {});
    await running.sink('events').first(event('end'));
    expect(await kept('archive')).toEqual([]);
  });

  it('refuses to start below the limit, and says how much is free', async () => {
    const running = await startCapture({ freeGigabytes: '1000000' });
    running.send('capture', {});
    expect((await errorOf(running)).message).toMatch(
      /^The disk of .* has .*GB left .* are to stay free\. Free some space/,
    );
    expect(running.sink('frames').messages).toEqual([]);
  });

  it('brings the forecast with the start', async () => {
    const running = await startCapture({ mode: 'one', keep: 'all' });
    running.send('capture', {});
    const started = await running.sink('events').first(event('started'));
    const storage = (started.payload as { storage: { freeBytes: number; message: string } }).storage;
    expect(storage.freeBytes).toBeGreaterThan(0);
    expect(storage.message).toContain('free on the disk');
  });
});

it('waits between frames while the flow is behind, and loses none', async () => {
  const running = await startCapture({}, slowly);
  const leave = enterBacklog(new SharedArrayBuffer(backlogLimitBytes + 1));
  running.send('capture', {});
  const waiting = await running.sink('events').first(event('waiting'));
  expect((waiting.payload as { waitingFor: string }).waitingFor).toContain('frames before');
  expect((await running.status('capture', 'yellow')).text).toContain('waits for the flow');
  expect(running.sink('frames').messages).toEqual([]);
  leave();
  expect(numbers(await running.sink('frames').take(8))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});
