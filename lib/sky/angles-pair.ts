/** A place of the sky typed as one text: right ascension and declination in any notation, or a J designation. */
import { NightflowError } from '../process/errors.ts';
import { parseDeclination, parseRightAscension, plainSigns } from './angles.ts';

export interface ParsedPlace {
  /** J2000 (ICRS). */
  raDegrees: number;
  decDegrees: number;
  /** How what could be read in two ways was read. */
  notes: string[];
}

/** Longest text that is looked at. */
const longestText = 200;

/**
 * `12 34 56.7 -05 10 12`, `12h34m56.7s −5°10′12″`, `188.736, -5.17`, `RA 12:34:56.7 Dec +5:10`, `J123456.7-051012`.
 * @throws bad-input naming the text and the remedy
 */
export function parseCoordinates(typed: string): ParsedPlace {
  const shown = String(typed).trim().slice(0, 80);
  if (typeof typed !== 'string' || typed.length > longestText || shown === '')
    throw refusal(shown === '' ? 'The coordinates are empty.' : `"${shown}" is no pair of coordinates.`);
  const text = plainSigns(typed.replace(/[\t|]/g, ';'))
    .replace(/[()[\]]/g, ' ')
    .replace(/(?:\b(?:r\.?\s?a\.?|right ascension)|α)\s*[=:]?\s*(?=[\d+])/gi, ' ')
    .replace(/[,;/]?\s*(?:\b(?:decl?(?:ination)?\.?|de)|δ)\s*[=:]?\s*(?=[\d+-])/gi, ' ; ')
    .replace(/(?:^|\s)(?:ICRS|J2000(?:\.0)?|FK5)(?=[\s,;:]|$)[,;:]?/gi, ' ')
    .trim();
  const designation = /^J\s?(\d\d)(\d\d)(\d\d(?:\.\d+)?)\s?([+-])(\d\d)(\d\d)(\d\d(?:\.\d+)?)$/i.exec(text);
  if (designation) {
    const [, h, m, s, sign, d, dm, ds] = designation;
    return pairOf(`${h}:${m}:${s}`, `${sign}${d}:${dm}:${ds}`);
  }
  let firstProblem: unknown = null;
  for (const [ra, dec] of waysToSplit(text)) {
    try {
      return pairOf(ra, dec);
    } catch (thrown) {
      firstProblem ??= thrown;
    }
  }
  if (firstProblem instanceof NightflowError)
    throw new NightflowError('bad-input', `The coordinates "${shown}" can't be read: ${firstProblem.message}`, {
      remedy: firstProblem.remedy ?? remedy,
    });
  throw refusal(`"${shown}" is no pair of coordinates.`);
}

const remedy =
  'Write right ascension, then declination: 12h34m56.7s -05d10m12s, 12:34:56.7 -05:10:12 or 188.736 -5.17.';
const refusal = (sentence: string) => new NightflowError('bad-input', sentence, { remedy });

function pairOf(raText: string, decText: string): ParsedPlace {
  const ra = parseRightAscension(raText);
  const dec = parseDeclination(decText);
  const sexagesimal = /\d\s*[:\s°d]\s*\d/.test(decText.trim());
  // Decimals beside decimals are degrees everywhere; whole numbers, or a sexagesimal declination, leave a doubt.
  const decimals = !sexagesimal && /[.,]\d/.test(raText);
  const notes = ra.note !== null && !decimals ? [ra.note] : [];
  return { raDegrees: ra.degrees, decDegrees: dec.degrees, notes };
}

/** Likeliest first: at a separator, before a sign, at a comma that is no decimal one, in the middle of the numbers. */
function* waysToSplit(text: string): Generator<[string, string]> {
  const cut = (at: number, length: number): [string, string] => [
    text.slice(0, at).trim(),
    text.slice(at + length).trim(),
  ];
  const separators = [...text.matchAll(/[;/]/g)];
  if (separators.length > 0) {
    yield cut(separators[0]!.index, 1);
    return;
  }
  const sign = /[\s,]*(?=[+-]\s?\d)/g;
  for (const match of text.matchAll(sign)) if (match.index > 0) return void (yield cut(match.index, match[0].length));
  const spaced = /,\s/.exec(text);
  if (spaced) yield cut(spaced.index, 1);
  const commas = [...text.matchAll(/,/g)];
  if (commas.length === 1 && !/^\d+,\d+$/.test(text)) yield cut(commas[0]!.index, 1);
  const unit = /(?<=[hms])\s+(?=\d+\s*[°d])/i.exec(text) ?? /(?<=s)\s+(?=\d)/i.exec(text);
  if (unit) yield cut(unit.index, unit[0].length);
  const gaps = [...text.matchAll(/\s+/g)];
  if (gaps.length % 2 === 1) yield cut(gaps[gaps.length >> 1]!.index, 1);
  for (const gap of gaps) yield cut(gap.index, 1);
}
