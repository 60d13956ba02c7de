import { mkdir, mkdtemp, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CapturedFrame } from '../../lib/camera/camera.ts';
import { FolderCamera, type FolderOptions } from '../../lib/camera/folder-camera.ts';
import { inTimeOrder, listPictures } from '../../lib/camera/folder-files.ts';
import type { Clock } from '../../lib/clock/clock.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { allocatePixels, Frame } from '../../lib/frame/frame.ts';
import { NightflowError } from '../../lib/process/errors.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-folder-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A picture of the tests: JSON with its start and exposure. Whatever is no JSON is broken. */
const picture = (start: string | null = null, exposureSeconds: number | null = null) =>
  JSON.stringify({ start, exposureSeconds });
const put = (name: string, text = picture()) => writeFile(join(folder, name), text);

let reads: string[] = [];
const reader = {
  pollSeconds: 0.05,
  async readFrame(path: string): Promise<Frame> {
    reads.push(basename(path));
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (cause) {
      throw new NightflowError('lost', `${path} is gone.`, { cause });
    }
    if (!text.endsWith('}')) throw new NightflowError('bad-input', 'It is cut off.');
    const data = allocatePixels(4, 3, 1, 'u16');
    return new Frame({ data, width: 4, height: 3, pixelType: 'u16', source: path, ...JSON.parse(text) });
  },
  readFrameTime: async (path: string) => JSON.parse(await readFile(path, 'utf8')),
};

const begin = Date.parse('2026-03-20T18:00:00Z');
function cameraOf(options: Partial<FolderOptions> = {}, clock: Clock = new RehearsalClock(begin, Infinity)) {
  reads = [];
  return new FolderCamera(
    { path: folder, pace: 'fastest', intervalSeconds: 0, watch: false, ...options },
    { clock, site: null },
    reader,
  );
}

async function take(camera: FolderCamera, count = Infinity, signal?: AbortSignal): Promise<CapturedFrame[]> {
  const taken: CapturedFrame[] = [];
  for await (const captured of camera.exposures({ exposureSeconds: 5 }, signal)) {
    taken.push(captured);
    if (taken.length >= count) break;
  }
  return taken;
}
const names = (taken: readonly CapturedFrame[]) => taken.map(({ frame }) => basename(frame.source!));

describe('the order', () => {
  it('is that of the times in the headers', async () => {
    await put('a.fits', picture('2026-01-01T00:00:20.000Z'));
    await put('b.fits', picture('2026-01-01T00:00:10.000Z'));
    await put('c.dng', picture('2026-01-01T00:00:00.000Z'));
    await put('notes.txt', 'no picture');
    await put('d.fits.0badcafe.nightflow-part', 'half');
    expect(names(await take(cameraOf()))).toEqual(['c.dng', 'b.fits', 'a.fits']);
  });

  it('is that of the names, by their numbers, without times', async () => {
    for (const n of [10, 9, 100, 1]) await put(`IMG_${n}.JPG`);
    expect(names(await take(cameraOf()))).toEqual(['IMG_1.JPG', 'IMG_9.JPG', 'IMG_10.JPG', 'IMG_100.JPG']);
  });

  it('keeps a file without a time behind the one its name follows', () => {
    const times: Record<string, number | null> = { a: null, b: 30, c: null, d: 10 };
    expect(inTimeOrder(['a', 'b', 'c', 'd'], (name) => times[name]!)).toEqual(['a', 'd', 'b', 'c']);
  });

  it('takes a pattern, over folders too', async () => {
    await mkdir(join(folder, 'n1'));
    await mkdir(join(folder, 'n2'));
    await put('n1/x1.fits');
    await put('n2/x2.fits');
    await put('n2/y.fits');
    expect((await listPictures(join(folder, '*', 'x*.fits'))).map(({ path }) => basename(path))).toEqual([
      'x1.fits',
      'x2.fits',
    ]);
    await expect(listPictures(join(folder, 'absent', '*.fits'))).rejects.toMatchObject({ code: 'lost' });
  });
});

