import { describe, expect, it } from 'vitest';
import { starFlag } from '../../lib/stars/star-table.ts';
import { CloudWatch } from '../../lib/watch/clouds.ts';
import type { CloudOptions, CloudVerdict } from '../../lib/watch/clouds-verdict.ts';
import { type Seen, SyntheticSky, type Weather, width, withTrails } from './synthetic-sky.ts';

const usual: CloudOptions = { sensitivity: 'normal', minimumStars: 0 };
const period = 30;

/** A night under one watch: `go(10, weather)` takes ten frames and gives their verdicts. */
class Night {
  frame = 0;
  readonly watch: CloudWatch;
  readonly sky: SyntheticSky;
  constructor(watch = new CloudWatch(), sky = new SyntheticSky()) {
    this.watch = watch;
    this.sky = sky;
  }
  go(
    count: number,
    weather: Weather | ((index: number) => Weather) = {},
    options = usual,
    alter = (seen: Seen) => seen,
  ) {
    return Array.from({ length: count }, (_, index): CloudVerdict => {
      const at = typeof weather === 'function' ? weather(index) : weather;
      const { frame, stars, noise } = alter(this.sky.see(this.frame++ * period, at));
      return this.watch.judge(frame, stars, noise, options, { site: null, milliseconds: 0 });
    });
  }
}
const states = (verdicts: CloudVerdict[]) => [...new Set(verdicts.map(({ state }) => state))];
const overcast = { through: () => 0.02 };
const leftHalf: Weather = { through: (x) => (x < width / 2 ? 0.02 : 1) };

describe('the clouds', () => {
  it('are not judged before five frames of a camera, and a clear night stays clear', () => {
    const night = new Night();
    const first = night.go(5);
    expect(states(first)).toEqual(['unknown']);
    expect(first[2]).toMatchObject({
      cloudFraction: null,
      transparency: null,
      reason: expect.stringContaining('frame 3 of 5'),
    });
    const verdicts = night.go(240);
    expect(states(verdicts)).toEqual(['clear']);
    for (const { cloudFraction, transparency } of verdicts) {
      expect(cloudFraction).toBeLessThan(0.1);
      expect(transparency).toBeGreaterThan(0.85);
    }
  });

  it('are known at once when the sky is overcast, and gone when it clears', () => {
    const night = new Night();
    night.go(20);
    const verdicts = night.go(10, overcast);
    expect(states(verdicts)).toEqual(['cloudy']);
    expect(verdicts[0]!.cloudFraction).toBeGreaterThan(0.95);
    expect(verdicts[0]!.transparency).toBeLessThan(0.1);
    expect(verdicts[0]!.reason).toMatch(/^Overcast, or the lens is covered: \d+ of \d+ stars\.$/);
    expect(night.go(6).at(-1)).toMatchObject({
      state: 'clear',
      reason: expect.stringMatching(/^\d+ of \d+ stars: no clouds\.$/),
    });
  });

  it('are located', () => {
    const night = new Night();
    night.go(20);
    const verdict = night.go(3, leftHalf).at(-1)!;
    expect(verdict.state).toBe('cloudy');
    expect(verdict.cloudFraction).toBeGreaterThan(0.35);
    expect(verdict.cloudFraction).toBeLessThan(0.65);
    const mean = (columns: (column: number) => boolean) => {
      const chosen = verdict.cells.filter((cell, at) => cell !== null && columns(at % verdict.columns)) as number[];
      return chosen.reduce((sum, cell) => sum + cell) / chosen.length;
    };
    expect(mean((column) => column < 7)).toBeLessThan(0.15);
    expect(mean((column) => column > 8)).toBeGreaterThan(0.85);
    expect(verdict.cells[0]).toBe(null); // outside the sky's disc
  });

  it('let the light through that a haze lets through', () => {
    const night = new Night();
    night.go(20);
    for (const through of [0.8, 0.6, 0.4])
      for (const { transparency } of night.go(3, { through: () => through }))
        expect(Math.abs(transparency! - through)).toBeLessThan(0.12);
  });

  it.each([
    ['the Moon rises', { noise: () => 30 }],
    ['an aurora stands in the north', { noise: (_: number, y: number) => (y < 300 ? 45 : 10) }],
    ['a town glows at the edge', { noise: (x: number) => 10 + (x / width) ** 3 * 60 }],
  ])('are not seen where %s', (_, weather) => {
    const night = new Night();
    night.go(20);
    const verdicts = night.go(20, weather);
    expect(states(verdicts)).toEqual(['clear']);
    for (const { cloudFraction } of verdicts) expect(cloudFraction).toBeLessThan(0.15);
  });

  it('are seen in moonlight, by stars that a moonlit sky would show', () => {
    const night = new Night();
    night.go(20);
    expect(states(night.go(5, { ...overcast, noise: () => 30 }))).toEqual(['cloudy']);
  });

  it('are not flipped by one odd frame', () => {
    const night = new Night();
    night.go(20);
    const some = { through: (x: number) => (x < width * 0.46 ? 0.02 : 1) };
    expect(states(night.go(1, some))).toEqual(['clear']);
    expect(states(night.go(3))).toEqual(['clear']);
    night.go(1, some);
    expect(states(night.go(4, some))).toEqual(['cloudy']);
  });

  it('come earlier or later as the sensitivity says', () => {
    const quarter = { through: (x: number) => (x < width * 0.36 ? 0.02 : 1) };
    const stateAt = (sensitivity: CloudOptions['sensitivity']) => {
      const night = new Night();
      night.go(20);
      return night.go(3, quarter, { sensitivity, minimumStars: 0 }).at(-1)!.state;
    };
    expect([stateAt('low'), stateAt('normal'), stateAt('high')]).toEqual(['clear', 'clear', 'cloudy']);
  });

  it('do not become the clear sky however long they last or slowly they come', () => {
    const night = new Night();
    night.go(60);
    expect(states(night.go(240, overcast))).toEqual(['cloudy']);
    expect(states(night.go(10).slice(3))).toEqual(['clear']);
    const thickening = night.go(360, (index) => ({ through: () => 1 - 0.9 * (index / 360) }));
    expect(states(thickening.slice(-60))).toEqual(['cloudy']);
  });
});

