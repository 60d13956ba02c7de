import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { parseHorizon } from '../../lib/sky/horizon.ts';
import { moonOf, phaseName } from '../../lib/sky/moon.ts';
import { darkStretch, nightOfSite } from '../../lib/sky/twilight.ts';
import {
  airmassAt,
  altitudeOfAirmass,
  noLimits,
  observe,
  refusalsOf,
  type VisibilityLimits,
} from '../../lib/sky/visibility.ts';
import { VisibilityReport } from '../../lib/sky/visibility-report.ts';
import { nextTransit, riseAndSet, SkyStretch, windowsOf } from '../../lib/sky/visibility-windows.ts';

const lapalma = { latitude: 28.7606, longitude: -17.8816, elevation: 2396 };
const tromso = { latitude: 69.65, longitude: 18.95, elevation: 50 };
const m42 = { raDegrees: 83.82208, decDegrees: -5.39111 };
const vega = { raDegrees: 279.23473, decDegrees: 38.78369 };
const noon = Date.parse('2026-11-21T13:00:00Z');
const day = 86_400_000;

/** By the minute, the plain way: what every window is held against. */
function plainWindows(from: number, to: number, place: typeof m42, limits: VisibilityLimits, step = 60_000) {
  const found: { start: number; end: number }[] = [];
  for (let at = from; at <= to; at += step) {
    if (refusalsOf(observe(lapalma, at, place, limits.horizon), limits).length > 0) continue;
    const last = found.at(-1);
    if (last && at - last.end < step * 1.5) last.end = at;
    else found.push({ start: at, end: at });
  }
  return found;
}

describe('windows', () => {
  const horizon = parseHorizon('0 10\n148 15\n150 75\n152 15\n200 25\n240 55\n250 15\n359 10');
  it.each<[string, typeof m42, Partial<VisibilityLimits>]>([
    ['an altitude', m42, { minimumAltitudeDegrees: 30 }],
    ['the dark', m42, { minimumAltitudeDegrees: 20, maximumSunAltitudeDegrees: -18 }],
    ['an airmass', vega, { maximumAirmass: 1.5, maximumSunAltitudeDegrees: -12 }],
    ['a horizon with a tree in the way', m42, { horizon, maximumSunAltitudeDegrees: -18 }],
    ['the Moon', { raDegrees: 20, decDegrees: 8 }, { minimumMoonDistanceDegrees: 21, minimumAltitudeDegrees: 10 }],
    ['a star that never rises', { raDegrees: 20, decDegrees: -75 }, {}],
    ['a star that never sets', { raDegrees: 20, decDegrees: 85 }, { minimumAltitudeDegrees: 10 }],
  ])('of %s are those of a look every minute', (_what, place, changes) => {
    const limits = { ...noLimits, ...changes };
    const sky = new SkyStretch(lapalma, noon, noon + day);
    const ours = windowsOf(sky, place, limits);
    const plain = plainWindows(noon, noon + day, place, limits);
    expect(ours).toHaveLength(plain.length);
    for (const [index, { start, end }] of ours.entries()) {
      expect(plain[index]!.start - start).toBeGreaterThan(-2000);
      expect(plain[index]!.start - start).toBeLessThan(62_000);
      expect(end - plain[index]!.end).toBeGreaterThan(-2000);
      expect(end - plain[index]!.end).toBeLessThan(62_000);
    }
  });

  it('of the tree are two', () => {
    const limits = { ...noLimits, horizon, maximumSunAltitudeDegrees: -18 };
    expect(windowsOf(new SkyStretch(lapalma, noon, noon + day), m42, limits).length).toBeGreaterThan(1);
  });
});

