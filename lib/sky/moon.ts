/** The Moon of a site: where it stands, how far from a target, how much of it is lit and which way that goes. */
import { AstroTime, Body, Equator, Illumination, MoonPhase, Observer } from 'astronomy-engine';
import type { FrameSite } from '../frame/frame.ts';
import { NightflowError } from '../process/errors.ts';
import { type Vector, vectorOf } from './coordinates.ts';
import { horizontalOfDate } from './coordinates-date.ts';

export interface MoonState {
  /** Topocentric, without refraction. */
  altitudeDegrees: number;
  /** Unit vector on the equator and equinox of date, as seen from the site. */
  direction: Vector;
  /** Lit part of the disc, 0..1. */
  illumination: number;
  waxing: boolean;
  /** new, waxing crescent, first quarter, waxing gibbous, full, waning gibbous, last quarter, waning crescent */
  phase: string;
}

const phases = [
  'new',
  'waxing crescent',
  'first quarter',
  'waxing gibbous',
  'full',
  'waning gibbous',
  'last quarter',
  'waning crescent',
] as const;

/** @param milliseconds UTC since 1970 @throws bad-input */
export function moonOf(site: FrameSite, milliseconds: number): MoonState {
  const direction = moonDirection(site, milliseconds);
  const time = timeOf(milliseconds);
  const longitude = MoonPhase(time);
  return {
    altitudeDegrees: horizontalOfDate(site, milliseconds, direction).altitudeDegrees,
    direction,
    illumination: Illumination(Body.Moon, time).phase_fraction,
    waxing: longitude < 180,
    phase: phaseName(longitude),
  };
}

/** Unit vector to the Moon's centre from the site, equator and equinox of date. */
export function moonDirection(site: FrameSite, milliseconds: number): Vector {
  const { ra, dec } = Equator(Body.Moon, timeOf(milliseconds), observerOf(site), true, true);
  return vectorOf(ra * 15, dec);
}

/** The four quarters last as long as people see no difference: nine degrees of elongation on each side. */
export function phaseName(elongationDegrees: number): string {
  const quarter = Math.round(elongationDegrees / 90);
  if (Math.abs(elongationDegrees - quarter * 90) <= 9) return phases[(quarter % 4) * 2]!;
  return phases[Math.floor(elongationDegrees / 90) * 2 + 1]!;
}

function timeOf(milliseconds: number): AstroTime {
  if (!Number.isFinite(milliseconds)) throw new NightflowError('bad-input', `${milliseconds} is not a time.`);
  return new AstroTime(new Date(milliseconds));
}

function observerOf(site: FrameSite): Observer {
  for (const name of ['latitude', 'longitude', 'elevation'] as const)
    if (!Number.isFinite(site[name]))
      throw new NightflowError('bad-input', `The site's ${name} is ${site[name]}, not a number.`);
  return new Observer(site.latitude, site.longitude, site.elevation);
}
