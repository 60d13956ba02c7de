/** What a Frame knows of itself to the keywords of a FITS header. */
import { readFileSync } from 'node:fs';
import { packagePath } from '../../process/package-root.ts';
import type { FrameFields, FrameKind } from '../frame.ts';
import { colourMatrixNames, keptKeywords, whiteBalanceNames } from './fields.ts';
import type { Card } from './format.ts';
import { isoOf, parseFitsTime } from './values.ts';

const imageTypes: Record<FrameKind, string> = { light: 'Light', dark: 'Dark', flat: 'Flat', bias: 'Bias' };

/** A master says so: 'Master Dark', as Siril, PixInsight and others write it. */
function imageTypeOf({ kind, keywords }: FrameFields): string {
  const master = `Master ${imageTypes[kind]}`;
  return keywords.some(({ name, value }) => name === 'IMAGETYP' && value === master) ? master : imageTypes[kind];
}

/** All keywords of the file but CHECKSUM and DATASUM: how it is built, what we know, then what the frame came with. */
export function headerOf(frame: FrameFields): Card[] {
  const known = [...timeCards(frame), ...exposureCards(frame), ...placeCards(frame), ...colourCards(frame)];
  const written = new Set(known.map(({ name }) => name));
  const stale = new Set(alwaysStale);
  for (const [name, aliases] of Object.entries(aliasesOf))
    if (written.has(name)) for (const alias of aliases) stale.add(alias);
  const kept = keptKeywords(frame.keywords, false).filter(({ name }) => !written.has(name) && !stale.has(name));
  const program = `Nightflow ${version()}`;
  // The program that took the picture keeps its word; ours says who wrote this file.
  const foreign = kept.some(({ name, value }) => name === 'SWCREATE' && !String(value).startsWith('Nightflow'));
  const others = kept.filter(({ name }) => name !== 'SWMODIFY' && (foreign || name !== 'SWCREATE'));
  const software: Card = foreign
    ? { name: 'SWMODIFY', value: program, comment: 'Program that wrote this file' }
    : { name: 'SWCREATE', value: program, comment: 'Program that wrote this file' };
  return [...structureCards(frame), ...known, software, ...others];
}

function structureCards({ width, height, channels, pixelType }: FrameFields): Card[] {
  const bitpix = pixelType === 'u8' ? 8 : pixelType === 'u16' ? 16 : -32;
  const cards: Card[] = [
    { name: 'SIMPLE', value: true, comment: 'FITS standard 4.0' },
    { name: 'BITPIX', value: bitpix, comment: 'Bits per sample' },
    { name: 'NAXIS', value: channels === 3 ? 3 : 2, comment: 'Number of axes' },
    { name: 'NAXIS1', value: width, comment: '[pixel] Width' },
    { name: 'NAXIS2', value: height, comment: '[pixel] Height' },
  ];
  if (channels === 3) cards.push({ name: 'NAXIS3', value: 3, comment: 'Planes: red, green, blue' });
  cards.push({ name: 'EXTEND', value: true, comment: 'Extensions may follow' });
  if (pixelType === 'u16')
    cards.push(
      { name: 'BZERO', value: 32768, comment: 'Unsigned 16-bit samples' },
      { name: 'BSCALE', value: 1, comment: 'ADU = BZERO + sample' },
    );
  cards.push({ name: 'ROWORDER', value: 'TOP-DOWN', comment: 'The first row is the top of the picture' });
  return cards;
}

function timeCards(frame: FrameFields): Card[] {
  const cards: Card[] = [];
  const add = (name: string, time: string | null, comment: string) => {
    const microseconds = parseFitsTime(time);
    if (microseconds !== null) cards.push({ name, value: isoOf(microseconds).slice(0, -1), comment });
  };
  add('DATE-OBS', frame.start, 'UTC start of exposure');
  add('DATE-BEG', frame.start, 'UTC start of exposure');
  add('DATE-AVG', frame.middle, 'UTC middle of exposure');
  add('DATE-END', frame.end, 'UTC end of exposure');
  if (cards.length > 0) cards.push({ name: 'TIMESYS', value: 'UTC', comment: 'Time scale' });
  if (frame.timeSource !== null)
    cards.push({ name: 'TIMESRC', value: frame.timeSource, comment: 'Clock of the times' });
  return [...cards, ...real('TIMSYER', frame.timeUncertaintySeconds, '[s] Uncertainty of the times')];
}

function exposureCards(frame: FrameFields): Card[] {
  const cards: Card[] = [
    ...real('EXPTIME', frame.exposureSeconds, '[s] Exposure time'),
    ...number('GAIN', frame.gain, 'Gain of the camera, its own units'),
    ...number('OFFSET', frame.offset, 'Offset of the camera, its own units'),
    ...real('CCD-TEMP', frame.temperatureCelsius, '[degC] Sensor temperature'),
    ...text('INSTRUME', frame.camera, 'Camera'),
    { name: 'IMAGETYP', value: imageTypeOf(frame), comment: 'Light, Dark, Flat or Bias' },
    ...text('NIGHT', frame.night, 'Local date of the evening'),
    ...number('FRAMENUM', frame.number, 'Number in the sequence'),
    { name: 'NCOMBINE', value: frame.combined, comment: 'Exposures in this picture' },
  ];
  return cards;
}

