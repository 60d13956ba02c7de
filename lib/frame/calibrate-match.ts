/**
 * Whether a master fits a light, keyword by keyword. What differs is refused, what one of them doesn't say is let pass with a
 * warning: masters of other programs lack temperature, gain or camera so often that refusing them would refuse most.
 */
import { NightflowError } from '../process/errors.ts';
import { numberOf } from './fits/cards.ts';
import type { Frame } from './frame.ts';

export type MasterRole = 'bias' | 'dark' | 'flat' | 'flat dark';

/** A header is enough: nothing here looks at a pixel. */
export type Matchable = Omit<Frame, 'data' | 'pixels'>;

export interface MatchOptions {
  /** Exposures may differ: the dark is scaled, which takes a bias. */
  scaled?: boolean;
  /** °C between dark and light beyond which the dark is refused; 5 when absent. From a fifth of it on there is a warning. */
  temperatureTolerance?: number;
  /** FITS keywords that may differ all the same, such as 'GAIN': the user knows better. */
  allow?: readonly string[];
}

export interface Difference {
  keyword: string;
  /** As they are shown. */
  light: string;
  master: string;
  remedy: string;
}

export interface Match {
  /** What makes the master unfit; none for one that fits. */
  differences: Difference[];
  /** Keywords that are known of only one of the two, or of none where it matters. */
  unknown: string[];
  /** Sentences about what is less than right. */
  warnings: string[];
}

const defaultTemperatureTolerance = 5;
/** Exposures are equal within this many seconds or this part of them: headers round, shutters jitter. */
export const exposureToleranceSeconds = 0.05;
export const exposureToleranceFraction = 0.01;
const gainToleranceFraction = 0.005;

/** @param light The frame that is to be calibrated; for a 'flat dark' the flat. */
export function matchMaster(role: MasterRole, master: Matchable, light: Matchable, options: MatchOptions = {}): Match {
  const allowed = new Set((options.allow ?? []).map((name) => name.trim().toUpperCase()));
  const match: Match = { differences: [], unknown: [], warnings: [] };
  const compare = <T>(keyword: string, ofLight: T | null, ofMaster: T | null, same: Same<T>, remedy: string) => {
    if (ofLight === null || ofMaster === null) {
      if (ofLight !== null || ofMaster !== null) match.unknown.push(keyword);
    } else if (!same(ofLight, ofMaster)) {
      const difference = { keyword, light: String(ofLight), master: String(ofMaster), remedy };
      if (allowed.has(keyword)) match.warnings.push(`${keyword} differs: ${differs(role, difference)}.`);
      else match.differences.push(difference);
    }
  };
  compareShape(role, master, light, compare);
  compareKind(role, master, compare);
  compare('INSTRUME', light.camera, master.camera, sameCamera, `Take a ${role} with this camera.`);
  compare('READOUTM', textOf(light, 'READOUTM'), textOf(master, 'READOUTM'), sameText, `Take a ${role} in this mode.`);
  const again = (what: string, value: unknown) => `Take a ${role} with ${what} ${value}.`;
  compare('GAIN', light.gain, master.gain, sameGain, again('gain', light.gain));
  // A flat without its own bias has lost its offset; one with it is matched against that.
  if (role !== 'flat') compare('OFFSET', light.offset, master.offset, equal, again('offset', light.offset));
  if (role === 'dark' || role === 'flat dark') compareDark(role, master, light, options, match, compare);
  if (role === 'flat') compareFlat(master, light, match, compare);
  return match;
}

/** @throws bad-input naming the first keyword that differs, both values and the remedy. */
export function requireMatch(role: MasterRole, master: Matchable, light: Matchable, { differences }: Match): void {
  const [first, ...others] = differences;
  if (!first) return;
  const also = others.length > 0 ? ` So ${others.length > 1 ? 'do' : 'does'} ${others.map(nameOf).join(', ')}.` : '';
  const name = master.source ? ` ${master.source}` : '';
  const whose = role === 'flat dark' ? 'the flat' : (light.source ?? 'the frame');
  throw new NightflowError(
    'bad-input',
    `The ${role}${name} does not match ${whose}: ${first.keyword} differs, ${differs(role, first)}.${also}`,
    { remedy: first.remedy },
  );
}

type Same<T> = (light: T, master: T) => boolean;
type Compare = <T>(keyword: string, light: T | null, master: T | null, same: Same<T>, remedy: string) => void;

function compareShape(role: MasterRole, master: Matchable, light: Matchable, compare: Compare): void {
  const size = `Take a ${role} with the same frame size, region and binning.`;
  compare('NAXIS1', light.width, master.width, equal, size);
  compare('NAXIS2', light.height, master.height, equal, size);
  compare('NAXIS3', light.channels, master.channels, equal, 'Calibrate before the colours are made, not after.');
  for (const axis of ['XBINNING', 'YBINNING'])
    compare(axis, numberOfKeyword(light, axis), numberOfKeyword(master, axis), equal, size);
  const pattern = 'Save both from the same program, so that they begin with the same pixel.';
  compare('BAYERPAT', light.bayer, master.bayer, equal, pattern);
  // Levels of 8 and of 16 bit have nothing to do with each other; a flat is only a ratio.
  // Floats keep samples of either.
  if (role !== 'flat' && light.pixelType !== 'f32' && master.pixelType !== 'f32')
    compare('BITPIX', bitsOf(light), bitsOf(master), equal, `Take a ${role} with as many bits as the frame has.`);
}

