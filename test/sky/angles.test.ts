import { describe, expect, it } from 'vitest';
import {
  formatDeclination,
  formatRightAscension,
  parseDeclination,
  parseRightAscension,
} from '../../lib/sky/angles.ts';
import { parseCoordinates } from '../../lib/sky/angles-pair.ts';

/** By hand: 12 h 34 m 56.7 s = 15 x (12 + 34/60 + 56.7/3600) = 188.73625°; 5° 10' 12" = 5.17°. */
const ra = 188.73625;

describe('right ascension', () => {
  it.each([
    '12h34m56.7s',
    '12 34 56.7',
    '12:34:56.7',
    '12h 34m 56.7s',
    '12ʰ34ᵐ56.7ˢ',
    '12h34\'56.7"',
    '12:34:56,7',
    '188.73625',
    '188,73625°',
    '188.73625d',
    '188°44′10.5″',
    '188d44m10.5s',
    '12.582416667h',
    '-171.26375',
  ])('%s', (text) => expect(parseRightAscension(text).degrees).toBeCloseTo(ra, 6));

  it('says how a text was read that could mean hours or degrees', () => {
    expect(parseRightAscension('12.5').note).toBe(
      'The right ascension "12.5" was read as degrees; for hours write 12.5h.',
    );
    expect(parseRightAscension('187:42:20').note).toContain('so it was read as degrees');
    expect(parseRightAscension(12.5)).toEqual({ degrees: 12.5, note: null });
    expect(parseRightAscension('12:30').note).toBeNull();
  });

  it.each([
    ['25h', 'is not below 24 h'],
    ['-5h', 'is below 0 h'],
    ['361', 'is outside 0° to 360°'],
    ['12:60:00', 'has minutes or seconds of 60 or more'],
    ['12.5h 30m', 'has minutes behind a fraction'],
    ['1e3', 'is not an angle'],
    ['twelve', 'is not an angle'],
    ['', 'is empty'],
    ['12:', 'is not an angle'],
    ['1'.repeat(200), 'is too long for an angle'],
    [Number.NaN, 'is not a number'],
  ])('%s is refused with text and remedy', (text, why) => {
    expect(() => parseRightAscension(text)).toThrow(
      expect.objectContaining({
        code: 'bad-input',
        message: expect.stringContaining(why),
        remedy: expect.stringContaining('12h34m56.7s'),
      }),
    );
  });
});

describe('declination', () => {
  it.each(['-5:10:12', '−5°10′12″', '–05 10 12', '-5d10m12s', '-5.17', '-5,17°', '5d10m12s S', '5°10\'12"S'])(
    '%s',
    (text) => expect(parseDeclination(text).degrees).toBeCloseTo(-5.17, 9),
  );
  it('keeps the sign of a zero degree', () => {
    expect(parseDeclination('-00:30:00').degrees).toBe(-0.5);
    expect(parseDeclination('−0 0 36').degrees).toBeCloseTo(-0.01, 9);
  });
  it.each([
    ['95', 'may be swapped'],
    ['12h', 'is in hours'],
    ['-5 S', 'both a sign and a direction'],
    ['5s', 'is not an angle'],
  ])('%s is refused', (text, why) => expect(() => parseDeclination(text)).toThrow(why));
});

describe('a pair', () => {
  it.each([
    '12 34 56.7 -05 10 12',
    '12h34m56.7s −5°10′12″',
    '12:34:56.7, -5:10:12',
    '12:34:56.7-5:10:12',
    '188.73625 -5.17',
    '188.73625,-5.17',
    '188,73625; -5,17',
    '188,73625 -5,17',
    'RA 12:34:56.7 Dec -5:10:12',
    'RA: 12h 34m 56.7s, DEC: -5d 10m 12s',
    'α = 12h34m56.7s δ = −05° 10′ 12″',
    'J123456.7-051012',
    '12h34m56.7s -5d10m12s J2000',
    '(12:34:56.7\t-5:10:12)',
  ])('%s', (text) => {
    const place = parseCoordinates(text);
    expect(place.raDegrees).toBeCloseTo(ra, 5);
    expect(place.decDegrees).toBeCloseTo(-5.17, 6);
    expect(place.notes).toEqual([]);
  });

  it.each([
    ['12 34 56.7 5 10 12', 188.73625, 5.17],
    ['12h34m 5d10m', 188.5, 5.1666667],
    ['188.73625 5.17', 188.73625, 5.17],
    ['188.73625,5.17', 188.73625, 5.17],
    ['12.5h -30', 187.5, -30],
  ])('%s without a sign, or short', (text, expectedRa, expectedDec) => {
    const place = parseCoordinates(text);
    expect(place.raDegrees).toBeCloseTo(expectedRa, 5);
    expect(place.decDegrees).toBeCloseTo(expectedDec, 5);
  });

  it('notes whole numbers and mixed notations, not decimal pairs', () => {
    expect(parseCoordinates('12 34').notes).toHaveLength(1);
    expect(parseCoordinates('12.5 -30:10:00').notes).toHaveLength(1);
    expect(parseCoordinates('12.5 -30.2').notes).toEqual([]);
  });

  it.each(['M 31', '12h34m56s', 'nonsense', '10 95', '', 'x'.repeat(500)])('%s is refused', (text) => {
    expect(() => parseCoordinates(text)).toThrow(
      expect.objectContaining({ code: 'bad-input', remedy: expect.any(String) }),
    );
  });
});

it('writes what it reads, without a 60th second', () => {
  expect(formatRightAscension(ra)).toBe('12h34m56.70s');
  expect(formatDeclination(-5.17)).toBe('-05°10\'12.0"');
  expect(formatRightAscension(359.9999999)).toBe('00h00m00.00s');
  expect(formatDeclination(4.99999999)).toBe('+05°00\'00.0"');
  for (let i = 0; i < 500; i++) {
    const [a, d] = [(i * 137.50776) % 360, ((i * 61.803) % 180) - 90];
    const back = parseCoordinates(`${formatRightAscension(a, 4)} ${formatDeclination(d, 3)}`);
    expect(Math.abs(((back.raDegrees - a + 540) % 360) - 180)).toBeLessThan(1e-6);
    expect(Math.abs(back.decDegrees - d)).toBeLessThan(1e-6);
  }
});

it('never breaks on what is no coordinate', () => {
  const letters = '0123456789 :.,+-hdms°\'"′″;NSJRA';
  let state = 5;
  for (let i = 0; i < 20_000; i++) {
    let text = '';
    const length = 1 + (i % 30);
    for (let n = 0; n < length; n++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      text += letters[(state >>> 8) % letters.length];
    }
    try {
      const { raDegrees, decDegrees } = parseCoordinates(text);
      expect(raDegrees >= 0 && raDegrees < 360 && Math.abs(decDegrees) <= 90, text).toBe(true);
    } catch (error) {
      expect((error as { code?: string }).code, text).toBe('bad-input');
    }
  }
});
