import { describe, expect, it } from 'vitest';
import {
  altitudeAzimuth,
  anglesOf,
  apply,
  earthVelocity,
  precessionNutation,
  refractionDegrees,
  siderealTime,
  vectorOf,
} from '../../lib/sky/coordinates.ts';

const arcsecond = Math.PI / 648000;

// astropy 5.2.1, offline, delta_ut1_utc = 0: SkyCoord(ra, dec).transform_to(AltAz(obstime, location)) without pressure.
const places: [string, number, number, string, number, number, number, number][] = [
  ['2024-03-14T21:00:00Z', 69.65, 18.955, 'Sirius', 101.28716, -16.71612, -2.07084, 222.98829],
  ['2024-03-14T21:00:00Z', 69.65, 18.955, 'Polaris', 37.95456, 89.26411, 69.51417, 358.23713],
  ['2024-03-14T21:00:00Z', 69.65, 18.955, 'Capella', 79.17233, 45.99799, 50.16699, 269.91918],
  ['2024-03-14T21:00:00Z', 69.65, 18.955, 'Arcturus', 213.9153, 19.18241, 25.67156, 104.69462],
  ['2019-08-12T23:30:00Z', -33.9, 18.5, 'Vega', 279.23473, 38.78369, 2.42255, 321.63947],
  ['2019-08-12T23:30:00Z', -33.9, 18.5, 'Regulus', 152.09296, 11.96721, -67.97283, 180.58545],
  ['2023-11-20T04:15:00Z', 28.3, -16.51, 'Sirius', 101.28716, -16.71612, 44.74154, 186.22262],
  ['2023-11-20T04:15:00Z', 28.3, -16.51, 'Polaris', 37.95456, 89.26411, 28.61364, 359.37313],
];

describe('coordinates', () => {
  it.each(places)('%s at %d %d: %s stands where astropy has it', (time, latitude, longitude, _, ra, dec, alt, az) => {
    const { altitudeDegrees, azimuthDegrees } = altitudeAzimuth({ latitude, longitude }, Date.parse(time), ra, dec);
    const cos = Math.cos((alt * Math.PI) / 180);
    // 1": polar motion and diurnal aberration, which astropy has and we leave out, are 0.3" each.
    expect(Math.abs(altitudeDegrees - alt) * 3600).toBeLessThan(1);
    expect(Math.abs(azimuthDegrees - az) * 3600 * cos).toBeLessThan(1);
  });

  // pyerfa 2.0.0.1: pnm06a and gst06a (IAU 2006/2000A), TT − UTC = 69.184 s, UT1 = UTC.
  it.each([
    [
      Date.parse('2024-03-14T21:00:00Z'),
      [
        0.999982725241, -0.00539101575894, -0.00234225707158, 0.00539091076733, 0.999985467628, -5.11361611475e-5,
        0.00234249870888, 3.85083789157e-5, 0.999997255605,
      ],
      2.2334301522,
    ],
    [
      2_375_000_000_000,
      [
        0.999938689617, -0.010156263518, -0.00441217846127, 0.0101560860031, 0.999948423667, -6.2636998097e-5,
        0.00441258705515, 1.7822693885e-5, 0.999990264332,
      ],
      6.0643140339,
    ],
  ])('precession, nutation and sidereal time at %d agree with ERFA to 0.02"', (milliseconds, matrix, sidereal) => {
    const ours = precessionNutation(milliseconds);
    for (let index = 0; index < 9; index++)
      expect(Math.abs(ours[index]! - matrix[index]!)).toBeLessThan(0.02 * arcsecond);
    expect(Math.abs(siderealTime(milliseconds) - sidereal)).toBeLessThan(0.02 * arcsecond);
  });

  it("the Earth's velocity agrees with ERFA's EPV00 to 0.03\" of aberration", () => {
    const ours = earthVelocity(Date.parse('2024-03-14T21:00:00Z'));
    const theirs = [-1.1179998388e-5, -9.1138037766e-5, -3.95108644977e-5];
    for (const axis of [0, 1, 2]) expect(Math.abs(ours[axis]! - theirs[axis]!)).toBeLessThan(0.03 * arcsecond);
  });
  it('the apparent place of Capella is that of astropy (TETE)', () => {
    const time = Date.parse('2024-03-14T21:00:00Z');
    const star = vectorOf(79.17233, 45.99799);
    const v = earthVelocity(time);
    const place = anglesOf(apply(precessionNutation(time), [star[0] + v[0], star[1] + v[1], star[2] + v[2]]));
    expect(Math.abs(place.longitudeDegrees - 79.61688625) * 3600).toBeLessThan(0.1);
    expect(Math.abs(place.latitudeDegrees - 46.02741863) * 3600).toBeLessThan(0.1);
  });

  // Sæmundsson's formula at 1010 hPa, 10 °C, tabulated in Meeus, Astronomical Algorithms, chapter 16: 24.618' for true altitude 33' (example 16.a).
  it('refraction lifts the setting Sun by 24.6 minutes of arc', () => {
    expect(refractionDegrees(33.3467 / 60) * 60).toBeCloseTo(24.618, 1);
    expect(refractionDegrees(90)).toBeLessThan(0.001);
    expect(refractionDegrees(45) * 60).toBeCloseTo(1.0, 1);
  });
});