describe('a night that begins overcast', () => {
  it('is not known as such, and corrects itself when it clears', () => {
    const night = new Night();
    expect(states(night.go(30, overcast))).toEqual(['unknown']);
    expect(night.go(1, overcast)[0]!.reason).toMatch(/^Only \d+ stars? to compare with/);
    night.go(15);
    expect(states(night.go(10))).toEqual(['clear']);
    expect(states(night.go(5, overcast))).toEqual(['cloudy']);
  });

  it('is cloudy from the first frame on where a least number of stars is asked for', () => {
    const night = new Night();
    const [verdict] = night.go(1, overcast, { ...usual, minimumStars: 200 });
    expect(verdict).toMatchObject({
      state: 'cloudy',
      reason: expect.stringMatching(/^\d+ stars?, fewer than the 200/),
    });
    expect(states(night.go(1, {}, { ...usual, minimumStars: 200 }))).toEqual(['unknown']);
  });

  it('learns each region when its clouds have drifted on', () => {
    const night = new Night();
    const drifting = (index: number): Weather => ({
      through: (x) => (Math.abs(x - ((index * 12) % width)) < 150 ? 0.02 : 1),
    });
    night.go(80, drifting);
    const verdict = night.go(20).at(-1)!;
    expect(verdict.cloudFraction).toBeLessThan(0.06);
    expect(states(night.go(5, leftHalf).slice(2))).toEqual(['cloudy']);
  });
});

describe('what is no star', () => {
  it('does not hide an overcast sky: lamps and hot pixels stand still', () => {
    const night = new Night();
    night.go(60, { lamps: 300 });
    const verdict = night.go(5, { ...overcast, lamps: 300 }).at(-1)!;
    expect(verdict.state).toBe('cloudy');
    expect(verdict.cloudFraction).toBeGreaterThan(0.9);
  });

  it('does not count: trails of satellites; but where all stars trail they count', () => {
    const night = new Night();
    const [trailing] = night.go(1, { flags: starFlag.elongated });
    expect(trailing!.starCount).toBeGreaterThan(300);
    night.go(20, { flags: starFlag.elongated });
    expect(states(night.go(3, { flags: starFlag.elongated }))).toEqual(['clear']);
    const other = new Night();
    const full = other.go(10).at(-1)!.starCount;
    expect(other.go(1, {}, usual, withTrails)[0]!.starCount).toBeLessThan(full * 0.95);
  });
});

