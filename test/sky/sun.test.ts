import { describe, expect, it } from 'vitest';
import type { FrameSite } from '../../lib/frame/frame.ts';
import { moonAltitudeDegrees, moonIllumination, nextSunCrossing, sunAltitudeDegrees } from '../../lib/sky/sun.ts';

const sites: Record<string, FrameSite> = {
  tromso: { latitude: 69.65, longitude: 18.95, elevation: 50 },
  lapalma: { latitude: 28.7606, longitude: -17.8816, elevation: 2396 },
  mcdonald: { latitude: 30.6714, longitude: -104.0217, elevation: 2070 },
  sydney: { latitude: -33.86, longitude: 151.21, elevation: 20 },
};

// astropy 5.2.1, offline: get_body(...).transform_to(AltAz(obstime, location)) without pressure; Sun, then Moon.
const heights: [string, string, number, number][] = [
  ['tromso', '2026-03-20T18:00:00Z', -5.8243, 11.1002],
  ['tromso', '2026-06-21T00:00:00Z', 4.034, -7.7219],
  ['tromso', '2026-12-21T11:00:00Z', -3.1441, 7.4505],
  ['lapalma', '2026-10-04T21:30:00Z', -34.7729, -36.8432],
  ['lapalma', '2026-06-21T00:00:00Z', -34.9069, 7.3046],
  ['mcdonald', '2026-03-20T18:00:00Z', 55.8749, 52.0177],
  ['mcdonald', '2026-12-21T11:00:00Z', -35.441, 1.3296],
  ['sydney', '2026-06-21T00:00:00Z', 26.3154, -18.0592],
  ['sydney', '2026-12-21T11:00:00Z', -19.4454, 31.7792],
];

// Bisection of the same astropy altitude on a 5 minute grid, from noon UTC.
const crossings: [string, string, number, string | null, string | null][] = [
  ['tromso', '2026-03-20', -6, '2026-03-20T18:02:06.774Z', '2026-03-21T03:39:05.826Z'],
  ['tromso', '2026-06-21', -6, null, null],
  ['tromso', '2026-12-21', -6, '2026-12-21T12:53:10.184Z', '2026-12-22T08:31:47.335Z'],
  ['tromso', '2026-12-21', -0.833, null, null],
  ['lapalma', '2026-06-21', -18, '2026-06-21T21:47:18.404Z', '2026-06-22T04:39:37.607Z'],
  ['mcdonald', '2026-10-04', -6, '2026-10-05T01:01:28.455Z', '2026-10-04T12:27:28.584Z'],
  ['sydney', '2026-12-21', -18, '2026-12-22T10:50:14.907Z', '2026-12-21T16:56:46.058Z'],
];

describe('the Sun and the Moon of a site', () => {
  it.each(heights)('stand where astropy sees them: %s %s', (name, iso, sun, moon) => {
    const at = Date.parse(iso);
    expect(Math.abs(sunAltitudeDegrees(sites[name]!, at) - sun)).toBeLessThan(0.005);
    expect(Math.abs(moonAltitudeDegrees(sites[name]!, at) - moon)).toBeLessThan(0.01);
  });

  it.each(crossings)('cross a height when astropy says: %s %s %d°', (name, day, height, setting, rising) => {
    const from = Date.parse(`${day}T12:00:00Z`);
    for (const [direction, iso] of [
      ['setting', setting],
      ['rising', rising],
    ] as const) {
      const found = nextSunCrossing(sites[name]!, from, height, direction, 1);
      if (iso === null) expect(found).toBeNull();
      else expect(Math.abs(found! - Date.parse(iso))).toBeLessThan(2000);
    }
  });

  it('comes back a day after the crossing just passed, even in spring when that is later by minutes', () => {
    const first = nextSunCrossing(sites.tromso!, Date.parse('2026-03-20T12:00:00Z'), -6, 'setting')!;
    const second = nextSunCrossing(sites.tromso!, first + 1000, -6, 'setting')!;
    expect(second - first).toBeGreaterThan(86_400_000);
  });

  it.each([
    // astropy 5.2.1: elongation and distances of get_body('sun'), get_body('moon'), (1 + cos i) / 2.
    ['2026-03-03T11:38:00Z', 0.99999],
    ['2026-03-19T01:23:00Z', 0.00024],
    ['2026-03-26T00:00:00Z', 0.52355],
  ])('light the Moon as astropy has it at %s', (iso, lit) => {
    expect(Math.abs(moonIllumination(Date.parse(iso)) - lit)).toBeLessThan(0.0002);
  });

  it('says which number of a site or a time is none', () => {
    const nowhere = { latitude: Number.NaN, longitude: 0, elevation: 0 };
    expect(() => sunAltitudeDegrees(nowhere, 0)).toThrow("The site's latitude is NaN");
    expect(() => sunAltitudeDegrees(sites.lapalma!, Number.NaN)).toThrow('NaN is not a time');
    expect(() => nextSunCrossing(sites.lapalma!, 0, 120, 'setting')).toThrow('outside -90° to 90°');
  });
});
