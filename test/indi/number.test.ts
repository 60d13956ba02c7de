import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { formatNumber, parseNumber, plainDecimal } from '../../lib/indi/protocol/number.ts';

describe('numbers are read', () => {
  it.each([
    ['5', 5],
    [' -3.25 ', -3.25],
    ['+1.5e-3', 0.0015],
    ['.5', 0.5],
    ['5:30:15.5', 5 + 30 / 60 + 15.5 / 3600],
    ['5h30m', 5.5],
    ['5h 30m 36s', 5.51],
    ['12;30', 12.5],
    ['5 30 15', 5 + 30 / 60 + 15 / 3600],
    ['-0:30:00', -0.5],
    ['-12:30.5', -(12 + 30.5 / 60)],
    ['48°12\'36"', 48.21],
    ['inf', Infinity],
    ['-inf', -Infinity],
    ['-nan', Number.NaN],
  ])('%s', (text, value) =>
    expect(parseNumber(text)).toEqual(Number.isFinite(value) ? expect.closeTo(value, 12) : value),
  );

  it.each(['', 'abc', '1,5', '0x10', '1e', '5:60', '5:30:60', '5:1.5:3', '1 2 3 4', '--5', '5:-3'])('not %s', (text) =>
    expect(parseNumber(text)).toBeNull(),
  );
});

describe('numbers are sent without an exponent, to the last digit', () => {
  it.each([1e-7, -1.25e-9, 1e21, 1.2345678901234569e23, 0, -0.5, 4.066503190621105, 5e-324, Number.MAX_VALUE])(
    '%d',
    (value) => {
      const text = plainDecimal(value);
      expect(text).toMatch(/^-?\d+(\.\d+)?$/);
      expect(Number(text)).toBe(value);
    },
  );
});

describe('numbers are shown', () => {
  const values = [0, 1, -1.5, 2.7654321, 123456.789, -0.00001234, 1e10, 99999.95];
  const formats = ['%g', '%.3g', '%6.2f', '%.0f', '%+.1f', '%-8.2f|', '%08.3f', '%e', '%.2E', '%5.1f m'];
  it('as printf does', () => {
    const script = `import sys, json; v, f = json.loads(sys.argv[1]); print(json.dumps([[y % (x,) for x in v] for y in f]))`;
    const expected = JSON.parse(
      execFileSync('/usr/bin/python3', ['-c', script, JSON.stringify([values, formats])], { encoding: 'utf8' }),
    );
    expect(formats.map((format) => values.map((value) => formatNumber(value, format)))).toEqual(expected);
  });

  // fs_sexa of libindi 1.9.9, by hand from its documentation in indicom.h.
  it.each([
    [12.5, '%010.6m', '  12:30:00'],
    [-0.5, '%9.6m', ' -0:30:00'],
    [5.9999999, '%10.6m', '   6:00:00'],
    [5.508611, '%.8m', '5:30:31.0'],
    [5.508611, '%.9m', '5:30:31.00'],
    [5.25, '%.5m', '5:15.0'],
    [5.25, '%.3m', '5:15'],
  ])('%d as %s', (value, format, text) => expect(formatNumber(value, format)).toBe(text));

  it('plainly when the format is none', () => {
    for (const format of ['', '%s', '%n', '%', 'x', '%.7m', '%99999f%s'])
      expect(formatNumber(1.5, format)).toContain('1.5');
    expect(formatNumber(Number.NaN, '%f')).toBe('NaN');
  });
});
