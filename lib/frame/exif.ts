/**
 * What a camera wrote about its exposure (EXIF 2.32, TIFF/EP, DNG) to the fields of a Frame.
 *
 * EXIF times have no zone unless OffsetTimeOriginal or a GPS time says it. Without either they are taken as UTC and
 * `timeUncertaintySeconds` says 14 hours, the farthest zone; with one, a second and the exposure: EXIF doesn't tell
 * whether the shutter opened or closed then.
 */
import type { FrameFields, FrameSite, Keyword } from './frame.ts';
import type { Tiff, TiffDirectory } from './tiff/directories.ts';
import { gpsTags, tags } from './tiff/tags.ts';

export type ExifFields = Pick<
  FrameFields,
  | 'start'
  | 'middle'
  | 'end'
  | 'timeSource'
  | 'timeUncertaintySeconds'
  | 'exposureSeconds'
  | 'gain'
  | 'camera'
  | 'site'
  | 'keywords'
>;

/** Uncertainty of a time whose zone nobody wrote: the farthest zone. */
export const unknownZoneSeconds = 14 * 3600;

/** `gain` is the ISO speed; for a Raspberry Pi camera, whose programs write 100 times the analogue gain there, that gain. */
export function exifFields(tiff: Tiff): ExifFields {
  const number = (tag: number) => firstIn(tiff, (directory) => finite(directory.number(tag)));
  const text = (tag: number) => firstIn(tiff, (directory) => directory.text(tag));
  const make = text(tags.make);
  const exposureSeconds = nonNegative(number(tags.exposureTime));
  const iso = nonNegative(number(tags.isoSpeed));
  const ofThePi = /raspberry ?pi/i.test(make ?? '');
  const keywords: Keyword[] = [];
  const keep = (name: string, value: string | number | null, comment: string) => {
    if (value !== null) keywords.push({ name, value, comment });
  };
  keep('ISOSPEED', iso || null, 'ISO speed');
  keep('FNUMBER', nonNegative(number(tags.fNumber)) || null, 'focal ratio');
  keep('FOCALLEN', nonNegative(number(tags.focalLength)) || null, '[mm] focal length');
  keep('LENS', ascii(text(tags.lensModel)), 'lens');
  keep('ORIENTAT', number(tags.orientation), 'EXIF orientation, not applied to the pixels');
  keep('SOFTWARE', ascii(text(tags.software)), 'program that wrote the file');
  return {
    ...timesOf(tiff, exposureSeconds),
    exposureSeconds,
    gain: iso ? (ofThePi ? iso / 100 : iso) : null,
    camera: cameraName(make, text(tags.model) ?? text(tags.uniqueCameraModel)),
    site: siteOf(tiff.gps),
    keywords,
  };
}

export type ExposureTimes = Pick<ExifFields, 'start' | 'middle' | 'end' | 'timeSource' | 'timeUncertaintySeconds'>;

/** @param milliseconds Local or UTC time of the exposure as the camera wrote it, UTC when `zoneKnown`. */
export function exposureTimes(
  milliseconds: number | null,
  exposureSeconds: number | null,
  zoneKnown: boolean,
): ExposureTimes {
  if (milliseconds === null)
    return { start: null, middle: null, end: null, timeSource: null, timeUncertaintySeconds: null };
  const after = (seconds: number) => new Date(milliseconds + seconds * 1000).toISOString();
  return {
    start: after(0),
    middle: exposureSeconds === null ? null : after(exposureSeconds / 2),
    end: exposureSeconds === null ? null : after(exposureSeconds),
    timeSource: 'file',
    timeUncertaintySeconds: zoneKnown ? 1 + (exposureSeconds ?? 0) : unknownZoneSeconds,
  };
}

/** "SONY" and "ILCE-7M3" make one name; "NIKON CORPORATION" and "NIKON D70" don't say NIKON twice. */
export function cameraName(make: string | null, model: string | null): string | null {
  const [brand = ''] = (make ?? '').split(' ', 1);
  const joined =
    !model || !make || model.toUpperCase().startsWith(brand.toUpperCase()) ? (model ?? make) : `${make} ${model}`;
  return ascii(joined);
}

