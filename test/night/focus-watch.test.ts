import { describe, expect, it } from 'vitest';
import { type FocusRecord, thermalModel } from '../../lib/night/focus-thermal.ts';
import { FocusWatch, type WatchReport } from '../../lib/night/focus-watch.ts';
import { jumpIn, trendOf } from '../../lib/night/trend.ts';

const minute = 60_000;
const evening = Date.parse('2026-01-12T20:00:00Z');
/** HFR in focus, px; px of HFR a step; steps in which 2 % can't be told: sqrt(1.02² − 1) · 2 / 0.012. */
const [sharp, slope, depthSteps] = [2, 0.012, 33.5];

interface Night {
  minutes: number;
  /** Steps of defocus and °C after so many minutes. */
  defocus?: (minutes: number) => number;
  celsius?: (minutes: number) => number | null;
  /** What the air does to the HFR. */
  air?: (minutes: number) => number;
  seed?: number;
  stars?: (minutes: number) => number;
}

/** A frame a minute; the seeing wanders by 4 % with a memory of ten minutes, a frame scatters by 2 %. */
function watched(watch: FocusWatch, night: Night): WatchReport[] {
  const { minutes, defocus = () => 0, celsius = () => null, air = () => 1, stars = () => 80 } = night;
  let state = night.seed ?? 1;
  const deviate = () => {
    let sum = -6;
    for (let n = 0; n < 12; n++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      sum += state / 2 ** 32;
    }
    return sum;
  };
  let wander = 0;
  return Array.from({ length: minutes }, (_, n) => {
    wander = 0.9 * wander + Math.sqrt(1 - 0.81) * 0.04 * deviate();
    const hfr = Math.hypot(sharp * air(n) * (1 + wander), slope * defocus(n)) * (1 + 0.02 * deviate());
    return watch.observe({
      timeMilliseconds: evening + n * minute,
      hfr: stars(n) > 0 ? hfr : null,
      stars: stars(n),
      temperatureCelsius: celsius(n),
    });
  });
}

const run = (changes: Partial<FocusRecord> = {}): FocusRecord => ({
  timeMilliseconds: evening,
  position: 10_000,
  hfr: sharp,
  temperatureCelsius: 8,
  depthSteps,
  ...changes,
});
const dueAt = (reports: readonly WatchReport[]) => reports.findIndex(({ state }) => state === 'due');

