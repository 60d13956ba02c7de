import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFits } from '../../lib/frame/fits/read.ts';
import { writeFits } from '../../lib/frame/fits/write.ts';
import { allocatePixels, Frame, type FrameFields, type PixelType } from '../../lib/frame/frame.ts';
import { type IntegrateOptions, integrateFiles } from '../../lib/frame/integrate.ts';
import { planAreas } from '../../lib/frame/integrate-plan.ts';
import { invertMatrix } from '../../lib/frame/matrix.ts';
import { warpFrame } from '../../lib/frame/warp.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'nightflow-integrate-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string) => join(folder, name);

/** Numerical Recipes' LCG, 0…1. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
}

/** Noise around 1000, and some samples far off, as cosmic rays and dead pixels leave them. */
function noisy(seed: number, width: number, height: number, fields: Partial<FrameFields> = {}): Frame {
  const type: PixelType = fields.pixelType ?? 'u16';
  const channels = fields.channels ?? 1;
  const frame = new Frame({
    data: allocatePixels(width, height, channels, type),
    width,
    height,
    pixelType: type,
    ...fields,
  });
  const next = random(seed * 7919 + 1);
  const { pixels } = frame;
  for (let i = 0; i < pixels.length; i++) {
    const normal = Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next());
    const stray = next();
    const value = 1000 + 20 * normal + (stray < 0.01 ? 30_000 * next() : stray > 0.99 ? -400 : 0);
    pixels[i] = type === 'f32' ? value : Math.round(Math.max(1, value));
  }
  return frame;
}

async function series(name: string, count: number, width = 96, height = 61): Promise<string[]> {
  const where = file(name);
  mkdirSync(where, { recursive: true });
  const paths: string[] = [];
  for (let i = 1; i <= count; i++) {
    const path = join(where, `f_${String(i).padStart(5, '0')}.fits`);
    await writeFits(noisy(i, width, height), path);
    paths.push(path);
  }
  return paths;
}

/** Siril 1.0.6 or later, as Debian has it. */
async function siril(where: string, command: string, bits = 16): Promise<Frame> {
  const script = join(where, 'script.ssf');
  writeFileSync(script, `requires 1.0.0\nsetext fits\nset${bits}bits\nstack f_ ${command} -nonorm -out=result\n`);
  execFileSync('siril-cli', ['-d', where, '-s', script], { env: { ...process.env, HOME: folder }, stdio: 'pipe' });
  return readFits(join(where, 'result.fits'));
}

const differing = (a: Frame, b: Frame) => [...a.pixels].filter((value, i) => value !== b.pixels[i]).length;
const largestDifference = (a: Frame, b: Frame, scale = 1) =>
  Array.from(a.pixels).reduce((most, value, i) => Math.max(most, Math.abs(value - b.pixels[i]! * scale)), 0);