function timesOf(tiff: Tiff, exposureSeconds: number | null): ExposureTimes {
  const stamps = [
    [tags.dateTimeOriginal, tags.subSecTimeOriginal, tags.offsetTimeOriginal],
    [tags.dateTimeDigitized, tags.subSecTimeDigitized, tags.offsetTimeDigitized],
  ] as const;
  for (const [stamp, fraction, offset] of stamps) {
    const local = firstIn(tiff, (directory) => parseStamp(directory.text(stamp), directory.text(fraction)));
    if (local === null) continue;
    const minutes =
      parseOffset(firstIn(tiff, (directory) => directory.text(offset) ?? directory.text(tags.offsetTime))) ??
      hoursToMinutes(firstIn(tiff, (directory) => directory.number(tags.timeZoneOffset))) ??
      zoneByGps(tiff.gps, local);
    return exposureTimes(local - (minutes ?? 0) * 60_000, exposureSeconds, minutes !== null);
  }
  return exposureTimes(null, exposureSeconds, false);
}

/** Milliseconds of "2026:01:15 21:30:00" as if it were UTC. */
function parseStamp(text: string | null, fraction: string | null): number | null {
  const match = /^(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)/.exec(text ?? '');
  if (!match) return null;
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (year < 1900 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
    return null;
  const part = /^\d{1,9}$/.test(fraction ?? '') ? Number(`0.${fraction}`) * 1000 : 0;
  return Date.UTC(year, month - 1, day, hour, minute, second) + Math.floor(part);
}

/** Minutes east of UTC of "+02:00" or "Z". */
function parseOffset(text: string | null): number | null {
  if (text === 'Z') return 0;
  const match = /^([+-])(\d\d):?(\d\d)$/.exec(text ?? '');
  if (!match) return null;
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return minutes > 14 * 60 ? null : match[1] === '-' ? -minutes : minutes;
}

const hoursToMinutes = (hours: number | null): number | null =>
  hours === null || Math.abs(hours) > 14 ? null : hours * 60;

/** GPS times are UTC: the difference to the local time, when it is near a quarter of an hour, is the zone. */
function zoneByGps(gps: TiffDirectory | null, local: number): number | null {
  const time = gps?.numbers(gpsTags.timeStamp);
  const date = /^(\d{4}):(\d\d):(\d\d)$/.exec(gps?.text(gpsTags.dateStamp) ?? '');
  if (!date || time?.length !== 3 || !time.every(Number.isFinite)) return null;
  const utc =
    Date.UTC(Number(date[1]), Number(date[2]) - 1, Number(date[3])) +
    (time[0]! * 3600 + time[1]! * 60 + time[2]!) * 1000;
  const minutes = (local - utc) / 60_000;
  const zone = Math.round(minutes / 15) * 15;
  return Math.abs(minutes - zone) < 5 && Math.abs(zone) <= 14 * 60 ? zone : null;
}

function siteOf(gps: TiffDirectory | null): FrameSite | null {
  const angle = (tag: number, reference: number) => {
    const parts = gps?.numbers(tag);
    if (parts?.length !== 3 || !parts.every(Number.isFinite)) return null;
    const degrees = parts[0]! + parts[1]! / 60 + parts[2]! / 3600;
    return /^[SW]/i.test(gps!.text(reference) ?? '') ? -degrees : degrees;
  };
  const latitude = angle(gpsTags.latitude, gpsTags.latitudeReference);
  const longitude = angle(gpsTags.longitude, gpsTags.longitudeReference);
  if (latitude === null || longitude === null || Math.abs(latitude) > 90 || Math.abs(longitude) > 180) return null;
  const height = finite(gps!.number(gpsTags.altitude)) ?? 0;
  return { latitude, longitude, elevation: gps!.number(gpsTags.altitudeReference) === 1 ? -height : height };
}

/** A damaged tag costs its value, not the picture. */
function firstIn<Value>(tiff: Tiff, get: (directory: TiffDirectory) => Value | null): Value | null {
  for (const directory of tiff.exif ? [tiff.exif, ...tiff.directories] : tiff.directories)
    try {
      const value = get(directory);
      if (value !== null) return value;
    } catch {}
  return null;
}

const finite = (value: number | null): number | null => (value !== null && Number.isFinite(value) ? value : null);
const nonNegative = (value: number | null): number | null => (value !== null && value >= 0 ? value : null);
/** FITS keywords and EXIF text are ASCII. */
const ascii = (text: string | null): string | null => text?.replace(/[^\x20-\x7e]/g, '?') || null;
