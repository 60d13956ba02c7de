/** Hot pixels, comet tails and gaps: what a brightest-pixel fold must lose, and what it must keep. */
import { afterAll, describe, expect, it } from 'vitest';
import { Fold, type FoldOptions, type SampleType } from '../../lib/kernels/fold.ts';
import { WorkerPool } from '../../lib/kernels/pool.ts';
import { generator, shared, view } from './samples.ts';

const pool = new WorkerPool(2);
afterAll(() => pool.close());

const [width, height] = [200, 160];
const scale = { u8: 1 / 16, u16: 1, f32: 1 } as const;

const makeFold = (changes: Partial<FoldOptions>) =>
  new Fold({
    mode: 'max',
    sampleType: 'u16',
    width,
    height,
    planes: 1,
    colourStep: 2,
    blackLevel: 0,
    pool,
    ...changes,
  });

interface Light {
  x: number;
  y: number;
  /** Of a hot pixel: ADU of it. Of a star: ADU of all its light. */
  light: number;
  /** Full width at half maximum, pixels; 0 for a single pixel. */
  fwhm: number;
}

/** Integral of a normal distribution of that sigma over a pixel, along one axis (trapezoids). */
function pixelShare(distance: number, sigma: number): number {
  let sum = 0;
  for (let i = 0; i <= 20; i++) {
    const at = (distance - 0.5 + i / 20) / sigma;
    sum += Math.exp((-at * at) / 2) * (i === 0 || i === 20 ? 0.5 : 1);
  }
  return sum / 20 / (sigma * Math.sqrt(2 * Math.PI));
}

/** A sky of 400 ADU (colours of a mosaic apart when `mosaic`), noise of sigma 12, and lights, sampled as a sensor does. */
function picture(type: SampleType, seed: number, lights: Light[], mosaic = true): SharedArrayBuffer {
  const next = generator(seed);
  const gain = scale[type];
  const sky = Array.from({ length: width * height }, (_, i) => {
    const colour = mosaic ? ((i % width) % 2) + 2 * (Math.floor(i / width) % 2) : 0;
    const noise = (next() + next() + next() - 1.5) * 24;
    return 400 + [0, 200, 200, 80][colour]! + noise;
  });
  for (const { x, y, light, fwhm } of lights)
    if (fwhm === 0) sky[y * width + x]! += light;
    else
      for (let py = Math.max(0, Math.round(y) - 5); py <= Math.min(height - 1, Math.round(y) + 5); py++)
        for (let px = Math.max(0, Math.round(x) - 5); px <= Math.min(width - 1, Math.round(x) + 5); px++)
          sky[py * width + px]! += light * pixelShare(px - x, fwhm / 2.3548) * pixelShare(py - y, fwhm / 2.3548);
  return shared(type, width * height, (i) => Math.max(0, sky[i]! * gain));
}

const hotPixels: Light[] = Array.from({ length: 40 }, (_, i) => ({
  x: (i * 37 + 5) % width,
  y: (i * 53 + 1) % height,
  light: 700 + 60 * i,
  fwhm: 0,
}));
const corners: Light[] = [
  { x: 0, y: 0, light: 2000, fwhm: 0 },
  { x: width - 1, y: height - 1, light: 2000, fwhm: 0 },
  { x: 1, y: height - 2, light: 2000, fwhm: 0 },
];

describe.each<SampleType>(['u8', 'u16', 'f32'])('the robust test on %s', (sampleType) => {
  const background = (value: number) => value / scale[sampleType];

  it.each([
    ['a mosaic', 2],
    ['mono', 1],
  ] as const)(
    'takes every hot pixel out of %s, at the edges too, on one thread or two alike',
    async (_, colourStep) => {
      const lights = [...hotPixels, ...corners];
      const results: number[][] = [];
      for (const threads of [1, 2]) {
        const fold = makeFold({ sampleType, colourStep, hotPixels: 'robust', threads });
        for (const seed of [1, 2, 3, 4, 5, 6]) await fold.add(picture(sampleType, seed, lights, colourStep === 2));
        const result = view(await fold.snapshot(), sampleType);
        for (const { x, y } of lights) expect(background(result[y * width + x]!), `${x}, ${y}`).toBeLessThan(680);
        results.push(Array.from(result));
      }
      expect(results[1]).toEqual(results[0]);
    },
  );

  it.each([1, 1.2, 1.6, 2.5, 4])(
    'keeps the stars of FWHM %f pixels as they are, wherever they fall on the pixels',
    async (fwhm) => {
      const stars: Light[] = Array.from({ length: 80 }, (_, i) => ({
        x: 10 + 20 * (i % 10) + 0.1 * (i % 11),
        y: 10 + 18 * Math.floor(i / 10) + 0.09 * (i % 12),
        light: 1500 + 200 * (i % 9),
        fwhm,
      }));
      const frame = picture(sampleType, 9, stars);
      const robust = makeFold({ sampleType, hotPixels: 'robust' });
      const plain = makeFold({ sampleType });
      for (const fold of [robust, plain]) await fold.add(frame);
      expect(new Uint8Array(await robust.snapshot())).toEqual(new Uint8Array(await plain.snapshot()));
    },
  );

  it('keeps a meteor, one pixel thin and slanted', async () => {
    const meteor: Light[] = Array.from({ length: 300 }, (_, i) => ({
      x: 20 + i * 0.4,
      y: 30 + i * 0.23,
      light: 500,
      fwhm: 1,
    }));
    const frame = picture(sampleType, 4, meteor);
    const robust = makeFold({ sampleType, hotPixels: 'robust' });
    await robust.add(frame);
    expect(view(await robust.snapshot(), sampleType)).toEqual(view(frame, sampleType));
  });
});

