/** A target: a place of the catalogue with its name, and what a list says about the event that happens there. */
import { NightflowError } from '../process/errors.ts';
import { type ParsedAngle, parseDeclination, parseRightAscension } from './angles.ts';
import { parseCoordinates } from './angles-pair.ts';
import type { EquatorialPlace } from './coordinates-date.ts';
import { parseDuration, parseMoment } from './target-times.ts';

/** `msg.target`: degrees, J2000 (ICRS). */
export interface Target extends EquatorialPlace {
  name: string;
  /** Line of the list it came from, from 1. */
  line?: number;
  /** When its event begins, ISO 8601 UTC. */
  start?: string;
  durationSeconds?: number;
  magnitude?: number;
  exposureSeconds?: number;
  /** How what could be read in two ways was read. */
  notes?: string[];
}

/** What may be given, as text or number; `ra` and `dec` apart, or `coordinates` with both. */
export interface TargetInput {
  name?: unknown;
  coordinates?: unknown;
  ra?: unknown;
  dec?: unknown;
  start?: unknown;
  durationSeconds?: unknown;
  magnitude?: unknown;
  exposureSeconds?: unknown;
  properMotionRaMas?: unknown;
  properMotionDecMas?: unknown;
  epochYear?: unknown;
  line?: number;
}

export interface TargetOptions {
  /** UTC ms: a start that is only a time of day is the next such moment after it. */
  after?: number;
}

const longestName = 80;

/** @throws bad-input naming what is wrong and the remedy */
export function targetOf(input: TargetInput, { after }: TargetOptions = {}): Target {
  const place = placeOf(input);
  const target: Target = { name: nameOf(input, place), raDegrees: place.raDegrees, decDegrees: place.decDegrees };
  if (input.line !== undefined) target.line = input.line;
  if (given(input.start)) target.start = new Date(parseMoment(input.start, after)).toISOString();
  if (given(input.durationSeconds)) target.durationSeconds = parseDuration(input.durationSeconds, 'duration');
  if (given(input.exposureSeconds)) target.exposureSeconds = parseDuration(input.exposureSeconds, 'exposure');
  const numbers = {
    magnitude: [-30, 40],
    properMotionRaMas: [-20000, 20000],
    properMotionDecMas: [-20000, 20000],
  } as const;
  for (const [name, [lowest, highest]] of Object.entries(numbers) as [
    keyof typeof numbers,
    readonly [number, number],
  ][])
    if (given(input[name])) target[name] = numberOf(input[name], name, lowest, highest);
  if (given(input.epochYear))
    target.epochYear = numberOf(String(input.epochYear).replace(/^J/i, ''), 'epoch', 1600, 2400);
  if (place.notes.length > 0) target.notes = place.notes;
  return target;
}

function placeOf({ coordinates, ra, dec }: TargetInput): { raDegrees: number; decDegrees: number; notes: string[] } {
  if (given(ra) && given(dec)) {
    const [raAngle, decAngle] = [parseRightAscension(textOrNumber(ra)), parseDeclination(textOrNumber(dec))];
    const notes = [raAngle, decAngle].map(({ note }: ParsedAngle) => note).filter((note) => note !== null);
    return { raDegrees: raAngle.degrees, decDegrees: decAngle.degrees, notes };
  }
  if (given(coordinates)) return parseCoordinates(String(coordinates));
  throw new NightflowError('bad-input', `The target has no ${given(ra) ? 'declination' : 'right ascension'}.`, {
    remedy: 'Give right ascension and declination, J2000.',
  });
}

/** A target without a name is called by its place. */
function nameOf({ name }: TargetInput, { raDegrees, decDegrees }: { raDegrees: number; decDegrees: number }): string {
  const text = given(name) ? String(name).normalize('NFC').replace(/\s+/g, ' ').trim() : '';
  if (text.length > longestName)
    throw new NightflowError('bad-input', `The name "${text.slice(0, 40)}…" is longer than ${longestName} characters.`);
  return text || `${raDegrees.toFixed(4)} ${decDegrees < 0 ? '' : '+'}${decDegrees.toFixed(4)}`;
}

function numberOf(value: unknown, what: string, lowest: number, highest: number): number {
  const number =
    typeof value === 'number' ? value : Number(String(value).trim().replace(/[−–]/g, '-').replace(',', '.'));
  if (!(number >= lowest && number <= highest))
    throw new NightflowError(
      'bad-input',
      `The ${what} "${String(value).slice(0, 40)}" is no number from ${lowest} to ${highest}.`,
    );
  return number;
}

/** Tables write a dash or a word where they know nothing. */
const nothing = /^(?:|[-–—?]+|n\/?a|nan|null|none|unknown)$/i;
const given = (value: unknown): boolean =>
  value !== undefined && value !== null && !(typeof value === 'string' && nothing.test(value.trim()));
const textOrNumber = (value: unknown): string | number => (typeof value === 'number' ? value : String(value));
