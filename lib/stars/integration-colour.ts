/** Colour from a mono camera's filters: each filter's files become one picture, these are laid on each other and combined. */
import { combineLuminance, combineRgb, stretchNeutral } from '../frame/combine.ts';
import type { Frame } from '../frame/frame.ts';
import { readFrame } from '../frame/read.ts';
import { warpFrame } from '../frame/warp.ts';
import { NightflowError, throwIfAborted } from '../process/errors.ts';
import { type IntegrationOptions, type IntegrationResult, integrateNight } from './integration.ts';
import { measureStars } from './measure.ts';
import { type Registration, registerStars } from './register.ts';

export const filterNames = ['luminance', 'red', 'green', 'blue'] as const;
export type FilterName = (typeof filterNames)[number];

export interface ColourOptions
  extends Omit<IntegrationOptions, 'output' | 'rejectionMaps' | 'outputType' | 'onProgress'> {
  /** How much of the luminance's lightness replaces that of the colours, 0…1; 1 when absent. */
  luminanceStrength?: number;
  /** Also a stretched picture with a grey sky. */
  stretch?: boolean;
  onProgress?: (progress: { filter: FilterName; whole: number }) => void;
}

export interface ColourResult {
  /** Linear RGB, f32, on the luminance's pixels (without one, on those of red). */
  frame: Frame;
  /** 16 bit with a grey sky; null when not asked for. */
  stretched: Frame | null;
  /** For each filter of several files what became of them. */
  filters: Partial<Record<FilterName, Omit<IntegrationResult, 'frame' | 'lowMap' | 'highMap'>>>;
  /** How each filter's picture was laid on the reference; absent for the reference itself. */
  registrations: Partial<Record<FilterName, Registration>>;
}

/**
 * RGB, or LRGB with a `luminance`. A filter with a single file (a picture integrated before) is taken as it is.
 * @throws bad-input when a colour has no file, a picture is not mono; as integrateNight and registerStars, with the filter's name.
 */
export async function integrateColour(
  files: Partial<Record<FilterName, readonly string[]>>,
  options: ColourOptions = {},
): Promise<ColourResult> {
  const { luminanceStrength = 1, stretch = false, align = 'stars', signal, onProgress, ...night } = options;
  const wanted = filterNames.filter((name) => name !== 'luminance' || (files.luminance?.length ?? 0) > 0);
  for (const name of wanted)
    if (!files[name]?.length)
      throw new NightflowError('bad-input', `There is no file for ${name}.`, {
        remedy: 'Name files for red, green and blue, and for luminance if there are any.',
      });
  const pictures: Partial<Record<FilterName, Frame>> = {};
  const filters: ColourResult['filters'] = {};
  for (const [i, name] of wanted.entries()) {
    throwIfAborted(signal);
    const progress = (part: number) => onProgress?.({ filter: name, whole: (i + part) / (wanted.length + 0.5) });
    const own = files[name]!;
    if (own.length === 1) pictures[name] = await readFrame(own[0]!, { signal });
    else {
      const result = await named(name, () =>
        integrateNight(own, { ...night, align, signal, onProgress: ({ whole }) => progress(whole) }),
      );
      const { frame, lowMap: _low, highMap: _high, ...report } = result;
      pictures[name] = frame!;
      filters[name] = report;
    }
    if (pictures[name]!.channels !== 1 || pictures[name]!.bayer)
      throw new NightflowError('bad-input', `The files for ${name} are of a colour camera.`, {
        remedy: 'Give files of a mono camera, one list for each filter.',
      });
    progress(1);
  }
  const main = wanted[0]!;
  const registrations = align === 'stars' ? await layOn(pictures, main, signal) : {};
  const { red, green, blue, luminance } = pictures;
  const rgb = await combineRgb({ red: red!, green: green!, blue: blue! }, { signal });
  const frame = luminance ? await combineLuminance(rgb, luminance, { strength: luminanceStrength, signal }) : rgb;
  const stretched = stretch ? await stretchNeutral(frame, { signal }) : null;
  onProgress?.({ filter: main, whole: 1 });
  return { frame, stretched, filters, registrations };
}

/** Moves the other pictures onto the main one. */
async function layOn(
  pictures: Partial<Record<FilterName, Frame>>,
  main: FilterName,
  signal: AbortSignal | undefined,
): Promise<ColourResult['registrations']> {
  const { width, height } = pictures[main]!;
  const reference = (await measureStars(pictures[main]!, { maximumStars: 2000, signal })).stars;
  const registrations: ColourResult['registrations'] = {};
  for (const name of filterNames) {
    const picture = pictures[name];
    if (!picture || name === main) continue;
    const { stars } = await measureStars(picture, { maximumStars: 2000, signal });
    const registration = await named(name, () =>
      registerStars(stars, reference, { width, height, moving: picture, signal }),
    );
    registrations[name] = registration;
    pictures[name] = await warpFrame(picture, registration.matrix, { width, height, signal });
  }
  return registrations;
}

/** An error of one filter names it. */
async function named<T>(name: FilterName, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof NightflowError && thrown.code !== 'aborted')
      throw new NightflowError(thrown.code, `The files for ${name}: ${thrown.message}`, {
        remedy: thrown.remedy,
        cause: thrown,
      });
    throw thrown;
  }
}
