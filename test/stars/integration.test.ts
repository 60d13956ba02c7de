import { mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFits } from '../../lib/frame/fits/read.ts';
import { writeFits } from '../../lib/frame/fits/write.ts';
import { allocatePixels, Frame } from '../../lib/frame/frame.ts';
import { type IntegrationProgress, integrateNight } from '../../lib/stars/integration.ts';
import { measureStars } from '../../lib/stars/measure.ts';
import { type Exposure, expose, starField, turned } from './integration-night.ts';

const [width, height] = [480, 360];
const stars = starField(width, height, 130);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'nightflow-integration-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function night(name: string, exposures: readonly Exposure[]): Promise<string[]> {
  const where = join(folder, name);
  mkdirSync(where);
  const files: string[] = [];
  for (const [i, exposure] of exposures.entries()) {
    const second = String(10 + i);
    const times = { start: `2026-01-01T20:00:${second}.000Z`, end: `2026-01-01T20:00:${40 + i}.000Z` };
    files.push(join(where, `light_${second}.fits`));
    await writeFits(expose(stars, width, height, { ...times, ...exposure }), files[i]!);
  }
  return files;
}

/** Median distance of the result's bright stars from where the field has them. */
async function starsOff(frame: Frame): Promise<number> {
  const { stars: found } = await measureStars(frame);
  const [x, y, snr] = [found.x, found.y, found.snr];
  const distances: number[] = [];
  for (let i = 0; i < found.count; i++)
    if (snr[i]! > 50) distances.push(Math.min(...stars.map((star) => Math.hypot(star.x - x[i]!, star.y - y[i]!))));
  return distances.sort((a, b) => a - b)[distances.length >> 1]!;
}

const noiseOf = async (frame: Frame) => (await measureStars(frame)).noise;

