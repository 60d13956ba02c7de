import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFits } from '../../lib/frame/fits/read.ts';
import { writeFits } from '../../lib/frame/fits/write.ts';
import type { Frame } from '../../lib/frame/frame.ts';
import { integrateFiles } from '../../lib/frame/integrate.ts';
import { differing, largestDifference, noisy, series } from './integrate-frames.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'nightflow-integrate-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string) => join(folder, name);

/** Siril 1.0.6 or later, as Debian has it. */
async function siril(where: string, command: string, bits = 16): Promise<Frame> {
  const script = join(where, 'script.ssf');
  writeFileSync(script, `requires 1.0.0\nsetext fits\nset${bits}bits\nstack f_ ${command} -nonorm -out=result\n`);
  execFileSync('siril-cli', ['-d', where, '-s', script], { env: { ...process.env, HOME: folder }, stdio: 'pipe' });
  return readFits(join(where, 'result.fits'));
}

describe('against Siril, aligned 16-bit frames to the last bit', () => {
  it.each([
    [8, 'sigma-clip', 'rej sigma 2 1.8', 2, 1.8],
    [30, 'sigma-clip', 'rej sigma 3 3', 3, 3],
    [41, 'sigma-clip', 'rej sigma 2.5 2.5', 2.5, 2.5],
    [9, 'winsorised', 'rej winsorized 2.5 2.5', 2.5, 2.5],
    [30, 'winsorised', 'rej winsorized 3 2', 3, 2],
  ] as const)('%i frames, %s (%s)', async (count, rejection, command, kappaLow, kappaHigh) => {
    const paths = await series(file(`siril-${count}-${rejection}`), count);
    const options = { rejection, kappaLow, kappaHigh, outputType: 'u16', rejectionMaps: true } as const;
    const { frame, rejectedLow, rejectedHigh, lowMap, highMap } = await integrateFiles(paths, options);
    expect(rejectedLow).toBeGreaterThan(0.005);
    expect(rejectedHigh).toBeGreaterThan(0.005);
    const theirs = await siril(join(file(`siril-${count}-${rejection}`)), command);
    const rejected = (i: number) => lowMap!.pixels[i]! + highMap!.pixels[i]!;
    // Where so many leave that the next would be one too many, Siril takes those that come first, we the furthest.
    const fullyComparable = [...frame!.pixels.keys()].filter((i) => rejected(i) < (count - 4) / 2);
    expect(fullyComparable.length).toBeGreaterThan(0.75 * frame!.pixels.length);
    expect(fullyComparable.filter((i) => frame!.pixels[i] !== theirs.pixels[i])).toEqual([]);
  });

  it('the median, and floats to their rounding', async () => {
    const paths = await series(file('siril-median'), 12);
    const median = await integrateFiles(paths, { rejection: 'none', combine: 'median' });
    expect(largestDifference(median.frame!, await siril(file('siril-median'), 'med', 32), 65535)).toBeLessThan(0.001);
    const mean = await integrateFiles(paths);
    expect(largestDifference(mean.frame!, await siril(file('siril-median'), 'rej sigma 3 3', 32), 65535)).toBeLessThan(
      0.001,
    );
  });
});

/**
 * Samples further than kappa sigma (n - 1) from the median leave, the furthest first, until none does or four are left (those that
 * left before count twice); written from the definition.
 */
