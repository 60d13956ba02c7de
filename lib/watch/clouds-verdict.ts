/** What is said about a frame's clouds, and the sentences in which it is said. */
import type { Frame, FrameSite } from '../frame/frame.ts';
import { moonAltitudeDegrees, moonIllumination, sunAltitudeDegrees } from '../sky/sun.ts';

export type CloudState = 'clear' | 'cloudy' | 'unknown';
export type CloudSensitivity = 'low' | 'normal' | 'high';

export interface CloudVerdict extends SkyLight {
  state: CloudState;
  /** Part of the sky (0…1) behind clouds; null without a verdict. */
  cloudFraction: number | null;
  /** Light of the stars that comes through, 1 a clear sky: mean over the sky; null without a verdict. */
  transparency: number | null;
  /** Stars bright enough to be compared, and how many of them a clear sky would show; the latter null while it is not known. */
  starCount: number;
  expectedCount: number | null;
  /** One sentence for people. */
  reason: string;
  /** What comes through of each region, row by row from the top left: 1 clear, 0 no star; null for ground and regions without a verdict. */
  cells: readonly (number | null)[];
  columns: number;
  rows: number;
}

/** Degrees without refraction and lit part (0…1); null without site or time. */
export interface SkyLight {
  sunAltitudeDegrees: number | null;
  moonAltitudeDegrees: number | null;
  moonIllumination: number | null;
}

export interface CloudOptions {
  sensitivity: CloudSensitivity;
  /** Fewer stars than this are clouds even before the camera's clear sky is known; 0: no such limit. */
  minimumStars: number;
  /** A verdict (but not 'unknown') holds for the frames of so many seconds after its own; 0 or absent: each frame has its own. */
  holdSeconds?: number;
}

export function skyLight(site: FrameSite | null, milliseconds: number | null): SkyLight {
  if (!site || milliseconds === null)
    return { sunAltitudeDegrees: null, moonAltitudeDegrees: null, moonIllumination: null };
  return {
    sunAltitudeDegrees: round(sunAltitudeDegrees(site, milliseconds)),
    moonAltitudeDegrees: round(moonAltitudeDegrees(site, milliseconds)),
    moonIllumination: round(moonIllumination(milliseconds)),
  };
}

/** UTC ms of the middle of the exposure; null when the frame doesn't know. */
export function middleOf({ start, middle, exposureSeconds }: Frame): number | null {
  const at = Date.parse(middle ?? '');
  if (!Number.isNaN(at)) return at;
  const begun = Date.parse(start ?? '');
  return Number.isNaN(begun) ? null : begun + (exposureSeconds ?? 0) * 500;
}

export const reasons = {
  sun: (altitudeDegrees: number): string => {
    const degrees = Math.round(altitudeDegrees);
    return `The Sun is ${degrees < 0 ? `${-degrees}° below the horizon` : 'up'}: too bright to tell clouds by the stars.`;
  },
  fewer: (count: number, minimum: number): string => `${stars(count)}, fewer than the ${minimum} that are asked for.`,
  learning: (frame: number, of: number): string =>
    `The clear sky of this camera is not known yet: frame ${frame} of ${of}.`,
  tooFew: (expected: number): string =>
    `Only ${stars(Math.round(expected))} to compare with: overcast since the start, too bright a sky or too short an exposure.`,
  verdict: (state: CloudState, fraction: number, count: number, expected: number): string => {
    const of = `${count} of ${expected} stars`;
    if (state === 'clear')
      return fraction < 0.05
        ? `${of}: no clouds.`
        : `${of}: clouds over ${percent(fraction)} of the sky, not enough to matter.`;
    if (fraction > 0.95) return `Overcast, or the lens is covered: ${of}.`;
    return `Clouds over ${percent(fraction)} of the sky: ${of}.`;
  },
} as const;

export const round = (value: number): number => Math.round(value * 100) / 100;
const stars = (count: number): string => (count === 1 ? '1 star' : `${count} stars`);
const percent = (part: number): string => `${Math.round(part * 100)} %`;
