/** The night a moment belongs to: the local date of its evening, so that 20:00 and 04:00 are the same night. */
import type { Site } from './site.ts';

const halfDayMilliseconds = 12 * 3_600_000;

/**
 * YYYY-MM-DD of the local wall-clock time minus 12 h; local is the site's time zone, or without one the mean solar time of its longitude.
 * @param milliseconds UTC since 1970.
 */
export function nightOf(site: Pick<Site, 'longitude' | 'timeZone'>, milliseconds: number): string {
  return new Date(localMilliseconds(site, milliseconds) - halfDayMilliseconds).toISOString().slice(0, 10);
}

/** The site's wall-clock time as if it were UTC, ms: for showing and for comparing times of day. */
export function localMilliseconds(site: Pick<Site, 'longitude' | 'timeZone'>, milliseconds: number): number {
  if (site.timeZone === null) return milliseconds + (site.longitude / 360) * 2 * halfDayMilliseconds;
  const part: Record<string, number> = {};
  for (const { type, value } of formatterOf(site.timeZone).formatToParts(milliseconds)) part[type] = Number(value);
  const wholeSecond = Date.UTC(part.year!, part.month! - 1, part.day!, part.hour!, part.minute!, part.second!);
  return wholeSecond + (((milliseconds % 1000) + 1000) % 1000);
}

/**
 * The first moment after `fromMilliseconds` (UTC) when the site's clocks show this time of day.
 * A time that a change to summer time skips is taken an hour later; one that happens twice is taken at its first.
 */
export function nextTimeOfDay(
  site: Pick<Site, 'longitude' | 'timeZone'>,
  fromMilliseconds: number,
  secondsOfDay: number,
): number {
  const day = 2 * halfDayMilliseconds;
  const local = localMilliseconds(site, fromMilliseconds);
  const midnight = Math.floor(local / day) * day;
  for (let days = -1; ; days++) {
    const at = utcOfLocal(site, midnight + days * day + secondsOfDay * 1000);
    if (at > fromMilliseconds) return at;
  }
}

/** UTC of a wall-clock time: the offset before the moment and the one after are tried, as clocks may change between. */
function utcOfLocal(site: Pick<Site, 'longitude' | 'timeZone'>, local: number): number {
  const offsetAt = (utc: number) => localMilliseconds(site, utc) - utc;
  const candidates = [local - halfDayMilliseconds * 2, local + halfDayMilliseconds * 2].map(
    (near) => local - offsetAt(near),
  );
  const fitting = candidates.filter((utc) => Math.abs(localMilliseconds(site, utc) - local) < 1);
  return fitting.length > 0 ? Math.min(...fitting) : candidates[0]!;
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(timeZone);
  if (!formatter) {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
    formatters.set(timeZone, formatter);
  }
  return formatter;
}
