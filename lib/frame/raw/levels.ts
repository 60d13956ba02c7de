/** Black, white, colour pattern and colour of a DNG, from its tags (DNG 1.7, chapter 4). */
import { NightflowError } from '../../process/errors.ts';
import { damagedRemedy } from '../damaged.ts';
import type { BayerPattern, Keyword } from '../frame.ts';
import type { Tiff, TiffDirectory } from '../tiff/directories.ts';
import type { Layout } from '../tiff/layout.ts';
import type { Area } from '../tiff/samples.ts';
import { photometric, tags } from '../tiff/tags.ts';

export interface Levels {
  blackLevel: number;
  whiteLevel: number;
  keywords: Keyword[];
}

/** D65 as a DNG CalibrationIlluminant (EXIF LightSource). */
const d65 = 21;

/**
 * One black for the frame: the mean of the repeated pattern and of the deltas per row and column. Where the sites differ,
 * their levels stand in BLACK1, BLACK2, … in the order of the pattern.
 */
export function levelsOf(directory: TiffDirectory, layout: Layout, curve: readonly number[] | null): Levels {
  const black = (directory.numbers(tags.blackLevel) ?? []).filter(Number.isFinite);
  const deltas = [tags.blackLevelDeltaH, tags.blackLevelDeltaV].map((tag) =>
    mean((directory.numbers(tag) ?? []).filter(Number.isFinite)),
  );
  const most = curve ? Math.max(...curve) : layout.float ? 1 : 2 ** layout.bits - 1;
  const white = directory.number(tags.whiteLevel);
  const sitesDiffer = black.length <= 64 && new Set(black).size > 1;
  return {
    blackLevel: mean(black) + deltas[0]! + deltas[1]!,
    whiteLevel: white !== null && Number.isFinite(white) && white > 0 ? white : most,
    keywords: sitesDiffer
      ? black.map((value, i) => ({
          name: `BLACK${i + 1}`,
          value,
          comment: '[adu] black level of a site of the pattern',
        }))
      : [],
  };
}

/** The sensor's lit pixels, or all. @throws bad-input when they are not inside the picture. */
export function activeArea(tiff: Tiff, directory: TiffDirectory, layout: Layout): Area {
  const [top, left, bottom, right] = directory.numbers(tags.activeArea) ?? [0, 0, layout.height, layout.width];
  const area = { left: left!, top: top!, width: right! - left!, height: bottom! - top! };
  if (
    !(
      left! >= 0 &&
      top! >= 0 &&
      area.width > 0 &&
      area.height > 0 &&
      right! <= layout.width &&
      bottom! <= layout.height
    )
  )
    throw new NightflowError(
      'bad-input',
      `${tiff.source.name} can't be read: its active area (${[top, left, bottom, right].join(', ')}) is not inside its ${layout.width} x ${layout.height} pixels.`,
      { remedy: damagedRemedy },
    );
  return area;
}

/**
 * The pattern at the top left of the active area: that is where DNG counts CFAPattern from, so cropping to it changes nothing.
 * @returns null for a picture without mosaic. @throws unsupported for anything but red, green and blue in 2 x 2.
 */
export function bayerOf(tiff: Tiff, directory: TiffDirectory, layout: Layout): BayerPattern | null {
  if (layout.photometric !== photometric.cfa) return null;
  const size = directory.numbers(tags.cfaRepeatPatternDim) ?? [2, 2];
  const planes = directory.bytes(tags.cfaPlaneColour) ?? Buffer.of(0, 1, 2);
  const cells = [...(directory.bytes(tags.cfaPattern) ?? [])];
  const pattern = cells.map((cell) => 'RGB'[cell] ?? '?').join('');
  const known = /^(RGGB|BGGR|GRBG|GBRG)$/.test(pattern);
  const rectangular = (directory.number(tags.cfaLayout) ?? 1) === 1;
  if (!known || !rectangular || size.join() !== '2,2' || [...planes].join() !== '0,1,2')
    throw new NightflowError(
      'unsupported',
      `${tiff.source.name} has a colour pattern of ${size.join(' x ')} (${pattern || 'none'}); only the 2 x 2 of red, green and blue can be read.`,
      { remedy: 'Convert it to a linear DNG or a TIFF with the program of its maker.' },
    );
  return pattern as BayerPattern;
}

/** XYZ to camera for D65: the matrix whose illuminant it is, else the second, else the first. */
export function colourMatrixOf(tiff: Tiff): number[] | null {
  const matrix = (tag: number) => {
    const values = numbersAnywhere(tiff, tag);
    return values?.length === 9 && values.every(Number.isFinite) ? values : null;
  };
  const first = matrix(tags.colourMatrix1);
  const firstIsD65 = numbersAnywhere(tiff, tags.calibrationIlluminant1)?.[0] === d65;
  return (firstIsD65 ? first : null) ?? matrix(tags.colourMatrix2) ?? first;
}

/** AsShotNeutral is the colour of grey; its inverse makes it grey. */
export function whiteBalanceOf(tiff: Tiff): [number, number, number] | null {
  const neutral = numbersAnywhere(tiff, tags.asShotNeutral);
  if (neutral?.length !== 3 || !neutral.every((value) => value > 0 && Number.isFinite(value))) return null;
  return [neutral[1]! / neutral[0]!, 1, neutral[1]! / neutral[2]!];
}

function numbersAnywhere(tiff: Tiff, tag: number): number[] | null {
  return tiff.directories.find((directory) => directory.has(tag))?.numbers(tag) ?? null;
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
