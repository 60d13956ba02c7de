/** Sun, Moon and planets in a picture (astronomy-engine). */
import { AstroTime, Body, Equator, EquatorFromVector, GeoVector, Illumination, Observer } from 'astronomy-engine';
import type { MarkedPoint } from './annotation.ts';
import { centreOf, cornersOf, scaleOf, separation, skyToPixel, type Wcs } from './wcs.ts';

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

export function bodiesIn(
  wcs: Wcs,
  milliseconds: number,
  site: { latitude: number; longitude: number; elevation: number } | null,
): MarkedPoint[] {
  const time = new AstroTime(new Date(milliseconds));
  const observer = site && new Observer(site.latitude, site.longitude, site.elevation);
  const centre = centreOf(wcs);
  const radius = Math.max(...cornersOf(wcs).map((corner) => separation(centre, corner)));
  return bodies.flatMap((body) => {
    // Astrometric J2000: the aberration is that of the stars beside it, which the picture was solved with.
    const { ra, dec, dist } = observer
      ? Equator(body, time, observer, false, false)
      : EquatorFromVector(GeoVector(body, time, false));
    const place = { raDegrees: ra * 15, decDegrees: dec };
    if (separation(centre, place) > radius * 1.01) return [];
    const pixel = skyToPixel(wcs, place);
    if (!pixel || pixel.x < -0.5 || pixel.y < -0.5 || pixel.x > wcs.width - 0.5 || pixel.y > wcs.height - 0.5)
      return [];
    const size = radii[body];
    const arcsec = size === undefined ? null : (2 * Math.atan(size / (dist * kilometresPerAu)) * 180 * 3600) / Math.PI;
    const magnitude = body === Body.Sun ? -26.7 : Illumination(body, time).mag;
    const sizePixels = arcsec === null ? null : arcsec / scaleOf(wcs);
    return [{ kind: 'planet' as const, ...place, ...pixel, label: body, designation: body, magnitude, sizePixels }];
  });
}
