import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { combineLuminance, combineRgb, stretchNeutral } from '../../lib/frame/combine.ts';
import { allocatePixels, Frame, type FrameFields } from '../../lib/frame/frame.ts';

const [width, height] = [40, 30];

function mono(value: (i: number) => number, fields: Partial<FrameFields> = {}): Frame {
  const type = fields.pixelType ?? 'f32';
  const frame = new Frame({ width, height, pixelType: type, ...fields, data: allocatePixels(width, height, 1, type) });
  for (let i = 0; i < width * height; i++) frame.pixels[i] = value(i);
  return frame;
}

const plane = (frame: Frame, index: number) => [
  ...frame.pixels.slice(index * width * height, (index + 1) * width * height),
];

describe('RGB', () => {
  it('scales each colour by its own levels', async () => {
    const red = mono(() => 600, {
      pixelType: 'u16',
      blackLevel: 100,
      whiteLevel: 1100,
      start: '2026-01-01T02:00:00.000Z',
      combined: 4,
    });
    const green = mono(() => 0.25, { start: '2026-01-01T01:00:00.000Z', combined: 5 });
    const blue = mono(() => 51, { pixelType: 'u8' });
    const rgb = await combineRgb({ red, green, blue });
    expect(rgb).toMatchObject({
      channels: 3,
      pixelType: 'f32',
      combined: 10,
      start: '2026-01-01T01:00:00.000Z',
      whiteLevel: 1,
    });
    expect([0, 1, 2].map((index) => plane(rgb, index)[77])).toEqual([0.5, 0.25, Math.fround(0.2)]);
  });

  it('refuses what is not mono or of another size', async () => {
    const red = mono(() => 1);
    const rgb = await combineRgb({ red, green: red, blue: red });
    await expect(combineRgb({ red, green: red, blue: rgb })).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining('The blue picture'),
    });
    const small = new Frame({ width: 4, height: 4, pixelType: 'u8', data: allocatePixels(4, 4, 1, 'u8') });
    await expect(combineRgb({ red, green: small, blue: red })).rejects.toMatchObject({
      message: 'The green picture has 4 x 4 pixels, not 40 x 30.',
    });
  });
});

/** CIE 1976 L*a*b* from the definition (CIE 15:2004), sRGB primaries and D65. */
const numpy = `
import sys, json, numpy as np
t = json.load(sys.stdin)
M = np.array([[.4124564,.3575761,.1804375],[.2126729,.7151522,.0721750],[.0193339,.1191920,.9503041]])
white = np.array([.95047, 1, 1.08883])
f = lambda x: np.where(x > (6/29)**3, np.cbrt(x), x * 841/108 + 4/29)
g = lambda x: np.where(x > 6/29, x**3, (x - 4/29) * 108/841)
def lab(rgb):
    x, y, z = f(M @ rgb / white[:, None]); return np.array([116*y - 16, 500*(x - y), 200*(y - z)])
def back(L, a, b):
    y = (L + 16)/116; return np.linalg.solve(M, g(np.array([y + a/500, y, y - b/200])) * white[:, None])
L, a, b = lab(np.array(t['rgb']))
L2 = 116 * f(np.array(t['luminance'])) - 16
json.dump(back(L + t['strength'] * (L2 - L), a, b).tolist(), sys.stdout)
`;

describe('LRGB', () => {
  const [red, green, blue] = [0.01, 0.02, 0.015].map((level, k) => mono((i) => level + ((i * (k + 3)) % 97) / 150));
  const luminance = mono((i) => 0.001 + ((i * 7) % 89) / 120);

  it.each([1, 0.4])('replaces L* and keeps a* and b*, strength %f', async (strength) => {
    const rgb = await combineRgb({ red: red!, green: green!, blue: blue! });
    const ours = await combineLuminance(rgb, luminance, { strength, match: false });
    const input = JSON.stringify({
      rgb: [0, 1, 2].map((k) => plane(rgb, k)),
      luminance: plane(luminance, 0),
      strength,
    });
    const theirs = JSON.parse(execFileSync('/usr/bin/python3', ['-c', numpy], { input, maxBuffer: 1e8 }).toString());
    const off = [0, 1, 2].flatMap((k) => plane(ours, k).map((value, i) => Math.abs(value - theirs[k][i])));
    expect(Math.max(...off)).toBeLessThan(2e-6);
  });

  it('changes nothing when the luminance is the colours own, whatever its levels', async () => {
    const rgb = await combineRgb({ red: red!, green: green!, blue: blue! });
    const [r, g, b] = [0, 1, 2].map((k) => plane(rgb, k));
    const own = mono((i) => 500 + 3000 * (0.2126729 * r![i]! + 0.7151522 * g![i]! + 0.072175 * b![i]!), {
      whiteLevel: 5000,
    });
    const same = await combineLuminance(rgb, own);
    const off = [...same.pixels].map((value, i) => Math.abs(value - rgb.pixels[i]!));
    expect(Math.max(...off)).toBeLessThan(1e-5);
  });

  it('needs a mono luminance over colours, and has no value where one is missing', async () => {
    const rgb = await combineRgb({ red: red!, green: green!, blue: blue! });
    await expect(combineLuminance(rgb, rgb)).rejects.toMatchObject({ code: 'bad-input' });
    await expect(combineLuminance(luminance, luminance)).rejects.toMatchObject({ code: 'bad-input' });
    await expect(combineLuminance(rgb, luminance, { strength: 2 })).rejects.toMatchObject({ code: 'bad-input' });
    const holed = mono((i) => (i === 5 ? Number.NaN : 0.2));
    const result = await combineLuminance(rgb, holed);
    expect([0, 1, 2].map((k) => plane(result, k)[5])).toEqual([NaN, NaN, NaN]);
    expect(plane(result, 1).filter(Number.isNaN).length).toBe(1);
  });
});

describe('the neutral stretch', () => {
  it('makes a coloured sky grey at a quarter of the brightness and keeps the order of light', async () => {
    const noise = (i: number, k: number) => (((i * (31 + 2 * k)) % 101) - 50) * 2e-5;
    const levels = [0.05, 0.03, 0.02];
    const [red, green, blue] = levels.map((level, k) =>
      mono((i) => (i % 50 === 0 ? level + 0.2 : level + noise(i, k))),
    );
    const rgb = await combineRgb({ red: red!, green: green!, blue: blue! });
    const stretched = await stretchNeutral(rgb);
    expect(stretched).toMatchObject({ pixelType: 'u16', transfer: 'srgb', channels: 3 });
    const medians = [0, 1, 2].map((k) => plane(stretched, k).sort((a, b) => a - b)[600]! / 65535);
    for (const median of medians) expect(median).toBeCloseTo(0.25, 2);
    // Stars that were 0.2 above their sky in each colour are grey too.
    const star = [0, 1, 2].map((k) => plane(stretched, k)[50]!);
    expect(Math.max(...star) - Math.min(...star)).toBeLessThan(30);
    expect(star[0]).toBeGreaterThan(40_000);
  });

  it('says what can be done about a mosaic or an empty colour', async () => {
    await expect(stretchNeutral(mono(() => 1, { pixelType: 'u16', bayer: 'RGGB' }))).rejects.toMatchObject({
      code: 'bad-input',
    });
    await expect(stretchNeutral(mono(() => Number.NaN))).rejects.toMatchObject({ code: 'bad-input' });
  });
});
