/** The samples of a FITS image, big-endian and in the file's row order, to the pixels of a Frame. */
import type { Scratch } from '../../kernels/wasm.ts';
import { allocatePixels, bytesPerSample, type PixelType } from '../frame.ts';

export interface RawImage {
  width: number;
  height: number;
  planes: 1 | 3;
  bitpix: number;
  /** Physical value = zero + scale x raw. */
  zero: number;
  scale: number;
  /** Raw integer of a pixel without a value, or null. */
  blank: number | null;
  /** The file's first row is the bottom one. */
  flip: boolean;
}

export interface Decoded {
  data: SharedArrayBuffer;
  pixelType: PixelType;
  precisionLost: boolean;
  /** Largest value of a float picture; null for integers. */
  maximum: number | null;
}

/** Puts `length` raw bytes from byte `offset` of the image at `at` of `target`. */
export type RawSource = (target: Buffer, at: number, length: number, offset: number) => void;

/** Bytes that are worked on at once: they stay in the second-level cache between the passes. */
export const blockTarget = 256 * 1024;

/**
 * Decodes all planes. 8 and 16-bit integers stay integers where nothing is lost: u8; u16 for BZERO 32768, and for signed
 * 16 bit that has no negative sample. With BLANK pixels, another scale or another type the result is f32 (NaN for BLANK).
 * The pixels lie in `spare` where that is of their size.
 */
export function decodeImage(image: RawImage, source: RawSource, scratch: Scratch, spare?: SharedArrayBuffer): Decoded {
  return asIntegers(image, source, scratch, spare) ?? asFloats(image, source, scratch, spare);
}

/** Null when the samples turn out not to fit. */
function asIntegers(image: RawImage, source: RawSource, scratch: Scratch, spare?: SharedArrayBuffer): Decoded | null {
  const { bitpix, zero, scale, blank } = image;
  if (scale !== 1) return null;
  if (bitpix === 8 && zero === 0)
    return decodeRows(image, 'u8', source, scratch, spare, (_target, at, count) =>
      blank !== null && scratch.bytes.subarray(at, at + count).includes(blank) ? null : at,
    );
  if (bitpix !== 16 || (zero !== 32768 && zero !== 0)) return null;
  const sign = zero === 0 ? 0 : 0x8000;
  return decodeRows(image, 'u16', source, scratch, spare, (_target, at, count) => {
    if (blank !== null && scratch.kernels.fitsHasI16!(at, count, blank)) return null;
    const seen = scratch.kernels.fitsU16!(at, at, count, sign);
    return sign === 0 && seen & 0x8000 ? null : at;
  });
}

function asFloats(image: RawImage, source: RawSource, scratch: Scratch, spare?: SharedArrayBuffer): Decoded {
  const { bitpix, zero, scale, blank } = image;
  const kernel = scratch.kernels[scaledKernels[bitpix]!]!;
  const plain = bitpix === -32 && zero === 0 && scale === 1;
  let maximum = -Infinity;
  const decoded = decodeRows(image, 'f32', source, scratch, spare, (target, at, count) => {
    const largest = plain
      ? scratch.kernels.fitsF32!(target, at, count)
      : kernel(target, at, count, scale, zero, bitpix > 0 ? (blank ?? Number.NaN) : Number.NaN);
    if (largest > maximum) maximum = largest;
    return target;
  })!;
  return { ...decoded, maximum, precisionLost: bitpix === 32 || bitpix === 64 || bitpix === -64 };
}

/** By BITPIX. */
export const scaledKernels: Record<number, string> = {
  8: 'fitsScaledU8',
  16: 'fitsScaledI16',
  32: 'fitsScaledI32',
  64: 'fitsScaledI64',
  [-32]: 'fitsScaledF32',
  [-64]: 'fitsScaledF64',
};

/** Decodes `count` raw samples at `at`; answers where the result lies (`target` is free memory), null when it gives up. */
type DecodeBlock = (target: number, at: number, count: number) => number | null;

function decodeRows(
  image: RawImage,
  pixelType: PixelType,
  source: RawSource,
  scratch: Scratch,
  spare: SharedArrayBuffer | undefined,
  decode: DecodeBlock,
): Decoded | null {
  const { width, height, planes, flip } = image;
  const bytes = width * height * planes * bytesPerSample[pixelType];
  const data = spare?.byteLength === bytes ? spare : allocatePixels(width, height, planes, pixelType);
  const pixels = Buffer.from(data as unknown as ArrayBuffer);
  const rawBytes = Math.abs(image.bitpix) / 8;
  const size = bytesPerSample[pixelType];
  const all = width * height * planes;
  // Whole rows of one plane where they are turned, otherwise blocks that stay aligned whatever the width.
  const rowsAtOnce = Math.max(1, Math.min(height, Math.floor(blockTarget / rawBytes / width)));
  const samplesAtOnce = flip ? rowsAtOnce * width : Math.min(all, blockTarget / rawBytes);
  scratch.reset();
  const raw = scratch.take(samplesAtOnce * rawBytes);
  const target = scratch.take(samplesAtOnce * size);
  for (let first = 0; first < all; ) {
    const row = Math.floor(first / width) % height;
    const count = flip ? Math.min(rowsAtOnce, height - row) * width : Math.min(samplesAtOnce, all - first);
    source(scratch.bytes, raw, count * rawBytes, first * rawBytes);
    const at = decode(target, raw, count);
    if (at === null) return null;
    if (!flip) scratch.bytes.copy(pixels, first * size, at, at + count * size);
    else
      for (let i = 0; i < count; i += width) {
        // Row r of the plane becomes row height - 1 - r.
        const to = first - row * width + (height - 1 - row) * width - i;
        scratch.bytes.copy(pixels, to * size, at + i * size, at + (i + width) * size);
      }
    first += count;
  }
  return { data, pixelType, precisionLost: false, maximum: null };
}
