/** Times and angles as header writers spell them. */
import { type FitsHeader, numberOf } from './cards.ts';

/** Degrees from decimal or sexagesimal text ('51 3 0.000', '-31:16:24', '+51 03 00.000', '48d 12m', "41° 16' 9\" N"); null otherwise. */
export function parseAngle(value: string | number | boolean | null): number | null {
  const plain = numberOf(value);
  if (plain !== null) return plain;
  if (typeof value !== 'string') return null;
  const text = value.trim().replace(/,/g, '.');
  const match =
    /^([+-])?\s*(\d+(?:\.\d+)?)(?:[\s:dhDH°]+(\d+(?:\.\d+)?))?(?:[\s:mM'′]+(\d+(?:\.\d+)?))?[\sdhmsDHMS°'"′″]*([NSEW])?$/.exec(
      text,
    );
  if (!match) return null;
  const [, sign, degrees, minutes = '0', seconds = '0', side] = match;
  if (Number(minutes) >= 60 || Number(seconds) > 60) return null;
  const size = Number(degrees) + Number(minutes) / 60 + Number(seconds) / 3600;
  return (sign === '-') !== (side === 'S' || side === 'W') ? -size : size;
}

/** Whether text gives its angle in parts ('12 30 00') rather than as one number. */
export const isSexagesimal = (value: unknown): boolean => typeof value === 'string' && numberOf(value) === null;

/** Microseconds since 1970 of a FITS date (UTC), old 'DD/MM/YY' style included; null when it is none or has no time of day. */
export function parseFitsTime(date: string | null, time: string | null = null): number | null {
  if (date === null) return null;
  const old = /^(\d\d)\/(\d\d)\/(\d\d)$/.exec(date);
  const full = old ? `19${old[3]}-${old[2]}-${old[1]}` : date;
  const match = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](.+?))?$/.exec(full);
  if (!match) return null;
  const clock = /^(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?\s*(?:Z|([+-])(\d\d):?(\d\d))?$/.exec(
    (match[4] ?? time ?? '').trim(),
  );
  if (!clock) return null;
  const [year, month, day] = match.slice(1, 4).map(Number) as [number, number, number];
  const [hour, minute, second] = [Number(clock[1]), Number(clock[2]), Number(clock[3] ?? 0)];
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) return null;
  const fraction = Math.round(Number(`0.${clock[4] ?? 0}`) * 1e6);
  const zone = clock[5] ? (Number(clock[6]) * 60 + Number(clock[7])) * (clock[5] === '-' ? -1 : 1) : 0;
  return Date.UTC(year, month - 1, day, hour, minute - zone, second) * 1000 + fraction;
}

/** ISO 8601 UTC with milliseconds, or with microseconds where they are not whole milliseconds. */
export function isoOf(microseconds: number): string {
  const milliseconds = Math.floor(microseconds / 1000);
  const rest = microseconds - milliseconds * 1000;
  const text = new Date(milliseconds).toISOString();
  return rest === 0 ? text : `${text.slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
}

/** Start, middle and end of the exposure, microseconds since 1970, as far as the header tells. */
export interface HeaderTimes {
  start: number | null;
  middle: number | null;
  end: number | null;
}

/**
 * DATE-OBS is the start, except where the program says that it is the end (Dwarf 3's comment reads "Time end of exposure").
 * Middle and end come from DATE-AVG and DATE-END, or for a single exposure from its length.
 */
export function timesOf(header: FitsHeader, exposureSeconds: number | null, single: boolean): HeaderTimes {
  const system = header.text('TIMESYS')?.toUpperCase() ?? 'UTC';
  // Another scale needs leap seconds; a wrong minute is worse than none.
  if (!/^(UTC|UT|UT1|GMT)/.test(system)) return { start: null, middle: null, end: null };
  const at = (name: string, time?: string) => parseFitsTime(header.text(name), time ? header.text(time) : null);
  const observed =
    at('DATE-OBS', 'TIME-OBS') ?? parseFitsTime(header.text('DATE-OBS'), header.text('UT') ?? header.text('UTSTART'));
  const isEnd = /\bend of exposure\b/i.test(header.comment('DATE-OBS'));
  const length = single && exposureSeconds !== null ? Math.round(exposureSeconds * 1e6) : null;
  let end = at('DATE-END') ?? (isEnd ? observed : null);
  let start = at('DATE-BEG') ?? (isEnd ? null : observed);
  if (start === null && end !== null && length !== null) start = end - length;
  if (end === null && start !== null && length !== null) end = start + length;
  let middle = at('DATE-AVG');
  if (middle === null && start !== null && end !== null) middle = Math.round((start + end) / 2);
  return { start, middle, end };
}