describe('the focus watch', () => {
  it('sees the focus drift in a cooling night, when it is worth a correction and not before', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const watch = new FocusWatch();
      watch.focused(run());
      // 2 °C and 80 steps an hour: 10 % of HFR are 76 steps, after 57 minutes; 50 % are 186, after 140 minutes.
      const reports = watched(watch, {
        minutes: 240,
        seed,
        defocus: (n) => (80 * n) / 60,
        celsius: (n) => 8 - (2 * n) / 60,
      });
      const due = dueAt(reports);
      expect(due).toBeGreaterThan(48);
      expect(due).toBeLessThan(200);
      expect(reports[due]).toMatchObject({ cause: 'drift', baselineHfr: 2 });
      expect(reports[due]!.z).toBeGreaterThan(2.576);
      expect(reports[due]!.risePercent).toBeGreaterThanOrEqual(10);
      expect(reports[due]!.text).toMatch(/^The HFR rose by \d+ % to \d\.\d\d px, frame by frame/);
    }
  });

  it('is quiet through eight hours of seeing that wanders', () => {
    let alarms = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const watch = new FocusWatch();
      watch.focused(run());
      if (dueAt(watched(watch, { minutes: 480, seed })) >= 0) alarms++;
    }
    expect(alarms).toBeLessThanOrEqual(1);
  });

  it('does not take a jump of the seeing for a drift', () => {
    const said: string[] = [];
    let alarms = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const watch = new FocusWatch();
      watch.focused(run());
      const reports = watched(watch, { minutes: 240, seed, air: (n) => (n < 60 ? 1 : 1.3) });
      if (dueAt(reports) >= 0) alarms++;
      said.push(reports.find(({ state }) => state === 'changed')?.text ?? '');
    }
    expect(alarms).toBeLessThanOrEqual(3);
    const jumps = said.filter((text) =>
      /^The HFR rose at once by \d+ %: seeing, or something was touched\. It is not a drift\.$/.test(text),
    );
    expect(jumps.length).toBeGreaterThan(35);
  });

  it('still sees a drift after the jump', () => {
    const watch = new FocusWatch();
    watch.focused(run());
    const reports = watched(watch, {
      minutes: 300,
      air: (n) => (n < 60 ? 1 : 1.25),
      defocus: (n) => Math.max(0, n - 110) * 1.8,
    });
    const due = dueAt(reports);
    expect(due).toBeGreaterThan(110);
    expect(reports[due]!.cause).toBe('drift');
  });

  it('asks when the sharpness was lost at once and does not come back: a knock', () => {
    const watch = new FocusWatch();
    watch.focused(run());
    const reports = watched(watch, { minutes: 200, defocus: (n) => (n < 60 ? 0 : 260) });
    const due = dueAt(reports);
    expect(due).toBeGreaterThanOrEqual(89);
    expect(due).toBeLessThan(125);
    expect(reports[due]).toMatchObject({ cause: 'jump' });
    expect(reports[due]!.text).toContain('has stayed for 3');
  });

  it('learns the steps per °C, and asks before the stars are soft', () => {
    const watch = new FocusWatch();
    for (const [temperatureCelsius, position] of [
      [10, 10_000],
      [7.5, 10_152],
      [4, 10_365],
      [1, 10_540],
    ] as const)
      watch.focused(run({ temperatureCelsius, position }));
    const steady = watched(watch, { minutes: 10, celsius: () => 0.8 }).at(-1)!;
    expect(steady.state).toBe('learning');
    expect(steady.thermal!.stepsPerCelsius).toBeCloseTo(-60, -0.5);
    const report = watched(watch, { minutes: 1, celsius: () => -0.5 }).at(-1)!;
    expect(report).toMatchObject({ state: 'due', cause: 'temperature' });
    expect(report.predictedPosition).toBeGreaterThan(10_620);
    expect(report.predictedPosition).toBeLessThan(10_640);
    expect(report.text).toMatch(
      /^Colder by 1\.5 °C: the focus has moved by about 9\d steps \(-\d\d\.\d steps\/°C from 4 runs\)\.$/,
    );
  });

  it('begins anew after a run, and keeps what it has learned for the next night', () => {
    const watch = new FocusWatch();
    watch.focused(run());
    expect(dueAt(watched(watch, { minutes: 180, defocus: (n) => n * 2 }))).toBeGreaterThan(0);
    watch.focused(run({ position: 10_300 }));
    expect(watched(watch, { minutes: 60 }).at(-1)!.state).toBe('steady');
    const next = new FocusWatch({}, watch.records);
    expect(next.records).toHaveLength(2);
    expect(watched(next, { minutes: 3 }).at(-1)).toMatchObject({ state: 'learning', baselineHfr: null });
  });

  it('does not count frames without stars, or with few', () => {
    const watch = new FocusWatch();
    watch.focused(run());
    const reports = watched(watch, { minutes: 60, stars: (n) => (n % 2 ? 0 : 3) });
    expect(reports.at(-1)).toMatchObject({ state: 'learning', hfr: null });
  });

  it('keeps a bounded number of frames', () => {
    const watch = new FocusWatch();
    watched(watch, { minutes: 5000 });
    expect((watch as unknown as { frames: unknown[] }).frames.length).toBeLessThanOrEqual(1200);
  });
});

describe('the steps per degree', () => {
  it.each([
    ['too few runs', [run(), run({ temperatureCelsius: 2, position: 10_400 })]],
    ['too little range', [8, 8.5, 9].map((temperatureCelsius) => run({ temperatureCelsius, position: 9000 }))],
    ['no temperature', [1, 2, 3, 4].map((n) => run({ temperatureCelsius: null, position: n * 1000 }))],
    ['only scatter', [8, 6, 4, 2, 0].map((t, n) => run({ temperatureCelsius: t, position: 10_000 + (n % 2) * 40 }))],
  ])('are not learned from %s', (_, runs) => {
    expect(thermalModel(runs)).toBeNull();
  });

  it('are learned although one run went wrong', () => {
    const runs = [10, 8, 6, 4, 2, 0].map((t) => run({ temperatureCelsius: t, position: 10_000 - 25 * t }));
    runs[2]!.position += 900;
    const model = thermalModel(runs)!;
    expect(model.stepsPerCelsius).toBeCloseTo(-25, 5);
    expect(model).toMatchObject({ runs: 6, rangeCelsius: 10 });
  });
});

describe('a trend', () => {
  const series = (values: readonly number[]) => values.map((y, x) => ({ x, y }));

  it("has Mann and Kendall's z", () => {
    // By hand: S = 15 for 6 rising points, variance 6 · 5 · 17 / 18 = 28.33, z = (15 − 1) / 5.3229.
    expect(trendOf(series([1, 2, 3, 4, 5, 6])).z).toBeCloseTo(2.6302, 3);
    expect(trendOf(series([1, 2, 3, 4, 5, 6])).slope).toBe(1);
    expect(trendOf(series([3, 1, 2])).z).toBe(0);
  });

  it('is told from a jump', () => {
    const ramp = series([1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7]);
    const step = series([1, 1.02, 0.99, 1, 1.5, 1.49, 1.51, 1.5]);
    expect(jumpIn(ramp, trendOf(ramp))).toBeNull();
    expect(jumpIn(step, trendOf(step))).toMatchObject({ at: 4, before: 1, after: 1.5 });
  });
});
