import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type CalibrateOptions, Calibrator, calibrateFrame, type Masters } from '../../../lib/frame/calibrate.ts';
import type { Frame, PixelType } from '../../../lib/frame/frame.ts';
import { closeSharedPool } from '../../../lib/kernels/pool.ts';
import { firstDifference, python, reference, temporaryFolder } from '../fits/python.ts';
import { bias, cameraFrame, dark, flat, light, samples, size } from './frames.ts';

afterAll(closeSharedPool);
const folder = temporaryFolder();
const numpyTypes = { u8: 'uint8', u16: 'uint16', f32: 'float32' } as const;

/** The same by numpy in 64 bit. `formula` sees light, bias, dark, flat and `per_colour`. */
function numpy(frames: Record<string, Frame>, formula: string, type: PixelType) {
  for (const [name, { data }] of Object.entries(frames)) writeFileSync(join(folder, name), new Uint8Array(data));
  const loads = Object.entries(frames).map(
    ([name, { pixelType }]) =>
      `${name} = np.fromfile('${name}', np.${numpyTypes[pixelType]}).reshape(${size.height}, ${size.width}).astype(float)`,
  );
  python(
    folder,
    `
import numpy as np
${loads.join('\n')}
def per_colour(flat):
    level = np.empty_like(flat)
    for places in ([(0, 0)], [(0, 1), (1, 0)], [(1, 1)]):
        mean = np.concatenate([flat[y::2, x::2].ravel() for y, x in places]).mean()
        for y, x in places: level[y::2, x::2] = mean
    return level
result = ${formula}
${type === 'u16' ? 'result = np.clip(np.rint(result), 0, 65535)' : ''}
result.astype(np.${numpyTypes[type]}).tofile('result')
`,
  );
  return reference(folder, 'result', type);
}

/** 16-bit results may differ where a sum falls between two numbers. */
function expectClose(frame: Frame, expected: ArrayLike<number>, tolerance: number) {
  let worst = 0;
  for (const [i, value] of frame.pixels.entries()) worst = Math.max(worst, Math.abs(value - expected[i]!));
  expect(frame.pixels.length).toBe(expected.length);
  expect(worst).toBeLessThanOrEqual(tolerance);
}

describe('a light less its masters agrees with numpy', () => {
  const masters = { bias: bias(), dark: dark(), flat: flat() };
  const cases: [string, Masters, CalibrateOptions, string][] = [
    ['dark', { dark: masters.dark }, {}, 'light - dark'],
    ['bias alone', { bias: masters.bias }, {}, 'light - bias'],
    [
      'dark and flat, each colour by its own mean',
      { dark: masters.dark, flat: masters.flat },
      {},
      '(light - dark) * per_colour(flat) / flat',
    ],
    [
      'dark and flat by one mean',
      { dark: masters.dark, flat: masters.flat },
      { flatScaling: 'all' },
      '(light - dark) * flat.mean() / flat',
    ],
    ['flat alone: the black level goes first', { flat: masters.flat }, {}, '(light - 256) * per_colour(flat) / flat'],
    [
      'the dark of another exposure, scaled above the bias',
      { bias: masters.bias, dark: dark({ exposureSeconds: 120 }), flat: masters.flat },
      {},
      '(light - bias - (dark - bias) * 60 / 120) * per_colour(flat) / flat',
    ],
    [
      'bias and dark of the same exposure: the dark alone, it holds the bias',
      { bias: masters.bias, dark: masters.dark },
      {},
      'light - dark',
    ],
  ];
  it.each(cases)('%s', async (_what, given, options, formula) => {
    const frame = light();
    const frames = { light: frame, ...masters };
    const whole = await calibrateFrame(frame, given, options);
    expect(whole).toMatchObject({ ...size, pixelType: 'u16', bayer: 'RGGB', blackLevel: 256 });
    expectClose(whole, numpy(frames, `${formula} + 256`, 'u16'), 1);
    const floats = await calibrateFrame(frame, given, { ...options, format: 'f32' });
    expect(floats).toMatchObject({ pixelType: 'f32', blackLevel: 0 });
    expectClose(floats, numpy(frames, formula, 'f32'), 0.01);
  });

  it('the frame itself stays as it is', async () => {
    const frame = light();
    await calibrateFrame(frame, masters);
    expect(firstDifference(frame.pixels, light().pixels)).toBeNull();
    expect(frame.keyword('CALSTAT')).toBeUndefined();
  });

  it('8-bit frames and floats become floats', async () => {
    const small = cameraFrame((i) => i % 200, { blackLevel: 0, whiteLevel: 255 }, 'u8');
    const own = cameraFrame((i) => i % 7, { kind: 'dark', blackLevel: 0, whiteLevel: 255 }, 'u8');
    const result = await calibrateFrame(small, { dark: own });
    expect(result.pixelType).toBe('f32');
    expectClose(result, numpy({ light: small, dark: own }, 'light - dark', 'f32'), 0);
  });

  it('planes of RGB each have their own flat', async () => {
    const rgb = { channels: 3, bayer: null } as const;
    const frame = cameraFrame(() => 1256, rgb);
    const own = cameraFrame(
      (i) => 1000 + 1000 * Math.floor(i / samples) + (i % 2) * 500,
      { ...rgb, kind: 'flat', blackLevel: 0 },
      'f32',
    );
    const { pixels } = await calibrateFrame(frame, { flat: own }, { format: 'f32' });
    const plane = (c: number) =>
      Float64Array.from(pixels)
        .slice(c * samples, (c + 1) * samples)
        .reduce((a, b) => a + b, 0) / samples;
    for (const [c, level] of [1000, 2000, 3000].entries())
      expect(plane(c)).toBeCloseTo(1000 * (level + 250) * (0.5 / level + 0.5 / (level + 500)), 1);
  });
});

