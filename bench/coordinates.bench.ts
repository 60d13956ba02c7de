/** Coordinates of date and over a site, both ways, against astropy: the largest difference over thousands of places and dates. */
import { altitudeAzimuth, anglesOf, refractionDegrees, vectorOf } from '../lib/sky/coordinates.ts';
import { type EquatorialPlace, placeOfDate, placeOfJ2000, separationDegrees } from '../lib/sky/coordinates-date.ts';
import { type BenchLine, figureLine, python3Peer } from './harness.ts';

interface Sample {
  milliseconds: number;
  latitude: number;
  longitude: number;
  places: EquatorialPlace[];
}
type Truth = { date: number[][]; moved: number[][]; back: number[][]; horizon: number[][]; seen: number[][] };

const dates = 60;
const placesPerDate = 50;

export default async function coordinates(): Promise<BenchLine[]> {
  const samples = drawn();
  const peer = python3Peer(astropy);
  const { result } = await peer.run(samples);
  await peer.close();
  const worst = { date: 0, moved: 0, back: 0, horizon: 0, seen: 0 };
  for (const [index, truth] of (result as Truth[]).entries()) {
    const { milliseconds, latitude, longitude, places } = samples[index]!;
    const keep = (what: keyof typeof worst, ours: number[], number: number) => {
      const [theirs, mine] = [truth[what][number]!, ours];
      const apart = separationDegrees(vectorOf(mine[0]!, mine[1]!), vectorOf(theirs[0]!, theirs[1]!)) * 3600;
      worst[what] = Math.max(worst[what], apart);
    };
    for (const [number, place] of places.entries()) {
      const still = { raDegrees: place.raDegrees, decDegrees: place.decDegrees };
      const now = placeOfDate(still, milliseconds);
      keep('date', [now.raNowDegrees, now.decNowDegrees], number);
      const moved = placeOfDate(place, milliseconds);
      keep('moved', [moved.raNowDegrees, moved.decNowDegrees], number);
      const back = placeOfJ2000({ raNowDegrees: place.raDegrees, decNowDegrees: place.decDegrees }, milliseconds);
      keep('back', [back.raDegrees, back.decDegrees], number);
      const { altitudeDegrees, azimuthDegrees } = altitudeAzimuth(
        { latitude, longitude },
        milliseconds,
        place.raDegrees,
        place.decDegrees,
      );
      keep('horizon', [azimuthDegrees, altitudeDegrees], number);
      // What refraction is worth below 5° depends on the weather: compared where targets are.
      if (altitudeDegrees < 5) continue;
      keep('seen', [azimuthDegrees, altitudeDegrees + refractionDegrees(altitudeDegrees)], number);
    }
  }
  const line = (part: string, figure: number, goal: number) =>
    figureLine({ bench: 'coordinates', part, figure, goal, unit: '"' });
  console.log(`${dates} dates from 1996 to 2044, ${placesPerDate} places each, over a site of its own for each date`);
  return [
    line('J2000 to JNow', worst.date, 0.02),
    line('J2000 to JNow with proper motion', worst.moved, 0.02),
    line('JNow to J2000', worst.back, 0.02),
    line('altitude and azimuth', worst.horizon, 5),
    line('altitude and azimuth, refracted, above 5 degrees', worst.seen, 60),
  ];
}

/** Even over the sphere and the years. */
function drawn(): Sample[] {
  let state = 20261121;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const span = Date.UTC(2044, 0, 1) - Date.UTC(1996, 0, 1);
  return Array.from({ length: dates }, () => ({
    milliseconds: Math.round(Date.UTC(1996, 0, 1) + next() * span),
    latitude: 160 * next() - 80,
    longitude: 360 * next() - 180,
    places: Array.from({ length: placesPerDate }, () => {
      const { longitudeDegrees, latitudeDegrees } = anglesOf(
        vectorOf(360 * next(), Math.asin(2 * next() - 1) * (180 / Math.PI)),
      );
      return {
        raDegrees: longitudeDegrees,
        decDegrees: latitudeDegrees,
        properMotionRaMas: 4000 * next() - 2000,
        properMotionDecMas: 4000 * next() - 2000,
      };
    }),
  }));
}

const astropy = `
import warnings
warnings.filterwarnings('ignore')
import numpy as np
from astropy.utils import iers
iers.conf.auto_download = False
iers.conf.iers_degraded_accuracy = 'ignore'
from astropy.coordinates import SkyCoord, TETE, AltAz, EarthLocation
from astropy.time import Time
import astropy.units as u
def pairs(lon, lat): return np.stack([lon.deg, lat.deg], axis=-1).tolist()
def run(samples):
    out = []
    for s in samples:
        t = Time(s['milliseconds'] / 1000, format='unix')
        # Offline there is no Earth orientation for the future: UT1 is taken as UTC on both sides.
        t.delta_ut1_utc = 0.0
        ra = np.array([p['raDegrees'] for p in s['places']]); dec = np.array([p['decDegrees'] for p in s['places']])
        c = SkyCoord(ra * u.deg, dec * u.deg)
        now = c.transform_to(TETE(obstime=t))
        m = SkyCoord(ra * u.deg, dec * u.deg, distance=1 * u.Gpc,
            pm_ra_cosdec=np.array([p['properMotionRaMas'] for p in s['places']]) * u.mas / u.yr,
            pm_dec=np.array([p['properMotionDecMas'] for p in s['places']]) * u.mas / u.yr, obstime=Time('J2000'))
        m = m.apply_space_motion(t)
        m = SkyCoord(m.ra, m.dec).transform_to(TETE(obstime=t))
        b = SkyCoord(ra * u.deg, dec * u.deg, frame=TETE(obstime=t)).icrs
        place = EarthLocation.from_geodetic(s['longitude'] * u.deg, s['latitude'] * u.deg)
        h = c.transform_to(AltAz(obstime=t, location=place))
        r = c.transform_to(AltAz(obstime=t, location=place, pressure=1010 * u.hPa, temperature=10 * u.deg_C, relative_humidity=0.5, obswl=0.55 * u.micron))
        out.append(dict(date=pairs(now.ra, now.dec), moved=pairs(m.ra, m.dec), back=pairs(b.ra, b.dec), horizon=pairs(h.az, h.alt), seen=pairs(r.az, r.alt)))
    return out
`;
