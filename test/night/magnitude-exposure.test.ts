import { describe, expect, it } from 'vitest';
import { exposureOfMagnitude, recordingExposure } from '../../lib/night/magnitude-exposure.ts';

const calibration = { magnitude: 11, exposureSeconds: 0.1, shortestSeconds: 0.01, longestSeconds: 2 };

describe('the exposure of a magnitude', () => {
  // Pogson: five magnitudes are a factor of 100, one is 2.512, a quarter of five is the square root of ten.
  it.each([
    [11, 0.1, null],
    [13.5, 1, null],
    [12, 0.251, null],
    [9.75, 0.0316, null],
    [6, 0.01, 'shortest'],
    [16, 2, 'longest'],
    [-1.5, 0.01, 'shortest'],
  ])('of %s mag is %s s', (magnitude, seconds, limited) =>
    expect(exposureOfMagnitude(magnitude, calibration)).toEqual({ seconds, from: 'magnitude', limited }),
  );

  it('is what the list says where it says it', () => {
    expect(recordingExposure({ magnitude: 13.5, exposureSeconds: 5 }, calibration)).toEqual({
      seconds: 5,
      from: 'list',
      limited: null,
    });
    expect(recordingExposure({}, calibration)).toBeNull();
  });

  it.each([
    [{ exposureSeconds: 0 }, 'The calibration of the exposure needs a magnitude and an exposure above 0 s.'],
    [{ magnitude: Number.NaN }, 'The calibration of the exposure needs a magnitude and an exposure above 0 s.'],
    [{ shortestSeconds: 3 }, 'The shortest exposure (3 s) must be above 0 and no longer than the longest (2 s).'],
  ])('refuses a calibration of %j', (wrong, sentence) =>
    expect(() => exposureOfMagnitude(11, { ...calibration, ...wrong })).toThrow(sentence),
  );
});
