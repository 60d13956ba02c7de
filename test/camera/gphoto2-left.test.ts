/** What reading a card does to a session, to the night and to the times of its pictures; the session is a script. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LeftPictures } from '../../lib/camera/gphoto2-left.ts';
import type { Gphoto2Session } from '../../lib/camera/gphoto2-session.ts';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { allocatePixels, Frame, type FrameFields } from '../../lib/frame/frame.ts';
import { NightflowError } from '../../lib/process/errors.ts';

const evening = Date.parse('2026-11-21T20:00:00Z');
const request = { exposureSeconds: 10 };
let folder: string;
let clock: RehearsalClock;
let told: string[];
let left: LeftPictures;
let card: string[];
/** A picture, or a listing, that ends the session. */
let deadly: RegExp | null;
/** A picture, or a listing, that the body refuses. */
let refused: RegExp | null;
let onGet: () => void;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-left-'));
  clock = new RehearsalClock(evening, Number.POSITIVE_INFINITY);
  told = [];
  left = new LeftPictures(clock, (sentence) => told.push(sentence));
  card = ['OLD1.ARW'];
  [deadly, refused, onGet] = [null, null, () => {}];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function session(): Gphoto2Session {
  const shell = {
    alive: true,
    async send(command: string, { onLine }: { onLine?: (line: string) => void }): Promise<string[]> {
      if (deadly?.test(command)) {
        shell.alive = false;
        throw new NightflowError('lost', 'The session has ended.');
      }
      if (refused?.test(command)) throw new NightflowError('failed', 'The body refuses.');
      const [verb, path] = command.split(' ') as [string, string];
      if (verb === 'get') {
        const saved = join(folder, path.split('/').at(-1)!);
        await writeFile(saved, 'picture');
        onLine?.(`Saving file as ${saved}`);
        onGet();
        return [];
      }
      const listings: Record<string, string[]> = {
        '/': ['store_00010001/'],
        '/store_00010001': ['DCIM/'],
        '/store_00010001/DCIM': ['100MSDCF/'],
      };
      return listings[path] ?? card;
    },
  };
  return { has: () => true, get: async () => 'card', shell } as unknown as Gphoto2Session;
}

const lose = async (names: string[], single = false) => {
  await left.begin(session(), request, single);
  card.push(...names);
  left.lost();
};
async function fetch(since = 0, signal?: AbortSignal, names: string[] = []): Promise<string[]> {
  for await (const { path } of left.fetch(session(), since, signal)) names.push(path.split('/').at(-1)!);
  return names;
}
const frame = (fields: Partial<FrameFields>) =>
  new Frame({ data: allocatePixels(1, 1, 1, 'u8'), width: 1, height: 1, pixelType: 'u8', ...fields });

describe('a card', () => {
  it('with a picture that ends the session each time costs the night no more than a few tries, and no other picture', async () => {
    await lose(['A.ARW', 'B.ARW', 'C.ARW']);
    deadly = /A\.ARW/;
    const names: string[] = [];
    let ended = 0;
    for (; left.any && ended < 20; )
      await fetch(0, undefined, names).catch(({ code }) => {
        expect(code).toBe('lost');
        ended++;
      });
    expect(left.any).toBe(false);
    expect(names).toEqual(['B.ARW', 'C.ARW']);
    expect(ended).toBeLessThan(10);
    expect(told.at(-1)).toMatch(/stay on the card.*Copy them/);
  });

  it('with a picture that ended the session twice gives the others first', async () => {
    await lose(['A.ARW', 'B.ARW']);
    deadly = /A\.ARW/;
    await expect(fetch()).rejects.toMatchObject({ code: 'lost' });
    await expect(fetch()).rejects.toMatchObject({ code: 'lost' });
    const pictures = left.fetch(session(), 0);
    const first = await pictures.next();
    expect(first.value?.path).toMatch(/B\.ARW$/);
    await pictures.return(undefined);
  });

  it('whose listing ends the session is let be after some tries', async () => {
    await lose(['A.ARW']);
    deadly = /^ls/;
    let ended = 0;
    for (; left.any && ended < 20; ended++) await expect(fetch()).rejects.toMatchObject({ code: 'lost' });
    expect(ended).toBe(4);
  });

  it('whose listing is refused is no reason to wait', async () => {
    await lose(['A.ARW']);
    refused = /^ls/;
    expect(await fetch()).toEqual([]);
    expect(left.any).toBe(false);
    expect(told).toEqual(["What lies on the card can't be listed, so nothing is fetched from it: The body refuses."]);
  });
});

it('a picture whose way to us was given up comes the next time', async () => {
  await lose(['A.ARW', 'B.ARW']);
  const stop = new AbortController();
  onGet = () => stop.abort();
  await expect(fetch(0, stop.signal)).rejects.toMatchObject({ code: 'aborted' });
  expect(await readdir(folder)).toEqual([]);
  expect(await fetch()).toEqual(['A.ARW', 'B.ARW']);
});

it('the lost exposure of a second sequence of single ones is one of that sequence', async () => {
  await left.begin(session(), request, true);
  await clock.sleep(3_600_000);
  const second = clock.now();
  await left.begin(session(), request, true);
  card.push('A.ARW');
  left.lost();
  expect(await fetch(second)).toEqual(['A.ARW']);
});

it('pictures that came from memory are not given twice, though others between them had no room', async () => {
  await left.begin(session(), request, false);
  const numbers = Array.from({ length: 10 }, (_, i) => i + 1);
  card.push(...numbers.map((n) => `P${String(n).padStart(2, '0')}.ARW`));
  const read = (n: number) => frame({ start: new Date(evening + n * 10_000).toISOString(), exposureSeconds: 10 });
  for (const n of [1, 5, 6, 7, 8, 9]) {
    const startMilliseconds = evening + n * 10_000;
    const times = { startMilliseconds, endMilliseconds: startMilliseconds + 10_000, uncertaintySeconds: 0.1 };
    const taken = { path: '', locations: ['/capt0000.arw'], ...times };
    left.missed(n === 5 ? 3 : 0, taken);
    left.arrived(taken, read(n));
  }
  left.lost();
  const fresh: number[] = [];
  for await (const { path, isKnown } of left.fetch(session(), 0)) {
    const n = Number(/P(\d+)/.exec(path)![1]);
    if (!isKnown(read(n))) fresh.push(n);
  }
  expect(fresh).toEqual([10]);
});

describe('the time of a picture on the card', () => {
  const timesOf = async (fields: Partial<FrameFields>) => {
    await lose(['A.ARW']);
    await clock.sleep(60_000);
    for await (const { timesOf } of left.fetch(session(), 0)) return timesOf(frame({ exposureSeconds: 10, ...fields }));
    throw new Error('nothing came');
  };
  const iso = (seconds: number) => new Date(evening + seconds * 1000).toISOString();

  it('is that of the camera where it knows its zone', async () => {
    const times = await timesOf({ start: iso(5), timeUncertaintySeconds: 11 });
    expect(times).toMatchObject({ startMilliseconds: evening + 5000, uncertaintySeconds: 11 });
  });

  it.each([
    ['hours slow', -7200],
    ['in the future', 86_400],
  ])('is not that of a clock %s', async (_, seconds) => {
    const times = await timesOf({ start: iso(seconds), timeUncertaintySeconds: 11 });
    expect(times.startMilliseconds).toBe(evening);
  });
});