function compareKind(role: MasterRole, master: Matchable, compare: Compare): void {
  const wanted = role === 'flat dark' ? 'dark' : role;
  // A bias is as good as a dark for flats, whose exposures are short.
  const fits = (_: string, kind: string) => kind === wanted || (role === 'flat dark' && kind === 'bias');
  const told = master.kind !== 'light' || kindKeywords.some((name) => master.keyword(name) !== undefined);
  if (told) compare('IMAGETYP', wanted, master.kind, fits, `Choose a file that is a ${role}.`);
}
const kindKeywords = ['IMAGETYP', 'FRAMETYP', 'OBSTYPE', 'FRAME'];

function compareDark(
  role: MasterRole,
  master: Matchable,
  light: Matchable,
  { scaled = false, temperatureTolerance = defaultTemperatureTolerance }: MatchOptions,
  match: Match,
  compare: Compare,
): void {
  // A bias in its place has no exposure to compare.
  if (!scaled && !(role === 'flat dark' && master.kind === 'bias'))
    compare(
      'EXPTIME',
      light.exposureSeconds,
      master.exposureSeconds,
      sameExposure,
      `Take darks of ${light.exposureSeconds} s${role === 'dark' ? ', or give a bias too, so that the dark can be scaled' : ''}.`,
    );
  const near: Same<number> = (a, b) => Math.abs(a - b) <= temperatureTolerance;
  const [a, b] = [light.temperatureCelsius, master.temperatureCelsius];
  compare('CCD-TEMP', a, b, near, `Take darks at ${a} °C, or allow a larger difference.`);
  const apart = a === null || b === null ? 0 : Math.abs(a - b);
  if (apart > temperatureTolerance / 5 && apart <= temperatureTolerance)
    match.warnings.push(
      `The ${role} was ${Number(apart.toFixed(1))} °C ${b! > a! ? 'warmer' : 'colder'} than the frame: some hot pixels will stay or turn dark.`,
    );
}

function compareFlat(master: Matchable, light: Matchable, match: Match, compare: Compare): void {
  const filter = filterOf(light);
  compare('FILTER', filter, filterOf(master), equal, `Take a flat through the filter ${filter}.`);
  const soft = (keyword: string, unit: string, tolerance: (value: number) => number) => {
    const [a, b] = [numberOfKeyword(light, keyword), numberOfKeyword(master, keyword)];
    if (a !== null && b !== null && Math.abs(a - b) > tolerance(a))
      match.warnings.push(`${keyword} differs: ${b}${unit} in the flat, ${a}${unit} in the frame.`);
  };
  soft('FOCALLEN', ' mm', (value) => 0.01 * value);
  soft('ROTATANG', '°', () => 2);
}

const differs = (role: MasterRole, { light, master }: Difference): string =>
  `${master} in the ${role}, ${light} in the ${role === 'flat dark' ? 'flat' : 'frame'}`;
const nameOf = ({ keyword }: Difference) => keyword;

const equal = <T>(a: T, b: T): boolean => a === b;
const sameText: Same<string> = (a, b) => a.trim().toLowerCase() === b.trim().toLowerCase();
const sameGain: Same<number> = (a, b) => Math.abs(a - b) <= gainToleranceFraction * Math.max(Math.abs(a), Math.abs(b));
export const sameExposure: Same<number> = (a, b) =>
  Math.abs(a - b) <= Math.max(exposureToleranceSeconds, exposureToleranceFraction * a);

/** INDI says 'ZWO CCD ASI294MC Pro', others 'ZWO ASI294MC Pro' or 'ASI294MC Pro'. */
const sameCamera: Same<string> = (a, b) => {
  const [one, other] = [a, b].map((name) => name.toLowerCase().replace(/\b(ccd|cmos|camera)\b|[^a-z0-9]/g, ''));
  return one!.includes(other!) || other!.includes(one!);
};

const bitsOf = ({ pixelType }: Matchable): number => (pixelType === 'u8' ? 8 : 16);

/** In small letters; 'none' where the program says that there is no filter, null where it says nothing. */
export function filterOf(frame: Matchable): string | null {
  const name = textOf(frame, 'FILTER')?.toLowerCase();
  if (!name) return null;
  return /^(none|no ?filter|empty|n\/?a|-+)$/.test(name) ? 'none' : name;
}

const textOf = (frame: Matchable, name: string): string | null => String(frame.keyword(name) ?? '').trim() || null;
const numberOfKeyword = (frame: Matchable, name: string): number | null => numberOf(frame.keyword(name) ?? null);
