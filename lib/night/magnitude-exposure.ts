/**
 * The exposure of a recording from its star's magnitude, with a calibration that a user can measure and write down: "a star of magnitude
 * m0 is bright enough with t0". Pogson's law (1856): five magnitudes are a hundredfold of light, so t = t0 · 10^(0.4 (m − m0)).
 */
import { NightflowError } from '../process/errors.ts';
import type { Target } from '../sky/target.ts';

export interface ExposureCalibration {
  /** m0. */
  magnitude: number;
  /** t0, seconds. */
  exposureSeconds: number;
  /** What the camera can do, or what still tells the event's moment well enough, seconds. */
  shortestSeconds: number;
  longestSeconds: number;
}

export interface RecordingExposure {
  seconds: number;
  from: 'list' | 'magnitude';
  /** The limit that it was moved to; null: none. */
  limited: 'shortest' | 'longest' | null;
}

/** @throws bad-input when the calibration makes no sense */
export function exposureOfMagnitude(magnitude: number, calibration: ExposureCalibration): RecordingExposure {
  checkCalibration(calibration);
  const { exposureSeconds, shortestSeconds, longestSeconds } = calibration;
  const wanted = exposureSeconds * 10 ** (0.4 * (magnitude - calibration.magnitude));
  const seconds = Number(Math.min(longestSeconds, Math.max(shortestSeconds, wanted)).toPrecision(3));
  const limited = wanted < shortestSeconds ? 'shortest' : wanted > longestSeconds ? 'longest' : null;
  return {
    seconds: limited === null ? seconds : limited === 'shortest' ? shortestSeconds : longestSeconds,
    from: 'magnitude',
    limited,
  };
}

/** What the list says stands; else what the magnitude asks for; null when the list has neither. @throws bad-input */
export function recordingExposure(
  { exposureSeconds, magnitude }: Pick<Target, 'exposureSeconds' | 'magnitude'>,
  calibration: ExposureCalibration,
): RecordingExposure | null {
  if (exposureSeconds !== undefined) return { seconds: exposureSeconds, from: 'list', limited: null };
  return magnitude === undefined ? null : exposureOfMagnitude(magnitude, calibration);
}

function checkCalibration({ magnitude, exposureSeconds, shortestSeconds, longestSeconds }: ExposureCalibration): void {
  if (!Number.isFinite(magnitude) || !(exposureSeconds > 0 && Number.isFinite(exposureSeconds)))
    throw new NightflowError(
      'bad-input',
      'The calibration of the exposure needs a magnitude and an exposure above 0 s.',
      {
        remedy: 'Record a star of known magnitude and write down the exposure that was right.',
      },
    );
  if (!(shortestSeconds > 0 && longestSeconds >= shortestSeconds))
    throw new NightflowError(
      'bad-input',
      `The shortest exposure (${shortestSeconds} s) must be above 0 and no longer than the longest (${longestSeconds} s).`,
    );
}