const numpy = `
import sys, json, numpy as np
from astropy.io import fits
task = json.load(sys.stdin)
cube = np.array([fits.getdata(p).astype(np.float64) for p in task['paths']])
if task.get('normalisation') == 'additive-scaling':
    m = [np.median(f) for f in cube]; s = [np.median(abs(f - np.median(f))) for f in cube]
    cube = np.array([(f - m[i]) * s[0] / s[i] + m[0] for i, f in enumerate(cube)])
weights = np.array(task.get('weights') or [1] * len(cube), float)
k, out = task['kappa'], np.empty(cube.shape[1:])
counts = np.zeros((2,) + cube.shape[1:])
for y in range(out.shape[0]):
    for x in range(out.shape[1]):
        v = cube[:, y, x]; keep = ~np.isnan(v)
        r = 0
        while True:
            known = v[keep]
            if len(known) <= 3: break
            m, s = np.median(known), np.std(known, ddof=1)
            out_by = np.where(keep, abs(v - m) - k * s, -1)
            allowed = max(0, len(known) - r - 4)
            worst = [i for i in np.argsort(-out_by, kind='stable') if out_by[i] > 0][:allowed]
            if not worst: break
            for i in worst:
                counts[0 if v[i] < m else 1, y, x] += 1; keep[i] = False; r += 1
        out[y, x] = np.average(v[keep], weights=weights[keep]) if keep.any() else np.nan
json.dump({'out': np.where(np.isnan(out), None, out).tolist(), 'low': counts[0].tolist(), 'high': counts[1].tolist()}, sys.stdout)
`;

function reference(task: object): { out: (number | null)[][]; low: number[][]; high: number[][] } {
  const text = execFileSync('/usr/bin/python3', ['-c', numpy], { input: JSON.stringify(task), maxBuffer: 1e9 });
  return JSON.parse(text.toString());
}