/** astropy's altitude of the star, its rise, transit and set by bisection: the authority for the moments themselves. */
const astropy = `
import json, warnings
warnings.filterwarnings('ignore')
from astropy.utils import iers
iers.conf.auto_download = False
iers.conf.iers_degraded_accuracy = 'ignore'
import astropy.units as u, numpy as np
from astropy.coordinates import SkyCoord, AltAz, EarthLocation
from astropy.time import Time
place = EarthLocation.from_geodetic(-17.8816 * u.deg, 28.7606 * u.deg, 2396 * u.m)
star = SkyCoord(83.82208 * u.deg, -5.39111 * u.deg)
t0 = Time('2026-11-21T13:00:00')
def alt(hours):
    t = t0 + hours * u.hour
    t.delta_ut1_utc = 0.0
    return star.transform_to(AltAz(obstime=t, location=place)).alt.deg
grid = np.arange(0, 24, 0.05)
a = alt(grid)
def root(i, level):
    lo, hi = grid[i], grid[i + 1]
    up = a[i] < level
    for _ in range(26):
        mid = (lo + hi) / 2
        if (alt(mid) < level) == up: lo = mid
        else: hi = mid
    return lo
level = 30 - 0.02806
edges = [root(i, level) for i in range(len(grid) - 1) if (a[i] < level) != (a[i + 1] < level)]
fine = np.linspace(grid[a.argmax()] - 0.05, grid[a.argmax()] + 0.05, 2001)
best = np.polyfit(fine, alt(fine), 2)
print(json.dumps([*edges, -best[1] / (2 * best[0])]))
`;

it('rises, culminates and sets when astropy says, to 2 s', () => {
  const hours = JSON.parse(execFileSync('/usr/bin/python3', ['-c', astropy], { encoding: 'utf8' })) as number[];
  const [rise, set, transit] = hours.map((each) => noon + each * 3_600_000);
  // 30° as seen are 29.97194° without air (Sæmundsson at 1010 hPa, 10 °C).
  const found = riseAndSet(lapalma, m42, noon, { ...noLimits, minimumAltitudeDegrees: 30 });
  expect(found.state).toBe('rises');
  expect(Math.abs(found.rise! - rise!)).toBeLessThan(2000);
  expect(Math.abs(found.set! - set!)).toBeLessThan(2000);
  expect(Math.abs(nextTransit(lapalma, m42, noon) - transit!)).toBeLessThan(2000);
});

it('knows stars that stay up or down', () => {
  expect(riseAndSet(tromso, vega, noon, noLimits)).toEqual({ rise: null, set: null, state: 'up' });
  expect(riseAndSet(tromso, { raDegrees: 0, decDegrees: -60 }, noon, noLimits).state).toBe('down');
});

describe('twilights', () => {
  it('of a night in March at Tromsø are those of astropy', () => {
    // As in sun.test.ts: bisection of astropy 5.2.1's altitude.
    const { civil } = nightOfSite(tromso, Date.parse('2026-03-20T22:00:00Z')).twilights;
    expect(civil.dark).toBe('part');
    expect(Math.abs(civil.dusk! - Date.parse('2026-03-20T18:02:06.774Z'))).toBeLessThan(2000);
    expect(Math.abs(civil.dawn! - Date.parse('2026-03-21T03:39:05.826Z'))).toBeLessThan(2000);
  });
  it('of polar night and day have no ends, and say which it is', () => {
    const winter = nightOfSite(tromso, Date.parse('2026-12-21T20:00:00Z')).twilights;
    expect(winter.sunset).toEqual({ dusk: null, dawn: null, dark: 'always' });
    expect(winter.civil.dark).toBe('part');
    const summer = nightOfSite(tromso, Date.parse('2026-06-21T20:00:00Z')).twilights;
    expect(summer.civil).toEqual({ dusk: null, dawn: null, dark: 'never' });
    expect(darkStretch(tromso, Date.parse('2026-06-21T20:00:00Z'), -6)).toBeNull();
    const whole = darkStretch(tromso, Date.parse('2026-12-21T20:00:00Z'), -0.833)!;
    expect(whole.end - whole.start).toBe(day);
  });
});

