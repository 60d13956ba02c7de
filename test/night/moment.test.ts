import { describe, expect, it } from 'vitest';
import { parseMoment, resolveStart, resolveStop } from '../../lib/night/moment.ts';

const oslo = { latitude: 59.91, longitude: 10.75, elevation: 10, timeZone: 'Europe/Oslo' };
const tromso = { latitude: 69.65, longitude: 18.95, elevation: 50, timeZone: 'Europe/Oslo' };
const iso = (milliseconds: number | null) => milliseconds && new Date(milliseconds).toISOString();
const at = (text: string) => Date.parse(text);

describe('a moment', () => {
  it.each([
    ['', { type: 'now' }],
    ['now', { type: 'now' }],
    ['sun -6', { type: 'sun', altitudeDegrees: -6 }],
    ['Sun < −12.5°', { type: 'sun', altitudeDegrees: -12.5 }],
    ['22:15', { type: 'time', time: '22:15' }],
    [
      { type: 'sun', altitudeDegrees: -18 },
      { type: 'sun', altitudeDegrees: -18 },
    ],
  ])('reads the start %j', (input, moment) => {
    expect(parseMoment(input, 'start')).toEqual(moment);
  });

  it.each(['never', 'dusk', '25:00', '22:61', '2026-13-40T00:00', { type: 'sun' }, { type: 'moon' }, 7])(
    'refuses the start %j',
    (input) => {
      expect(() => parseMoment(input, 'start')).toThrow(/^The start /);
    },
  );

  it('knows that a stop may be never, and not now', () => {
    expect(parseMoment(null, 'stop')).toEqual({ type: 'never' });
    expect(() => parseMoment('now', 'stop')).toThrow('can\'t be "now"');
  });

  it('by a date starts then, or at once when that is past; without a zone it is UTC', () => {
    const date = parseMoment('2026-03-20 22:15', 'start');
    expect(iso(resolveStart(date, null, at('2026-03-20T20:00:00Z')))).toBe('2026-03-20T22:15:00.000Z');
    expect(iso(resolveStart(date, null, at('2026-03-21T20:00:00Z')))).toBe('2026-03-21T20:00:00.000Z');
    const zoned = parseMoment('2026-03-20T22:15+01:00', 'start');
    expect(iso(resolveStart(zoned, null, at('2026-03-20T20:00:00Z')))).toBe('2026-03-20T21:15:00.000Z');
  });

  it('by a time of day stops at its next occurrence after the start', () => {
    const stop = parseMoment('05:30', 'stop');
    expect(iso(resolveStop(stop, oslo, at('2026-03-28T22:00:00Z')))).toBe('2026-03-29T03:30:00.000Z');
    expect(iso(resolveStop(stop, null, at('2026-03-28T22:00:00Z')))).toBe('2026-03-29T05:30:00.000Z');
  });

  // Crossings by bisection of astropy 5.2.1 altitudes: see test/sky/sun.test.ts.
  it('by the Sun stops at the dawn after the coming night, also when it starts by day', () => {
    const stop = parseMoment('sun -6', 'stop');
    const dawn = at('2026-03-21T03:39:06Z');
    for (const start of ['2026-03-20T12:00:00Z', '2026-03-20T22:00:00Z'])
      expect(Math.abs(resolveStop(stop, tromso, at(start))! - dawn)).toBeLessThan(2000);
    const start = resolveStart(parseMoment('sun -6', 'start'), tromso, at('2026-03-20T12:00:00Z'));
    expect(Math.abs(resolveStop(stop, tromso, start)! - dawn)).toBeLessThan(2000);
  });

  it('by the Sun has no stop in the polar night', () => {
    const stop = parseMoment('sun -0.833', 'stop');
    expect(resolveStop(stop, tromso, at('2026-12-21T12:00:00Z'))).toBeNull();
  });
});
