/** A FITS header, as any of the usual programs writes it, to what a Frame knows of itself. */
import type { FrameFields, FrameKind, FrameSite, FrameTarget, Keyword } from '../frame.ts';
import type { FitsHeader } from './cards.ts';
import { isoOf, isSexagesimal, parseAngle, timesOf } from './values.ts';

type HeaderFields = Pick<
  FrameFields,
  | 'kind'
  | 'start'
  | 'middle'
  | 'end'
  | 'timeSource'
  | 'timeUncertaintySeconds'
  | 'exposureSeconds'
  | 'gain'
  | 'offset'
  | 'temperatureCelsius'
  | 'camera'
  | 'site'
  | 'target'
  | 'night'
  | 'number'
  | 'combined'
>;

/**
 * Where programs differ, the first word found counts: EXPTIME, EXPOSURE, EXP; CCD-TEMP, DET-TEMP, SET-TEMP; RA/DEC in
 * degrees or as h m s, else OBJCTRA/OBJCTDEC. A missing GAIN stays null, for 0 is a legal gain. Only a light has a target:
 * programs leave the last OBJECT in darks and biases.
 */
export function fieldsOf(header: FitsHeader): HeaderFields {
  const first = (...names: string[]) => names.map((name) => header.number(name)).find((n) => n !== null) ?? null;
  const kind = kindOf(header);
  const exposureSeconds = exposureOf(header);
  const combined = Math.max(1, Math.round(first('NCOMBINE', 'STACKCNT') ?? 1));
  const times = timesOf(header, exposureSeconds, combined === 1);
  const iso = (time: number | null) => (time === null ? null : isoOf(time));
  return {
    kind,
    start: iso(times.start),
    middle: iso(times.middle),
    end: iso(times.end),
    timeSource: times.start === null ? null : (header.text('TIMESRC') ?? 'file'),
    timeUncertaintySeconds: header.number('TIMSYER'),
    exposureSeconds,
    gain: header.number('GAIN'),
    offset: first('OFFSET', 'BLKLEVEL'),
    temperatureCelsius: celsius(first('CCD-TEMP', 'DET-TEMP', 'SET-TEMP')),
    camera: header.text('INSTRUME') ?? header.text('CAMERA'),
    site: siteOf(header),
    target: kind === 'light' ? targetOf(header) : null,
    night: /^\d{4}-\d\d-\d\d$/.test(header.text('NIGHT') ?? '') ? header.text('NIGHT') : null,
    number: header.number('FRAMENUM'),
    combined,
  };
}

function exposureOf(header: FitsHeader): number | null {
  for (const name of ['EXPTIME', 'EXPOSURE', 'EXP']) {
    const value = header.number(name);
    // Digitised plates count in minutes.
    if (value !== null) return /\bminutes?\b|\[min\]/i.test(header.comment(name)) ? value * 60 : value;
  }
  return null;
}

/** Observatories write kelvin: no sensor works above 100 °C. */
const celsius = (value: number | null) =>
  value !== null && value > 100 ? Math.round((value - 273.15) * 1000) / 1000 : value;

function kindOf(header: FitsHeader): FrameKind {
  for (const name of ['IMAGETYP', 'FRAMETYP', 'OBSTYPE', 'FRAME']) {
    const type = header.text(name)?.toLowerCase() ?? '';
    // A dark for flats ('DARKFLAT', 'Flat Dark') is a dark.
    if (/dark/.test(type)) return 'dark';
    if (/flat/.test(type)) return 'flat';
    if (/bias|zero|offset/.test(type)) return 'bias';
    if (/light|object|snapshot|science/.test(type)) return 'light';
  }
  return 'light';
}