describe('the pace', () => {
  const recorded = async () => {
    await put('1.fits', picture('2026-01-01T00:00:00.000Z', 5));
    await put('2.fits', picture('2026-01-01T00:00:06.000Z', 5));
    await put('3.fits', picture('2026-01-01T00:01:06.000Z', 5));
  };
  async function deliveries(options: Partial<FolderOptions>) {
    const clock = new RehearsalClock(begin, Infinity);
    const at: number[] = [];
    const taken: CapturedFrame[] = [];
    for await (const captured of cameraOf(options, clock).exposures({ exposureSeconds: 5 })) {
      at.push((clock.now() - begin) / 1000);
      taken.push(captured);
    }
    return { at, taken };
  }

  it('of the timestamps keeps times and gaps as they were recorded', async () => {
    await recorded();
    const { at, taken } = await deliveries({ pace: 'timestamps' });
    expect(at).toEqual([0, 6, 66]);
    expect(taken.map(({ gapSeconds }) => gapSeconds)).toEqual([null, 1, 55]);
    expect(taken[1]!.frame).toMatchObject({
      start: '2026-01-01T00:00:06.000Z',
      end: '2026-01-01T00:00:11.000Z',
      timeSource: 'file',
    });
  });

  it('that is fixed, and that of the exposure time', async () => {
    await recorded();
    expect((await deliveries({ pace: 'fixed', intervalSeconds: 2 })).at).toEqual([0, 2, 4]);
    expect((await deliveries({ pace: 'fixed' })).at).toEqual([0, 5, 10]);
    expect((await deliveries({ pace: 'fastest' })).at).toEqual([0, 0, 0]);
  });

  it('gives its time to frames that have none', async () => {
    await put('1.jpg');
    await put('2.jpg', picture(null, 2));
    const { taken } = await deliveries({ pace: 'fixed', intervalSeconds: 4 });
    expect(taken[0]!.frame).toMatchObject({
      start: '2026-03-20T18:00:00.000Z',
      end: '2026-03-20T18:00:00.000Z',
      timeSource: 'host',
    });
    expect(taken[1]!.frame).toMatchObject({ start: '2026-03-20T18:00:02.000Z', end: '2026-03-20T18:00:04.000Z' });
    expect(taken[1]!.gapSeconds).toBe(2);
  });

  it('repeats with times that go on', async () => {
    await recorded();
    const clock = new RehearsalClock(begin, Infinity);
    const taken = await take(cameraOf({ pace: 'fixed', intervalSeconds: 5, repeat: true }, clock), 7);
    expect(names(taken)).toEqual(['1.fits', '2.fits', '3.fits', '1.fits', '2.fits', '3.fits', '1.fits']);
    expect(taken.at(-1)!.frame.end).toBe('2026-03-20T18:00:30.000Z');
    expect(taken.slice(1).every(({ gapSeconds }) => gapSeconds === 0)).toBe(true);
  });
});