function placeCards({ site, target }: FrameFields): Card[] {
  const cards: Card[] = [];
  if (site)
    cards.push(
      ...text('SITENAME', site.name || null, 'Observing site'),
      ...real('SITELAT', site.latitude, '[deg] Latitude, north positive'),
      ...real('SITELONG', site.longitude, '[deg] Longitude, east positive'),
      ...real('SITEELEV', site.elevation, '[m] Above sea level'),
    );
  if (target)
    cards.push(
      ...text('OBJECT', target.name || null, 'Target'),
      ...real('RA', target.raDegrees, '[deg] J2000'),
      ...real('DEC', target.decDegrees, '[deg] J2000'),
      { name: 'OBJCTRA', value: sexagesimal(target.raDegrees / 15, 2, false), comment: '[h m s] J2000' },
      { name: 'OBJCTDEC', value: sexagesimal(target.decDegrees, 1, true), comment: '[d m s] J2000' },
      { name: 'EQUINOX', value: 2000, real: true, comment: 'J2000' },
    );
  return cards;
}

function colourCards(frame: FrameFields): Card[] {
  const cards: Card[] = [
    ...number('BLACKLEV', frame.blackLevel, '[adu] No light'),
    ...number('WHITELEV', frame.whiteLevel, '[adu] Saturation'),
  ];
  if (frame.bayer)
    cards.push(
      { name: 'BAYERPAT', value: frame.bayer, comment: 'Colours of the first two rows of the file' },
      { name: 'XBAYROFF', value: 0, comment: 'Offset of the pattern along the row' },
      { name: 'YBAYROFF', value: 0, comment: 'Offset of the pattern along the column' },
    );
  if (frame.transfer === 'srgb')
    cards.push({ name: 'TRANSFER', value: 'SRGB', comment: 'Samples carry the sRGB curve' });
  frame.whiteBalance?.forEach((value, i) => {
    cards.push(...real(whiteBalanceNames[i]!, value, 'Multiplier that makes grey grey'));
  });
  if (frame.colourMatrix?.length === colourMatrixNames.length)
    frame.colourMatrix.forEach((value, i) => {
      cards.push(...real(colourMatrixNames[i]!, value, 'XYZ (D65) to camera, row-major'));
    });
  return cards;
}

const text = (name: string, value: string | null, comment: string): Card[] =>
  value === null || value === '' ? [] : [{ name, value, comment }];
const number = (name: string, value: number | null, comment: string): Card[] =>
  value === null || !Number.isFinite(value) ? [] : [{ name, value, comment }];
const real = (name: string, value: number | null, comment: string): Card[] =>
  number(name, value, comment).map((card) => ({ ...card, real: true }));

/** '05 35 17.30', '-05 23 28.0'. */
function sexagesimal(value: number, digits: number, signed: boolean): string {
  const unit = 10 ** digits;
  let rest = Math.round(Math.abs(value) * 3600 * unit);
  const seconds = (rest % (60 * unit)) / unit;
  rest = Math.floor(rest / (60 * unit));
  const two = (part: number) => String(part).padStart(2, '0');
  const sign = !signed ? '' : value < 0 ? '-' : '+';
  return `${sign}${two(Math.floor(rest / 60))} ${two(rest % 60)} ${seconds.toFixed(digits).padStart(3 + digits, '0')}`;
}

/** Other programs' words for what the first word says: they would contradict a changed frame. */
const aliasesOf: Record<string, readonly string[]> = {
  'DATE-OBS': ['TIME-OBS', 'UT', 'UTSTART', 'MJD-OBS', 'MJD-BEG', 'MJD-AVG', 'MJD-END', 'JD', 'JD-OBS'],
  EXPTIME: ['EXPOSURE', 'EXP'],
  'CCD-TEMP': ['DET-TEMP'],
  IMAGETYP: ['FRAME', 'FRAMETYP', 'OBSTYPE'],
  NCOMBINE: ['STACKCNT'],
  BAYERPAT: ['COLORTYP'],
  SITELAT: ['LAT-OBS', 'LONG-OBS', 'ALT-OBS', 'OBSGEO-B', 'OBSGEO-L', 'OBSGEO-H', 'LATITUDE', 'LONGITUD', 'ELEVATIO'],
};

/** True of the file it came from only. */
const alwaysStale = [
  'DATE',
  'ROWORDER',
  'DATAMIN',
  'DATAMAX',
  'BAYERPAT',
  'COLORTYP',
  'XBAYROFF',
  'YBAYROFF',
  'TRANSFER',
];

let ownVersion: string | null = null;

function version(): string {
  ownVersion ??= String((JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as { version: string }).version);
  return ownVersion;
}
