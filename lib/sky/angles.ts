/** Right ascension and declination as people type them, to decimal degrees; what could be read in two ways says how it was read. */
import { NightflowError } from '../process/errors.ts';

export interface ParsedAngle {
  degrees: number;
  /** How an ambiguous text was read, one sentence; null when it can be read in one way only. */
  note: string | null;
}

/** Longest text that is looked at. */
const longestText = 120;
const shownCharacters = 60;

const number = String.raw`\d{1,3}(?:[.,]\d{1,12})?`;
const part = String.raw`\d{1,2}(?:[.,]\d{1,12})?`;
/** Sign, first part with its unit, minutes, seconds; one sign for the unit of each. */
const angleText = new RegExp(
  String.raw`^([+-])?\s*(${number})\s*(h(?:ours?|rs?)?|d(?:eg(?:rees?)?)?|°|:|(?=\s\s*\d)|$)` +
    String.raw`(?:\s*(${part})\s*(m(?:in)?|'|:|(?=\s\s*\d)|$)(?:\s*(${part})\s*(s(?:ec)?|"|'')?)?)?$`,
  'i',
);

interface Parts {
  negative: boolean;
  /** In the unit of the first part. */
  size: number;
  /** h, d, or '' where only colons, spaces or nothing say so. */
  unit: '' | 'h' | 'd';
  sexagesimal: boolean;
}

/**
 * Right ascension, degrees 0..360. `12h34m56.7s`, `12:34:56.7` and `12 34 56.7` are hours, `188.7d`, `188° 44' 10"` and plain numbers
 * are degrees. Parts of 24 or more without a unit are taken as degrees. @throws bad-input naming the text and the remedy
 */
export function parseRightAscension(value: number | string): ParsedAngle {
  const shown = shownOf(value);
  const refuse = (why: string): never => {
    throw new NightflowError('bad-input', `The right ascension "${shown}" ${why}.`, {
      remedy: 'Write 12h34m56.7s or 12:34:56.7 (hours), or 188.736 (degrees).',
    });
  };
  const { negative, size, unit, sexagesimal } = partsOf(value, refuse);
  if (unit === 'h' || (unit === '' && sexagesimal && size < 24)) {
    if (negative) refuse('is below 0 h');
    if (size >= 24) refuse('is not below 24 h');
    return { degrees: size * 15, note: null };
  }
  if (negative ? size > 180 : size > 360) refuse('is outside 0° to 360°');
  const degrees = (negative ? 360 - size : size) % 360;
  if (unit === 'd') return { degrees, note: null };
  if (sexagesimal) return { degrees, note: `The right ascension "${shown}" is 24 or more, so it was read as degrees.` };
  // A number of a message is degrees by contract; only what a person typed may have been meant as hours.
  const mayBeHours = typeof value === 'string' && !negative && size > 0 && size < 24;
  const hours = mayBeHours ? `The right ascension "${shown}" was read as degrees; for hours write ${shown}h.` : null;
  return { degrees, note: hours };
}

/** Declination, degrees -90..90: `-5.17`, `-05:10:12`, `−5° 10′ 12″`, `5d10m S`. @throws bad-input naming the text and the remedy */
export function parseDeclination(value: number | string): ParsedAngle {
  const shown = shownOf(value);
  const refuse = (why: string): never => {
    throw new NightflowError('bad-input', `The declination "${shown}" ${why}.`, {
      remedy: 'Write degrees: -5.17, -05:10:12 or -5d10m12s.',
    });
  };
  const parts = partsOf(value, refuse);
  if (parts.unit === 'h') refuse('is in hours');
  if (parts.size > 90) refuse('is outside -90° to 90°; right ascension and declination may be swapped');
  return { degrees: parts.negative ? -parts.size : parts.size, note: null };
}

/** `12h34m56.70s`, for people; messages carry degrees. @param digits decimals of the seconds */
export function formatRightAscension(degrees: number, digits = 2): string {
  const [hours, minutes, seconds] = split(((((degrees % 360) + 360) % 360) / 15) * 3600, digits);
  return `${pad(hours % 24)}h${pad(minutes)}m${padded(seconds, digits)}s`;
}

/** `-05°10'12.0"`. @param digits decimals of the seconds */
export function formatDeclination(degrees: number, digits = 1): string {
  const [whole, minutes, seconds] = split(Math.abs(degrees) * 3600, digits);
  return `${degrees < 0 ? '-' : '+'}${pad(whole)}°${pad(minutes)}'${padded(seconds, digits)}"`;
}

/** The signs that word processors, catalogues and web pages use, as ASCII. */
export const plainSigns = (text: string): string =>
  text
    .normalize('NFKC')
    .replace(/[−–—‐‑‒﹣]/g, '-')
    .replace(/[º˚∘]/g, '°')
    .replace(/[′’‘ʹ´`]/g, "'")
    .replace(/[″”“ʺ]/g, '"')
    .replace(/[ʰ]/g, 'h')
    .replace(/[ᵐ]/g, 'm')
    .replace(/[ˢ]/g, 's')
    .replace(/[\s ]+/g, ' ')
    .trim();

function partsOf(value: number | string, refuse: (why: string) => never): Parts {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) refuse('is not a number');
    return { negative: value < 0, size: Math.abs(value), unit: '', sexagesimal: false };
  }
  if (typeof value !== 'string') refuse('is not a text or a number');
  if (value.length > longestText) refuse('is too long for an angle');
  let text = plainSigns(value);
  if (text === '') refuse('is empty');
  const pole = /(?<=[\d"'°dms\s])\s*([NS])$/i.exec(text);
  // A small s behind the last number is its unit, seconds.
  const south = pole && (pole[1] === 'N' || pole[1] === 'S') ? pole[1] : null;
  if (south) text = text.slice(0, pole!.index).trim();
  const match = angleText.exec(text);
  if (!match) return refuse('is not an angle');
  const [, sign, first, mark, minutes, minuteMark, seconds] = match;
  if (south && sign) refuse('has both a sign and a direction');
  const letter = mark!.charAt(0).toLowerCase();
  const unit = letter === 'h' ? 'h' : letter === 'd' || letter === '°' ? 'd' : '';
  const sexagesimal = minutes !== undefined;
  if (sexagesimal && /[.,]/.test(first!)) refuse('has minutes behind a fraction');
  if (seconds !== undefined && /[.,]/.test(minutes!)) refuse('has seconds behind a fraction');
  if (!sexagesimal && mark === ':') refuse('is not an angle');
  if (sexagesimal && seconds === undefined && minuteMark === ':') refuse('is not an angle');
  const [m, s] = [decimal(minutes), decimal(seconds)];
  if (m >= 60 || s >= 60) refuse('has minutes or seconds of 60 or more');
  const size = decimal(first) + m / 60 + s / 3600;
  return { negative: sign === '-' || south === 'S', size, unit, sexagesimal };
}

const decimal = (text: string | undefined): number => Number((text ?? '0').replace(',', '.'));
const shownOf = (value: unknown): string => String(value).trim().slice(0, shownCharacters);

function split(seconds: number, digits: number): [number, number, number] {
  const unit = 10 ** digits;
  const whole = Math.round(seconds * unit);
  return [Math.floor(whole / (3600 * unit)), Math.floor(whole / (60 * unit)) % 60, (whole % (60 * unit)) / unit];
}
const pad = (value: number): string => String(value).padStart(2, '0');
const padded = (seconds: number, digits: number): string =>
  seconds.toFixed(digits).padStart(digits > 0 ? 3 + digits : 2, '0');
