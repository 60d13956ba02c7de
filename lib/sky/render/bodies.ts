/** Sun, Moon and bright planets over a site: direction, magnitude and size (astronomy-engine). */
import { AstroTime, Body, Equator, Horizon, Illumination, Observer } from 'astronomy-engine';
import { radians, refractionDegrees, type Vector } from '../coordinates.ts';

export interface SkyBody {
  name: string;
  /** East, north, up; refracted. */
  direction: Vector;
  /** Of the centre, without refraction. */
  altitudeDegrees: number;
  magnitude: number;
  colourIndex: number;
}

export interface Moon extends SkyBody {
  /** Angle Sun-Moon-Earth: 0 full, 180 new. */
  phaseDegrees: number;
  angularRadius: number;
}

export interface Bodies {
  sun: SkyBody;
  moon: Moon;
  planets: SkyBody[];
}

const planetColours: readonly (readonly [Body, number])[] = [
  [Body.Mercury, 0.9],
  [Body.Venus, 0.82],
  [Body.Mars, 1.36],
  [Body.Jupiter, 0.83],
  [Body.Saturn, 1.04],
  [Body.Uranus, 0.56],
];

const moonRadiusKilometres = 1737.4;
const kilometresPerAu = 149_597_870.7;

export function bodiesOver(
  site: { latitude: number; longitude: number; elevation: number },
  milliseconds: number,
): Bodies {
  const time = new AstroTime(new Date(milliseconds));
  const observer = new Observer(site.latitude, site.longitude, site.elevation);
  const place = (body: Body, magnitude: number, colourIndex: number): SkyBody & { distance: number } => {
    const { ra, dec, dist } = Equator(body, time, observer, true, true);
    const { altitude, azimuth } = Horizon(time, observer, ra, dec);
    const seen = (altitude + (altitude > -2 ? refractionDegrees(altitude) : 0)) * radians;
    const cos = Math.cos(seen);
    return {
      name: body,
      direction: [cos * Math.sin(azimuth * radians), cos * Math.cos(azimuth * radians), Math.sin(seen)],
      altitudeDegrees: altitude,
      magnitude,
      colourIndex,
      distance: dist,
    };
  };
  const moonlight = Illumination(Body.Moon, time);
  const moon = place(Body.Moon, moonlight.mag, 0.92);
  return {
    sun: place(Body.Sun, -26.74, 0.65),
    moon: {
      ...moon,
      phaseDegrees: moonlight.phase_angle,
      angularRadius: Math.asin(moonRadiusKilometres / (moon.distance * kilometresPerAu)),
    },
    planets: planetColours.map(([body, colour]) => place(body, Illumination(body, time).mag, colour)),
  };
}