function siteOf(header: FitsHeader): FrameSite | null {
  const angle = (...names: string[]) => names.map((name) => parseAngle(header.value(name))).find((n) => n !== null);
  const latitude = angle('SITELAT', 'LAT-OBS', 'OBSGEO-B', 'LATITUDE');
  const longitude = angle('SITELONG', 'LONG-OBS', 'OBSGEO-L', 'LONGITUD', 'LONGITUDE');
  if (latitude === undefined || longitude === undefined || Math.abs(latitude) > 90 || Math.abs(longitude) > 360)
    return null;
  const elevation = angle('SITEELEV', 'ALT-OBS', 'OBSGEO-H', 'ELEVATIO') ?? 0;
  const name = header.text('SITENAME') ?? header.text('OBSERVAT');
  return { ...(name ? { name } : {}), latitude, longitude: longitude > 180 ? longitude - 360 : longitude, elevation };
}

function targetOf(header: FitsHeader): FrameTarget | null {
  const name = header.text('OBJECT') ?? '';
  const position = positionOf(header, 'RA', 'DEC') ?? positionOf(header, 'OBJCTRA', 'OBJCTDEC');
  if (position === null) return null;
  // Programs without a mount write zeros.
  if (name === '' && position.raDegrees === 0 && position.decDegrees === 0) return null;
  return { name, ...position };
}

function positionOf(header: FitsHeader, raName: string, decName: string): Omit<FrameTarget, 'name'> | null {
  const ra = parseAngle(header.value(raName));
  const dec = parseAngle(header.value(decName));
  if (ra === null || dec === null) return null;
  // Hours when written in parts (MaxIm, OBJCTRA) or when the comment says so (Dwarf 2: '[h]').
  const hours = isSexagesimal(header.value(raName)) || /\[h\]|\bhours?\b/i.test(header.comment(raName));
  const raDegrees = hours ? ra * 15 : ra;
  if (raDegrees < 0 || raDegrees > 360 || Math.abs(dec) > 90) return null;
  return { raDegrees: raDegrees % 360, decDegrees: dec };
}

/** Levels, colour and curve that our own files carry; SATURATE is also SExtractor's word for the white level. */
export function levelsOf(
  header: FitsHeader,
): Partial<Pick<FrameFields, 'blackLevel' | 'whiteLevel' | 'whiteBalance' | 'colourMatrix' | 'transfer'>> {
  const numbers = (names: string[]) => {
    const values = names.map((name) => header.number(name));
    return values.every((value) => value !== null) ? (values as number[]) : undefined;
  };
  return {
    blackLevel: header.number('BLACKLEV') ?? undefined,
    whiteLevel: header.number('WHITELEV') ?? header.number('SATURATE') ?? undefined,
    whiteBalance: numbers(whiteBalanceNames) as [number, number, number] | undefined,
    colourMatrix: numbers(colourMatrixNames),
    transfer: header.text('TRANSFER')?.toUpperCase() === 'SRGB' ? 'srgb' : undefined,
  };
}

export const whiteBalanceNames = ['WB_R', 'WB_G', 'WB_B'];
export const colourMatrixNames = Array.from({ length: 9 }, (_, i) => `COLMAT${i + 1}`);

const structure =
  /^(SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|PCOUNT|GCOUNT|GROUPS|BZERO|BSCALE|BLANK|DATASUM|CHECKSUM|TFIELDS|THEAP|(TTYPE|TFORM|TUNIT|TNULL|TSCAL|TZERO|TDIM|TDISP)\d+|Z(IMAGE|SIMPLE|TENSION|EXTEND|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|TILE\d+|CMPTYPE|NAME\d+|VAL\d+|MASKCMP|QUANTIZ|DITHER0|BLANK|SCALE|ZERO|HECKSUM|DATASUM|BLOCKED))$/;

/** The keywords that say something about the picture, not about how its file is built. */
export function keptKeywords(keywords: readonly Keyword[], compressed: boolean): Keyword[] {
  return keywords.filter(
    ({ name }) => !structure.test(name) && !(compressed && name === 'EXTNAME') && (name !== '' || compressed === false),
  );
}
