import { execFileSync } from 'node:child_process';
import { afterAll, describe, expect, it } from 'vitest';
import { Frame, type PixelType } from '../../lib/frame/frame.ts';
import {
  applyMatrix,
  identityMatrix,
  invertMatrix,
  type Matrix,
  multiplyMatrices,
  sourceRows,
} from '../../lib/frame/matrix.ts';
import { warpFrame } from '../../lib/frame/warp.ts';
import { allocateShared } from '../../lib/kernels/memory.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';

afterAll(() => closeSharedPool());

/** A frame whose sample at (x, y) of a plane is `value`. */
function picture(
  width: number,
  height: number,
  value: (x: number, y: number, plane: number) => number,
  { pixelType = 'f32', channels = 1 }: { pixelType?: PixelType; channels?: 1 | 3 } = {},
): Frame {
  const size = { u8: 1, u16: 2, f32: 4 }[pixelType];
  const data = allocateShared(width * height * channels * size);
  const pixels = new Frame({ data, width, height, channels, pixelType }).pixels;
  for (let i = 0; i < pixels.length; i++)
    pixels[i] = value(i % width, Math.floor(i / width) % height, Math.floor(i / (width * height)));
  return new Frame({ data, width, height, channels, pixelType });
}

const star = (x: number, y: number, cx: number, cy: number, fwhm: number) =>
  Math.exp((-4 * Math.LN2 * ((x - cx) ** 2 + (y - cy) ** 2)) / fwhm ** 2);

/** Rotation about the picture's middle, then a shift. */
function similarity(degrees: number, scale: number, dx: number, dy: number, width: number, height: number): number[] {
  const [c, s] = [scale * Math.cos((degrees * Math.PI) / 180), scale * Math.sin((degrees * Math.PI) / 180)];
  const [x, y] = [(width - 1) / 2, (height - 1) / 2];
  return [c, -s, x - c * x + s * y + dx, s, c, y - s * x - c * y + dy, 0, 0, 1];
}

/** Flux and centroid within `radius` of a place, above a known sky. */
function measure(frame: Frame, cx: number, cy: number, radius: number, sky: number) {
  const pixels = frame.pixels;
  let [flux, x1, y1] = [0, 0, 0];
  for (let y = Math.ceil(cy - radius); y <= cy + radius; y++)
    for (let x = Math.ceil(cx - radius); x <= cx + radius; x++) {
      if (Math.hypot(x - cx, y - cy) > radius) continue;
      const value = pixels[y * frame.width + x]! - sky;
      flux += value;
      x1 += value * x;
      y1 += value * y;
    }
  return { flux, x: x1 / flux, y: y1 / flux };
}

describe('matrices', () => {
  it('turn round, and follow one another', () => {
    const a = [0.9, 0.1, 12, -0.12, 1.02, -7, 1e-5, -2e-5, 1];
    const back = multiplyMatrices(invertMatrix(a), a);
    for (const [i, value] of back.entries()) expect(value / back[8]!).toBeCloseTo(identityMatrix[i]!, 12);
    const [x, y] = applyMatrix(invertMatrix(a), ...applyMatrix(a, 321, 45));
    expect([x, y]).toEqual([expect.closeTo(321, 9), expect.closeTo(45, 9)]);
  });

  it('that flatten the picture, or are none, are refused', () => {
    expect(() => invertMatrix([1, 2, 0, 2, 4, 0, 0, 0, 1])).toThrow("can't be turned round");
    expect(() => invertMatrix([1, 0, 0, 1])).toThrow('nine numbers');
    expect(() => invertMatrix([1, 0, Number.NaN, 0, 1, 0, 0, 0, 1])).toThrow('nine numbers');
  });

  it('say which source rows a band of the output needs', () => {
    expect(sourceRows([1, 0, 5.5, 0, 1, 10.25, 0, 0, 1], 100, 131, 640, 480)).toEqual({ first: 87, last: 123 });
    expect(sourceRows([-1, 0, 639, 0, -1, 479, 0, 0, 1], 0, 31, 640, 480)).toEqual({ first: 445, last: 479 });
    expect(sourceRows([1, 0, 0, 0, 1, 1000, 0, 0, 1], 0, 31, 640, 480)).toBeNull();
  });
});

