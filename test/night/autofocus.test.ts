import { describe, expect, it } from 'vitest';
import { NightflowError } from '../../lib/process/errors.ts';
import { FocusBench, measurementOf } from './focus-bench.ts';

/** A quarter of the depth in which 2 % of HFR can't be told: sqrt(1.02² − 1) · 2 px / 0.012 px a step = 33.5 steps. */
const close = 9;

describe('an autofocus', () => {
  it('finds the focus, goes there, looks, and says what it did', async () => {
    const bench = new FocusBench();
    const result = await bench.run();
    expect(result).toMatchObject({ outcome: 'focused', reason: null, startPosition: 10_000, temperatureCelsius: 4.5 });
    expect(Math.abs(result.position! - 10_400)).toBeLessThan(close);
    expect(bench.motor).toBe(result.position);
    expect(result.hfr).toBeCloseTo(2, 0);
    expect(result.startHfr).toBeCloseTo(Math.hypot(2, 4.8), 0);
    expect(result.fit!.verdict).toBe('found');
    expect(result.exposures).toBe(bench.exposures);
    expect(result.seconds).toBeGreaterThan(2 * result.exposures);
    expect(result.time).toMatch(/^2026-01-12T22:0/);
  });

  it('tells how it goes on: where, how sharp, and the curve so far', async () => {
    const bench = new FocusBench({ best: 10_050 });
    await bench.run();
    const phases = new Set(bench.progress.map(({ phase }) => phase));
    expect([...phases]).toEqual(['measuring', 'moving', 'fitted', 'verifying']);
    const last = bench.progress.at(-1)!;
    expect(last.points).toHaveLength(9);
    expect(last.fit!.curve!.weights).toHaveLength(9);
    const moving = bench.progress.filter(({ phase }) => phase === 'moving');
    expect(moving[0]).toMatchObject({ sweep: 1, n: 1, of: 9, text: 'Goes to 10240.' });
  });

  it('arrives at every position inwards', async () => {
    const bench = new FocusBench({ best: 10_050 });
    await bench.run();
    const descents = bench.moves.slice(1, 9);
    expect(descents).toEqual(descents.toSorted((a, b) => b - a));
    expect(bench.moves[0]).toBe(10_240);
  });

  it.each([
    ['far inside', 3_000],
    ['far outside', 17_500],
  ])('walks downhill to a focus %s', async (_, best) => {
    const bench = new FocusBench({ best });
    const result = await bench.run();
    expect(result.outcome).toBe('focused');
    expect(Math.abs(result.position! - best)).toBeLessThan(close * 1.5);
    expect(result.sweeps).toBeLessThan(8);
  });

  it('narrows a sweep that was too coarse to see the bottom', async () => {
    const bench = new FocusBench({ best: 10_130 });
    const result = await bench.run({ stepSize: 900 });
    expect(result.sweeps).toBe(2);
    expect(Math.abs(result.position! - 10_130)).toBeLessThan(close);
  });

  it('widens one that was too fine to see the sides', async () => {
    const bench = new FocusBench({ best: 10_080 });
    const result = await bench.run({ stepSize: 4 });
    expect(result.outcome).toBe('focused');
    expect(Math.abs(result.position! - 10_080)).toBeLessThan(close * 1.5);
  });

  it.each(['overshoot', 'absolute'] as const)('takes the play out of the gears by %s', async (backlash) => {
    const bench = new FocusBench({ play: 150, best: 10_200 });
    const result = await bench.run({ backlash, backlashSteps: 150 });
    expect(result.outcome).toBe('focused');
    // The lens is what has to be in focus, wherever the motor stands.
    expect(Math.abs(bench.lens - 10_200)).toBeLessThan(close * 1.5);
    const approached = bench.moves.at(-1)! - bench.moves.at(-2)!;
    if (backlash === 'overshoot') expect(approached).toBeLessThan(0);
  });

  it('is not confirmed with play that nobody told it of, and goes back', async () => {
    const bench = new FocusBench({ play: 250, best: 10_000, slope: 0.02 });
    const result = await bench.run({ stepSize: 100 });
    expect(result).toMatchObject({ outcome: 'failed', reason: { code: 'not-confirmed' }, returned: true });
    expect(result.reason!.text).toMatch(/^At \d+ the HFR is \d+\.\d\d px, not \d\.\d\d px as the curve says\.$/);
    expect(bench.motor).toBe(10_000);
  });

  it('approaches outwards if told', async () => {
    const bench = new FocusBench({ play: 150, best: 10_200 });
    bench.lens = bench.motor - 150;
    const result = await bench.run({ backlash: 'overshoot', backlashSteps: 200, approach: 'outwards' });
    expect(result.outcome).toBe('focused');
    expect(bench.moves.at(-1)! - bench.moves.at(-2)!).toBeGreaterThan(0);
    expect(Math.abs(bench.lens - 10_200)).toBeLessThan(close * 1.5);
  });

  it('focuses a lens that is only driven nearer and farther, in the pieces it can do', async () => {
    const info = { drive: 'relative', smallestMove: 8, largestMove: 100 } as const;
    const bench = new FocusBench({ info, best: 10_350 });
    const result = await bench.run();
    expect(result).toMatchObject({ outcome: 'focused', startPosition: 0 });
    expect(Math.abs(bench.motor - 10_350)).toBeLessThan(close + 4);
    expect(result.position).toBe(bench.motor - 10_000);
  });

  it('knows a drive that counts the other way', async () => {
    const bench = new FocusBench({ info: { drive: 'relative' }, best: 10_350 });
    const result = await bench.run({ inverted: true });
    expect(result.outcome).toBe('focused');
    expect(result.position).toBe(10_000 - bench.motor);
  });

  it('stays within its bounds and says that the focus is beyond', async () => {
    const bench = new FocusBench({ best: 12_000 });
    const result = await bench.run({ maximum: 10_600, minimum: 9_000 });
    expect(result).toMatchObject({ outcome: 'failed', reason: { code: 'out-of-range' }, returned: true });
    expect(result.reason!.text).toContain('10600');
    expect(Math.max(...bench.moves)).toBeLessThanOrEqual(10_600);
    expect(bench.motor).toBe(10_000);
  });

  it('throws a gust out', async () => {
    const bench = new FocusBench({ best: 10_050 });
    const { measured } = bench;
    bench.measured = function (this: FocusBench) {
      const found = measured.call(this);
      return this.exposures === 4 ? measurementOf(found.hfr! * 2, 40) : found;
    };
    const result = await bench.run();
    expect(result.outcome).toBe('focused');
    expect(Math.abs(result.position! - 10_050)).toBeLessThan(close * 1.5);
    expect(result.fit!.curve!.weights.filter((weight) => weight < 0.2)).toHaveLength(1);
  });

  it('takes the median of several exposures', async () => {
    const bench = new FocusBench({ best: 10_050, noise: 0.04 });
    const result = await bench.run({ exposuresPerPosition: 3 });
    expect(result.exposures).toBeGreaterThanOrEqual(33);
    expect(Math.abs(result.position! - 10_050)).toBeLessThan(close * 2);
  });
});

