import { describe, expect, it } from 'vitest';
import type { MatchedStar } from '../../lib/solve/solution.ts';
import { pixelToSky, separation, skyToPixel, type Wcs } from '../../lib/solve/wcs.ts';
import { fitWcs } from '../../lib/solve/wcs-fit.ts';

const truth: Wcs = {
  ...{ width: 1000, height: 700, x: 300, y: 500, raDegrees: 359.9, decDegrees: 62 },
  cd: [
    [-2e-3, 1e-3],
    [1.1e-3, 2.1e-3],
  ],
  sip: { a: [[0, 0, 2e-6], [0, -3e-6], [4e-6]], b: [[0, 0, 1e-6], [0, 2e-6], [-2e-6]], ap: [], bp: [] },
};
/** The fraction of the golden ratio spreads points evenly. */
const starsOf = (wcs: Wcs, count: number): MatchedStar[] =>
  Array.from({ length: count }, (_, i) => {
    const pixel = { x: ((i * 0.618034) % 1) * 1000, y: ((i + 0.5) / count) * 700 };
    return { ...pixel, ...pixelToSky(wcs, pixel) };
  });

describe('the fit of a WCS', () => {
  it('finds a plane again to a thousandth of an arcsecond, from three stars on', () => {
    // The plane touches the sky where the picture's middle is, as behind any good lens.
    const plane = { ...truth, x: 499.5, y: 349.5, sip: null };
    for (const count of [3, 40]) {
      const { wcs, residualPixels } = fitWcs(starsOf(plane, count), truth);
      expect(residualPixels).toBeLessThan(1e-6);
      for (const pixel of [{ x: 0, y: 0 }, { x: 999, y: 699 }]) // biome-ignore format: two points
        expect(separation(pixelToSky(wcs, pixel), pixelToSky(plane, pixel)) * 3600).toBeLessThan(1e-3);
    }
  });

  it('finds a distortion, and the way back through it', () => {
    const { wcs, residualPixels } = fitWcs(starsOf(truth, 60), truth, 3);
    expect(residualPixels).toBeLessThan(0.01);
    for (const pixel of [
      { x: 0, y: 0 },
      { x: 999, y: 699 },
      { x: 10, y: 680 },
    ]) {
      // biome-ignore format: three points
      const sky = pixelToSky(truth, pixel);
      expect(separation(pixelToSky(wcs, pixel), sky) * 3600).toBeLessThan(0.1);
      const back = skyToPixel(wcs, sky)!;
      expect(Math.hypot(back.x - pixel.x, back.y - pixel.y)).toBeLessThan(0.02);
    }
    expect(wcs.sip!.ap.length).toBeGreaterThan(0);
  });

  it('says what a plane leaves of a distortion', () => {
    expect(fitWcs(starsOf(truth, 60), truth).residualPixels).toBeGreaterThan(0.05);
  });

  it('refuses too few stars, and stars on a line', () => {
    expect(() => fitWcs(starsOf(truth, 2), truth)).toThrow('A fit of order 1 takes 3 stars; there are 2.');
    const line = [0, 1, 2, 3].map((i) => ({ ...starsOf(truth, 1)[0]!, x: i * 10, y: i * 20 }));
    expect(() => fitWcs(line, truth)).toThrow('The matched stars lie on one line.');
  });
});