describe('a night', () => {
  it('of drift, field rotation, a meridian flip, haze, satellites and a broken file becomes one sharp picture', async () => {
    const files = await night(
      'all',
      Array.from({ length: 12 }, (_, i) => ({
        seed: 40 + i,
        matrix: turned(width, height, (i > 5 ? 180 : 0) + 0.3 * i, 2.4 * i, -1.3 * i),
        sky: 900 + 30 * i,
        transparency: i === 3 ? 0.6 : 1,
        fwhm: i === 4 ? 4.5 : 3,
        satellite: i % 3 === 1 ? 900 : 0,
      })),
    );
    truncateSync(files[8]!, 20_000);
    const seen: IntegrationProgress[] = [];
    const reference = files[0]!;
    const result = await integrateNight(files, {
      reference,
      rejectionMaps: true,
      onProgress: (each) => seen.push(each),
    });
    const byFile = (i: number) => result.files[i]!;

    expect(result.used).toBe(11);
    expect(byFile(8)).toMatchObject({ used: false, reason: expect.stringContaining('ends too early') });
    expect(byFile(0)).toMatchObject({ used: true, isReference: true, matched: null });
    for (const i of [1, 2, 3, 5, 6, 7, 9, 10, 11]) {
      expect(byFile(i).residualPixels).toBeLessThan(0.1);
      expect(byFile(i).flipped).toBe(i > 5);
    }
    // Haze takes light, bad seeing spreads it: both count less, as (transparency / (noise FWHM))² says.
    expect(byFile(3).transparency).toBeCloseTo(0.6, 1);
    expect(byFile(3).weight / byFile(2).weight).toBeCloseTo(0.36, 1);
    expect(byFile(4).weight / byFile(2).weight).toBeCloseTo((3 / 4.5) ** 2, 1);
    expect(byFile(1).rejectedHigh).toBeGreaterThan(0.005);

    const frame = result.frame!;
    expect(await starsOff(frame)).toBeLessThan(0.06);
    // The reference's sky, noise of about 12 / sqrt(11).
    expect(await noiseOf(frame)).toBeLessThan(12 / Math.sqrt(7));
    // No satellite is left: hardly a pixel without a star is bright.
    const clear = [...frame.pixels.keys()].filter((i) => {
      const [x, y] = [i % width, Math.floor(i / width)];
      // Where the turned frames cover little, too few are there to tell.
      if (Math.min(x, y, width - 1 - x, height - 1 - y) < 40) return false;
      return !stars.some((star) => Math.abs(star.x - x) < 14 && Math.abs(star.y - y) < 14);
    });
    const bright = clear.filter((i) => frame.pixels[i]! > 900 + 12 * 5);
    expect(bright.length / clear.length).toBeLessThan(2e-4);
    expect(Array.from(result.highMap!.pixels).some((count) => count >= 1)).toBe(true);
    expect(frame).toMatchObject({ combined: 11, start: '2026-01-01T20:00:10.000Z', end: '2026-01-01T20:00:51.000Z' });
    expect(frame.keyword('LIVETIME')).toBe(11 * 30);
    expect(seen.map(({ stage }) => stage)).toEqual(expect.arrayContaining(['measure', 'register', 'integrate']));
    expect(seen.every(({ whole }, i) => i === 0 || whole >= seen[i - 1]!.whole)).toBe(true);
    expect(seen.at(-1)!.whole).toBe(1);
  });

  it('with haze keeps the brightness of the stars of its reference', async () => {
    const files = await night(
      'haze',
      [1, 0.5, 0.7, 0.9, 0.6, 0.8].map((transparency, i) => ({ seed: 300 + i, transparency, sky: 1000 + 100 * i })),
    );
    const { frame, files: reports } = await integrateNight(files, { reference: files[0]! });
    for (const [i, transparency] of [1, 0.5, 0.7, 0.9, 0.6, 0.8].entries())
      expect(reports[i]!.transparency).toBeCloseTo(transparency, 1);
    const [before, after] = [await measureStars(await readFits(files[0]!)), await measureStars(frame!)];
    expect(after.background).toBeCloseTo(before.background, -1);
    expect(after.stars.flux[0]! / before.stars.flux[0]!).toBeCloseTo(1, 1);
    expect(after.noise).toBeLessThan(before.noise / 1.5);
  });

  it('of a colour camera is debayered before it is moved', async () => {
    const files = await night(
      'bayer',
      [0, 1, 2, 3].map((i) => ({ seed: 70 + i, matrix: turned(width, height, i, i, i), bayer: 'RGGB' as const })),
    );
    const { frame, used } = await integrateNight(files, { scratchFolder: folder });
    expect(used).toBe(4);
    expect(frame).toMatchObject({ channels: 3, bayer: null });
    expect(readdirSync(folder).filter((name) => name.startsWith('nightflow-integrate'))).toEqual([]);
  });

  it('is calibrated first when there are masters', async () => {
    const files = await night(
      'calibrated',
      [0, 1, 2, 3].map((i) => ({ seed: 90 + i, matrix: turned(width, height, 0, 2 * i, i) })),
    );
    // A glow of 300 ADU in the left half.
    const glow = (i: number) => (i % width < width / 2 ? 300 : 0);
    for (const path of files) {
      const frame = await readFits(path);
      const pixels = Uint16Array.from(frame.pixels, (value, i) => value + glow(i));
      const data = allocatePixels(width, height, 1, 'u16');
      new Uint16Array(data).set(pixels);
      await writeFits(frame.with({ data }), path);
    }
    const data = allocatePixels(width, height, 1, 'f32');
    new Float32Array(data).forEach((_, i, all) => {
      all[i] = glow(i);
    });
    const dark = new Frame({
      data,
      width,
      height,
      pixelType: 'f32',
      kind: 'dark',
      exposureSeconds: 30,
      whiteLevel: 65535,
    });
    const { frame, used } = await integrateNight(files, { masters: { dark } });
    expect(used).toBe(4);
    const half = (from: number, to: number) => {
      const values = [...frame!.pixels.keys()]
        .filter((i) => i % width >= from && i % width < to)
        .map((i) => frame!.pixels[i]!);
      return values.sort((a, b) => a - b)[values.length >> 1]!;
    };
    expect(Math.abs(half(20, 220) - half(260, 460))).toBeLessThan(3);
  });

  it('goes to a file with its maps beside it', async () => {
    const files = await night(
      'output',
      [1, 2, 3, 4, 5].map((seed) => ({ seed })),
    );
    const output = join(folder, 'results', 'm42.fits');
    const result = await integrateNight(files, {
      output,
      rejectionMaps: true,
      rejection: 'sigma-clip',
      kappaLow: 1.7,
      kappaHigh: 1.7,
    });
    expect(result.frame).toBeNull();
    expect(readdirSync(join(folder, 'results')).sort()).toEqual(['m42.fits', 'm42_high.fits', 'm42_low.fits']);
    const [picture, high] = [await readFits(output), await readFits(result.mapPaths!.high)];
    expect(picture.combined).toBe(5);
    const counted = Array.from(high.pixels).reduce((sum, value) => sum + value, 0);
    expect(counted / (5 * width * height)).toBeCloseTo(result.rejectedHigh, 5);
    expect(Number(picture.keyword('REJHIGH'))).toBeCloseTo(100 * result.rejectedHigh, 3);
  });
});

