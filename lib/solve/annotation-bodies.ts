/** Sun, Moon and planets in a picture (astronomy-engine). */
import { AstroTime, Body, Equator, EquatorFromVector, GeoVector, Illumination, Observer } from 'astronomy-engine';
import type { GeographicPlace } from './all-sky-overhead.ts';
import type { Mark } from './annotation.ts';

const bodies = [
  Body.Moon,
  Body.Sun,
  Body.Venus,
  Body.Jupiter,
  Body.Mars,
  Body.Saturn,
  Body.Mercury,
  Body.Uranus,
  Body.Neptune,
] as const;
const kilometresPerAu = 149_597_870.7;
/** Kilometres; those of planets make no disc that is worth a circle. */
const radii: Partial<Record<Body, number>> = { [Body.Moon]: 1737.4, [Body.Sun]: 695_700 };

/** @param scale Arcsec per pixel, for the discs of Sun and Moon. @param site For the Moon; null: from the middle of the Earth. */
export function bodiesAt(milliseconds: number, site: GeographicPlace | null, scale: number): Mark[] {
  const time = new AstroTime(new Date(milliseconds));
  const observer = site && new Observer(site.latitude, site.longitude, site.elevation);
  return bodies.map((body) => {
    // Astrometric J2000: the aberration is that of the stars beside it, which the picture was solved with.
    const { ra, dec, dist } = observer
      ? Equator(body, time, observer, false, false)
      : EquatorFromVector(GeoVector(body, time, false));
    const size = radii[body];
    const arcsec = size === undefined ? null : (2 * Math.atan(size / (dist * kilometresPerAu)) * 180 * 3600) / Math.PI;
    const magnitude = body === Body.Sun ? -26.7 : Illumination(body, time).mag;
    const sizePixels = arcsec === null ? null : arcsec / scale;
    const place = { raDegrees: ra * 15, decDegrees: dec };
    return { kind: 'planet', ...place, label: body, designation: body, magnitude, sizePixels };
  });
}
