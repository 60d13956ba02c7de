import { appendFile, mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allocatePixels, type Frame } from '../../lib/frame/frame.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { cutColumn } from '../../lib/night/keogram.job.ts';
import { Keogram, type KeogramOptions } from '../../lib/night/keogram.ts';
import { timeTicks } from '../../lib/night/time-axis.ts';
import { evening, smallFrame } from './small-frames.ts';

const night = '2026-01-12';
const oslo = { longitude: 10.75, timeZone: 'Europe/Oslo' };
const options: KeogramOptions = {
  angleDegrees: 0,
  position: 0.5,
  columnWidth: 3,
  height: 40,
  stretch: 'none',
  drc: 'off',
};
let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'nightflow-keogram-')), night);
});
afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }));
afterAll(closeSharedPool);

/** A display picture (8 bit, sRGB) of one grey, so that no stretch changes it. */
const grey = (seconds: number, value: number, more: object = {}) => {
  const frame = smallFrame(seconds, more);
  const data = allocatePixels(frame.width, frame.height, 1, 'u8');
  new Uint8Array(data).fill(value);
  return frame.with({ data, pixelType: 'u8', whiteLevel: 255, transfer: 'srgb' });
};
async function keogramOf(frames: Frame[]): Promise<Keogram> {
  const keogram = await Keogram.begin(folder, night, frames[0]!, options);
  for (const frame of frames) await keogram.add(frame, options);
  return keogram;
}
async function draw(keogram: Keogram) {
  const drawn = await keogram.draw(oslo);
  const { data, info } = await sharp(drawn.png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  /** RGB of a pixel of the sky part. */
  const at = (seconds: number, y: number) => {
    const x = 12 + Math.floor((seconds * 1000 - (Date.parse(drawn.start) - evening)) / 1000 / drawn.secondsPerPixel);
    return [...data.subarray(((30 + y) * info.width + x) * 3, ((30 + y) * info.width + x) * 3 + 3)];
  };
  return { ...drawn, at };
}

describe('a keogram', () => {
  it('lays each frame over its time, and leaves a gap of time dark', async () => {
    const before = Array.from({ length: 60 }, (_, index) => grey(index * 60, 80, { exposureSeconds: 60 }));
    const after = Array.from({ length: 60 }, (_, index) => grey(7200 + index * 60, 160, { exposureSeconds: 60 }));
    const { at, start, end } = await draw(await keogramOf([...before, ...after]));
    expect([start, end]).toEqual(['2026-01-12T22:00:00.000Z', '2026-01-13T01:00:00.000Z']);
    expect(at(1800, 20)).toEqual([80, 80, 80]);
    expect(at(5400, 20)).toEqual([0, 0, 0]);
    expect(at(9000, 20)).toEqual([160, 160, 160]);
  });

  it('bridges the usual pause between frames', async () => {
    const frames = Array.from({ length: 50 }, (_, index) => grey(index * 15, 90, { exposureSeconds: 10 }));
    const { at } = await draw(await keogramOf(frames));
    for (const seconds of [100, 111, 112, 113, 114, 115]) expect(at(seconds, 5)).toEqual([90, 90, 90]);
  });

  it('has the top of the frame at its top, in colour', async () => {
    const frame = smallFrame(0, { exposureSeconds: 600 });
    const data = allocatePixels(32, 24, 3, 'u8');
    new Uint8Array(data).fill(200, 0, 32 * 12); // the upper half is red
    new Uint8Array(data).fill(100, 2 * 32 * 24 + 32 * 12, 3 * 32 * 24); // the lower half is blue
    const keogram = await keogramOf([
      frame.with({ data, channels: 3, pixelType: 'u8', whiteLevel: 255, transfer: 'srgb' }),
    ]);
    const { at } = await draw(keogram);
    expect(at(10, 2)).toEqual([200, 0, 0]);
    expect(at(10, 37)).toEqual([0, 0, 100]);
  });

  it('goes on after a crash in the middle of a column', async () => {
    await keogramOf([grey(0, 50), grey(60, 60)]);
    await appendFile(join(folder, 'columns.bin'), 'half a column');
    const after = (await Keogram.open(folder))!;
    expect(after.frames).toBe(2);
    await after.add(grey(120, 70), options);
    expect((await Keogram.open(folder))!.frames).toBe(3);
    expect((await stat(join(folder, 'columns.bin'))).size).toBe(16 + 3 * (16 + 40 * 3));
  });

  it('skips columns that a power cut left empty', async () => {
    const keogram = await keogramOf([grey(0, 50), grey(60, 60)]);
    await truncate(join(folder, 'columns.bin'), 16 + 136);
    await truncate(join(folder, 'columns.bin'), 16 + 136 * 2);
    expect((await draw(keogram)).at(2, 5)).toEqual([50, 50, 50]);
  });

  it('begins anew when what is there is no keogram', async () => {
    await keogramOf([grey(0, 50)]);
    await writeFile(join(folder, 'columns.bin'), 'something else entirely');
    expect(await Keogram.open(folder)).toBeNull();
    expect(await Keogram.open(join(folder, 'absent'))).toBeNull();
  });

  it('refuses a frame without a time', async () => {
    const keogram = await Keogram.begin(folder, night, grey(0, 1), options);
    await expect(keogram.add(grey(0, 1).with({ start: null }), options)).rejects.toThrow('has no time');
    await expect(keogram.draw(oslo)).rejects.toThrow('without a frame has no picture');
  });
});

describe('a column', () => {
  /** 9 x 9, pixel value = 10 x row + column. */
  const data = new SharedArrayBuffer(81);
  const pixels = new Uint8Array(data);
  for (let index = 0; index < 81; index++) pixels[index] = Math.floor(index / 9) * 10 + (index % 9);
  const cut = (more: object) => {
    const column = cutColumn({
      ...{
        data,
        width: 9,
        height: 9,
        channels: 1 as const,
        samples: 9,
        columnWidth: 1,
        angleDegrees: 0,
        position: 0.5,
      },
      ...more,
    });
    return [...column].filter((_, index) => index % 3 === 0);
  };

  it('is the middle one from top to bottom', () => {
    expect(cut({})).toEqual([4, 14, 24, 34, 44, 54, 64, 74, 84]);
  });
  it('can stand elsewhere', () => {
    expect(cut({ position: 0 })).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80]);
  });
  it('turns clockwise with the angle', () => {
    expect(cut({ angleDegrees: 90 })).toEqual([48, 47, 46, 45, 44, 43, 42, 41, 40]);
    expect(cut({ angleDegrees: 180 })).toEqual([84, 74, 64, 54, 44, 34, 24, 14, 4]);
    expect(cut({ angleDegrees: 45 })).toEqual([8, 17, 26, 35, 44, 53, 62, 71, 80]);
  });
  it('is averaged over its width', () => {
    expect(cut({ columnWidth: 3 })).toEqual([4, 14, 24, 34, 44, 54, 64, 74, 84]);
    pixels[4] = 94;
    expect(cut({ columnWidth: 3 })[0]).toBe(34);
    pixels[4] = 4;
  });
});

