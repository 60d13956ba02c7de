/** What a mount looks at from where it stands: altitude, azimuth, the way to the meridian; and whether a target is above the horizon. */
import type { FrameSite } from '../../frame/frame.ts';
import { NightflowError } from '../../process/errors.ts';
import type { EquatorialPlace } from '../../sky/coordinates-date.ts';
import type { Horizon } from '../../sky/horizon.ts';
import { noLimits, observe, refusalsOf } from '../../sky/visibility.ts';
import type { IndiClient } from '../client.ts';
import { numberOf } from '../property.ts';

export interface Sight {
  /** With refraction: as it appears. */
  altitudeDegrees: number;
  azimuthDegrees: number;
  /** -180 to 180, west of the meridian positive. */
  hourAngleDegrees: number;
  /** Until the place it points at crosses the meridian; negative when it has. */
  secondsToMeridian: number;
  airmass: number | null;
}

/** The sky turns by so much in a second. */
const siderealDegreesPerSecond = 15.0410671786702 / 3600;

/** @param milliseconds UTC since 1970 */
export function sightOf(site: FrameSite, place: EquatorialPlace, milliseconds: number): Sight {
  const { apparentAltitudeDegrees, azimuthDegrees, hourAngleDegrees, airmass } = observe(site, milliseconds, place);
  return {
    altitudeDegrees: apparentAltitudeDegrees,
    azimuthDegrees,
    hourAngleDegrees,
    secondsToMeridian: -hourAngleDegrees / siderealDegreesPerSecond,
    airmass,
  };
}

/** Where the mount was told it stands; null when it was not: drivers that don't know say 0, 0. */
export function siteOfMount(client: IndiClient, device: string): FrameSite | null {
  const property = client.store.property(device, 'GEOGRAPHIC_COORD');
  const [latitude, longitude, elevation] = ['LAT', 'LONG', 'ELEV'].map((element) => numberOf(property, element));
  if (typeof latitude !== 'number' || typeof longitude !== 'number') return null;
  if (Math.abs(latitude) > 90 || Math.abs(longitude) > 360 || (latitude === 0 && longitude === 0)) return null;
  return { latitude, longitude: longitude > 180 ? longitude - 360 : longitude, elevation: elevation ?? 0 };
}

export interface SightLimits {
  minimumAltitudeDegrees: number;
  /** null: the mathematical one. */
  horizon: Horizon | null;
}

/** @throws rejected when the place is below the horizon or the least altitude; what is not known counts as below */
export function requireAbove(
  site: FrameSite | null,
  place: EquatorialPlace,
  milliseconds: number,
  limits: SightLimits,
): void {
  const remedy = 'Wait until it has risen, choose another target, or allow targets below the horizon in the node.';
  if (!site)
    throw new NightflowError('rejected', 'Whether the target is above the horizon is not known: there is no site.', {
      remedy: 'Choose a site in the INDI server node, or allow targets below the horizon.',
    });
  const refusal = refusalsOf(observe(site, milliseconds, place, limits.horizon), { ...noLimits, ...limits }).at(0);
  if (refusal)
    throw new NightflowError('rejected', `The mount stays where it is: ${aboutTarget(refusal.reason)}.`, { remedy });
}

const aboutTarget = (reason: string): string => reason.replace(/^it stands/, 'the target stands');