describe('files that do not belong', () => {
  it('another field, another camera, no stars: passed over with the reason', async () => {
    const files = await night(
      'strangers',
      [1, 2, 3].map((seed) => ({ seed, matrix: turned(width, height, seed, seed, 0) })),
    );
    const add = async (name: string, frame: Frame) => {
      files.push(join(folder, 'strangers', name));
      await writeFits(frame, files.at(-1)!);
    };
    await add('other.fits', expose(starField(width, height, 130, 999), width, height, { seed: 5 }));
    await add('empty.fits', expose([], width, height, { seed: 6 }));
    await add('smaller.fits', expose(stars, 400, 300, { seed: 7 }));
    const mono = expose(stars, width, height, { seed: 8 });
    const data = allocatePixels(width, height, 3, 'u16');
    for (let k = 0; k < 3; k++) new Uint16Array(data).set(new Uint16Array(mono.data), k * width * height);
    await add('colour.fits', mono.with({ data, channels: 3 }));
    const { files: reports, used } = await integrateNight(files, { reference: files[0]! });
    // One of another size lies on it all the same.
    expect(reports.map((report) => report.used)).toEqual([true, true, true, false, false, true, false]);
    expect(used).toBe(4);
    expect(reports[3]!.reason).toMatch(/do not match/);
    expect(reports[4]!.reason).toMatch(/stands out from the noise/);
    expect(reports[6]!.reason).toBe('It has 3 channels, the reference 1.');
  });

  it('are no ground for a picture of one frame, or of none', async () => {
    const [one] = await night('single', [{ seed: 1 }]);
    await expect(integrateNight([one!, join(folder, 'absent.fits')])).rejects.toMatchObject({
      code: 'rejected',
      message: expect.stringMatching(/Of 2 files only 1 can be integrated\. .*absent\.fits/),
    });
    await expect(integrateNight([])).rejects.toMatchObject({ code: 'bad-input' });
  });

  it('can be told to stop', async () => {
    const files = await night(
      'stopped',
      [1, 2, 3].map((seed) => ({ seed })),
    );
    const stop = new AbortController();
    const output = join(folder, 'stopped.fits');
    const work = integrateNight(files, {
      output,
      signal: stop.signal,
      onProgress: ({ stage }) => stage === 'integrate' && stop.abort(),
    });
    await expect(work).rejects.toMatchObject({ code: 'aborted' });
    expect(readdirSync(folder).filter((name) => name.startsWith('stopped.'))).toEqual([]);
  });
});