describe('the time axis', () => {
  it('has round local times that fit', () => {
    const hours = 3_600_000;
    const ticks = timeTicks(evening, evening + 8 * hours, 900 / (8 * hours), oslo);
    expect(ticks.map(({ label }) => label)).toEqual([
      '23:00',
      '00:00',
      '01:00',
      '02:00',
      '03:00',
      '04:00',
      '05:00',
      '06:00',
      '07:00',
    ]);
    expect(ticks[1]!.atMilliseconds).toBe(Date.parse('2026-01-12T23:00:00Z'));
  });

  it('keeps whole hours when the clocks change', () => {
    const start = Date.parse('2026-03-28T23:00:00Z'); // 00:00 at Oslo; 02:00 becomes 03:00
    const labels = timeTicks(start, start + 4 * 3_600_000, 600 / (4 * 3_600_000), oslo).map(({ label }) => label);
    expect(labels.filter((label) => label.endsWith(':00'))).toEqual(['00:00', '01:00', '03:00', '04:00', '05:00']);
  });

  it('shows solar time where no zone is known, UTC without a site', () => {
    const solar = timeTicks(evening, evening + 7_200_000, 600 / 7_200_000, { longitude: 15, timeZone: null });
    expect(solar[0]).toEqual({ atMilliseconds: evening, label: '23:00' });
    expect(timeTicks(evening, evening + 7_200_000, 600 / 7_200_000, null)[0]!.label).toBe('22:00');
  });
});
