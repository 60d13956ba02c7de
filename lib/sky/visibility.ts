/** What can be seen of a target from a site at one moment, and if it can't, why: pure functions of target, site, limits and time. */
import type { FrameSite } from '../frame/frame.ts';
import { anglesOf, type Horizontal, refractionDegrees, siderealTime } from './coordinates.ts';
import { directionOfDate, type EquatorialPlace, horizontalOfDate, separationDegrees } from './coordinates-date.ts';
import { type Horizon, horizonAltitude } from './horizon.ts';
import { moonOf } from './moon.ts';
import { sunAltitudeDegrees } from './sun.ts';

/** Where a target stands at a moment. */
export interface Observation extends Horizontal {
  /** UTC ms since 1970. */
  at: number;
  /** With refraction at 1010 hPa and 10 °C: what the limits are compared with. */
  apparentAltitudeDegrees: number;
  /** -180 to 180, west of the meridian positive. */
  hourAngleDegrees: number;
  /** Air in the line of sight, 1 at the zenith (Kasten & Young 1989); null below the mathematical horizon. */
  airmass: number | null;
  /** Height of the site's horizon in this direction. */
  horizonDegrees: number;
  sunAltitudeDegrees: number;
  moonAltitudeDegrees: number;
  moonDistanceDegrees: number;
  /** 0..1. */
  moonIllumination: number;
}

export interface VisibilityLimits {
  /** Lowest apparent altitude. */
  minimumAltitudeDegrees: number;
  /** What stands in the way; null: the mathematical horizon at 0°. */
  horizon: Horizon | null;
  maximumAirmass: number | null;
  /** Asked for only while the Moon is up. */
  minimumMoonDistanceDegrees: number | null;
  /** The Sun's centre must be below this (-12: nautical twilight); null: by day, too. */
  maximumSunAltitudeDegrees: number | null;
}

export const noLimits: VisibilityLimits = {
  minimumAltitudeDegrees: 0,
  horizon: null,
  maximumAirmass: null,
  minimumMoonDistanceDegrees: null,
  maximumSunAltitudeDegrees: null,
};

export type LimitName = 'altitude' | 'horizon' | 'airmass' | 'moon' | 'sun';

/** One limit that a target does not keep. */
export interface Refusal {
  limit: LimitName;
  /** A sentence without its full stop. */
  reason: string;
}

/** @param milliseconds UTC since 1970 @throws bad-input */
export function observe(
  site: FrameSite,
  milliseconds: number,
  place: EquatorialPlace,
  horizon: Horizon | null = null,
): Observation {
  const direction = directionOfDate(place, milliseconds);
  const { altitudeDegrees, azimuthDegrees } = horizontalOfDate(site, milliseconds, direction);
  const apparentAltitudeDegrees = altitudeDegrees + refractionDegrees(altitudeDegrees);
  const localSidereal = (siderealTime(milliseconds) * 180) / Math.PI + site.longitude;
  const moon = moonOf(site, milliseconds);
  return {
    at: milliseconds,
    altitudeDegrees,
    azimuthDegrees,
    apparentAltitudeDegrees,
    hourAngleDegrees: halfTurn(localSidereal - anglesOf(direction).longitudeDegrees),
    airmass: airmassAt(apparentAltitudeDegrees),
    horizonDegrees: horizonAltitude(horizon, azimuthDegrees),
    sunAltitudeDegrees: sunAltitudeDegrees(site, milliseconds),
    moonAltitudeDegrees: moon.altitudeDegrees,
    moonDistanceDegrees: separationDegrees(direction, moon.direction),
    moonIllumination: moon.illumination,
  };
}

/** Every limit that is not kept, with its reason; nothing when the target can be seen. */
export function refusalsOf(seen: Observation, limits: VisibilityLimits): Refusal[] {
  const refusals: Refusal[] = [];
  const refuse = (limit: LimitName, reason: string) => refusals.push({ limit, reason });
  const altitude = seen.apparentAltitudeDegrees;
  const { maximumAirmass, minimumMoonDistanceDegrees: moon, maximumSunAltitudeDegrees: sun } = limits;
  if (altitude < seen.horizonDegrees)
    refuse(
      'horizon',
      `it stands at ${shown(altitude)}, below the horizon of ${shown(seen.horizonDegrees)} in the ${compass(seen.azimuthDegrees)}`,
    );
  if (altitude < limits.minimumAltitudeDegrees)
    refuse(
      'altitude',
      `it stands at ${shown(altitude)}, below the least altitude of ${shown(limits.minimumAltitudeDegrees)}`,
    );
  if (maximumAirmass !== null && !(seen.airmass !== null && seen.airmass <= maximumAirmass))
    refuse(
      'airmass',
      seen.airmass === null
        ? `it is below the horizon, so its airmass is not below ${maximumAirmass}`
        : `its airmass is ${seen.airmass.toFixed(2)}, above ${maximumAirmass}`,
    );
  if (moon !== null && seen.moonAltitudeDegrees > 0 && seen.moonDistanceDegrees < moon)
    refuse('moon', `the Moon is ${shown(seen.moonDistanceDegrees)} away, less than ${shown(moon)}`);
  if (sun !== null && seen.sunAltitudeDegrees >= sun)
    refuse('sun', `it is not dark: the Sun stands at ${shown(seen.sunAltitudeDegrees)}, not below ${shown(sun)}`);
  return refusals;
}

/** Kasten & Young 1989; null below 0°. @param apparentAltitudeDegrees with refraction */
export function airmassAt(apparentAltitudeDegrees: number): number | null {
  const h = apparentAltitudeDegrees;
  return h < 0 ? null : 1 / (Math.sin((h * Math.PI) / 180) + 0.50572 * (h + 6.07995) ** -1.6364);
}

/** The apparent altitude at which the air reaches an airmass: above it there is less. */
export function altitudeOfAirmass(airmass: number): number {
  let [low, high] = [0, 90];
  while (high - low > 1e-6) {
    const middle = (low + high) / 2;
    if (airmassAt(middle)! > airmass) low = middle;
    else high = middle;
  }
  return high;
}

/** N, NE, E … of an azimuth. */
export const compass = (azimuthDegrees: number): string =>
  ['north', 'north-east', 'east', 'south-east', 'south', 'south-west', 'west', 'north-west'][
    Math.round((((azimuthDegrees % 360) + 360) % 360) / 45) % 8
  ]!;

export const halfTurn = (degrees: number): number => ((((degrees + 180) % 360) + 360) % 360) - 180;

const shown = (degrees: number): string => `${degrees.toFixed(1)}°`;
