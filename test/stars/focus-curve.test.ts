import { describe, expect, it } from 'vitest';
import { type FocusPoint, fitFocusCurve, focusCurveAt } from '../../lib/stars/focus-curve.ts';

/** Position, median HFR of 18 stars: INDI's CCD and focuser simulators 1.9.9, whose true focus is at 36700 (SIM_FOCUS_POSITION). */
const indi: [number, number][] = [
  [16700, 5.08],
  [26700, 2.42],
  [31700, 1.73],
  [36700, 1.5],
  [41700, 1.72],
  [46700, 2.45],
  [56700, 5.1],
];
/** The simulated telescope of the example flow, 12 degrees of sky, focus at 24550: within 60 steps its stars are single pixels. */
const sharpStars: [number, number][] = [
  [23900, 5.27],
  [24000, 4.535],
  [24100, 3.736],
  [24200, 3.001],
  [24300, 2.304],
  [24400, 1.71],
  [24500, 1.099],
  [24600, 1.099],
  [24700, 1.723],
  [24800, 2.301],
  [24900, 3.022],
  [25000, 3.744],
];
const pointsOf = (pairs: readonly (readonly [number, number])[], sigma: number | null = null): FocusPoint[] =>
  pairs.map(([position, hfr]) => ({ position, hfr, sigma, stars: 18 }));