describe('one moment', () => {
  it('gives every limit that is not kept, with its figures', () => {
    const at = Date.parse('2026-11-22T01:00:00Z');
    const seen = observe(lapalma, at, m42);
    expect(refusalsOf(seen, noLimits)).toEqual([]);
    expect(seen.hourAngleDegrees).toBeLessThan(0);
    const { altitude, airmass, moon, sun } = Object.fromEntries(
      refusalsOf(seen, {
        ...noLimits,
        minimumAltitudeDegrees: 80,
        maximumAirmass: 1.05,
        minimumMoonDistanceDegrees: 170,
        maximumSunAltitudeDegrees: -89,
      }).map(({ limit, reason }) => [limit, reason]),
    );
    expect(altitude).toMatch(/^it stands at \d\d\.\d°, below the least altitude of 80\.0°$/);
    expect(airmass).toMatch(/^its airmass is 1\.\d\d, above 1\.05$/);
    expect(moon).toMatch(/^the Moon is \d+\.\d° away, less than 170\.0°$/);
    expect(sun).toMatch(/^it is not dark: the Sun stands at -\d+\.\d°, not below -89\.0°$/);
  });
  it('has the airmass of Kasten and Young, there and back', () => {
    // Pickering 2002, The Southern Limits of the Ancient Star Catalog: another formula for the same air.
    const pickering = (h: number) => 1 / Math.sin(((h + 244 / (165 + 47 * h ** 1.1)) * Math.PI) / 180);
    for (const altitude of [90, 60, 30, 20, 10, 5])
      expect(airmassAt(altitude)! / pickering(altitude)).toBeCloseTo(1, 2);
    expect(airmassAt(-0.1)).toBeNull();
    expect(airmassAt(altitudeOfAirmass(2))).toBeCloseTo(2, 5);
  });
  it('names the Moon', () => {
    // Full on 2026-11-24 at 14:53 UTC, new on 2026-12-09 at 00:52 UTC (almanac).
    expect(moonOf(lapalma, Date.parse('2026-11-24T15:00:00Z'))).toMatchObject({ phase: 'full' });
    expect(moonOf(lapalma, Date.parse('2026-11-21T22:00:00Z'))).toMatchObject({
      phase: 'waxing gibbous',
      waxing: true,
    });
    expect([0, 45, 90, 135, 180, 225, 270, 315, 359].map(phaseName)).toEqual([
      'new',
      'waxing crescent',
      'first quarter',
      'waxing gibbous',
      'full',
      'waning gibbous',
      'last quarter',
      'waning crescent',
      'new',
    ]);
  });
});

it('means the night to come from sunrise on, and until then the one under way', () => {
  const morning = nightOfSite(lapalma, Date.parse('2026-11-21T09:00:00Z')).twilights.sunset;
  expect(new Date(morning.dusk!).toISOString().slice(0, 10)).toBe('2026-11-21');
  const night = nightOfSite(lapalma, Date.parse('2026-11-21T05:00:00Z')).twilights.sunset;
  expect(new Date(night.dusk!).toISOString().slice(0, 10)).toBe('2026-11-20');
});

it('reports a night with what is left of it', () => {
  const report = new VisibilityReport();
  const limits = { ...noLimits, minimumAltitudeDegrees: 30, maximumSunAltitudeDegrees: -18 };
  const late = Date.parse('2026-11-22T03:00:00Z');
  const target = { name: 'M 42', ...m42 };
  const found = report.of(lapalma, late, target, limits, 3600);
  expect(found).toMatchObject({ visible: true, reason: null, rise: expect.any(String), set: expect.any(String) });
  expect(found.windows[0]!.start).toBe('2026-11-22T03:00:00.000Z');
  expect(found.best!.time >= found.windows[0]!.start).toBe(true);
  expect(report.of(lapalma, late, target, limits, 12 * 3600).reason).toMatch(
    /^M 42 can be seen for \d+ min only in the dark, less than 720 min\.$/,
  );
  const why = (changes: Partial<VisibilityLimits>, place = target, at = noon) =>
    report.of(lapalma, at, place, { ...limits, ...changes }, 0).reason;
  expect(why({ minimumAltitudeDegrees: 60 })).toMatch(/^M 42 never gets above 60\.0° here: at most 55\.9°\.$/);
  expect(why({ horizon: parseHorizon('70') })).toBe('M 42 never gets above your horizon.');
  expect(why({ minimumMoonDistanceDegrees: 30 }, { name: 'M 74', raDegrees: 24.2, decDegrees: 15.8 })).toBe(
    'While M 74 can be seen in the dark, the Moon is up and closer than 30.0°.',
  );
  expect(why({ maximumSunAltitudeDegrees: -60, minimumAltitudeDegrees: 50 }, { name: 'Vega', ...vega })).toBe(
    'Vega is up only while it is not dark.',
  );
  const early = Date.parse('2026-11-22T05:40:00Z');
  expect(why({}, { name: 'Fomalhaut', raDegrees: 344.4, decDegrees: -29.6 }, early)).toBe(
    'The time of Fomalhaut is over for this night.',
  );
});
