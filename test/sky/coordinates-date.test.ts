import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { vectorOf } from '../../lib/sky/coordinates.ts';
import { placeOfDate, placeOfJ2000, separationDegrees } from '../../lib/sky/coordinates-date.ts';

/** The authority itself: astropy of Debian, offline, UT1 taken as UTC. */
const astropy = `
import json, sys, warnings
warnings.filterwarnings('ignore')
from astropy.utils import iers
iers.conf.auto_download = False
iers.conf.iers_degraded_accuracy = 'ignore'
import astropy.units as u
from astropy.coordinates import SkyCoord, TETE
from astropy.time import Time
out = []
for at, ra, dec, pmra, pmdec in json.load(sys.stdin):
    t = Time(at / 1000, format='unix')
    t.delta_ut1_utc = 0.0
    star = SkyCoord(ra * u.deg, dec * u.deg, distance=1 * u.Gpc, pm_ra_cosdec=pmra * u.mas / u.yr, pm_dec=pmdec * u.mas / u.yr, obstime=Time('J2000'))
    star = star.apply_space_motion(t)
    now = SkyCoord(star.ra, star.dec).transform_to(TETE(obstime=t))
    back = SkyCoord(ra * u.deg, dec * u.deg, frame=TETE(obstime=t)).icrs
    out.append([now.ra.deg, now.dec.deg, back.ra.deg, back.dec.deg])
print(json.dumps(out))
`;

const rows: [number, number, number, number, number][] = [
  [Date.parse('2026-11-21T22:15:00Z'), 83.82208, -5.39111, 0, 0],
  [Date.parse('2026-06-21T03:00:00Z'), 269.452, 4.6934, -801.55, 10362.39],
  [Date.parse('2019-01-03T12:00:00Z'), 37.95456, 89.26411, 44.48, -11.85],
  [Date.parse('1998-08-12T23:30:00Z'), 219.902, -60.834, -3679.25, 473.67],
  [Date.parse('2043-03-20T00:00:00Z'), 0.01, 0.01, 0, 0],
  // Ten degrees from the Sun, whose light bends by 0.05".
  [Date.parse('2026-03-30T12:00:00Z'), 18, 4, 0, 0],
];

it('agrees with astropy to 0.02" in both directions, proper motion, aberration and the Sun included', () => {
  const truth = JSON.parse(
    execFileSync('/usr/bin/python3', ['-c', astropy], { input: JSON.stringify(rows), encoding: 'utf8' }),
  ) as number[][];
  const apart = (a: [number, number], b: [number, number]) => separationDegrees(vectorOf(...a), vectorOf(...b)) * 3600;
  for (const [index, [at, raDegrees, decDegrees, properMotionRaMas, properMotionDecMas]] of rows.entries()) {
    const [ra, dec, backRa, backDec] = truth[index]! as [number, number, number, number];
    const now = placeOfDate({ raDegrees, decDegrees, properMotionRaMas, properMotionDecMas }, at);
    expect(apart([now.raNowDegrees, now.decNowDegrees], [ra, dec]), `row ${index}`).toBeLessThan(0.02);
    const back = placeOfJ2000({ raNowDegrees: raDegrees, decNowDegrees: decDegrees }, at);
    expect(apart([back.raDegrees, back.decDegrees], [backRa, backDec]), `row ${index} back`).toBeLessThan(0.02);
  }
});

it('comes back to where it began, to a microarcsecond', () => {
  for (let i = 0; i < 300; i++) {
    const at = Date.UTC(2000 + (i % 40), i % 12, 1 + (i % 28));
    const place = { raDegrees: (i * 137.50776) % 360, decDegrees: ((i * 61.803) % 180) - 90 };
    const back = placeOfJ2000(placeOfDate(place, at), at);
    const [a, b] = [place, back].map((each) => vectorOf(each.raDegrees, each.decDegrees));
    expect(separationDegrees(a!, b!) * 3600).toBeLessThan(1e-6);
  }
});

it('takes a proper motion from the epoch it is given for', () => {
  const at = Date.parse('2016-01-01T12:00:00Z');
  const star = { raDegrees: 100, decDegrees: 20, properMotionRaMas: 5000, properMotionDecMas: 0, epochYear: 2016 };
  const still = placeOfDate({ raDegrees: 100, decDegrees: 20 }, at);
  expect(placeOfDate(star, at).raNowDegrees).toBeCloseTo(still.raNowDegrees, 7);
});

it('says which number is none', () => {
  expect(() => placeOfDate({ raDegrees: Number.NaN, decDegrees: 0 }, 0)).toThrow('The raDegrees of a place is NaN');
  expect(() => placeOfJ2000({ raNowDegrees: 0, decNowDegrees: 0 }, Number.NaN)).toThrow('milliseconds');
});