/** Normal deviates that are the same in every run: Box and Muller over a linear congruence. */
function deviates(seed: number): () => number {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

const truth = { best: 5230, a: 2.1, b: 0.012 };
const hfrAt = (position: number) => Math.hypot(truth.a, truth.b * (position - truth.best));
const sweep = (from: number, to: number, count: number) =>
  Array.from({ length: count }, (_, index) => from + ((to - from) * index) / (count - 1));
function noisy(positions: readonly number[], relative: number, seed = 1): FocusPoint[] {
  const deviate = deviates(seed);
  return positions.map((position) => {
    const hfr = hfrAt(position);
    return { position, hfr: hfr * (1 + relative * deviate()), sigma: relative * hfr, stars: 60 };
  });
}

describe('the focus curve', () => {
  it("finds the focus of INDI's simulator from its measured table", () => {
    const { verdict, curve, text } = fitFocusCurve(pointsOf(indi));
    expect(verdict).toBe('found');
    expect(curve!.model).toBe('hyperbola');
    expect(Math.abs(curve!.best - 36700)).toBeLessThan(60);
    expect(Math.abs(curve!.best - 36700)).toBeLessThan(3 * curve!.bestError);
    expect(curve!.minimumHfr).toBeCloseTo(1.5, 0);
    expect(text).toMatch(/^The focus is at 36\d\d\d ± \d+, HFR 1\.\d\d px\.$/);
  });

  it('finds it as well with a parabola, if asked', () => {
    const { verdict, curve } = fitFocusCurve(pointsOf(indi), { model: 'parabola' });
    expect(verdict).toBe('found');
    expect(curve!.model).toBe('parabola');
    expect(Math.abs(curve!.best - 36700)).toBeLessThan(150);
  });

  it('returns a hyperbola exactly', () => {
    const exact = sweep(4400, 6000, 9).map((position): [number, number] => [position, hfrAt(position)]);
    const { curve } = fitFocusCurve(pointsOf(exact, 0.02));
    expect(curve!.best).toBeCloseTo(truth.best, 3);
    expect(curve!.minimumHfr).toBeCloseTo(truth.a, 5);
    expect(curve!.slopeInside).toBeCloseTo(truth.b, 7);
    expect(curve!.rSquared).toBeCloseTo(1, 6);
    expect(focusCurveAt(curve!, 4000)).toBeCloseTo(hfrAt(4000), 4);
    // 2 % of HFR: a sqrt(1.02² − 1) / b
    expect(curve!.depthSteps).toBeCloseTo((truth.a * Math.sqrt(1.02 ** 2 - 1)) / truth.b, 2);
  });

  it('says truly how far off it may be: normalised errors of 300 noisy curves scatter by about 1', () => {
    const normalised: number[] = [];
    for (let seed = 1; seed <= 300; seed++) {
      const { curve, verdict } = fitFocusCurve(noisy(sweep(4800, 5700, 11), 0.03, seed));
      expect(verdict).toBe('found');
      normalised.push((curve!.best - truth.best) / curve!.bestError);
    }
    const rms = Math.sqrt(normalised.reduce((sum, value) => sum + value * value, 0) / normalised.length);
    expect(rms).toBeGreaterThan(0.75);
    expect(rms).toBeLessThan(1.35);
  });

  it('throws outliers out: a gust, a satellite, a cloud that leaves two stars', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const points = noisy(sweep(4700, 5700, 11), 0.02, seed);
      points[3]!.hfr *= 1.9;
      points[7]!.hfr *= 0.5;
      const { verdict, curve } = fitFocusCurve(points);
      expect(verdict).toBe('found');
      expect(Math.abs(curve!.best - truth.best)).toBeLessThan(30);
      expect(curve!.weights[3]).toBeLessThan(0.05);
      expect(curve!.weights[7]).toBeLessThan(0.05);
    }
  });

  it('keeps the points of a bottom that is lower than the hyperbola, where stars are as small as pixels', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const deviate = deviates(seed);
      const points = sharpStars.map(([position, hfr]): [number, number] => [position, hfr * (1 + 0.01 * deviate())]);
      for (const [first, last] of [
        [0, 12],
        [1, 10],
        [2, 11],
        [3, 10],
      ] as const) {
        const { verdict, curve } = fitFocusCurve(pointsOf(points.slice(first, last), 0.012));
        expect(verdict).toBe('found');
        expect(Math.min(...curve!.weights)).toBeGreaterThan(0.2);
        expect(Math.abs(curve!.best - 24_550)).toBeLessThan(8);
      }
    }
  });

  it('throws out what is no such bottom: clouds over it, and a single point with false stars', () => {
    const positions = sharpStars.map(([position]) => position);
    const bottom = [24_500, 24_600];
    const wings = (position: number) => Math.hypot(1.25, 0.0077 * (position - 24_550));
    for (const [at, value] of [
      [bottom, 1.9],
      [bottom.slice(0, 1), 0.6],
    ] as const) {
      const spoilt = positions.map((position): [number, number] => [
        position,
        wings(position) * (at.includes(position) ? value : 1),
      ]);
      const { curve } = fitFocusCurve(pointsOf(spoilt, 0.01));
      expect(curve!.weights.filter((_, index) => at.includes(positions[index]!)).every((each) => each < 0.05)).toBe(
        true,
      );
      expect(Math.abs(curve!.best - 24_550)).toBeLessThan(4);
    }
  });

  it('passes over positions without a star', () => {
    const points = noisy(sweep(4700, 5700, 9), 0.02);
    points[4] = { ...points[4]!, hfr: Number.NaN, stars: 0 };
    points[8] = { ...points[8]!, hfr: 0, stars: 0 };
    const { verdict, curve } = fitFocusCurve(points);
    expect(verdict).toBe('found');
    expect(curve!.weights[4]).toBe(0);
    expect(Math.abs(curve!.best - truth.best)).toBeLessThan(30);
  });

  it.each([
    ['extend-outwards', 3200, 4800],
    ['extend-inwards', 5700, 7400],
    ['extend-outwards', 4400, 5260],
  ] as const)('asks to %s when the points from %d to %d do not go round the minimum', (wanted, from, to) => {
    for (let seed = 1; seed <= 20; seed++) {
      const { verdict } = fitFocusCurve(noisy(sweep(from, to, 7), 0.015, seed));
      expect(verdict).toBe(wanted);
    }
  });

  it('does not see a focus in noise', () => {
    let found = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const deviate = deviates(seed);
      const points = sweep(0, 100, 9).map((position): [number, number] => [position, 2.5 * (1 + 0.05 * deviate())]);
      if (fitFocusCurve(pointsOf(points, 0.12)).verdict === 'found') found++;
    }
    expect(found).toBeLessThanOrEqual(2);
  });

  it('goes out where the light of far doughnuts is lost and the wings bend down', () => {
    const saturating = sweep(5600, 9000, 8).map((position): [number, number] => {
      const hfr = hfrAt(position);
      return [position, hfr / (1 + hfr / 40)];
    });
    expect(fitFocusCurve(pointsOf(saturating, 0.1)).verdict).toBe('extend-inwards');
  });

  it('wants four positions', () => {
    const { verdict, curve, text } = fitFocusCurve(pointsOf(indi.slice(0, 3)));
    expect(verdict).toBe('too-few');
    expect(curve).toBeNull();
    expect(text).toBe('Stars were measured at 3 positions; a focus curve needs 4.');
    expect(fitFocusCurve([]).verdict).toBe('too-few');
    expect(fitFocusCurve(pointsOf(Array.from({ length: 9 }, () => [5, 2]))).verdict).toBe('too-few');
  });

  it('takes wings of different slopes as two lines when asked', () => {
    const points = sweep(0, 1000, 11).map((position): [number, number] => [
      position,
      2 + (position < 430 ? 0.01 * (430 - position) : 0.02 * (position - 430)),
    ]);
    const { curve } = fitFocusCurve(pointsOf(points, 0.05), { model: 'v-curve' });
    expect(curve!.best).toBeCloseTo(430, 0);
    expect(curve!.slopeInside).toBeCloseTo(0.01, 4);
    expect(curve!.slopeOutside).toBeCloseTo(0.02, 4);
  });
});
