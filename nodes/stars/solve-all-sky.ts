/** The all-sky side of astro-solve: when a picture is taken for one, what it needs, and what its message says. */
import { resolve } from 'node:path';
import type { Frame } from '../../lib/frame/frame.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import type { AllSkyRequest } from '../../lib/solve/all-sky.ts';
import type { AllSkySolution } from '../../lib/solve/all-sky-solution.ts';
import type { CameraKey } from '../../lib/solve/all-sky-store.ts';
import { AllSkyTracker, type TrackedSky } from '../../lib/solve/all-sky-tracker.ts';
import type { SolveHints } from '../../lib/solve/solver.ts';
import type { InputTable, NodeConfig } from '../inputs.ts';
import { type NodeAPI, siteOf } from '../types.ts';

export const lensInput = {
  lens: { type: 'choice', label: 'lens', choices: ['auto', 'plane', 'all-sky'], default: 'auto' },
} as const satisfies InputTable;

/** No plane picture is wider, degrees. */
const widestPlane = 100;

/** Fitted cameras of all solve nodes are one: in the user directory, so that they survive updates. */
const trackers = new Map<string, AllSkyTracker>();

export function trackerOf(RED: NodeAPI): AllSkyTracker {
  const folder = resolve(RED.settings.userDir ?? process.cwd(), 'nightflow', 'all-sky');
  const tracker = trackers.get(folder) ?? new AllSkyTracker(folder);
  trackers.set(folder, tracker);
  return tracker;
}

export const keyOf = ({ camera, width, height }: Frame): CameraKey => ({ name: camera ?? 'camera', width, height });

/** Do the hints speak of a picture that no plane can hold; null: they don't say how wide it is. */
export function isWide({ width }: Frame, { scaleLow, scaleHigh }: SolveHints): boolean | null {
  if (scaleLow === undefined || scaleHigh === undefined) return null;
  return (width * (scaleLow + scaleHigh)) / 2 / 3600 > widestPlane;
}

/**
 * The picture's site and time: of the node's site, else of the frame. In `must` mode what is missing is an error, else null.
 * @throws bad-input
 */
export function groundOf(
  RED: NodeAPI,
  config: NodeConfig,
  frame: Frame,
  must: boolean,
): Pick<AllSkyRequest, 'site' | 'milliseconds'> | null {
  const site = siteOf(RED, config.site)?.site ?? frame.site;
  const milliseconds = Date.parse(frame.middle ?? frame.start ?? '');
  if (site && !Number.isNaN(milliseconds)) return { site, milliseconds };
  if (!must) return null;
  throw site
    ? new NightflowError(
        'bad-input',
        'An all-sky picture is solved by the stars over its site, and this frame has no time.',
        {
          remedy: 'Capture sets it; in a file it is DATE-OBS, or the time of its EXIF tags.',
        },
      )
    : new NightflowError(
        'bad-input',
        'An all-sky picture is solved by the stars over its site, and nobody knows the site.',
        {
          remedy: 'Choose the site in this node.',
        },
      );
}

/** What the first output's payload says, and the status line's figures. */
export function allSkyPayload(
  { camera: _camera, kind, ...figures }: AllSkySolution,
  { first, turnedDegrees, unconfirmed }: Pick<TrackedSky, 'first' | 'turnedDegrees' | 'unconfirmed'>,
) {
  return { lens: kind, ...figures, engine: 'all-sky', firstFit: first, turnedDegrees, unconfirmed };
}

export function allSkyFigures(
  { residualPixels, matchedStars, upAzimuthDegrees }: AllSkySolution,
  seconds: number,
): Record<string, string> {
  return {
    stars: String(matchedStars),
    residual: residualPixels.toFixed(2),
    azimuth: upAzimuthDegrees.toFixed(1),
    seconds: seconds.toFixed(1),
  };
}