it('mends a warm pixel that the test misses now and then, and tells which it found', async () => {
  const warm: Light[] = [{ x: 90, y: 71, light: 130, fwhm: 0 }];
  const fold = makeFold({ hotPixels: 'robust' });
  const plain = makeFold({});
  for (let seed = 1; seed <= 40; seed++) {
    const frame = picture('u16', seed, warm);
    await Promise.all([fold.add(frame), plain.add(frame)]);
  }
  expect([...new Uint32Array(await fold.defects())]).toEqual([71 * width + 90]);
  const around = 600 + 3 * 12;
  expect(view(await plain.snapshot(), 'u16')[71 * width + 90]).toBeGreaterThan(around + 60);
  expect(view(await fold.snapshot(), 'u16')[71 * width + 90]).toBeLessThan(around);
});

it('mends the pixels of a given map, in groups too, from neighbours of their colour', async () => {
  const defects = shared('f32', 3, () => 0);
  new Uint32Array(defects).set([50 * width + 50, 50 * width + 52, 999_999_999]);
  const fold = makeFold({ hotPixels: 'defect-map', defects });
  await fold.add(
    picture('u16', 1, [
      { x: 50, y: 50, light: 9000, fwhm: 0 },
      { x: 52, y: 50, light: 9000, fwhm: 0 },
    ]),
  );
  const result = view(await fold.snapshot(), 'u16');
  for (const x of [50, 52]) expect(Math.abs(result[50 * width + x]! - 400)).toBeLessThan(40);
});

it.each<SampleType>(['u8', 'u16', 'f32'])(
  'takes a matched dark of %s out and keeps the pedestal',
  async (sampleType) => {
    const random = generator(5);
    const dark = shared(sampleType, width * height, () => 10 + Math.floor(random() * 60));
    const light = shared(sampleType, width * height, (i) => (i * 7) % 200);
    const fold = makeFold({ sampleType, hotPixels: 'dark', dark, blackLevel: 16 });
    for (let i = 0; i < 2; i++) await fold.add(light);
    const [lights, darks] = [view(light, sampleType), view(dark, sampleType)];
    const largest = sampleType === 'u8' ? 255 : Number.POSITIVE_INFINITY;
    const clip = (value: number) => (sampleType === 'f32' ? value : Math.max(0, Math.min(largest, value)));
    expect(Array.from(view(await fold.snapshot(), sampleType))).toEqual(
      Array.from(lights, (value, i) => clip(value - darks[i]! + 16)),
    );
  },
);

it.each<SampleType>(['u8', 'u16', 'f32'])(
  'a comet tail of %s fades to a tenth of its light in so many frames',
  async (sampleType) => {
    const black = 20;
    const [bright, nothing] = [220, black].map((value) => shared(sampleType, width * height, () => value));
    const fold = makeFold({ sampleType, cometTail: 10, blackLevel: black });
    await fold.add(bright!);
    for (let i = 0; i < 5; i++) await fold.add(nothing!);
    expect(view(await fold.snapshot(), sampleType)[0]! - black).toBeCloseTo(
      200 * 10 ** -0.5,
      sampleType === 'f32' ? 2 : -0.5,
    );
    for (let i = 0; i < 5; i++) await fold.add(nothing!);
    expect(view(await fold.snapshot(), sampleType)[777]).toBeCloseTo(black + 20, 0);
  },
);

describe.each<[SampleType, 1 | 2]>([
  ['u16', 2],
  ['u16', 1],
  ['u8', 1],
  ['f32', 2],
])('gaps of a trail in %s, colour step %i', (sampleType, colourStep) => {
  const gain = scale[sampleType];
  /** A trail at an angle: frame 0 ends 2 pixels before the middle, frame 1 begins 2 pixels after it. */
  const half = (sign: 1 | -1, angle: number): Light[] =>
    Array.from({ length: 90 }, (_, i) => {
      const along = sign * (2 + i * 0.25);
      return { x: 100 + along * Math.cos(angle), y: 80 + along * Math.sin(angle), light: 1200, fwhm: 1.6 };
    });

  it.each([0, 22, 45, 71, 90, 135, 200, 300])(
    'are bridged along %i degrees, and nothing else is touched',
    async (degrees) => {
      const angle = (degrees * Math.PI) / 180;
      const mosaic = colourStep === 2;
      const frames = [half(-1, angle), half(1, angle)].map((lights, i) => picture(sampleType, i + 1, lights, mosaic));
      const plain = makeFold({ sampleType, colourStep });
      const bridged = makeFold({ sampleType, colourStep, bridgeGaps: true });
      await plain.add(frames[0]!);
      await plain.add(frames[1]!);
      await bridged.add(frames[0]!);
      await bridged.add(frames[1]!, { bridgeFrom: frames[0] });
      const [before, after] = [await plain.snapshot(), await bridged.snapshot()].map((data) => view(data, sampleType));
      const middle = 80 * width + 100;
      expect(after![middle]! - before![middle]!).toBeGreaterThan(400 * gain);
      const changed = Array.from(after!, (value, i) => (value === before![i] ? -1 : i)).filter((i) => i >= 0);
      for (const i of changed) {
        expect(after![i]).toBeGreaterThan(before![i]!);
        expect(Math.hypot((i % width) - 100, Math.floor(i / width) - 80)).toBeLessThan(14);
      }
      expect(changed.length).toBeLessThan(80);
    },
  );
});
