/** Plain TIFF pictures without compression: 8 and 16 bit, 32-bit float, grey or RGB, exactly as they stand. */
import type { BayerPattern, FrameInit } from '../frame.ts';
import type { Tiff, TiffDirectory } from './directories.ts';
import { layoutOf } from './layout.ts';
import { obstacle, readSamples } from './samples.ts';
import { photometric, tags } from './tags.ts';

/**
 * 8-bit samples are taken to carry a display gamma, as a TIFF for the eye does; deeper ones are linear, as astronomers write them.
 * @returns null for compressed and unusual ones, which sharp reads. @throws bad-input for damage.
 */
export function decodePlainTiff(tiff: Tiff): FrameInit | null {
  const directory = tiff.directories.find((candidate) => ((candidate.number(tags.newSubfileType) ?? 0) & 1) === 0);
  if (!directory?.has(tags.imageWidth)) return null;
  const layout = layoutOf(tiff, directory);
  const channels = layout.photometric === photometric.rgb ? 3 : 1;
  if (channels === 1 && layout.photometric !== photometric.blackIsZero) return null;
  if (obstacle(layout) || channels !== layout.samplesPerPixel || (!layout.float && layout.bits % 8 !== 0)) return null;
  const { width, height } = layout;
  const samples = readSamples(tiff, layout, { left: 0, top: 0, width, height });
  const bayer = channels === 1 ? bayerTag(directory) : null;
  return {
    ...samples,
    ...levelTags(directory),
    bayer,
    width,
    height,
    channels,
    transfer: samples.pixelType === 'u8' ? 'srgb' : 'linear',
  };
}

/** Levels and pattern as our own TIFF files carry them, in DNG's tags. */
function levelTags(directory: TiffDirectory): Partial<FrameInit> {
  const black = directory.number(tags.blackLevel);
  const white = directory.number(tags.whiteLevel);
  return {
    ...(black !== null && Number.isFinite(black) ? { blackLevel: black } : {}),
    ...(white !== null && white > 0 && Number.isFinite(white) ? { whiteLevel: white } : {}),
  };
}

function bayerTag(directory: TiffDirectory): BayerPattern | null {
  const pattern = [...(directory.bytes(tags.cfaPattern) ?? [])].map((cell) => 'RGB'[cell]).join('');
  return /^(RGGB|BGGR|GRBG|GBRG)$/.test(pattern) ? (pattern as BayerPattern) : null;
}
