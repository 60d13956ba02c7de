/** Moments and durations as target lists give them: UTC, with or without a date, seconds with or without a unit. */
import { NightflowError } from '../process/errors.ts';

const dayMilliseconds = 86_400_000;
const unixEpochJulian = 2_440_587.5;
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/**
 * UTC ms of `2026-11-21T22:15:00Z`, `2026-11-21 22:15:00.5` (UTC without a zone), with an offset, `21 Nov 2026 22:15:00`, `20261121T221500Z`,
 * a Julian date, or `22:15:00` and `22h15m00s`: the next such UTC time of day after `after`. @throws bad-input
 */
export function parseMoment(value: unknown, after?: number): number {
  const given = String(value).trim();
  const julian = /^24[0-9]{5}\.[0-9]+$/.test(given) ? (Number(given) - unixEpochJulian) * dayMilliseconds : Number.NaN;
  // A Julian date with five decimals is a second off; more than a millisecond it never is with eight.
  if (Number.isFinite(julian)) return Math.round(julian);
  const text = plainMoment(given);
  const refuse = (why: string): never => {
    throw new NightflowError('bad-input', `The start "${String(value).slice(0, 40)}" ${why}.`, {
      remedy: 'Write it in UTC as 2026-11-21T22:15:00Z.',
    });
  };
  const slashed = /^(\d{1,2})\/(\d{1,2})\/\d{4}\b/.exec(given);
  if (slashed && Number(slashed[1]) <= 12 && Number(slashed[2]) <= 12) refuse('may mean the day or the month first');
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

/** Seconds: a number, or with a unit (`30s`, `500 ms`, `2 min`, `1.5h`, `1m30s`). @throws bad-input when not above 0 or longer than a day */
export function parseDuration(value: unknown, what: string): number {
  const text = String(value).trim();
  const parts = /^(?:(\d+)\s*h\s*)?(\d+)\s*m(?:in)?\s*(\d+(?:\.\d+)?)\s*s?$/i.exec(text);
  if (parts) return Number(parts[1] ?? 0) * 3600 + Number(parts[2]) * 60 + Number(parts[3]);
  const match = /^(\d+(?:[.,]\d+)?|[.,]\d+)\s*(ms|s|sec|seconds?|m|min|minutes?|h|hours?)?$/i.exec(text);
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

/** Other ways to write a moment, as `2026-11-21 22:15:00Z`. */
function plainMoment(given: string): string {
  const month = (name: string) => String(months.indexOf(name.slice(0, 3).toLowerCase()) + 1);
  return given
    .replace(/\s*(?:UTC?|UT1)$/i, 'Z')
    .replace(
      /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d(?:\.\d+)?)?/i,
      (_, y, m, d, h, min, s = '00') => `${y}-${m}-${d}T${h}:${min}:${s}`,
    )
    .replace(
      /(\d{1,2})\s*h\s*(\d{1,2})\s*m(?:in)?\s*(?:(\d{1,2}(?:[.,]\d+)?)\s*s?)?/i,
      (_, h, m, s = '0') => `${h}:${two(m)}:${two(s)}`,
    )
    .replace(/^(\d{1,2})[.\s/-]+([a-z]{3})[a-z]*[.,\s/-]+(\d{4})/i, (_, d, m, y) => `${y}-${month(m)}-${d}`)
    .replace(/^(\d{4})[\s-]+([a-z]{3})[a-z]*[.,\s-]+(\d{1,2})/i, (_, y, m, d) => `${y}-${month(m)}-${d}`)
    .replace(/^(\d{1,2})[./](\d{1,2})[./](\d{4})\b/, (_, a, b, y) =>
      Number(b) > 12 ? `${y}-${a}-${b}` : `${y}-${b}-${a}`,
    )
    .replace(/^(\d{4}-\d{1,2}-\d{1,2}),\s*/, '$1 ');
}

const two = (part: string): string => (/^\d(?:[.,]|$)/.test(part) ? `0${part}` : part);

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
