/** Colour out of single-colour pictures: RGB from three, a luminance laid over RGB, and a stretch that makes the sky grey. */
import { job, sharedPool } from '../kernels/pool.ts';
import { NightflowError, throwIfAborted } from '../process/errors.ts';
import type { LuminanceInput, NeutralInput, RgbInput } from './combine.job.ts';
import { allocatePixels, type Frame } from './frame.ts';
import { measureFrame } from './statistics.ts';
import { autoTransfer, type Background, type MidtonesTransfer } from './stretch.ts';

export interface CombineOptions {
  signal?: AbortSignal;
}

export interface LuminanceOptions extends CombineOptions {
  /** How much of the luminance's lightness replaces that of the colours, 0…1; 1 when absent. */
  strength?: number;
  /** Brings the luminance to the background and noise of the colours' own luminance first; true when absent. */
  match?: boolean;
}

const module = new URL('./combine.job.ts', import.meta.url);
const rgbJob = job<RgbInput, void>(module, 'joinPlanes');
const luminanceJob = job<LuminanceInput, void>(module, 'replaceLightness');
const neutralJob = job<NeutralInput, void>(module, 'stretchPlanes');

/**
 * Three mono frames of one size as the planes of an RGB frame (f32; white level 1). Each is scaled from its own black and white
 * levels, so filters of different gain or bit depth fit each other.
 * @throws bad-input for a frame that is not mono, or of another size than the red one.
 */
export async function combineRgb(
  { red, green, blue }: { red: Frame; green: Frame; blue: Frame },
  { signal }: CombineOptions = {},
): Promise<Frame> {
  throwIfAborted(signal);
  const planes = { red, green, blue };
  for (const [name, frame] of Object.entries(planes)) requireMono(name, frame, red);
  const target = allocatePixels(red.width, red.height, 3, 'f32');
  await sharedPool().run(rgbJob, { target, planes: Object.values(planes).map(fieldsOf) }, { signal });
  const known = [red, green, blue];
  const times = (name: 'start' | 'end') => known.flatMap((frame) => frame[name] ?? []).sort();
  return red.with({
    data: target,
    channels: 3,
    pixelType: 'f32',
    blackLevel: 0,
    whiteLevel: 1,
    whiteBalance: null,
    colourMatrix: null,
    combined: known.reduce((sum, { combined }) => sum + combined, 0),
    start: times('start')[0] ?? null,
    end: times('end').at(-1) ?? null,
    middle: null,
    source: null,
    number: null,
  });
}

/**
 * LRGB: the lightness L* of an RGB frame is replaced by that of a luminance picture; a* and b* stay. CIE 1976 L*a*b* (CIE 15:2004)
 * of linear light with the primaries of sRGB and the white D65 (IEC 61966-2-1). Pixels that one of them has no value for become NaN.
 * @throws bad-input when the luminance is not mono or the sizes differ.
 */
export async function combineLuminance(
  colours: Frame,
  luminance: Frame,
  { strength = 1, match = true, signal }: LuminanceOptions = {},
): Promise<Frame> {
  throwIfAborted(signal);
  if (colours.channels !== 3)
    throw new NightflowError('bad-input', `${colours} is no RGB picture to lay a luminance over.`, {
      remedy: 'Combine red, green and blue first.',
    });
  requireMono('luminance', luminance, colours);
  if (!(strength >= 0 && strength <= 1))
    throw new NightflowError('bad-input', `A strength of ${strength} can't be.`, { remedy: 'Give 0 to 1.' });
  const target = allocatePixels(colours.width, colours.height, 3, 'f32');
  const input = { target, colours: fieldsOf(colours), luminance: fieldsOf(luminance), strength, match };
  await sharedPool().run(luminanceJob, input, { signal });
  return colours.with({
    data: target,
    pixelType: 'f32',
    blackLevel: 0,
    whiteLevel: 1,
    combined: colours.combined + luminance.combined,
    source: null,
  });
}

/**
 * A picture for the eye in which the sky is grey: each colour's background (its median) is brought to that of all, then one midtones
 * transfer (that of the previews, lib/frame/stretch.ts) lifts them together, so that the colours of the stars stay.
 * @returns 16 bit, with the curve in its samples (`transfer` 'srgb').
 */
export async function stretchNeutral(frame: Frame, { signal }: CombineOptions = {}): Promise<Frame> {
  throwIfAborted(signal);
  if (frame.bayer)
    throw new NightflowError('bad-input', `${frame} is a mosaic.`, { remedy: 'Debayer it before it is stretched.' });
  const { perChannel } = await measureFrame(frame, { signal });
  const range = Math.max(1e-30, frame.whiteLevel - frame.blackLevel);
  const backgrounds = perChannel.map(
    ({ median, mad }): Background => ({ median: (median - frame.blackLevel) / range, mad: mad / range }),
  );
  if (backgrounds.some(({ median }) => Number.isNaN(median)))
    throw new NightflowError('bad-input', `A colour of ${frame} has no value in any pixel.`, {
      remedy: 'Look at the single frames that it was made of.',
    });
  const mean = (of: keyof Background) => backgrounds.reduce((sum, each) => sum + each[of], 0) / backgrounds.length;
  const shared = { median: mean('median'), mad: mean('mad') };
  const transfer: MidtonesTransfer = autoTransfer(shared);
  const target = allocatePixels(frame.width, frame.height, frame.channels, 'u16');
  const shifts = backgrounds.map(({ median }) => shared.median - median);
  await sharedPool().run(neutralJob, { target, frame: fieldsOf(frame), shifts, transfer }, { signal });
  return frame.with({
    data: target,
    pixelType: 'u16',
    transfer: 'srgb',
    blackLevel: 0,
    whiteLevel: 65535,
    whiteBalance: null,
  });
}

function requireMono(name: string, frame: Frame, main: Frame): void {
  if (frame.channels !== 1 || frame.bayer)
    throw new NightflowError('bad-input', `The ${name} picture (${frame}) is not mono.`, {
      remedy: 'Give pictures of a mono camera, one for each filter.',
    });
  if (frame.width !== main.width || frame.height !== main.height)
    throw new NightflowError(
      'bad-input',
      `The ${name} picture has ${frame.width} x ${frame.height} pixels, not ${main.width} x ${main.height}.`,
      { remedy: 'Register the pictures on each other first.' },
    );
}

const fieldsOf = ({ data, width, height, channels, pixelType, blackLevel, whiteLevel }: Frame) => ({
  data,
  width,
  height,
  channels,
  pixelType,
  blackLevel,
  whiteLevel,
});
