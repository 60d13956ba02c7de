import { expect, it } from 'vitest';
import type { Keyword } from '../../lib/frame/frame.ts';
import { pixelScale } from '../../lib/stars/pixel-scale.ts';
import { smallFrame } from '../night/small-frames.ts';

const frameWith = (keywords: Record<string, string | number>) =>
  smallFrame(0, { keywords: Object.entries(keywords).map(([name, value]): Keyword => ({ name, value })) });

it('takes the scale that the header says', () => {
  expect(pixelScale(frameWith({ SCALE: 1.23 }))).toBe(1.23);
  expect(pixelScale(frameWith({ PIXSCALE: '0.5' }))).toBe(0.5);
  expect(pixelScale(frameWith({ SECPIX: 2, FOCALLEN: 1000, XPIXSZ: 5 }))).toBe(2);
});

it('works it out from focal length and pixel size: 206.265 x 3.76 µm / 600 mm', () => {
  expect(pixelScale(frameWith({ FOCALLEN: 600, XPIXSZ: 3.76 }))).toBeCloseTo(1.2926, 4);
});

it('knows that XPIXSZ is of the binned pixel, and PIXSIZE1 of the own', () => {
  const binned = pixelScale(frameWith({ FOCALLEN: 600, XPIXSZ: 7.52, PIXSIZE1: 3.76, XBINNING: 2 }));
  expect(binned).toBeCloseTo(2.5852, 4);
  expect(pixelScale(frameWith({ FOCALLEN: 600, PIXSIZE1: 3.76, XBINNING: 2 }))).toBeCloseTo(2.5852, 4);
  expect(pixelScale(frameWith({ FOCALLEN: 600, PIXSIZE1: 3.76 }))).toBeCloseTo(1.2926, 4);
});

it('believes what the user says before the header, and fills in the rest from it', () => {
  const frame = frameWith({ SCALE: 9, FOCALLEN: 600, XPIXSZ: 3.76 });
  expect(pixelScale(frame, { focalLengthMillimetres: 1200 })).toBeCloseTo(0.6463, 4);
  expect(pixelScale(frame, { pixelSizeMicrometres: 7.52 })).toBeCloseTo(2.5852, 4);
  expect(pixelScale(frame, { focalLengthMillimetres: null, pixelSizeMicrometres: null })).toBe(9);
});

it('says nothing rather than something wrong', () => {
  expect(pixelScale(frameWith({}))).toBeNull();
  expect(pixelScale(frameWith({ FOCALLEN: 0, XPIXSZ: 3.76 }))).toBeNull();
  expect(pixelScale(frameWith({ FOCALLEN: 'unknown', XPIXSZ: 3.76 }))).toBeNull();
  expect(pixelScale(frameWith({ SCALE: 1e9 }))).toBeNull();
  expect(pixelScale(frameWith({ FOCALLEN: 600 }))).toBeNull();
});
