/** The night of a site: when the Sun goes below each twilight and comes back, polar days and nights included. */
import type { FrameSite } from '../frame/frame.ts';
import { nextSunCrossing, sunAltitudeDegrees, twilightDegrees } from './sun.ts';

export interface Darkness {
  /** UTC ms when the Sun goes below the altitude; null when it is below it from noon on (polar night), or never gets there. */
  dusk: number | null;
  /** UTC ms when it comes back above; null when it stays below until the next noon, or was never below. */
  dawn: number | null;
  /** always: below it from noon to noon; never: above it all the time. */
  dark: 'part' | 'always' | 'never';
}

export type Twilight = keyof typeof twilightDegrees;

export interface NightOfSite {
  /** Solar noon before and after, UTC ms (mean Sun: within 17 minutes). */
  from: number;
  to: number;
  /** By name: sunset, civil, nautical, astronomical. */
  twilights: Record<Twilight, Darkness>;
}

const dayMilliseconds = 86_400_000;

/** Noon to noon of the site's mean Sun around a moment. @returns UTC ms */
export function noonsAround(site: Pick<FrameSite, 'longitude'>, milliseconds: number): { from: number; to: number } {
  const noon = dayMilliseconds / 2 - (site.longitude / 360) * dayMilliseconds;
  const from = Math.floor((milliseconds - noon) / dayMilliseconds) * dayMilliseconds + noon;
  return { from, to: from + dayMilliseconds };
}

/** Noon to noon of the night under way, or by day, the morning included, of the night to come. @returns UTC ms @throws bad-input */
export function nightAround(site: FrameSite, milliseconds: number): { from: number; to: number } {
  const night = noonsAround(site, milliseconds);
  const sunDown = darkStretch(site, milliseconds, twilightDegrees.sunset);
  const over = sunDown === null ? milliseconds > (night.from + night.to) / 2 : milliseconds >= sunDown.end;
  return over ? { from: night.to, to: night.to + dayMilliseconds } : night;
}

/** When the Sun is below an altitude between two noons around a moment. @throws bad-input */
export function darknessOf(
  site: FrameSite,
  milliseconds: number,
  sunAltitude: number,
): Darkness & { from: number; to: number } {
  const { from, to } = noonsAround(site, milliseconds);
  const days = (start: number) => (to - start) / dayMilliseconds;
  const below = sunAltitudeDegrees(site, from) < sunAltitude;
  // In polar night a Sun that comes above the altitude around noon only makes one dusk after noon and one dawn before the next.
  const dusk = nextSunCrossing(site, from, sunAltitude, 'setting', 1);
  const start = below && (dusk === null || dusk > from + dayMilliseconds / 2) ? from : dusk;
  const dawn =
    start === null ? null : nextSunCrossing(site, start, sunAltitude, 'rising', Math.max(0.001, days(start)));
  if (start === null) return { from, to, dusk: null, dawn: null, dark: 'never' };
  const wholeDay = below && dusk === null && dawn === null;
  return { from, to, dusk: start === from && below ? null : dusk, dawn, dark: wholeDay ? 'always' : 'part' };
}

/** All twilights of the night under way or to come. @throws bad-input */
export function nightOfSite(site: FrameSite, milliseconds: number): NightOfSite {
  const { from, to } = nightAround(site, milliseconds);
  const twilights = Object.fromEntries(
    Object.entries(twilightDegrees).map(([name, altitude]) => {
      const { dusk, dawn, dark } = darknessOf(site, (from + to) / 2, altitude);
      return [name, { dusk, dawn, dark }];
    }),
  ) as Record<Twilight, Darkness>;
  return { from, to, twilights };
}

/** The dark hours as a stretch of time, or null when there are none. */
export function darkStretch(
  site: FrameSite,
  milliseconds: number,
  sunAltitude: number,
): { start: number; end: number } | null {
  const { from, to, dusk, dawn, dark } = darknessOf(site, milliseconds, sunAltitude);
  return dark === 'never' ? null : { start: dusk ?? from, end: dawn ?? to };
}
