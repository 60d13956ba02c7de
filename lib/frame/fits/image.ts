/** Reads the picture of a FITS file into the fields of a Frame. Runs in a worker. */

import { scratch } from '../../kernels/wasm.ts';
import { NightflowError } from '../../process/errors.ts';
import { damagedRemedy } from '../damaged.ts';
import { Frame, type FrameFields, type FrameInit, maximumPixels } from '../frame.ts';
import { FitsHeader } from './cards.ts';
import { type Decoded, decodeImage, type RawImage, type RawSource } from './decode.ts';
import { fieldsOf, keptKeywords, levelsOf } from './fields.ts';
import { type OpenFile, readExactly } from './file.ts';
import { type FitsHdu, walkHdus } from './hdus.ts';
import { bayerOf, flipWorldCoordinates, isBottomUp } from './orientation.ts';
import { readTiles } from './tiles.ts';

/** The picture of unit `wanted` (0 is the primary), or of the first unit that has one. */
export function readImage(file: OpenFile, wanted?: number, spare?: SharedArrayBuffer): FrameFields {
  const hdu = findImage(file, wanted);
  const image = openImage(file, hdu);
  const decoded = decodeImage(image.raw, image.source, scratch(), spare);
  return { ...new Frame({ ...frameHeader(file, hdu, image, decoded), data: decoded.data }) };
}

/** All of the Frame but its pixels. */
export function frameHeader(
  file: OpenFile,
  hdu: FitsHdu,
  { raw, header }: OpenImage,
  decoded: Omit<Decoded, 'data'>,
): Omit<FrameInit, 'data'> {
  const kept = keptKeywords(hdu.keywords, hdu.compressed);
  const white = decoded.maximum === null ? {} : { whiteLevel: floatWhite(decoded.maximum) };
  return {
    ...fieldsOf(header),
    width: raw.width,
    height: raw.height,
    channels: raw.planes,
    bayer: raw.planes === 1 ? bayerOf(header, raw.height, raw.flip) : null,
    pixelType: decoded.pixelType,
    precisionLost: decoded.precisionLost,
    source: file.path,
    keywords: raw.flip ? flipWorldCoordinates(kept, raw.height) : kept,
    ...white,
    ...present(levelsOf(header)),
  };
}

/** The unit to read. @throws bad-input when there is none, or the one asked for has no picture. */
export function findImage(file: OpenFile, wanted?: number): FitsHdu {
  let units = 0;
  for (const hdu of walkHdus(file)) {
    units++;
    if (wanted === undefined ? hasPicture(hdu) : hdu.index === wanted) {
      if (hasPicture(hdu)) return hdu;
      throw new NightflowError(
        'bad-input',
        `Unit ${wanted} of ${file.path} (${hdu.type}, ${hdu.axes.length} axes) holds no picture.`,
        { remedy: 'Leave the number out to get the first picture.' },
      );
    }
  }
  throw new NightflowError(
    'bad-input',
    wanted === undefined
      ? `${file.path} holds no picture in its ${units} unit${units === 1 ? '' : 's'}.`
      : `${file.path} has no unit ${wanted}: there are ${units}, counted from 0.`,
    { remedy: wanted === undefined ? 'Choose a file with an image.' : 'Choose a smaller number.' },
  );
}

const hasPicture = ({ type, axes, compressed }: FitsHdu) =>
  (type === 'PRIMARY' || type === 'IMAGE' || compressed) && axes.length >= 2 && axes.every((axis) => axis > 0);

export interface OpenImage {
  raw: RawImage;
  source: RawSource;
  header: FitsHeader;
}

/** Shape, scale and samples of a unit; the data's length is checked against the file's first. */
export function openImage(file: OpenFile, hdu: FitsHdu): OpenImage {
  const header = new FitsHeader(hdu.keywords);
  const { width, height, planes } = shapeOf(file, hdu);
  if (hdu.truncated)
    throw new NightflowError(
      'bad-input',
      `${file.path} ends too early: a picture of ${hdu.axes.join(' x ')} samples takes ${hdu.dataBytes} bytes from byte ${hdu.dataOffset} on, the file has ${file.size}.`,
      { remedy: damagedRemedy },
    );
  const raw: RawImage = {
    width,
    height,
    planes,
    bitpix: hdu.bitpix,
    zero: header.number('BZERO') ?? 0,
    scale: header.number('BSCALE') ?? 1,
    blank: hdu.bitpix > 0 ? (header.number('BLANK') ?? (hdu.compressed ? header.number('ZBLANK') : null)) : null,
    flip: isBottomUp(header),
  };
  const source: RawSource = hdu.compressed
    ? fromMemory(readTiles(file, hdu, header))
    : (target, at, length, offset) => readExactly(file, target, at, length, hdu.dataOffset + offset);
  return { raw, source, header };
}

const fromMemory =
  (bytes: Buffer): RawSource =>
  (target, at, length, offset) => {
    bytes.copy(target, at, offset, offset + length);
  };

/** NAXIS3 of 3 is R, G, B; further axes must be 1. */
function shapeOf(file: OpenFile, hdu: FitsHdu): Pick<RawImage, 'width' | 'height' | 'planes'> {
  const [width, height, planes = 1, ...further] = hdu.axes as [number, number, number?, ...number[]];
  if ((planes !== 1 && planes !== 3) || further.some((axis) => axis !== 1))
    throw new NightflowError(
      'bad-input',
      `${file.path} holds ${hdu.axes.slice(2).join(' x ')} planes of ${width} x ${height}: a picture has one, or three for red, green and blue.`,
      { remedy: 'Split the cube into single pictures first.' },
    );
  if (width * height * planes > maximumPixels)
    throw new NightflowError(
      'bad-input',
      `The header of ${file.path} claims ${width} x ${height} x ${planes} samples.`,
      { remedy: damagedRemedy },
    );
  return { width, height, planes };
}

/** Float pictures of stacking programs run to 1; others keep ADU. */
function floatWhite(maximum: number): number {
  if (!(maximum > 1)) return 1;
  return maximum <= 65535 ? 65535 : Number.isFinite(maximum) ? maximum : 65535;
}

function present<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
