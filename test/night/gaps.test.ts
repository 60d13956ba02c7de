import { expect, it } from 'vitest';
import { GapStatistics } from '../../lib/night/gaps.ts';

it('gives exact sums and extremes, quantiles to 1 %, and survives its own state', () => {
  const gaps = new GapStatistics();
  // 1 ms to 1000 ms in an order that is not theirs: median 0.5 s, 95th percentile 0.95 s.
  for (let i = 0; i < 1000; i++) gaps.addGap((((i * 617) % 1000) + 1) / 1000);
  for (let i = 0; i < 1001; i++) gaps.addExposure(5);
  const restored = new GapStatistics();
  restored.restore(JSON.parse(JSON.stringify(gaps.state())));
  for (const statistics of [gaps, restored]) {
    const { count, minimum, median, p95, maximum, totalSeconds, usedPercent } = statistics.summary();
    expect([count, minimum, maximum]).toEqual([1000, 0.001, 1]);
    expect(totalSeconds).toBeCloseTo(500.5, 6);
    expect(Math.abs(median! / 0.5 - 1)).toBeLessThan(0.011);
    expect(Math.abs(p95! / 0.95 - 1)).toBeLessThan(0.011);
    expect(usedPercent).toBeCloseTo((100 * 5005) / 5505.5, 6);
  }
});

it('has no figures without a gap, and takes an overlap of clocks for none', () => {
  const gaps = new GapStatistics();
  expect(gaps.summary()).toMatchObject({ count: 0, minimum: null, median: null, maximum: null, usedPercent: null });
  gaps.addGap(-0.002);
  gaps.addGap(Number.NaN);
  expect(gaps.summary()).toMatchObject({ count: 1, minimum: 0, median: 0, maximum: 0, totalSeconds: 0 });
});

it('stays small over a season', () => {
  const gaps = new GapStatistics();
  for (let i = 0; i < 300_000; i++) gaps.addGap(1e-6 * 1.0001 ** (i % 200_000));
  expect(JSON.stringify(gaps.state()).length).toBeLessThan(20_000);
});
