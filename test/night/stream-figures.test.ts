import { describe, expect, it } from 'vitest';
import { isoTime } from '../../lib/clock/clock.ts';
import { filmFigures, latencyOf } from '../../lib/night/stream-figures.ts';

const zero = Date.UTC(2026, 10, 21, 21, 14, 5);
const at = (...seconds: number[]) => seconds.map((each) => isoTime(zero + each * 1000));

describe('the figures of a film', () => {
  it('of an even one: cadence, no jitter, no hole', () => {
    expect(filmFigures(at(0, 0.1, 0.2, 0.3, 0.4))).toEqual({
      frames: 5,
      first: '2026-11-21T21:14:05.000Z',
      last: '2026-11-21T21:14:05.400Z',
      cadenceSeconds: 0.1,
      jitterSeconds: 0,
      longestSeconds: 0.1,
      missing: 0,
      holes: [],
      backwards: 0,
    });
  });
  it('count the frames that a hole would hold, and say where it is', () => {
    const figures = filmFigures(at(0, 0.1, 0.2, 0.6, 0.7, 0.8, 1.0, 1.1));
    expect(figures.missing).toBe(4);
    expect(figures.holes).toEqual([
      { after: 3, seconds: 0.4, missing: 3 },
      { after: 6, seconds: 0.2, missing: 1 },
    ]);
  });
  it('know frames that came in a bunch after a pause for late, not lost', () => {
    expect(filmFigures(at(0, 0.1, 0.2, 0.5, 0.51, 0.52, 0.6, 0.7, 0.8)).missing).toBe(0);
    expect(filmFigures(at(0, 0.1, 0.2, 0.5, 0.51, 0.6, 0.7, 0.8)).missing).toBe(1);
  });
  it('take the jitter from the intervals, holes left out, to the microsecond', () => {
    const stamps = ['05.000000', '05.100500', '05.200000', '05.300500', '05.700500'];
    const figures = filmFigures(stamps.map((each) => `2026-11-21T21:14:${each}Z`));
    expect(figures.cadenceSeconds).toBe(0.1005);
    expect(figures.jitterSeconds).toBeCloseTo(0.001 / Math.sqrt(3), 6);
    expect(figures.longestSeconds).toBe(0.4);
  });
  it('see a clock that was set back', () => {
    expect(filmFigures(at(0, 0.1, -5, -4.9, -4.8))).toMatchObject({ backwards: 1, missing: 0, cadenceSeconds: 0.1 });
  });
  it('without stamps count only', () => {
    expect(filmFigures([null, null])).toMatchObject({ frames: 2, first: null, cadenceSeconds: null, missing: 0 });
    expect(filmFigures([])).toMatchObject({ frames: 0, longestSeconds: null });
  });
});

describe('the latency from stamps of whole seconds', () => {
  const frames = (latency: number) =>
    Array.from({ length: 100 }, (_, n) => {
      const sent = zero + n * 97;
      return { arrivedAt: sent + latency, sentAt: Math.floor(sent / 1000) * 1000 };
    });
  it('is bounded from both sides', () => {
    const { lowSeconds, highSeconds } = latencyOf(frames(35))!;
    expect(lowSeconds).toBeLessThanOrEqual(0.035);
    expect(highSeconds).toBeGreaterThanOrEqual(0.035);
    // The phases of 100 frames lie closer than their cadence.
    expect(highSeconds - lowSeconds).toBeLessThan(0.097);
  });
  it('has the difference of two clocks in it', () => {
    expect(latencyOf(frames(-400))!.highSeconds).toBeLessThan(-0.3);
  });
  it('is not told without stamps', () => expect(latencyOf([{ arrivedAt: zero, sentAt: null }])).toBeNull());
});
