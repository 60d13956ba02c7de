import { expect, it } from 'vitest';
import { soundHints } from '../../lib/solve/hints.ts';

it('hints that can be are kept as they are', () => {
  const hints = {
    raDegrees: 83.8,
    decDegrees: -5.4,
    radiusDegrees: 3,
    scaleLow: 1,
    scaleHigh: 2,
    parity: 'normal',
  } as const;
  expect(soundHints(hints)).toEqual(hints);
  expect(soundHints({ raDegrees: -10, decDegrees: 90 })).toEqual({ raDegrees: 350, decDegrees: 90 });
  expect(soundHints()).toEqual({});
});

it.each([
  ['a place without its declination', { raDegrees: 10 }, {}],
  ['a declination over the pole', { raDegrees: 10, decDegrees: 91, radiusDegrees: 5 }, {}],
  [
    'no numbers',
    { raDegrees: Number.NaN, decDegrees: 1, scaleLow: Number.NaN, scaleHigh: Number.POSITIVE_INFINITY },
    {},
  ],
  ['a radius of nothing', { raDegrees: 10, decDegrees: 1, radiusDegrees: 0 }, { raDegrees: 10, decDegrees: 1 }],
  [
    'a radius beyond the sky',
    { raDegrees: 1, decDegrees: 1, radiusDegrees: 1e9 },
    { raDegrees: 1, decDegrees: 1, radiusDegrees: 180 },
  ],
  ['scales of nothing and beyond all', { scaleLow: 0, scaleHigh: 1e12 }, {}],
  ['scales below zero', { scaleLow: -2, scaleHigh: 4 }, { scaleHigh: 4 }],
  ['scales turned round', { scaleLow: 4, scaleHigh: 2 }, {}],
  ['a parity that is none', { parity: 'flipped' as 'normal' }, {}],
])('%s: left out', (_, hints, left) => {
  expect(soundHints(hints)).toEqual(left);
});
