import { describe, expect, it } from 'vitest';
import { localMilliseconds, nextTimeOfDay, nightOf } from '../../lib/sky/night-date.ts';
import { parseLatitude, parseLongitude, parseSite } from '../../lib/sky/site.ts';

describe('a site', () => {
  it('is read from numbers and from text', () => {
    expect(
      parseSite({ name: ' Skibotn ', latitude: '69° 20\' 54" N', longitude: '20.363', timeZone: 'Europe/Oslo' }),
    ).toEqual({
      name: 'Skibotn',
      latitude: 69 + 20 / 60 + 54 / 3600,
      longitude: 20.363,
      elevation: 0,
      timeZone: 'Europe/Oslo',
    });
    expect(parseSite({ latitude: -24.6, longitude: 289.6, elevation: '2635 m' })).toEqual({
      latitude: -24.6,
      longitude: 289.6 - 360,
      elevation: 2635,
      timeZone: null,
    });
  });

  it.each([
    ['18:57:36', 18.96],
    ['-18 57 36', -18.96],
    ['−18.95', -18.95],
    ['18,95', 18.95],
    ['18.95 W', -18.95],
    ['W 18 57', -18.95],
    ['18d57m E', 18.95],
    ['18°57′36″E', 18.96],
    ['-0:30', -0.5],
    ['0:30 W', -0.5],
    [200, -160],
  ])('reads the longitude %s', (text, degrees) => {
    expect(parseLongitude(text)).toBeCloseTo(degrees, 9);
  });

  it.each([
    ['91', 'outside -90° to 90°'],
    ['north', 'is not an angle'],
    ['12:70', '60 or more'],
    ['', 'is empty'],
    ['12 E', 'not N or S'],
    ['-12 N', 'both a sign and a direction'],
    [Number.NaN, 'is not a number'],
    ['1'.repeat(200), 'is not an angle'],
  ])('refuses the latitude %s and says why', (text, why) => {
    expect(() => parseLatitude(text)).toThrow(why);
  });

  it('refuses an unknown time zone and an impossible elevation', () => {
    expect(() => parseSite({ latitude: 0, longitude: 0, timeZone: 'Europe/Atlantis' })).toThrow(
      '"Europe/Atlantis" is not known',
    );
    expect(() => parseSite({ latitude: 0, longitude: 0, elevation: '12 km' })).toThrow('"12 km"');
  });
});

describe('the night of a moment', () => {
  const oslo = { longitude: 10.7, timeZone: 'Europe/Oslo' };
  it.each([
    ['2026-03-20T20:00:00Z', '2026-03-20'],
    ['2026-03-21T03:00:00Z', '2026-03-20'],
    ['2026-03-21T10:59:59.999Z', '2026-03-20'],
    ['2026-03-21T11:00:00Z', '2026-03-21'],
    // Clocks went forward in the night to 2026-03-29: local noon is 10:00 UTC, and wall-clock noon is what counts.
    ['2026-03-29T09:59:59Z', '2026-03-28'],
    ['2026-03-29T10:00:00Z', '2026-03-29'],
  ])('%s in Oslo belongs to %s', (iso, night) => {
    expect(nightOf(oslo, Date.parse(iso))).toBe(night);
  });

  it('follows the mean Sun of the longitude without a time zone', () => {
    const hawaii = { longitude: -155.47, timeZone: null };
    expect(nightOf(hawaii, Date.parse('2026-01-02T09:00:00Z'))).toBe('2026-01-01');
    expect(nightOf(hawaii, Date.parse('2026-01-01T22:21:00Z'))).toBe('2025-12-31');
    expect(nightOf(hawaii, Date.parse('2026-01-01T22:23:00Z'))).toBe('2026-01-01');
  });

  it('keeps the milliseconds of the local time', () => {
    expect(localMilliseconds(oslo, Date.parse('2026-01-01T00:00:00.250Z'))).toBe(
      Date.parse('2026-01-01T01:00:00.250Z'),
    );
  });

  it('finds the next time of day, over changes to and from summer time', () => {
    const at = (from: string, hours: number) =>
      new Date(nextTimeOfDay(oslo, Date.parse(from), hours * 3600)).toISOString();
    expect(at('2026-03-20T20:00:00Z', 22)).toBe('2026-03-20T21:00:00.000Z');
    expect(at('2026-03-20T21:00:00Z', 22)).toBe('2026-03-21T21:00:00.000Z');
    expect(at('2026-03-28T22:30:00Z', 2.5)).toBe('2026-03-29T01:30:00.000Z');
    expect(at('2026-10-24T22:30:00Z', 2.5)).toBe('2026-10-25T00:30:00.000Z');
  });
});