describe('an autofocus that fails', () => {
  it('waits for a cloud to pass', async () => {
    const bench = new FocusBench({ best: 10_050, stars: (n) => (n >= 5 && n <= 7 ? 0 : 40) });
    const result = await bench.run();
    expect(result.outcome).toBe('focused');
    expect(bench.progress.filter(({ phase }) => phase === 'cloud')).toHaveLength(3);
    expect(result.seconds).toBeGreaterThan(45);
  });

  it('gives up when the sky closes, and goes back', async () => {
    const bench = new FocusBench({ best: 10_050, stars: (n) => (n >= 5 ? 1 : 40) });
    const result = await bench.run();
    expect(result).toMatchObject({ outcome: 'failed', reason: { code: 'no-stars' }, returned: true });
    expect(result.position).toBe(10_000);
    expect(bench.motor).toBe(10_000);
  });

  it.each([
    ['all-black', 'take the cap off'],
    ['saturated', 'expose shorter'],
  ])('says what frames that are %s ask for', async (code, remedy) => {
    const bench = new FocusBench({ stars: () => 0 });
    const measure = async () => ({ ...bench.measured(), hfr: null, measured: 0, reason: { code, text: '' } });
    const result = await bench.run({ measure });
    expect(result.reason).toMatchObject({ code: 'no-stars', remedy: expect.stringContaining(remedy) });
    expect(result).toMatchObject({ outcome: 'failed', returned: true });
  });

  it('says that there are no stars at all', async () => {
    const bench = new FocusBench({ stars: () => 0 });
    const result = await bench.run();
    expect(result.reason).toMatchObject({ code: 'no-stars', remedy: expect.stringContaining('clear sky') });
    expect(bench.motor).toBe(10_000);
  });

  it('sees that the focuser does not move the optics', async () => {
    const bench = new FocusBench({ slope: 0 });
    const result = await bench.run();
    expect(result.reason).toMatchObject({ code: 'flat', remedy: expect.stringContaining('really moves') });
    expect(result.returned).toBe(true);
  });

  it('goes back when it is stopped', async () => {
    const stop = new AbortController();
    const bench = new FocusBench({ exposing: (n) => n === 6 && stop.abort() });
    const result = await bench.run({ signal: stop.signal });
    expect(result).toMatchObject({ outcome: 'failed', reason: { code: 'aborted' }, returned: true, position: 10_000 });
    expect(bench.motor).toBe(10_000);
    expect(bench.exposures).toBe(6);
  });

  it('goes back from the middle of a move, by the scale', async () => {
    const stop = new AbortController();
    const bench = new FocusBench({ moving: (n) => n === 3 && stop.abort() });
    const result = await bench.run({ signal: stop.signal });
    expect(result).toMatchObject({ reason: { code: 'aborted' }, returned: true });
    expect(bench.motor).toBe(10_000);
  });

  it('lets a drive without a scale finish its piece, so that it knows the way back', async () => {
    const stop = new AbortController();
    const bench = new FocusBench({
      info: { drive: 'relative', largestMove: 50 },
      moving: (n) => n === 3 && stop.abort(),
    });
    const result = await bench.run({ signal: stop.signal });
    expect(result).toMatchObject({ reason: { code: 'aborted' }, returned: true, position: 0 });
    expect(bench.motor).toBe(10_000);
  });

  it('does not even go back when it is to give up', async () => {
    const stop = new AbortController();
    const bench = new FocusBench({ exposing: (n) => n === 6 && stop.abort() });
    const result = await bench.run({ signal: stop.signal, giveUp: stop.signal });
    expect(result).toMatchObject({ reason: { code: 'aborted' }, returned: false });
    expect(bench.motor).toBe(result.position);
  });

  it('brings a lost camera back once, and the focuser back the second time', async () => {
    const lose = () => {
      throw new NightflowError('lost', 'The cable came off.');
    };
    const once = new FocusBench({ best: 10_050, exposing: (n) => n === 4 && lose() });
    expect(await once.run()).toMatchObject({ outcome: 'focused' });
    expect(once.recovered).toBe(1);
    const twice = new FocusBench({ exposing: (n) => n >= 4 && lose() });
    const result = await twice.run();
    expect(result).toMatchObject({ reason: { code: 'lost', text: 'The cable came off.' }, returned: true });
    expect(twice.motor).toBe(10_000);
  });

  it('never repeats a move that failed, and leaves a drive without a scale where it is', async () => {
    const lose = () => {
      throw new NightflowError('timeout', 'No answer.');
    };
    const bench = new FocusBench({ info: { drive: 'relative' }, moving: (n) => n === 3 && lose() });
    const result = await bench.run();
    expect(result).toMatchObject({ reason: { code: 'timeout' }, returned: false, position: null });
    expect(bench.moves).toHaveLength(3);
  });

  it('sees a focuser that says it arrived and did not', async () => {
    const bench = new FocusBench();
    bench.moveTo = async (position) => {
      bench.motor = Math.min(position, 10_100);
    };
    const result = await bench.run();
    expect(result.reason!.text).toBe('Bench was sent to 10240 and stands at 10100.');
    expect(result).toMatchObject({ outcome: 'failed', returned: true });
  });

  it.each([
    [{ stepSize: 0 }, 'The focus step must be 1 or more, not 0.'],
    [{ samples: 3 }, 'A focus sweep takes 5 to 51 positions, not 3.'],
    [{ minimum: 500, maximum: 400 }, 'The focuser may move from 500 to 400 only.'],
  ])('refuses %o before anything moves', async (wrong, message) => {
    const bench = new FocusBench();
    await expect(bench.run(wrong)).rejects.toMatchObject({ code: 'bad-input', message });
    expect(bench.moves).toEqual([]);
  });
});
