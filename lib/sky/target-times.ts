/** Moments and durations as target lists give them: UTC, with or without a date, seconds with or without a unit. */
import { NightflowError } from '../process/errors.ts';

const dayMilliseconds = 86_400_000;

/**
 * UTC ms of `2026-11-21T22:15:00Z`, `2026-11-21 22:15:00.5` (UTC without a zone), with an offset, or `22:15:00`: the next such UTC time
 * of day after `after`. @throws bad-input
 */
export function parseMoment(value: unknown, after?: number): number {
  const text = String(value)
    .trim()
    .replace(/^(\d{1,2})\.(\d{1,2})\.(\d{4})\b/, '$3-$2-$1')
    .replace(/\s*(?:UTC?|UT1)$/i, 'Z');
  const refuse = (why: string): never => {
    throw new NightflowError('bad-input', `The start "${String(value).slice(0, 40)}" ${why}.`, {
      remedy: 'Write it in UTC as 2026-11-21T22:15:00Z.',
    });
  };
  const dated =
    /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})[T\s]+(\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)\s*(Z|[+-]\d{2}:?\d{2})?$/i.exec(
      text,
    );
  if (dated) {
    const [, year, month, day, time, zone = 'Z'] = dated;
    const date = Date.UTC(Number(year), Number(month) - 1, Number(day));
    const calendar = new Date(date);
    if (calendar.getUTCMonth() !== Number(month) - 1 || calendar.getUTCDate() !== Number(day))
      refuse('is no day of the calendar');
    return date + timeOfDay(time!, refuse) - offsetOf(zone);
  }
  if (/^\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?Z?$/i.test(text)) {
    if (after === undefined) return refuse('has no date');
    const time = timeOfDay(text.replace(/Z$/i, ''), refuse);
    const today = Math.floor(after / dayMilliseconds) * dayMilliseconds + time;
    return today > after ? today : today + dayMilliseconds;
  }
  return refuse('is no date and time');
}

/** Seconds: a number, or with a unit (`30s`, `500 ms`, `2 min`, `1.5h`). @throws bad-input when not above 0 or longer than a day */
export function parseDuration(value: unknown, what: string): number {
  const match = /^(\d+(?:[.,]\d+)?|[.,]\d+)\s*(ms|s|sec|seconds?|m|min|minutes?|h|hours?)?$/i.exec(
    String(value).trim(),
  );
  const unit = match?.[2]?.toLowerCase() ?? 's';
  const factor = unit === 'ms' ? 1e-3 : unit.startsWith('m') ? 60 : unit.startsWith('h') ? 3600 : 1;
  const seconds = match ? Number(match[1]!.replace(',', '.')) * factor : Number.NaN;
  if (!(seconds > 0 && seconds <= 86_400))
    throw new NightflowError(
      'bad-input',
      `The ${what} "${String(value).slice(0, 40)}" is no time above 0 s and up to a day.`,
      {
        remedy: 'Write seconds, or a number with s, min or h.',
      },
    );
  return seconds;
}

function timeOfDay(text: string, refuse: (why: string) => never): number {
  const [hours, minutes, seconds = '0'] = text.split(':');
  const [h, m, s] = [Number(hours), Number(minutes), Number(seconds.replace(',', '.'))];
  if (h > 23 || m > 59 || s >= 61) refuse('is no time of day');
  return Math.round((h * 3600 + m * 60 + s) * 1000);
}

function offsetOf(zone: string): number {
  if (/^z$/i.test(zone)) return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000;
}