describe('the light of the sky', () => {
  const site = { latitude: 60, longitude: 10, elevation: 0 };
  const judge = (start: string) => {
    const { frame, stars, noise } = new SyntheticSky().see(0, { frame: { start, site } });
    return new CloudWatch().judge(frame, stars, noise, usual, { site: null, milliseconds: 0 });
  };

  it('gives no verdict in bright twilight and by day', () => {
    expect(judge('2026-03-20T17:50:00Z')).toMatchObject({ state: 'unknown', cloudFraction: null });
    expect(judge('2026-03-20T17:50:00Z').reason).toMatch(/^The Sun is [1-6]° below the horizon/);
    expect(judge('2026-06-20T11:20:00Z').reason).toMatch(/^The Sun is up/);
  });

  it('is told: Sun and Moon of the place and the hour', () => {
    // JPL Horizons' phase for 2026-01-03T10:03Z is full Moon; three quarters of a day later it stands high over 60° N at midnight.
    const verdict = judge('2026-01-03T23:00:00Z');
    expect(verdict.moonIllumination).toBeGreaterThan(0.98);
    expect(verdict.moonAltitudeDegrees).toBeGreaterThan(45);
    expect(verdict.sunAltitudeDegrees).toBeLessThan(-45);
  });
});

describe('what was learnt', () => {
  it('goes through a file: the first frame of the next run is judged', () => {
    const night = new Night();
    night.go(40);
    const saved = JSON.parse(JSON.stringify(night.watch.save()));
    const watch = new CloudWatch();
    watch.restore(saved);
    const next = new Night(watch);
    next.frame = 41;
    expect(states(next.go(3))).toEqual(['clear']);
    expect(states(next.go(3, overcast))).toEqual(['cloudy']);
  });

  it('is kept apart for each exposure, gain and camera', () => {
    const night = new Night();
    night.go(20);
    for (const frame of [{ exposureSeconds: 5 }, { gain: 8 }, { camera: 'Another' }])
      expect(states(night.go(1, { ...overcast, frame }))).toEqual(['unknown']);
    expect(states(night.go(1, overcast))).toEqual(['cloudy']);
  });

  it('stays small: a dozen references at most', () => {
    const night = new Night();
    for (let exposureSeconds = 1; exposureSeconds < 3000; exposureSeconds *= 1.6)
      night.go(1, { frame: { exposureSeconds } });
    const text = JSON.stringify(night.watch.save());
    expect(Object.keys(night.watch.save().references).length).toBe(12);
    expect(text.length).toBeLessThan(1_500_000);
  });

  it.each([
    ['nothing', null],
    ['another version', { version: 2, references: {} }],
    ['another shape', { version: 1, references: { '960x720|': { columns: 16, rows: 12, frames: -1 } } }],
    [
      'numbers that are none',
      {
        version: 1,
        references: { '960x720|': { columns: 16, rows: 12, frames: 9, limit: 5, used: 1, depth: ['a'], levels: [] } },
      },
    ],
  ])('is left out of a file that holds %s', (_, saved) => {
    const watch = new CloudWatch();
    watch.restore(saved);
    expect(watch.save().references).toEqual({});
  });

  it('is forgotten on demand', () => {
    const night = new Night();
    night.go(20);
    night.watch.reset();
    expect(states(night.go(1, overcast))).toEqual(['unknown']);
  });
});

it('judges a camera of few stars as a whole', () => {
  const night = new Night(new CloudWatch(), new SyntheticSky(3, 1500));
  const clear = night.go(40).at(-1)!;
  expect(clear.expectedCount).toBeLessThan(120);
  expect(clear.state).toBe('clear');
  expect(states(night.go(3, { through: () => 0.1 }))).toEqual(['cloudy']);
});
