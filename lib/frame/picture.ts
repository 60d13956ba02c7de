/** JPEG, PNG and compressed TIFF in, through sharp: its threads decode, a worker lays the samples out. */
import { job, sharedPool } from '../kernels/pool.ts';
import { NightflowError, throwIfAborted } from '../process/errors.ts';
import { damagedRemedy } from './damaged.ts';
import { Frame, type FrameFields, type PixelType } from './frame.ts';
import type { PlanesInput } from './picture.job.ts';

/** More pixels than any JPEG camera or mosaic here; sharp's own limit. */
const maximumPicturePixels = 0x3fff ** 2;

const planes = job<PlanesInput, SharedArrayBuffer>(new URL('./picture.job.ts', import.meta.url), 'planes');

/**
 * Grey stays one channel, colour becomes three planes, transparency is dropped. JPEG and 8-bit pictures carry a display gamma
 * ('srgb'); 16 bit and float are linear.
 * @param file Its path, or its bytes and what errors call them.
 * @throws bad-input for damage and for a picture too large; unsupported; aborted.
 */
export async function readPicture(
  file: string | { name: string; bytes: Buffer },
  format: 'jpeg' | 'png' | 'tiff',
  known: Partial<FrameFields>,
  signal?: AbortSignal,
): Promise<Frame> {
  const { default: sharp } = await import('sharp');
  const path = typeof file === 'string' ? file : file.name;
  try {
    const open = () =>
      sharp(typeof file === 'string' ? file : file.bytes, {
        limitInputPixels: maximumPicturePixels,
        failOn: 'error',
        ignoreIcc: format === 'tiff',
      });
    const { channels: bands = 0, hasAlpha = false, depth, space = '' } = await open().metadata();
    throwIfAborted(signal);
    const pixelType: PixelType = depth === 'float' || depth === 'double' ? 'f32' : depth === 'ushort' ? 'u16' : 'u8';
    const channels: 1 | 3 = bands - (hasAlpha ? 1 : 0) === 1 ? 1 : 3;
    if (pixelType === 'f32' && channels === 3 && space !== 'scrgb')
      throw new NightflowError('unsupported', `${path} is a compressed float TIFF in colour, which can't be read.`, {
        remedy: 'Save it without compression, or as FITS.',
      });
    const { data, info } = await open()
      .removeAlpha()
      .toColourspace(colourspace(pixelType, channels))
      .raw({ depth: pixelType === 'f32' ? 'float' : pixelType === 'u16' ? 'ushort' : 'uchar' })
      .toUint8Array();
    throwIfAborted(signal);
    const { width, height } = info;
    if (info.channels < channels)
      throw new NightflowError('unsupported', `${path} has ${bands} samples a pixel, which can't be read.`, {
        remedy: 'Save it as grey or RGB.',
      });
    const interleaved = data.buffer as ArrayBuffer;
    const input = { interleaved, from: data.byteOffset, width, height, bands: info.channels, channels, pixelType };
    const pixels = await sharedPool().run(planes, input, { signal, transfer: [interleaved] });
    const transfer = pixelType === 'u8' ? 'srgb' : 'linear';
    return new Frame({ ...known, data: pixels, width, height, channels, pixelType, transfer });
  } catch (error) {
    if (error instanceof NightflowError) throw error;
    const text = (error as Error).message.trim().split('\n')[0];
    throw new NightflowError('bad-input', `${path} can't be read as ${format.toUpperCase()}: ${text}.`, {
      remedy: damagedRemedy,
      cause: error,
    });
  }
}

function colourspace(pixelType: PixelType, channels: 1 | 3): string {
  if (pixelType === 'u16') return channels === 1 ? 'grey16' : 'rgb16';
  if (channels === 1) return 'b-w';
  return pixelType === 'f32' ? 'scrgb' : 'srgb';
}