describe('warping', () => {
  it.each(['nearest', 'bilinear', 'lanczos3'] as const)(
    '%s changes nothing without a movement',
    async (interpolation) => {
      const frame = picture(301, 277, (x, y, plane) => (x * 7919 + y * 104729 + plane * 31) % 4096, {
        pixelType: 'u16',
        channels: 3,
      });
      const same = await warpFrame(frame, identityMatrix, { interpolation });
      expect(same).toMatchObject({ width: 301, height: 277, channels: 3, pixelType: 'f32' });
      expect(same.pixels.every((value, i) => value === frame.pixels[i])).toBe(true);
    },
  );

  it.each(['u8', 'u16', 'f32'] as const)(
    'a whole shift moves %s samples and leaves NaN where there are none',
    async (pixelType) => {
      const frame = picture(90, 70, (x, y) => (3 * x + 5 * y) % 251, { pixelType });
      const moved = await warpFrame(frame, [1, 0, -4, 0, 1, 9, 0, 0, 1]);
      for (const [x, y] of [
        [0, 9],
        [85, 69],
        [40, 30],
      ] as const) {
        expect(moved.pixels[y * 90 + x]).toBe(frame.pixels[(y - 9) * 90 + x + 4]);
      }
      expect(moved.pixels[8 * 90 + 40]).toBeNaN();
      expect(moved.pixels[30 * 90 + 86]).toBeNaN();
    },
  );

  it('a ramp stays a ramp under a turn, a change of scale and a perspective', async () => {
    const frame = picture(600, 500, (x, y) => 1000 + 2 * x - 3 * y);
    const maps: Matrix[] = [
      similarity(33, 1.03, 12.3, -4.6, 600, 500),
      similarity(180, 1, 0.4, 0.2, 600, 500),
      [1.01, 0.02, 3, -0.01, 0.99, 5, 2e-5, -3e-5, 1],
    ];
    for (const map of maps)
      for (const interpolation of ['bilinear', 'lanczos3'] as const) {
        const warped = await warpFrame(frame, map, { interpolation });
        const inverse = invertMatrix(map);
        let checked = 0;
        for (let y = 0; y < 500; y += 7)
          for (let x = 0; x < 600; x += 7) {
            const [u, v] = applyMatrix(inverse, x, y);
            const value = warped.pixels[y * 600 + x]!;
            if (u < 0 || v < 0 || u > 599 || v > 499) expect(value).toBeNaN();
            else if (u > 4 && v > 4 && u < 595 && v < 495) {
              expect(Math.abs(value - (1000 + 2 * u - 3 * v))).toBeLessThan(0.02);
              checked++;
            }
          }
        expect(checked).toBeGreaterThan(2000);
      }
  });

  it.each([
    ['a drift', similarity(0, 1, 3.37, -2.61, 200, 200), 2.2],
    ['a turn', similarity(17, 1, 1.5, 0.3, 200, 200), 2.2],
    ['a meridian flip', similarity(180.3, 1, 2.5, -1.25, 200, 200), 2.2],
    ['half a pixel of a sharp star', similarity(0, 1, 0.5, 0.5, 200, 200), 2],
  ])('keeps the flux and the place of a star under %s', async (_, map, fwhm) => {
    const sky = 1000;
    const frame = picture(200, 200, (x, y) => sky + 20000 * star(x, y, 91.3, 108.8, fwhm));
    const warped = await warpFrame(frame, map);
    const [cx, cy] = applyMatrix(map, 91.3, 108.8);
    const before = measure(frame, 91.3, 108.8, 15, sky);
    const after = measure(warped, cx, cy, 15, sky);
    expect(Math.abs(after.flux / before.flux - 1)).toBeLessThan(0.01);
    expect(Math.hypot(after.x - cx, after.y - cy)).toBeLessThan(0.02);
  });

  it.each([2.4, 3, 5])('moves no star of %f px FWHM, as a fit of its profile sees it', async (fwhm) => {
    const sigma = fwhm / 2.3548;
    const frame = picture(120, 120, (x, y) => 100 + 9000 * star(x, y, 60.3, 59.6, fwhm));
    for (const [dx, dy] of [
      [0.25, 0.75],
      [0.1, 0.4],
    ] as const) {
      const { pixels } = await warpFrame(frame, [1, 0, dx, 0, 1, dy, 0, 0, 1]);
      // A centroid weighted by the profile itself, which is what a fit finds; twice its step, to converge.
      let [cx, cy] = [60.3 + dx, 59.6 + dy];
      for (let round = 0; round < 20; round++) {
        let [sum, x1, y1] = [0, 0, 0];
        for (let y = 40; y < 80; y++)
          for (let x = 40; x < 80; x++) {
            const weight = (pixels[y * 120 + x]! - 100) * Math.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * sigma ** 2));
            sum += weight;
            x1 += weight * (x - cx);
            y1 += weight * (y - cy);
          }
        cx += (2 * x1) / sum;
        cy += (2 * y1) / sum;
      }
      expect(Math.hypot(cx - 60.3 - dx, cy - 59.6 - dy)).toBeLessThan(0.003);
    }
  });

  it('digs no dark ring around a bright star, and keeps its peak', async () => {
    const frame = picture(64, 64, (x, y) => 100 + 60000 * star(x, y, 31.5, 31.5, 1.6));
    const warped = await warpFrame(frame, [1, 0, 0.5, 0, 1, 0.5, 0, 0, 1]);
    expect(Math.min(...warped.pixels.filter((value) => !Number.isNaN(value)))).toBeGreaterThan(99.9);
    expect(warped.pixels[32 * 64 + 32]).toBeGreaterThan(48000);
  });

  it('leaves a hole no larger than the pixel that has no value', async () => {
    const frame = picture(80, 80, (x, y) => (x === 40 && y === 40 ? Number.NaN : 500));
    const warped = await warpFrame(frame, [1, 0, 0.3, 0, 1, 0.3, 0, 0, 1]);
    const holes = warped.pixels.subarray(80).filter((value, i) => i % 80 > 0 && Number.isNaN(value)).length;
    expect(holes).toBeLessThanOrEqual(1);
    expect(warped.pixels.filter((value) => Math.abs(value - 500) < 0.01).length).toBe(79 * 79 - holes);
  });

  it('turns a mosaic into colour first', async () => {
    const values = { R: 1000, G: 2000, B: 500 };
    const mosaic = picture(64, 48, (x, y) => values['GRBG'[2 * (y % 2) + (x % 2)] as 'R' | 'G' | 'B'], {
      pixelType: 'u16',
    });
    const warped = await warpFrame(mosaic.with({ bayer: 'GRBG' }), similarity(3, 1, 0, 0, 64, 48));
    expect(warped).toMatchObject({ channels: 3, bayer: null, pixelType: 'f32' });
    const middle = 24 * 64 + 32;
    expect([0, 1, 2].map((plane) => warped.pixels[plane * 64 * 48 + middle])).toEqual([
      expect.closeTo(1000, 2),
      expect.closeTo(2000, 2),
      expect.closeTo(500, 2),
    ]);
  });

  it('fits a frame into another size, and a large picture into a stamp', async () => {
    const frame = picture(2000, 1500, (x) => x);
    const stamp = await warpFrame(frame, [0.01, 0, 0, 0, 0.01, 0, 0, 0, 1], { width: 20, height: 15 });
    expect(stamp).toMatchObject({ width: 20, height: 15 });
    expect(stamp.pixels[7 * 20 + 10]).toBeCloseTo(1000, 1);
  });

  it('shows nothing beyond the horizon of a perspective', async () => {
    const frame = picture(2000, 60, (x) => x);
    // x goes to x / (1 + 0.002 x), which stays below 500.
    for (const sign of [1, -1]) {
      const seen = await warpFrame(
        frame,
        [1, 0, 0, 0, 1, 0, 0.002, 0, 1].map((value) => sign * value),
        { width: 600 },
      );
      expect(seen.pixels[100]).toBeCloseTo(125, 1);
      expect(seen.pixels.subarray(501, 600).every(Number.isNaN)).toBe(true);
    }
  });

  it('agrees with a Lanczos resampling written out in numpy', async () => {
    // Noise over a smooth sky; the reference has no clamp, so only pixels where it can't act are compared.
    const frame = picture(
      120,
      100,
      (x, y) => 2000 + 40 * Math.sin(x / 2.1) * Math.cos(y / 1.7) + ((x * 37 + y * 91) % 13),
    );
    const map = similarity(11, 1.01, 2.2, -1.4, 120, 100);
    const warped = await warpFrame(frame, map);
    const script = `
import sys, json, numpy as np
width, height, m, pixels = json.load(sys.stdin)
image = np.array(pixels).reshape(height, width)
yy, xx = np.mgrid[0:height, 0:width]
p = np.linalg.inv(np.array(m).reshape(3, 3)) @ np.stack([xx.ravel(), yy.ravel(), np.ones(xx.size)])
u, v = p[0] / p[2], p[1] / p[2]
i, j = np.floor(u).astype(int), np.floor(v).astype(int)
inside = (i >= 2) & (j >= 2) & (i < width - 4) & (j < height - 4)
u, v, i, j = u[inside], v[inside], i[inside], j[inside]
def weights(f):
    w = np.array([np.sinc(f - k) * np.sinc((f - k) / 3) for k in range(-2, 4)])
    w = w / w.sum(axis=0)
    offset = f - np.einsum('kn,k->n', w, np.arange(-2, 4))
    x = np.arange(-2, 4.0)
    inverse = np.linalg.inv(np.exp(-(x[:, None] - x) ** 2 / (4 * 1.2 ** 2)) + 0.001 * np.eye(6))
    shift = inverse @ x - inverse.sum(axis=1) * (inverse @ x).sum() / inverse.sum()
    return w + shift[:, None] / (shift @ x) * offset
wx, wy = weights(u - i), weights(v - j)
taps = np.array([[image[j + b, i + a] for a in range(-2, 4)] for b in range(-2, 4)])
value = np.einsum('ban,bn,an->n', taps, wy, wx)
out = np.full(xx.size, -1.0)
out[inside] = np.where(value > taps.min(axis=(0, 1)) + 0.01, value, -1)
print(json.dumps(out.tolist()))`;
    const input = JSON.stringify([120, 100, map, Array.from(frame.pixels)]);
    const reference = JSON.parse(
      execFileSync('/usr/bin/python3', ['-c', script], { input, maxBuffer: 2 ** 26 }).toString(),
    ) as number[];
    let compared = 0;
    for (const [i, value] of reference.entries()) {
      if (value < 0) continue;
      expect(Math.abs(warped.pixels[i]! - value)).toBeLessThan(0.1);
      compared++;
    }
    expect(compared).toBeGreaterThan(8000);
  });
});
