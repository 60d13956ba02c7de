/** DNG: uncompressed ones are decoded here whole; for compressed ones this says what the tags know. */

import { exifFields } from '../exif.ts';
import type { FrameFields, FrameInit, Keyword } from '../frame.ts';
import type { Tiff, TiffDirectory } from '../tiff/directories.ts';
import { type Layout, layoutOf, requireWhole } from '../tiff/layout.ts';
import { type Area, obstacle, readSamples } from '../tiff/samples.ts';
import { photometric, tags } from '../tiff/tags.ts';
import { activeArea, bayerOf, colourMatrixOf, levelsOf, whiteBalanceOf } from './levels.ts';

export interface Dng {
  layout: Layout;
  area: Area;
  /** LinearizationTable: stored to linear. */
  curve: number[] | null;
  /** All fields of the frame but its pixels and their size. */
  fields: Partial<FrameFields>;
}

/** The directory that holds the sensor's samples: the largest of full size with a mosaic or linear raw data; null for none. */
export function rawDirectory(tiff: Tiff): TiffDirectory | null {
  const size = (directory: TiffDirectory) =>
    (directory.number(tags.imageWidth) ?? 0) * (directory.number(tags.imageLength) ?? 0);
  const candidates = tiff.directories.filter((directory) => {
    const kind = directory.number(tags.photometric);
    return kind === photometric.cfa || kind === photometric.linearRaw;
  });
  const full = candidates.filter((directory) => (directory.number(tags.newSubfileType) ?? 0) === 0);
  const [largest = null] = (full.length ? full : candidates).sort((a, b) => size(b) - size(a));
  return largest;
}

/** @throws bad-input for damage and for a file that holds only a header, unsupported for other patterns than Bayer's. */
export function describeDng(tiff: Tiff, directory: TiffDirectory): Dng {
  const layout = layoutOf(tiff, directory);
  requireWhole(tiff, layout);
  const curve = directory.numbers(tags.linearizationTable);
  const { keywords, ...levels } = levelsOf(directory, layout, curve);
  const exif = exifFields(tiff);
  return {
    layout,
    area: activeArea(tiff, directory, layout),
    curve,
    fields: {
      ...exif,
      ...levels,
      bayer: bayerOf(tiff, directory, layout),
      whiteBalance: whiteBalanceOf(tiff),
      colourMatrix: colourMatrixOf(tiff),
      source: tiff.source.name,
      keywords: [...exif.keywords, ...keywords, blackFrom('tags')],
    },
  };
}

/** @returns null when the samples are compressed or packed in a way that LibRaw has to read. */
export function decodeDng(tiff: Tiff, dng: Dng): FrameInit | null {
  if (obstacle(dng.layout)) return null;
  const { area, layout, curve, fields } = dng;
  const samples = readSamples(tiff, layout, area, curve);
  const channels = layout.samplesPerPixel === 3 ? 3 : 1;
  return { ...fields, ...samples, width: area.width, height: area.height, channels };
}

/** Tells a reader of the frame how far its black level can be trusted. */
export const blackFrom = (value: 'tags' | 'LibRaw' | 'unknown'): Keyword => ({
  name: 'BLACKSRC',
  value,
  comment: 'where the black level comes from',
});
