import { describe, expect, it } from 'vitest';
import { horizonAltitude, horizonOf, parseHorizon } from '../../lib/sky/horizon.ts';

describe('a horizon', () => {
  const horizon = parseHorizon('0 10\n90 20\n180 0\n270 40')!;
  it.each([
    [0, 10],
    [45, 15],
    [90, 20],
    [135, 10],
    [315, 25],
    [360, 10],
    [-45, 25],
    [675, 25],
  ])('at azimuth %d stands %d° high, straight between its points and around north', (azimuth, altitude) => {
    expect(horizonAltitude(horizon, azimuth)).toBeCloseTo(altitude, 9);
  });
  it('is 0° without one, and flat with one number', () => {
    expect(horizonAltitude(null, 123)).toBe(0);
    expect(parseHorizon('')).toBeNull();
    expect(horizonAltitude(parseHorizon('15.5°'), 200)).toBe(15.5);
  });
  it('takes the highest of several at one azimuth', () => {
    const wall = horizonOf([
      { azimuthDegrees: 90, altitudeDegrees: 5 },
      { azimuthDegrees: 450, altitudeDegrees: 30 },
    ]);
    expect(wall.points).toEqual([{ azimuthDegrees: 90, altitudeDegrees: 30 }]);
  });
});

describe('a horizon file', () => {
  const points = [
    { azimuthDegrees: 0, altitudeDegrees: 12.5 },
    { azimuthDegrees: 90, altitudeDegrees: 20 },
    { azimuthDegrees: 359.5, altitudeDegrees: -1 },
  ];
  it.each([
    ['blanks and comments, as N.I.N.A. and Stellarium write it', '# my garden\n0 12.5\n90 20 # the shed\n\n359.5 -1\n'],
    ['commas', '0,12.5\r\n90,20\r\n359.5,-1'],
    ['a table with names', 'Azimuth;Altitude\n0;12,5\n90;20\n359,5;-1'],
    ['tabs, in any order', '359.5\t−1\n90\t20\n0\t12.5'],
    ['degree signs', '0° 12.5°\n90° 20°\n359.5° -1°'],
    ['pairs in one line', '0:12.5, 90:20, 359.5:-1'],
    ['pairs in one line behind semicolons', '0 12.5; 90 20; 359.5 -1'],
    ['other comments', '; made by hand\n0 12.5\n// and\n90 20\n359.5 -1'],
    ['zenith distances', 'polygonal_horizon_list_mode = azDeg_zenithdistanceDeg\n0 77.5\n90 70\n359.5 91'],
  ])('with %s', (_what, text) => expect(parseHorizon(text)!.points).toEqual(points));

  it.each([
    ['0 10\nnorth 20', 'Line 2 of the horizon, "north 20", is no azimuth with an altitude.'],
    ['0 10\n400000 20', 'Line 2 of the horizon has the azimuth 400000, outside 0° to 360°.'],
    ['0 10\n90 100', 'Line 2 of the horizon has the altitude 100, outside -90° to 90°.'],
    ['0 10 20', 'Line 1 of the horizon'],
    ['polygonal_horizon_list_mode = azRad_altRad\n0 1', 'list mode azrad_altrad'],
    ['a wall', 'The horizon has no points.'],
    ['x'.repeat(300_000), 'The horizon is too long.'],
  ])('%.20s is refused with its line', (text, sentence) => {
    expect(() => parseHorizon(text)).toThrow(
      expect.objectContaining({
        code: 'bad-input',
        message: expect.stringContaining(sentence),
        remedy: expect.stringContaining('one point a line'),
      }),
    );
  });
});
