import { expect, it } from 'vitest';
import { contradict, soundHints } from '../../lib/solve/hints.ts';
import { solutionOf } from '../../lib/solve/solution.ts';

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

it('a solution contradicts a hint of another place, scale or parity, and not one that was right', () => {
  const cd = [[-0.01, 0], [0, -0.01]] as const; // biome-ignore format: a matrix
  const solution = solutionOf({
    width: 320,
    height: 240,
    x: 159.5,
    y: 119.5,
    raDegrees: 10,
    decDegrees: 60,
    cd,
    sip: null,
  });
  const right = {
    raDegrees: 12,
    decDegrees: 61,
    radiusDegrees: 2,
    scaleLow: 30,
    scaleHigh: 36,
    parity: 'normal',
  } as const;
  expect(contradict({}, solution, 5)).toBe(false);
  expect(contradict(right, solution, 5)).toBe(false);
  expect(contradict({ ...right, radiusDegrees: 1 }, solution, 5)).toBe(true);
  expect(contradict({ raDegrees: 25, decDegrees: 60 }, solution, 5)).toBe(true);
  expect(contradict({ ...right, scaleHigh: 33 }, solution, 5)).toBe(true);
  expect(contradict({ scaleLow: 40 }, solution, 5)).toBe(true);
  expect(contradict({ parity: 'mirrored' }, solution, 5)).toBe(true);
});