describe('against numpy', () => {
  it('floats with missing samples, weights, rejection maps', async () => {
    const paths: string[] = [];
    for (let i = 0; i < 11; i++) {
      const frame = noisy(50 + i, 37, 23, { pixelType: 'f32' });
      // A corner that no frame has, one that a few have.
      for (let y = 0; y < 6; y++) for (let x = 0; x < 6; x++) if (x + y < 3 || i > x) frame.pixels[y * 37 + x] = NaN;
      paths.push(file(`float-${i}.fits`));
      await writeFits(frame, paths[i]!);
    }
    const weights = paths.map((_, i) => 1 + (i % 3));
    const ours = await integrateFiles(paths, {
      kappaLow: 2,
      kappaHigh: 2,
      weights,
      rejectionMaps: true,
      countRejected: true,
    });
    const theirs = reference({ paths, weights, kappa: 2 });
    const expected = theirs.out.flat();
    ours.frame!.pixels.forEach((value, i) => {
      if (expected[i] === null) expect(value).toBeNaN();
      else expect(Math.abs(value - expected[i]!)).toBeLessThan(2e-3);
    });
    expect([...ours.lowMap!.pixels]).toEqual(theirs.low.flat());
    expect([...ours.highMap!.pixels]).toEqual(theirs.high.flat());
    const all = theirs.high.flat().reduce((a, b) => a + b, 0);
    expect(ours.rejectedHigh * 11 * 37 * 23).toBeCloseTo(all, 6);
    const known = paths.map(
      (_, i) => 37 * 23 - [...Array(36).keys()].filter((k) => (k % 6) + Math.floor(k / 6) < 3 || i > k % 6).length,
    );
    expect(ours.frames.reduce((sum, { rejectedHigh }, i) => sum + rejectedHigh! * known[i]!, 0)).toBeCloseTo(all, 6);
  });

  it('levels made equal, sampled in full on so small frames', async () => {
    const paths: string[] = [];
    for (let i = 0; i < 8; i++) {
      const frame = noisy(80 + i, 40, 32);
      frame.pixels.forEach((value, k) => {
        frame.pixels[k] = Math.round(value * (1 + i / 10) + 200 * i);
      });
      paths.push(file(`level-${i}.fits`));
      await writeFits(frame, paths[i]!);
    }
    const ours = await integrateFiles(paths, { kappaLow: 2, kappaHigh: 2, normalisation: 'additive-scaling' });
    const expected = reference({ paths, kappa: 2, normalisation: 'additive-scaling' }).out.flat();
    expect(Math.max(...ours.frame!.pixels.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(0.01);
  });
});

describe('the result', () => {
  it('goes to a file that verifies, of odd size, with what was done in its header', async () => {
    const paths: string[] = [];
    for (let i = 0; i < 5; i++) {
      const start = `2026-01-01T20:0${i}:00.000Z`;
      const end = `2026-01-01T20:0${i}:30.000Z`;
      paths.push(file(`header-${i}.fits`));
      await writeFits(noisy(i + 1, 31, 17, { exposureSeconds: 30, start, end }), paths[i]!);
    }
    for (const outputType of ['u16', 'f32'] as const) {
      const output = file(`out-${outputType}.fits`);
      const seen: number[] = [];
      const done = await integrateFiles(paths, {
        output,
        outputType,
        kappaHigh: 1.5,
        onProgress: (part) => seen.push(part),
      });
      expect(done.frame).toBeNull();
      expect(seen.at(-1)).toBe(1);
      const check = `
import sys, warnings; warnings.simplefilter('error', category=UserWarning)
from astropy.io import fits
with fits.open(sys.argv[1], checksum=True) as h:
    h.verify('exception'); k = h[0].header
    print(k['NCOMBINE'], k['LIVETIME'], k['EXPTIME'], k['REJECT'], k['REJKHIGH'], k['REJHIGH'] > 1, len(k['HISTORY']), k['DATE-OBS'], k['DATE-END'])`;
      const said = execFileSync('/usr/bin/python3', ['-c', check, output], { encoding: 'utf8' }).trim();
      expect(said).toBe('5 150 30.0 sigma-clip 1.5 True 5 2026-01-01T20:00:00.000 2026-01-01T20:04:30.000');
      const inMemory = await integrateFiles(paths, { outputType, kappaHigh: 1.5 });
      expect(differing(await readFits(output), inMemory.frame!)).toBe(0);
      expect((await readFits(output)).whiteLevel).toBe(65535);
    }
  });

  it('is the same with one and with several workers', async () => {
    const paths = await series(file('threads'), 9, 64, 90);
    const one = await integrateFiles(paths, { threads: 1 });
    const several = await integrateFiles(paths, { threads: 4 });
    expect(differing(one.frame!, several.frame!)).toBe(0);
  });
});

describe('bad input', () => {
  it('names the file that does not fit, is cut off, or is none', async () => {
    const paths = await series(file('bad'), 4, 20, 20);
    await writeFits(noisy(1, 20, 21), file('taller.fits'));
    await expect(integrateFiles([...paths, file('taller.fits')])).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringMatching(/taller\.fits does not fit .*: its height is 21, not 20/),
    });
    truncateSync(paths[2]!, 3000);
    await expect(integrateFiles(paths)).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining('f_00003.fits ends too early'),
    });
    writeFileSync(file('none.fits'), 'no picture');
    await expect(integrateFiles([paths[0]!, file('none.fits')])).rejects.toMatchObject({ code: 'bad-input' });
    await expect(integrateFiles([])).rejects.toMatchObject({ message: 'There is no frame to integrate.' });
    await expect(integrateFiles(paths, { weights: [1] })).rejects.toMatchObject({
      message: 'There are 1 weights for 4 frames.',
    });
    await expect(integrateFiles(paths, { kappaHigh: 0 })).rejects.toMatchObject({ code: 'bad-input' });
  });

  it('an abort leaves nothing behind', async () => {
    const paths = await series(file('abort'), 4, 64, 64);
    const stop = new AbortController();
    const output = file('aborted.fits');
    const work = integrateFiles(paths, { output, signal: stop.signal, onProgress: () => stop.abort() });
    await expect(work).rejects.toMatchObject({ code: 'aborted' });
    expect(readdirSync(folder).filter((name) => name.startsWith('aborted'))).toEqual([]);
  });

  it('black, white and constant pixels come through', async () => {
    for (const value of [0, 65535]) {
      const frames = [1, 2, 3, 4, 5, 6].map(() => {
        const frame = noisy(1, 24, 9);
        frame.pixels.fill(value);
        return frame;
      });
      const { frame, rejectedHigh, rejectedLow } = await integrateFiles(frames);
      expect(new Set(frame!.pixels)).toEqual(new Set([value]));
      expect(rejectedHigh + rejectedLow).toBe(0);
    }
  });
});
