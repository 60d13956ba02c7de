/** Lines of equal right ascension and declination through a picture, at round numbers. */
import { visiblePaths } from './annotation-paths.ts';
import type { SkyProjection } from './projection.ts';
import { type PixelPoint, positionAngle, type SkyPoint, separation } from './wcs.ts';

export interface GridLine {
  /** '5h 30m' or '-10°'. */
  label: string;
  paths: PixelPoint[][];
}

/** About so many lines each way. */
const wantedLines = 5;
const declinationSteps = [1 / 60, 1 / 30, 1 / 12, 1 / 6, 0.25, 0.5, 1, 2, 5, 10, 20, 30];
/** Degrees: 4 s, 10 s, 20 s, 1, 2, 5, 10, 20, 30 minutes, 1, 2, 3 hours. */
const rightAscensionSteps = [4, 10, 20, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800].map(
  (seconds) => seconds / 240,
);

export function gridOf(projection: SkyProjection): GridLine[] {
  const { centre } = projection;
  const border = projection.footprint(16);
  const poles = [90, -90].filter((dec) => isWithin(projection, border, { raDegrees: 0, decDegrees: dec }));
  const decs = [...border.map(({ decDegrees }) => decDegrees), ...poles];
  const [low, high] = [Math.max(-90, Math.min(...decs) - 0.01), Math.min(90, Math.max(...decs) + 0.01)];
  const decStep = stepFor(declinationSteps, (high - low) / wantedLines);
  const offsets = border.map(({ raDegrees }) => ((raDegrees - centre.raDegrees + 540) % 360) - 180);
  const [west, east] = poles.length > 0 ? [-180, 180] : [Math.min(...offsets), Math.max(...offsets)];
  const raStep = stepFor(rightAscensionSteps, (east - west) / (poles.length > 0 ? 12 : wantedLines));

  const lines: GridLine[] = [];
  const add = (label: string, line: SkyPoint[]) => {
    const paths = visiblePaths(projection, line);
    if (paths.length > 0) lines.push({ label, paths });
  };
  const along = (from: number, to: number) => Array.from({ length: 65 }, (_, i) => from + ((to - from) * i) / 64);
  for (let i = Math.ceil(low / decStep); i * decStep <= high; i++) {
    const decDegrees = i * decStep;
    if (Math.abs(decDegrees) > 89.99) continue;
    const line = along(west - 1, east + 1).map((offset) => ({ raDegrees: centre.raDegrees + offset, decDegrees }));
    add(declinationLabel(decDegrees, decStep), line);
  }
  const [first, last] = [centre.raDegrees + west, centre.raDegrees + east];
  const whole = last - first >= 359.9;
  for (let i = Math.ceil(first / raStep); whole ? i * raStep < last - 1e-6 : i * raStep <= last; i++) {
    const raDegrees = i * raStep;
    // Near a pole the lines would run into one another.
    const [from, to] = [Math.max(low, -90 + decStep), Math.min(high, 90 - decStep)];
    const ends = poles.length > 0 ? [from, to] : [low, high];
    add(
      rightAscensionLabel(raDegrees, raStep),
      along(ends[0]!, ends[1]!).map((decDegrees) => ({ raDegrees, decDegrees })),
    );
  }
  return lines;
}

/** A pole is in the picture when the border goes once round it. */
function isWithin({ centre, radiusDegrees }: SkyProjection, border: SkyPoint[], pole: SkyPoint): boolean {
  if (separation(centre, pole) > radiusDegrees) return false;
  const angles = border.map((point) => positionAngle(pole, point));
  let turn = 0;
  for (const [i, angle] of angles.entries()) turn += ((angle - angles.at(i - 1)! + 540) % 360) - 180;
  return Math.abs(turn) > 180;
}

const stepFor = (steps: readonly number[], wanted: number): number =>
  steps.find((step) => step >= wanted) ?? steps.at(-1)!;

function declinationLabel(degrees: number, step: number): string {
  const minutes = Math.round(Math.abs(degrees) * 60);
  const sign = minutes === 0 ? '' : degrees < 0 ? '-' : '+';
  return step >= 1
    ? `${sign}${Math.round(Math.abs(degrees))}°`
    : `${sign}${Math.floor(minutes / 60)}° ${minutes % 60}'`;
}

function rightAscensionLabel(degrees: number, step: number): string {
  const seconds = Math.round((((degrees % 360) + 360) % 360) * 240);
  const [hours, minutes] = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (step >= 15) return `${hours}h`;
  return step >= 0.25 ? `${hours}h ${minutes}m` : `${hours}h ${minutes}m ${seconds % 60}s`;
}