describe('trouble', () => {
  it('a broken file is passed over, counted and named', async () => {
    await put('1.fits', picture());
    await put('2.fits', '{"start"');
    await put('3.fits', picture());
    await put('4.fits', '');
    const camera = cameraOf();
    const taken = await take(camera);
    expect(names(taken)).toEqual(['1.fits', '3.fits']);
    expect(taken[1]!.lostBefore).toBe(1);
    expect(await camera.get('skipped')).toBe(2);
    expect(camera.warnings()).toEqual([
      '2.fits was passed over: It is cut off.',
      '4.fits was passed over: It is cut off.',
    ]);
    expect(camera.warnings()).toEqual([]);
  });

  it('a folder of nothing but broken files says so, and so does an empty or an absent one', async () => {
    await expect(cameraOf().open()).rejects.toThrow('There is no picture in');
    await put('1.fits', 'x');
    await expect(take(cameraOf())).rejects.toThrow('None of the 1 pictures');
    await expect(cameraOf({ path: join(folder, 'absent') }).open()).rejects.toMatchObject({ code: 'lost' });
    expect(() => cameraOf({ path: 'relative' })).toThrow('not an absolute path');
    expect(() => cameraOf({ pace: 'slow' as 'fixed' })).toThrow('"slow" is not one of');
    expect(() => cameraOf({ watch: true, repeat: true })).toThrow('not both');
  });

  it('goes on where it was when a folder that vanished is back', async () => {
    for (let n = 1; n <= 9; n++) await put(`${n}.fits`);
    const camera = cameraOf();
    const first = await take(camera, 3);
    await rename(folder, `${folder}-away`);
    // What was read ahead is still good; then the folder is missed.
    const more: CapturedFrame[] = [];
    await expect(
      (async () => {
        for await (const captured of camera.exposures({ exposureSeconds: 5 })) more.push(captured);
      })(),
    ).rejects.toMatchObject({ code: 'lost' });
    await expect(camera.recover()).rejects.toMatchObject({ code: 'lost' });
    await rename(`${folder}-away`, folder);
    await camera.recover();
    const rest = await take(camera);
    expect(names([...first, ...more, ...rest])).toEqual(Array.from({ length: 9 }, (_, i) => `${i + 1}.fits`));
    expect(await camera.get('skipped')).toBe(0);
  });

  it('an emptied folder (a disk that was pulled out) is lost too, one file that was deleted is not', async () => {
    for (let n = 1; n <= 5; n++) await put(`${n}.fits`);
    const camera = cameraOf();
    await take(camera, 1);
    await rm(join(folder, '4.fits'));
    expect(names(await take(camera))).toEqual(['2.fits', '3.fits', '5.fits']);
    const emptied = cameraOf();
    await take(emptied, 1);
    for (const n of [1, 2, 3, 5]) await rm(join(folder, `${n}.fits`));
    await expect(take(emptied)).rejects.toMatchObject({ code: 'lost' });
  });

  it('reads ahead a bounded number, and an aborted wait loses no picture', async () => {
    for (let n = 1; n <= 9; n++) await put(`${n}.fits`, picture(null, 5));
    const clock = new RehearsalClock(begin, 1);
    const camera = cameraOf({ pace: 'fixed', intervalSeconds: 3600 }, clock);
    expect(names(await take(camera, 1))).toEqual(['1.fits']);
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    await expect(take(camera, 1, stop.signal)).rejects.toThrow('aborted');
    expect(reads.length).toBeLessThanOrEqual(4);
    await camera.set('pace', 'fastest');
    expect(names(await take(camera))).toEqual([
      '2.fits',
      '3.fits',
      '4.fits',
      '5.fits',
      '6.fits',
      '7.fits',
      '8.fits',
      '9.fits',
    ]);
  });

  it('expose gives one picture at a time and says when there are no more', async () => {
    await put('1.fits');
    const camera = cameraOf();
    expect((await camera.expose({ exposureSeconds: 5 })).camera).toBe('Folder');
    await expect(camera.expose({ exposureSeconds: 5 })).rejects.toThrow('read to its end: 1 pictures');
    expect(camera.info.sensor).toMatchObject({ width: 4, height: 3, bitsPerSample: 16 });
  });
});

describe('watching', () => {
  it('takes new files when they are whole, and a file written anew', async () => {
    await put('1.fits');
    const camera = cameraOf({ watch: true }, realClock);
    const stop = new AbortController();
    const taken: CapturedFrame[] = [];
    const watching = (async () => {
      for await (const captured of camera.exposures({ exposureSeconds: 5 }, stop.signal)) taken.push(captured);
    })();
    const until = async (count: number) => {
      while (taken.length < count) await realClock.sleep(20);
    };
    await until(1);
    // Grows at every look, and must not be taken before it is whole.
    const whole = picture('2026-01-01T00:00:00.000Z', 5);
    for (let length = 1; length <= whole.length; length += 5) {
      await put('2.fits', whole.slice(0, length));
      await realClock.sleep(15);
    }
    await put('2.fits', whole);
    await until(2);
    await put('latest.jpg');
    await until(3);
    await put('latest.jpg', `${picture()}`);
    await utimes(join(folder, 'latest.jpg'), 1e9, 1e9);
    await until(4);
    stop.abort();
    await expect(watching).rejects.toThrow('aborted');
    expect(names(taken)).toEqual(['1.fits', '2.fits', 'latest.jpg', 'latest.jpg']);
    expect(await camera.get('skipped')).toBe(0);
  });
});

it('has files of a camera only where its pictures are such', async () => {
  await put('a.fits');
  const fits = cameraOf();
  await fits.open();
  expect(fits.bringsOriginals()).toBe(false);
  await rm(join(folder, 'a.fits'));
  await put('a.ARW');
  const raw = cameraOf();
  await raw.open();
  expect(raw.bringsOriginals()).toBe(true);
});