describe('against Siril, aligned 16-bit frames to the last bit', () => {
  it.each([
    [8, 'sigma-clip', 'rej sigma 2 1.8', 2, 1.8],
    [30, 'sigma-clip', 'rej sigma 3 3', 3, 3],
    [41, 'sigma-clip', 'rej sigma 2.5 2.5', 2.5, 2.5],
    [9, 'winsorised', 'rej winsorized 2.5 2.5', 2.5, 2.5],
    [30, 'winsorised', 'rej winsorized 3 2', 3, 2],
  ] as const)('%i frames, %s (%s)', async (count, rejection, command, kappaLow, kappaHigh) => {
    const paths = await series(`siril-${count}-${rejection}`, count);
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
    const paths = await series('siril-median', 12);
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

describe('sources', () => {
  it('frames in memory, bottom-up files, 32-bit and compressed files give what plain files give', async () => {
    const frames = Array.from({ length: 6 }, (_, i) => noisy(i + 1, 50, 33));
    const plain = await integrateFiles(frames);
    const script = `
import sys, json, numpy as np
from astropy.io import fits
for i, path in enumerate(json.load(sys.stdin)):
    data = fits.getdata(path)
    fits.PrimaryHDU(data[::-1]).writeto(path + '.up.fits')
    fits.PrimaryHDU(data.astype(np.int32)).writeto(path + '.int.fits')
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(data[::-1], compression_type='RICE_1')]).writeto(path + '.fz')
`;
    const paths = frames.map((_, i) => file(`kind-${i}.fits`));
    for (const [i, frame] of frames.entries()) await writeFits(frame, paths[i]!);
    execFileSync('/usr/bin/python3', ['-c', script], { input: JSON.stringify(paths) });
    for (const suffix of ['', '.up.fits', '.fz']) {
      const { frame } = await integrateFiles(
        paths.map((path) => path + suffix),
        { scratchFolder: folder },
      );
      expect(differing(frame!, plain.frame!)).toBe(0);
    }
    // Written without ROWORDER: read bottom-up.
    const ints = await integrateFiles(paths.map((path) => `${path}.int.fits`));
    const turned = Array.from({ length: 33 }, (_, y) => [...plain.frame!.pixels.slice((32 - y) * 50, (33 - y) * 50)]);
    expect(Math.max(...turned.flat().map((value, i) => Math.abs(value - ints.frame!.pixels[i]!)))).toBeLessThan(2e-3);
    expect(readdirSync(folder).filter((name) => name.startsWith('nightflow-integrate-'))).toEqual([]);
  });

  it('more files than descriptors that are kept', async () => {
    const paths = await series('many', 130, 16, 12);
    const { frame } = await integrateFiles(paths, { rejection: 'none' });
    const frames = await Promise.all(paths.map((path) => readFits(path)));
    frame!.pixels.forEach((value, i) => {
      expect(value).toBeCloseTo(frames.reduce((sum, each) => sum + each.pixels[i]!, 0) / 130, 2);
    });
  });

  it('mosaics stay mosaics while nothing is moved, and say so when they differ', async () => {
    const frames = [1, 2, 3].map((i) => noisy(i, 16, 12, { bayer: 'GRBG' }));
    expect((await integrateFiles(frames)).frame).toMatchObject({ bayer: 'GRBG', channels: 1, combined: 3 });
    await expect(integrateFiles([...frames, noisy(4, 16, 12, { bayer: 'RGGB' })])).rejects.toMatchObject({
      code: 'bad-input',
      message: 'frame 4 does not fit frame 1: its bayer is RGGB, not GRBG.',
    });
    const moved = await integrateFiles(frames, { matrices: frames.map(() => [1, 0, 1, 0, 1, 0, 0, 0, 1]) });
    expect(moved.frame).toMatchObject({ bayer: null, channels: 3 });
  });
});

describe('moved frames', () => {
  const turn = (degrees: number, dx: number, dy: number): number[] => {
    const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
    return [c, -s, 40 - 40 * c + 30 * s + dx, s, c, 30 - 40 * s - 30 * c + dy, 0, 0, 1];
  };

  it.each(['nearest', 'lanczos3'] as const)(
    '%s: the same as frames that were moved one by one',
    async (interpolation) => {
      const frames = Array.from({ length: 5 }, (_, i) => noisy(i + 20, 81, 61));
      const matrices = frames.map((_, i) => (i === 2 ? null : turn([0.5, 31, 0, 90, 180][i]!, i * 1.3, -i)));
      const paths = frames.map((_, i) => file(`moved-${interpolation}-${i}.fits`));
      for (const [i, frame] of frames.entries()) await writeFits(frame, paths[i]!);
      const options: IntegrateOptions = { kappaLow: 1.6, kappaHigh: 1.6, reference: 2 };
      const ours = await integrateFiles(paths, { ...options, matrices, interpolation });
      const moved = await Promise.all(
        frames.map((frame, i) => (matrices[i] ? warpFrame(frame, matrices[i], { interpolation }) : frame)),
      );
      const expected = await integrateFiles(moved, options);
      const off = ours.frame!.pixels.filter((value, i) => !(Math.abs(value - expected.frame!.pixels[i]!) < 0.05));
      expect(off.length).toBe(0);
      expect(ours.rejectedHigh).toBeCloseTo(expected.rejectedHigh, 4);
    },
  );

  it('are cut into tiles when they are turned, and every pixel is covered once', () => {
    const source = {
      name: '',
      width: 6000,
      height: 4000,
      channels: 1,
      pixelType: 'u16',
      place: { path: '', offset: 0 },
      fits: null,
    } as const;
    const rules = { rejection: 'sigma-clip', combine: 'mean', kappaLow: 3, kappaHigh: 3 } as const;
    const plan = (count: number, inverse: number[] | null) =>
      planAreas(
        {
          sources: Array(count).fill(source),
          inverses: Array(count).fill(inverse),
          levels: null,
          weights: null,
          rules,
          width: 6000,
          height: 4000,
        },
        1,
      );
    for (const [count, inverse, tiled] of [
      [300, null, false],
      [30, invertMatrix(turn(0.01, 3, 2)), false],
      [30, invertMatrix(turn(20, 3, 2)), true],
      [300, invertMatrix(turn(20, 3, 2)), true],
    ] as const) {
      const areas = plan(count, inverse as number[] | null);
      expect(areas.some(({ area }) => area.width < 6000)).toBe(tiled);
      expect(areas.reduce((sum, { area }) => sum + area.width * area.height, 0)).toBe(24_000_000);
      // What a worker holds of all frames.
      for (const { area, rowsAtOnce } of areas) expect(count * rowsAtOnce * area.width * 4).toBeLessThan(64 * 2 ** 20);
    }
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
    const paths = await series('threads', 9, 64, 90);
    const one = await integrateFiles(paths, { threads: 1 });
    const several = await integrateFiles(paths, { threads: 4 });
    expect(differing(one.frame!, several.frame!)).toBe(0);
  });
});

describe('bad input', () => {
  it('names the file that does not fit, is cut off, or is none', async () => {
    const paths = await series('bad', 4, 20, 20);
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
    const paths = await series('abort', 4, 64, 64);
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