describe('levels of the result', () => {
  it('noise below black is kept above the pedestal, and nothing clips at zero', async () => {
    const frame = cameraFrame((i) => 256 + (i % 2 ? 60 : -60));
    const result = await calibrateFrame(frame, { dark: cameraFrame(() => 256, { kind: 'dark' }) });
    expect(result.blackLevel).toBe(256);
    expect([...result.pixels.slice(0, 2)]).toEqual([196, 316]);
  });

  it('a camera without a known black level gets a pedestal of 1/64 of white', async () => {
    const levels = { blackLevel: 0, whiteLevel: 65535 };
    const result = await calibrateFrame(
      cameraFrame(() => 500, levels),
      {
        dark: cameraFrame(() => 500, { ...levels, kind: 'dark' }),
      },
    );
    expect(result.blackLevel).toBe(1024);
    expect(result.pixels[0]).toBe(1024);
  });

  it('what was saturated is at the white level, what was not is below', async () => {
    const frame = cameraFrame((i) => (i % 3 === 0 ? 16383 : 16000));
    const result = await calibrateFrame(frame, { dark: dark(), flat: flat() });
    const above = [...result.pixels].map((value) => value >= result.whiteLevel);
    // A thousandth of the pixels may have a gain so high that they reach it.
    expect(above.filter((each, i) => each !== (i % 3 === 0)).length).toBeLessThanOrEqual(Math.ceil(samples / 1000));
  });

  it('is said in the header, with the masters that were used', async () => {
    const frame = light({ keywords: [{ name: 'BLACKLEV', value: 256 }] });
    const result = await calibrateFrame(frame, {
      dark: dark({ source: '/m/dark60.fits', combined: 20 }),
      flat: flat(),
    });
    expect(result.keyword('CALSTAT')).toBe('BDF');
    expect(result.keyword('BLACKLEV')).toBeUndefined();
    const history = result.keywords.filter(({ name }) => name === 'HISTORY').map(({ value }) => value);
    expect(history).toContain('Dark: dark60.fits (20 frames of 60 s)');
  });
});

describe('a calibrator for many frames', () => {
  it('follows exposures that change, with packed maps and with floats', async () => {
    for (const format of ['auto', 'f32'] as const) {
      const calibrator = new Calibrator({ bias: bias(), dark: dark(), flat: flat() }, { format });
      for (const exposureSeconds of [60, 30, 30, 60]) {
        const frame = light({ exposureSeconds });
        const { frame: result, applied } = await calibrator.calibrate(frame);
        expect(applied.factor).toBe(exposureSeconds / 60);
        const alone = await calibrateFrame(frame, { bias: bias(), dark: dark(), flat: flat() }, { format });
        expect(firstDifference(result.pixels, alone.pixels)).toBeNull();
      }
    }
  });

  it('takes frames of another shape in between', async () => {
    const calibrator = new Calibrator({ defects: null });
    const wide = cameraFrame(() => 700, { width: 100, height: 10 });
    expect((await calibrator.calibrate(light())).frame.width).toBe(size.width);
    expect((await calibrator.calibrate(wide)).frame.width).toBe(100);
  });

  it('writes into spare memory of the right size', async () => {
    const calibrator = new Calibrator({ dark: dark() });
    const { frame } = await calibrator.calibrate(light());
    const again = await calibrator.calibrate(light(), { spare: frame.data });
    expect(again.frame.data).toBe(frame.data);
  });

  it('stops when asked, and goes on with the next frame', async () => {
    const calibrator = new Calibrator({ dark: dark() });
    const stopping = new AbortController();
    stopping.abort();
    await expect(calibrator.calibrate(light(), { signal: stopping.signal })).rejects.toMatchObject({ code: 'aborted' });
    expect((await calibrator.calibrate(light())).applied.dark).not.toBeNull();
  });

  it('very bright and very dim pixels of the masters don’t fit the packed maps and are right all the same', async () => {
    const spread = (i: number, value: number) => (i % 150 === 7 ? value : 0);
    const own = { dark: cameraFrame((i) => 256 + spread(i, 6000), { kind: 'dark' }, 'f32'), flat: flat() };
    const lamp = own.flat.pixels;
    for (let i = 20; i < samples; i += 300) lamp[i] = lamp[i]! / 8;
    const frame = cameraFrame((i) => 1256 + spread(i, 6000));
    const result = await calibrateFrame(frame, own);
    expectClose(result, numpy({ light: frame, ...own }, '(light - dark) * per_colour(flat) / flat + 256', 'u16'), 1);
  });
});

it('finds the dark’s part by its warm pixels, where temperature makes the exposure a bad guess', async () => {
  const warm = (i: number) => (i % 11 === 0 ? 400 + (i % 500) : 0);
  const own = cameraFrame((i) => 256 + warm(i), { kind: 'dark', temperatureCelsius: -10 }, 'f32');
  const flatBias = cameraFrame(() => 256, { kind: 'bias' }, 'f32');
  const frame = cameraFrame((i) => 356 + 0.7 * warm(i), { temperatureCelsius: -13 });
  const calibrator = new Calibrator({ bias: flatBias, dark: own }, { darkScaling: 'optimise', format: 'f32' });
  const { frame: result, applied } = await calibrator.calibrate(frame);
  expect(applied.factor).toBeCloseTo(0.7, 2);
  for (const value of result.pixels) expect(Math.abs(value - 100)).toBeLessThan(5);
});
