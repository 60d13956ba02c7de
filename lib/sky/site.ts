/** Where the observatory stands: read from what a person typed (decimal or sexagesimal) and checked. */
import type { FrameSite } from '../frame/frame.ts';
import { NightflowError } from '../process/errors.ts';

export interface Site extends FrameSite {
  /** IANA name (Europe/Oslo) that decides which night a frame belongs to; null: mean solar time of the longitude. */
  timeZone: string | null;
}

export interface SiteInput {
  name?: string;
  /** Degrees, or text: 69.65, 69:39:00, 69° 39' 00" N, 69d39m, 18.95 W. */
  latitude: number | string;
  longitude: number | string;
  /** Metres above sea level; 0 when not given. */
  elevation?: number | string | null;
  timeZone?: string | null;
}

/** @throws bad-input that names the field, what stood there and what is expected. */
export function parseSite(input: SiteInput): Site {
  const name = input.name?.trim();
  return {
    ...(name ? { name } : {}),
    latitude: parseLatitude(input.latitude),
    longitude: parseLongitude(input.longitude),
    elevation: parseElevation(input.elevation),
    timeZone: parseTimeZone(input.timeZone),
  };
}

/** Degrees, north positive. @throws bad-input outside -90..90 */
export function parseLatitude(value: number | string): number {
  const degrees = parseAngle(value, 'latitude', 'N', 'S');
  if (Math.abs(degrees) > 90)
    throw new NightflowError('bad-input', `The latitude ${value} is outside -90° to 90°.`, {
      remedy: 'Latitude and longitude may be swapped.',
    });
  return degrees;
}

/** Degrees, east positive, -180 to 180 (east longitudes up to 360° are taken too). @throws bad-input */
export function parseLongitude(value: number | string): number {
  const degrees = parseAngle(value, 'longitude', 'E', 'W');
  if (degrees < -180 || degrees > 360)
    throw new NightflowError('bad-input', `The longitude ${value} is outside -180° to 360°.`, {
      remedy: 'East is positive, west is negative.',
    });
  return degrees > 180 ? degrees - 360 : degrees;
}

function parseElevation(value: number | string | null | undefined): number {
  if (value === null || value === undefined || value === '') return 0;
  const metres = Number(typeof value === 'string' ? value.trim().replace(/\s*m$/i, '').replace(',', '.') : value);
  if (!(metres >= -500 && metres <= 9000))
    throw new NightflowError('bad-input', `The elevation "${value}" is not a height between -500 and 9000 m.`, {
      remedy: 'Give metres above sea level.',
    });
  return metres;
}

function parseTimeZone(value: string | null | undefined): string | null {
  const name = value?.trim();
  if (!name) return null;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch (cause) {
    throw new NightflowError('bad-input', `The time zone "${value}" is not known.`, {
      cause,
      remedy: 'Use an IANA name such as Europe/Oslo, or leave it empty for solar time.',
    });
  }
}

const degreesText = /^([+-])?\s*(\d{1,3}(?:[.,]\d+)?)\s*(?:°|º|d|deg|degrees)?$/i;
const sexagesimalText =
  /^([+-])?\s*(\d{1,3})\s*(?:°|º|d|:|\s)\s*(\d{1,2}(?:[.,]\d+)?)\s*(?:'|′|’|m|:|\s)?(?:\s*(\d{1,2}(?:[.,]\d+)?)\s*(?:"|″|”|''|s)?)?$/i;

function parseAngle(value: number | string, what: string, positive: string, negative: string): number {
  const refuse = (why: string): never => {
    throw new NightflowError('bad-input', `The ${what} "${value}" ${why}.`, {
      remedy: `Write degrees (-18.95) or degrees, minutes and seconds (18:57:00 ${negative}).`,
    });
  };
  if (typeof value === 'number') return Number.isFinite(value) ? value : refuse('is not a number');
  let text = String(value ?? '')
    .trim()
    .replace(/[−–]/g, '-');
  if (text === '') refuse('is empty');
  const letter = /^([NSEW])\s*(?=[\d])|(?<=[\d\s°º'′’"″”dms])([NSEW])$/i.exec(text);
  const direction = (letter?.[1] ?? letter?.[2])?.toUpperCase();
  if (letter) text = (text.slice(0, letter.index) + text.slice(letter.index + letter[0].length)).trim();
  if (direction !== undefined && direction !== positive && direction !== negative)
    refuse(`ends in ${direction}, which is not ${positive} or ${negative}`);
  const match = degreesText.exec(text) ?? sexagesimalText.exec(text);
  if (!match) return refuse('is not an angle');
  const [, sign, degrees, minutes = '0', seconds = '0'] = match;
  const number = (part: string | undefined) => Number((part ?? '0').replace(',', '.'));
  if (number(minutes) >= 60 || number(seconds) >= 60) refuse('has minutes or seconds of 60 or more');
  if (sign !== undefined && direction !== undefined) refuse('has both a sign and a direction');
  const size = number(degrees) + number(minutes) / 60 + number(seconds) / 3600;
  return sign === '-' || direction === negative ? -size : size;
}
