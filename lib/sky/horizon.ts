/** The user's own horizon: how high trees, roofs and hills stand in each direction, from a list of points or a file of another program. */
import { NightflowError } from '../process/errors.ts';

export interface HorizonPoint {
  /** From north through east, 0..360. */
  azimuthDegrees: number;
  /** What can be seen is above it. */
  altitudeDegrees: number;
}

/** Points in order of azimuth, as parallel lists with one more at each end so that every azimuth lies between two. */
export interface Horizon {
  readonly azimuths: Float64Array;
  readonly altitudes: Float64Array;
  /** As given, without the two for the turn. */
  readonly points: readonly HorizonPoint[];
}

/** Lines and characters that are believed. */
const longestText = 200_000;
const mostPoints = 5000;

/** A horizon from points in any order; of several at one azimuth the highest counts. @throws bad-input naming the point */
export function horizonOf(points: readonly HorizonPoint[]): Horizon {
  if (points.length === 0) throw refusal('The horizon has no points.');
  if (points.length > mostPoints) throw refusal(`The horizon has more than ${mostPoints} points.`);
  const highest = new Map<number, number>();
  for (const [index, { azimuthDegrees, altitudeDegrees }] of points.entries()) {
    if (!(azimuthDegrees >= -360 && azimuthDegrees <= 720))
      throw refusal(`Point ${index + 1} of the horizon has the azimuth ${azimuthDegrees}, outside 0° to 360°.`);
    if (!(altitudeDegrees >= -90 && altitudeDegrees <= 90))
      throw refusal(`Point ${index + 1} of the horizon has the altitude ${altitudeDegrees}, outside -90° to 90°.`);
    const azimuth = ((azimuthDegrees % 360) + 360) % 360;
    highest.set(azimuth, Math.max(highest.get(azimuth) ?? -90, altitudeDegrees));
  }
  const sorted = [...highest].sort(([a], [b]) => a - b);
  const [first, last] = [sorted[0]!, sorted.at(-1)!];
  const around = [[last[0] - 360, last[1]], ...sorted, [first[0] + 360, first[1]]];
  return {
    azimuths: Float64Array.from(around, ([azimuth]) => azimuth!),
    altitudes: Float64Array.from(around, ([, altitude]) => altitude!),
    points: sorted.map(([azimuthDegrees, altitudeDegrees]) => ({ azimuthDegrees, altitudeDegrees })),
  };
}

/** Height of the horizon in a direction, degrees, straight between the points; 0 without a horizon. */
export function horizonAltitude(horizon: Horizon | null, azimuthDegrees: number): number {
  if (horizon === null) return 0;
  const { azimuths, altitudes } = horizon;
  const azimuth = ((azimuthDegrees % 360) + 360) % 360;
  let [low, high] = [0, azimuths.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (azimuths[middle]! <= azimuth) low = middle;
    else high = middle;
  }
  const width = azimuths[high]! - azimuths[low]!;
  const part = width > 0 ? (azimuth - azimuths[low]!) / width : 0;
  return altitudes[low]! + part * (altitudes[high]! - altitudes[low]!);
}

/**
 * Reads points pasted or from a file, one `azimuth altitude` a line (blank, comma, semicolon or tab between; `°` and decimal commas are
 * fine; `#`, `//`, `;` and `!` begin a comment): the shape of the horizon files of N.I.N.A. and of Stellarium's polygonal landscapes, whose
 * line `polygonal_horizon_list_mode` may stand with them and then counts (degrees from north only). A single number is a flat horizon;
 * several points may share a line: `0:10, 90:25`.
 * @returns null for an empty text @throws bad-input naming the line
 */
export function parseHorizon(text: string): Horizon | null {
  if (text.length > longestText) throw refusal('The horizon is too long.');
  const lines = text
    .replace(/^﻿/, '')
    .split(/\r\n|\r|\n/)
    .map((line, index) => ({ number: index + 1, text: withoutComment(line) }))
    .filter((line) => line.text !== '');
  if (lines.length === 0) return null;
  if (lines.length === 1) {
    const flat = numberOf(lines[0]!.text.replace(/°$/, '').trim());
    if (flat !== null) return horizonOf([{ azimuthDegrees: 0, altitudeDegrees: checked(flat, 1) }]);
  }
  let zenithDistances = false;
  const points: HorizonPoint[] = [];
  for (const line of lines) {
    const setting = /^(?:polygonal_horizon_list_mode|horizon_mode)\s*=\s*(\w+)/i.exec(line.text);
    if (setting) {
      const mode = setting[1]!.toLowerCase();
      if (mode !== 'azdeg_altdeg' && mode !== 'azdeg_zenithdistancedeg')
        throw refusal(
          `Line ${line.number} of the horizon names the list mode ${mode}, which is not in degrees from north.`,
        );
      zenithDistances = mode === 'azdeg_zenithdistancedeg';
      continue;
    }
    const pieces = line.text.split(/\s*[;|]\s*|,(?=\s*-?\d+(?:\.\d+)?\s*:)/).filter((piece) => piece !== '');
    const whole = pieces.length > 1 ? pairOf(line.text) : null;
    const pairs = whole ? [whole] : pieces.map(pairOf);
    for (const pair of pairs) {
      if (pair === null) {
        // The first line of a table may name its columns.
        if (points.length === 0 && line === lines[0] && /[a-z]/i.test(line.text)) continue;
        throw refusal(
          `Line ${line.number} of the horizon, "${line.text.slice(0, 60)}", is no azimuth with an altitude.`,
        );
      }
      const [azimuthDegrees, given] = pair;
      if (!(azimuthDegrees >= -360 && azimuthDegrees <= 720))
        throw refusal(`Line ${line.number} of the horizon has the azimuth ${azimuthDegrees}, outside 0° to 360°.`);
      points.push({ azimuthDegrees, altitudeDegrees: checked(zenithDistances ? 90 - given : given, line.number) });
    }
  }
  return horizonOf(points);
}

function checked(altitude: number, line: number): number {
  if (altitude >= -90 && altitude <= 90) return altitude;
  throw refusal(`Line ${line} of the horizon has the altitude ${altitude}, outside -90° to 90°.`);
}

/** Two numbers, whatever stands between them; null when they aren't two. */
function pairOf(text: string): [number, number] | null {
  const clean = text
    .replace(/°|\bdeg\b/gi, ' ')
    .replace(/[−–]/g, '-')
    .trim();
  const parts = /[\s;:\t]/.test(clean)
    ? clean.split(/[\s;:]+|,(?=\s)/).map((part) => part.replace(/,$/, ''))
    : clean.split(',');
  const numbers = parts.filter((part) => part !== '').map(numberOf);
  if (numbers.length !== 2) return null;
  const [azimuth, altitude] = numbers;
  return azimuth === null || altitude === null ? null : [azimuth!, altitude!];
}

const numberOf = (text: string): number | null =>
  /^[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)$/.test(text) ? Number(text.replace(',', '.')) : null;

const withoutComment = (line: string): string =>
  line
    .replace(/^\s*[;!].*$/, '')
    .replace(/(?:#|\/\/).*$/, '')
    .trim();

const refusal = (sentence: string) =>
  new NightflowError('bad-input', sentence, {
    remedy:
      'Write one point a line: azimuth from north through east, then altitude, both in degrees, such as "90 25.5".',
  });
