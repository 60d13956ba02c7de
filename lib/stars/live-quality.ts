/** What a frame is worth to a stack: its weight, or the reason why it is better left out. */
import type { StarMeasurement } from './measurement.ts';
import { fewestStars } from './register-match.ts';
import { type StarTable, starFlag } from './star-table.ts';

/** Why a frame was left out. */
export interface LeftOut {
  code: 'no-stars' | 'no-match' | 'clouds' | 'trailed' | 'blurred';
  text: string;
}

/** What is kept of the frames that were taken, to compare the next with. */
export interface Typical {
  count: number;
  /** Light of the star of rank `brightnessRank`, ADU: what clouds take from. */
  brightness: number;
  brightnessRank: number;
  fwhm: number | null;
  eccentricity: number | null;
  noise: number;
}

/** Stars or light below this part of the usual: clouds. */
const clouded = 0.3;
/** The star whose light is compared, from the brightest: bright ones saturate, faint ones come and go. */
const brightnessRank = 20;
/** Times the usual FWHM: out of focus, dew, or knocked. */
const blurredFwhm = 1.8;
/** Stars longer than this (axis ratio below 0.5), and clearly longer than usual: the mount or the wind. */
const trailedEccentricity = 0.87;
const trailedMore = 0.15;
/** Part of the stars that are flagged as trails. */
const elongatedStars = 0.5;
/** No frame counts for more or less than this many times another. */
const heaviest = 4;

/** Why the frame is left out, or null. @param typical Of the frames before; null for the first. */
export function faultOf(measurement: StarMeasurement, typical: Typical | null): LeftOut | null {
  const { count, fwhm, eccentricity, stars, reason } = measurement;
  if (count < fewestStars)
    return {
      code: 'no-stars',
      text: reason
        ? reason.text
        : `Only ${count === 1 ? '1 star is' : `${count} stars are`} in the frame; ${fewestStars} are needed to align by.`,
    };
  const flags = stars.flags;
  let elongated = 0;
  for (let i = 0; i < stars.count; i++) if ((flags[i]! & starFlag.elongated) !== 0) elongated++;
  const long = eccentricity ?? 0;
  const usual = typical?.eccentricity ?? 0;
  if (
    (elongated > elongatedStars * stars.count && elongated >= fewestStars) ||
    (long > trailedEccentricity && long > usual + trailedMore)
  )
    return { code: 'trailed', text: 'The stars are trailed: the mount, or the wind.' };
  if (!typical) return null;
  const light = brightnessOf(stars, typical.brightnessRank) / typical.brightness;
  if (light < clouded)
    return {
      code: 'clouds',
      text: `The stars give ${Math.round(100 * light)} % of their usual light: clouds, most likely.`,
    };
  if (count < clouded * typical.count)
    return { code: 'clouds', text: `Only ${count} stars where there were ${typical.count}: clouds, most likely.` };
  if (fwhm !== null && typical.fwhm !== null && fwhm > blurredFwhm * typical.fwhm)
    return {
      code: 'blurred',
      text: `The stars are ${fwhm.toFixed(1)} px wide where they were ${typical.fwhm.toFixed(1)} px: focus, dew or clouds.`,
    };
  return null;
}

/** The frames so far with one more in them: an average that follows slow changes. @param frames Before it. */
export function typicalWith(typical: Typical | null, measurement: StarMeasurement, frames: number): Typical {
  const { count, fwhm, eccentricity, noise, stars } = measurement;
  const rank = typical?.brightnessRank ?? Math.min(brightnessRank, Math.ceil(count / 2));
  const now = { count, brightness: brightnessOf(stars, rank), brightnessRank: rank, fwhm, eccentricity, noise };
  if (!typical) return now;
  const share = Math.max(0.1, 1 / (frames + 1));
  const mix = (a: number, b: number) => a + share * (b - a);
  const mixKnown = (a: number | null, b: number | null) => (a === null || b === null ? (a ?? b) : mix(a, b));
  return {
    count: Math.round(mix(typical.count, count)),
    brightness: mix(typical.brightness, now.brightness),
    brightnessRank: rank,
    fwhm: mixKnown(typical.fwhm, fwhm),
    eccentricity: mixKnown(typical.eccentricity, eccentricity),
    noise: mix(typical.noise, noise),
  };
}

/** The light of the star of a rank, ADU; 0 where there are fewer. */
const brightnessOf = (stars: StarTable, rank: number): number => (rank <= stars.count ? stars.flux[rank - 1]! : 0);

/**
 * The inverse variance of a star's light relative to the first frame: of its noise in the pixels that the star covers, and of the
 * light that thin clouds left.
 */
export function weightOf({ noise, fwhm, stars }: StarMeasurement, first: Typical): number {
  const quieter = noise > 0 && first.noise > 0 ? first.noise / noise : 1;
  const sharper = fwhm && first.fwhm ? first.fwhm / fwhm : 1;
  const clearer = Math.min(1, brightnessOf(stars, first.brightnessRank) / first.brightness);
  return Math.min(heaviest, Math.max(1 / heaviest, (quieter * sharper * clearer) ** 2));
}
